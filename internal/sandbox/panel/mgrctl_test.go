package panel_test

import (
	"archive/zip"
	"bytes"
	"database/sql"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/panel"
)

var update = flag.Bool("update", false, "write the transcripts anew")

// TestMgrctlTranscripts runs every testdata/mgrctl/*.txt against a fresh panel. A "$ " line is a call of sbin/mgrctl
// (its environment first, arguments with blanks in single quotes, \n in them for a line break), a "? " line is a query.
// The output follows byte for byte: stdout, then stderr and exit code unless they are empty and zero. {pem} and {zip}
// stand for certificates. Both engines must give the same bytes.
func TestMgrctlTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/mgrctl/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			on(t, func(t *testing.T, p *panel.Panel) {
				want, err := os.ReadFile(file)
				require.NoError(t, err)
				got := play(t, p, string(want))
				if *update {
					require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
					return
				}
				assert.Equal(t, string(want), got)
			})
		})
	}
}

// play runs the commands of a transcript and returns the transcript with the actual output.
func play(t *testing.T, p *panel.Panel, script string) string {
	t.Helper()
	place(t, p)
	var out strings.Builder
	for line := range strings.Lines(script) {
		text := strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(text, "$ "):
			out.WriteString(line + call(t, p, text[2:]))
		case strings.HasPrefix(text, "? "):
			out.WriteString(line + query(t, p.DB(), text[2:]))
		case strings.HasPrefix(text, "#"), text == "" && out.Len() == 0:
			out.WriteString(line)
		}
	}
	return out.String()
}

// place creates what every transcript begins with: module 1, tariff 1 with the addon altname, item 1 and running
// operation 1 (open), which is not started.
func place(t *testing.T, p *panel.Panel) {
	t.Helper()
	tariff, err := p.AddTariff(t.Context(), panel.Tariff{
		Name: "Fake DV", IntName: "fake_dv", Modules: []int64{connected(t, p)}, Prices: map[int]string{12: "9.50"},
		SANs: &panel.SANAddon{Included: 1, Max: 10},
	})
	require.NoError(t, err)
	o, err := p.Place(t.Context(), panel.Order{Tariff: tariff, Period: 12, CSR: csr(t), SkipForms: true, ExtraSANs: 2})
	require.NoError(t, err)
	require.Equal(t, []int64{1, 1}, []int64{o.Item, o.Operation})
	require.NoError(t, p.ClearRequests())
}

func call(t *testing.T, p *panel.Panel, line string) string {
	t.Helper()
	line = strings.NewReplacer("{pem}", pemText, "{zip}", zipText(t)).Replace(line)
	all := split(line)
	env := []string{"SSH_CONNECTION=pmfake.sh"}
	for len(all) > 0 && all[0] != "mgrctl" {
		env, all = append(env, all[0]), all[1:]
	}
	require.NotEmpty(t, all, "no mgrctl in %q", line)
	cmd := exec.Command(filepath.Join(p.Root(), "sbin", "mgrctl"), all[1:]...)
	cmd.Env = env
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil {
		require.True(t, errors.As(err, &exit), "%v", err)
	}
	out := strings.NewReplacer(strings.TrimSpace(pemText), "{pem}", zipText(t), "{zip}", p.Root(), "{root}").Replace(stdout.String())
	if stderr.Len() > 0 {
		out += "stderr " + stderr.String()
	}
	if exit != nil {
		out += fmt.Sprintf("exit %d\n", exit.ExitCode())
	}
	return out
}

// split splits a line at blanks outside of single quotes.
func split(line string) []string {
	var all []string
	var word strings.Builder
	quoted := false
	for _, r := range line + " " {
		switch {
		case r == '\'':
			quoted = !quoted
		case r == ' ' && !quoted:
			if word.Len() > 0 {
				all = append(all, strings.ReplaceAll(word.String(), `\n`, "\n"))
			}
			word.Reset()
		default:
			word.WriteRune(r)
		}
	}
	return all
}

func query(t *testing.T, db *sql.DB, q string) string {
	t.Helper()
	rs, err := db.QueryContext(t.Context(), q)
	require.NoError(t, err, q)
	defer rs.Close()
	names, err := rs.Columns()
	require.NoError(t, err)
	var out strings.Builder
	for rs.Next() {
		values := make([]sql.NullString, len(names))
		into := make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		require.NoError(t, rs.Scan(into...))
		for i, v := range values {
			text := v.String
			if !v.Valid {
				text = "NULL"
			}
			if i > 0 {
				out.WriteString(" | ")
			}
			out.WriteString(strings.ReplaceAll(strings.ReplaceAll(text, strings.TrimSpace(pemText), "{pem}"), "\n", `\n`))
		}
		out.WriteByte('\n')
	}
	require.NoError(t, rs.Err())
	return out.String()
}

const pemText = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"

// zipText returns the base64 of a ZIP with a leaf, and with a chain that contains the leaf again.
func zipText(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, m := range []struct{ name, text string }{{"leaf.crt", pemText}, {"fullchain.pem", pemText}, {"readme.txt", "hello"}} {
		w, err := z.CreateHeader(&zip.FileHeader{Name: m.name, Method: zip.Store, Modified: time.Unix(0, 0)})
		require.NoError(t, err)
		_, err = w.Write([]byte(m.text))
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	return base64.StdEncoding.EncodeToString(b.Bytes())
}
