package namecheap_test

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/namecheap"
	"pmssl/internal/sandbox/standin/standintest"
)

const unusedID = "99999999"

// docs/reference/namecheap.md §3.2: the documented errors. None of them changes the certificate.
func TestActivateErrors(t *testing.T) {
	s := newStandIn(t)
	require.NoError(t, s.PutAccount(namecheap.Account{User: namecheap.DefaultUser, Key: namecheap.DefaultKey, WhiteList: []string{"127.0.0.1"}, Balance: 5000_00}))
	require.NoError(t, s.PutAccount(namecheap.Account{User: "other", Key: "k", WhiteList: []string{"127.0.0.1"}, Balance: 100_00}))
	foreign := s.call("ssl.create", "Type", "PositiveSSL", "Years", "1", "ApiUser", "other", "UserName", "other", "ApiKey", "k").
		result("SSLCreateResult", "SSLCertificate").Attr("CertificateID")
	id := map[string]string{}
	for _, kind := range []string{"PositiveSSL", "PositiveSSL Wildcard", "PositiveSSL Multi Domain", "InstantSSL", "EV SSL"} {
		id[kind] = s.buy(kind)
	}
	waiting := s.activated("PositiveSSL", "waiting.example.com")
	csr, wild := standintest.CSR(t, "example.com"), standintest.CSR(t, "*.example.com")
	withOrganization := standintest.CSRWith(t, standintest.Key(t), pkix.Name{CommonName: "example.com", Organization: []string{"Example Ltd"}})
	ev := []string{
		"AdminAddress1", "1 High Street", "AdminCity", "London", "AdminStateProvince", "London", "AdminCountry", "GB",
		"AdminPostalCode", "N1", "CompanyIncorporationCountry", "GB", "DNSDCValidation", "true",
	}
	evBut := func(name, value string) []string {
		changed := append([]string{}, ev...)
		for i := 0; i < len(changed); i += 2 {
			if changed[i] == name {
				changed[i+1] = value
				return changed
			}
		}
		return append(changed, name, value)
	}

	tests := []struct {
		name, id, csr string
		pairs         []string
		want          string
	}{
		{"id missing", "", csr, nil, "2010294 Parameter CertificateID is Missing"},
		{"id too long", "12345678901", csr, nil, "2013294 Parameter CertificateID is TooLong"},
		{"id no number", "12x", csr, nil, "2011294 Parameter CertificateID is Invalid"},
		{"id unknown", unusedID, csr, nil, "2011294 CertificateID is invalid"},
		{"id of another account", foreign, csr, nil, "2011294 CertificateID is invalid"},
		{"csr missing", id["PositiveSSL"], "", nil, "2010296 Parameter CSR is Missing"},
		{"csr too long", id["PositiveSSL"], strings.Repeat("x", 32768), nil, "2013296 Parameter CSR is TooLong"},
		{"csr rubbish", id["PositiveSSL"], "rubbish", nil, "3011296 Invalid CSR. no PEM block CERTIFICATE REQUEST found"},
		{"csr with a weak key", id["PositiveSSL"], standintest.CSRWith(t, weakRSA(t), pkix.Name{CommonName: "example.com"}), nil, "3011296 Invalid CSR. the RSA key has 1024 bits, at least 2048 are needed"},
		{"csr without a name", id["PositiveSSL"], standintest.CSR(t, ""), nil, `3011296 Invalid CSR. Common Name "": it is not a fully qualified domain name`},
		{"csr for an address", id["PositiveSSL"], standintest.CSR(t, "192.0.2.1"), nil, `3011296 Invalid CSR. Common Name "192.0.2.1": it is an IP address`},
		{"csr for an internal name", id["PositiveSSL"], standintest.CSR(t, "host.local"), nil, `3011296 Invalid CSR. Common Name "host.local": it is an internal name`},
		{"wildcard product, plain csr", id["PositiveSSL Wildcard"], csr, nil, "2011296 The CSR provided is invalid to generate a wildcard certificate. Please make sure that you generate a CSR with a Common Name (CN) that starts with '*.' (ex: *.yourdomain.com)"},
		{"plain product, wildcard csr", id["PositiveSSL"], wild, nil, "2030296 Invalid CSR - Wildcard not supported with this type of certificate."},
		{"wildcard by file", id["PositiveSSL Wildcard"], wild, []string{"HTTPDCValidation", "true"}, "3011784 Due to CA/B Forum regulations, HTTP DCV method is not allowed for Wildcard certificates"},
		{"not to be activated", waiting, csr, nil, "4011331 Status is InValid."},
		{"no method", id["PositiveSSL"], csr, nil, "2010295 Approver email is required"},
		{"both methods", id["PositiveSSL"], csr, []string{"HTTPDCValidation", "true", "DNSDCValidation", "True"}, "2011784 Both File-Based and DNS-Based authentication can't be enabled"},
		{"switch is no boolean", id["PositiveSSL"], csr, []string{"DNSDCValidation", "yes"}, "2013900 Parameter DNSDCValidation is Invalid"},
		{"hash method for a single domain", id["PositiveSSL"], csr, []string{"ApproverEmail", "CNAMECSRHASH"}, "2011295 Approver email is invalid"},
		{"approver not in the list", id["PositiveSSL"], csr, []string{"ApproverEmail", "joe@example.com"}, "3011295 Approver email is not valid"},
		{"approver of another domain", id["PositiveSSL"], csr, []string{"ApproverEmail", "admin@example.org"}, "3011295 Approver email is not valid"},
		{"admin address invalid", id["PositiveSSL"], csr, []string{"AdminEmailAddress", "nobody"}, "2011214 Parameter AdminEmailAddress is Invalid"},
		{"unique value too long", id["PositiveSSL"], csr, []string{"UniqueValue", strings.Repeat("u", 21)}, "2013900 Parameter UniqueValue is TooLong"},
		{"too many names", id["PositiveSSL Multi Domain"], csr, []string{"DNSNames", "a.example.com,b.example.com,c.example.com", "DNSDCValidation", "true"}, "2010767 The additional domain names provided in DNSNames exceeded the purchased SANS.Only 2 SANS can be activated for this certificate."},
		{"name twice", id["PositiveSSL Multi Domain"], csr, []string{"DNSNames", "a.example.com,Example.com", "DNSDCValidation", "true"}, "2014296 Duplicate Values in Common Names detected.Each Common Name should have a unique value."},
		{"approvers of the names missing", id["PositiveSSL Multi Domain"], csr, []string{"DNSNames", "a.example.com", "ApproverEmail", "CNAMECSRHASH"}, "2010295 DNSApproverEmails is required"},
		{"approvers not as many", id["PositiveSSL Multi Domain"], csr, []string{"DNSNames", "a.example.com,b.example.com", "ApproverEmail", "CNAMECSRHASH", "DNSApproverEmails", "HTTPCSRHASH"}, "2010767 The additional DNSNames and their corresponding approver emails are not equal"},
		{"approver of a name invalid", id["PositiveSSL Multi Domain"], csr, []string{"DNSNames", "a.example.com", "ApproverEmail", "CNAMECSRHASH", "DNSApproverEmails", "joe@example.com"}, "3011295 Approver email for the DomainName a.example.com is not valid.Please provide the dnsapprover emails in the same order of dnsnames."},
		{"OV without an organisation", id["InstantSSL"], csr, []string{"DNSDCValidation", "true"}, "2010396 Either CSR Organization or AdminOrganizationName must be specified"},
		{"OV with an unknown country", id["InstantSSL"], withOrganization, []string{"DNSDCValidation", "true", "AdminCountry", "XX"}, "4011297 Parameter AdminCountry XX is not a valid ISO 3166-1 alpha-2 country"},
		{"OV with a DUNS of letters", id["InstantSSL"], withOrganization, []string{"DNSDCValidation", "true", "OrganizationDUNS", "x"}, "4011900 OrganizationDUNS must be integer"},
		{"OV with a bare phone", id["InstantSSL"], withOrganization, []string{"DNSDCValidation", "true", "AdminPhone", "5551234"}, "2011212 Parameter AdminPhone is Invalid"},
		{"EV without an address", id["EV SSL"], withOrganization, evBut("AdminCity", ""), "2010326 Parameter AdminCity is missing"},
		{"EV without incorporation", id["EV SSL"], withOrganization, evBut("CompanyIncorporationCountry", ""), "2010667 CompanyIncorporationCountry is Required for EV SSL certificates"},
		{"EV with a wrong date", id["EV SSL"], withOrganization, evBut("CompanyIncorporationDate", "31.12.1999"), "2011668 Parameter CompanyIncorporationDate is Invalid. Valid format is YYYY-MM-DD"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := s.call("ssl.activate", append([]string{"CertificateID", test.id, "CSR", test.csr}, test.pairs...)...)
			assert.Equal(t, []string{test.want}, r.errors())
		})
	}
	for kind, unchanged := range id {
		assert.Equal(t, namecheap.NewPurchase, s.certificate(unchanged).Status, "refused by the seller: status unchanged (2), %s", kind)
	}
	s.ok("ssl.activate", append([]string{"CertificateID", id["EV SSL"], "CSR", withOrganization}, ev...)...)
}

func TestActivationPeriodEnds(t *testing.T) {
	s := newStandIn(t)
	id := s.buy("PositiveSSL")
	assert.Equal(t, "4/2/2027", s.info(id).Attr("ActivationExpireDate"))
	s.moveTo(today.AddDate(1, 0, 1))
	r := s.call("ssl.activate", "CertificateID", id, "CSR", standintest.CSR(t, "example.com"), "DNSDCValidation", "true")
	assert.Equal(t, []string{"4020294 Activation period for this certificate has expired."}, r.errors())
}

func TestAdminEmailMayBeRequired(t *testing.T) {
	s := newStandIn(t, func(c *namecheap.Settings) { c.AdminEmailRequired = true })
	r := s.call("ssl.activate", "CertificateID", s.buy("PositiveSSL"), "CSR", standintest.CSR(t, "example.com"), "DNSDCValidation", "true")
	assert.Equal(t, []string{"2010214 Parameter AdminEmailAddress is Missing"}, r.errors())
}

// docs/reference/namecheap.md §2: a certificate that the authority refuses is purchaseerror until support
// resets it.
func TestRefusedByTheAuthorityAtActivation(t *testing.T) {
	s := newStandIn(t, func(c *namecheap.Settings) { c.RefusedDomains = []string{"bad.example"} })
	id := s.buy("PositiveSSL")
	again := func(cn string) []string {
		return s.call("ssl.activate", "CertificateID", id, "CSR", standintest.CSR(t, cn), "DNSDCValidation", "true").errors()
	}
	assert.Equal(t, []string{"3011295 Error From Certificate Provider"}, again("bad.example"))
	assert.Equal(t, "purchaseerror", s.info(id).Attr("Status"))
	assert.Equal(t, []string{"4011331 Status is InValid."}, again("good.example"))
	require.NoError(t, s.Reset(standintest.Number(t, id)))
	assert.Empty(t, again("good.example"))
}

// docs/reference/namecheap.md §5: M and S are MD5 and SHA-256 of the DER, upper case, the same for all
// domains of one request; each domain is in the block of its method.
func TestChallengeValues(t *testing.T) {
	s := newStandIn(t)
	csr := standintest.CSR(t, "example.com")
	block, _ := pem.Decode([]byte(csr))
	m, sum := fmt.Sprintf("%X", md5.Sum(block.Bytes)), fmt.Sprintf("%X", sha256.Sum256(block.Bytes))

	r := s.ok("ssl.activate", "CertificateID", s.buy("PositiveSSL Multi Domain", "SANStoADD", "1"), "CSR", csr, "UniqueValue", "5a955211b1f8c",
		"DNSNames", "a.example.net, b.example.org,c.example.org", "ApproverEmail", "CNAMECSRHASH", "DNSApproverEmails", "HTTPCSRHASH, CNAMECSRHASH,Admin@c.example.org").
		result("SSLActivateResult")
	assert.Equal(t, "true", r.Attr("IsSuccess"))
	files := r.All("HttpDCValidation", "DNS")
	require.Len(t, files, 1)
	assert.Equal(t, "a.example.net", files[0].Attr("domain"))
	assert.Equal(t, m+".txt", files[0].First("FileName").Text())
	assert.Equal(t, sum+" comodoca.com 5a955211b1f8c", files[0].First("FileContent").Text())
	records := r.All("DNSDCValidation", "DNS")
	require.Len(t, records, 2)
	for i, domain := range []string{"example.com", "b.example.org"} {
		assert.Equal(t, domain, records[i].Attr("domain"))
		assert.Equal(t, "_"+m+"."+domain, records[i].First("HostName").Text())
		assert.Equal(t, sum[:32]+"."+sum[32:]+".5a955211b1f8c.comodoca.com", records[i].First("Target").Text())
	}
}

func TestUniqueValueIsGeneratedWhenAbsent(t *testing.T) {
	s := newStandIn(t)
	first, second := s.activated("PositiveSSL", "a.example.com"), s.activated("PositiveSSL", "b.example.com")
	value := s.certificate(first).UniqueValue
	assert.Regexp(t, `^[0-9a-f]{13}$`, value)
	assert.Equal(t, fmt.Sprintf("%08x", today.Unix()), value[:8], "PHP's uniqid: the unix time first (3.2)")
	assert.NotEqual(t, value, s.certificate(second).UniqueValue, "also while the clock stands still")
}

func TestWildcardIsProvedByItsBareDomain(t *testing.T) {
	s := newStandIn(t)
	id := s.buy("PositiveSSL Wildcard")
	r := s.ok("ssl.activate", "CertificateID", id, "CSR", standintest.CSR(t, "*.example.com"), "DNSDCValidation", "true")
	assert.True(t, strings.HasSuffix(r.result("SSLActivateResult", "DNSDCValidation", "DNS", "HostName").Text(), ".example.com"))
	assert.NotContains(t, r.result("SSLActivateResult", "DNSDCValidation", "DNS", "HostName").Text(), "*")
	ids, err := s.ProveDomain("example.com")
	require.NoError(t, err)
	assert.Equal(t, []int64{standintest.Number(t, id)}, ids)
	leaf := standintest.Certificate(t, s.certificate(id).Certificate)
	assert.Equal(t, []string{"*.example.com", "example.com"}, leaf.DNSNames)
}

// docs/reference/namecheap.md §3.2: the shape of an e-mail-only answer is unknown; the stand-in has both.
func TestEmailOnlyActivationHasTwoShapes(t *testing.T) {
	for blocks, want := range map[bool]int{true: 2, false: 0} {
		s := newStandIn(t, func(c *namecheap.Settings) { c.EmailBlocks = blocks })
		r := s.ok("ssl.activate", "CertificateID", s.buy("PositiveSSL"), "CSR", standintest.CSR(t, "www.example.com"), "ApproverEmail", "hostmaster@example.com").
			result("SSLActivateResult")
		require.Len(t, r.Children, want)
		for _, block := range r.Children {
			assert.Equal(t, "false", block.Attr("ValueAvailable"))
		}
	}
}

// docs/reference/namecheap.md §4: a purchase from before the switch is issued as its successor after it.
func TestOldPurchaseIsActivatedAsItsSuccessor(t *testing.T) {
	s := newStandIn(t)
	id := s.buy("PositiveSSL")
	assert.Equal(t, "positivessl", s.info(id).Attr("Type"))
	s.moveTo(time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC))
	s.ok("ssl.activate", "CertificateID", id, "CSR", standintest.CSR(t, "example.com"), "DNSDCValidation", "true")
	info := s.info(id)
	assert.Equal(t, "standard ssl sslcom", info.Attr("Type"))
	assert.Equal(t, "SSLCOM", info.First("Provider", "Name").Text())
}

// docs/reference/namecheap.md §3.12: errors.
func TestEditDCVMethodErrors(t *testing.T) {
	s := newStandIn(t)
	single := s.activated("PositiveSSL", "example.com")
	wild := s.activated("PositiveSSL Wildcard", "*.example.com")
	multi := s.activated("PositiveSSL Multi Domain", "example.com", "DNSNames", "example.net")
	tests := []struct {
		name, id string
		pairs    []string
		want     string
	}{
		{"id missing", "", []string{"DCVMethod", "CNAME_CSR_HASH"}, "2010294 Parameter CertificateID is Missing"},
		{"id unknown", unusedID, []string{"DCVMethod", "CNAME_CSR_HASH"}, "2011294 CertificateID is invalid"},
		{"method too long", single, []string{"DCVMethod", strings.Repeat("x", 256)}, "2013294 Parameter DCVMethod is TooLong"},
		{"not activated", s.buy("PositiveSSL"), []string{"DCVMethod", "CNAME_CSR_HASH"}, "2011331 Status is Invalid"},
		{"nothing to do", single, nil, "2010784 Insufficient data to edit dcvalidation method"},
		{"single with lists", single, []string{"DNSNames", "example.com", "DCVMethods", "CNAME_CSR_HASH"}, "2010784 DCVMethod is missing to edit dcv method for this single domain certificate"},
		{"multi with one method", multi, []string{"DCVMethod", "CNAME_CSR_HASH"}, "2010784 DNSNames or DCVMethods is missing to edit dcv method for this multi domain certificate"},
		{"both forms", multi, []string{"DCVMethod", "CNAME_CSR_HASH", "DNSNames", "example.com"}, "2011784 DNSNames or DCVMethods cannot be sent along with DCVMethod"},
		{"not as many methods as names", multi, []string{"DNSNames", "example.com,example.net", "DCVMethods", "CNAME_CSR_HASH"}, "2010767 The DNSNames and their corresponding DCVMethods are not equal"},
		{"name of another certificate", multi, []string{"DNSNames", "example.org", "DCVMethods", "CNAME_CSR_HASH"}, "2011767 There is no dnsnames or mismatch in the dnsnames provided during previous activation.Please check dnsnames and try again."},
		{"method unknown", single, []string{"DCVMethod", "SMOKE_SIGNAL"}, "3011295 DCVMethod is invalid"},
		{"method spelled as for activate", single, []string{"DCVMethod", "CNAMECSRHASH"}, "3011295 DCVMethod is invalid"},
		{"method of a name unknown", multi, []string{"DNSNames", "example.net", "DCVMethods", "joe@example.net"}, "3011784 DCVMethod for the DomainName example.net is not valid.Please provide valid DCVMethod in DCVMethods parameter for this DomainName"},
		{"wildcard by file", wild, []string{"DCVMethod", "HTTP_CSR_HASH"}, "3011784 Due to CA/B Forum regulations, HTTP DCV method is not allowed for Wildcard certificates"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := s.call("ssl.editDCVMethod", append([]string{"CertificateID", test.id}, test.pairs...)...)
			assert.Equal(t, []string{test.want}, r.errors())
		})
	}
}

// docs/reference/namecheap.md §3.12: values directly in the blocks; the common name is among the names.
func TestEditDCVMethod(t *testing.T) {
	s := newStandIn(t)
	single := s.activated("PositiveSSL", "example.com")
	r := s.ok("ssl.editdcvmethod", "CertificateID", single, "DCVMethod", "HTTP_CSR_HASH").result("SSLEditDCVMethodResult")
	assert.Equal(t, "true", r.First("HttpDCValidation").Attr("ValueAvailable"))
	assert.NotEmpty(t, r.First("HttpDCValidation", "FileName").Text())
	assert.Equal(t, "false", r.First("DNSDCValidation").Attr("ValueAvailable"))
	assert.Empty(t, r.First("DNSDCValidation", "HostName").Text())
	assert.Empty(t, r.First("Domains").Children, "none for a single domain")
	assert.Equal(t, namecheap.ByHTTP, s.certificate(single).Domains[0].Method)

	multi := s.activated("PositiveSSL Multi Domain", "example.com", "DNSNames", "example.net,example.org")
	r = s.ok("ssl.editDCVMethod", "CertificateID", multi, "DNSNames", "example.net,example.org", "DCVMethods", "HTTP_CSR_HASH,admin@example.org").
		result("SSLEditDCVMethodResult")
	assert.True(t, strings.HasSuffix(r.First("DNSDCValidation", "HostName").Text(), ".example.com"), "unchanged: by DNS")
	set := r.All("Domains", "Domains")
	require.Len(t, set, 2)
	assert.Equal(t, "admin@example.org", set[1].Attr("DCVMethodSet"))
	assert.Equal(t, "admin@example.org", s.certificate(multi).Domains[2].Approver)
}

// docs/reference/namecheap.md §3.5.
func TestParseCSR(t *testing.T) {
	s := newStandIn(t)
	csr := standintest.CSRWith(t, standintest.Key(t), pkix.Name{
		CommonName: "www.example.com", Organization: []string{"Example Ltd"}, OrganizationalUnit: []string{"IT"},
		Country: []string{"GB"}, Province: []string{"London"}, Locality: []string{"Camden"},
	})
	details := s.ok("ssl.parseCSR", "csr", csr, "CertificateType", "InstantSSL").result("SSLParseCSRResult", "CSRDetails")
	for name, want := range map[string]string{
		"CommonName": "www.example.com", "Organisation": "Example Ltd", "OrganisationUnit": "IT", "Country": "GB",
		"State": "London", "Locality": "Camden", "DNSNames": "www.example.com", "ValidTrueDomain": "true",
	} {
		assert.Equal(t, want, details.First(name).Text(), name)
	}
	for name, test := range map[string]struct{ csr, kind, want string }{
		"missing":             {"", "", "2010296 Parameter CSR is Missing"},
		"longer than 2000":    {strings.Repeat("x", 2001), "", "2013296 Parameter CSR is TooLong"},
		"rubbish":             {"rubbish", "", "3022296 Failed to retrive CSR details from provider"},
		"type unknown":        {csr, "Nonsense", "2011300 CertificateType is invalid"},
		"type not taken here": {csr, "Multi Domain SSL", "2011300 CertificateType is invalid"},
	} {
		assert.Equal(t, []string{test.want}, s.call("ssl.parseCSR", "csr", test.csr, "CertificateType", test.kind).errors(), name)
	}
}

// docs/reference/namecheap.md §3.6.
func TestApproverEmails(t *testing.T) {
	s := newStandIn(t)
	r := s.ok("ssl.getApproverEmailList", "DomainName", "*.www.Example.co.uk", "CertificateType", "PositiveSSL Wildcard").result("GetApproverEmailListResult")
	assert.Equal(t, "*.www.Example.co.uk", r.Attr("Domain"))
	assert.Empty(t, r.First("Domainemails").Children, "WHOIS is hidden")
	var generic []string
	for _, email := range r.All("Genericemails", "email") {
		generic = append(generic, email.Text())
	}
	assert.Equal(t, []string{
		"admin@www.example.co.uk", "administrator@www.example.co.uk", "hostmaster@www.example.co.uk", "postmaster@www.example.co.uk", "webmaster@www.example.co.uk",
		"admin@example.co.uk", "administrator@example.co.uk", "hostmaster@example.co.uk", "postmaster@example.co.uk", "webmaster@example.co.uk",
	}, generic)
	for name, test := range map[string]struct{ domain, kind, want string }{
		"domain missing":    {"", "PositiveSSL", "2010166 Parameter DomainName is Missing"},
		"domain too long":   {strings.Repeat("a.", 40) + "com", "PositiveSSL", "2013166 Parameter DomainName is TooLong"},
		"domain invalid":    {"exa_mple.com", "PositiveSSL", "2011166 DomainName is invalid"},
		"domain in Unicode": {"пример.рф", "PositiveSSL", "2011166 DomainName is invalid"},
		"type unknown":      {"example.com", "Nonsense", "2011300 CertificateType is invalid"},
	} {
		assert.Equal(t, []string{test.want}, s.call("ssl.getApproverEmailList", "DomainName", test.domain, "CertificateType", test.kind).errors(), name)
	}
}
