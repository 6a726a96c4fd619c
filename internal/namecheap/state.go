package namecheap

import (
	"strings"

	"pmssl/internal/cert"
)

// stateOf maps a Status or ListType word (§2, §3.4), which comes in any case (§0.5). `inprogress` and `new` are those
// of old documentation.
func stateOf(word string) cert.State {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "newpurchase", "new":
		return cert.StateNew
	case "newrenewal":
		return cert.StateRenewal
	case "purchased", "inprogress", "processing", "emailsent":
		return cert.StateWaiting
	case "active", "completed":
		return cert.StateIssued
	case "replaced":
		return cert.StateReplaced
	case "purchaseerror", "technicalproblem":
		return cert.StateRefused
	case "cancelled", "canceled", "deactivated", "revoked":
		return cert.StateCancelled
	case "expired":
		return cert.StateExpired
	}
	return cert.StateUnknown
}
