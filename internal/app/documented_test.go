package app

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

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
