package lifecycle

import (
	"crypto/x509"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"pmssl/internal/cabforum"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
)

func day(t *testing.T, text string) cabforum.Date {
	t.Helper()
	d, err := cabforum.ParseDate(text)
	assert.NoError(t, err)
	return d
}

// leafFrom returns a certificate that begins on the day.
func leafFrom(t *testing.T, text string) *pki.Chain {
	t.Helper()
	if text == "" {
		return nil
	}
	from := day(t, text).Midnight()
	return &pki.Chain{Leaf: &x509.Certificate{NotBefore: from, NotAfter: from.Add(199 * 24 * time.Hour)}}
}

// The paid term begins with the order, or at the end of the term before if only a renewal explains what the seller shows (rules
// MIGRATE-5).
func TestPaidTermOfAnOrder(t *testing.T) {
	for rule, c := range map[string]struct {
		created, expires string
		until            string // expiration date of the item
		months, period   int
		leaf             string // at the seller
		stored           string // in the panel
		start            string
		want             int // months; 0 if nothing is known
	}{
		"a first term":                                          {created: "2026-04-02", months: 12, leaf: "2026-04-02", start: "2026-04-02", want: 12},
		"a reissue late in the term":                            {created: "2026-04-02", months: 12, leaf: "2027-03-30", start: "2026-04-02", want: 12},
		"an end that is the certificate's":                      {created: "2026-04-02", months: 12, expires: "2027-09-20", leaf: "2027-03-05", start: "2026-04-02", want: 12},
		"an end that is the term's":                             {created: "2026-04-02", months: 24, expires: "2028-04-02", leaf: "2026-04-02", start: "2026-04-02", want: 24},
		"renewed in place, by the certificate":                  {created: "2024-04-02", months: 12, leaf: "2026-05-01", start: "2026-04-02", want: 12},
		"renewed in place, by the end":                          {created: "2025-04-02", months: 12, expires: "2027-04-02", leaf: "2026-01-10", start: "2026-04-02", want: 12},
		"renewed in place, by the panel's date":                 {created: "2026-04-02", until: "2028-04-02", months: 12, expires: "2027-09-10", leaf: "2027-03-01", start: "2027-04-02", want: 12},
		"a panel's date that is the certificate's":              {created: "2026-04-02", until: "2026-10-17", months: 12, leaf: "2026-04-02", start: "2026-04-02", want: 12},
		"half a year, renewed in place, by the seller's end":    {created: "2026-04-02", months: 6, expires: "2027-04-02", leaf: "2026-09-10", start: "2026-10-02", want: 6},
		"half a year, renewed in place, by the panel's date":    {created: "2026-04-02", months: 6, expires: "2027-03-28", until: "2027-04-01", leaf: "2026-09-10", start: "2026-10-02", want: 6},
		"half a year, a seller's end that is the certificate's": {created: "2026-04-02", months: 6, expires: "2027-04-02", leaf: "2026-09-15", start: "2026-04-02", want: 6},
		"half a year, a panel's date that is its certificate's": {created: "2026-04-02", months: 6, until: "2027-04-02", leaf: "2026-09-25", stored: "2026-09-15", start: "2026-04-02", want: 6},
		"a month, renewed in place six times":                   {created: "2026-01-02", months: 1, until: "2026-08-02", leaf: "2026-01-02", start: "2026-07-02", want: 1},
		"a month, renewed in place for ten years":               {created: "2016-01-02", months: 1, expires: "2026-05-02", leaf: "2026-01-20", start: "2026-04-02", want: 1},
		"a date that is not set":                                {created: "0001-01-01", months: 12, leaf: "2026-05-05", start: "2026-05-05", want: 12},
		"a period that is no term":                              {created: "2026-04-02", period: 1_000_000},
		"ended, not renewed":                                    {created: "2020-04-02", months: 12, expires: "2021-04-02", leaf: "2020-04-02", start: "2020-04-02", want: 12},
		"a certificate of the day on which it ends":             {created: "2025-04-02", months: 12, leaf: "2026-04-02", start: "2025-04-02", want: 12},
		"the seller does not say the months":                    {created: "2026-04-02", period: 24, leaf: "2026-04-02", start: "2026-04-02", want: 24},
		"nor the day of the order":                              {months: 12, leaf: "2026-05-05", start: "2026-05-05", want: 12},
		"nor is there a certificate":                            {months: 12},
		"nobody says the months; the period is a trial":         {created: "2026-04-02", period: -100},
		"an end in the year 9999 is none":                       {created: "2026-04-02", months: 12, expires: "9999-12-31", leaf: "2026-04-02", start: "2026-04-02", want: 12},
	} {
		t.Run(rule, func(t *testing.T) {
			l := seller.ListedCertificate{Created: day(t, c.created), Expires: day(t, c.expires), Months: c.months}
			paid, known := paidTerm(l, c.period, day(t, c.until), leafFrom(t, c.leaf), leafFrom(t, c.stored))
			assert.Equal(t, c.want > 0, known)
			assert.Equal(t, day(t, c.start), paid.start)
			assert.Equal(t, c.want, paid.months)
		})
	}
}
