package app

import (
	"fmt"
	"strings"
)

// usage returns the text of --help, made from the table and the options.
func (t table) usage(p Program) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s is a processing module of BILLmanager for SSL certificates. The panel starts it. By hand it is used for\n"+
		"plan, probe, resolve, subscription, getbalance and check_param; MGR5_ROOT in the environment names another root of the\n"+
		"panel than %s.\n\n", p.Name, defaultRoot)
	fmt.Fprintf(&b, "usage: %s --command COMMAND [options]\n\ncommands:\n", p.Name)
	width := 0
	for _, r := range t {
		width = max(width, len(r.name))
	}
	for _, r := range t {
		fmt.Fprintf(&b, "  %-*s  %s%s\n", width, r.name, r.about, r.wants())
	}
	b.WriteString("\noptions:\n")
	b.WriteString((&arguments{}).flags().FlagUsages())
	b.WriteString("\nA command refuses an option that it has no use for, except those that the panel passes to any command. An option that is not\n" +
		"known is ignored, with the word after it unless that begins with -; one that is near --dry-run, --item, --module, --date,\n" +
		"--yes or --none, or begins with --dry, is an error.\n")
	return b.String()
}

// wants returns what the row needs, in brackets.
func (r row) wants() string {
	words := r.needs.options()
	if len(r.uses) > 0 {
		words = append(words, "takes "+options(r.uses))
	}
	switch r.reads {
	case readsDocument:
		words = append(words, "a document on stdin")
	case readsText:
		words = append(words, "a CSR on stdin")
	case readsAny:
		words = append(words, "perhaps a document on stdin")
	}
	if len(words) == 0 {
		return ""
	}
	return " (" + strings.Join(words, ", ") + ")"
}
