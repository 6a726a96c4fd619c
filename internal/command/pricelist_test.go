package command_test

import (
	"context"
	"strings"
	"testing"

	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/seller"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func offers() []seller.Offer {
	euro := func(text string) seller.Money { return seller.Money{Text: text, Currency: "EUR"} }
	return []seller.Offer{
		{ID: 3033, Name: "Sectigo PositiveSSL", Product: products()[0], Prices: []seller.Price{
			{Months: 12, Cost: euro("9.0000")}, {Months: 12, Cost: seller.Money{Text: "10.00", Currency: "USD"}}, {Months: 24, Cost: euro("17.0000")}}},
		{Name: "Wildcard <&>", Product: products()[1]},
		{ID: 3033, Name: "the same number again"},
	}
}

func priceList(t *testing.T, subcommand, id string, offers []seller.Offer) (string, error) {
	t.Helper()
	s, theSeller := able(t)
	theSeller.offers = offers
	s.args = item.Args{Command: "import_pricelist", Module: 5, Subcommand: subcommand, ID: id}
	doc, err := command.ImportPricelist(context.Background(), s.with(theSeller, s.panel))
	if err != nil {
		return "", err
	}
	return output(t, doc), nil
}

// docs/reference/billmanager.md §11: the format of the list.
func TestTariffsThatAreAvailable(t *testing.T) {
	text, err := priceList(t, "available", "", offers())
	require.NoError(t, err)
	assert.Contains(t, text, "<elem><id>3033</id><name>Sectigo PositiveSSL</name><name_en>Sectigo PositiveSSL</name_en>"+
		"<name_ru>Sectigo PositiveSSL</name_ru><itemtype>certificate</itemtype></elem>")
	assert.Contains(t, text, "Wildcard &lt;&amp;")
	assert.NotContains(t, text, "again", "two tariffs with one number cannot be distinguished")
}

// docs/reference/ispmanager.md §3: the format of the details.
func TestDetailsOfATariff(t *testing.T) {
	text, err := priceList(t, "pricelist", "3033", offers())
	require.NoError(t, err)
	assert.Contains(t, text, `<doc><pricelist><id>3033</id><name>Sectigo PositiveSSL</name><intname>positivessl</intname>`+
		`<itemtype_info><intname>certificate</intname></itemtype_info>`+
		`<price currency="EUR"><period cost="9.0000" type="month" length="12"/><period cost="17.0000" type="month" length="24"/></price>`+
		`<price currency="USD"><period cost="10.00" type="month" length="12"/></price></pricelist></doc>`)
}

// A computed number does not depend on the seller's list.
func TestNumbersOfTariffsAreStable(t *testing.T) {
	number := func(list []seller.Offer) string {
		text, err := priceList(t, "available", "", list)
		require.NoError(t, err)
		_, rest, found := strings.Cut(text, "<elem><id>1")
		require.True(t, found, text)
		id, _, _ := strings.Cut(rest, "<")
		return "1" + id
	}
	list := offers()[1:2]
	id := number(list)
	assert.Equal(t, id, number(append([]seller.Offer{{ID: 9, Name: "new"}}, list...)))
	assert.Len(t, id, 10, "between 2^30 and 2^31")
	text, err := priceList(t, "pricelist", id, list)
	require.NoError(t, err)
	assert.Contains(t, text, "<intname>positivessl_wildcard</intname>")
}

func TestItemTypesOfTariffs(t *testing.T) {
	text, err := priceList(t, "itemtype", "", nil)
	require.NoError(t, err)
	assert.Contains(t, text, "<itemtype>certificate</itemtype>")
}

func TestPriceListsThatAreNotAvailable(t *testing.T) {
	for name, c := range map[string]struct{ subcommand, id, says string }{
		"an unknown subcommand": {"sell", "", `"sell" is unknown; use available, pricelist or itemtype`},
		"no number":             {"pricelist", "", "needs --id"},
		"not a number":          {"pricelist", "x", "needs --id"},
		"an unknown number":     {"pricelist", "7", "offers no tariff 7"},
	} {
		_, err := priceList(t, c.subcommand, c.id, offers())
		assert.ErrorContains(t, err, c.says, name)
	}
	s := newFixture(t)
	s.args = item.Args{Module: 5, Subcommand: "available"}
	require.ErrorContains(t, s.run(command.ImportPricelist), "does not support listing prices")
	s, theSeller := able(t)
	s.args = item.Args{Module: 5, Subcommand: "available"}
	theSeller.fail["offers"] = fault.Errorf(fault.Client, "", "no answer")
	_, err := command.ImportPricelist(context.Background(), s.with(theSeller, s.panel))
	assert.Equal(t, fault.Client, faultType(t, err))
}

func TestProbeShowsTheSellersAnswers(t *testing.T) {
	s, theSeller := able(t)
	theSeller.findings = []seller.Finding{
		{Title: "who am I", Function: "whoami", OK: true, Lines: []string{"balance 1\x1b[31m0"}},
		{Title: "prices", Function: "pricelist.export", Lines: []string{"error access"}},
	}
	s.args = item.Args{Command: "probe", Module: 5, Format: "text"}
	run := s.with(theSeller, s.panel)
	doc, err := command.Probe(context.Background(), run)
	require.NoError(t, err)
	assert.Nil(t, doc)
	assert.Equal(t, "ok     who am I (whoami)\n       balance 1 [31m0\nFAILED prices (pricelist.export)\n       error access\n", run.Print)

	s.args.Format = "xml"
	doc, err = command.Probe(context.Background(), s.with(theSeller, s.panel))
	require.NoError(t, err)
	assert.Contains(t, output(t, doc), `<probe title="prices" function="pricelist.export" ok="no"><line>error access</line></probe>`)
	assert.Empty(t, s.panel.calls)

	require.ErrorContains(t, s.run(command.Probe), "does not support probing")
}
