package namecheap_test

import (
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/smallstep/pkcs7"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/namecheap"
	"pmssl/internal/sandbox/standin/standintest"
)

// The whole life cycle: bought, activated, proved, delivered, verified, reissued to
// the end of the term, renewed.
func TestLifeCycleOfAFiveYearOrder(t *testing.T) {
	s := newStandIn(t)
	csr := standintest.CSR(t, "example.com")
	id := s.ok("ssl.create", "Type", "PositiveSSL", "Years", "5").result("SSLCreateResult", "SSLCertificate").Attr("CertificateID")
	assert.Equal(t, "newpurchase", s.info(id).Attr("Status"))
	s.ok("ssl.activate", "CertificateID", id, "csr", csr, "DNSDCValidation", "true", "AdminEmailAddress", "admin@example.com")
	waiting := s.info(id)
	assert.Equal(t, "purchased", waiting.Attr("Status"))
	assert.Equal(t, "false", waiting.First("CertificateDetails", "Certificates").Attr("CertificateReturned"))
	require.NoError(t, s.Prove(standintest.Number(t, id)))

	end := time.Date(2031, 4, 2, 23, 59, 59, 0, time.UTC)
	var leaves []*x509.Certificate
	for {
		info := s.info(id)
		require.Equal(t, "active", info.Attr("Status"))
		leaf := verifiedLeaf(t, info)
		leaves = append(leaves, leaf)
		assert.Equal(t, leaf.NotAfter.Format("1/2/2006"), info.Attr("Expires"))
		if leaf.NotAfter.Equal(end) {
			break
		}
		require.Less(t, len(leaves), 100)
		s.moveTo(leaf.NotAfter.Add(-24 * time.Hour))
		next := s.ok("ssl.reissue", "CertificateID", id, "csr", csr, "DNSDCValidation", "true").result("SSLReissueResult").Attr("ID")
		require.NotEqual(t, id, next, "a reissue has an id of its own (0.4)")
		require.NoError(t, s.Prove(standintest.Number(t, next)))
		assert.Equal(t, next, s.info(id).Attr("ReplacedBy"))
		id = next
	}

	assert.Equal(t, "2026-10-17", leaves[0].NotAfter.Format(time.DateOnly), "199 days from midnight (validity 4)")
	for i := 1; i < len(leaves); i++ {
		assert.False(t, leaves[i].NotBefore.After(leaves[i-1].NotAfter), "no second without a certificate")
	}
	assert.Equal(t, "955.60", s.balance(), "five years, paid once")

	s.moveTo(end.AddDate(0, 0, -20))
	renewal := s.ok("ssl.renew", "CertificateID", id, "Years", "1", "SSLType", "Standard SSL").result("SSLRenewResult").Attr("CertificateID")
	assert.Equal(t, "newrenewal", s.info(renewal).Attr("Status"))
	s.ok("ssl.activate", "CertificateID", renewal, "csr", csr, "HTTPDCValidation", "true")
	require.NoError(t, s.Prove(standintest.Number(t, renewal)))
	assert.Equal(t, "2032-04-02", s.certificate(renewal).TermEnd.Format(time.DateOnly), "the unused days are added (2)")
}

func verifiedLeaf(t *testing.T, info standintest.Node) *x509.Certificate {
	t.Helper()
	certificates := info.First("CertificateDetails", "Certificates")
	leaf := standintest.Certificate(t, certificates.First("Certificate").Text())
	issuers := certificates.All("CaCertificates", "Certificate", "Certificate")
	require.NotEmpty(t, issuers)
	roots, intermediates := x509.NewCertPool(), x509.NewCertPool()
	intermediates.AddCert(standintest.Certificate(t, issuers[0].Text()))
	roots.AddCert(standintest.Certificate(t, issuers[len(issuers)-1].Text()))
	_, err := leaf.Verify(x509.VerifyOptions{DNSName: "example.com", Roots: roots, Intermediates: intermediates, CurrentTime: leaf.NotBefore})
	require.NoError(t, err)
	return leaf
}

// docs/reference/validity.md §A1.1 and §A3: the limit of the day of issue, less a day.
func TestLeafLifetimeByDate(t *testing.T) {
	tests := []struct {
		issued   string
		settings func(*namecheap.Settings)
		want     string
	}{
		{"2026-03-11T23:59:59Z", nil, "2027-04-11T23:59:59Z"},
		{"2026-03-12T00:00:00Z", nil, "2026-09-26T23:59:59Z"},
		{"2026-04-02T14:07:33Z", nil, "2026-10-17T23:59:59Z"},
		{"2026-04-02T14:07:33Z", func(c *namecheap.Settings) { c.LeafMarginDays = 0 }, "2026-10-18T23:59:59Z"},
		{"2026-04-02T14:07:33Z", func(c *namecheap.Settings) { c.LeafMarginDays, c.NotBefore = 0, namecheap.FromInstant }, "2026-10-19T14:07:32Z"},
		{"2026-04-02T14:07:33Z", func(c *namecheap.Settings) { c.LeafDays = 30 }, "2026-05-01T23:59:59Z"},
		{"2027-03-14T23:59:59Z", nil, "2027-09-28T23:59:59Z"},
		{"2027-03-15T00:00:00Z", nil, "2027-06-21T23:59:59Z"},
		{"2029-03-14T23:59:59Z", nil, "2029-06-20T23:59:59Z"},
		{"2029-03-15T00:00:00Z", nil, "2029-04-29T23:59:59Z"},
		{"2032-02-01T00:00:00Z", nil, "2032-03-17T23:59:59Z"},
	}
	for _, test := range tests {
		t.Run(test.issued+" to "+test.want, func(t *testing.T) {
			s := newStandIn(t, func(c *namecheap.Settings) {
				if test.settings != nil {
					test.settings(c)
				}
			})
			instant, err := time.Parse(time.RFC3339, test.issued)
			require.NoError(t, err)
			s.moveTo(instant)
			id := s.ok("ssl.create", "Type", "PositiveSSL", "Years", "2").result("SSLCreateResult", "SSLCertificate").Attr("CertificateID")
			s.ok("ssl.activate", "CertificateID", id, "CSR", standintest.CSR(t, "example.com"), "DNSDCValidation", "true")
			require.NoError(t, s.Issue(standintest.Number(t, id)))
			assert.Equal(t, test.want, s.certificate(id).NotAfter.Format(time.RFC3339))
		})
	}
}

func TestTermEnds(t *testing.T) {
	tests := []struct {
		name, from string
		settings   func(*namecheap.Settings)
		leaf, term string
	}{
		{"leaf cut at the term", "2026-04-02T10:00:00Z", func(c *namecheap.Settings) { c.LeafDays = 398 }, "2027-04-02", "2027-04-02"},
		{"leaf longer than the term", "2026-04-02T10:00:00Z", func(c *namecheap.Settings) { c.LeafDays, c.WithinTerm = 398, false }, "2027-05-04", "2027-04-02"},
		{"seller counts a day less", "2026-04-02T10:00:00Z", func(c *namecheap.Settings) { c.LeafDays, c.TermOffsetDays = 398, -1 }, "2027-04-01", "2027-04-01"},
		{"leap day", "2028-02-29T10:00:00Z", func(c *namecheap.Settings) { c.LeafDays = 398 }, "2029-02-28", "2029-02-28"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newStandIn(t, test.settings)
			instant, err := time.Parse(time.RFC3339, test.from)
			require.NoError(t, err)
			s.moveTo(instant)
			c := s.certificate(s.issued("PositiveSSL", "example.com"))
			assert.Equal(t, test.leaf, c.NotAfter.Format(time.DateOnly))
			assert.Equal(t, test.term, c.TermEnd.Format(time.DateOnly))
		})
	}
}

// docs/reference/namecheap.md §10: it is unknown what Expires means after a purchase of several years.
func TestExpiresIsTheEndOfLeafOrTerm(t *testing.T) {
	for meaning, want := range map[string][3]string{
		namecheap.MeansLeaf: {"4/2/2026", "10/17/2026", "10/17/2026"},
		namecheap.MeansTerm: {"4/2/2026", "4/2/2027", "04/02/2027"},
	} {
		s := newStandIn(t, func(c *namecheap.Settings) { c.Expires = meaning })
		info := s.info(s.issued("PositiveSSL", "example.com"))
		assert.Equal(t, want[0], info.Attr("IssuedOn"))
		assert.Equal(t, want[1], info.Attr("Expires"), "no padding in getInfo (0.6)")
		row := s.ok("ssl.getList").result("SSLListResult", "SSL")
		assert.Regexp(t, `^\d\d/\d\d/\d{4}$`, row.Attr("ExpireDate"), "padded in getList")
		assert.Equal(t, want[2], row.Attr("ExpireDate"))
	}
}

// docs/reference/namecheap.md §2: the old id turns "replaced" at the acceptance or at the issue.
func TestOldIDIsReplacedAtAcceptanceOrIssue(t *testing.T) {
	tests := []struct {
		setting, during string
		replacedBy      bool
	}{{namecheap.AtAcceptance, "replaced", true}, {namecheap.AtIssue, "active", false}}
	for _, test := range tests {
		t.Run(test.setting, func(t *testing.T) {
			s := newStandIn(t, func(c *namecheap.Settings) { c.ReplacedAt = test.setting })
			old := s.issued("PositiveSSL", "example.com")
			oldLeaf := s.certificate(old).Serial
			next := s.ok("ssl.reissue", "CertificateID", old, "CSR", standintest.CSR(t, "www.example.net"), "DNSDCValidation", "true").
				result("SSLReissueResult").Attr("ID")
			info := s.info(old)
			assert.Equal(t, test.during, info.Attr("Status"))
			assert.Equal(t, test.replacedBy, info.Attr("ReplacedBy") == next)
			assert.Equal(t, "purchased", s.info(next).Attr("Status"))
			again := s.call("ssl.reissue", "CertificateID", old, "CSR", standintest.CSR(t, "example.com"), "DNSDCValidation", "true")
			assert.Equal(t, []string{"4011331 Status is InValid."}, again.errors(), "replaced, or a reissue is under way")

			require.NoError(t, s.Prove(standintest.Number(t, next)))
			info = s.info(old)
			assert.Equal(t, "replaced", info.Attr("Status"))
			assert.Equal(t, next, info.Attr("ReplacedBy"))
			assert.NotEqual(t, oldLeaf, s.certificate(next).Serial)
			assert.Equal(t, s.certificate(old).ProviderOrderID, s.certificate(next).ProviderOrderID, "one lineage at the provider (3.3)")
			assert.Equal(t, s.certificate(old).TermEnd, s.certificate(next).TermEnd)
			assert.Equal(t, "991.12", s.balance(), "a reissue is free")
		})
	}
}

func TestReissueNeedsAnActiveCertificate(t *testing.T) {
	s := newStandIn(t)
	ids := map[string]string{"new": s.buy("PositiveSSL"), "waiting": s.activated("PositiveSSL", "example.com"), "cancelled": s.issued("PositiveSSL", "example.com"), "expired": s.issued("PositiveSSL", "example.com")}
	require.NoError(t, s.Cancel(standintest.Number(t, ids["cancelled"]), "refund"))
	s.moveTo(today.AddDate(2, 0, 0))
	for name, id := range ids {
		r := s.call("ssl.reissue", "CertificateID", id, "CSR", standintest.CSR(t, "example.com"), "DNSDCValidation", "true")
		assert.Equal(t, []string{"4011331 Status is InValid."}, r.errors(), name)
	}
}

func TestReissueWithMoreNamesNeedsThemBought(t *testing.T) {
	s := newStandIn(t)
	id := s.issued("PositiveSSL Multi Domain", "example.com", "DNSNames", "a.example.com,b.example.com")
	more := []string{"CertificateID", id, "CSR", standintest.CSR(t, "example.com"), "DNSNames", "a.example.com,b.example.com,c.example.com", "DNSDCValidation", "true"}
	assert.Equal(t, []string{"2010767 The additional domain names provided in DNSNames exceeded the purchased SANS.Only 2 SANS can be activated for this certificate."},
		s.call("ssl.reissue", more...).errors())
	s.ok("ssl.purchasemoresans", "CertificateID", id, "NumberOfSANSToAdd", "1")
	next := s.ok("ssl.reissue", more...).result("SSLReissueResult").Attr("ID")
	require.NoError(t, s.Prove(standintest.Number(t, next)))
	assert.Equal(t, []string{"example.com", "a.example.com", "b.example.com", "c.example.com"}, standintest.Certificate(t, s.certificate(next).Certificate).DNSNames)
}

func TestRefusedReissueIsResetBySupport(t *testing.T) {
	s := newStandIn(t)
	old := s.issued("PositiveSSL", "example.com")
	next := s.ok("ssl.reissue", "CertificateID", old, "CSR", standintest.CSR(t, "example.com"), "DNSDCValidation", "true").result("SSLReissueResult").Attr("ID")
	require.NoError(t, s.Refuse(standintest.Number(t, next), "Domain is blocked."))
	info := s.info(next)
	assert.Equal(t, "purchaseerror", info.Attr("Status"))
	assert.Equal(t, "Domain is blocked.", info.Attr("StatusDescription"))
	require.NoError(t, s.Reset(standintest.Number(t, next)))
	assert.Equal(t, "active", s.info(old).Attr("Status"))
	assert.Equal(t, "cancelled", s.info(next).Attr("Status"))
}

// An active id turns "expired" at the end of its leaf or of its term.
func TestActiveIDExpiresWithLeafOrTerm(t *testing.T) {
	for setting, want := range map[string]string{namecheap.MeansTerm: "active", namecheap.MeansLeaf: "expired"} {
		s := newStandIn(t, func(c *namecheap.Settings) { c.ExpiredAt = setting })
		id := s.issued("PositiveSSL", "example.com")
		s.moveTo(time.Date(2026, 10, 17, 23, 59, 59, 0, time.UTC))
		assert.Equal(t, "active", s.info(id).Attr("Status"), "the last second counts")
		s.moveTo(time.Date(2026, 10, 18, 0, 0, 0, 0, time.UTC))
		assert.Equal(t, want, s.info(id).Attr("Status"))
		assert.Equal(t, "true", s.ok("ssl.getList").result("SSLListResult", "SSL").Attr("IsExpiredYN"))
		s.moveTo(time.Date(2027, 4, 3, 0, 0, 0, 0, time.UTC))
		assert.Equal(t, "expired", s.info(id).Attr("Status"))
	}
}

// docs/reference/namecheap.md §3.7: from 90 days before to 180 days after the end.
func TestRenewWindow(t *testing.T) {
	tests := []struct {
		from, at string
		want     []string
	}{
		{namecheap.MeansTerm, "2027-01-02T23:59:58Z", []string{"4011294 Certificate not meet the ExpireDate. So cannot Renew"}},
		{namecheap.MeansTerm, "2027-01-02T23:59:59Z", nil},
		{namecheap.MeansTerm, "2027-09-29T23:59:59Z", nil},
		{namecheap.MeansTerm, "2027-09-30T00:00:01Z", []string{"4011294 Certificate not meet the ExpireDate. So cannot Renew"}},
		{namecheap.MeansLeaf, "2026-07-19T23:59:58Z", []string{"4011294 Certificate not meet the ExpireDate. So cannot Renew"}},
		{namecheap.MeansLeaf, "2026-07-19T23:59:59Z", nil},
	}
	for _, test := range tests {
		t.Run(test.from+" "+test.at, func(t *testing.T) {
			s := newStandIn(t, func(c *namecheap.Settings) { c.RenewWindowFrom = test.from })
			id := s.issued("PositiveSSL", "example.com")
			instant, err := time.Parse(time.RFC3339, test.at)
			require.NoError(t, err)
			s.moveTo(instant)
			assert.Equal(t, test.want, s.call("ssl.renew", "CertificateID", id, "Years", "1", "SSLType", "PositiveSSL").errors())
		})
	}
}

func TestRenewErrors(t *testing.T) {
	s := newStandIn(t)
	id := s.issued("PositiveSSL", "example.com")
	s.moveTo(today.AddDate(0, 11, 0))
	renew := func(id, years, kind string) []string {
		return s.call("ssl.renew", "CertificateID", id, "Years", years, "SSLType", kind).errors()
	}
	assert.Equal(t, []string{"2010301 Parameter SSLType is Missing", "2010167 Parameter Years is Missing", "2010294 Parameter CertificateID is Missing"}, renew("", "", ""), "all at once")
	assert.Equal(t, []string{"2013294 Parameter CertificateID is TooLong"}, renew("1234567890", "1", "PositiveSSL"), "nine digits here")
	assert.Equal(t, []string{"2011301 Parameter SSLType is not valid"}, renew(id, "1", "Nonsense"))
	assert.Equal(t, []string{"2012301 SSLType Mismatch"}, renew(id, "1", "EssentialSSL"))
	assert.Equal(t, []string{"2012301 SSLType Mismatch"}, renew(id, "1", "EV SSL"))
	assert.Equal(t, []string{"4011331 Certificate status is invalid"}, renew(s.buy("PositiveSSL"), "1", "PositiveSSL"))
	assert.Empty(t, renew(id, "1", "Standard SSL SSLcom"))
	assert.Equal(t, []string{"4028294 This CertificateID is already queued for Renewal"}, renew(id, "1", "PositiveSSL"))
}

// docs/reference/namecheap.md §3.9 and §3.11.
func TestFollowUps(t *testing.T) {
	s := newStandIn(t)
	waiting := s.activated("PositiveSSL", "example.com")
	active := s.issued("PositiveSSL", "example.com", "AdminEmailAddress", "admin@example.com")
	silent := s.issued("PositiveSSL", "example.com")
	errors := func(command, id string, pairs ...string) []string {
		return s.call(command, append([]string{"CertificateID", id}, pairs...)...).errors()
	}

	assert.Equal(t, waiting, s.ok("ssl.resendapproveremail", "CertificateID", waiting).result("SSLResendApproverEmailResult").Attr("ID"))
	assert.Equal(t, []string{"2011331 Status is invalid"}, errors("ssl.resendApproverEmail", active))
	assert.Equal(t, []string{"2011294 CertificateID is invalid"}, errors("ssl.resendApproverEmail", unusedID))
	assert.Equal(t, active, s.ok("ssl.resendFulfillmentEmail", "CertificateID", active).result("SSLResendFulfillmentEmailResult").Attr("ID"))
	assert.Equal(t, []string{"2011331 Status is invalid"}, errors("ssl.resendFulfillmentEmail", waiting))
	assert.Equal(t, []string{"3011299 There is no administrator email address for this certificate."}, errors("ssl.resendFulfillmentEmail", silent))

	assert.Equal(t, []string{"4011331 Status is invalid"}, errors("ssl.revokeCertificate", active, "CertificateType", "PositiveSSL"), "only replaced ones")
	next := s.ok("ssl.reissue", "CertificateID", active, "CSR", standintest.CSR(t, "example.com"), "DNSDCValidation", "true").result("SSLReissueResult").Attr("ID")
	require.NoError(t, s.Prove(standintest.Number(t, next)))
	assert.Equal(t, []string{"2011300 Wrong SSL certificate selection. The type provided is not supported by command."}, errors("ssl.revokeCertificate", active, "CertificateType", "EV SSL"))
	assert.Equal(t, active, s.ok("ssl.revokeCertificate", "CertificateID", active, "CertificateType", "PositiveSSL").result("RevokeCertificateResult").Attr("ID"))
	assert.True(t, s.certificate(active).Revoked)
}

// docs/reference/namecheap.md §3.3.
func TestGetInfo(t *testing.T) {
	s := newStandIn(t)
	unknown := s.call("ssl.getInfo", "CertificateID", unusedID)
	assert.Equal(t, []string{"2011294 CertificateId is not valid"}, unknown.errors(), "the wire's spelling")
	zeroed := unknown.result("SSLGetInfoResult")
	for _, name := range []string{"Years", "OrderId", "SANSCount"} {
		assert.Equal(t, "0", zeroed.Attr(name), "a zeroed result comes with the error")
	}

	fresh := s.info(s.buy("PositiveSSL"))
	assert.Empty(t, fresh.Attr("IssuedOn")+fresh.Attr("Expires"), "empty where there is none (0.6)")
	assert.Equal(t, "0", fresh.Attr("ReplacedBy"))
	assert.Empty(t, fresh.First("CertificateDetails").Children)

	id := s.issued("PositiveSSL", "example.com")
	for _, test := range []struct{ wanted, kind, want string }{
		{"", "", ""}, {"true", "", ""}, {"true", "nonsense", ""}, {"false", "Individual", ""},
		{"true", "individual", "INDIVIDUAL"}, {"True", "pkcs7", "PKCS7"},
	} {
		got := s.ok("ssl.getInfo", "CertificateID", id, "Returncertificate", test.wanted, "Returntype", test.kind).
			result("SSLGetInfoResult", "CertificateDetails", "Certificates")
		assert.Equal(t, test.want, got.Attr("ReturnType"))
		assert.Equal(t, test.want != "", got.Attr("CertificateReturned") == "true")
	}
}

func TestPKCS7HasTheWholeChain(t *testing.T) {
	s := newStandIn(t)
	id := s.issued("PositiveSSL", "example.com")
	text := s.ok("ssl.getInfo", "CertificateID", id, "Returncertificate", "true", "Returntype", "PKCS7").
		result("SSLGetInfoResult", "CertificateDetails", "Certificates", "Certificate").Text()
	block, _ := pem.Decode([]byte(text))
	require.NotNil(t, block)
	require.Equal(t, "PKCS7", block.Type)
	bundle, err := pkcs7.Parse(block.Bytes)
	require.NoError(t, err)
	require.Len(t, bundle.Certificates, 3)
	assert.Equal(t, standintest.Certificate(t, s.certificate(id).Certificate).Raw, bundle.Certificates[0].Raw, "the leaf first")
	assert.NoError(t, bundle.Certificates[0].CheckSignatureFrom(bundle.Certificates[1]))
	assert.NoError(t, bundle.Certificates[1].CheckSignatureFrom(bundle.Certificates[2]))
}

// docs/reference/namecheap.md §0.9: attributes that the documentation does not list.
func TestUndocumentedAttributes(t *testing.T) {
	for _, shown := range []bool{true, false} {
		s := newStandIn(t, func(c *namecheap.Settings) { c.Undocumented = shown })
		info := s.info(s.issued("PositiveSSL", "example.com"))
		row := s.ok("ssl.getList").result("SSLListResult", "SSL")
		for _, has := range []bool{info.Has("Years"), info.Has("validationType"), row.Has("ProviderOrderID"), row.Has("Years")} {
			assert.Equal(t, shown, has)
		}
	}
}

func TestWhiteSpaceAroundPEM(t *testing.T) {
	for _, stray := range []bool{true, false} {
		s := newStandIn(t, func(c *namecheap.Settings) { c.PEMWhitespace = stray })
		leaf := s.info(s.issued("PositiveSSL", "example.com")).First("CertificateDetails", "Certificates", "Certificate").Chars
		assert.Equal(t, stray, leaf != strings.TrimSpace(leaf))
	}
}

// OV and EV also wait for the vetting of the organisation; the seller's own sandbox
// never returns them (docs/reference/namecheap.md §9).
func TestVetting(t *testing.T) {
	s := newStandIn(t)
	id := s.activated("InstantSSL", "example.com", "AdminOrganizationName", "Example Ltd", "AdminCountry", "FR", "AdminCity", "Lille")
	require.NoError(t, s.Prove(standintest.Number(t, id)))
	assert.Equal(t, "purchased", s.info(id).Attr("Status"))
	require.NoError(t, s.Vet(standintest.Number(t, id)))
	info := s.info(id)
	assert.Equal(t, "active", info.Attr("Status"))
	assert.Equal(t, "CN=example.com,O=Example Ltd,L=Lille,C=FR", verifiedLeaf(t, info).Subject.String())

	settings := s.Settings()
	settings.ReturnVetted = false
	require.NoError(t, s.SetSettings(settings))
	assert.Empty(t, s.info(id).First("CertificateDetails", "Certificates").Children)
}

func TestAutomaticIssue(t *testing.T) {
	s := newStandIn(t, func(c *namecheap.Settings) { c.AutoIssueSeconds = 60 })
	id := s.activated("PositiveSSL", "example.com")
	s.moveTo(today.Add(59 * time.Second))
	assert.Equal(t, "purchased", s.info(id).Attr("Status"))
	s.moveTo(today.Add(3 * time.Hour))
	assert.Equal(t, "active", s.info(id).Attr("Status"))
	assert.Equal(t, today.Add(time.Minute), s.certificate(id).Domains[0].Proved, "issued when it was due, not when it was looked at")
}

func TestEveryDomainMustBeProved(t *testing.T) {
	s := newStandIn(t)
	id := s.activated("PositiveSSL Multi Domain", "example.com", "DNSNames", "a.example.net,b.example.net")
	require.NoError(t, s.Prove(standintest.Number(t, id), "example.com", "a.example.net"))
	assert.Equal(t, "purchased", s.info(id).Attr("Status"))
	assert.ErrorIs(t, s.Prove(standintest.Number(t, id), "example.org"), namecheap.ErrUnknown)
	_, err := s.ProveDomain("b.example.net")
	require.NoError(t, err)
	assert.Equal(t, "active", s.info(id).Attr("Status"))
	assert.ErrorContains(t, s.Prove(standintest.Number(t, id)), "is active")
}

// docs/reference/validity.md §A1.2: a validation may be reused while it is recent enough on the day of
// issue.
func TestValidationsAreReused(t *testing.T) {
	s := newStandIn(t, func(c *namecheap.Settings) { c.ReuseValidation = true })
	s.issued("PositiveSSL", "example.com")
	s.moveTo(today.AddDate(0, 0, 200))
	assert.Equal(t, "active", s.info(s.activated("PositiveSSL", "example.com")).Attr("Status"), "200 days old in 2026")
	s.moveTo(today.AddDate(0, 0, 201))
	assert.Equal(t, "purchased", s.info(s.activated("PositiveSSL", "example.com")).Attr("Status"))
	assert.Equal(t, "purchased", s.info(s.activated("PositiveSSL", "example.net")).Attr("Status"), "another domain")
}

// docs/reference/namecheap.md §3.4.
func TestGetList(t *testing.T) {
	s := newStandIn(t)
	require.NoError(t, s.PutAccount(namecheap.Account{User: "other", Key: "k", WhiteList: []string{"127.0.0.1"}, Balance: 100_00}))
	s.call("ssl.create", "Type", "PositiveSSL", "Years", "1", "ApiUser", "other", "UserName", "other", "ApiKey", "k")
	id := map[string]string{
		"new": s.buy("PositiveSSL"), "waiting": s.activated("PositiveSSL", "b.example.com"), "mail": s.buy("EssentialSSL"),
		"active": s.issued("PositiveSSL", "a.example.com"), "refused": s.activated("PositiveSSL", "c.example.com"), "cancelled": s.activated("PositiveSSL", "d.example.com"),
		"replaced": s.issued("PositiveSSL", "e.example.com"),
	}
	s.ok("ssl.activate", "CertificateID", id["mail"], "CSR", standintest.CSR(t, "mail.example.com"), "ApproverEmail", "admin@example.com")
	require.NoError(t, s.Refuse(standintest.Number(t, id["refused"]), "no"))
	require.NoError(t, s.Cancel(standintest.Number(t, id["cancelled"]), "no"))
	id["reissue"] = s.ok("ssl.reissue", "CertificateID", id["replaced"], "CSR", standintest.CSR(t, "e.example.com"), "DNSDCValidation", "true").result("SSLReissueResult").Attr("ID")

	list := func(pairs ...string) (ids []string) {
		for _, row := range s.ok("ssl.getList", pairs...).result("SSLListResult").All("SSL") {
			ids = append(ids, row.Attr("CertificateID"))
		}
		return ids
	}
	assert.Len(t, list(), 8, "not those of other accounts; old ids stay")
	for kind, want := range map[string][]string{
		"All": nil, "newpurchase": {"new"}, "Processing": {"waiting", "mail", "reissue"}, "EmailSent": {"mail"}, "Active": {"active"},
		"TechnicalProblem": {"refused"}, "Cancelled": {"cancelled"}, "Deactivated": {"replaced"}, "NewRenewal": {},
	} {
		var ids []string
		for _, name := range want {
			ids = append(ids, id[name])
		}
		if kind == "All" {
			ids = list()
		}
		assert.ElementsMatch(t, ids, list("ListType", kind), kind)
	}
	assert.Equal(t, []string{"2011272 ListType is invalid"}, s.call("ssl.getList", "ListType", "Nonsense").errors())
	assert.Equal(t, []string{id["active"]}, list("SearchTerm", "A.Example"))
	byHost := list("SortBy", "Host_Name", "ListType", "Processing")
	assert.Equal(t, []string{id["waiting"], id["reissue"], id["mail"]}, byHost)
	assert.Equal(t, []string{id["mail"], id["reissue"], id["waiting"]}, list("SortBy", "HOST_NAME_DESC", "ListType", "Processing"))
	assert.Equal(t, id["mail"], list("SortBy", "SSLTYPE")[0])
}

func TestGetListPages(t *testing.T) {
	s := newStandIn(t)
	for range 25 {
		s.buy("PositiveSSL")
	}
	for _, test := range []struct {
		page, size         string
		rows               int
		wantPage, wantSize string
	}{
		{"", "", 20, "1", "20"}, {"2", "", 5, "2", "20"}, {"3", "", 0, "3", "20"}, {"0", "0", 20, "1", "20"},
		{"3", "10", 5, "3", "10"}, {"1", "5", 10, "1", "10"}, {"1", "1000", 25, "1", "100"}, {"x", "x", 20, "1", "20"}, {"999999999999", "", 20, "1", "20"},
	} {
		r := s.ok("ssl.getList", "Page", test.page, "PageSize", test.size)
		assert.Len(t, r.result("SSLListResult").All("SSL"), test.rows)
		paging := r.result("Paging")
		assert.Equal(t, "25", paging.First("TotalItems").Text())
		assert.Equal(t, test.wantPage+" "+test.wantSize, paging.First("CurrentPage").Text()+" "+paging.First("PageSize").Text())
	}
}
