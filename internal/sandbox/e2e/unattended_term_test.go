package e2e

import (
	"crypto/x509"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// docs/reference/unattended.md §9: five years without a human hand, at both sellers: no mail, no task, no gap, nothing left, nothing
// written outside the owned zone, one payment.
func TestUnattendedFiveYears(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startUnattended(t, seller, firstOrders)
		f.looks(t, "issue_delay_seconds", 600)
		before := f.dumps()
		item := f.unattendedItem(t, "example.com", 60)
		all := f.liveUntil(t, item, "2031-04-02")
		assert.Len(t, all, expectedCertificates(instant(t, "2026-04-02").Truncate(24*time.Hour), instant(t, "2031-04-02").Truncate(24*time.Hour), 10))
		assert.Equal(t, "2031-04-02", all[len(all)-1].NotAfter.UTC().Format(time.DateOnly), "the last one reaches the end of the term")
		f.checkQuiet(t, item, before)
		f.checkOnlyOwnRecords(t, "example.com")
		assert.Len(t, f.zone.Changes(), 2*len(all), "one record for each certificate, added and removed")
	})
}

// liveUntil moves the clock until the given day and returns the certificates that were stored. It sweeps each hour while a
// certificate is awaited, and else on the days around each event. It fails if the item has no valid certificate at any time.
func (f *unattendedFixture) liveUntil(t *testing.T, item int64, until string) []*x509.Certificate {
	t.Helper()
	all := []*x509.Certificate{f.leaf(t, item)}
	now, err := f.clock.Now()
	require.NoError(t, err)
	for end := instant(t, until).Truncate(24 * time.Hour); now.Before(end); now = now.AddDate(0, 0, 1).Truncate(24 * time.Hour).Add(9 * time.Hour) {
		last := all[len(all)-1]
		life := last.NotAfter.Sub(last.NotBefore)
		act := last.NotAfter.Truncate(24 * time.Hour).Add(-min(10*24*time.Hour, life/2))
		if now.Before(act.AddDate(0, 0, -1)) && now.Sub(last.NotBefore) > 48*time.Hour {
			continue
		}
		require.NoError(t, f.clock.Set(now))
		doc := f.sweep(t)
		require.Zero(t, doc.Failed, "%s: %+v\n%s", now, doc, f.logTail(t))
		f.sweepHourly(t, item, 12)
		stored := f.leaf(t, item)
		require.False(t, now.After(stored.NotAfter), "%s: without a certificate since %s", now, stored.NotAfter)
		if !stored.Equal(last) {
			f.checkNewestStored(t, item, "example.com")
			all = append(all, stored)
		}
	}
	return all
}
