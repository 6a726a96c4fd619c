package scripts_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestInstallPutsModulesAndManifestsInPlaceAndNothingElse(t *testing.T) {
	source, root := t.TempDir(), filepath.Join(t.TempDir(), "panel root")
	module, manifest := filepath.Join(source, "pmx"), filepath.Join(source, "billmgr_mod_pmx.xml")
	install := func() {
		out, err := exec.Command("./install.sh", root, module, manifest).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	require.NoError(t, os.WriteFile(module, []byte("one"), 0o600))
	require.NoError(t, os.WriteFile(manifest, []byte("<mgrdata/>"), 0o600))
	install()
	require.NoError(t, os.WriteFile(module, []byte("two"), 0o600))
	install()

	type entry struct {
		mode    os.FileMode
		content string
	}
	got := map[string]entry{}
	require.NoError(t, filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		require.NoError(t, err)
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		name, err := filepath.Rel(root, path)
		got[name] = entry{info.Mode(), string(content)}
		return err
	}))
	assert.Equal(t, map[string]entry{
		"processing/pmx":              {0o755, "two"},
		"etc/xml/billmgr_mod_pmx.xml": {0o644, "<mgrdata/>"},
	}, got)
}
