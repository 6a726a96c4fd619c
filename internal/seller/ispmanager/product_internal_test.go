package ispmanager

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/seller"
)

func TestTemplateIDOfTheRemotesNames(t *testing.T) {
	for name, want := range map[string]struct {
		id           string
		level        seller.Level
		wild, multi  bool
		names, total int
	}{
		"Sectigo (ex Comodo) PositiveSSL":              {"positivessl", seller.DV, false, false, 1, 1},
		"Sectigo (ex Comodo) PositiveSSL Wildcard":     {"positivessl_wildcard", seller.DV, true, false, 1, 1},
		"Sectigo (ex Comodo) PositiveSSL Multi-Domain": {"positivessl_multi_domain", seller.DV, false, true, 3, 100},
		"Comodo Essential Wildcard":                    {"essentialssl_wildcard", seller.DV, true, false, 1, 1},
		"Sectigo EV":                                   {"ev_ssl", seller.EV, false, false, 1, 1},
		"GeoTrust True BusinessID EV":                  {"true_businessid_ev", seller.EV, false, false, 1, 1},
		"Thawte SSL123":                                {"ssl123", seller.DV, false, false, 1, 1},
		"Thawte EV":                                    {"thawte_ev", seller.EV, false, false, 1, 1},
		"Thawte Web Server":                            {"ssl_web_server", seller.OV, false, false, 1, 1},
		"DigiCert Secure Site":                         {"secure_site", seller.OV, false, false, 1, 1},
		"GlobalSign AlphaSSL":                          {"alphassl", seller.DV, false, false, 1, 1},
		"GlobalSign OrgSSL Wildcard":                   {"organizationssl_wildcard", seller.OV, true, false, 1, 1},
		"Brand New OV Wildcard":                        {"brand_new_ov_wildcard", seller.OV, true, false, 1, 1},
		"Brand New SAN":                                {"brand_new_san", seller.DV, false, true, 3, 100},
	} {
		p := tariff{id: 7, name: name}.product()
		assert.Equal(t, want.id, p.ID, name)
		assert.Equal(t, want.level, p.Level, name)
		assert.Equal(t, want.wild, p.Wildcard, name)
		assert.Equal(t, want.multi, p.MultiDomain, name)
		assert.Equal(t, want.names, p.Included, name)
		assert.Equal(t, want.total, p.MaxNames, name)
		assert.Equal(t, name, p.Names[0], "the remote's own name first")
	}
}

func TestTheRemotesInternalNameIsTheTemplate(t *testing.T) {
	assert.Equal(t, "dv_low", tariff{name: "PositiveSSL", intname: "DV_LOW"}.product().ID)
	for _, odd := range []string{"certificate", "a b", "", "12", "../etc", "ä"} {
		assert.Equal(t, "positivessl", tariff{name: "PositiveSSL", intname: odd}.product().ID, odd)
	}
	multi := tariff{name: "PositiveSSL", multi: true}.product()
	assert.True(t, multi.MultiDomain, "the addon of further names tells")
	assert.Equal(t, 1, multi.Included)
}

func TestKnownProductsAreComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range knownProducts() {
		assert.True(t, plausibleID(p.ID), p.ID)
		assert.False(t, seen[p.ID], p.ID)
		seen[p.ID] = true
		for _, name := range p.Names {
			found, ok := productNamed(knownProducts(), name)
			assert.True(t, ok)
			assert.Equal(t, p.ID, found.ID, name)
		}
	}
	_, found := productNamed(knownProducts(), "Something else")
	assert.False(t, found)
}

func FuzzProductName(f *testing.F) {
	for _, p := range knownProducts() {
		f.Add("Sectigo (ex Comodo) "+p.Names[0], p.ID)
	}
	f.Add("((", "certificate")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, name, intname string) {
		p := tariff{id: 1, name: name, intname: intname}.product()
		require.Equal(t, seller.TemplateID(p.ID), p.ID, "an id is in its final form")
		require.GreaterOrEqual(t, p.MaxNames, p.Included)
		require.GreaterOrEqual(t, p.Level, seller.DV)
	})
}
