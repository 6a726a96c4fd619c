package app

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"pmssl/internal/terminal"
)

// manPageDate is the date of the manual page, as mdoc(7) wants it. It changes with the page's own text.
const manPageDate = "November 29, 2026"

// ManPage returns the manual page pmssl(8) in the language mdoc(7), with the commands and options of the command table.
func ManPage() string {
	m := manPage{rows: commands()}
	m.write(manBeginning)
	m.group("COMMANDS TO RUN BY HAND", true)
	m.group("COMMANDS THAT THE PANEL RUNS", false)
	m.options()
	m.write(manEnd)
	return ".\\\" " + generatedNote + "\n.Dd " + manPageDate + "\n" + m.b.String()
}

// ManLink returns the manual page of a binary, which leads to pmssl(8).
func ManLink() string { return ".so man8/pmssl.8\n" }

// manBeginning is the page up to the commands. A line that begins with a dot is a macro of mdoc(7).
const manBeginning = `.Dt PMSSL 8
.Os
.Sh NAME
.Nm pmnamecheap ,
.Nm pmispmgrssl
.Nd processing modules of BILLmanager for SSL certificates
.Sh SYNOPSIS
.Nm pmnamecheap
.Fl -command Ar COMMAND
.Op Ar options
.Nm pmnamecheap
.Fl -help Op Ar COMMAND
.Nm pmnamecheap
.Fl -version
.Sh DESCRIPTION
.Nm pmnamecheap
orders the certificates that Namecheap sells,
.Nm pmispmgrssl
those of another BILLmanager (ISPmanager's billing).
Both have the same commands and options.
The panel starts a module with a command and an item,
and reads an XML document from its standard output.
Administrators run some commands by hand, as root.
On a terminal these answer with text; with
.Fl -format
every command answers in a format that is named.
.Pp
A command refuses an option that it does not use,
except those that the panel passes to any command.
A command to run by hand refuses unknown options and words too.
A command of the panel ignores an unknown option,
together with the next word unless that begins with a dash.
No command that only reads buys or changes anything;
.Fl -dry-run
shows what a command would buy, send or change.
`

// manEnd is the page from the environment on.
const manEnd = `.Sh ENVIRONMENT
.Bl -tag -width Ds
.It Ev MGR5_ROOT
root directory of the panel if that is not
.Pa /usr/local/mgr5
.It Ev TZ
time zone of the log's times
.El
.Pp
All other variables are dropped before anything reads them.
.Sh FILES
Paths are below the panel's root directory.
.Bl -tag -width Ds
.It Pa etc/billmgr.conf
settings, those whose names begin with SSL
.It Pa etc/pmssl/*.conf
publishers of challenges and deliveries of certificates
.It Pa etc/pmssl/templates/
mail templates that replace the built-in ones
.It Pa var/pmnamecheap.log , var/pmispmgrssl.log
logs; levels in
.Pa etc/debug.conf
.It Pa var/pmnamecheap.purchases , var/pmispmgrssl.purchases
journals of what was bought: keep and back them up
.El
.Sh EXIT STATUS
0 if the command succeeded, 1 if it failed or its answer lists failures.
On a terminal, or with
.Fl -format Cm text ,
an error is one line on the standard error output,
else a document on the standard output.
.Sh EXAMPLES
Show what the hourly sweep would do today:
.Pp
.Dl pmnamecheap --command subscription --dry-run
.Pp
Show which certificates a term of five years needs:
.Pp
.Dl pmnamecheap --command plan --opendate 2026-04-02 --period 60
.Pp
Show what would resolve a purchase whose outcome is unknown, and then do it:
.Pp
.Dl pmnamecheap --command resolve --item 42 --id 34350001
.Dl pmnamecheap --command resolve --item 42 --id 34350001 --yes
.Sh SEE ALSO
The documentation is in
.Pa /usr/share/doc/pmssl
or in the folder
.Pa docs
of the source code.
`

// manPage collects the text of the page.
type manPage struct {
	rows table
	b    strings.Builder
}

func (m *manPage) write(text string) { m.b.WriteString(text) }

// text writes a text in lines of the length that mdoc(7) asks for.
func (m *manPage) text(text string) {
	for line := range strings.Lines(terminal.Wrap(text, 72, "") + "\n") {
		m.write(manText(line))
	}
}

// group writes the section of one group of commands.
func (m *manPage) group(title string, byHand bool) {
	m.write(".Sh " + title + "\n")
	if !byHand {
		m.write("A person can run these too, most of them with\n.Fl -dry-run .\nThe panel runs them without it.\n")
	}
	m.write(".Bl -tag -width Ds\n")
	for _, r := range m.rows {
		if r.byHand != byHand {
			continue
		}
		m.write(".It Xo\n")
		for _, word := range r.synopsis() {
			m.write(manText(word) + "\n")
		}
		m.write(".Xc\n")
		for _, text := range append([]string{sentence(r.about)}, r.notes()...) {
			m.text(text)
		}
		m.write(".Pp\n.Dl " + manText(r.exampleOf(Program{Name: "pmnamecheap"})) + "\n")
	}
	m.write(".El\n")
}

// options writes the section of all options.
func (m *manPage) options() {
	m.write(".Sh OPTIONS\nThe text before a colon names the commands that the option is for.\n.Bl -tag -width Ds\n")
	(&arguments{}).flags().VisitAll(func(flag *pflag.Flag) {
		if flag.Hidden {
			return
		}
		option := withValue(flag, nil)
		if flag.Shorthand != "" {
			option = "-" + flag.Shorthand + ", " + option
		}
		m.write(".It " + manText(option) + "\n")
		m.text(flag.Usage)
	})
	m.write(".El\n")
}

// sentence returns a text about a command as a sentence.
func sentence(text string) string { return fmt.Sprintf("%s%s.", strings.ToUpper(text[:1]), text[1:]) }

// manText returns a text without a meaning for mdoc(7).
func manText(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}
