package demo

import (
	"fmt"
	"io"
	"strings"

	"pmssl/internal/sandbox/panel"
)

// printer prints the demo, in colour on a terminal.
type printer struct {
	out    io.Writer
	colour bool
	step   int
}

// Colours of the output (ECMA-48 SGR).
const (
	bold   = "1"
	green  = "32"
	red    = "31"
	cyan   = "36"
	faint  = "2"
	yellow = "33"
)

func (p *printer) paint(code, text string) string {
	if !p.colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (p *printer) line(text string) { _, _ = fmt.Fprintln(p.out, text) }

// heading begins a numbered step of the demo.
func (p *printer) heading(format string, args ...any) {
	p.step++
	p.line("")
	p.line(p.paint(bold, fmt.Sprintf("%d. %s", p.step, fmt.Sprintf(format, args...))))
}

// note prints a remark.
func (p *printer) note(format string, args ...any) {
	p.line(p.paint(faint, "   "+fmt.Sprintf(format, args...)))
}

// value prints a name and its value, which may have several lines.
func (p *printer) value(name, text string) {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	p.line(fmt.Sprintf("   %s %s", p.paint(cyan, fmt.Sprintf("%-24s", name)), lines[0]))
	for _, more := range lines[1:] {
		p.line(fmt.Sprintf("   %-24s %s", "", more))
	}
}

// run prints a start of a module and its answer.
func (p *printer) run(run *panel.Run) {
	if run == nil {
		return
	}
	p.line("   " + p.paint(yellow, "panel calls ") + " processing/" + run.Module + " " + strings.Join(run.Args, " "))
	if run.OK() {
		p.line("   " + p.paint(green, "answer      ") + " " + answer(run))
		return
	}
	p.line("   " + p.paint(red, "refusal     ") + " " + refusal(run))
}

// answer returns the module's stdout in one line, shortened if it is long.
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
