package demo

import (
	"fmt"
	"io"
	"strings"

	"pmssl/internal/sandbox/panel"
)

// teller prints the story, in colour where somebody looks at a terminal.
type teller struct {
	out    io.Writer
	colour bool
	step   int
}

// Colours of the story (ECMA-48 SGR).
const (
	bold   = "1"
	green  = "32"
	red    = "31"
	cyan   = "36"
	faint  = "2"
	yellow = "33"
)

func (t *teller) paint(code, text string) string {
	if !t.colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (t *teller) line(text string) { _, _ = fmt.Fprintln(t.out, text) }

// chapter begins a step of the story.
func (t *teller) chapter(format string, args ...any) {
	t.step++
	t.line("")
	t.line(t.paint(bold, fmt.Sprintf("%d. %s", t.step, fmt.Sprintf(format, args...))))
}

// note returns a remark of the storyteller.
func (t *teller) note(format string, args ...any) {
	t.line(t.paint(faint, "   "+fmt.Sprintf(format, args...)))
}

// value shows one fact.
func (t *teller) value(name, text string) {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	t.line(fmt.Sprintf("   %s %s", t.paint(cyan, fmt.Sprintf("%-24s", name)), lines[0]))
	for _, more := range lines[1:] {
		t.line(fmt.Sprintf("   %-24s %s", "", more))
	}
}

// run shows what the panel called and what came back.
func (t *teller) run(run *panel.Run) {
	if run == nil {
		return
	}
	t.line("   " + t.paint(yellow, "panel calls ") + " processing/" + run.Module + " " + strings.Join(run.Args, " "))
	if run.OK() {
		t.line("   " + t.paint(green, "it answers  ") + " " + answer(run))
		return
	}
	t.line("   " + t.paint(red, "it refuses  ") + " " + refusal(run))
}

// answer returns the module's stdout in one line.
func answer(run *panel.Run) string {
	text := strings.TrimSpace(run.Stdout)
	if i := strings.Index(text, "?>"); i >= 0 {
		text = strings.TrimSpace(text[i+2:])
	}
	switch {
	case text == "":
		return fmt.Sprintf("exit 0, nothing on stdout (%d ms)", run.Duration.Milliseconds())
	case len(text) > 300:
		return fmt.Sprintf("%s… (%d bytes, %d ms)", strings.ToValidUTF8(text[:160], ""), len(text), run.Duration.Milliseconds())
	}
	return fmt.Sprintf("%s (%d ms)", text, run.Duration.Milliseconds())
}

func refusal(run *panel.Run) string {
	if run.Error == nil {
		return run.Failure()
	}
	return fmt.Sprintf("%s: %s (exit %d)", run.Error.Type, run.Error.Value, run.ExitCode)
}
