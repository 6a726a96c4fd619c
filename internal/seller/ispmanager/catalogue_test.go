package ispmanager_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
	"pmssl/internal/seller/ispmanager"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func (r *remote) count(function string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, form := range r.asked {
		if form.Get("func") == function {
			n++
		}
	}
	return n
}

func (r *remote) pass(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at = r.at.Add(d)
}

func tariffs(names ...string) reply {
	text := ""
	for i, name := range names {
		text += `<pricelist><id>` + string(rune('1'+i)) + `</id><name>` + name + `</name></pricelist>`
	}
	return says(doc("pricelist.export", text))
}

func TestCatalogueIsReadOnceADay(t *testing.T) {
	r := newRemote(t, map[string]reply{"pricelist.export": tariffs("Shiny SSL")})
	has := func(id string) {
		t.Helper()
		all, err := r.Catalogue(t.Context())
		require.NoError(t, err)
		_, found := seller.FindProduct(all, id)
		assert.True(t, found, id)
	}
	has("shiny_ssl")
	has("positivessl")
	assert.Equal(t, 1, r.count("pricelist.export"))
	r.set("pricelist.export", tariffs("Newer SSL"))
	r.pass(25 * time.Hour)
	has("newer_ssl")
	assert.Equal(t, 2, r.count("pricelist.export"))
	r.set("pricelist.export", says(refusal("access", "deny", "no")))
	r.pass(25 * time.Hour)
	has("newer_ssl")
	assert.Contains(t, strings.Join(r.log.Tail(100), "\n"), "could not be read")

	_, found := seller.FindProduct(ispmanager.Products(r.dir, "pmispmgrssl"), "newer_ssl")
	assert.True(t, found, "features needs no connection")
	_, found = seller.FindProduct(ispmanager.Products(r.dir, "other"), "newer_ssl")
	assert.False(t, found)
}

func TestCatalogueFile(t *testing.T) {
	r := newRemote(t, map[string]reply{"pricelist.export": tariffs("Shiny SSL")})
	path := filepath.Join(r.dir, "pmispmgrssl.catalogue")
	require.NoError(t, os.WriteFile(path, []byte(`{"half":`), 0o600))
	_, err := r.Catalogue(t.Context())
	require.NoError(t, err, "a broken file is starts empty again")
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode())
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.NotContains(t, string(content), "eseller", "accounts are stored by their hash")
	left, err := filepath.Glob(path + ".*")
	require.NoError(t, err)
	assert.Empty(t, left)

	other := newRemote(t, map[string]reply{"pricelist.export": tariffs("Other SSL")})
	other.dir = r.dir
	_, err = other.connect(t).Catalogue(t.Context())
	require.NoError(t, err)
	for _, id := range []string{"shiny_ssl", "other_ssl"} {
		_, found := seller.FindProduct(ispmanager.Products(r.dir, "pmispmgrssl"), id)
		assert.True(t, found, "of every account: %s", id)
	}
	require.NoError(t, os.WriteFile(path, []byte(`{"m":{"time":"2026-07-12T10:00:00Z","products":[{"ID":"<x>","Names":["x"],"Level":1,"Included":1,"Most":1},{"ID":"ok","Names":["x"],"Level":9,"Included":1,"Most":1}]}}`), 0o600))
	for _, p := range ispmanager.Products(r.dir, "pmispmgrssl") {
		assert.NotContains(t, []string{"<x>", "ok"}, p.ID, "what cannot be a product is left out")
	}
}

func TestUnwritableDirectoryIsAWarning(t *testing.T) {
	r := newRemote(t, map[string]reply{"pricelist.export": tariffs("Shiny SSL")})
	r.dir = filepath.Join(r.dir, "missing")
	all, err := r.connect(t).Catalogue(t.Context())
	require.NoError(t, err)
	_, found := seller.FindProduct(all, "shiny_ssl")
	assert.True(t, found)
	assert.Contains(t, strings.Join(r.log.Tail(100), "\n"), "are not cached")
}

func TestOffersInEveryForm(t *testing.T) {
	refused := says(refusal("access", "deny", "no"))
	eur := func(amount float64, text string) seller.Money {
		return seller.Money{Amount: amount, Text: text, Currency: "EUR"}
	}
	for name, tc := range map[string]struct {
		functions map[string]reply
		want      []seller.Price
	}{
		"export": {nil, []seller.Price{{Months: 12, Cost: eur(9, "9.0000")}, {Months: 24, Cost: eur(17, "17.0000")}}},
		"newer list": {map[string]reply{"pricelist.export": refused, "certificate.order.pricelist": says(doc("f", `<list name="pricelist"><elem><id>3033</id><title>PositiveSSL</title><prices><price><period>12</period><cost>9.00</cost><currency>EUR</currency></price>`+
			`<price><period>-100</period><cost>0</cost></price></prices></elem></list>`))}, []seller.Price{{Months: 12, Cost: eur(9, "9.00")}}},
		"older list": {map[string]reply{"pricelist.export": refused, "certificate.order": says(doc("f", `<list name="tariflist"><elem><pricelist>3033</pricelist><desc>PositiveSSL</desc><price>9,00 €</price></elem></list>`))}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			offers, err := newRemote(t, tc.functions).Offers(t.Context())
			require.NoError(t, err)
			require.Len(t, offers, 1)
			assert.EqualValues(t, 3033, offers[0].ID)
			assert.Equal(t, "positivessl", offers[0].Product.ID)
			assert.Equal(t, tc.want, offers[0].Prices)
		})
	}
	_, err := newRemote(t, map[string]reply{"pricelist.export": refused}).Offers(t.Context())
	requireFault(t, err, fault.API)
}

func TestTariffsThatCannotBeOrderedAreLeftOut(t *testing.T) {
	r := newRemote(t, map[string]reply{"pricelist.export": says(doc("f",
		`<pricelist><id>1</id><name>Off SSL</name><active>off</active></pricelist><pricelist><id>2</id><name>Hidden SSL</name><hideinorder>on</hideinorder></pricelist>`+
			`<pricelist><id>3</id><name>A server</name><itemtype_info><intname>vds</intname></itemtype_info></pricelist><pricelist><name>No id</name></pricelist>`+
			`<pricelist><id>4</id><name>Right SSL</name><price currency="EUR"><period cost="1.5" type="year" length="1"/><period cost="9" type="day" length="50"/><period cost="x" type="month" length="12"/><period cost="0" type="month" length="-100"/></price></pricelist>`))})
	offers, err := r.Offers(t.Context())
	require.NoError(t, err)
	require.Len(t, offers, 1)
	assert.Equal(t, []seller.Price{{Months: 12, Cost: seller.Money{Amount: 1.5, Text: "1.5", Currency: "EUR"}}}, offers[0].Prices)
}

func TestProbeOnlyReads(t *testing.T) {
	r := newRemote(t, map[string]reply{"certificate": listed(row(7, "www.example.org", 2, referenced)), "certificate.edit": editForm(`<csr>x</csr><adm_email>secret@example.test</adm_email><key>PRIVATE</key>`)})
	findings, err := r.Probe(t.Context())
	require.NoError(t, err)
	text := ""
	for _, f := range findings {
		text += f.Title + "|" + f.Function + "|" + strings.Join(f.Lines, "\n") + "\n"
	}
	for _, want := range []string{"choices of crt_type: generate, exists", "certificate.reissue", "remoteid shown", "service_status not shown", "3033 Sectigo (ex Comodo) PositiveSSL: positivessl, months 12, 24", "fields: csr, adm_email", "Function does not exist"} {
		assert.Contains(t, text, want)
	}
	assert.NotContains(t, text, "secret@example.test", "names, no values")
	assert.NotContains(t, text, "PRIVATE")
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, form := range r.asked {
		assert.Empty(t, form.Get("sok")+form.Get("clicked_button")+form.Get("snext"), form.Get("func"))
	}
}

func TestProbeEndsIfTheAccountCannotBeUsed(t *testing.T) {
	r := newRemote(t, map[string]reply{"whoami": says(doc("whoami", `<ok/>`))})
	_, err := r.Probe(t.Context())
	requireFault(t, err, fault.Auth)
}
