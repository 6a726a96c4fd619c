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

// pageCommand is a command line of a page that starts one of the modules.
type pageCommand struct {
	pageLine
	module string // empty for each of them
	args   []string
}

// isModule reports whether a program is one of the modules.
func isModule(program string) bool {
	return slices.ContainsFunc(sellerCases(), func(seller sellerCase) bool { return seller.module == program })
}

// pageCommands returns the command lines that start one of the modules: those of code blocks, in a crontab and another program's
// configuration too, and those in the text that name a command.
func pageCommands(t *testing.T) []pageCommand {
	t.Helper()
	var found []pageCommand
	for _, l := range pageLines(t) {
		found = append(found, moduleCommands(t, l)...)
	}
	return found
}

// moduleCommands returns the command lines of one line that start a module.
func moduleCommands(t *testing.T, l pageLine) []pageCommand {
	t.Helper()
	var found []pageCommand
	switch l.kind {
	case confCode:
		configured := regexp.MustCompile(`/usr/local/mgr5/processing/(pm\w+|\$1)((?:[ ",]+[\w-]+)+)`)
		for _, match := range configured.FindAllStringSubmatch(l.text, -1) {
			args := strings.FieldsFunc(match[2], func(r rune) bool { return strings.ContainsRune(` ",`, r) })
			found = append(found, pageCommand{l, strings.TrimPrefix(match[1], "$1"), args})
		}
		return found
	case shellCode, cronCode, inlineCode:
	default:
		return nil
	}
	text := l.text
	if l.kind == cronCode {
		text = cronCommand(t, l)
	}
	commands, err := parseShell(text)
	if err != nil {
		require.Equalf(t, inlineCode, l.kind, "%s: %v: %s", l.where(), err, l.text)
		return nil
	}
	for _, c := range commands {
		if isModule(c.program()) && len(c.args()) > 0 && (l.kind != inlineCode || strings.HasPrefix(c.args()[0], "-")) {
			found = append(found, pageCommand{l, c.program(), c.args()})
		}
	}
	return found
}

// cronCommand returns what a line of a crontab starts.
func cronCommand(t *testing.T, l pageLine) string {
	t.Helper()
	// minute, hour, day, month, day of the week and, in /etc/cron.d, the user
	match := regexp.MustCompile(`^(?:(?:\*|\d+(?:,\d+)*)(?:/\d+)?\s+){5}(?:root\s+)?(.+)$`).FindStringSubmatch(l.text)
	require.NotNilf(t, match, "%s: this is no line for cron: %s", l.where(), l.text)
	require.NotContainsf(t, match[1], "%", "%s: cron ends the line there", l.where())
	return match[1]
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
		{"migrate --item", 1, "nothing to migrate", "the item of this test was ordered by the module itself"},
	}
}

// expected returns how the line ends for a module.
func (c pageCommand) expected(module string) pageExit {
	for _, exit := range pageExits() {
		if exit.command == "probe" && module != "pmnamecheap" {
			continue
		}
		if !slices.ContainsFunc(strings.Fields(exit.command), func(word string) bool { return !slices.Contains(c.args, word) }) {
			return exit
		}
	}
	return pageExit{}
}

// linesItems are the items of the panel that the lines of the pages are run at.
type linesItems struct {
	issued, unclear, waiting int64
}

// startLinesPanel starts a panel with an issued certificate, an order whose purchase has no answer, and one that was not begun.
func startLinesPanel(t *testing.T, seller sellerCase) (*fixture, linesItems) {
	t.Helper()
	f := startPaused(t, seller, time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC))
	issued, _ := f.issuedItem(t)
	items := linesItems{issued, f.placePaidUnclear(t).Item, f.place(t, exampleCSR(t)).Item}
	require.NoError(t, os.MkdirAll(filepath.Join(f.panel.Root(), "etc", "pmssl", "templates"), 0o700)) // a line of its page makes it
	return f, items
}

// at returns the arguments of the line for a panel: its folder, and the ids of its processing module and items.
func (c pageCommand) at(f *fixture, items linesItems) []string {
	args := slices.Clone(c.args)
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "/usr/local/mgr5", f.panel.Root())
		if i == 0 {
			continue
		}
		switch {
		case args[i-1] == "--module":
			args[i] = strconv.FormatInt(f.moduleID, 10)
		case args[i-1] == "--item" && slices.Contains(args, "resolve"):
			args[i] = strconv.FormatInt(items.unclear, 10)
		case args[i-1] == "--item" && slices.Contains(args, "open"):
			args[i] = strconv.FormatInt(items.waiting, 10)
		case args[i-1] == "--item":
			args[i] = strconv.FormatInt(items.issued, 10)
		}
	}
	return args
}

// Every command line of README and docs is one that the modules understand, and does what its page says at a panel with an
// issued certificate and an order whose purchase has no answer.
func TestCommandLinesOfThePagesRun(t *testing.T) {
	commands := pageCommands(t)
	require.Greater(t, len(commands), 50)
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f, items := startLinesPanel(t, seller)
		ran := 0
		for _, c := range commands {
			if c.module != seller.module && c.module != "" {
				continue
			}
			ran++
			args := c.at(f, items)
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
