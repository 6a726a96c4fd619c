package namecheap_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
)

// priced returns a getPricing answer with rows for purchases (docs/reference/namecheap.md §7).
func priced(rows ...string) string {
	return ok(`<UserGetPricingResult><ProductType Name="ssl"><ProductCategory Name="purchase">` + strings.Join(rows, "") +
		`</ProductCategory><ProductCategory Name="renew"><Product Name="essentialssl">` + yearly(1, "1.00") + `</Product></ProductCategory></ProductType></UserGetPricingResult>`)
}

func priceRow(name string, prices ...string) string {
	return `<Product Name="` + name + `">` + strings.Join(prices, "") + `</Product>`
}

// yearly returns a price for each year of the term.
func yearly(years int, price string) string {
	return fmt.Sprintf(`<Price Duration="%d" DurationType="YEAR" Price="99.00" PricingType="MULTIPLE" RegularPrice="120.00" RegularPriceType="MULTIPLE" YourPrice="%s" YourPriceType="MULTIPLE" PromotionPrice="0.0" Currency="USD"/>`, years, price)
}

// offerLines returns offers as "template months=price+further name".
func offerLines(offers []seller.Offer) []string {
	var all []string
	for _, o := range offers {
		text := o.Product.ID
		for _, p := range o.Prices {
			text += fmt.Sprintf(" %d=%s%s", p.Months, p.Cost.Text, p.Cost.Currency)
		}
		for _, p := range o.MoreNames {
			text += fmt.Sprintf(" +%d=%s%s", p.Months, p.Cost.Text, p.Cost.Currency)
		}
		all = append(all, text)
	}
	return all
}

func TestOffers(t *testing.T) {
	for _, c := range []struct {
		rule string
		rows []string
		want []string
	}{
		{"MULTIPLE is a year's price", []string{priceRow("positivessl", yearly(1, "8.88"), yearly(2, "7.88"), yearly(5, "5.99"))},
			[]string{"positivessl 12=8.88USD 24=15.76USD 60=29.95USD"}},
		{"ABSOLUTE is the term's", []string{priceRow("positivessl", `<Price Duration="2" DurationType="YEAR" Price="15" PricingType="ABSOLUTE" Currency="usd"/>`,
			`<Price Duration="3" DurationType="year" Price="20.5" PricingType="ABSOULTE" Currency="EUR"/>`)}, []string{"positivessl 24=15.00USD 36=20.50EUR"}},
		{"the account's price goes first, with its own type", []string{priceRow("positivessl",
			`<Price Duration="2" DurationType="YEAR" Price="9" PricingType="MULTIPLE" YourPrice="12" YourPriceType="ABSOLUTE" Currency="USD"/>`)}, []string{"positivessl 24=12.00USD"}},
		{"of one year the type does not matter", []string{priceRow("positivessl", `<Price Duration="1" DurationType="YEAR" Price="8.88" Currency="USD"/>`,
			`<Price Duration="2" DurationType="YEAR" Price="7.88" Currency="USD"/>`)}, []string{"positivessl 12=8.88USD"}},
		{"nor does that of the account's own price", []string{priceRow("positivessl",
			`<Price Duration="1" DurationType="YEAR" Price="9" PricingType="MULTIPLE" YourPrice="8" Currency="USD"/>`)}, []string{"positivessl 12=8.00USD"}},
		{"no price of the account's own", []string{priceRow("positivessl",
			`<Price Duration="2" DurationType="YEAR" Price="9" PricingType="MULTIPLE" YourPrice="0.0" YourPriceType="ABSOLUTE" Currency="USD"/>`)}, []string{"positivessl 24=18.00USD"}},
		{"more than cents", []string{priceRow("positivessl", yearly(3, "8.8875"))}, []string{"positivessl 36=26.6625USD"}},
		{"spellings of docs/reference/namecheap.md §7", []string{priceRow("positivessl-wildcard", yearly(1, "1")), priceRow("comodossl-multi-domain-ssl", yearly(1, "2")),
			priceRow("comodossl-ev-multi-domain-ssl", yearly(1, "3")), priceRow("unified-communications", yearly(1, "4")), priceRow("INSTANTSSL-Pro", yearly(1, "5")),
			priceRow("premiumssl-wildcard", yearly(1, "6"))},
			[]string{"positivessl_wildcard 12=1.00USD", "instantssl_pro 12=5.00USD", "premiumssl_wildcard 12=6.00USD", "multi_domain_ssl 12=2.00USD",
				"unified_communications 12=4.00USD", "ev_multi_domain_ssl 12=3.00USD"}},
		{"names of SSL.com's products, inferred", []string{priceRow("standard-ssl-sslcom", yearly(1, "1")), priceRow("san-certificate", yearly(1, "2")),
			priceRow("ov-multi-domain-ssl-sslcom", yearly(1, "3"))}, []string{"standard_ssl 12=1.00USD", "san_certificate 12=2.00USD", "ov_multi_domain_ssl 12=3.00USD"}},
		{"further names", []string{priceRow("positivessl-multi-domain", yearly(1, "28.88"), yearly(2, "20")), priceRow("positivessl-multi-domain-moresans", yearly(1, "12.88"), yearly(2, "10"))},
			[]string{"positivessl_multi_domain 12=28.88USD 24=40.00USD +12=12.88USD +24=20.00USD"}},
		{"further names of a product without a price", []string{priceRow("unified-communications-moresans", yearly(1, "1")), priceRow("positivessl", yearly(1, "2"))}, []string{"positivessl 12=2.00USD"}},
		{"further names of a product for one", []string{priceRow("positivessl-moresans", yearly(1, "1")), priceRow("positivessl", yearly(1, "2"))}, []string{"positivessl 12=2.00USD"}},
		{"unknown and discontinued names", []string{priceRow("geotrust-quickssl", yearly(1, "1")), priceRow("standard-ssl-plus", yearly(1, "1")), priceRow("comodossl", yearly(1, "1")),
			priceRow("", yearly(1, "1")), priceRow("positivessl", yearly(1, "2"))}, []string{"positivessl 12=2.00USD"}},
		{"terms that nobody sells", []string{priceRow("positivessl", yearly(0, "1"), yearly(6, "1"), yearly(1, "2"), `<Price Duration="1" DurationType="MONTH" Price="9" PricingType="MULTIPLE" Currency="USD"/>`)},
			[]string{"positivessl 12=2.00USD"}},
		{"two generations at one price", []string{priceRow("ev-ssl", yearly(1, "78.88")), priceRow("ev-ssl-sslcom", yearly(1, "78.88"))}, []string{"ev_ssl 12=78.88USD"}},
		{"two generations at two prices", []string{priceRow("ev-ssl", yearly(1, "78.88"), yearly(2, "70")), priceRow("ev-ssl-sslcom", yearly(1, "88.88"), yearly(2, "70"))},
			[]string{"ev_ssl 24=140.00USD"}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			s := newStage(t, says(priced(c.rows...)))
			offers, err := s.Offers(t.Context())
			require.NoError(t, err)
			assert.Equal(t, c.want, offerLines(offers))
			for _, o := range offers {
				assert.Equal(t, o.Product.Names[0], o.Name)
			}
			assert.Equal(t, []url.Values{{"Command": {"namecheap.users.getPricing"}, "ProductType": {"SSLCERTIFICATE"}, "ActionName": {"PURCHASE"}}}, s.sent(), "one request")
		})
	}
}

// An unreadable price is left out and logged; the others stay.
func TestUnreadablePricesAreLeftOut(t *testing.T) {
	price := func(attributes string) string { return `<Price Duration="2" DurationType="YEAR" ` + attributes + `/>` }
	for rule, row := range map[string]string{
		"no price":                 price(`PricingType="MULTIPLE" Currency="USD"`),
		"zero":                     price(`Price="0.0" PricingType="MULTIPLE" Currency="USD"`),
		"negative":                 price(`Price="-1" PricingType="MULTIPLE" Currency="USD"`),
		"a comma":                  price(`Price="8,88" PricingType="MULTIPLE" Currency="USD"`),
		"thousands":                price(`Price="1,500.00" PricingType="MULTIPLE" Currency="USD"`),
		"an exponent":              price(`Price="5e1" PricingType="MULTIPLE" Currency="USD"`),
		"words":                    price(`Price="NaN" PricingType="MULTIPLE" Currency="USD"`),
		"a number without end":     price(`Price="1` + strings.Repeat("0", 400) + `" PricingType="MULTIPLE" Currency="USD"`),
		"beyond reason":            price(`Price="1000001" PricingType="MULTIPLE" Currency="USD"`),
		"no type":                  price(`Price="8" Currency="USD"`),
		"another type":             price(`Price="8" PricingType="PERCENT" Currency="USD"`),
		"the type of another":      price(`Price="8" PricingType="MULTIPLE" YourPrice="7" Currency="USD"`),
		"the account's unreadable": price(`Price="8" PricingType="MULTIPLE" YourPrice="x" YourPriceType="MULTIPLE" Currency="USD"`),
		"no currency":              price(`Price="8" PricingType="MULTIPLE"`),
		"a currency of words":      price(`Price="8" PricingType="MULTIPLE" Currency="dollars"`),
	} {
		t.Run(rule, func(t *testing.T) {
			s := newStage(t, says(priced(priceRow("positivessl", yearly(1, "8.88"), row))))
			offers, err := s.Offers(t.Context())
			require.NoError(t, err)
			assert.Equal(t, []string{"positivessl 12=8.88USD"}, offerLines(offers))
			assert.Contains(t, strings.Join(s.log.Tail(20), "\n"), "are left out: positivessl: the price")
		})
	}
}

func TestOffersRefused(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		kind   string
	}{
		"product type": {says(refusal("2011298", "ProductType is invalid")), fault.API},
		"unhandled":    {says(refusal("5050900", "Unhandled exceptions")), fault.API},
		"the key":      {says(refusal("1011102", "API Key is invalid")), fault.Login},
		"nothing":      {says(ok("")), fault.API},
		"no products":  {says(priced()), fault.API},
		"unknown ones": {says(priced(priceRow("x", yearly(1, "1")))), fault.API},
		"unreadable":   {says(priced(priceRow("positivessl", yearly(1, "8,88")))), fault.API},
		"HTML":         {says("<html>"), fault.NotSeller},
		"cut off":      {says(priced(priceRow("positivessl", yearly(1, "8.88")))[:400]), fault.Client},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, c.answer)
			_, err := s.Offers(t.Context())
			requireFault(t, err, c.kind)
			assert.Empty(t, priceFiles(t, s), "nothing is kept")
		})
	}
}

func priceFiles(t *testing.T, s *stage) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.dir, "pmnamecheap.prices.*"))
	require.NoError(t, err)
	return files
}

func (s *stage) later(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = s.at.Add(d)
}

func TestPricesAreCachedForADay(t *testing.T) {
	s := newStage(t, says(priced(priceRow("san-certificate", yearly(1, "28.88")), priceRow("san-certificate-moresans", yearly(1, "12.88")))), says(priced(priceRow("positivessl", yearly(1, "9")))))
	first, err := s.Offers(t.Context())
	require.NoError(t, err)
	s.later(24*time.Hour - time.Second)
	again, err := s.connect(t, s.address).Offers(t.Context())
	require.NoError(t, err)
	assert.Equal(t, first, again, "the next process reads the file")
	assert.Len(t, s.asked, 1)
	s.later(time.Second)
	fresh, err := s.Offers(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"positivessl 12=9.00USD"}, offerLines(fresh))
	assert.Len(t, s.asked, 2)

	files := priceFiles(t, s)
	require.Len(t, files, 1, "no drafts are left")
	info, err := os.Stat(files[0])
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	content, err := os.ReadFile(files[0])
	require.NoError(t, err)
	assert.NotContains(t, string(content), key)
}

func TestPriceOfAPurchase(t *testing.T) {
	further := strings.Replace(yearly(3, "10"), "USD", "EUR", 1)
	s := newStage(t, says(priced(priceRow("san-certificate", yearly(1, "28.88"), yearly(2, "20"), yearly(3, "15")),
		priceRow("san-certificate-moresans", yearly(1, "12.88"), further))))
	more := purchase(t, "san_certificate", 12, 2)
	more.Kind, more.ID = seller.KindSANs, 7
	for _, c := range []struct {
		rule     string
		purchase seller.Purchase
		want     string // empty if it is not known
	}{
		{"included names", purchase(t, "san_certificate", 12, 0), "28.88"},
		{"further names", purchase(t, "san_certificate", 12, 2), "54.64"},
		{"further names later", more, "25.76"},
		{"another term", purchase(t, "san_certificate", 24, 0), "40.00"},
		{"further names without a price", purchase(t, "san_certificate", 24, 1), ""},
		{"further names in another currency", purchase(t, "san_certificate", 36, 1), ""},
		{"a term without a price", purchase(t, "san_certificate", 48, 0), ""},
		{"a product without a price", purchase(t, "positivessl", 12, 0), ""},
		{"a renewal", renewal(t, "san_certificate", 12), ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			price, known := s.Price(t.Context(), c.purchase)
			assert.Equal(t, c.want != "", known)
			if known {
				assert.Equal(t, c.want, price.Text)
				assert.Equal(t, "USD", price.Currency)
			}
		})
	}
	assert.Len(t, s.asked, 1, "the prices of a day do for all of them")
	_, known := newStage(t, says(refusal("5050900", "Unhandled exceptions"))).Price(t.Context(), purchase(t, "san_certificate", 12, 0))
	assert.False(t, known, "no prices, no cost")
}

func TestEachAccountHasItsOwnPrices(t *testing.T) {
	s := newStage(t, says(priced(priceRow("positivessl", yearly(1, "8")))), says(priced(priceRow("positivessl", yearly(1, "9")))))
	_, err := s.Offers(t.Context())
	require.NoError(t, err)
	s.params["username"] = "another"
	offers, err := s.connect(t, s.address).Offers(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"positivessl 12=9.00USD"}, offerLines(offers))
	assert.Len(t, priceFiles(t, s), 2)
}

func TestDamagedPriceFileIsIgnored(t *testing.T) {
	const good = `{"format":1,"read":"2026-07-12T09:00:00Z","offers":[{"template":"%s","prices":[{"Months":%d,"Cost":{"Amount":%s,"Text":"7","Currency":"USD"}}]}]}`
	for _, c := range []struct {
		rule, content string
		warned        bool
	}{
		{"cut off", `{"format":1,`, true},
		{"empty", "", true},
		{"no JSON", "\x00\x01", true},
		{"a product that is not known", fmt.Sprintf(good, "x", 12, "7"), true},
		{"a product that is not sold", fmt.Sprintf(good, "comodossl", 12, "7"), true},
		{"a term that is not sold", fmt.Sprintf(good, "positivessl", 13, "7"), true},
		{"a price that is none", fmt.Sprintf(good, "positivessl", 12, "-7"), true},
		{"too large", strings.Repeat(" ", 1<<20+1), true},
		{"of tomorrow", strings.Replace(fmt.Sprintf(good, "positivessl", 12, "7"), "07-12T09", "07-13T09", 1), false},
		{"of another version", strings.Replace(fmt.Sprintf(good, "positivessl", 12, "7"), `"format":1`, `"format":2`, 1), false},
		{"without offers", `{"format":1,"read":"2026-07-12T09:00:00Z"}`, false},
	} {
		t.Run(c.rule, func(t *testing.T) {
			s := newStage(t, says(priced(priceRow("positivessl", yearly(1, "9")))))
			_, err := s.Offers(t.Context())
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(priceFiles(t, s)[0], []byte(c.content), 0o600))
			for range 2 { // the second time from the file that was written anew
				offers, err := s.Offers(t.Context())
				require.NoError(t, err)
				assert.Equal(t, []string{"positivessl 12=9.00USD"}, offerLines(offers))
			}
			assert.Len(t, s.asked, 2)
			assert.Equal(t, c.warned, strings.Contains(strings.Join(s.log.Tail(50), "\n"), "the cached prices of Namecheap are not used"))
		})
	}
	t.Run("a link is not followed", func(t *testing.T) {
		s := newStage(t, says(priced(priceRow("positivessl", yearly(1, "9")))))
		_, err := s.Offers(t.Context())
		require.NoError(t, err)
		path := priceFiles(t, s)[0]
		elsewhere := filepath.Join(t.TempDir(), "kept")
		require.NoError(t, os.Rename(path, elsewhere))
		before, err := os.ReadFile(elsewhere)
		require.NoError(t, err)
		require.NoError(t, os.Symlink(elsewhere, path))
		s.later(time.Minute)
		_, err = s.Offers(t.Context())
		require.NoError(t, err)
		assert.Len(t, s.asked, 2)
		after, err := os.ReadFile(elsewhere)
		require.NoError(t, err)
		assert.Equal(t, before, after)
	})
	t.Run("a folder that cannot be written to costs a request each time", func(t *testing.T) {
		s := newStage(t, says(priced(priceRow("positivessl", yearly(1, "9")))))
		s.dir = filepath.Join(s.dir, "not-there")
		client := s.connect(t, s.address)
		for range 2 {
			offers, err := client.Offers(t.Context())
			require.NoError(t, err)
			assert.Len(t, offers, 1)
		}
		assert.Len(t, s.asked, 2)
		assert.Contains(t, strings.Join(s.log.Tail(50), "\n"), "are not cached")
	})
}
