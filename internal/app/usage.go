package app

import (
	"fmt"
	"strings"
)

// usage returns the text of --help, made from the table and the options.
func (t table) usage(p Program) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s is a processing module of BILLmanager for SSL certificates. The panel starts it. Administrators use\n"+
		"plan, probe, resolve, subscription, getbalance and check_param by hand. The environment variable MGR5_ROOT is the root\n"+
		"directory of the panel if that is not %s.\n\n", p.Name, defaultRoot)
	fmt.Fprintf(&b, "usage: %s --command COMMAND [options]\n\ncommands:\n", p.Name)
	width := 0
	for _, r := range t {
		width = max(width, len(r.name))
	}
	for _, r := range t {
		fmt.Fprintf(&b, "  %-*s  %s%s\n", width, r.name, r.about, r.usageNote())
	}
	b.WriteString("\noptions:\n")
	b.WriteString((&arguments{}).flags().FlagUsages())
	b.WriteString("\nA command refuses an option that it does not use, except those that the panel passes to any command. An unknown option is\n" +
		"ignored, together with the next word unless that begins with -. An unknown option that begins with --dry or is similar to\n" +
		"--dry-run, --item, --module, --date, --yes or --none is an error.\n")
	return b.String()
}

// usageNote returns the options and the input of the row's command in brackets; empty if there are none.
func (r row) usageNote() string {
	words := r.needs.options()
	if names := r.optional(); len(names) > 0 {
		words = append(words, "takes "+options(names))
	}
	switch r.reads {
	case readsDocument:
		words = append(words, "a document on stdin")
	case readsText:
		words = append(words, "a CSR on stdin")
	case readsAny:
		words = append(words, "optionally a document on stdin")
	}
	if len(words) == 0 {
		return ""
	}
	return " (" + strings.Join(words, ", ") + ")"
}
