package main

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestComplexityCountsEachBranch(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		want int
	}{
		"straight":           {"f()", 1},
		"if and else":        {"if a { f() } else { f() }", 2},
		"if, else if":        {"if a { f() } else if b { f() }", 3},
		"for":                {"for a { f() }", 2},
		"range":              {"for range n { f() }", 2},
		"and, or":            {"_ = a && b || a", 3},
		"other operators":    {"_ = n + n*n", 1},
		"cases, no default":  {"switch n {\ncase 1, 2: f()\ncase 3: f()\ndefault: f()\n}", 3},
		"type switch":        {"switch any(n).(type) {\ncase int: f()\n}", 2},
		"select, no default": {"select {\ncase <-ch: f()\ndefault: f()\n}", 2},
		"function literal":   {"func() { if a { f() } }()", 2},
	} {
		t.Run(name, func(t *testing.T) {
			all, err := measure("a.go", []byte("package a\n\nfunc g() {\n"+c.body+"\n}\n"))
			require.NoError(t, err)
			require.Len(t, all, 1)
			assert.Equal(t, c.want, all[0].complexity)
		})
	}
}

func TestFunctionsAreNamedWithTheirReceiver(t *testing.T) {
	all, err := measure("a.go", []byte("package a\nfunc A() {}\nfunc (T) B() {}\nfunc (t *T) C() {}\nfunc (t *G[K]) D() {}\nfunc (t H[K, V]) E() {}\n"))
	require.NoError(t, err)
	var names []string
	for _, f := range all {
		names = append(names, f.name)
	}
	assert.Equal(t, []string{"A", "(T).B", "(*T).C", "(*G).D", "(H).E"}, names)
}

func TestOnlyFunctionsAboveTheLimitAreFound(t *testing.T) {
	source := func(branches int) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte("package a\n\nfunc f(a bool) {\n" + strings.Repeat("if a {\n}\n", branches) + "}\n")}
	}
	found, err := check(fstest.MapFS{
		"internal/a/at.go":             source(limit - 1),
		"internal/a/above.go":          source(limit),
		"internal/a/above_test.go":     source(limit),
		"internal/a/testdata/above.go": source(limit),
		"internal/sandbox/x/above.go":  source(limit),
		"tools/t/above.go":             source(limit),
		".hidden/above.go":             source(limit),
	}, limit)
	require.NoError(t, err)
	var lines []string
	for _, f := range found {
		lines = append(lines, f.String())
	}
	assert.Equal(t, []string{
		"internal/a/above.go:3: f has a complexity of 13: split it",
		"tools/t/above.go:3: f has a complexity of 13: split it",
	}, lines)
}

func TestATreeThatCannotBeMeasuredIsAnError(t *testing.T) {
	for name, tree := range map[string]fstest.MapFS{
		"no Go file":     {"a.txt": {}},
		"no Go in it":    {"a.go": {Data: []byte("func")}},
		"only test code": {"a_test.go": {Data: []byte("package a\n")}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := check(tree, limit)
			assert.Error(t, err)
		})
	}
}
