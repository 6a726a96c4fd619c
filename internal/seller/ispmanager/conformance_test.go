package ispmanager_test

import (
	"testing"
	"time"

	"pmssl/internal/seller/ispmanager"
	"pmssl/internal/seller/sellertest"
)

// TestConformsToSeller runs the conformance suite of sellers against the stand-in of the remote billing.
func TestConformsToSeller(t *testing.T) {
	standIn := sellertest.Program{
		Name: "sandbox-ispmgr", Secret: "password",
		Connection: func(at sellertest.Addresses) map[string]string {
			return map[string]string{"url": at.API, "username": at.Account["user"], "password": at.Account["password"]}
		},
		Requests: map[sellertest.Request]sellertest.Command{
			sellertest.Buy:     {Name: "certificate.order.param", Counter: "certificate.order.param sok", Submit: true},
			sellertest.Renew:   {Name: "service.prolong", Counter: "service.prolong sok", Submit: true},
			sellertest.Reissue: {Name: "certificate.reissue", Counter: "certificate.reissue sok", Submit: true},
		},
		Refusal: map[string]any{"kind": "error", "type": "value", "object": "csr", "text": "Invalid CSR."},
	}
	sellertest.Run(t, sellertest.Subject{
		Info: ispmanager.Info, Product: "positivessl", Months: 12,
		OrderParams: map[string]string{
			"adm_fname": "Ada", "adm_lname": "Client", "adm_jtitle": "Owner", "adm_email": "owner@example.org", "adm_phone": "+4930123456",
			"tech_fname": "Ada", "tech_lname": "Client", "tech_jtitle": "Owner", "tech_email": "owner@example.org", "tech_phone": "+4930123456",
		},
		WrongLogin: map[string]string{"password": "not-the-password-of-anybody"},
		RenewAfter: 350 * 24 * time.Hour,
		Open:       standIn.Build(t),
	})
}
