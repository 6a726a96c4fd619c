package namecheap

import (
	"crypto/x509"
	"encoding/pem"
	"strconv"
	"strings"

	"pmssl/internal/sandbox/ca"
)

// getInfo returns all about one certificate (docs/reference/namecheap.md §3.3). For an unknown id
// the real API has its own spelling and a result of zeros.
func getInfo(c *call) answer {
	id := c.certificateID(10)
	if c.failed() {
		return c.refusal()
	}
	found := c.own(id)
	if found == nil {
		a := failure("2011294", "CertificateId is not valid")
		a.result = []element{node("SSLGetInfoResult").with("Years", "0").with("OrderId", "0").with("SANSCount", "0")}
		return a
	}
	s := c.server
	issued, expires := found.NotBefore, s.end(found, s.settings.Expires)
	if s.settings.Expires == MeansTerm {
		issued = found.TermStart
	}
	result := node("SSLGetInfoResult").with("Status", string(found.Status)).with("StatusDescription", found.Description).
		with("Type", s.infoType(found)).with("IssuedOn", shortDate(issued))
	if s.settings.Undocumented {
		result = result.withInt("Years", int64(found.Years))
	}
	result = result.with("Expires", shortDate(expires)).with("ActivationExpireDate", c.activationEnd(found, shortDate)).
		withInt("OrderId", found.OrderID).withInt("ReplacedBy", found.ReplacedBy)
	if s.settings.Undocumented && len(found.Domains) > 0 {
		result = result.with("validationType", string(found.Domains[0].Method))
	}
	return success(result.with("SANSCount", strconv.Itoa(s.sansCount(found))).
		plus(c.details(found), s.provider(found)))
}

// infoType returns the product's name in getInfo and getList, in lower case.
func (s *Server) infoType(c *Certificate) string {
	return strings.ToLower(s.wireName(s.productOf(c)))
}

// sansCount returns SANSCount. Whether it counts the included names is disputed (3.10).
func (s *Server) sansCount(c *Certificate) int {
	if s.settings.SANSCount == SANSPurchased {
		return c.ExtraSANs
	}
	return c.ExtraSANs + s.productOf(c).includedSANs()
}

func upper(status Status) string { return strings.ToUpper(string(status)) }

func (s *Server) provider(c *Certificate) element {
	if c.ProviderOrderID == 0 {
		return node("Provider")
	}
	name := "COMODO"
	if s.productOf(c).sslcom() {
		name = "SSLCOM"
	}
	return node("Provider", textNode("OrderID", strconv.FormatInt(c.ProviderOrderID, 10)), textNode("Name", name))
}

func (c *call) details(found *Certificate) element {
	if found.CSR == "" {
		return node("CertificateDetails")
	}
	approver := ""
	if first := found.Domains[0]; first.Method == ByEmail {
		approver = first.Approver
	}
	return node("CertificateDetails",
		c.server.pemNode("CSR", found.CSR), textNode("ApproverEmail", approver), textNode("CommonName", found.CommonName),
		node("AdministratorName"), textNode("AdministratorEmail", found.AdminEmail),
		c.certificates(found))
}

// certificates returns the element that Returncertificate requests. Without a valid Returntype, for
// which no error is documented, it is empty.
func (c *call) certificates(found *Certificate) element {
	s := c.server
	none := node("Certificates").withBool("CertificateReturned", false).with("ReturnType", "")
	wanted := strings.EqualFold(c.get("Returncertificate"), "true")
	if !wanted || found.Certificate == "" || found.Status == Cancelled || !s.settings.ReturnVetted && s.productOf(found).level != domainValidated {
		return none
	}
	leaf, _ := pem.Decode([]byte(found.Certificate))
	issuers := []*x509.Certificate{s.ca.Intermediate()}
	if s.settings.ReturnRoot {
		issuers = append(issuers, s.ca.Root())
	}
	switch strings.ToLower(c.get("Returntype")) {
	case "individual":
		chain := node("CaCertificates")
		for _, issuer := range issuers {
			chain = chain.plus(node("Certificate", s.pemNode("Certificate", ca.EncodePEM(issuer))).with("Type", "INTERMEDIATE"))
		}
		if s.settings.ExtraPEM != "" {
			chain = chain.plus(node("Certificate", s.pemNode("Certificate", s.settings.ExtraPEM)).with("Type", "INTERMEDIATE"))
		}
		own := found.Certificate
		if s.settings.CutLeaf {
			own = ca.CutPEM(own)
		}
		return node("Certificates", s.pemNode("Certificate", own), chain).
			withBool("CertificateReturned", true).with("ReturnType", "INDIVIDUAL")
	case "pkcs7":
		bundle, err := degeneratePKCS7(leaf.Bytes, issuers...)
		if err != nil {
			return none
		}
		return node("Certificates", s.pemNode("Certificate", bundle)).
			withBool("CertificateReturned", true).with("ReturnType", "PKCS7")
	}
	return none
}

// pemNode returns a PEM text in CDATA, with white space around it as in the documented example.
func (s *Server) pemNode(name, text string) element {
	written := cdataNode(name, strings.TrimSpace(text))
	written.padded = s.settings.PEMWhitespace
	return written
}
