package standintest

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Shape returns the structure of an answer: the paths of its elements, and of their
// attributes after "@", sorted. Namespaces are left out: old examples have none
// (docs/reference/namecheap.md §1.5).
func Shape(n Node) []string {
	var paths []string
	var walk func(n Node, path string)
	walk = func(n Node, path string) {
		path += "/" + n.XMLName.Local
		paths = append(paths, path)
		for _, a := range n.Attrs {
			if a.Name.Local != "xmlns" {
				paths = append(paths, path+"@"+a.Name.Local)
			}
		}
		for _, child := range n.Children {
			walk(child, path)
		}
	}
	walk(n, "")
	slices.Sort(paths)
	return slices.Compact(paths)
}

// Compare compares the stand-in's answer with the shape of a fixture.
type Compare func(t *testing.T, name string, fixture []string)

// KnownShapes compares with the shapes in the package's testdata, one file per fixture. There must
// be count files.
func KnownShapes(t *testing.T, count int, compare Compare) {
	t.Helper()
	files, err := filepath.Glob("testdata/shapes/*.txt")
	require.NoError(t, err)
	assert.Len(t, files, count)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(name, func(t *testing.T) {
			content, err := os.ReadFile(file)
			require.NoError(t, err)
			compare(t, name, strings.Fields(string(content)))
		})
	}
}

// FixtureShapes compares with the fixtures for a seller that lie beside the repository. notServed
// are fixtures of commands that the stand-in does not have. Without fixtures the test is skipped,
// or fails if must is true.
func FixtureShapes(t *testing.T, seller string, must bool, notServed []string, compare Compare) {
	t.Helper()
	folder := filepath.Join("..", "..", "..", "..", "shared", "fixtures", seller)
	files, err := filepath.Glob(filepath.Join(folder, "*.xml"))
	require.NoError(t, err)
	if len(files) == 0 {
		require.False(t, must, "no fixtures in %s: in CI they must be there", folder)
		t.Skipf("did not run: no fixtures in %s", folder)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".xml")
		if slices.Contains(notServed, name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			content, err := os.ReadFile(file)
			require.NoError(t, err)
			var root Node
			require.NoError(t, xml.Unmarshal(content, &root))
			compare(t, name, Shape(root))
		})
	}
}
