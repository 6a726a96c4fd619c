package ctl

import (
	"maps"
	"strings"
)

// mode is what mgrctl is asked besides calling a function.
type mode int

const (
	modeCall mode = iota
	modeLock
	modeUnlock
	modeInfo
	modeRestart
)

// words is a parsed command line.
type words struct {
	mgr      string
	mode     mode
	out      string // -o
	function string
	params   map[string]string // without func
}

// parse reads mgrctl's argv (docs/reference/billmanager.md §5.1): each parameter is one word, split at its first "="; -e
// takes the value from the environment, its word being name=$NAME literally (rules PANEL-1).
func parse(args []string, env func(string) (string, bool)) (words, error) {
	w := words{mgr: "billmgr", params: map[string]string{}}
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
			w.mgr, err = operand()
		case a == "-o":
			w.out, err = operand()
		case a == "-e":
			if v, err = operand(); err == nil {
				err = w.fromEnv(v, env)
			}
		case a == "-l":
			w.mode = modeLock
		case a == "-u":
			w.mode = modeUnlock
		case a == "-i":
			w.mode = modeInfo
		case a == "-R":
			w.mode = modeRestart
		case strings.HasPrefix(a, "-") && w.function == "":
			err = &Error{Type: "usage", Object: a, Message: "unknown option " + a}
		case w.function == "" && w.mode == modeCall:
			w.function = a
		default:
			err = w.param(a)
		}
		if err != nil {
			return w, err
		}
	}
	return w, w.check()
}

func (w *words) check() error {
	if w.mgr != "billmgr" {
		return &Error{Type: "missed", Object: "manager", Value: w.mgr}
	}
	if f := w.format(); !knownFormat(f) {
		return &Error{Type: "value", Object: "out", Value: f}
	}
	return nil
}

func (w *words) param(word string) error {
	name, value, ok := strings.Cut(word, "=")
	if !ok || name == "" {
		return &Error{Type: "usage", Object: word, Message: "parameter " + word + " is not name=value"}
	}
	w.params[name] = value
	return nil
}

func (w *words) fromEnv(word string, env func(string) (string, bool)) error {
	name, from, ok := strings.Cut(word, "=")
	variable, dollar := strings.CutPrefix(from, "$")
	if !ok || name == "" || !dollar || variable == "" {
		return &Error{Type: "usage", Object: "-e", Message: "-e wants name=$VARIABLE"}
	}
	value, ok := env(variable)
	if !ok {
		return &Error{Type: "missed", Object: "environment", Value: variable}
	}
	w.params[name] = value
	return nil
}

// format returns the answer's form: the parameter out, else -o, else text.
func (w *words) format() string {
	if f := w.params["out"]; f != "" {
		return f
	}
	if w.out != "" {
		return w.out
	}
	return formatText
}

func (w *words) lang() string {
	if l := w.params["lang"]; l != "" {
		return l
	}
	return "en"
}

// echoed returns the parameters as <tparams> repeats them.
func (w *words) echoed() map[string]string {
	p := maps.Clone(w.params)
	if f := w.format(); f != formatText {
		p["out"] = f
	}
	return p
}

// logged returns the parameters as the panel's log shows them.
func (w *words) logged() map[string]string {
	p := w.echoed()
	p["func"] = w.function
	return p
}
