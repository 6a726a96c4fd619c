package app

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/pflag"

	"pmssl/internal/fault"
)

// panelOptions returns the options that the panel may pass to any command (docs/reference/billmanager.md §1.2). None of them
// limits what a command works on, so a command that does not use one ignores it (rules CLI-4).
func panelOptions() []string {
	return []string{
		"command", "subcommand", "lang", "level", "runningoperation", "intname", "itemtype", "param", "value",
		"addon", "tld", "userid", "password", "email", "profileid", "help", "version", "copyright",
	}
}

// narrowing returns the panel's options that limit what a command works on. A command uses them or refuses them.
func narrowing() []string {
	return []string{"item", "module", "domain", "emails", "id", "searchstring"}
}

// harmless returns the options of commands for people that would change nothing about what another command does. --format is not
// among them: it is the form of the answer.
func harmless() []string {
	return []string{"period", "before", "opendate", "mail", "dir", "report", "spend", "check", "probe", "resend"}
}

// takes returns the options that the command uses, the required ones first.
func (r row) takes() []string {
	var names []string
	for _, one := range requirements() {
		if r.needs&one.bit != 0 {
			names = append(names, one.names()...)
		}
	}
	return append(names, r.optional()...)
}

// optional returns the options that the command uses and does not require.
func (r row) optional() []string {
	if len(r.formats) == 0 {
		return r.uses
	}
	return append(slices.Clone(r.uses), "format")
}

// accepts reports whether the option may be given with the command.
func (r row) accepts(a *arguments, name string) bool {
	switch {
	case slices.Contains(panelOptions(), name), slices.Contains(r.takes(), name), slices.Contains(r.tolerates, name):
		return true
	case r.tries > 0 && a.Operation > 0:
		// The panel started the operation for one item, so further options limit nothing. A newer panel must not be refused
		// because of them.
		return slices.Contains(narrowing(), name) || slices.Contains(harmless(), name)
	}
	return false
}

// refuse returns a fault of type value if an option was given that the command does not use, or one that is probably
// misspelled (rules CLI-4, CLI-5). It is checked before anything is done and reported on stdout and in the log only.
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
	problems = append(problems, r.contradictions(a)...)
	problems = append(problems, r.suspicious(a)...)
	if r.byHand {
		problems = append(problems, a.blank()...)
	}
	if r.byHand || a.typed {
		problems = append(problems, r.unknown(a)...)
	}
	if a.Yes && a.given["dry-run"] {
		problems = append(problems, "--yes and --dry-run contradict each other")
	}
	if len(problems) == 0 {
		return nil
	}
	return fault.Errorf(fault.Value, "argv", "command %s: %s; nothing was done", r.name, strings.Join(problems, "; "))
}

// suspicious returns a text for each argument that is probably a misspelled or misplaced option. The panel, which passes
// --runningoperation, makes no such mistakes in its own commands (rules CLI-5).
func (r row) suspicious(a *arguments) []string {
	if a.Operation > 0 && !r.byHand {
		return nil
	}
	problems := slices.Clone(a.suspicious)
	for _, name := range literal() {
		if text := a.swallowedBy[name]; text != "" && !r.takesText(name) {
			problems = append(problems, text)
		}
	}
	return problems
}

// takesText reports whether the command uses the text of an option whose value may be any text, or the panel may pass a password, which
// may look like an option.
func (r row) takesText(name string) bool {
	return name == "password" || slices.Contains(r.takes(), name) || name == "value" && slices.Contains(r.takes(), "param")
}

// unknown returns a text for each argument that is no option. A command for people refuses it, and so does every command that a person
// types (rules CLI-5): no newer panel passes it, a plan for another lead than the one that was meant looks right, and an open with a word
// that was meant to only show it would buy. A word is not shown, because it may be a value.
func (r row) unknown(a *arguments) []string {
	var problems []string
	words := false
	for _, name := range a.ignored {
		if _, near := nearOption(name); near {
			continue // in suspicious
		}
		if !strings.HasPrefix(name, "-") {
			words = true
			continue
		}
		problems = append(problems, strings.TrimSuffix(clip(name, 64)+" is not an option; "+didYouMean(similar(name, r.takes()), "--"), "; "))
	}
	if words {
		problems = append(problems, "there is a word that is neither an option nor the value of one")
	}
	return problems
}

// options returns the option names as a text: "--item, --module".
func options(names []string) string {
	if len(names) == 0 {
		return "no option of its own"
	}
	return "--" + strings.Join(names, ", --")
}

// blank returns a text for each option that was given an empty value. The panel passes empty values for absent parameters;
// in a person's script the cause is an unset variable, and `--item ""` must not make the command work on every item.
func (a *arguments) blank() []string {
	var problems []string
	for _, name := range a.order {
		if a.empty[name] && !slices.Contains(panelOptions(), name) {
			problems = append(problems, "--"+name+" must not be zero or empty")
		}
	}
	return problems
}

// note records a given option for refuse and appends it to the known ones as `--name=value`. An empty value beside another one
// does not count, as the panel's empty parameters do not (docs/reference/billmanager.md §15).
func (a *arguments) note(known []string, flag *pflag.Flag, value string) []string {
	name := flag.Name
	number := flag.Value.Type() == "number"
	empty := value == "" || number && strings.Trim(value, "0") == ""
	repeated := slices.Contains(a.order, name)
	if !repeated {
		a.order = append(a.order, name)
	}
	if empty {
		a.empty[name] = true
		if repeated && !repeatable(flag) {
			return known
		}
		return append(known, "--"+name+"="+value)
	}
	plain := value
	if number {
		plain = strings.TrimLeft(value, "0")
	}
	if first, valued := a.value[name]; !valued {
		a.value[name] = plain
	} else if first != plain && !repeatable(flag) && !slices.Contains(a.contradicted, name) {
		a.contradicted = append(a.contradicted, name)
	}
	return append(known, "--"+name+"="+value)
}

// repeatable reports whether an option may be given more than once. Options that no command uses may.
func repeatable(flag *pflag.Flag) bool {
	return flag.Value.Type() == "stringArray" || flag.Hidden
}

// decisive returns the options that say what a run is about: whoever gives two values of one has made a mistake, whatever the command.
func decisive() []string { return []string{"command", "item", "module", "runningoperation"} }

// contradictions returns a text for each option that was given with different values of which the command would use one. The panel
// may repeat an option that the command does not use; a person may not.
func (r row) contradictions(a *arguments) []string {
	var problems []string
	for _, name := range a.contradicted {
		if r.byHand || a.typed || slices.Contains(decisive(), name) || slices.Contains(r.takes(), name) {
			problems = append(problems, "--"+name+" is given twice with different values")
		}
	}
	return problems
}

// literal returns the options whose value may be any text, such as a form's field or a password, even the name of an option.
func literal() []string {
	return []string{"param", "value", "password", "searchstring", "domain", "emails"}
}

// swallowed records an option whose value is the name of a guarded option. In `--lang --dry-run` the value of --lang is
// missing, and without this check the command would act instead of showing what it would do.
func (a *arguments) swallowed(flag *pflag.Flag, value string) {
	if !strings.HasPrefix(value, "-") {
		return
	}
	if _, near := nearOption(value); !near {
		return
	}
	text := fmt.Sprintf("--%s has no value: %s follows it", flag.Name, clip(value, 64))
	if slices.Contains(literal(), flag.Name) {
		a.swallowedBy[flag.Name] = text
		return
	}
	a.suspicious = append(a.suspicious, text)
}

// unknown records an unknown argument that is probably a misspelled guarded option.
func (a *arguments) unknown(word string) {
	name, _, _ := strings.Cut(word, "=")
	if meant, near := nearOption(name); near {
		a.suspicious = append(a.suspicious, fmt.Sprintf("%q is not an option, is --%s meant?", clip(name, 64), meant))
	}
}

// guarded returns the options whose misspelling must not be ignored: without them a command does more than the caller wants.
func guarded() []string { return []string{"dry-run", "item", "module", "date", "yes", "none"} }

// nearOption returns the guarded option that is similar to the word (rules CLI-5); false if there is none.
func nearOption(word string) (option string, near bool) {
	plain, dashed := plainWord(word)
	if plain == "" {
		return "", false
	}
	for _, option := range guarded() {
		target, _ := plainWord(option)
		limit := 0 // a word without a dash may be the value of an unknown option
		if dashed {
			limit = tolerance(target)
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

// plainWord returns the word in lower case without dashes, hyphens and underscores, and whether it began with a dash. Text
// that was copied from a document may contain a typographic dash.
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

// distance returns the number of edits that turn a into b: a letter added, removed, replaced, or swapped with its neighbour.
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
