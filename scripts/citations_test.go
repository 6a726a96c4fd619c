package scripts_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every rule that code, tests or pages cite as "rules BUY-4" stands in docs/rules.md.
func TestCitedRulesExist(t *testing.T) {
	raw, err := os.ReadFile("../docs/rules.md")
	require.NoError(t, err)
	known := map[string]bool{}
	for _, match := range regexp.MustCompile(`(?m)^(?:- |\| )?([A-Z]+-[0-9]+)(?::| \|)`).FindAllStringSubmatch(string(raw), -1) {
		assert.False(t, known[match[1]], "docs/rules.md has two rules with the id %s", match[1])
		known[match[1]] = true
	}
	require.NotEmpty(t, known)
	citation := regexp.MustCompile(`\brules? ([A-Z]+-[0-9]+(?:(?:, | and )[A-Z]+-[0-9]+)*)`)
	id := regexp.MustCompile(`[A-Z]+-[0-9]+`)
	cited := 0
	require.NoError(t, filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name := entry.Name(); name == ".git" || name == "bin" {
				return filepath.SkipDir
			}
			return nil
		}
		switch filepath.Ext(path) {
		case ".go", ".md", ".sh", ".txtar", ".conf", ".xml", ".service", ".timer":
		default:
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, match := range citation.FindAllStringSubmatch(string(text), -1) {
			for _, rule := range id.FindAllString(match[1], -1) {
				cited++
				assert.True(t, known[rule], "%s cites rule %s, which docs/rules.md does not have", strings.TrimPrefix(path, "../"), rule)
			}
		}
		return nil
	}))
	require.NotZero(t, cited)
}
