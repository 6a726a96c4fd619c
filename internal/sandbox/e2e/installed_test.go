package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// runInstaller runs scripts/install.sh as `make install` and `make uninstall` do, on a machine whose dpkg knows nothing and that has
// no systemd.
func (f *fixture) runInstaller(t *testing.T, action, prefix string) string {
	t.Helper()
	tools := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(tools, "systemctl"), []byte("#!/bin/sh\n"), 0o755))
	cmd := exec.Command("../../../scripts/install.sh", action, "", prefix, filepath.Join(filepath.Dir(prefix), "share"), f.panel.Root(), built.bin, f.seller.module)
	cmd.Env = append(os.Environ(), "DPKG_ADMINDIR="+tools, "PATH="+tools+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	return string(out)
}

// rules PACK-1, PACK-2: the panel starts the module by the link, and gets its own module of the same name back.
func TestAnInstalledModuleIssuesAndThePanelsOwnOneReturns(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startFixture(t, seller)
		module := filepath.Join(f.panel.Root(), "processing", seller.module)
		own := []byte("#!/bin/sh\necho the panel's own module\n")
		require.NoError(t, os.Remove(module))
		require.NoError(t, os.WriteFile(module, own, 0o755))
		prefix := filepath.Join(t.TempDir(), "pmssl")

		assert.Contains(t, f.runInstaller(t, "install", prefix), "kept "+module+", which is not part of pmssl, as "+module+".orig")
		target, err := os.Readlink(module)
		require.NoError(t, err)
		assert.Equal(t, filepath.Join(prefix, seller.module), target)
		item, _ := f.issuedItem(t)
		journal := filepath.Join(f.panel.Root(), "var", seller.module+".purchases")
		bought, err := os.ReadFile(journal)
		require.NoError(t, err)

		f.runInstaller(t, "install", prefix)
		run := f.syncItem(t, item)
		require.True(t, run.OK(), run.Failure())

		f.runInstaller(t, "uninstall", prefix)
		back, err := os.ReadFile(module)
		require.NoError(t, err)
		assert.Equal(t, string(own), string(back))
		kept, err := os.ReadFile(journal)
		require.NoError(t, err)
		assert.Equal(t, string(bought), string(kept), "the journal of purchases stays")
	})
}
