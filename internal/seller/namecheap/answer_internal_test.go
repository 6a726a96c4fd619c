package namecheap

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"

	"github.com/stretchr/testify/require"
)

// sound reports whether a panel can sell the offers.
func sound(t *testing.T, offers []seller.Offer) {
	t.Helper()
	for _, o := range offers {
		require.True(t, o.Product.Orderable())
		require.NotEmpty(t, o.Prices)
		for _, p := range slices.Concat(o.Prices, o.MoreNames) {
			require.Zero(t, p.Months%12)
			require.True(t, p.Months >= 12 && p.Months <= 60)
			require.Positive(t, p.Cost.Amount)
			require.Len(t, p.Cost.Currency, 3)
		}
	}
}

// Every offer has a price, and the price file returns the offers that were written.
func FuzzPrices(f *testing.F) {
	const row = `<Price Duration="2" DurationType="YEAR" Price="7.88" PricingType="MULTIPLE" YourPrice="7" YourPriceType="ABSOLUTE" Currency="USD"/>`
	for _, seed := range []string{
		`<r><ProductType><ProductCategory Name="purchase"><Product Name="positivessl">` + row + row + `</Product></ProductCategory></ProductType></r>`,
		`<r><ProductType><ProductCategory Name="purchase"><Product Name="ev-ssl">` + row + `</Product><Product Name="ev-ssl-sslcom">` + strings.Replace(row, `"7"`, `"8"`, 1) + `</Product></ProductCategory></ProductType></r>`,
		`<r><ProductType><ProductCategory Name="purchase"><Product Name="san-certificate">` + row + `</Product><Product Name="san-certificate-moresans">` + row + `</Product></ProductCategory></ProductType></r>`,
		`<r><ProductType><ProductCategory Name="purchase"><Product Name="positivessl"><Price Duration="1" DurationType="YEAR" Price="1,500.00" Currency="USD"/><Price Duration="1" DurationType="YEAR" Price="8.88" Currency="USD"/></Product></ProductCategory></ProductType></r>`,
		`<r/>`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		result, err := sellerhttp.ParseXML(body)
		if err != nil {
			return
		}
		list := newPriceList()
		list.read(result)
		require.NotContains(t, shown(append(list.unknown, list.invalid...), ""), "\n")
		offers := list.offers()
		sound(t, offers)
		var kept cachedPrices
		for _, o := range offers {
			kept.Offers = append(kept.Offers, cachedOffer{Template: o.Product.ID, Prices: o.Prices, MoreNames: o.MoreNames})
		}
		again, err := kept.offers()
		require.NoError(t, err)
		require.Equal(t, offers, again)
	})
}

// Other programs may write to the price file's directory.
func FuzzPriceFile(f *testing.F) {
	f.Add([]byte(`{"format":1,"read":"2026-07-12T09:00:00Z","offers":[{"template":"positivessl","prices":[{"Months":12,"Cost":{"Amount":7,"Text":"7","Currency":"USD"}}]}]}`))
	f.Add([]byte(`{"offers":[{"template":"positivessl","prices":[{"Months":13}]}]}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		var kept cachedPrices
		if json.Unmarshal(content, &kept) != nil {
			return
		}
		if offers, err := kept.offers(); err == nil {
			sound(t, offers)
		}
	})
}

// Each certificate of a list is in exactly one lineage.
func FuzzLineages(f *testing.F) {
	f.Add([]byte{1, 2, 3}, []byte{4, 4, 5}, []byte{9, 9, 0}, []byte{2, 3, 1})
	f.Add([]byte{1, 1}, []byte{6, 6}, []byte{1, 2}, []byte{1, 1})
	f.Fuzz(func(t *testing.T, ids, states, orders, replaced []byte) {
		n := min(len(ids), len(states), len(orders), len(replaced))
		seen := map[int64]bool{}
		var rows []row
		for i := range n {
			id := int64(ids[i])
			if id == 0 || seen[id] {
				continue
			}
			seen[id] = true
			rows = append(rows, row{OrderSummary: seller.OrderSummary{ID: id, State: seller.State(states[i] % 10), Type: "positivessl"}, provider: string(rune('0' + orders[i]%4))})
		}
		slices.SortFunc(rows, func(a, b row) int { return int(a.ID - b.ID) })
		next := sameOrder(rows)
		for i, r := range rows {
			if _, found := next[r.ID]; !found && seen[int64(replaced[i])] && int64(replaced[i]) != r.ID {
				next[r.ID] = int64(replaced[i])
			}
		}
		told := map[int64]int{}
		for _, l := range lineages(rows, next) {
			told[l.ID]++
			for _, older := range l.Older {
				told[older]++
				require.NotEqual(t, l.ID, older)
			}
		}
		for _, r := range rows {
			require.Equal(t, 1, told[r.ID], "%d of %v", r.ID, next)
		}
	})
}

// The organisation's parameters have Namecheap's form and length.
func FuzzSubject(f *testing.F) {
	for _, seed := range []struct{ field, value string }{{"org_phone", "+44 20 7946 0000"}, {"org_duns", "15-048-3782"}, {"org_country", "gb"}, {"org_dba", "Ä"}} {
		f.Add(seed.field, seed.value)
	}
	f.Fuzz(func(t *testing.T, field, value string) {
		params := map[string]string{"org_name": "Example", "org_address": "x", "org_city": "x", "org_state": "x", "org_country": "DE", "org_postcode": "1",
			paramIncorporationCountry: "DE", field: value}
		for _, level := range []seller.Level{seller.OV, seller.EV} {
			pairs, err := organisationParams(seller.Request{Product: seller.Product{Level: level}, Params: params})
			if err != nil {
				require.NotEqual(t, fault.Internal, fault.From(err).Type)
				continue
			}
			limit := map[string]int{}
			for _, known := range subjectFields(level) {
				limit[known.name] = known.limit
			}
			for i := 0; i < len(pairs); i += 2 {
				require.NotEmpty(t, pairs[i+1])
				require.LessOrEqual(t, len(pairs[i+1]), limit[pairs[i]])
				require.False(t, strings.ContainsFunc(pairs[i+1], func(r rune) bool { return r < ' ' || r > '~' }), "%q", pairs[i+1])
			}
		}
	})
}
