package acceptance

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beevik/etree"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/terminal"
)

func sampleReport() *Report {
	r := &Report{
		Seller: "Namecheap", Mode: "walk", Sandbox: true, Product: "positivessl", Program: "1.2.3", System: "linux/amd64", Started: "2026-08-03", Today: "2026-08-05", Starts: 3,
		Stages: []StageState{
			{Name: StageRead, Progress: Done, On: "2026-08-03"},
			{Name: StageOrder, Progress: Failed, WaitsFor: ForAdministrator, Note: "api_error 2011296: Namecheap (namecheap.ssl.create) refuses: " + strings.Repeat("word ", 30)},
			{Name: StageRenewal, Progress: Waiting, WaitsFor: ForNobody, Until: "2027-05-05", Note: "a renewal is possible near the end of the paid term"},
			{Name: StageClose, Progress: Pending},
		},
	}
	for i, f := range Facts()[:6] {
		one := FactReport{ID: f.ID, Area: f.Area, Statement: f.Statement, ByHand: f.ByHand, Verdict: []Verdict{NotSeen, True, False}[i%3]}
		if one.Verdict == False {
			one.Note, one.IfWrong = "it was seen to be true before", f.IfWrong
		}
		r.Facts = append(r.Facts, one)
	}
	return r
}

// The report fits into 100 columns as text, and has the same stages and facts in each format.
func TestReportInEveryFormat(t *testing.T) {
	r := sampleReport()
	text := r.Text(terminal.Styles{})
	for line := range strings.Lines(text) {
		assert.LessOrEqual(t, terminal.Width(strings.TrimSuffix(line, "\n")), 100, line)
	}
	assert.Contains(t, text, "renewal    waiting, waits for nobody until 2027-05-05")
	assert.Contains(t, text, "facts: 2 true, 2 false, 2 not seen, 1 of them for a person to look at")
	assert.Contains(t, text, "seen: it was seen to be true before")
	assert.Contains(t, r.Text(terminal.NewStyles(true)), "\x1b[", "with colours on a terminal")
	assert.True(t, r.Failed())
	asJSON, err := r.JSON()
	require.NoError(t, err)
	asXML, err := r.Document().WriteToString()
	require.NoError(t, err)
	for _, f := range r.Facts {
		assert.Contains(t, asJSON, `"id": "`+f.ID+`"`)
		assert.Contains(t, asXML, `id="`+f.ID+`"`)
	}
	assert.Contains(t, asXML, `<stage name="order" progress="failed" waits_for="administrator" note="api_error 2011296: `)
	assert.Contains(t, asJSON, `"until": "2027-05-05"`)
}

// rules ACCEPT-5: the report replaces an earlier one and nothing else, and is masked.
func TestReportReplacesOnlyReports(t *testing.T) {
	dir := t.TempDir()
	run := &item.Run{Binary: "pmdouble", VarDir: dir, Format: item.FormatText, Args: item.Args{Item: 42}, Mask: func(text string) string { return strings.ReplaceAll(text, "positivessl", "***") }}
	require.NoError(t, sampleReport().Save(run))
	require.NoError(t, sampleReport().Save(run), "a second start")
	saved, err := os.ReadFile(filepath.Join(dir, "pmdouble.acceptance.42.report"))
	require.NoError(t, err)
	assert.Contains(t, string(saved), "product ***")
	for _, format := range []string{item.FormatXML, item.FormatJSON, item.FormatText} {
		run.Format, run.Args.Report = format, filepath.Join(dir, "report")
		require.NoError(t, sampleReport().Save(run), format)
		require.NoError(t, sampleReport().Save(run), format)
		saved, err := os.ReadFile(run.Args.Report)
		require.NoError(t, err)
		assert.Equal(t, 1, strings.Count(string(saved), "pmssl acceptance report 1"), format)
		assert.Contains(t, string(saved), "FACT-", format)
		switch format {
		case item.FormatJSON:
			assert.True(t, json.Valid(saved), format)
		case item.FormatXML:
			assert.NoError(t, etree.NewDocument().ReadFromBytes(saved), format)
		}
	}
	run.Format, run.Args.Report = item.FormatText, filepath.Join(dir, "masked")
	run.Mask = func(text string) string { return strings.ReplaceAll(text, "acceptance", "***") }
	require.NoError(t, sampleReport().Save(run))
	require.NoError(t, sampleReport().Save(run), "a secret that is a word of the mark")
	written := func(text string) func(path string) error {
		return func(path string) error { return os.WriteFile(path, []byte(text), 0o600) }
	}
	for name, make := range map[string]func(path string) error{
		"another file":    written("my notes"),
		"an empty file":   written(""),
		"notes about one": written("acceptance run at Namecheap (the sandbox), product positivessl\n"),
		"a quoted mark":   written("> pmssl acceptance report 1\n"),
		"a longer mark":   written("pmssl acceptance report 1 of mine\n"),
		"a mark below":    written("my notes\npmssl acceptance report 1\n"),
		"a mark alone":    written("pmssl acceptance report 1"),
		"a state":         func(path string) error { return files{state: path}.write(newState(42, 5, "", "2026-08-03")) },
		"a symbolic link": func(path string) error { return os.Symlink(filepath.Join(dir, "report"), path) },
		"a folder":        func(path string) error { return os.Mkdir(path, 0o700) },
	} {
		run.Args.Report = filepath.Join(dir, "other")
		require.NoError(t, make(run.Args.Report))
		err := sampleReport().Save(run)
		require.Error(t, err, name)
		assert.Equal(t, fault.Value, fault.From(err).Type, name)
		require.NoError(t, os.Remove(run.Args.Report))
	}
	run.Args.Report = filepath.Join(dir, "missing", "report")
	require.ErrorContains(t, sampleReport().Save(run), "cannot be written")
}
