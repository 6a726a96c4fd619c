package app

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The command lines in the documentation, in the systemd units and in error texts are accepted.
func TestDocumentedCommandLinesAreAccepted(t *testing.T) {
	var files []string
	for _, pattern := range []string{"README.md", "docs/*.md", "etc/systemd/*", "internal/command/*.go", "internal/panel/*.go"} {
		found, err := filepath.Glob(filepath.Join("..", "..", pattern))
		require.NoError(t, err)
		files = append(files, found...)
	}
	line := regexp.MustCompile(`--command ([a-z_]+)([^` + "`" + `#;:,"|>\n]*)`)
	seen := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, found := range line.FindAllStringSubmatch(string(text), -1) {
			row, known := commands().find(found[1])
			if !known {
				continue // a word of a sentence
			}
			words := []string{"--command", found[1]}
			for _, word := range strings.Fields(strings.NewReplacer("%d", "5", "%s", "5").Replace(found[2])) {
				if word == "N" || word == "ID" || word == "ID|--none" {
					word = "5"
				}
				words = append(words, word)
			}
			if a := parseArgs(words); strings.HasPrefix(strings.TrimSpace(found[2]), "--") {
				assert.NoError(t, row.refuse(a), "%s: %s", file, found[0])
				seen++
			}
		}
	}
	assert.Greater(t, seen, 20, "command lines found")
}

// The tables of docs/troubleshooting.md are those of troubleTables.
func TestTroubleshootingPageIsUpToDate(t *testing.T) {
	name := filepath.Join("..", "..", "docs", "troubleshooting.md")
	raw, err := os.ReadFile(name)
	require.NoError(t, err)
	want, complete := withTroubles(string(raw))
	require.True(t, complete, "a section or a table is missing")
	if updating() {
		require.NoError(t, os.WriteFile(name, []byte(want), 0o644))
		return
	}
	assert.True(t, want == string(raw), "%s: run go test ./internal/app -update", name)
}

// The picture that README opens with is what the module draws on the day of that order.
func TestPictureOfThePlanIsUpToDate(t *testing.T) {
	s := newFixture(t)
	s.system.Now = func() time.Time { return time.Date(2026, 4, 2, 12, 0, 0, 0, time.UTC) }
	require.Equal(t, 0, s.run("--command", "plan", "--opendate", "2026-04-02", "--period", "60", "--format", "svg"))
	generatedFile(t, "docs/pictures/plan.svg", s.stdout.String())
}

// Each type of an error has a remedy on the page, and no other type.
func TestTroubleshootingHasEveryTypeOfError(t *testing.T) {
	var listed []string
	for _, table := range troubleTables() {
		for _, row := range table.rows {
			listed = append(listed, row.Types...)
		}
	}
	slices.Sort(listed)
	assert.Equal(t, errorTypes(t), slices.Compact(listed))
}

// errorTypes returns the types of package fault, sorted.
func errorTypes(t *testing.T) []string {
	t.Helper()
	var types []string
	inspectFile(t, filepath.Join("..", "fault", "fault.go"), func(n ast.Node) {
		if row, ok := n.(*ast.ValueSpec); ok && len(row.Values) == 1 && !strings.HasPrefix(row.Names[0].Name, "Object") {
			types = append(types, literalText(row.Values[0]))
		}
	})
	require.Greater(t, len(types), 10)
	slices.Sort(types)
	return types
}

// Each text on the page is one that the program has: what stands between the ellipses, in this order, in one text.
func TestTextsOfTroubleshootingAreTheProgramsOwn(t *testing.T) {
	var texts []string
	require.NoError(t, filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		if d.Name() == "sandbox" {
			return fs.SkipDir
		}
		if filepath.Ext(name) == ".go" && !strings.HasSuffix(name, "_test.go") && d.Name() != "troubles.go" {
			inspectFile(t, name, func(n ast.Node) {
				if e, ok := n.(ast.Expr); ok {
					texts = append(texts, literalText(e))
				}
			})
		}
		return err
	}))
	require.Greater(t, len(texts), 1000)
	for _, table := range troubleTables() {
		for _, row := range table.rows {
			assert.False(t, row.Meaning == "" && len(row.Texts) == 0 || row.Remedy == "", "a row of %q is not complete: %+v", table.heading, row)
			for _, pattern := range row.Texts {
				known := slices.ContainsFunc(texts, func(text string) bool { return hasPieces(text, strings.Split(pattern, "…")) })
				assert.True(t, known, "%s: no text of the program has %q", table.heading, pattern)
			}
		}
	}
}

// hasPieces reports whether the text holds the pieces in their order.
func hasPieces(text string, pieces []string) bool {
	for _, piece := range pieces {
		_, after, found := strings.Cut(text, strings.TrimSpace(piece))
		if !found {
			return false
		}
		text = after
	}
	return true
}

// inspectFile calls visit with each node of a Go file.
func inspectFile(t *testing.T, name string, visit func(ast.Node)) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
	require.NoError(t, err)
	ast.Inspect(file, func(n ast.Node) bool {
		visit(n)
		return true
	})
}

// literalText returns the text of a string literal, or of operands of + that are literals; otherwise it is empty.
func literalText(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); err == nil && e.Kind == token.STRING {
			return text
		}
	case *ast.BinaryExpr:
		return literalText(e.X) + literalText(e.Y)
	}
	return ""
}
