package reconcile

import (
	"context"
	"math"
	"strconv"
	"strings"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/seller"
	"pmssl/internal/sorting"
)

// unit is the number of parts of an amount that are added as whole numbers: a sum of decimal fractions would not be exact.
const unit = 10_000

// Charged is what the seller took from the account in the month, for all of its services.
type Charged struct {
	Count      int
	Unreadable int            // charges whose amount has no certain meaning; they are in no total
	Totals     []seller.Money // one for each currency, by its name
	Problem    string         // why it is not known; empty if it is
}

// readCharged reads what the account was charged; nil if the seller does not list that. An error of the seller is no error of the
// comparison: it is in Problem.
func (r *reconciler) readCharged(ctx context.Context) (*Charged, error) {
	lister, ok := r.buyer.Seller.(seller.ChargeLister)
	if !ok {
		return nil, nil
	}
	first := cabforum.Date{Year: r.month.Year, Month: r.month.Month, Day: 1}
	last := cabforum.DateOf(time.Date(r.month.Year, r.month.Month+1, 0, 0, 0, 0, 0, time.UTC))
	charges, err := lister.Charges(ctx, first, last)
	if item.Interrupted(ctx.Err(), err) {
		return nil, err
	}
	if err != nil {
		r.Log.Warningf("what the account was charged is not known: %v", err)
		return &Charged{Problem: fault.From(err).Message}, nil
	}
	return totals(charges), nil
}

// totals adds charges, each currency by itself.
func totals(charges []seller.Charge) *Charged {
	sums := map[string]int64{}
	all := &Charged{Count: len(charges)}
	for _, charge := range charges {
		if charge.Unreadable {
			all.Unreadable++
			continue
		}
		sums[charge.Amount.Currency] += int64(math.Round(charge.Amount.Amount * unit))
	}
	for currency, sum := range sums {
		all.Totals = append(all.Totals, seller.Money{Amount: float64(sum) / unit, Text: strconv.FormatFloat(float64(sum)/unit, 'f', 2, 64), Currency: currency})
	}
	sorting.Func(all.Totals, func(a, b seller.Money) int { return strings.Compare(a.Currency, b.Currency) })
	return all
}
