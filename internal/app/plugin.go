package app

import (
	"strings"

	"pmssl/internal/plaintext"
)

// The exit code of a monitoring plugin that could not find out the state (Monitoring Plugins Development Guidelines, "Plugin Return
// Codes").
const pluginUnknown = 3

// maxPluginLine is the length in bytes of a line of a monitoring plugin: monitoring systems cut longer ones.
const maxPluginLine = 1 << 10

// failureCode returns the exit code of a run that failed.
func (a *app) failureCode() int {
	if a.plugin {
		return pluginUnknown
	}
	return 1
}

// fail shows the report of a failure. It returns the exit code.
func (a *app) fail(r report) int {
	a.show(r)
	return a.failureCode()
}

// pluginLine returns the report as the one line of a monitoring plugin. What is behind `|` would be read as performance data.
func (r report) pluginLine() string {
	text := strings.ReplaceAll(plaintext.Line(r.kind+": "+r.text), "|", "/")
	return "UNKNOWN - " + plaintext.Clip(text, maxPluginLine) + "\n"
}
