package namecheap_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
)

const approvers = `<GetApproverEmailListResult Domain="example.com"><Domainemails><email>Owner@Example.net</email></Domainemails>` +
	`<Genericemails><email> admin@example.com </email><email>admin@example.com</email><email>none</email><email>a&lt;b&gt;@example.com</email><email>a@b@c.d</email></Genericemails></GetApproverEmailListResult>`

func TestApprovers(t *testing.T) {
	s := newStage(t, says(ok(approvers)))
	emails, err := s.Approvers(t.Context(), " *.Example.com", product(t, "standard_wildcard_ssl"))
	require.NoError(t, err)
	assert.Equal(t, []string{"owner@example.net", "admin@example.com"}, emails)
	assert.Equal(t, []url.Values{{"Command": {"namecheap.ssl.getApproverEmailList"}, "DomainName": {"example.com"}, "CertificateType": {"Standard Wildcard SSL"}}}, s.sent())
}

func TestApproversTriesTheNameOfTheAPI(t *testing.T) {
	for _, number := range []string{"2011300", "4011300"} {
		s := newStage(t, says(refusal(number, "CertificateType is invalid")), says(ok(approvers)))
		_, err := s.Approvers(t.Context(), "example.com", product(t, "standard_ssl"))
		require.NoError(t, err)
		require.Len(t, s.asked, 2)
		assert.Equal(t, "Standard SSL SSLcom", s.asked[1].Get("CertificateType"))
	}
	s := newStage(t, says(refusal("2011166", "DomainName is invalid")))
	_, err := s.Approvers(t.Context(), "example.com", product(t, "standard_ssl"))
	assert.Equal(t, 2011166, requireFault(t, err, fault.API).Code)
	assert.Len(t, s.asked, 1)
}

func TestNoApproversIsAFault(t *testing.T) {
	s := newStage(t, says(ok(`<GetApproverEmailListResult Domain="example.com"><Domainemails/><Genericemails/></GetApproverEmailListResult>`)))
	_, err := s.Approvers(t.Context(), "example.com", product(t, "standard_ssl"))
	requireFault(t, err, fault.API)
}

func TestApproversRefusesUnusableDomains(t *testing.T) {
	for _, domain := range []string{"", "*.", strings.Repeat("a", 67) + ".com"} {
		s := newStage(t, says(ok(approvers)))
		_, err := s.Approvers(t.Context(), domain, product(t, "standard_ssl"))
		requireFault(t, err, fault.Value)
		assert.Empty(t, s.asked)
	}
}
