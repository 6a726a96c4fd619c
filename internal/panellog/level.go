package panellog

// Level is a verbosity of the panel (docs/reference/billmanager.md §8.1). The larger
// the number, the more is written.
type Level int

// The panel's levels, by the numbers that etc/debug.conf uses.
const (
	Off      Level = iota // nothing is written
	Note                  // important notes
	Critical              // the command cannot continue
	Error                 // the command failed
	Warning               // the command succeeded, but an administrator should check
	Info                  // requests: each command with arguments, result and time
	ExtInfo               // each decision with its reason
	Ext                   // each exchange with a remote service, in one line
	Trace                 // steps inside a component
	Debug                 // full requests and answers, bodies included
)

// String returns the level's name in a log line: "INFO" for Info. It is empty for Off and for numbers that are not a level.
func (v Level) String() string {
	switch v {
	case Note:
		return "NOTE"
	case Critical:
		return "CRITICAL"
	case Error:
		return "ERROR"
	case Warning:
		return "WARNING"
	case Info:
		return "INFO"
	case ExtInfo:
		return "EXTINFO"
	case Ext:
		return "EXT"
	case Trace:
		return "TRACE"
	case Debug:
		return "DEBUG"
	}
	return ""
}

// colour returns the terminal sequence before a level's text (docs/reference/billmanager.md §8.1).
func (v Level) colour() string {
	switch v {
	case Note:
		return "\x1b[1;34m"
	case Critical, Error:
		return "\x1b[1;31m"
	case Warning:
		return "\x1b[1;35m"
	case Info:
		return "\x1b[1;32m"
	case ExtInfo:
		return "\x1b[1;36m"
	case Ext:
		return "\x1b[36m"
	case Trace:
		return "\x1b[1m"
	case Debug:
		return "\x1b[1;33m"
	}
	return ""
}

// colourReset is the terminal sequence that follows the text, without a blank (rules LOG-1).
const colourReset = "\x1b[0m"
