package command_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/seller"
)

// keepingSeller is a fakeSeller that keeps its balance.
type keepingSeller struct {
	*fakeSeller
	kept  string // empty if none is known
	price float64
	asked int // Balance
}

func (s *keepingSeller) KeptBalance() (seller.Money, bool) {
	amount, known := seller.ParseBalance(s.kept)
	return seller.Money{Amount: amount, Text: s.kept, Currency: "USD"}, known
}

func (s *keepingSeller) Balance(ctx context.Context) (seller.Money, error) {
	s.asked++
	return s.fakeSeller.Balance(ctx)
}

func (s *keepingSeller) Price(context.Context, seller.Purchase) (seller.Money, bool) {
	return seller.Money{Amount: s.price, Text: "9.00", Currency: "USD"}, s.price > 0
}

// thresholdPanel is a panel whose module has a minimal balance.
type thresholdPanel struct {
	*fakePanel
	threshold string
}

func (p thresholdPanel) ModuleParams(context.Context, int64) (map[string]string, error) {
	return map[string]string{"username": "shop", "threshold": p.threshold}, nil
}

// rules BUY-8: a kept balance that suffices spares the question; any other is asked for again, and only the seller's answer refuses or
// warns.
func TestKeptBalanceNeverRefusesAPurchase(t *testing.T) {
	for _, c := range []struct {
		rule, kept, real, threshold string
		price                       float64
		asked                       int
		warns                       string
		refused                     bool
	}{
		{rule: "it suffices", kept: "50.00", real: "40.00", price: 9},
		{rule: "it suffices, whatever is left by now", kept: "50.00", real: "0.00", price: 9},
		{rule: "none is known", real: "40.00", price: 9, asked: 1},
		{rule: "it is zero and the account has money", kept: "0.00", real: "40.00", price: 9, asked: 1},
		{rule: "it is negative and the account has money", kept: "-3.00", real: "40.00", price: 9, asked: 1},
		{rule: "it is zero and so is the account", kept: "0.00", real: "0.00", price: 9, asked: 1, refused: true},
		{rule: "it is below the price and the account is not", kept: "8.00", real: "40.00", price: 9, asked: 1},
		{rule: "it is below the price and so is the account", kept: "8.00", real: "7.00", price: 9, asked: 1, warns: "holds 7.00 USD and the purchase costs 9.00 USD"},
		{rule: "it is below the threshold and the account is not", kept: "15.00", real: "40.00", threshold: "20", price: 9, asked: 1},
		{rule: "it is below the threshold and so is the account", kept: "15.00", real: "14.00", threshold: "20", price: 9, asked: 1, warns: "holds 14.00 USD, less than the minimal balance 20"},
		{rule: "the price is not known", kept: "1.00", real: "40.00"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			s := newFixture(t)
			s.seller.balance = c.real
			keeping := &keepingSeller{fakeSeller: s.seller, kept: c.kept, price: c.price}
			_, err := command.Open(t.Context(), s.with(keeping, thresholdPanel{s.panel, c.threshold}))
			assert.Equal(t, c.asked, keeping.asked)
			if c.refused {
				require.Error(t, err)
				assert.Equal(t, fault.API, fault.From(err).Type)
				assert.Zero(t, s.seller.buys)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, 1, s.seller.buys)
			log := strings.Join(s.log.lines, "\n")
			assert.Contains(t, log, c.warns)
			assert.Equal(t, c.warns != "", strings.Contains(log, "the account at"))
		})
	}
}
