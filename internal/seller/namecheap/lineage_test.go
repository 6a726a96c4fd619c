package namecheap_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/seller"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// inventory answers getList with rows and getInfo with ReplacedBy.
type inventory struct {
	rows     []string
	replaced map[string]string
}

func (v inventory) serve(w http.ResponseWriter, r *http.Request) {
	if r.PostForm.Get("Command") == "namecheap.ssl.getInfo" {
		says(ok(`<SSLGetInfoResult Status="replaced" ReplacedBy="`+v.replaced[r.PostForm.Get("CertificateID")]+`"/>`))(w, r)
		return
	}
	says(ok(fmt.Sprintf("<SSLListResult>%s</SSLListResult><Paging><TotalItems>%d</TotalItems></Paging>", strings.Join(v.rows, ""), len(v.rows))))(w, r)
}

func owned(id int, state, product, provider, bought string) string {
	return fmt.Sprintf(`<SSL CertificateID="%d" HostName="Example.com" SSLType="%s" PurchaseDate="%s" ExpireDate="08/07/2026" Status="%s" ProviderOrderID="%s" Years="1"/>`,
		id, product, bought, state, provider)
}

func day(t *testing.T, text string) cabforum.Date {
	t.Helper()
	date, err := cabforum.ParseDate(text)
	require.NoError(t, err)
	return date
}

func TestCertificatesOfTheAccount(t *testing.T) {
	s := newStage(t, inventory{rows: []string{
		owned(30, "active", "Standard SSL SSLcom", "111", "7/1/2026"), owned(20, "replaced", "standard ssl sslcom", "111", "01/20/2026"),
		owned(25, "newpurchase", "ev multi domain ssl sslcom", "", "02/01/2026"), owned(22, "expired", "GeoTrust QuickSSL", "0", ""),
	}}.serve)
	all, err := s.Certificates(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []seller.ListedCertificate{
		{ID: 22, State: seller.StateExpired, CommonName: "example.com", Type: "GeoTrust QuickSSL", Months: 12, Expires: day(t, "2026-08-07")},
		{ID: 25, State: seller.StateNew, CommonName: "example.com", Template: "ev_multi_domain_ssl", Type: "ev multi domain ssl sslcom", Months: 12,
			Created: day(t, "2026-02-01"), Expires: day(t, "2026-08-07")},
		{ID: 30, Older: []int64{20}, State: seller.StateIssued, CommonName: "example.com", Template: "standard_ssl", Type: "Standard SSL SSLcom", Months: 12,
			Created: day(t, "2026-01-20"), Expires: day(t, "2026-08-07")},
	}, all)
	assert.Len(t, s.asked, 1, "the CA's order tells enough")
	assert.Equal(t, "ALL", s.asked[0].Get("ListType"))
}

// TestLineages writes each order as "newest<older,older".
func TestLineages(t *testing.T) {
	const bought, dv, ssl = "01/20/2026", "positivessl", "standard ssl sslcom"
	for _, c := range []struct {
		rule     string
		rows     []string
		replaced map[string]string
		want     string
		asked    int // getInfo
	}{
		{"an empty account", nil, nil, "", 0},
		{"reissued twice", []string{owned(1, "replaced", dv, "9", bought), owned(2, "replaced", dv, "9", bought), owned(3, "active", dv, "9", bought)}, nil, "3<1,2", 0},
		{"a reissue under way, the old one not replaced yet", []string{owned(1, "active", dv, "9", bought), owned(2, "purchased", dv, "9", bought)}, nil, "2<1", 0},
		{"a reissue that the CA refused", []string{owned(1, "active", dv, "9", bought), owned(2, "purchaseerror", dv, "9", bought)}, nil, "1 2", 0},
		{"two orders", []string{owned(1, "active", dv, "8", bought), owned(2, "active", dv, "9", bought)}, nil, "1 2", 0},
		{"one number for two products", []string{owned(1, "active", dv, "9", bought), owned(2, "active", "ev ssl", "9", bought)}, nil, "1 2", 0},
		{"a number that is none", []string{owned(1, "active", dv, "n/a", bought), owned(2, "active", dv, "n/a", bought)}, nil, "1 2", 0},
		{"Sectigo's reissued by SSL.com", []string{owned(1, "replaced", dv, "8", bought), owned(2, "active", ssl, "9", bought)}, map[string]string{"1": "2"}, "2<1", 1},
		{"orders are not shown", []string{owned(1, "replaced", dv, "", bought), owned(2, "replaced", dv, "", bought), owned(3, "active", dv, "", bought)},
			map[string]string{"1": "2", "2": "3"}, "3<1,2", 2},
		{"replaced by what is not listed", []string{owned(1, "replaced", dv, "", bought)}, map[string]string{"1": "77"}, "1", 1},
		{"replaced by nothing", []string{owned(1, "replaced", dv, "", bought)}, map[string]string{"1": "0"}, "1", 1},
		{"replaced by itself", []string{owned(1, "replaced", dv, "", bought)}, map[string]string{"1": "1"}, "1", 1},
		{"replaced in a circle", []string{owned(1, "replaced", dv, "", bought), owned(2, "replaced", dv, "", bought)}, map[string]string{"1": "2", "2": "1"}, "1 2", 2},
	} {
		t.Run(c.rule, func(t *testing.T) {
			s := newStage(t, inventory{c.rows, c.replaced}.serve)
			all, err := s.Certificates(t.Context())
			require.NoError(t, err)
			var told []string
			for _, one := range all {
				text := fmt.Sprint(one.ID)
				if len(one.Older) > 0 {
					text += "<" + strings.Trim(strings.ReplaceAll(fmt.Sprint(one.Older), " ", ","), "[]")
				}
				told = append(told, text)
			}
			assert.Equal(t, c.want, strings.Join(told, " "))
			assert.Len(t, s.asked, 1+c.asked)
		})
	}
}

func TestCertificatesFailsOnAnIncompleteList(t *testing.T) {
	replaced := inventory{rows: []string{owned(1, "replaced", "positivessl", "", "")}}
	for name, c := range map[string]struct {
		answers []http.HandlerFunc
		kind    string
	}{
		"list refused":    {[]http.HandlerFunc{says(refusal("2011272", "ListType is invalid"))}, fault.API},
		"list cut off":    {[]http.HandlerFunc{says(ok("<SSLListResult>")[:150])}, fault.Client},
		"no list":         {[]http.HandlerFunc{says(ok(""))}, fault.Client},
		"rows missing":    {[]http.HandlerFunc{says(ok(`<SSLListResult/><Paging><TotalItems>3</TotalItems></Paging>`))}, fault.Client},
		"unreadable id":   {[]http.HandlerFunc{says(ok(`<SSLListResult><SSL CertificateID="x"/></SSLListResult>`))}, fault.Client},
		"getInfo refused": {[]http.HandlerFunc{replaced.serve, says(refusal("2011294", "CertificateID is invalid"))}, fault.API},
		"getInfo empty":   {[]http.HandlerFunc{replaced.serve, says(ok(""))}, fault.Client},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newStage(t, c.answers...).Certificates(t.Context())
			requireFault(t, err, c.kind)
		})
	}
}
