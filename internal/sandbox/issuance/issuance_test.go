package issuance_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"pmssl/internal/sandbox/issuance"
)

func instant(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

// docs/reference/validity.md §A1.1, §A1.2 and, for 2026-03-12, docs/reference/validity.md §A3.
func TestLimitsFollowTheDayOfIssue(t *testing.T) {
	for at, want := range map[string]issuance.Limits{
		"2026-03-11T23:59:59Z": {LeafDays: 398, ReuseDays: 398},
		"2026-03-12T00:00:00Z": {LeafDays: 200, ReuseDays: 200},
		"2027-03-14T23:59:59Z": {LeafDays: 200, ReuseDays: 200},
		"2027-03-15T00:00:00Z": {LeafDays: 100, ReuseDays: 100},
		"2029-03-15T00:00:00Z": {LeafDays: 47, ReuseDays: 10},
	} {
		assert.Equal(t, want, issuance.LimitsAt(instant(at)), at)
	}
}

func TestBothEndsOfAValidityAreInclusive(t *testing.T) {
	from, to := issuance.Validity(instant("2026-04-02T14:07:33Z"), 199, true)
	assert.Equal(t, "2026-04-02T00:00:00Z 2026-10-17T23:59:59Z", from.Format(time.RFC3339)+" "+to.Format(time.RFC3339))
	from, to = issuance.Validity(instant("2026-04-02T14:07:33Z"), 1, false)
	assert.Equal(t, 24*time.Hour-time.Second, to.Sub(from))
}

func TestAddMonthsStaysInTheMonth(t *testing.T) {
	for _, test := range []struct {
		from   string
		months int
		want   string
	}{
		{"2028-02-29T10:00:00Z", 12, "2029-02-28"}, {"2026-01-31T10:00:00Z", 1, "2026-02-28"}, {"2026-04-02T10:00:00Z", 24, "2028-04-02"},
	} {
		assert.Equal(t, test.want, issuance.AddMonths(instant(test.from), test.months).Format(time.DateOnly))
	}
}

func TestMailboxesUpToTheRegistrableDomain(t *testing.T) {
	assert.Len(t, issuance.Mailboxes("example.com"), 5)
	list := issuance.Mailboxes("*.www.shop.example.co.uk")
	assert.Len(t, list, 15)
	assert.Contains(t, list, "postmaster@example.co.uk")
	assert.NotContains(t, strings.Join(list, " "), "@co.uk")
	assert.Equal(t, "example.co.uk", issuance.Registrable("www.example.co.uk"))
}

func FuzzParseRequest(f *testing.F) {
	f.Add("-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----")
	f.Add("rubbish")
	f.Fuzz(func(t *testing.T, text string) {
		request, err := issuance.ParseRequest(text)
		if err == nil && request.CertificateRequest == nil {
			t.Fatal("neither a request nor an error")
		}
	})
}
