package dnscheck_test

import (
	"strings"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/dnscheck"
)

// RFC 8659 3: the records of the name, else of the closest parent that has any.
func TestTheRelevantRecordsAreFoundByClimbing(t *testing.T) {
	z := serve(t, &zone{records: map[string][]string{
		"com.":                  {},
		"example.com.":          {`CAA 0 issue "sectigo.com"`},
		"store.example.com.":    {`CAA 0 issue "ssl.com"`},
		"iodef.example.com.":    {`CAA 0 iodef "mailto:security@example.com"`},
		"alias.example.com.":    {"CNAME target.example.net."},
		"target.example.net.":   {`CAA 0 issue "digicert.com"`},
		"dangling.example.com.": {"CNAME gone.example.net."},
		"plain.example.com.":    {"A 192.0.2.1"},
		"closed.example.com.":   {`CAA 0 issue ";"`},
		"example.net.":          {},
		"net.":                  {},
		"example.restricted.":   {},
		"restricted.":           {`CAA 0 issue "only.example"`},
	}})
	for name, want := range map[string][]string{
		"example.com": {"sectigo.com"}, "store.example.com": {"ssl.com"}, "a.b.store.example.com": {"ssl.com"},
		"plain.example.com": {"sectigo.com"}, "not-there.example.com": {"sectigo.com"},
		"alias.example.com": {"digicert.com"}, "dangling.example.com": {"sectigo.com"},
		"below.alias.example.com": {"digicert.com"}, // climbing comes to the alias, which the server follows
		"example.restricted":      {"only.example"}, // the top-level domain counts, the root does not
		"closed.example.com":      nil,
	} {
		allowed, restricted, err := z.resolver().Issuers(background(t), name, false)
		require.NoError(t, err, name)
		assert.True(t, restricted, name)
		assert.Equal(t, want, allowed, name)
	}
	for _, name := range []string{"example.net", "www.example.net", "iodef.example.com"} {
		allowed, restricted, err := z.resolver().Issuers(background(t), name, false)
		require.NoError(t, err, name)
		assert.False(t, restricted, name)
		assert.Empty(t, allowed, name)
	}
}

func TestThePlaceOfTheRelevantRecordsIsNamed(t *testing.T) {
	z := serve(t, &zone{records: map[string][]string{
		"com.": {}, "net.": {}, "example.net.": {}, "org.": {}, "example.org.": {},
		"example.com.":         {`CAA 0 issue "sectigo.com"`, `CAA 0 issuewild "ssl.com"`},
		"alias.example.com.":   {"CNAME target.example.net."},
		"target.example.net.":  {`CAA 0 issue "digicert.com"`},
		"strange.example.com.": {`CAA 128 tbs "x"`, `CAA 0 issue "ssl.com"`},
	}})
	for _, row := range []struct {
		name      string
		wildcard  bool
		want      dnscheck.Authorization
		forbidden bool
	}{
		{name: "example.com", want: dnscheck.Authorization{Allowed: []string{"sectigo.com"}, Restricted: true, Domain: "example.com", Owner: "example.com", Property: "issue"}},
		{name: "a.Shop.example.com", want: dnscheck.Authorization{Allowed: []string{"sectigo.com"}, Restricted: true, Domain: "example.com", Owner: "example.com", Property: "issue"}},
		{name: "shop.example.com", wildcard: true, want: dnscheck.Authorization{Allowed: []string{"ssl.com"}, Restricted: true, Domain: "example.com", Owner: "example.com", Property: "issuewild"}},
		{name: "alias.example.com", wildcard: true, want: dnscheck.Authorization{Allowed: []string{"digicert.com"}, Restricted: true, Domain: "alias.example.com", Owner: "target.example.net", Property: "issue"}},
		{name: "below.alias.example.com", want: dnscheck.Authorization{Allowed: []string{"digicert.com"}, Restricted: true, Domain: "alias.example.com", Owner: "target.example.net", Property: "issue"}},
		{name: "strange.example.com", want: dnscheck.Authorization{Restricted: true, Domain: "strange.example.com", Owner: "strange.example.com", Property: "tbs"}, forbidden: true},
		{name: "example.org", want: dnscheck.Authorization{}},
	} {
		got, err := z.resolver().Authorization(background(t), row.name, row.wildcard)
		require.NoError(t, err, row.name)
		assert.Equal(t, row.want, got, row.name)
		assert.Equal(t, row.forbidden, got.Forbidden(), row.name)
	}
}

func TestAParentWithoutAnAnswerIsAnError(t *testing.T) {
	z := serve(t, &zone{
		records: map[string][]string{"com.": {}, "example.com.": {}, "www.example.com.": {}},
		rcode:   map[string]int{"example.com. CAA": dns.RcodeServerFailure},
	})
	_, restricted, err := z.resolver().Issuers(background(t), "www.example.com", false)
	require.ErrorContains(t, err, "looking example.com up")
	assert.False(t, restricted)
}

// RFC 8659 4.
func TestIssuersThatOneRecordSetAllows(t *testing.T) {
	long := strings.Repeat("a", 64) + ".com"
	for rule, row := range map[string]struct {
		records    []string
		allowed    []string
		restricted bool
		wild       []string // the same for *.example.com
		wildToo    bool
	}{
		"issue alone is for wildcards too":         {[]string{`0 issue "sectigo.com"`}, []string{"sectigo.com"}, true, []string{"sectigo.com"}, true},
		"issuewild takes the place of issue":       {[]string{`0 issue "a.example"`, `0 issuewild "b.example"`}, []string{"a.example"}, true, []string{"b.example"}, true},
		"issuewild alone leaves plain names free":  {[]string{`0 issuewild "b.example"`}, nil, false, []string{"b.example"}, true},
		"several issuers":                          {[]string{`0 issue "a.example"`, `0 issue "b.example"`, `0 issue "A.example"`}, []string{"a.example", "b.example"}, true, []string{"a.example", "b.example"}, true},
		"the empty issuer is nobody":               {[]string{`0 issue ";"`}, nil, true, nil, true},
		"nothing at all is nobody":                 {[]string{`0 issue ""`}, nil, true, nil, true},
		"nobody beside somebody is that somebody":  {[]string{`0 issue ";"`, `0 issue "a.example"`}, []string{"a.example"}, true, []string{"a.example"}, true},
		"no wildcards":                             {[]string{`0 issue "a.example"`, `0 issuewild ";"`}, []string{"a.example"}, true, nil, true},
		"parameters do not matter":                 {[]string{`0 issue " Sectigo.COM ; account=230123; policy=ev"`}, []string{"sectigo.com"}, true, []string{"sectigo.com"}, true},
		"tags have no case":                        {[]string{`0 ISSUE "a.example"`}, []string{"a.example"}, true, []string{"a.example"}, true},
		"a malformed issuer is nobody":             {[]string{`0 issue "%%%%%"`}, nil, true, nil, true},
		"an issuer with blanks inside is nobody":   {[]string{`0 issue "a.example b.example"`}, nil, true, nil, true},
		"a label that is too long is nobody":       {[]string{`0 issue "` + long + `"`}, nil, true, nil, true},
		"iodef limits nobody":                      {[]string{`0 iodef "mailto:a@example.com"`}, nil, false, nil, false},
		"an unknown property limits nobody":        {[]string{`0 tbs "unknown"`}, nil, false, nil, false},
		"an unknown critical property is nobody":   {[]string{`128 tbs "unknown"`, `0 issue "a.example"`}, nil, true, nil, true},
		"a known critical property is as any":      {[]string{`128 issue "a.example"`}, []string{"a.example"}, true, []string{"a.example"}, true},
		"the contact of BR 3.2.2.4.13 is known":    {[]string{`128 contactemail "a@example.com"`}, nil, false, nil, false},
		"flags other than the first bit are kept":  {[]string{`1 tbs "unknown"`, `0 issue "a.example"`}, []string{"a.example"}, true, []string{"a.example"}, true},
		"the order of the records does not matter": {[]string{`0 issuewild "b.example"`, `0 issue "a.example"`}, []string{"a.example"}, true, []string{"b.example"}, true},
	} {
		t.Run(rule, func(t *testing.T) {
			var records []string
			for _, record := range row.records {
				records = append(records, "CAA "+record)
			}
			z := serve(t, &zone{records: map[string][]string{"example.com.": records, "com.": {}}})
			allowed, restricted, err := z.resolver().Issuers(background(t), "example.com", false)
			require.NoError(t, err)
			assert.Equal(t, row.restricted, restricted)
			assert.Equal(t, row.allowed, allowed)
			allowed, restricted, err = z.resolver().Issuers(background(t), "example.com", true)
			require.NoError(t, err)
			assert.Equal(t, row.wildToo, restricted)
			assert.Equal(t, row.wild, allowed)
		})
	}
}

func TestRecordsOfOtherNamesAreIgnored(t *testing.T) {
	z := serve(t, &zone{
		records: map[string][]string{"com.": {}, "example.com.": {}},
		change: func(m *dns.Msg) {
			for _, text := range []string{
				`other.example. 60 IN CAA 0 issue ";"`, `example.com. 60 CH CAA 0 issue ";"`,
				"one.example. 60 IN CNAME two.example.", "two.example. 60 IN CNAME one.example.",
			} {
				record, err := dns.NewRR(text)
				if err != nil {
					panic(err)
				}
				m.Answer = append(m.Answer, record)
			}
		},
	})
	_, restricted, err := z.resolver().Issuers(background(t), "example.com", false)
	require.NoError(t, err)
	assert.False(t, restricted)
	_, restricted, err = z.resolver().Issuers(background(t), "one.example", false)
	require.NoError(t, err, "a ring of CNAMEs ends")
	assert.False(t, restricted)
}

func FuzzIssuerOf(f *testing.F) {
	for _, seed := range []string{"sectigo.com", " Sectigo.COM ; a=b", ";", "", "%%%%%", "a..b", "-a.b", "a b", "sectigo.com.", "\x00", "ß.example", strings.Repeat("a.", 200) + "a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		issuer := dnscheck.IssuerOf(value)
		if issuer == "" {
			return
		}
		assert.LessOrEqual(t, len(issuer), 253)
		assert.Equal(t, issuer, dnscheck.IssuerOf(issuer), "normalizing again changes nothing")
		assert.Equal(t, issuer, dnscheck.IssuerOf("\t"+strings.ToUpper(issuer)+" ;x=y"))
		assert.Empty(t, strings.Trim(issuer, "abcdefghijklmnopqrstuvwxyz0123456789-."))
		_, valid := dns.IsDomainName(issuer)
		assert.True(t, valid)
	})
}

// FuzzAnswer reads CAA records from arbitrary messages.
func FuzzAnswer(f *testing.F) {
	for _, records := range [][]string{
		{`example.com. 60 IN CAA 0 issue "sectigo.com"`}, {`example.com. 60 IN CAA 128 tbs "x"`, `example.com. 60 IN CAA 0 issuewild ";"`},
		{"example.com. 60 IN CNAME a.example.", `a.example. 60 IN CAA 0 issue "b.example; c=d"`}, nil,
	} {
		answer := new(dns.Msg).SetQuestion("example.com.", dns.TypeCAA)
		for _, text := range records {
			record, err := dns.NewRR(text)
			require.NoError(f, err)
			answer.Answer = append(answer.Answer, record)
		}
		wire, err := answer.Pack()
		require.NoError(f, err)
		f.Add(wire, true)
	}
	f.Fuzz(func(t *testing.T, wire []byte, wildcard bool) {
		allowed, restricted, read := dnscheck.ReadAnswer(wire, "example.com", wildcard)
		if len(allowed) > 0 {
			assert.True(t, read)
			assert.True(t, restricted, "an issuer is only allowed by a set that restricts")
		}
		for _, issuer := range allowed {
			assert.Equal(t, issuer, dnscheck.IssuerOf(issuer))
		}
	})
}
