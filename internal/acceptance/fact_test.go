package acceptance_test

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/acceptance"
)

var update = flag.Bool("update", false, "write the table of facts into docs/compatibility.md")

const root = "../../"

// rules ACCEPT-6: docs/compatibility.md has the table of facts.
func TestThePageHasTheTableOfFacts(t *testing.T) {
	const begin, end = "<!-- facts: made from internal/acceptance, go test ./internal/acceptance -update -->\n", "<!-- end of facts -->\n"
	path := root + "docs/compatibility.md"
	page, err := os.ReadFile(path)
	require.NoError(t, err)
	head, rest, found := strings.Cut(string(page), begin)
	require.True(t, found)
	table, tail, found := strings.Cut(rest, end)
	require.True(t, found)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(head+begin+acceptance.Page()+"\n"+end+tail), 0o644))
		return
	}
	assert.Equal(t, acceptance.Page()+"\n", table, "run go test ./internal/acceptance -update")
}

func TestEveryFactIsComplete(t *testing.T) {
	ids := map[string]bool{}
	form := regexp.MustCompile(`^FACT-[NIPCH][0-9]+$`)
	for _, f := range acceptance.Facts() {
		assert.Regexp(t, form, f.ID)
		assert.False(t, ids[f.ID], "%s twice", f.ID)
		ids[f.ID] = true
		for _, text := range []string{string(f.Area), f.Statement, f.Source, string(f.Sure), f.IfWrong} {
			assert.NotEmpty(t, text, f.ID)
			assert.NotContains(t, text, "|", f.ID)
		}
		assert.NotEqual(t, f.Observable(), f.ByHand != "", "%s is seen by a run, or a text says how a person sees it", f.ID)
	}
}

// marks are the patterns of lines that state something nobody has confirmed.
var marks = map[string]*regexp.Regexp{
	"docs/reference/billmanager.md": regexp.MustCompile(`\[[^\]]*(?:\bI\b|\?)[^\]]*\]`),
	"docs/reference/namecheap.md":   regexp.MustCompile(`\[[^\]]*(?:\bI\b|\?|never)[^\]]*\]`),
	"docs/reference/ispmanager.md":  regexp.MustCompile(`\bI\b|(?:^|[ *(])\?(?:[ *).;,|]|$)`),
	"docs/reference/unattended.md":  regexp.MustCompile(`\*\*(?:I|\?)\*\*`),
	"docs/reference/validity.md":    regexp.MustCompile(`\[[^\]]*\bI\b[^\]]*\]|not announced|only a live answer`),
	"docs/namecheap.md":             regexp.MustCompile(`inferred|clients do it|unknown\b|never seen used|not proven|^\| .*\? \| `),
	"docs/ispmanager.md":            regexp.MustCompile(`inferred|used elsewhere|^\| .*\? \| `),
}

// explains are lines of the sellers' pages that explain a mark.
var explains = regexp.MustCompile(`^- \*(?:Inferred|Clients do it|Used elsewhere)\*|repeated\?`)

// Every line of the reference and of the sellers' pages that is marked as unconfirmed has a fact, or a reason why the module does not
// rely on it.
func TestEveryMarkedLineHasAFact(t *testing.T) {
	known := map[string]bool{}
	for _, f := range acceptance.Facts() {
		known[f.ID] = true
	}
	raw, err := os.ReadFile("testdata/marks.txt")
	require.NoError(t, err)
	covered := map[string]string{} // page and beginning of the line -> what is about it
	for _, line := range strings.Split(strings.TrimSpace(string(raw)), "\n") {
		parts := strings.SplitN(line, " | ", 3)
		if len(parts) == 3 {
			covered[parts[1]+" | "+parts[2]] = parts[0]
		}
	}
	used := map[string]bool{}
	for page, mark := range marks {
		text, err := os.ReadFile(root + page)
		require.NoError(t, err)
		for number, line := range strings.Split(string(text), "\n") {
			line = strings.TrimSpace(line)
			if !mark.MatchString(line) || explains.MatchString(line) {
				continue
			}
			what := ""
			for key, about := range covered {
				if start, is := strings.CutPrefix(key, page+" | "); is && strings.HasPrefix(line, start) {
					what, used[key] = about, true
				}
			}
			assert.NotEmpty(t, what, "%s:%d has a mark and no fact: add one, and a line to testdata/marks.txt", page, number+1)
			for _, id := range strings.Fields(what) {
				assert.True(t, strings.HasPrefix(what, "- ") || known[id], "%s:%d: there is no %s", page, number+1, id)
			}
		}
	}
	for key := range covered {
		assert.True(t, used[key], "testdata/marks.txt: %s is no marked line", key)
	}
}

// Every source of a fact is a page that exists.
func TestSourcesOfFactsExist(t *testing.T) {
	for _, f := range acceptance.Facts() {
		for _, page := range regexp.MustCompile(`docs/[a-z/]+\.md`).FindAllString(f.Source, -1) {
			_, err := os.Stat(root + page)
			assert.NoError(t, err, f.ID)
		}
	}
}
