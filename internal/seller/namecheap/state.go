package namecheap

import (
	"strings"

	"pmssl/internal/seller"
)

// stateOf returns the state for a Status or ListType (docs/reference/namecheap.md §2, §3.4), in upper or lower case
// (docs/reference/namecheap.md §0.5). `inprogress` and `new` are from old documentation.
func stateOf(word string) seller.State {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "newpurchase", "new":
		return seller.StateNew
	case "newrenewal":
		return seller.StateRenewal
	case "purchased", "inprogress", "processing", "emailsent":
		return seller.StateWaiting
	case "active", "completed":
		return seller.StateIssued
	case "replaced":
		return seller.StateReplaced
	case "purchaseerror", "technicalproblem":
		return seller.StateRefused
	case "cancelled", "canceled", "deactivated", "revoked":
		return seller.StateCancelled
	case "expired":
		return seller.StateExpired
	}
	return seller.StateUnknown
}
