package item

import (
	"slices"
	"strings"

	"pmssl/internal/fault"
)

// Formats of answers, the values of --format. Each row of the command table lists those that its command offers.
const (
	FormatText       = "text" // for people: no line that a program should read
	FormatXML        = "xml"  // the panel's documents
	FormatJSON       = "json"
	FormatSVG        = "svg"
	FormatHTML       = "html"
	FormatPrometheus = "prometheus" // of a textfile collector
)

// ChooseFormat returns the format of an answer: the one that was asked for, which must be offered; else text if stdout is a
// terminal, else xml. A command that offers neither answers with the first that it offers. An error is a fault of type value.
// A command that offers none answers a person who did not ask for a format all the same.
func ChooseFormat(asked string, offered []string, terminal bool) (string, error) {
	usual := FormatXML
	if terminal {
		usual = FormatText
	}
	switch {
	case asked != "" && !slices.Contains(offered, asked):
		return "", fault.Errorf(fault.Value, "format", "--format %q is none of %s", Brief(asked), strings.Join(offered, ", "))
	case asked != "":
		return asked, nil
	case len(offered) == 0 || slices.Contains(offered, usual):
		return usual, nil
	}
	return offered[0], nil
}

// TextOutput reports whether the command answers with a text for people, in Print.
func (run *Run) TextOutput() bool { return run.Format == FormatText }
