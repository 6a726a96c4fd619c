package crl_test

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/watch/crl"
)

func TestAListSaysWhichCertificatesAreRevoked(t *testing.T) {
	w := newWorld(t)
	answer := w.run(t)
	assert.True(t, answer.Known)
	assert.Nil(t, answer.Failure)
	assert.Equal(t, start().Add(7*24*time.Hour), answer.NextUpdate)
	date := start().Add(-time.Hour)
	assert.Equal(t, []crl.Entry{{Serial: "abc", Reason: crl.Superseded, Date: date}, {Serial: "def", Reason: crl.KeyCompromise, Date: date}}, answer.Revoked)
	assert.Equal(t, []string{host + "/0.crl"}, w.asked)
	assert.Equal(t, []string{address + ":80"}, w.dialed)
}

func TestEachReasonHasItsName(t *testing.T) {
	w := newWorld(t)
	want := []crl.Reason{
		crl.Unspecified, crl.KeyCompromise, crl.CACompromise, crl.AffiliationChanged, crl.Superseded, crl.CessationOfOperation, crl.CertificateHold,
		"reason 7", crl.RemoveFromCRL, crl.PrivilegeWithdrawn, crl.AACompromise, "reason 11",
	}
	var entries []x509.RevocationListEntry
	query := w.query()
	query.Serials = nil
	for code := range want {
		entries = append(entries, entry(int64(code+16), code))
		query.Serials = append(query.Serials, strconv.FormatInt(int64(code+16), 16))
	}
	w.serve(w.ca.sign(t, newList(t, w.at, entries...)))
	answer, err := w.open(t).Ask(t.Context(), query)
	require.NoError(t, err)
	got := map[string]crl.Reason{}
	for _, e := range answer.Revoked {
		got[e.Serial] = e.Reason
	}
	for code, reason := range want {
		serial := strconv.FormatInt(int64(code+16), 16)
		if reason == crl.RemoveFromCRL { // which takes a certificate off the list
			assert.NotContains(t, got, serial)
			continue
		}
		assert.Equal(t, reason, got[serial])
	}
	var withdrawn []crl.Reason
	for _, reason := range want {
		if reason.Withdrawn() {
			withdrawn = append(withdrawn, reason)
		}
	}
	assert.Equal(t, []crl.Reason{crl.AffiliationChanged, crl.CessationOfOperation, crl.CertificateHold, crl.PrivilegeWithdrawn}, withdrawn)
}

func TestSerialsAreComparedAsNumbers(t *testing.T) {
	w := newWorld(t)
	long, _ := new(big.Int).SetString(strings.Repeat("f", 40), 16)
	longest := new(big.Int).Lsh(big.NewInt(1), 511)
	tooLong := new(big.Int).Lsh(big.NewInt(1), 512)
	var entries []x509.RevocationListEntry
	for _, n := range []*big.Int{big.NewInt(0x80), long, longest, tooLong, big.NewInt(-0x99)} {
		entries = append(entries, x509.RevocationListEntry{SerialNumber: n, RevocationTime: start()})
	}
	w.serve(w.ca.sign(t, newList(t, w.at, entries...)))
	query := w.query()
	query.Serials = []string{"80", strings.Repeat("f", 40), longest.Text(16), tooLong.Text(16), "99", "-99", "8", "800", "", "not hex"}
	answer, err := w.open(t).Ask(t.Context(), query)
	require.NoError(t, err)
	var got []string
	for _, e := range answer.Revoked {
		got = append(got, e.Serial)
	}
	assert.Equal(t, []string{"80", strings.Repeat("f", 40), longest.Text(16)}, got)
}

// A certificate that is twice on a list counts as compromised if one of the entries says so.
func TestKeyCompromiseGoesBeforeOtherReasons(t *testing.T) {
	for name, entries := range map[string][]x509.RevocationListEntry{
		"first": {entry(0xabc, 1), entry(0xabc, 4)}, "second": {entry(0xabc, 4), entry(0xabc, 1)},
	} {
		w := newWorld(t)
		w.serve(w.ca.sign(t, newList(t, w.at, entries...)))
		answer := w.run(t)
		require.Len(t, answer.Revoked, 1, name)
		assert.Equal(t, crl.KeyCompromise, answer.Revoked[0].Reason, name)
	}
}

// The list of a CA that uses fewer words is used as well.
func TestPlainListsAreUsed(t *testing.T) {
	for name, change := range map[string]func(*x509.RevocationList){
		"without a scope": func(l *x509.RevocationList) { l.ExtraExtensions = nil },
		"with several URLs": func(l *x509.RevocationList) {
			l.ExtraExtensions[0] = scopeOf(t, scope{Point: points("ldap://x/", listURL)})
		},
		"a scope without a URL": func(l *x509.RevocationList) { l.ExtraExtensions[0] = scopeOf(t, scope{UserCerts: true}) },
		"ahead of our clock":    func(l *x509.RevocationList) { l.ThisUpdate = start().Add(crl.ClockSkew) },
		"an unknown extension":  func(l *x509.RevocationList) { l.ExtraExtensions = append(l.ExtraExtensions, extension(99, false, nil)) },
		"a freshest list":       func(l *x509.RevocationList) { l.ExtraExtensions = append(l.ExtraExtensions, extension(46, false, nil)) },
		"no entries":            func(l *x509.RevocationList) { l.RevokedCertificateEntries = nil },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			list := newList(t, w.at, entry(0xabc, 4))
			change(list)
			w.serve(w.ca.sign(t, list))
			answer := w.run(t)
			assert.True(t, answer.Known, answer.Failure)
			assert.Len(t, answer.Revoked, len(list.RevokedCertificateEntries))
		})
	}
}

// RFC 5280 6.3.3: lists that say nothing about the certificates, or that are not the CA's. All have the serials that are asked for.
func TestListsThatMustNotBeUsed(t *testing.T) {
	withScope := func(s scope) func(*testing.T, *world, *x509.RevocationList) {
		return func(t *testing.T, _ *world, l *x509.RevocationList) { l.ExtraExtensions[0] = scopeOf(t, s) }
	}
	with := func(e pkix.Extension) func(*testing.T, *world, *x509.RevocationList) {
		return func(_ *testing.T, _ *world, l *x509.RevocationList) { l.ExtraExtensions = append(l.ExtraExtensions, e) }
	}
	for name, c := range map[string]struct {
		change func(*testing.T, *world, *x509.RevocationList)
		why    string
	}{
		"old": {func(_ *testing.T, w *world, l *x509.RevocationList) {
			l.ThisUpdate, l.NextUpdate = w.at.Add(-2*time.Hour), w.at
		}, "it is out of date since 2026-10-09T06:30:00Z"},
		"of the future": {func(_ *testing.T, w *world, l *x509.RevocationList) {
			l.ThisUpdate = w.at.Add(crl.ClockSkew + time.Second)
		}, "it is of the future (2026-10-09T06:40:01Z)"},
		"signed by another key": {func(t *testing.T, w *world, _ *x509.RevocationList) {
			w.ca.key = newAuthority(t, "Example CA").key
		}, "its signature is not that of the certificates' issuer"},
		"of another issuer": {func(t *testing.T, w *world, _ *x509.RevocationList) {
			w.ca = newAuthority(t, "Other CA")
		}, "it is of CN=Other CA, the certificates are of CN=Example CA"},
		"of the same name with another key": {func(t *testing.T, w *world, _ *x509.RevocationList) {
			w.ca = newAuthority(t, "Example CA")
		}, "it names the key "},
		"for another URL":            {withScope(scope{Point: points("http://crl.ca.example/1.crl")}), `it is for another URL than that of the certificates: "http://crl.ca.example/1.crl"`},
		"for a name of another form": {withScope(scope{Point: pointName{FullName: []asn1.RawValue{{Class: 2, Tag: 2, Bytes: []byte(listURL)}}}}), "it is for another URL"},
		"for a part of a name":       {withScope(scope{Point: pointName{RelativeName: pkix.RDNSequence{{{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: "x"}}}}}), "by a part of a name"},
		"indirect":                   {withScope(scope{Point: points(listURL), Indirect: true}), "indirect CRL"},
		"of CAs":                     {withScope(scope{Point: points(listURL), CACerts: true}), "it is not for certificates of servers"},
		"of attributes":              {withScope(scope{Point: points(listURL), AttributeCerts: true}), "it is not for certificates of servers"},
		"for some reasons":           {withScope(scope{Point: points(listURL), SomeReasons: asn1.BitString{Bytes: []byte{0x40}, BitLength: 2}}), "for some reasons only"},
		"with a damaged scope":       {func(_ *testing.T, _ *world, l *x509.RevocationList) { l.ExtraExtensions[0].Value = []byte{5, 0} }, "its scope cannot be read"},
		"with two scopes":            {with(scopeOf(t, scope{})), "the extension 2.5.29.28 twice"},
		"delta":                      {with(extension(27, true, []byte{2, 1, 1})), "delta CRL"},
		"delta, not critical":        {with(extension(27, false, []byte{2, 1, 1})), "delta CRL"},
		"with a critical extension":  {with(extension(99, true, nil)), "the critical extension 2.5.29.99"},
		"with a critical extension of an entry": {func(_ *testing.T, _ *world, l *x509.RevocationList) {
			l.RevokedCertificateEntries[1].ExtraExtensions = []pkix.Extension{extension(29, true, []byte{5, 0})}
		}, "an entry has the critical extension 2.5.29.29"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			query := w.query()
			list := newList(t, w.at, entry(0xabc, 4), entry(0xdef, 1))
			c.change(t, w, list)
			w.serve(sign(t, w, list))
			answer, err := w.open(t).Ask(t.Context(), query)
			require.NoError(t, err)
			assert.False(t, answer.Known)
			assert.Empty(t, answer.Revoked)
			require.NotNil(t, answer.Failure)
			assert.Contains(t, answer.Failure.Error(), "the list of revoked certificates "+listURL+" cannot be used: ")
			assert.ErrorContains(t, answer.Failure, c.why)
		})
	}
}

// sign signs a list with the key of the world's authority, although its certificate may be for another one.
func sign(t *testing.T, w *world, list *x509.RevocationList) []byte {
	t.Helper()
	issuer := *w.ca.certificate
	issuer.PublicKey = w.ca.key.Public()
	return authority{&issuer, w.ca.key}.sign(t, list)
}

// An issuer that may not sign lists, or is no CA, signs none that count.
func TestTheIssuerMustBeAllowedToSignLists(t *testing.T) {
	for name, change := range map[string]func(*x509.Certificate){
		"may not sign lists": func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCertSign },
		"is no CA":           func(c *x509.Certificate) { c.IsCA = false },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.ca = newAuthority(t, "Example CA", change)
			signer := *w.ca.certificate
			signer.KeyUsage, signer.IsCA = x509.KeyUsageCRLSign, true
			w.serve(authority{&signer, w.ca.key}.sign(t, newList(t, w.at, entry(0xabc, 4))))
			answer := w.run(t)
			assert.False(t, answer.Known)
			assert.ErrorContains(t, answer.Failure, "its signature is not that of the certificates' issuer")
		})
	}
}

// What a server may answer instead of a list.
func TestAnswersThatAreNoList(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(list []byte) http.HandlerFunc
		why    string
	}{
		"garbage":   {func([]byte) http.HandlerFunc { return content([]byte("<!DOCTYPE html>\n<html></html>")) }, "it is not a list of revoked certificates in DER"},
		"truncated": {func(list []byte) http.HandlerFunc { return content(list[:len(list)/2]) }, "it is not a list of revoked certificates in DER"},
		"with more behind it": {func(list []byte) http.HandlerFunc {
			return content(append(list[:len(list):len(list)], 5, 0))
		}, "it is not a list of revoked certificates in DER"},
		"PEM": {func(list []byte) http.HandlerFunc {
			return content(pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: list}))
		}, "it is not a list of revoked certificates in DER"},
		"a certificate": {func([]byte) http.HandlerFunc { return content(newAuthority(t, "x").certificate.Raw) }, "it cannot be read"},
		"empty":         {func([]byte) http.HandlerFunc { return content(nil) }, "it is not a list of revoked certificates in DER"},
		"an error":      {func([]byte) http.HandlerFunc { return status(http.StatusServiceUnavailable) }, "the answer is HTTP 503"},
		"no content":    {func([]byte) http.HandlerFunc { return status(http.StatusNoContent) }, "the answer is HTTP 204"},
		"a part of it":  {func([]byte) http.HandlerFunc { return status(http.StatusPartialContent) }, "the answer is HTTP 206"},
		"unreachable": {func([]byte) http.HandlerFunc {
			return func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
		}, "EOF"},
		"broken off":    {func(list []byte) http.HandlerFunc { return brokenOff(list) }, "unexpected EOF"},
		"too long":      {func([]byte) http.HandlerFunc { return content(make([]byte, crl.MaxList+1)) }, "it is longer than 10 MiB"},
		"endless":       {func([]byte) http.HandlerFunc { return endless }, "it is longer than 10 MiB"},
		"a huge header": {func([]byte) http.HandlerFunc { return hugeHeader }, "exceeded"},
		"no HTTP":       {func([]byte) http.HandlerFunc { return hijacked("SSH-2.0-example\r\n") }, "malformed"},
		"a long line":   {func([]byte) http.HandlerFunc { return hijacked(strings.Repeat("x", 10_000) + "\r\n") }, "malformed"},
		"an endless interim answer": {func([]byte) http.HandlerFunc {
			return hijacked(strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 10_000))
		}, "exceeded"},
		"a slow answer": {func(list []byte) http.HandlerFunc { return slow(list) }, "deadline exceeded"},
		"no answer": {func([]byte) http.HandlerFunc {
			return func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
		}, "deadline exceeded"},
		"a name, encoded": {func(list []byte) http.HandlerFunc {
			return func(to http.ResponseWriter, _ *http.Request) {
				to.Header().Set("Content-Encoding", "gzip")
				_, _ = to.Write([]byte("\x1f\x8b"))
			}
		}, "it is not a list of revoked certificates in DER"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.serveBy(c.answer(w.ca.sign(t, newList(t, w.at, entry(0xabc, 4)))))
			s := w.open(t)
			if strings.HasPrefix(c.why, "deadline") {
				s.SetFetchTime(100 * time.Millisecond)
			}
			answer, err := s.Ask(t.Context(), w.query())
			require.NoError(t, err)
			assert.False(t, answer.Known)
			assert.ErrorContains(t, answer.Failure, c.why)
			assert.LessOrEqual(t, len(answer.Failure.Error()), 1000)
		})
	}
}

func content(body []byte) http.HandlerFunc {
	return func(to http.ResponseWriter, _ *http.Request) { _, _ = to.Write(body) }
}

func status(code int) http.HandlerFunc {
	return func(to http.ResponseWriter, _ *http.Request) { to.WriteHeader(code) }
}

func brokenOff(list []byte) http.HandlerFunc {
	return func(to http.ResponseWriter, _ *http.Request) {
		to.Header().Set("Content-Length", strconv.Itoa(len(list)))
		_, _ = to.Write(list[:len(list)/2])
		to.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

func endless(to http.ResponseWriter, _ *http.Request) {
	for block := make([]byte, 64<<10); ; {
		if _, err := to.Write(block); err != nil {
			return
		}
	}
}

func hugeHeader(to http.ResponseWriter, _ *http.Request) {
	to.Header().Set("X-Example", strings.Repeat("x", 128<<10))
}

func hijacked(text string) http.HandlerFunc {
	return func(to http.ResponseWriter, _ *http.Request) {
		conn, _, err := to.(http.Hijacker).Hijack()
		if err == nil {
			_, _ = io.WriteString(conn, text)
			_ = conn.Close()
		}
	}
}

// slow sends the first half of a list and nothing more.
func slow(list []byte) http.HandlerFunc {
	return func(to http.ResponseWriter, r *http.Request) {
		to.Header().Set("Content-Length", strconv.Itoa(len(list)))
		_, _ = to.Write(list[:len(list)/2])
		to.(http.Flusher).Flush()
		<-r.Context().Done()
	}
}

// Redirects lead to http at public addresses, three at most.
func TestRedirects(t *testing.T) {
	for name, c := range map[string]struct {
		to  []string // the last answers with the list
		why string   // "" if it is read
	}{
		"none":                   {nil, ""},
		"three":                  {[]string{"/1", "http://other.ca.example/2", "http://other.ca.example:80/3"}, ""},
		"four":                   {[]string{"/1", "/2", "/3", "/4"}, "it is redirected more than 3 times"},
		"to https":               {[]string{"https://crl.ca.example/"}, "a redirect is not followed: only http is used for lists (https://crl.ca.example/)"},
		"to a file":              {[]string{"file:///etc/passwd"}, "only http is used for lists"},
		"with a password":        {[]string{"http://user:secret@crl.ca.example/"}, "no user"},
		"to another port":        {[]string{"http://crl.ca.example:8080/"}, "no other port than 80"},
		"to a private address":   {[]string{"http://10.0.0.1/"}, "10.0.0.1 has no public address"},
		"to this host":           {[]string{"http://127.0.0.1/"}, "127.0.0.1 has no public address"},
		"to this host by IPv6":   {[]string{"http://[::1]/"}, "::1 has no public address"},
		"to metadata of a cloud": {[]string{"http://169.254.169.254/latest"}, "no public address"},
		"to a name of this host": {[]string{"http://local.ca.example/"}, "local.ca.example has no public address (127.0.0.1)"},
		"to nothing":             {[]string{"http://gone.ca.example/"}, "gone.ca.example has no address in DNS"},
		"nowhere":                {[]string{"http://unknown.ca.example/"}, "DNS does not answer about unknown.ca.example: SERVFAIL"},
		"to a long URL":          {[]string{"http://crl.ca.example/" + strings.Repeat("x", 500)}, "longer than 500 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.names["other.ca.example"], w.names["local.ca.example"], w.names["gone.ca.example"] = []string{"2001:db8::70"}, []string{"127.0.0.1"}, nil
			list := w.ca.sign(t, newList(t, w.at, entry(0xabc, 4)))
			n := 0
			w.serveBy(func(to http.ResponseWriter, r *http.Request) {
				if n < len(c.to) {
					n++
					to.Header().Set("Location", c.to[n-1])
					to.WriteHeader(http.StatusFound)
					return
				}
				_, _ = to.Write(list)
			})
			answer := w.run(t)
			assert.Equal(t, c.why == "", answer.Known, answer.Failure)
			if c.why != "" {
				assert.ErrorContains(t, answer.Failure, c.why)
				assert.NotContains(t, answer.Failure.Error(), "secret")
			}
			for _, target := range w.dialed {
				assert.Contains(t, []string{"192.0.2.70:80", "[2001:db8::70]:80"}, target)
			}
		})
	}
}

// Nothing is sent to URLs of other kinds, nor to addresses that the Internet does not reach.
func TestURLsThatAreNotAsked(t *testing.T) {
	for address, why := range map[string]string{
		"https://crl.ca.example/":      "only http",
		"ldap://crl.ca.example/":       "only http",
		"http:///0.crl":                "must have a host",
		"http://u@crl.ca.example/":     "no user",
		"http://crl.ca.example:22/":    "no other port",
		"http://192.168.0.1/":          "no public address",
		"http://[fe80::1%25eth0]/":     "no public address",
		"http://crl.ca.example/%zz":    "cannot be read",
		"http://crl.ca.example/\x00":   "cannot be read",
		"":                             "only http",
		"http://0x7f.1/":               "DNS does not answer",
		"http://[::ffff:192.168.0.1]/": "no public address",
		"http://crl.ca.example/" + strings.Repeat("x", 500): "longer than 500 bytes",
	} {
		w := newWorld(t)
		query := w.query()
		query.URL = address
		answer, err := w.open(t).Ask(t.Context(), query)
		require.NoError(t, err)
		assert.ErrorContains(t, answer.Failure, why, address)
		assert.Empty(t, w.dialed, address)
	}
}

func TestPrivateAddressesAreAskedIfWanted(t *testing.T) {
	w := newWorld(t)
	w.names[host] = []string{"10.0.0.1"}
	answer := w.run(t)
	assert.ErrorContains(t, answer.Failure, "has no public address (10.0.0.1)")
	w.at = w.at.Add(crl.RetryAfter)
	answer = w.run(t, func(o *crl.Options) { o.Private = true })
	assert.True(t, answer.Known)
	assert.Equal(t, []string{"10.0.0.1:80"}, w.dialed)
}

// A panel's host may have only IPv6, or only IPv4, whatever the list's host has more of.
func TestAddressesOfBothKindsAreTried(t *testing.T) {
	v4 := []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5"}
	v6 := []string{"2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4", "2001:db8::5"}
	for name, c := range map[string]struct {
		addresses []string
		reached   string // addresses with this prefix
		dialed    []string
	}{
		"only IPv6 is reached": {append(v4[:5:5], v6[0]), "[", []string{"192.0.2.1:80", "[2001:db8::1]:80"}},
		"only IPv4 is reached": {append([]string{v4[0]}, v6...), "192", []string{"192.0.2.1:80"}},
		"none is reached":      {slices.Concat(v4, v6), "-", []string{"192.0.2.1:80", "[2001:db8::1]:80", "192.0.2.2:80", "[2001:db8::2]:80"}},
		"one kind":             {v4, "-", []string{"192.0.2.1:80", "192.0.2.2:80", "192.0.2.3:80", "192.0.2.4:80"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.names[host] = c.addresses
			answer := w.run(t, func(o *crl.Options) {
				o.Dial = func(ctx context.Context, network, target string) (net.Conn, error) {
					conn, err := w.dial(ctx, network, target)
					if err == nil && !strings.HasPrefix(target, c.reached) {
						_ = conn.Close()
						return nil, os.NewSyscallError("connect", syscall.ENETUNREACH)
					}
					return conn, err
				}
			})
			assert.Equal(t, c.reached != "-", answer.Known)
			assert.Equal(t, c.dialed, w.dialed)
		})
	}
}

// The end of a run is nobody's failure.
func TestTheEndOfARunIsNoFailure(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	w.serveBy(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	s := w.open(t)
	_, err := s.Ask(ctx, w.query())
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, s.Close(true, nil))
	w.serve(w.ca.sign(t, newList(t, w.at)))
	assert.True(t, w.run(t).Known, "it is asked at once")
}
