package etc_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/publish"
)

// blockSamples returns the samples that administrators copy to etc/pmssl, by their name. The other files beside them are for
// web servers, or programs: they have no line that begins a block.
func blockSamples(t *testing.T) map[string]string {
	t.Helper()
	names, err := filepath.Glob("samples/pmssl/*.conf")
	require.NoError(t, err)
	all := map[string]string{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		if regexp.MustCompile(`(?m)^(publisher|deploy) `).Match(text) {
			all[filepath.Base(name)] = string(text)
		}
	}
	require.NotEmpty(t, all)
	return all
}

// allWordsOn returns a sample with the commented lines of its blocks switched on: a block ends at the first empty line.
func allWordsOn(sample string) string {
	var on []string
	inBlock := false
	for line := range strings.Lines(sample) {
		inBlock = strings.HasPrefix(line, "publisher ") || strings.HasPrefix(line, "deploy ") || inBlock && strings.TrimSpace(line) != ""
		if inBlock {
			line = strings.TrimPrefix(line, "#")
		}
		on = append(on, line)
	}
	return strings.Join(on, "")
}

// load reads a file as the module reads it from etc/pmssl, with the mode that the sample tells to give it.
func load(t *testing.T, name, text string) publish.Config {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "pmssl")
	require.NoError(t, os.Mkdir(folder, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	files, err := publish.ReadFiles(folder)
	require.NoError(t, err)
	require.Len(t, files, 1)
	config, err := publish.Load(files)
	require.NoError(t, err)
	return config
}

func TestSamplesOfBlocksAreUnderstood(t *testing.T) {
	kinds, deploys := map[publish.Kind]bool{}, map[publish.Kind]bool{}
	for name, text := range blockSamples(t) {
		t.Run(name, func(t *testing.T) {
			assert.Contains(t, text, "mode 0600", "the sample says which mode it needs")
			for _, variant := range []string{text, allWordsOn(text)} {
				config := load(t, name, variant)
				require.Equal(t, 1, len(config.Publishers)+len(config.Deploys))
				for _, b := range config.Publishers {
					kinds[b.Kind] = true
				}
				for _, d := range config.Deploys {
					deploys[d.Kind] = true
					assert.Equal(t, variant != text && d.Kind == publish.KindExec, d.Key, "keys are handed over where a line says so")
				}
			}
		})
	}
	for _, kind := range []publish.Kind{publish.KindDNSUpdate, publish.KindPowerDNS, publish.KindISPmgr, publish.KindWebroot, publish.KindExec} {
		assert.True(t, kinds[kind], "no sample of a publisher of the kind %s", kind)
	}
	for _, kind := range []publish.Kind{publish.KindISPmgr, publish.KindExec} {
		assert.True(t, deploys[kind], "no sample of a deploy block of the kind %s", kind)
	}
}

// A sample that is copied with the mode of the repository's files is refused with the command that mends it.
func TestSampleWithTheWrongModeIsRefused(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, os.Chmod(folder, 0o755))
	name := filepath.Join(folder, "powerdns.conf")
	require.NoError(t, os.WriteFile(name, []byte(blockSamples(t)["powerdns.conf"]), 0o600))
	require.NoError(t, os.Chmod(name, 0o644))
	_, err := publish.ReadFiles(folder)
	assert.ErrorContains(t, err, "run chmod 600 "+name)
}

// The page for administrators names each sample.
func TestEverySampleIsNamedInThePage(t *testing.T) {
	page, err := os.ReadFile("../docs/unattended.md")
	require.NoError(t, err)
	files, err := os.ReadDir("samples/pmssl")
	require.NoError(t, err)
	for _, file := range files {
		assert.True(t, strings.Contains(string(page), "`"+file.Name()+"`"), "docs/unattended.md does not name %s", file.Name())
	}
}
