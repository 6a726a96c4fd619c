package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"pmssl/internal/item"
	"pmssl/internal/plaintext"
	"pmssl/internal/terminal"
)

// errorFormat returns the format in which errors are shown (rules TEXT-2): xml and json on stdout; text, and anything that is
// written into a file, on stderr.
func (a *app) errorFormat(args *arguments) string {
	switch args.Format {
	case item.FormatXML, item.FormatJSON:
		return args.Format
	case item.FormatText, item.FormatSVG, item.FormatHTML, item.FormatPrometheus:
		return item.FormatText
	}
	if a.system.Terminal {
		return item.FormatText
	}
	return item.FormatXML
}

// show writes the report of a failure in the format of errors, for a monitoring plugin as its line, unless the run has answered
// already. It returns 0 unless that failed.
func (a *app) show(r report) int {
	switch {
	case a.plugin:
		return a.write(r.pluginLine())
	case a.errors == item.FormatText:
		if a.answered.Swap(true) {
			return 1
		}
		a.complain(r.text, r.hint)
		return 0
	case a.errors == item.FormatJSON:
		text, err := r.json()
		if err != nil {
			return 1
		}
		return a.write(a.printable(text))
	}
	return a.print(r.document())
}

// complain writes an error to stderr in one line, and below it the hint unless that is empty.
func (a *app) complain(text, hint string) {
	text = a.program.Name + ": " + plaintext.CollapseSpace(text) + "\n"
	if hint != "" {
		text += hint + "\n"
	}
	fmt.Fprint(a.system.Stderr, terminal.Styles{}.Clean(text))
}

// json returns the report as a JSON document: {"error":{"type":…,"object":…,"text":…}}.
func (r report) json() (string, error) {
	type content struct {
		Type   string `json:"type"`
		Object string `json:"object,omitempty"`
		Text   string `json:"text"`
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(map[string]content{"error": {r.kind, r.object, r.text}})
	return b.String(), err
}

// missingCommand answers a command line without --command, on stderr. It returns the exit code.
func (a *app) missingCommand(args *arguments) int {
	text := "--command is missing: it names what to do"
	for _, fault := range args.faults {
		if hasFault([]string{fault}, "--command") {
			text = fault
		}
	}
	for _, word := range args.ignored {
		if names := similar(word, a.rows.list()); len(names) > 0 {
			text += "; " + didYouMean(names, a.program.Name+" --command ")
			break
		}
	}
	a.complain(text, strings.TrimSuffix(a.rows.shortUsage(a.program), "\n"))
	return 1
}

// help answers --help: for the command that is named, as the value of --command or as a word; without one for all.
func (a *app) help(args *arguments) int {
	topic := args.Command
	for _, word := range args.ignored {
		if topic == "" && !strings.HasPrefix(word, "-") {
			topic = word
		}
	}
	if topic == "" {
		return a.write(a.rows.usage(a.program))
	}
	row, found := a.rows.find(topic)
	if !found {
		a.complain(a.rows.unknown(topic), a.program.Name+" --help lists the commands")
		return 1
	}
	return a.write(row.help(a.program))
}

// unknown returns the text for people about a command that does not exist.
func (t table) unknown(name string) string {
	text := fmt.Sprintf("there is no command %q", clip(name, 64))
	if near := similar(name, t.list()); len(near) > 0 {
		text += "; " + didYouMean(near, "")
	}
	return text
}
