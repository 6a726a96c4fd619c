package panel

import "strings"

// flagValue is the value of a setting without a value: the panel's databases and forms write booleans as on and off
// (docs/reference/billmanager.md §4).
const flagValue = "on"

// parseConf reads the text of a billmgr.conf file into settings; later lines win (docs/reference/billmanager.md §10). A
// line is `Name value`, `Option Name` (a flag, its value is "on") or `Option Name value`; `#` begins a comment only at the
// start of a line, because passwords may contain one. Blanks around a value are not part of it; a pair of quotes around it is
// removed [inferred: no public file has quotes]. Names are case-sensitive. No line is an error: the panel may have settings of
// any form.
func parseConf(text string, settings map[string]string) {
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value := cutWord(line)
		if name == "Option" {
			if name, value = cutWord(value); name == "" || strings.HasPrefix(name, "#") { // a comment where the name belongs
				continue
			}
			if value == "" {
				value = flagValue
			}
		}
		settings[name] = unquote(value)
	}
}

// cutWord splits at the first run of blanks.
func cutWord(line string) (word, rest string) {
	at := strings.IndexAny(line, " \t")
	if at < 0 {
		return line, ""
	}
	return line[:at], strings.TrimSpace(line[at:])
}

// unquote removes a pair of quotes around the value.
func unquote(value string) string {
	if n := len(value); n >= 2 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
		return value[1 : n-1]
	}
	return value
}
