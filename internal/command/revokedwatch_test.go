package command_test

import (
	"testing"
	"time"

	"pmssl/internal/item"
	"pmssl/internal/watch/crl"

	"github.com/stretchr/testify/assert"
)

// installable returns an item whose site serves a replaced certificate; the mail about that is due in two days.
func installable(t *testing.T) *revocation {
	t.Helper()
	w := watchFixture(t, 10)
	served := w.panel.stored
	w.reissue(t)
	r := revocationOf(t, w)
	r.sites.served = served
	return r
}

// rules WATCH-6: a site that serves an old certificate is better off than with one that is revoked.
func TestNobodyIsAskedToInstallARevokedCertificate(t *testing.T) {
	r := installable(t)
	r.revoke(crl.PrivilegeWithdrawn)
	r.sweeps(t, 5*24*time.Hour)
	assert.Zero(t, r.installs())
	assert.Len(t, r.openTasks(), 1)

	t.Run("nor when an administrator wants the mail again", func(t *testing.T) {
		r.args = item.Args{Item: 42, Resend: true}
		r.at = r.at.Add(time.Hour)
		assert.ErrorContains(t, r.trySweep(), "there is nothing to notify the client of item 42 about now")
		assert.Zero(t, r.installs())
	})
}

// rules WATCH-6: a run that is killed while it writes to the client does not write twice.
func TestAKilledRunDoesNotWriteTwiceAboutAnOldCertificate(t *testing.T) {
	for n := 1; ; n++ {
		r := installable(t)
		r.at = r.at.Add(48 * time.Hour)
		happened := r.panel.killed(n, func() { r.sweep(t) })
		r.sweepsEach(t, 6*time.Hour, 20)
		assert.LessOrEqual(t, r.installs(), 1, n)
		if !happened {
			assert.Equal(t, 1, r.installs())
			break
		}
	}
}
