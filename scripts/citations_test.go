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

// citedFiles calls f with the path and content of each file of the repository that may cite rules and pages.
func citedFiles(t *testing.T, f func(name, text string)) {
	t.Helper()
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
		case ".go", ".md", ".sh", ".txtar", ".conf", ".xml", ".service", ".timer", ".sql", ".txt":
		default:
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f(strings.TrimPrefix(path, "../"), string(text))
		return nil
	}))
}

// sections returns the numbers in a reference page that can be cited: its headings (3.2), and the items of numbered lists below
// them (15.6). docs/reference/validity.md has two parts, A and B.
func sections(t *testing.T, page string) map[string]bool {
	t.Helper()
	raw, err := os.ReadFile("../" + page)
	require.NoError(t, err)
	heading := regexp.MustCompile(`^#+ (?:([A-Z]?[0-9]+(?:\.[0-9]+)*)\.? |Part ([A-Z]):)`)
	numbered := regexp.MustCompile(`(?:^| )([0-9]{1,2})\. `)
	known := map[string]bool{}
	part, current := "", ""
	for _, line := range strings.Split(string(raw), "\n") {
		if match := heading.FindStringSubmatch(line); match != nil {
			if match[2] != "" {
				part, current = match[2], match[2]
				known[part] = true
				continue
			}
			current = match[1]
			if part == "A" {
				current = "A" + current
			}
			known[current] = true
		} else if current != "" {
			for _, match := range numbered.FindAllStringSubmatch(line, -1) {
				known[current+"."+match[1]] = true
			}
		}
	}
	return known
}

// Every section of a reference page that code, tests or pages cite exists, and no section is cited without its page.
func TestCitedSectionsExist(t *testing.T) {
	pages := map[string]map[string]bool{}
	cited := 0
	citation := regexp.MustCompile(`docs/reference/[a-z]+\.md ?((?:(?:, | and | to |; )?§[0-9A-Z.]*[0-9A-Z])+)`)
	wrapped := regexp.MustCompile(`\n\s*(?://|#|--)? *`) // a citation may go on in the next line of a comment
	section := regexp.MustCompile(`§([0-9A-Z.]*[0-9A-Z])`)
	citedFiles(t, func(name, text string) {
		if strings.HasPrefix(name, "docs/reference/") || name == "scripts/citations_test.go" {
			return
		}
		text = wrapped.ReplaceAllString(text, " ")
		found := 0
		for _, match := range citation.FindAllStringSubmatch(text, -1) {
			page := regexp.MustCompile(`docs/reference/[a-z]+\.md`).FindString(match[0])
			if pages[page] == nil {
				pages[page] = sections(t, page)
			}
			for _, one := range section.FindAllStringSubmatch(match[1], -1) {
				found++
				assert.True(t, pages[page][one[1]], "%s cites %s §%s, which that page does not have", name, page, one[1])
			}
		}
		cited += found
		assert.Equal(t, len(section.FindAllString(text, -1)), found, "%s cites a section without its page", name)
	})
	require.Greater(t, cited, 100)
}

// Every rule that code, tests or pages cite as "rules BUY-4" exists in docs/rules.md.
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
	citedFiles(t, func(name, text string) {
		for _, match := range citation.FindAllStringSubmatch(text, -1) {
			for _, rule := range id.FindAllString(match[1], -1) {
				cited++
				assert.True(t, known[rule], "%s cites rule %s, which docs/rules.md does not have", name, rule)
			}
		}
	})
	require.NotZero(t, cited)
}
