package doctor

import (
	"fmt"
	"strings"

	"pmssl/internal/terminal"
)

// titleWidth is the width of the column with the titles of the checks.
const titleWidth = 22

// textWidth is the width of the texts behind mark and title.
const textWidth = terminal.MaxWidth - titleWidth - 4

// Text returns the report for people, in lines of at most 100 columns as far as words allow. A check that succeeded takes one
// line; the mends stand below what they are for.
func (r Report) Text(styles terminal.Styles) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s, panel %s, %s\n", r.Program, r.Version, r.Root, r.At.UTC().Format("2006-01-02 15:04 UTC"))
	group := ""
	for _, result := range r.Results {
		if result.Check.Group != group {
			group = result.Check.Group
			b.WriteString(styles.Bold(group) + "\n")
		}
		result.write(&b, styles)
	}
	b.WriteString(r.summary() + "\n")
	return b.String()
}

// summary returns the counts in words.
func (r Report) summary() string {
	return fmt.Sprintf("%d ok, %d warnings, %d failed, %d not checked", r.Count(Passed), r.Count(Warned), r.Count(Failed), r.Count(Unchecked))
}

// write writes the lines of one check.
func (r Result) write(b *strings.Builder, styles terminal.Styles) {
	if r.Outcome == Passed {
		texts := make([]string, len(r.Findings))
		for i, f := range r.Findings {
			texts[i] = f.Text
		}
		line(b, mark(Passed, styles), r.Check.Title, terminal.Cut(strings.Join(texts, "; "), textWidth))
		return
	}
	title := r.Check.Title
	for _, f := range r.Findings {
		if f.Outcome == Passed {
			continue // what is wrong is to be seen at once; documents have all
		}
		line(b, mark(f.Outcome, styles), title, terminal.Wrap(f.Text, textWidth, ""))
		title = ""
		if f.Mend != "" {
			b.WriteString(margin() + "-> " + strings.ReplaceAll(terminal.Wrap(f.Mend, textWidth-3, ""), "\n", "\n"+margin()+"   ") + "\n")
		}
	}
}

// margin returns the blanks before the texts of findings.
func margin() string { return strings.Repeat(" ", titleWidth+4) }

// line writes a line with a mark; further lines of the text are indented below it.
func line(b *strings.Builder, mark, title, text string) {
	fmt.Fprintf(b, " %s %s %s\n", mark, title+strings.Repeat(" ", max(0, titleWidth-terminal.Width(title))), strings.ReplaceAll(text, "\n", "\n"+margin()))
}

// mark returns the character that stands for an outcome.
func mark(outcome Outcome, styles terminal.Styles) string {
	switch outcome {
	case Passed:
		return styles.Green("✓")
	case Unchecked:
		return styles.Dim("–")
	case Warned:
		return styles.Yellow("!")
	}
	return styles.Red("✗")
}
