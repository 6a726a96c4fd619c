package app

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/pflag"

	"pmssl/internal/fault"
)

// panelOptions lists the options that the panel may pass to any command (docs/reference/billmanager.md §1.2). None of them
// narrows what a command works on, so a command that has no use for one ignores it (rules CLI-4).
func panelOptions() []string {
	return []string{
		"command", "subcommand", "lang", "level", "runningoperation", "intname", "itemtype", "param", "value",
		"addon", "tld", "userid", "password", "email", "profileid", "help", "version", "copyright",
	}
}

// narrowing lists the panel's options that limit what a command works on: a command honours or refuses them.
func narrowing() []string {
	return []string{"item", "module", "domain", "emails", "id", "searchstring"}
}

// takes lists the options that the row honours, the required ones first.
func (r row) takes() []string {
	var names []string
	for _, one := range requirements() {
		if r.needs&one.bit != 0 {
			names = append(names, one.names()...)
		}
	}
	return append(names, r.uses...)
}

// accepts reports whether the option may stand beside the row's command.
func (r row) accepts(a *arguments, name string) bool {
	switch {
	case slices.Contains(panelOptions(), name), slices.Contains(r.takes(), name), slices.Contains(r.tolerates, name):
		return true
	case r.tries > 0 && a.Operation > 0:
		// The panel started the operation and names its item: whatever else it passes narrows nothing further, and a newer
		// panel must not be refused.
		return slices.Contains(narrowing(), name)
	}
	return false
}

// refuse checks that the row honours every option that was given, before anything is done (rules CLI-4, CLI-5). The fault
// is of type value; nobody but the caller hears of it.
func (r row) refuse(a *arguments) error {
	var problems []string
	for _, name := range a.order {
		if !r.accepts(a, name) {
			problems = append(problems, "--"+name+" is not an option of this command")
		}
	}
	if len(problems) > 0 {
		problems = append(problems, "it takes "+options(r.takes()))
	}
	problems = append(problems, a.suspicious...)
	if r.byHand {
		problems = append(problems, a.blank()...)
	}
	if a.Yes && a.DryRun {
		problems = append(problems, "--yes and --dry-run contradict each other")
	}
	if len(problems) == 0 {
		return nil
	}
	return fault.Errorf(fault.Value, "argv", "command %s: %s; nothing was done", r.name, strings.Join(problems, "; "))
}

// options joins option names for a text.
func options(names []string) string {
	if len(names) == 0 {
		return "no option of its own"
	}
	return "--" + strings.Join(names, ", --")
}

// blank lists complaints about options that were given without a value. The panel passes empty parameters for absent ones;
// a person's script with an unset variable means something else, and `--item ""` must not widen the work to every item.
func (a *arguments) blank() []string {
	var problems []string
	for _, name := range a.order {
		if a.empty[name] && !slices.Contains(panelOptions(), name) {
			problems = append(problems, "--"+name+" must not be zero or empty")
		}
	}
	return problems
}

// note records an option that was given, for refuse.
func (a *arguments) note(flag *pflag.Flag, value string) {
	name := flag.Name
	empty := value == "" || flag.Value.Type() == "number" && strings.Trim(value, "0") == ""
	if slices.Contains(a.order, name) {
		if old := a.last[name]; old != value && !repeatable(flag) {
			a.suspicious = append(a.suspicious, "--"+name+" is given twice with different values")
		}
	} else {
		a.order = append(a.order, name)
	}
	a.last[name], a.empty[name] = value, empty
}

// repeatable reports whether an option may be given more than once, or means nothing to any command.
func repeatable(flag *pflag.Flag) bool {
	return flag.Value.Type() == "stringArray" || flag.Hidden
}

// literal lists the options whose value may be any text, an option's name included: a form's field, a password.
func literal() []string {
	return []string{"param", "value", "password", "searchstring", "domain", "emails"}
}

// swallowed complains about an option that took one of our options for its value: `--lang --dry-run` is no language, and
// the command would act instead of showing what it would do.
func (a *arguments) swallowed(flag *pflag.Flag, value string) {
	if slices.Contains(literal(), flag.Name) || !strings.HasPrefix(value, "-") {
		return
	}
	if _, near := nearOption(value); near {
		a.suspicious = append(a.suspicious, fmt.Sprintf("--%s has no value: %s follows it", flag.Name, clip(value, 64)))
	}
}

// unknown records a word that is not known here, and complains where it is likely to be one of our options, mistyped.
func (a *arguments) unknown(word string) {
	name, _, _ := strings.Cut(word, "=")
	if meant, near := nearOption(name); near {
		a.suspicious = append(a.suspicious, fmt.Sprintf("%q is not an option here, is --%s meant?", clip(name, 64), meant))
	}
}

// guarded lists the options whose misspelling must not be ignored: without them a command does more than its caller wants.
func guarded() []string { return []string{"dry-run", "item", "module", "date", "yes", "none"} }

// nearOption returns the guarded option that a word is near to (rules CLI-5).
func nearOption(word string) (option string, near bool) {
	plain, dashed := plainWord(word)
	if plain == "" {
		return "", false
	}
	for _, option := range guarded() {
		target, _ := plainWord(option)
		limit := 0 // a word without a dash may be the value of an option that a newer panel has
		if dashed {
			limit = 1
			if len(target) >= 6 {
				limit = 2
			}
		}
		if distance(plain, target) <= limit {
			return option, true
		}
	}
	if dashed && strings.HasPrefix(plain, "dry") {
		return "dry-run", true
	}
	return "", false
}

// plainWord returns a word in lower case without dashes, hyphens and underscores, and reports whether it began with a dash.
// Text copied from a document may carry a typographic dash.
func plainWord(word string) (plain string, dashed bool) {
	dash := func(r rune) bool { return r == '-' || unicode.Is(unicode.Pd, r) || r == '\u2212' }
	dashed = strings.IndexFunc(word, dash) == 0
	return strings.Map(func(r rune) rune {
		if dash(r) || r == '_' {
			return -1
		}
		return unicode.ToLower(r)
	}, clip(word, 64)), dashed
}

// distance counts the letters that are to be added, removed, replaced, or swapped with their neighbour to make b of a.
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	rows := make([][]int, len(s)+1)
	for i := range rows {
		rows[i] = make([]int, len(t)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(s); i++ {
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(s)][len(t)]
}
