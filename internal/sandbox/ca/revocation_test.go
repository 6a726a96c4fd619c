package ca_test

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/ca"
)

func newAuthority(t *testing.T) *ca.Authority {
	t.Helper()
	authority, err := ca.New(ca.ECDSA, nil)
	require.NoError(t, err)
	return authority
}

func newLeaf(t *testing.T, authority *ca.Authority) *x509.Certificate {
	t.Helper()
	leaf, err := authority.Sign(request(t, ecdsaKey(t)))
	require.NoError(t, err)
	return leaf
}

func hexOf(leaf *x509.Certificate) string { return fmt.Sprintf("%x", leaf.SerialNumber) }

// shardOf returns the number of the list that a leaf names.
func shardOf(t *testing.T, leaf *x509.Certificate) int {
	t.Helper()
	require.Len(t, leaf.CRLDistributionPoints, 1)
	name := strings.TrimPrefix(leaf.CRLDistributionPoints[0], "http://"+ca.CRLHost+"/")
	shard, err := strconv.Atoi(strings.TrimSuffix(name, ".crl"))
	require.NoError(t, err)
	return shard
}

// listOf returns the list that a leaf is on, after a check of its signature.
func listOf(t *testing.T, authority *ca.Authority, leaf *x509.Certificate, at time.Time) *x509.RevocationList {
	t.Helper()
	der, err := authority.CRL(shardOf(t, leaf), at)
	require.NoError(t, err)
	list, err := x509.ParseRevocationList(der)
	require.NoError(t, err)
	require.NoError(t, list.CheckSignatureFrom(authority.Intermediate()))
	return list
}

// RFC 5280 4.2.1.1, 4.2.1.2, 4.2.1.13, 4.2.2.1; BR 7.1.2.7.6.
func TestCertificatesNameKeysIssuerAndList(t *testing.T) {
	authority := newAuthority(t)
	leaf, intermediate := newLeaf(t, authority), authority.Intermediate()
	assert.Len(t, leaf.SubjectKeyId, 20)
	assert.NotEqual(t, intermediate.SubjectKeyId, leaf.SubjectKeyId)
	assert.Equal(t, intermediate.SubjectKeyId, leaf.AuthorityKeyId)
	assert.Equal(t, authority.Root().SubjectKeyId, intermediate.AuthorityKeyId)
	assert.Equal(t, []string{"http://" + ca.IssuerHost + "/intermediate.crt"}, leaf.IssuingCertificateURL)
	assert.Equal(t, []string{ca.CRLURL(leaf.SerialNumber)}, leaf.CRLDistributionPoints)
	assert.Contains(t, ca.CRLURLs(), leaf.CRLDistributionPoints[0])
	assert.Equal(t, []string{"http://" + ca.IssuerHost + "/root.crt"}, intermediate.IssuingCertificateURL)
	assert.Equal(t, []string{"http://" + ca.CRLHost + "/root.crl"}, intermediate.CRLDistributionPoints)

	same, err := authority.Sign(request(t, ecdsaKey(t)))
	require.NoError(t, err)
	assert.NotEqual(t, leaf.SubjectKeyId, same.SubjectKeyId, "of another key")
}

func TestLeavesAreSpreadOverAllLists(t *testing.T) {
	var found []string
	for serial := range int64(8) {
		found = append(found, ca.CRLURL(big.NewInt(serial+1)))
	}
	assert.Subset(t, found, ca.CRLURLs())
	assert.Len(t, ca.CRLURLs(), 4)
}

func TestARevokedLeafIsOnItsListAlone(t *testing.T) {
	codes := map[ca.Reason]int{ // RFC 5280 5.3.1
		ca.Unspecified: 0, ca.KeyCompromise: 1, ca.CACompromise: 2, ca.AffiliationChanged: 3, ca.Superseded: 4, ca.CessationOfOperation: 5,
		ca.CertificateHold: 6, ca.PrivilegeWithdrawn: 9, ca.AACompromise: 10,
	}
	require.Len(t, ca.Reasons(), len(codes)+1, "removeFromCRL is on delta lists only")
	authority := newAuthority(t)
	now := issued.Add(90*time.Minute + time.Millisecond)
	for reason, code := range codes {
		leaf := newLeaf(t, authority)
		require.Empty(t, entriesOf(listOf(t, authority, leaf, now), leaf), "%s: not revoked yet", reason)
		require.NoError(t, authority.Revoke(hexOf(leaf), reason, now))
		list := listOf(t, authority, leaf, now)
		entries := entriesOf(list, leaf)
		require.Len(t, entries, 1, reason)
		assert.Equal(t, code, entries[0].ReasonCode, reason)
		assert.Equal(t, now.Truncate(time.Second), entries[0].RevocationTime, reason)
		assert.Equal(t, now.Truncate(time.Second), list.ThisUpdate)
		assert.Equal(t, 7*24*time.Hour, list.NextUpdate.Sub(list.ThisUpdate))
		other, err := authority.CRL((shardOf(t, leaf)+1)%4, now)
		require.NoError(t, err)
		parsed, err := x509.ParseRevocationList(other)
		require.NoError(t, err)
		assert.Empty(t, entriesOf(parsed, leaf), reason)
	}
	list, err := authority.Revocations()
	require.NoError(t, err)
	assert.Len(t, list, len(codes))
}

func entriesOf(list *x509.RevocationList, leaf *x509.Certificate) []x509.RevocationListEntry {
	var found []x509.RevocationListEntry
	for _, entry := range list.RevokedCertificateEntries {
		if entry.SerialNumber.Cmp(leaf.SerialNumber) == 0 {
			found = append(found, entry)
		}
	}
	return found
}

// RFC 5280 5.2.3: numbers grow, also if two lists are made in the same second.
func TestNumbersOfListsGrow(t *testing.T) {
	authority := newAuthority(t)
	leaf := newLeaf(t, authority)
	first := listOf(t, authority, leaf, issued)
	require.NoError(t, authority.Revoke(hexOf(leaf), ca.Superseded, issued))
	second, third := listOf(t, authority, leaf, issued), listOf(t, authority, leaf, issued.Add(time.Second))
	assert.Equal(t, -1, first.Number.Cmp(second.Number))
	assert.Equal(t, -1, second.Number.Cmp(third.Number))
}

func TestAListNamesOnlyWhatWasRevokedByThen(t *testing.T) {
	authority := newAuthority(t)
	leaf := newLeaf(t, authority)
	require.NoError(t, authority.Revoke(hexOf(leaf), ca.Superseded, issued))
	assert.Empty(t, entriesOf(listOf(t, authority, leaf, issued.Add(-time.Hour)), leaf))
	assert.NotEmpty(t, entriesOf(listOf(t, authority, leaf, issued.AddDate(5, 0, 0)), leaf))
}

func TestRevocationsChangeAsTheRequirementsAllow(t *testing.T) {
	for name, test := range map[string]struct {
		reasons []ca.Reason
		refused bool // the last one
		want    []ca.Revocation
	}{
		"again":                         {reasons: []ca.Reason{ca.Superseded, ca.Superseded}, refused: true, want: []ca.Revocation{{Reason: ca.Superseded, Time: issued}}},
		"for another reason":            {reasons: []ca.Reason{ca.Superseded, ca.PrivilegeWithdrawn}, refused: true, want: []ca.Revocation{{Reason: ca.Superseded, Time: issued}}},
		"the key turns out compromised": {reasons: []ca.Reason{ca.Superseded, ca.KeyCompromise}, want: []ca.Revocation{{Reason: ca.KeyCompromise, Time: issued}}},
		"a hold becomes final":          {reasons: []ca.Reason{ca.CertificateHold, ca.Superseded}, want: []ca.Revocation{{Reason: ca.Superseded, Time: issued.Add(time.Hour)}}},
		"a hold twice":                  {reasons: []ca.Reason{ca.CertificateHold, ca.CertificateHold}, refused: true, want: []ca.Revocation{{Reason: ca.CertificateHold, Time: issued}}},
		"a hold ends":                   {reasons: []ca.Reason{ca.CertificateHold, ca.RemoveFromCRL}, want: []ca.Revocation{}},
		"only a hold ends":              {reasons: []ca.Reason{ca.Superseded, ca.RemoveFromCRL}, refused: true, want: []ca.Revocation{{Reason: ca.Superseded, Time: issued}}},
		"nothing to end":                {reasons: []ca.Reason{ca.RemoveFromCRL}, refused: true, want: []ca.Revocation{}},
	} {
		t.Run(name, func(t *testing.T) {
			authority := newAuthority(t)
			for i, reason := range test.reasons {
				err := authority.Revoke("AB:CD", reason, issued.Add(time.Duration(i)*time.Hour))
				last := i == len(test.reasons)-1
				require.Equal(t, last && test.refused, err != nil, "%v", err)
			}
			list, err := authority.Revocations()
			require.NoError(t, err)
			for i := range test.want {
				test.want[i].Serial = "abcd"
			}
			assert.Equal(t, test.want, append([]ca.Revocation{}, list...))
		})
	}
}

func TestRevokeRefuses(t *testing.T) {
	authority := newAuthority(t)
	for name, test := range map[string]struct {
		serial string
		reason ca.Reason
	}{
		"no serial number": {"", ca.Superseded}, "a decimal text": {"12x", ca.Superseded}, "a negative number": {"-1", ca.Superseded},
		"21 octets": {strings.Repeat("ff", 21), ca.Superseded}, "zero": {"00", ca.Superseded}, "a reason of another spelling": {"1", "KeyCompromise"},
	} {
		assert.Error(t, authority.Revoke(test.serial, test.reason, issued), name)
	}
	_, err := ca.ParseReason("stolen")
	assert.ErrorContains(t, err, "keyCompromise", "the error names the reasons")
	reason, err := ca.ParseReason("")
	require.NoError(t, err)
	assert.Equal(t, ca.Unspecified, reason)
	require.NoError(t, authority.Revoke("1", ca.Superseded, issued))
	assert.ErrorIs(t, authority.Revoke("01", ca.Superseded, issued), ca.ErrRevoked)
}

func TestProgramsThatShareADirectoryShareRevocations(t *testing.T) {
	dir := t.TempDir()
	first, err := ca.Open(dir, ca.ECDSA, nil)
	require.NoError(t, err)
	second, err := ca.Open(dir, ca.ECDSA, nil)
	require.NoError(t, err)
	leaf := newLeaf(t, first)
	require.NoError(t, first.Revoke(hexOf(leaf), ca.KeyCompromise, issued))
	assert.Len(t, entriesOf(listOf(t, second, leaf, issued), leaf), 1)
	require.ErrorIs(t, second.Revoke(hexOf(leaf), ca.Superseded, issued), ca.ErrRevoked)

	var group sync.WaitGroup
	for i := range 20 {
		authority := []*ca.Authority{first, second}[i%2]
		group.Go(func() { assert.NoError(t, authority.Revoke(fmt.Sprintf("%x", i+1), ca.Superseded, issued)) })
	}
	group.Wait()
	third, err := ca.Open(dir, ca.ECDSA, nil)
	require.NoError(t, err)
	list, err := third.Revocations()
	require.NoError(t, err)
	assert.Len(t, list, 21)
}

func TestADamagedFileIsNoEmptyList(t *testing.T) {
	dir := t.TempDir()
	authority, err := ca.Open(dir, ca.ECDSA, nil)
	require.NoError(t, err)
	for _, content := range []string{"", "{", `{"changes":1,"revoked":[{"serial":"xyz","reason":"superseded"}]}`} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "revoked.json"), []byte(content), 0o600))
		_, err = authority.CRL(0, issued)
		assert.Error(t, err, content)
	}
}

// A second opinion on the lists, among others on their scope.
func TestOpenSSLFindsRevokedLeaves(t *testing.T) {
	program, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("did not run: openssl is not installed")
	}
	authority := newAuthority(t)
	leaf, at, dir := newLeaf(t, authority), issued.Add(time.Hour), t.TempDir()
	verify := func() string {
		files := map[string]string{
			"root.pem": ca.EncodePEM(authority.Root()), "intermediate.pem": ca.EncodePEM(authority.Intermediate()), "leaf.pem": ca.EncodePEM(leaf),
			"crl.pem": string(pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: listOf(t, authority, leaf, at).Raw})),
		}
		for name, content := range files {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
		}
		command := exec.Command(program, "verify", "-attime", strconv.FormatInt(at.Unix(), 10), "-extended_crl", "-crl_check",
			"-CRLfile", "crl.pem", "-CAfile", "root.pem", "-untrusted", "intermediate.pem", "leaf.pem")
		command.Dir = dir
		out, _ := command.CombinedOutput() // the text says what was found
		return string(out)
	}
	assert.Equal(t, "leaf.pem: OK\n", verify())
	require.NoError(t, authority.Revoke(hexOf(leaf), ca.Superseded, issued))
	assert.Contains(t, verify(), "certificate revoked")
}
