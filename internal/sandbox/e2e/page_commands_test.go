package e2e

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pageCommand is a command line of README or docs.
type pageCommand struct {
	page string
	line int
	text string
}

// args returns the arguments of the line, without what the shell does with its output.
func (c pageCommand) args(t *testing.T) (module string, args []string) {
	t.Helper()
	text, _, _ := strings.Cut(c.text, " >")
	text, _, _ = strings.Cut(text, " | ")
	words := strings.Fields(text)
	for strings.HasPrefix(words[0], "MGR5_ROOT=") {
		words = words[1:]
	}
	for _, word := range words {
		require.NotContainsf(t, word, `"`, "%s:%d: this test does not read quotes", c.page, c.line)
		require.NotContainsf(t, word, `'`, "%s:%d: this test does not read quotes", c.page, c.line)
	}
	return filepath.Base(words[0]), words[1:]
}

// pageCommands returns the lines of README and docs that start one of the modules: those of code blocks, and those in the text
// that name a command.
func pageCommands(t *testing.T) []pageCommand {
	t.Helper()
	root := filepath.Join("..", "..", "..")
	files, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	require.NoError(t, err)
	start := regexp.MustCompile(`^(?:MGR5_ROOT=\S+ )?(?:/usr/local/mgr5/processing/)?pm(?:namecheap|ispmgrssl) --?[a-zA-Z]`)
	inline := regexp.MustCompile("`([^`]+)`")
	var found []pageCommand
	for _, file := range append(files, filepath.Join(root, "README.md")) {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		block := false
		for i, line := range strings.Split(string(raw), "\n") {
			if strings.HasPrefix(line, "```") {
				block = !block
				continue
			}
			texts := []string{line}
			if !block {
				texts = nil
				for _, match := range inline.FindAllStringSubmatch(line, -1) {
					texts = append(texts, match[1])
				}
			}
			for _, text := range texts {
				text, _, _ = strings.Cut(text, " #")
				if start.MatchString(text) {
					found = append(found, pageCommand{filepath.Base(file), i + 1, strings.TrimSpace(text)})
				}
			}
		}
	}
	return found
}

// pageExit is how a command of the pages ends at the panel of this test if not with exit code 0.
type pageExit struct {
	command string // all of these words, blank-separated, are in the line
	code    int
	says    string // in the output
	why     string
}

func pageExits() []pageExit {
	return []pageExit{
		{"check_param adm_phone 123", 1, "adm_phone", "the page shows what a bad value leads to"},
		{"probe", 1, "probing", "only one of the sellers can be probed"},
		{"resolve 12345678", 1, "CertificateId is not valid", "this test's seller has given another id"},
		{"doctor", 1, "", "a stand-in panel has no timer and no packages"},
		{"status --check", 1, "", "an order without an answer waits for the administrator"},
		{"reconcile", 1, "unexplained", "the order without an answer is money that nobody can explain"},
		{"acceptance", 1, "sandbox", "the connection of this test is not to a seller's sandbox"},
	}
}

// expected returns how the line ends for a module.
func (c pageCommand) expected(module string) pageExit {
	_, words, _ := strings.Cut(c.text, "--command ")
	given := strings.Fields(words)
	for _, exit := range pageExits() {
		if exit.command == "probe" && module != "pmnamecheap" {
			continue
		}
		if !slices.ContainsFunc(strings.Fields(exit.command), func(word string) bool { return !slices.Contains(given, word) }) {
			return exit
		}
	}
	return pageExit{}
}

// Every command line of README and docs is one that the modules understand, and does what its page says at a panel with an
// issued certificate and an order whose purchase has no answer.
func TestCommandLinesOfThePagesRun(t *testing.T) {
	commands := pageCommands(t)
	require.Greater(t, len(commands), 30)
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startPaused(t, seller, time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC))
		issued, _ := f.issuedItem(t)
		unclear := f.placePaidUnclear(t)
		waiting := f.place(t, exampleCSR(t))
		require.NoError(t, os.MkdirAll(filepath.Join(f.panel.Root(), "etc", "pmssl", "templates"), 0o700)) // a line of its page makes it
		ran := 0
		for _, c := range commands {
			module, args := c.args(t)
			if module != seller.module {
				continue
			}
			ran++
			for i := range args {
				args[i] = strings.ReplaceAll(args[i], "/usr/local/mgr5", f.panel.Root())
				if i == 0 {
					continue
				}
				switch {
				case args[i-1] == "--module":
					args[i] = strconv.FormatInt(f.moduleID, 10)
				case args[i-1] == "--item" && slices.Contains(args, "resolve"):
					args[i] = strconv.FormatInt(unclear.Item, 10)
				case args[i-1] == "--item" && slices.Contains(args, "open"):
					args[i] = strconv.FormatInt(waiting.Item, 10)
				case args[i-1] == "--item":
					args[i] = strconv.FormatInt(issued, 10)
				}
			}
			t.Run(c.page+" "+strconv.Itoa(c.line), func(t *testing.T) {
				run, err := f.panel.Start(context.Background(), seller.module, nil, args...)
				require.NoError(t, err)
				want := c.expected(seller.module)
				output := run.Stdout + run.Stderr
				assert.NotContains(t, output, `object="argv"`, c.text)
				assert.Equalf(t, want.code, run.ExitCode, "%s\n%s", c.text, output)
				assert.Contains(t, output, want.says)
			})
		}
		require.NotZero(t, ran)
	})
}
