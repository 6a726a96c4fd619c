package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sourceRoot is the folder of the source.
func sourceRoot() string { return filepath.Join("..", "..", "..") }

// Kinds of a piece of code: those of a block stand behind the ``` that begins it.
const (
	shellCode   = "sh"      // commands
	cronCode    = "cron"    // lines of /etc/cron.d or a crontab
	confCode    = "conf"    // lines of another program's configuration, which may start commands
	systemdCode = "systemd" // a part of a unit
	yamlCode    = "yaml"
	xmlCode     = "xml"
	textCode    = "text"   // output, a drawing, a form to fill in
	inlineCode  = "inline" // between ` in a sentence
)

// pageLine is a line of a block of code, or a piece of code in a sentence.
type pageLine struct {
	page  string
	line  int
	kind  string
	block int // number of the block on its page; 0 for a piece in a sentence
	text  string
}

// where returns page and line.
func (l pageLine) where() string { return fmt.Sprintf("%s:%d", l.page, l.line) }

// pageLines returns the code of README, CONTRIBUTING and docs. Lines that end with `\` or `|` are joined with the next one. A block
// without a kind fails the test: nobody would know whether somebody may type what is in it.
func pageLines(t *testing.T) []pageLine {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(sourceRoot(), "docs", "*.md"))
	require.NoError(t, err)
	require.Greater(t, len(files), 10)
	var found []pageLine
	for _, file := range append(files, filepath.Join(sourceRoot(), "README.md"), filepath.Join(sourceRoot(), "CONTRIBUTING.md")) {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		found = append(found, linesOf(t, filepath.Base(file), string(raw))...)
	}
	return found
}

// linesOf returns the code of one page.
func linesOf(t *testing.T, page, content string) []pageLine {
	t.Helper()
	kinds := []string{shellCode, cronCode, confCode, systemdCode, yamlCode, xmlCode, textCode}
	inline := regexp.MustCompile("`([^`]+)`")
	var found []pageLine
	kind, block, joined := "", 0, ""
	for i, line := range strings.Split(content, "\n") {
		text := strings.TrimSpace(line)
		if opened, fence := strings.CutPrefix(text, "```"); fence {
			if kind != "" {
				kind = ""
				continue
			}
			kind = opened
			block++
			assert.Containsf(t, kinds, kind, "%s:%d: say behind the ``` what kind of code the block has", page, i+1)
			continue
		}
		switch {
		case kind == "" && strings.HasPrefix(text, "$ "):
			found = append(found, pageLine{page, i + 1, shellCode, 0, text[2:]})
		case kind == "":
			for _, match := range inline.FindAllStringSubmatch(line, -1) {
				found = append(found, pageLine{page, i + 1, inlineCode, 0, strings.ReplaceAll(match[1], `\|`, "|")})
			}
		case kind == shellCode && (strings.HasSuffix(text, `\`) || strings.HasSuffix(text, "|")):
			joined += strings.TrimSuffix(text, `\`) + " "
		case text != "":
			found = append(found, pageLine{page, i + 1, kind, block, joined + strings.TrimPrefix(text, "$ ")})
			joined = ""
		}
	}
	assert.Emptyf(t, kind, "%s: its last block does not end", page)
	return found
}

// simpleCommand is one command of a line, without those that it is joined with.
type simpleCommand struct {
	assigned []string // NAME=value before it
	words    []string // without quotes
}

// program returns the name of the command's program; empty if it has none.
func (c simpleCommand) program() string {
	if len(c.words) == 0 {
		return ""
	}
	return filepath.Base(c.words[0])
}

// args returns the words behind the program.
func (c simpleCommand) args() []string { return c.words[1:] }

// String returns the words of the command.
func (c simpleCommand) String() string { return strings.Join(c.words, " ") }

// parseShell returns the commands of a line, of `sh -c` those within it. It knows quotes, comments, redirections and what joins commands,
// and refuses the rest: a page has no use for it.
func parseShell(text string) ([]simpleCommand, error) {
	words, err := shellWords(text)
	if err != nil {
		return nil, err
	}
	var all []simpleCommand
	var c simpleCommand
	end := func() {
		if len(c.words)+len(c.assigned) > 0 {
			all = append(all, c)
		}
		c = simpleCommand{}
	}
	assignment := regexp.MustCompile(`^[A-Z_][A-Z0-9_]*=`)
	for i := 0; i < len(words); i++ {
		switch w := words[i]; {
		case w.operator && slices.Contains([]string{"|", "||", "&&", ";"}, w.text):
			end()
		case w.operator: // a redirection, whose file follows
			i++
		case len(c.words) == 0 && !w.quoted && assignment.MatchString(w.text):
			c.assigned = append(c.assigned, w.text)
		default:
			c.words = append(c.words, w.text)
		}
	}
	end()
	return within(all)
}

// within puts the commands that others start in their place: of `sh -c COMMANDS`, `flock … COMMAND`, `sudo COMMAND`, `timeout N COMMAND`.
func within(commands []simpleCommand) ([]simpleCommand, error) {
	var all []simpleCommand
	for _, c := range commands {
		at := 0
		switch c.program() {
		case "sudo":
			at = 1
		case "flock", "timeout":
			at = 1 + slices.IndexFunc(c.args(), func(word string) bool { return !strings.HasPrefix(word, "-") }) + 1
		case "sh":
			if len(c.words) == 3 && c.words[1] == "-c" {
				inner, err := parseShell(c.words[2])
				if err != nil {
					return nil, err
				}
				all = append(append(all, c), inner...)
				continue
			}
		}
		if at == 0 || at >= len(c.words) {
			all = append(all, c)
			continue
		}
		inner, err := within([]simpleCommand{{words: c.words[at:]}})
		if err != nil {
			return nil, err
		}
		all = append(append(all, simpleCommand{c.assigned, c.words[:at]}), inner...)
	}
	return all, nil
}

// shellWord is a word of a line, or an operator between words.
type shellWord struct {
	text             string
	operator, quoted bool
}

// shellWords splits a line.
func shellWords(text string) ([]shellWord, error) {
	operator := regexp.MustCompile(`^(?:[0-9]*(?:>>|>&[0-9]|>|<)|\|\||&&|\||;)`)
	var words []shellWord
	var current strings.Builder
	begun, quoted := false, false
	end := func() {
		if begun {
			words = append(words, shellWord{text: current.String(), quoted: quoted})
		}
		current.Reset()
		begun, quoted = false, false
	}
	for at := 0; at < len(text); {
		switch c := text[at]; {
		case c == ' ' || c == '\t':
			end()
			at++
		case c == '#' && !begun:
			return words, nil
		case c == '\'' || c == '"':
			length := strings.IndexByte(text[at+1:], c)
			if length < 0 {
				return nil, fmt.Errorf("a %c has no end", c)
			}
			current.WriteString(text[at+1 : at+1+length])
			begun, quoted = true, true
			at += length + 2
		case c == '&' && !strings.HasPrefix(text[at:], "&&") || c == '(' || c == ')' || c == '`' || c == '\\':
			return nil, fmt.Errorf("%q is not read here", c)
		case !begun && operator.MatchString(text[at:]), begun && strings.ContainsRune("|;<>", rune(c)):
			end()
			found := operator.FindString(text[at:])
			if !strings.Contains(found, ">&") {
				words = append(words, shellWord{text: found, operator: true})
			}
			at += len(found)
		default:
			current.WriteByte(c)
			begun = true
			at++
		}
	}
	end()
	return words, nil
}

func TestLinesOfAShellAreSplit(t *testing.T) {
	for text, want := range map[string]string{
		"make install  # comment":                                      "[make install]",
		"FUZZTIME=5m make fuzz":                                        "FUZZTIME=5m [make fuzz]",
		"a >b 2>/dev/null | c '#' \"d e\"":                             "[a] [c # d e]",
		"flock -n /srv/.lock sh -c 'a --b > /srv/.new && mv x y'":      "[flock -n /srv/.lock] [sh -c a --b > /srv/.new && mv x y] [a --b] [mv x y]",
		"sudo /usr/sbin/x --y":                                         "[sudo] [/usr/sbin/x --y]",
		"mysql billmgr -e \"SELECT a WHERE b='c' AND d<>''\"":          "[mysql billmgr -e SELECT a WHERE b='c' AND d<>'']",
		"jq -r .old.key 42.json >~/old.key":                            "[jq -r .old.key 42.json]",
		"curl -d '{\"a\":{}}' PANEL/install":                           "[curl -d {\"a\":{}} PANEL/install]",
		"openssl s_client -connect 127.0.0.1:1500 </dev/null 2>&1 | b": "[openssl s_client -connect 127.0.0.1:1500] [b]",
	} {
		commands, err := parseShell(text)
		require.NoError(t, err, text)
		var got []string
		for _, c := range commands {
			got = append(got, c.assigned...)
			got = append(got, fmt.Sprint(c.words))
		}
		assert.Equal(t, want, strings.Join(got, " "), text)
	}
	for _, text := range []string{"echo 'a", "a &", "a $(b)", "`a`"} {
		_, err := parseShell(text)
		assert.Error(t, err, text)
	}
}
