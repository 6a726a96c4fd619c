package app

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
)

// rules TEXT-2: at a terminal an error is a line on stderr, a hint below it, and nothing else.
func TestMistakesOfAPersonGetAShortAnswer(t *testing.T) {
	const all, lists = "pmdouble --help lists all commands, pmdouble --help COMMAND shows one\n", "pmdouble --help lists the commands\n"
	names := "usage: pmdouble --command COMMAND [options]\ncommands to run by hand: "
	for _, c := range []struct {
		line  string
		first string // line on stderr
		next  string // beginning of the second line
		last  string
	}{
		{line: "", first: "--command is missing: it names what to do", next: names, last: all},
		{line: "--command", first: "option --command has no value", next: names, last: all},
		{line: "resolve", first: "--command is missing: it names what to do; did you mean pmdouble --command resolve?", next: names, last: all},
		{line: "--subscripton --item 5", first: "--command is missing: it names what to do; did you mean pmdouble --command subscription?", next: names, last: all},
		{line: "--command subscripton", first: `there is no command "subscripton"; did you mean subscription?`, last: lists},
		{line: "--command send-dv", first: `there is no command "send-dv"; did you mean send_dv_dns or send_dv_email?`, last: lists},
		{line: "--command fly", first: `there is no command "fly"`, last: lists},
		{line: "--help subscripton", first: `there is no command "subscripton"; did you mean subscription?`, last: lists},
		{line: "--command plan", first: "command plan: missing --item or --opendate", last: "pmdouble --help plan shows its options and an example\n"},
		{line: "--command plan --opendate 2026-04-02 --period 12 --befor 20", first: "command plan: --befor is not an option; did you mean --before?; nothing was done",
			last: "pmdouble --help plan shows its options and an example\n"},
		{line: "--command plan --opendate 2026-04-02 --period 12 --colour red", first: "command plan: --colour is not an option; nothing was done",
			last: "pmdouble --help plan shows its options and an example\n"},
		{line: "--command resolve 42 --none", first: "command resolve: there is a word that is neither an option nor the value of one; nothing was done",
			last: "pmdouble --help resolve shows its options and an example\n"},
		{line: "--command plan --itm 5", first: `command plan: "--itm" is not an option, is --item meant?; nothing was done`,
			last: "pmdouble --help plan shows its options and an example\n"},
	} {
		t.Run(c.line, func(t *testing.T) {
			s := newFixture(t)
			s.system.Terminal, s.system.StderrTerminal = true, true
			assert.Equal(t, 1, s.run(strings.Fields(c.line)...))
			assert.Empty(t, s.stdout.String())
			first, rest, _ := strings.Cut(s.stderr.String(), "\n")
			assert.Equal(t, "pmdouble: "+c.first, first)
			assert.True(t, strings.HasPrefix(rest, c.next), rest)
			assert.True(t, strings.HasSuffix(rest, c.last), rest)
			assert.LessOrEqual(t, strings.Count(rest, "\n"), 5, "a hint, not the whole usage")
		})
	}
}

// rules TEXT-2: the format of an error.
func TestAnErrorHasTheFormatOfTheAnswer(t *testing.T) {
	refused := plain(failing(fault.Errorf(fault.API, "csr", "item 42 (a<b>): refused \x1b[2J\u202e")))
	refused.formats = []string{"text", "xml", "json", "svg", "prometheus"}
	for _, c := range []struct {
		name, format   string
		terminal       bool
		stdout, stderr string
	}{
		{name: "pipe", stdout: `<error type="api_error" object="csr">`},
		{name: "terminal", terminal: true, stderr: "pmdouble: item 42 (a<b>): refused [2J\uFFFD\n"},
		{name: "text into a pipe", format: "text", stderr: "pmdouble: item 42 (a<b>): refused [2J\uFFFD\n"},
		{name: "xml on a terminal", format: "xml", terminal: true, stdout: `<error type="api_error" object="csr">`},
		{name: "json", format: "json", stdout: `{"error":{"type":"api_error","object":"csr","text":"item 42 (a<b>): refused [2J`},
		{name: "a picture", format: "svg", stderr: "pmdouble: item 42"},
		{name: "a file for Prometheus", format: "prometheus", stderr: "pmdouble: item 42"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newFixture(t, refused)
			s.system.Terminal = c.terminal
			words := []string{"--command", "act"}
			if c.format != "" {
				words = append(words, "--format", c.format)
			}
			assert.Equal(t, 1, s.run(words...))
			for _, out := range []struct{ want, got string }{{c.stdout, s.stdout.String()}, {c.stderr, s.stderr.String()}} {
				if out.want == "" {
					assert.Empty(t, out.got)
				} else {
					assert.Contains(t, out.got, out.want)
				}
			}
		})
	}
}

// rules TEXT-2: a line end in a seller's text cannot make a second line, which would look like the hint of this program.
func TestTheTextOfAnErrorIsOneLine(t *testing.T) {
	s := newFixture(t, plain(failing(fault.Errorf(fault.API, "x", "refused\n\n pmdouble --command act --yes\r\ntries again"))))
	s.system.Terminal = true
	assert.Equal(t, 1, s.run("--command", "act"))
	assert.Equal(t, "pmdouble: refused pmdouble --command act --yes tries again\n", s.stderr.String())
}

// rules TEXT-1: a control character of the seller, here CSI in one character (ECMA-48 8.3.16), does not act on a terminal, in whatever
// format the answer is. A pipe gets the document as it is.
func TestADocumentCannotChangeWhatATerminalShows(t *testing.T) {
	for _, terminal := range []bool{true, false} {
		for name, words := range map[string]string{"document": "--command act", "error": "--command fail --format xml", "JSON": "--command fail --format json"} {
			fail := plain(failing(fault.Errorf(fault.API, "x", "refused \u009b2J\u202e")))
			fail.name, fail.formats = "fail", []string{"xml", "json"}
			s := newFixture(t, plain(answering("refused \u009b2J\u202e")), fail)
			s.system.Terminal = terminal
			s.run(strings.Fields(words)...)
			if shown := s.stdout.String(); terminal {
				assert.Contains(t, shown, "refused \uFFFD2J\uFFFD", name)
			} else {
				assert.Contains(t, shown, "refused \u009b2J\u202e", name)
			}
		}
	}
}

// The panel reads the same document whatever a person would read.
func TestTheTextOfAnErrorHidesSecrets(t *testing.T) {
	s := newFixture(t, plain(failing(fault.Errorf(fault.API, "x", "refused for s3cr3t-pass"))))
	s.system.Terminal = true
	assert.Equal(t, 1, s.run("--command", "act", "--password", "s3cr3t-pass"))
	assert.Contains(t, s.stderr.String(), "refused for ***")
	assert.NotContains(t, s.stderr.String(), "s3cr3t")
}

func TestAPersonReadsThatACommandWithoutAnAnswerWasDone(t *testing.T) {
	s := newFixture(t, plain(failing(nil)))
	s.system.Terminal = true
	assert.Equal(t, 0, s.run("--command", "act"))
	assert.Equal(t, "act: done\n", s.stdout.String())

	idle := plain(failing(nil))
	idle.doNothing = true
	s = newFixture(t, idle)
	s.system.Terminal, s.panel.idle = true, true
	assert.Equal(t, 0, s.run("--command", "act"))
	assert.Equal(t, "act: nothing was done, because etc/billmgr.DoNothing exists\n", s.stdout.String())
}

// A command does not wait for what a person may type: stdin is unreadable here.
func TestStdinOfATerminalIsNotRead(t *testing.T) {
	s := newFixture(t)
	s.system.StdinTerminal, s.system.Terminal = true, true
	assert.Equal(t, 0, s.run("--command", "check_param", "--param", "adm_fname", "--value", "Anna"), s.stderr.String())

	s = newFixture(t)
	s.system.StdinTerminal, s.system.Terminal = true, true
	assert.Equal(t, 1, s.run("--command", "check_connection"))
	assert.Equal(t, "pmdouble: stdin is a terminal: check_connection reads a file, as in pmdouble --command check_connection <form.xml\n", s.stderr.String())
}

func TestSimilarNames(t *testing.T) {
	names := commands().list()
	for word, want := range map[string]string{
		"subscripton": "subscription", "SUBSCRIPTION": "subscription", "sub": "subscription", "sync-item": "sync_item", "opne": "open", "resolv": "resolve",
		"getbalanse": "getbalance", "send_dv": "send_dv_dns send_dv_email", "import": "import", "fly": "", "": "", "x": "", "--": "",
	} {
		assert.Equal(t, want, strings.Join(similar(word, names), " "), word)
	}
	require.LessOrEqual(t, len(similar("", names)), maxSuggestions)
}
