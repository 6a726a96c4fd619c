package app

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"pmssl/internal/terminal"
)

// usage returns the text of --help, made from the table and the options (rules TEXT-3).
func (t table) usage(p Program) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s is a processing module of BILLmanager for SSL certificates.\n\n", p.Name)
	fmt.Fprintf(&b, "usage: %s --command COMMAND [options]\n       %s --help COMMAND\n", p.Name, p.Name)
	b.WriteString("\ncommands to run by hand:\n" + t.group(true))
	b.WriteString("\ncommands that the panel runs; those with --dry-run show by hand what they would do:\n" + t.group(false))
	b.WriteString("\ngeneral options:\n" + optionList([]string{"command", "help", "version", "copyright"}, nil, ""))
	b.WriteString("\n" + terminal.Wrap("The environment variable MGR5_ROOT is the root directory of the panel if that is not "+defaultRoot+". "+
		"A command refuses an option that it does not use, except those that the panel passes to any command. A command of the panel "+
		"ignores an unknown option, together with the next word unless that begins with -. An unknown option that begins with --dry or is "+
		"similar to one of "+options(guarded())+" is always an error. man pmssl has all of it.", terminal.MaxWidth, "") + "\n")
	return b.String()
}

// group returns the commands of one group with what they do: those for people, or those of the panel.
func (t table) group(byHand bool) string {
	var rows [][]terminal.Cell
	for _, r := range t {
		if r.byHand == byHand {
			rows = append(rows, []terminal.Cell{terminal.Text(r.name), terminal.Text(r.about)})
		}
	}
	return terminal.Table{Columns: make([]terminal.Column, 2), Indent: 2, Wrap: true}.Render(rows)
}

// help returns the text of --help for one command: what it does, its options, an example.
func (r row) help(p Program) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s --command %s\n  %s\n", p.Name, r.name, terminal.Wrap(r.about, terminal.MaxWidth-2, "  "))
	fmt.Fprintf(&b, "\nusage: %s\n", joined(append([]string{p.Name}, r.synopsis()...)))
	if names := r.takes(); len(names) > 0 {
		b.WriteString("\noptions:\n" + optionList(names, r.formats, r.name))
	}
	if notes := r.notes(); len(notes) > 0 {
		b.WriteString("\n")
		for _, note := range notes {
			b.WriteString(terminal.Wrap(note, terminal.MaxWidth, "  ") + "\n")
		}
	}
	fmt.Fprintf(&b, "\nexample:\n  %s\n", r.exampleOf(p))
	return b.String()
}

// exampleOf returns the row's example as a command line.
func (r row) exampleOf(p Program) string {
	return strings.TrimSuffix(p.Name+" --command "+r.name+" "+r.example, " ")
}

// joined returns the words of a synopsis in lines for a terminal, without a break inside a word's own blanks.
func joined(words []string) string {
	const kept = "\x00"
	line := strings.Join(words, "\n")
	line = strings.ReplaceAll(strings.ReplaceAll(line, " ", kept), "\n", " ")
	return strings.ReplaceAll(terminal.Wrap("usage: "+line, terminal.MaxWidth, "       "), kept, " ")[len("usage: "):]
}

// synopsis returns the command with its options, optional ones in brackets.
func (r row) synopsis() []string {
	words := []string{"--command " + r.name}
	flags := (&arguments{}).flags()
	for _, one := range requirements() {
		if r.needs&one.bit == 0 {
			continue
		}
		var choices []string
		for _, name := range one.names() {
			choices = append(choices, withValue(flags.Lookup(name), r.formats))
		}
		if len(choices) > 1 {
			words = append(words, "("+strings.Join(choices, " | ")+")")
			continue
		}
		words = append(words, choices...)
		if one.bit == needParam {
			words = append(words, withValue(flags.Lookup("value"), nil))
		}
	}
	for _, name := range r.optional() {
		words = append(words, "["+withValue(flags.Lookup(name), r.formats)+"]")
	}
	switch r.reads {
	case readsDocument, readsText:
		words = append(words, "<FILE")
	case readsAny:
		words = append(words, "[<FILE]")
	}
	return words
}

// notes returns what else there is to know about the command, a sentence each.
func (r row) notes() []string {
	var notes []string
	switch r.reads {
	case readsDocument:
		notes = append(notes, "It reads an XML document from stdin.")
	case readsText:
		notes = append(notes, "It reads a CSR (PEM) from stdin.")
	case readsAny:
		notes = append(notes, "It reads an XML document from stdin unless that is empty or a terminal.")
	}
	if r.buys {
		notes = append(notes, "It may spend money.")
	}
	if r.doNothing {
		notes = append(notes, "It does nothing while etc/billmgr.DoNothing exists.")
	}
	if !r.byHand {
		notes = append(notes, "The panel runs it.", "It ignores unknown options.")
	}
	return append(notes, "It ends after "+duration(r.deadline)+" at the latest.")
}

// duration returns a time limit in words: whole minutes, or seconds.
func duration(d time.Duration) string {
	if d >= time.Minute && d%time.Minute == 0 {
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%d s", d/time.Second)
}

// optionList returns the options with what they mean for the command.
func optionList(names, formats []string, command string) string {
	flags := (&arguments{}).flags()
	var rows [][]terminal.Cell
	for _, name := range names {
		flag := flags.Lookup(name)
		option := withValue(flag, formats)
		if flag.Shorthand != "" {
			option = "-" + flag.Shorthand + ", " + option
		}
		rows = append(rows, []terminal.Cell{terminal.Text(option), terminal.Text(meaning(flag.Usage, command))})
	}
	return terminal.Table{Columns: make([]terminal.Column, 2), Indent: 2, Wrap: true}.Render(rows)
}

// meaning returns what an option means for a command. A part of the text that is for one command begins with that command's name.
func meaning(usage, command string) string {
	var parts []string
	for _, part := range strings.Split(usage, "; ") {
		name, text, found := strings.Cut(part, ": ")
		_, known := commands().find(name)
		switch {
		case found && name == command:
			parts = []string{text}
		case !found || !known:
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "; ")
}

// withValue returns an option with a word that stands for its value: --item N.
func withValue(flag *pflag.Flag, formats []string) string {
	switch {
	case flag.NoOptDefVal != "":
		return "--" + flag.Name
	case flag.Name == "format" && len(formats) > 0:
		return "--format " + strings.Join(formats, "|")
	case flag.Value.Type() == "number":
		return "--" + flag.Name + " N"
	case slices.Contains([]string{"date", "opendate"}, flag.Name):
		return "--" + flag.Name + " YYYY-MM-DD"
	case flag.Name == "mail":
		return "--" + flag.Name + " ADDRESS"
	}
	return "--" + flag.Name + " " + strings.ToUpper(flag.Name)
}

// shortUsage returns the lines that follow an error about a missing command.
func (t table) shortUsage(p Program) string {
	var names []string
	for _, r := range t {
		if r.byHand {
			names = append(names, r.name)
		}
	}
	return fmt.Sprintf("usage: %s --command COMMAND [options]\n%s\n%s --help lists all commands, %s --help COMMAND shows one\n",
		p.Name, terminal.Wrap("commands to run by hand: "+strings.Join(names, ", "), terminal.MaxWidth, "  "), p.Name, p.Name)
}
