package terminal_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"

	"pmssl/internal/terminal"
)

func TestStylesAddNothingWithoutColour(t *testing.T) {
	var none terminal.Styles
	for _, style := range []func(string) string{none.Bold, none.Dim, none.Red, none.Green, none.Yellow} {
		assert.Equal(t, "text", style("text"))
	}
	colour := terminal.NewStyles(true)
	assert.Equal(t, "\x1b[31mfailed\x1b[0m", colour.Red("failed"))
	assert.Equal(t, "\x1b[1mb\x1b[0m\x1b[2md\x1b[0m\x1b[32mg\x1b[0m\x1b[33my\x1b[0m", colour.Bold("b")+colour.Dim("d")+colour.Green("g")+colour.Yellow("y"))
	assert.Empty(t, colour.Green(""))
}

func TestCleanKeepsOnlyItsOwnSequences(t *testing.T) {
	for _, c := range []struct{ name, text, plain, colour string }{
		{name: "plain", text: "a\nb é 漢", plain: "a\nb é 漢", colour: "a\nb é 漢"},
		{name: "own", text: "\x1b[31mx\x1b[0m", plain: "\uFFFD[31mx\uFFFD[0m", colour: "\x1b[31mx\x1b[0m"},
		{name: "clears the screen", text: "\x1b[2Jx", plain: "\uFFFD[2Jx", colour: "\uFFFD[2Jx"},
		{name: "C1", text: "\u009b31m", plain: "\uFFFD31m", colour: "\uFFFD31m"},
		{name: "direction", text: "a\u202eb", plain: "a\uFFFDb", colour: "a\uFFFDb"},
		{name: "carriage return, tab, bell", text: "a\r\t\a", plain: "a\uFFFD\uFFFD\uFFFD", colour: "a\uFFFD\uFFFD\uFFFD"},
		{name: "not UTF-8", text: "a\xff", plain: "a\uFFFD", colour: "a\uFFFD"},
	} {
		t.Run(c.name, func(t *testing.T) {
			assert.Equal(t, c.plain, terminal.Styles{}.Clean(c.text))
			assert.Equal(t, c.colour, terminal.NewStyles(true).Clean(c.text))
		})
	}
}

func TestWidthCountsColumnsOfTheTerminal(t *testing.T) {
	for text, width := range map[string]int{"": 0, "abc": 3, "é": 1, "e\u0301": 1, "漢字": 4, "Привет": 6, "🔒": 2, "✓✗": 2, "⚡": 2, "♈⚽": 4, "⭐⬛": 4, "➕✨": 4} {
		assert.Equal(t, width, terminal.Width(text), text)
	}
}

func TestCutNeverExceedsItsWidth(t *testing.T) {
	assert.Equal(t, "abc", terminal.Cut("abc", 3))
	assert.Equal(t, "ab…", terminal.Cut("abcd", 3))
	assert.Equal(t, "漢…", terminal.Cut("漢字漢", 4))
	assert.Equal(t, "…", terminal.Cut("漢字", 1))
}

func TestWrapBreaksAtBlanksAndKeepsLongWords(t *testing.T) {
	assert.Equal(t, "one two\n  three", terminal.Wrap("one  two three", 9, "  "))
	assert.Equal(t, "a\n/usr/local/mgr5/var/x\nb", terminal.Wrap("a /usr/local/mgr5/var/x b", 10, ""))
	assert.Empty(t, terminal.Wrap("  ", 10, ""))
}

func TestTableAlignsItsColumns(t *testing.T) {
	table := terminal.Table{Columns: []terminal.Column{{Title: "item", Right: true}, {Title: "name", Max: 12}, {Title: "state"}}}
	styles := terminal.NewStyles(true)
	got := table.Render([][]terminal.Cell{
		{terminal.Text("7"), terminal.Text("漢字.example"), {Text: "ok", Style: styles.Green}},
		{terminal.Text("1042"), terminal.Text("a-long-name.example"), terminal.Text("")},
		{terminal.Text("8")},
	})
	assert.Equal(t, ""+
		"item  name          state\n"+
		"   7  漢字.example  \x1b[32mok\x1b[0m\n"+
		"1042  a-long-name…\n"+
		"   8\n", got)
}

func TestTableFitsIntoItsWidth(t *testing.T) {
	long := strings.Repeat("word ", 60)
	table := terminal.Table{Columns: []terminal.Column{{}, {}, {}}, Indent: 2}
	got := table.Render([][]terminal.Cell{{terminal.Text(long), terminal.Text(long), terminal.Text("short")}})
	for line := range strings.Lines(got) {
		assert.LessOrEqual(t, terminal.Width(strings.TrimSuffix(line, "\n")), terminal.MaxWidth)
	}
	assert.Contains(t, got, "short")
}

func TestTableWrapsItsLastColumn(t *testing.T) {
	table := terminal.Table{Columns: []terminal.Column{{Title: "option"}, {Title: "meaning"}}, Width: 34, Wrap: true}
	got := table.Render([][]terminal.Cell{{terminal.Text("--item"), terminal.Text("one two three four five six seven eight")}})
	assert.Equal(t, "option  meaning\n--item  one two three four five\n        six seven eight\n", got)
}

func TestACellCannotChangeWhatTheTerminalShows(t *testing.T) {
	table := terminal.Table{Columns: []terminal.Column{{}, {}}, Wrap: true}
	got := table.Render([][]terminal.Cell{{terminal.Text("a\x1b[2J\nb"), terminal.Text("\u202ec\rd")}})
	assert.Equal(t, "a\uFFFD[2J b  \uFFFDc d\n", got)
}

func TestLineTakesChosenWidths(t *testing.T) {
	table := terminal.Table{Columns: []terminal.Column{{Title: "a"}, {Title: "b", Right: true}}}
	widths := []int{4, 3}
	assert.Equal(t, "a       b\n", table.Header(widths))
	assert.Equal(t, "abc…    1\n", table.Line(widths, []terminal.Cell{terminal.Text("abcdef"), terminal.Text("1")}))
	assert.Empty(t, terminal.Table{Columns: []terminal.Column{{}, {}}}.Header(widths))
}

func FuzzTable(f *testing.F) {
	f.Add("a\x1b[2J", "漢字 e\u0301 \xff", 20)
	f.Add(strings.Repeat("x", 300), "\u202e", 3)
	f.Fuzz(func(t *testing.T, one, two string, width int) {
		for _, wrap := range []bool{false, true} {
			table := terminal.Table{Columns: []terminal.Column{{Title: "one"}, {Max: 40}}, Width: max(1, width%200), Wrap: wrap}
			got := table.Render([][]terminal.Cell{{terminal.Text(one), terminal.Text(two)}, {terminal.Text(two), terminal.Text(one)}})
			assert.Equal(t, got, terminal.Styles{}.Clean(got))
			for line := range strings.Lines(got) {
				assert.Equal(t, line, strings.TrimRightFunc(line, unicode.IsSpace)+"\n", "no line ends with a blank")
			}
			if !wrap {
				assert.Equal(t, 3, strings.Count(got, "\n"))
			}
		}
	})
}
