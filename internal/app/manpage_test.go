package app

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestManPagesAreUpToDate(t *testing.T) {
	generatedFile(t, "etc/man/pmssl.8", ManPage())
	for _, binary := range binaries() {
		generatedFile(t, "etc/man/"+binary+".8", ManLink())
	}
}

// mandoc returns the manual page as mandoc shows it, without the control characters of bold and underlined text.
func mandoc(t *testing.T, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("mandoc")
	if err != nil {
		t.Skip("mandoc is not installed")
	}
	cmd := exec.Command(path, args...)
	cmd.Stdin = strings.NewReader(ManPage())
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	var text strings.Builder
	runes := []rune(string(out))
	for i := 0; i < len(runes); i++ {
		if i+1 < len(runes) && runes[i+1] == '\b' {
			i++
			continue
		}
		text.WriteRune(runes[i])
	}
	return text.String()
}

func TestMandocFindsNothingInTheManPage(t *testing.T) {
	assert.Empty(t, mandoc(t, "-Tlint", "-Wstyle"))
}

func TestTheManPageShowsEveryCommandAndOption(t *testing.T) {
	text := strings.Join(strings.Fields(mandoc(t, "-Tutf8")), " ")
	for _, r := range commands() {
		assert.Contains(t, text, "--command "+r.name+" ", r.name)
		assert.Contains(t, text, strings.Join(strings.Fields(sentence(r.about)), " "), r.name)
		assert.Contains(t, text, r.exampleOf(Program{Name: "pmnamecheap"}), r.name)
	}
	(&arguments{}).flags().VisitAll(func(flag *pflag.Flag) {
		if !flag.Hidden {
			assert.Contains(t, text, "--"+flag.Name)
			assert.Contains(t, text, flag.Usage)
		}
	})
}
