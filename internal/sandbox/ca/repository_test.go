package ca_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/ca"
)

// served is a repository behind HTTP with one revoked leaf.
type served struct {
	*ca.Repository
	url  string
	leaf *x509.Certificate
	now  time.Time
	// pauses are the waits of the fault slow.
	pauses []time.Duration
}

func serveLists(t *testing.T) *served {
	t.Helper()
	authority := newAuthority(t)
	s := &served{leaf: newLeaf(t, authority), now: issued.Add(30 * 24 * time.Hour)}
	require.NoError(t, authority.Revoke(hexOf(s.leaf), ca.Superseded, s.now.AddDate(0, 0, -20)))
	s.Repository = ca.NewRepository(authority, func() (time.Time, error) { return s.now, nil }, func(ctx context.Context, d time.Duration) error {
		s.pauses = append(s.pauses, d)
		return ctx.Err()
	})
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// path returns the path of the list of the leaf.
func (s *served) path() string {
	return strings.TrimPrefix(s.leaf.CRLDistributionPoints[0], "http://"+ca.CRLHost)
}

// get asks for a path and returns what came, and how reading it ended.
func (s *served) get(t *testing.T, path string) (*http.Response, []byte, error) {
	t.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Get(s.url + path)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return answer, body, err
}

func (s *served) list(t *testing.T) *x509.RevocationList {
	t.Helper()
	_, body, err := s.get(t, s.path())
	require.NoError(t, err)
	list, err := x509.ParseRevocationList(body)
	require.NoError(t, err)
	return list
}

// isRight reports whether a verifier may use the list for the leaf.
func (s *served) isRight(list *x509.RevocationList) bool {
	issuer := s.Authority().Intermediate()
	return list.CheckSignatureFrom(issuer) == nil && bytes.Equal(list.RawIssuer, issuer.RawSubject) && bytes.Equal(list.AuthorityKeyId, issuer.SubjectKeyId) &&
		!list.ThisUpdate.After(s.now) && list.NextUpdate.After(s.now)
}

// extension returns the value of a list's extension.
func extension(list *x509.RevocationList, id ...int) (value []byte, critical bool) {
	for _, e := range list.Extensions {
		if e.Id.Equal(asn1.ObjectIdentifier(id)) {
			return e.Value, e.Critical
		}
	}
	return nil, false
}

func TestTheRepositoryServesListsAndIssuers(t *testing.T) {
	s := serveLists(t)
	answer, _, err := s.get(t, s.path())
	require.NoError(t, err)
	assert.Equal(t, "application/pkix-crl", answer.Header.Get("Content-Type"))
	list := s.list(t)
	assert.True(t, s.isRight(list))
	assert.Len(t, entriesOf(list, s.leaf), 1)
	point, critical := extension(list, 2, 5, 29, 28)
	assert.True(t, critical, "RFC 5280 5.2.5")
	assert.Contains(t, string(point), s.leaf.CRLDistributionPoints[0])
	assert.True(t, bytes.HasSuffix(point, []byte{0x81, 1, 0xff}), "only certificates of users")

	for path, want := range map[string]*x509.Certificate{"/intermediate.crt": s.Authority().Intermediate(), "/root.crt": s.Authority().Root()} {
		answer, body, err := s.get(t, path)
		require.NoError(t, err)
		assert.Equal(t, "application/pkix-cert", answer.Header.Get("Content-Type"))
		assert.Equal(t, want.Raw, body)
	}
	_, body, err := s.get(t, "/root.crl")
	require.NoError(t, err)
	root, err := x509.ParseRevocationList(body)
	require.NoError(t, err)
	require.NoError(t, root.CheckSignatureFrom(s.Authority().Root()))
	assert.Empty(t, root.RevokedCertificateEntries)
	point, _ = extension(root, 2, 5, 29, 28)
	assert.True(t, bytes.HasSuffix(point, []byte{0x82, 1, 0xff}), "only certificates of authorities")

	for _, path := range []string{"/", "/4.crl", "/root.key", "/0.crl/"} {
		answer, _, err := s.get(t, path)
		require.NoError(t, err)
		assert.Equal(t, http.StatusNotFound, answer.StatusCode, path)
	}
	posted, err := http.Post(s.url+s.path(), "text/plain", nil)
	require.NoError(t, err)
	require.NoError(t, posted.Body.Close())
	assert.Equal(t, http.StatusMethodNotAllowed, posted.StatusCode)
}

// Each false list is wrong in one way only, names what the fault says and hides the revoked leaf.
func TestFalseLists(t *testing.T) {
	for kind, isSo := range map[string]func(*served, *x509.RevocationList) bool{
		ca.FaultForged: func(s *served, l *x509.RevocationList) bool {
			issuer := s.Authority().Intermediate()
			return bytes.Equal(l.RawIssuer, issuer.RawSubject) && bytes.Equal(l.AuthorityKeyId, issuer.SubjectKeyId) && l.CheckSignatureFrom(issuer) != nil
		},
		ca.FaultWrongIssuer: func(s *served, l *x509.RevocationList) bool {
			return !bytes.Equal(l.RawIssuer, s.Authority().Intermediate().RawSubject) && l.CheckSignatureFrom(s.Authority().Intermediate()) != nil
		},
		ca.FaultWrongKeyID: func(s *served, l *x509.RevocationList) bool {
			issuer := s.Authority().Intermediate()
			return l.CheckSignatureFrom(issuer) == nil && bytes.Equal(l.RawIssuer, issuer.RawSubject) && !bytes.Equal(l.AuthorityKeyId, issuer.SubjectKeyId)
		},
		ca.FaultWrongPoint: func(s *served, l *x509.RevocationList) bool {
			point, critical := extension(l, 2, 5, 29, 28)
			return s.isRight(l) && critical && !strings.Contains(string(point), s.leaf.CRLDistributionPoints[0]) && strings.Contains(string(point), ca.CRLHost)
		},
		ca.FaultDelta: func(s *served, l *x509.RevocationList) bool {
			base, critical := extension(l, 2, 5, 29, 27)
			return s.isRight(l) && critical && base != nil
		},
		ca.FaultIndirect: func(s *served, l *x509.RevocationList) bool {
			point, _ := extension(l, 2, 5, 29, 28)
			return s.isRight(l) && bytes.HasSuffix(point, []byte{0x84, 1, 0xff})
		},
		ca.FaultCritical: func(s *served, l *x509.RevocationList) bool {
			value, critical := extension(l, 1, 3, 6, 1, 4, 1, 32473, 1)
			return s.isRight(l) && critical && value != nil
		},
	} {
		t.Run(kind, func(t *testing.T) {
			s := serveLists(t)
			require.False(t, isSo(s, s.list(t)), "the list without the fault")
			require.NoError(t, s.SetFault(ca.Fault{Kind: kind}))
			assert.Empty(t, s.list(t).RevokedCertificateEntries)
			require.NoError(t, s.SetFault(ca.Fault{Kind: kind, Revoked: []string{"1F2E"}}))
			list := s.list(t)
			assert.True(t, isSo(s, list))
			require.Len(t, list.RevokedCertificateEntries, 1)
			assert.Equal(t, int64(0x1f2e), list.RevokedCertificateEntries[0].SerialNumber.Int64())
			assert.Equal(t, 1, list.RevokedCertificateEntries[0].ReasonCode)
			assert.True(t, s.isRight(list) || kind == ca.FaultForged || kind == ca.FaultWrongIssuer || kind == ca.FaultWrongKeyID)
		})
	}
}

func TestListsOfAnotherTimeOrSize(t *testing.T) {
	s := serveLists(t)
	require.NoError(t, s.SetFault(ca.Fault{Kind: ca.FaultOld}))
	old := s.list(t)
	assert.True(t, old.NextUpdate.Before(s.now), "out of date")
	assert.Len(t, entriesOf(old, s.leaf), 1, "revoked before the list was made")
	require.NoError(t, old.CheckSignatureFrom(s.Authority().Intermediate()))

	require.NoError(t, s.SetFault(ca.Fault{Kind: ca.FaultFuture}))
	assert.True(t, s.list(t).ThisUpdate.After(s.now))

	require.NoError(t, s.SetFault(ca.Fault{Kind: ca.FaultHuge}))
	huge := s.list(t)
	assert.Greater(t, len(huge.Raw), 10<<20)
	assert.True(t, s.isRight(huge), "it is only too large")
	assert.Len(t, entriesOf(huge, s.leaf), 1)
}

func TestAnswersThatAreNoList(t *testing.T) {
	s := serveLists(t)
	whole := s.list(t).Raw
	for kind, check := range map[string]func(*http.Response, []byte, error){
		ca.FaultGarbage: func(a *http.Response, body []byte, err error) {
			assert.NoError(t, err)
			assert.Contains(t, string(body), "<html>")
		},
		ca.FaultTruncated: func(a *http.Response, body []byte, err error) {
			assert.NoError(t, err, "the connection is in order")
			assert.InDelta(t, len(whole)/2, len(body), 4)
			assert.Equal(t, whole[4:20], body[4:20], "behind the length, which signatures change")
		},
		ca.FaultPEM: func(_ *http.Response, body []byte, err error) {
			assert.NoError(t, err)
			block, _ := pem.Decode(body)
			require.NotNil(t, block)
			_, err = x509.ParseRevocationList(block.Bytes)
			assert.NoError(t, err)
		},
		ca.FaultEmpty: func(a *http.Response, body []byte, err error) {
			assert.NoError(t, err)
			assert.Equal(t, http.StatusOK, a.StatusCode)
			assert.Empty(t, body)
		},
		ca.FaultError: func(a *http.Response, _ []byte, err error) {
			assert.NoError(t, err)
			assert.Equal(t, http.StatusServiceUnavailable, a.StatusCode)
		},
		ca.FaultRedirect: func(a *http.Response, _ []byte, err error) {
			assert.NoError(t, err)
			assert.Equal(t, http.StatusFound, a.StatusCode)
			assert.Equal(t, "http://127.0.0.1:9/x.crl", a.Header.Get("Location"))
		},
		ca.FaultUnreachable: func(_ *http.Response, _ []byte, err error) { assert.ErrorIs(t, err, io.EOF) },
		ca.FaultBrokenOff: func(_ *http.Response, body []byte, err error) {
			assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
			assert.NotEmpty(t, body)
		},
	} {
		fault := ca.Fault{Kind: kind}
		if kind == ca.FaultRedirect {
			fault.Location = "http://127.0.0.1:9/x.crl"
		}
		require.NoError(t, s.SetFault(fault), kind)
		check(s.get(t, s.path()))
		_, body, err := s.get(t, "/intermediate.crt")
		assert.NoError(t, err, "certificates have no faults")
		assert.NotEmpty(t, body)
	}
}

func TestASlowListComesOctetByOctet(t *testing.T) {
	s := serveLists(t)
	require.NoError(t, s.SetFault(ca.Fault{Kind: ca.FaultSlow, Delay: "250ms"}))
	list := s.list(t)
	assert.True(t, s.isRight(list))
	require.Len(t, s.pauses, len(list.Raw))
	assert.Equal(t, 250*time.Millisecond, s.pauses[0])
	s.pauses = nil
	require.NoError(t, s.SetFault(ca.Fault{Kind: ca.FaultSlow}))
	s.list(t)
	assert.Equal(t, time.Second, s.pauses[0])
}

// watched is a context that says that somebody waits for its end.
type watched struct {
	context.Context
	waits chan struct{}
}

func (w watched) Done() <-chan struct{} {
	w.waits <- struct{}{}
	return w.Context.Done()
}

func TestAHangingAnswerEndsWithTheClient(t *testing.T) {
	s := serveLists(t)
	require.NoError(t, s.SetFault(ca.Fault{Kind: ca.FaultHang}))
	ctx, cancel := context.WithCancel(t.Context())
	request := httptest.NewRequest(http.MethodGet, s.path(), nil)
	waits, ended := make(chan struct{}, 8), make(chan struct{})
	go func() {
		defer close(ended)
		s.ServeHTTP(httptest.NewRecorder(), request.WithContext(watched{ctx, waits}))
	}()
	select {
	case <-ended:
		t.Error("it answered while the client waited")
	case <-waits:
	}
	cancel()
	<-ended
}

func TestFaultsEndAndRequestsAreCounted(t *testing.T) {
	s := serveLists(t)
	require.NoError(t, s.SetFault(ca.Fault{Kind: ca.FaultError, Times: 2}))
	var codes []int
	for range 3 {
		answer, _, err := s.get(t, s.path())
		require.NoError(t, err)
		codes = append(codes, answer.StatusCode)
		_, _, err = s.get(t, "/root.crt")
		require.NoError(t, err)
	}
	assert.Equal(t, []int{503, 503, 200}, codes, "requests for certificates do not count")
	assert.Empty(t, s.Fault().Kind)
	assert.Equal(t, map[string]int{s.path(): 3, "/root.crt": 3}, s.Requests())
	s.ClearRequests()
	assert.Empty(t, s.Requests())
	require.NoError(t, s.SetFault(ca.Fault{Kind: ca.FaultError}))
	require.NoError(t, s.SetFault(ca.Fault{}))
	s.list(t)
}

func TestWrongFaultsAreRefused(t *testing.T) {
	s := serveLists(t)
	for name, f := range map[string]ca.Fault{
		"unknown": {Kind: "strange"}, "redirect to nowhere": {Kind: ca.FaultRedirect}, "times": {Kind: ca.FaultOld, Times: -1},
		"delay": {Kind: ca.FaultSlow, Delay: "soon"}, "negative delay": {Kind: ca.FaultSlow, Delay: "-1s"}, "serial": {Kind: ca.FaultForged, Revoked: []string{"xyz"}},
	} {
		assert.Error(t, s.SetFault(f), name)
	}
	assert.Empty(t, s.Fault().Kind)
	for _, kind := range ca.FaultKinds() {
		assert.NoError(t, s.SetFault(ca.Fault{Kind: kind, Location: "http://" + ca.CRLHost + "/0.crl"}), kind)
	}
}

func TestTheRepositoryOfAStoppedClockSaysSo(t *testing.T) {
	broken := ca.NewRepository(newAuthority(t), func() (time.Time, error) { return time.Time{}, errors.New("no clock") }, nil)
	answer := httptest.NewRecorder()
	broken.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/0.crl", nil))
	assert.Equal(t, http.StatusInternalServerError, answer.Code)
	assert.Contains(t, answer.Body.String(), "no clock")
}
