package crl_test

import (
	"crypto/rand"
	"crypto/x509"
	"math/big"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/watch/crl"
)

// seeds are lists of all forms.
func seeds(t testing.TB) [][]byte {
	t.Helper()
	ca := newAuthority(t, "Example CA")
	var many []x509.RevocationListEntry
	for i := range 2*crl.EntriesRead + 3 {
		many = append(many, entry(int64(i+1), i%2))
	}
	plain := newList(t, start())
	plain.ExtraExtensions = nil
	all := [][]byte{
		ca.sign(t, plain), ca.sign(t, newList(t, start())), ca.sign(t, newList(t, start(), entry(1, 0))), ca.sign(t, newList(t, start(), many...)),
		{}, {0x30}, {0x30, 0}, {0x30, 0x80}, {0x30, 2, 0x30, 0}, []byte("-----BEGIN X509 CRL-----\n"), ca.certificate.Raw,
	}
	return append(all, all[2][:len(all[2])/2])
}

// The package reads lists in pieces; what it finds is what crypto/x509 finds in the whole.
func FuzzReadEntries(f *testing.F) {
	for _, seed := range seeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		list, entries, err := crl.ReadEntries(der)
		whole, wrong := x509.ParseRevocationList(der)
		if err != nil {
			return
		}
		require.NoError(t, wrong, "the whole is not read")
		assert.Equal(t, whole.RawTBSRevocationList, list.RawTBSRevocationList)
		assert.Equal(t, whole.RawIssuer, list.RawIssuer)
		assert.Equal(t, whole.Signature, list.Signature)
		assert.Equal(t, whole.ThisUpdate, list.ThisUpdate)
		assert.Equal(t, whole.NextUpdate, list.NextUpdate)
		assert.Equal(t, whole.Extensions, list.Extensions)
		require.Len(t, entries, len(whole.RevokedCertificateEntries))
		for i, e := range whole.RevokedCertificateEntries {
			assert.Equal(t, e.Raw, entries[i].Raw)
		}
	})
}

// What the package does not read, crypto/x509 does not read either, but for octets behind the list.
func TestListsAreReadAsAWhole(t *testing.T) {
	for i, der := range seeds(t) {
		_, entries, err := crl.ReadEntries(der)
		whole, wrong := x509.ParseRevocationList(der)
		require.Equal(t, wrong == nil, err == nil, "%d: %v, %v", i, err, wrong)
		if err == nil {
			assert.Len(t, entries, len(whole.RevokedCertificateEntries))
		}
	}
}

// Whoever can write the index file can write anything into it.
func FuzzIndex(f *testing.F) {
	f.Add([]byte(`{"version":1,"lists":[{"name":"` + string(make([]byte, 64)) + `"}]}`))
	f.Add([]byte(`{"version":1,"lists":[{"name":"0000000000000000000000000000000000000000000000000000000000000001","size":-1,"tried":"2026-10-09T06:30:00Z"},null]}`))
	folder := f.TempDir()
	f.Fuzz(func(t *testing.T, raw []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(folder, crl.IndexName), raw, 0o600))
		n, err := crl.ReadIndex(folder, start())
		assert.True(t, err == nil || n == 0)
		assert.LessOrEqual(t, n, crl.MaxLists)
	})
}

// A list of the greatest length is read without having its entries in memory: there may be half a million.
func TestEntriesAreNotKeptInMemory(t *testing.T) {
	ca := newAuthority(t, "Example CA")
	der := ca.sign(t, newList(t, start(), entry(1, 0)))
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	n, before, peak := 0, uint64(0), uint64(0)
	entries, err := crl.Repeat(der, crl.MaxList, func() {
		switch {
		case n == 0:
			before = heap()
		case n%100_000 == 0:
			peak = max(peak, heap())
		}
		n++
	})
	require.NoError(t, err)
	assert.Greater(t, entries, 400_000)
	assert.Less(t, int64(peak)-int64(before), int64(4<<20))
}

// BenchmarkTheLongestList checks and searches a list of 10 MiB.
func BenchmarkTheLongestList(b *testing.B) {
	w := newWorld(b)
	var entries []x509.RevocationListEntry
	for len(entries)*37 < crl.MaxList-1000 {
		serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
		require.NoError(b, err)
		entries = append(entries, x509.RevocationListEntry{SerialNumber: serial, RevocationTime: start()})
	}
	der := w.ca.sign(b, newList(b, w.at, entries...))
	require.LessOrEqual(b, len(der), crl.MaxList)
	w.serve(der)
	require.True(b, w.run(b).Known)
	query := w.query()
	for i := range 100_000 {
		query.Serials = append(query.Serials, big.NewInt(int64(i)).Text(16))
	}
	b.SetBytes(int64(len(der)))
	b.ReportAllocs()
	for b.Loop() {
		s := w.open(b)
		answer, err := s.Ask(b.Context(), query)
		require.NoError(b, err)
		require.True(b, answer.Known)
		require.NoError(b, s.Close(true, nil))
	}
}
