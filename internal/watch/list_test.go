package watch_test

import (
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/watch"
)

func TestTheListOfACertificateIsTheFirstByHTTP(t *testing.T) {
	long := "http://crl.example/" + strings.Repeat("x", 500)
	for name, c := range map[string]struct {
		points []string
		url    string
	}{
		"one":          {[]string{"http://crl.example/1.crl"}, "http://crl.example/1.crl"},
		"the first":    {[]string{"ldap://crl.example/", "https://crl.example/", "http://crl.example/1.crl", "http://crl.example/2.crl"}, "http://crl.example/1.crl"},
		"none by HTTP": {[]string{"ldap://crl.example/", "https://crl.example/"}, ""},
		"a long URL":   {[]string{long, "http://crl.example/2.crl"}, "http://crl.example/2.crl"},
		"none":         {nil, ""},
	} {
		list := watch.ListOf(&x509.Certificate{CRLDistributionPoints: c.points, RawIssuer: []byte("CA"), AuthorityKeyId: []byte("key")})
		assert.Equal(t, c.url, list.URL, name)
		assert.Equal(t, c.url != "", list.Issuer != "", name)
	}
}

// Lists are one issuer's, whatever its URL: CAs of one name with several keys are several issuers.
func TestAListIsThatOfNameAndKey(t *testing.T) {
	issuer := func(name, key string) string {
		l := watch.ListOf(&x509.Certificate{CRLDistributionPoints: []string{"http://crl.example/"}, RawIssuer: []byte(name), AuthorityKeyId: []byte(key)})
		assert.Len(t, l.Issuer, 32)
		return l.Issuer
	}
	assert.Equal(t, issuer("CA", "key"), issuer("CA", "key"))
	assert.NotEqual(t, issuer("CA", "key"), issuer("CA", "other"))
	assert.NotEqual(t, issuer("CA", "key"), issuer("Other", "key"))
	assert.NotEqual(t, issuer("CA", ""), issuer("", "CA"))
}

// A certificate may be known before its sites were looked at.
func TestListsAreKeptBetweenRuns(t *testing.T) {
	w, _ := keeper(t)
	state, err := w.Read(now())
	require.NoError(t, err)
	unlooked := watch.Seen{Item: 7, Serial: "a1", CRL: watch.List{URL: "http://crl.example/1.crl", Issuer: "aa"}}
	for _, s := range []watch.Seen{unlooked, seen(42)} {
		state.Note(s)
	}
	require.NoError(t, w.Write(state))
	state, err = w.Read(now().Add(time.Hour))
	require.NoError(t, err)
	for _, want := range []watch.Seen{unlooked, seen(42)} {
		got, known := state.Seen(want.Item)
		assert.True(t, known)
		assert.Equal(t, want, got)
	}
}
