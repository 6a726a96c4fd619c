package doctor

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/terminal"
)

var update = flag.Bool("update", false, "write the golden files and docs/doctor.md")

// golden holds a text against the file.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
}

// sample is a report with every outcome.
func sample(t *testing.T) Report {
	t.Helper()
	long := strings.Repeat("a long text ", 20)
	checks := []Check{
		fixed("root", passed("/usr/local/mgr5, BILLmanager 6.100")),
		fixed("settings", passed("3 lines"), failed("write SSLResolver in line 3 of /usr/local/mgr5/etc/billmgr.conf", "/usr/local/mgr5/etc/billmgr.conf:3: %q is no option", "SSLResolvr")),
		fixed("space", warned("free some space: "+long, "%s", long)),
		fixed("database", passed("%s", long), passed("two")),
		fixed("clock", unchecked("no seller was asked")),
	}
	checks[3].Group, checks[4].Group = "Database", "Seller"
	return run(t, checks...)
}

func TestTextForPeople(t *testing.T) {
	text := sample(t).Text(terminal.Styles{})
	golden(t, "testdata/report.txt", text)
	for line := range strings.Lines(text) {
		assert.LessOrEqual(t, terminal.Width(strings.TrimSuffix(line, "\n")), terminal.MaxWidth, line)
	}
	assert.Contains(t, sample(t).Text(terminal.NewStyles(true)), "\x1b[31m✗\x1b[0m")
}

func TestDocuments(t *testing.T) {
	text, err := sample(t).JSON()
	require.NoError(t, err)
	golden(t, "testdata/report.json", text)
	assert.True(t, json.Valid([]byte(text)))
	doc := sample(t).Document()
	doc.Indent(1)
	var b bytes.Buffer
	_, err = doc.WriteTo(&b)
	require.NoError(t, err)
	golden(t, "testdata/report.xml", b.String())
}

func TestThePageIsThatOfTheTable(t *testing.T) {
	golden(t, "../../docs/doctor.md", Page())
}
