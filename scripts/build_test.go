package scripts_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What is tested, packed and put into the tarball are the same programs.
func TestProgramsAreBuiltAlikeEverywhere(t *testing.T) {
	read := func(file, expression string) string {
		t.Helper()
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		found := regexp.MustCompile(expression).FindSubmatch(raw)
		require.NotNil(t, found, "%s has no %s", file, expression)
		return string(found[1])
	}
	flags := read("../Makefile", `(?m)^GO_BUILD := CGO_ENABLED=0 go build (.*)$`) + " -tags " + read("../Makefile", `(?m)^TAGS := (.*)$`)
	linker := read("../Makefile", `(?m)^STAMP := -ldflags '(-s -w) `)
	for _, file := range []string{"packages.sh", "dist.sh"} {
		assert.Equal(t, flags, read(file, `CGO_ENABLED=0 go build (.*) \\\n`), file)
		assert.Equal(t, linker, read(file, `-ldflags "(-s -w) `), file)
	}
}
