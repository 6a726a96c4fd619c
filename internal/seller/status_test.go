package seller_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"pmssl/internal/seller"
)

func TestKindsOfPurchase(t *testing.T) {
	assert.Equal(t, []string{"create", "renew", "sans", "order", "prolong"},
		[]string{seller.KindCreate, seller.KindRenew, seller.KindSANs, seller.KindOrder, seller.KindProlong})
}

func TestStates(t *testing.T) {
	for _, c := range []struct {
		state              seller.State
		word               string
		ended, activatable bool
	}{
		{seller.StateUnknown, "unknown", false, false},
		{seller.StateNew, "new", false, true},
		{seller.StateRenewal, "new renewal", false, true},
		{seller.StateWaiting, "waiting", false, false},
		{seller.StateIssued, "issued", false, false},
		{seller.StateReplaced, "replaced", false, false},
		{seller.StateRefused, "refused", true, false},
		{seller.StateCancelled, "cancelled", true, false},
		{seller.StateExpired, "expired", true, false},
		{seller.State(99), "unknown", false, false},
	} {
		assert.Equal(t, c.word, c.state.String())
		assert.Equal(t, c.ended, c.state.Ended(), c.word)
		assert.Equal(t, c.activatable, c.state.Activatable(), c.word)
	}
}

func TestLevels(t *testing.T) {
	assert.Equal(t, "DV OV EV unknown level", fmt.Sprint(seller.DV)+" "+fmt.Sprint(seller.OV)+" "+fmt.Sprint(seller.EV)+" "+fmt.Sprint(seller.Level(0)))
}
