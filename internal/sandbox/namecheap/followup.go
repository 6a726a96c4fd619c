package namecheap

import "pmssl/internal/sandbox/ca"

// resendApproverEmail sends the mail again or, with the other methods, makes the authority check
// again (docs/reference/namecheap.md §3.9).
func resendApproverEmail(c *call) answer {
	found := c.target(10)
	switch {
	case found == nil:
		return c.refusal()
	case found.Status != Purchased:
		return failure("2011331", "Status is invalid")
	}
	found.Looks.Asked = true
	c.server.issueDue(found, c.now)
	return success(isSuccess("SSLResendApproverEmailResult", found.ID))
}

// resendFulfillmentEmail mails the issued certificate again (3.9).
func resendFulfillmentEmail(c *call) answer {
	found := c.target(10)
	switch {
	case found == nil:
		return c.refusal()
	case found.Status != Active:
		return failure("2011331", "Status is invalid")
	case found.AdminEmail == "":
		return failure("3011299", "There is no administrator email address for this certificate.")
	}
	return success(isSuccess("SSLResendFulfillmentEmailResult", found.ID))
}

// revokeCertificate revokes a certificate that was replaced by a reissue (3.11): the reason superseded is inferred.
func revokeCertificate(c *call) answer {
	c.check(field{"CertificateType", "300", 50, true})
	found := c.target(10)
	switch {
	case c.failed():
		return c.refusal()
	case found.Status != Replaced || found.Revoked:
		return failure("4011331", "Status is invalid")
	case !c.server.sameProduct(c.get("CertificateType"), c.server.productOf(found), c.now):
		return failure("2011300", "Wrong SSL certificate selection. The type provided is not supported by command.")
	}
	if err := c.server.RevokeForOrder(c.now, ca.Superseded, found.Serial); err != nil {
		return unhandled(err)
	}
	found.Revoked = true
	return success(node("RevokeCertificateResult").withBool("IsSuccess", true).withInt("ID", found.ID))
}
