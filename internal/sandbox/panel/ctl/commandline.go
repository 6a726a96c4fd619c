package ctl

import (
	"maps"
	"strings"
)

// mode is the action of mgrctl: a call of a function, or another one.
type mode int

const (
	modeCall mode = iota
	modeLock
	modeUnlock
	modeInfo
	modeRestart
)

// commandLine is a parsed command line.
type commandLine struct {
	mgr      string
	mode     mode
	out      string // -o
	function string
	params   map[string]string // without func
	names    []string          // of params, in the order of the command line
}

// parse parses mgrctl's argv (docs/reference/billmanager.md §5.1): each parameter is one argument, split at its first
// "="; -e takes the value from the environment and has the literal form name=$NAME (rules PANEL-1).
func parse(args []string, env func(string) (string, bool)) (commandLine, error) {
	l := commandLine{mgr: "billmgr", params: map[string]string{}}
	for i := 0; i < len(args); i++ {
		a := args[i]
		operand := func() (string, error) {
			if i++; i == len(args) {
				return "", &Error{Type: "usage", Object: a, Message: "option " + a + " wants a value"}
			}
			return args[i], nil
		}
		var err error
		var v string
		switch {
		case a == "-m":
			l.mgr, err = operand()
		case a == "-o":
			l.out, err = operand()
		case a == "-e":
			if v, err = operand(); err == nil {
				err = l.fromEnv(v, env)
			}
		case a == "-l":
			l.mode = modeLock
		case a == "-u":
			l.mode = modeUnlock
		case a == "-i":
			l.mode = modeInfo
		case a == "-R":
			l.mode = modeRestart
		case strings.HasPrefix(a, "-") && l.function == "":
			err = &Error{Type: "usage", Object: a, Message: "unknown option " + a}
		case l.function == "" && l.mode == modeCall:
			l.function = a
		default:
			err = l.param(a)
		}
		if err != nil {
			return l, err
		}
	}
	return l, l.check()
}

func (l *commandLine) check() error {
	if l.mgr != "billmgr" {
		return &Error{Type: "missed", Object: "manager", Value: l.mgr}
	}
	if f := l.format(); !knownFormat(f) {
		return &Error{Type: "value", Object: "out", Value: f}
	}
	return nil
}

func (l *commandLine) param(word string) error {
	name, value, ok := strings.Cut(word, "=")
	if !ok || name == "" {
		return &Error{Type: "usage", Object: word, Message: "parameter " + word + " is not name=value"}
	}
	l.set(name, value)
	return nil
}

func (l *commandLine) set(name, value string) {
	if _, again := l.params[name]; !again {
		l.names = append(l.names, name)
	}
	l.params[name] = value
}

func (l *commandLine) fromEnv(word string, env func(string) (string, bool)) error {
	name, from, ok := strings.Cut(word, "=")
	variable, dollar := strings.CutPrefix(from, "$")
	if !ok || name == "" || !dollar || variable == "" {
		return &Error{Type: "usage", Object: "-e", Message: "-e wants name=$VARIABLE"}
	}
	value, ok := env(variable)
	if !ok {
		return &Error{Type: "missed", Object: "environment", Value: variable}
	}
	l.set(name, value)
	return nil
}

// format returns the format of the answer: the parameter out, else -o, else text.
func (l *commandLine) format() string {
	if f := l.params["out"]; f != "" {
		return f
	}
	if l.out != "" {
		return l.out
	}
	return formatText
}

func (l *commandLine) lang() string {
	if lang := l.params["lang"]; lang != "" {
		return lang
	}
	return "en"
}

// echoed returns the parameters that <tparams> repeats.
func (l *commandLine) echoed() map[string]string {
	p := maps.Clone(l.params)
	if f := l.format(); f != formatText {
		p["out"] = f
	}
	return p
}

// logged returns the parameters as the panel's log shows them.
func (l *commandLine) logged() map[string]string {
	p := l.echoed()
	p["func"] = l.function
	return p
}
