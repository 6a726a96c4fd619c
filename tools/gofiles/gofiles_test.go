package gofiles_test

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/tools/gofiles"
)

func TestWalkVisitsGoFilesButThoseThatAreIgnoredOrSkipped(t *testing.T) {
	tree := fstest.MapFS{}
	for _, name := range []string{
		"a.go", "a/b.go", "a/b_test.go", "a/note.txt", "a/testdata/c.go", "a/_old/d.go", "a/_e.go", ".git/f.go", "a/.g.go", "bin/h.go",
	} {
		tree[name] = &fstest.MapFile{Data: []byte("package " + name)}
	}
	var visited []string
	visit := func(name string, source []byte) error {
		assert.Equal(t, "package "+name, string(source))
		visited = append(visited, name)
		return nil
	}
	require.NoError(t, gofiles.Walk(tree, nil, visit))
	assert.Equal(t, []string{"a/b.go", "a/b_test.go", "a.go", "bin/h.go"}, visited)

	visited = nil
	skip := func(name string) bool { return name == "bin" || strings.HasSuffix(name, "_test.go") }
	require.NoError(t, gofiles.Walk(tree, skip, visit))
	assert.Equal(t, []string{"a/b.go", "a.go"}, visited)
}

func TestWalkReturnsTheFirstError(t *testing.T) {
	tree := fstest.MapFS{"a.go": {}, "b.go": {}}
	failed := errors.New("failed")
	calls := 0
	err := gofiles.Walk(tree, nil, func(string, []byte) error { calls++; return failed })
	assert.ErrorIs(t, err, failed)
	assert.Equal(t, 1, calls)
}

func TestATreeWithoutGoFilesIsAnError(t *testing.T) {
	visit := func(string, []byte) error { return nil }
	for name, tree := range map[string]fstest.MapFS{
		"empty":        {},
		"other files":  {"a.txt": {}},
		"ignored ones": {"testdata/a.go": {}},
	} {
		assert.Error(t, gofiles.Walk(tree, nil, visit), name)
	}
}
