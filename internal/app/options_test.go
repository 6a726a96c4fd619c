package app

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
)

// everyOption calls f for each option that is known.
func everyOption(f func(*pflag.Flag)) {
	(&arguments{}).flags().VisitAll(f)
}

// sample returns the option with a valid value.
func sample(flag *pflag.Flag) []string {
	switch {
	case flag.NoOptDefVal != "":
		return []string{"--" + flag.Name}
	case flag.Value.Type() == "number":
		return []string{"--" + flag.Name, "5"}
	}
	return []string{"--" + flag.Name, "x"}
}

// rules CLI-4: a command refuses each known option that it does not use and that the panel does not pass to any command.
func TestEveryKnownOptionIsUsedOrRefused(t *testing.T) {
	for _, r := range commands() {
		for _, name := range append(r.takes(), r.tolerates...) {
			assert.NotNil(t, (&arguments{}).flags().Lookup(name), "%s: there is no option %s", r.name, name)
		}
		everyOption(func(flag *pflag.Flag) {
			a := parseArgs(sample(flag))
			err := r.refuse(a)
			if slices.Contains(panelOptions(), flag.Name) || slices.Contains(r.takes(), flag.Name) || slices.Contains(r.tolerates, flag.Name) {
				assert.NoError(t, err, "%s --%s", r.name, flag.Name)
				return
			}
			failure := fault.From(err)
			if assert.NotNil(t, failure, "%s --%s", r.name, flag.Name) {
				assert.Equal(t, fault.Value, failure.Type)
				assert.Contains(t, failure.Message, "--"+flag.Name+" is not an option of this command")
			}
		})
	}
}

// rules TEXT-1: a format that the command does not offer is refused before anything is done.
func TestAFormatThatIsNotOfferedIsRefusedBeforeAnythingIsDone(t *testing.T) {
	for _, r := range commands() {
		if len(r.formats) == 0 {
			continue
		}
		s := newFixture(t)
		words := []string{"--command", r.name, "--format", "pdf"}
		assert.Equal(t, 1, s.run(words...), r.name)
		kind, text := s.failure(t)
		assert.Equal(t, fault.Value, kind, r.name)
		assert.Equal(t, `--format "pdf" is none of `+strings.Join(r.formats, ", "), text, r.name)
		assert.Empty(t, s.panel.calls, r.name)
	}
}

// The options that the panel passes to each command (docs/reference/billmanager.md §1.4), with the general ones of
// docs/reference/billmanager.md §1.2, are accepted.
func TestThePanelIsNeverRefused(t *testing.T) {
	general := " --lang ru --level 30 --intname positivessl --itemtype certificate --addon 3 --tld com --userid 7 --password --dryrun --email a@b --profileid 9"
	started := " --runningoperation 77 --newoption 5 --dryrun --itm 3 --module 4 --domain a.example --id 5 --searchstring x --emails y"
	for name, words := range map[string]string{
		"features":            "",
		"tune_connection":     "--module 5",
		"check_connection":    "--module 5",
		"approver":            "--module 5 --domain a.example,b.example --intname positivessl",
		"check_param":         "--item 0 --param csr --value --dry-run",
		"get_suitable_module": "",
		"open":                "--item 5" + started,
		"prolong":             "--item 5" + started,
		"reopen":              "--item 5" + started,
		"sync_item":           "--item 5" + started,
		"send_dv_dns":         "--item 5 --domain a.example",
		"send_dv_email":       "--item 5 --emails a@example.com",
		"suspend":             "--item 5" + started,
		"resume":              "--item 5" + started,
		"setparam":            "--item 5" + started,
		"cancel_prolong":      "--item 5",
		"close":               "--item 5" + started,
		"getbalance":          "--module 5",
		"import":              "--module 5 --itemtype certificate --searchstring x",
		"import_pricelist":    "--module 5 --subcommand pricelist --id 5",
	} {
		row, found := commands().find(name)
		require.True(t, found, name)
		a := parseArgs(append([]string{"--command", name}, strings.Fields(words+general)...))
		assert.NoError(t, row.refuse(a), name)
		assert.NoError(t, row.check(a), name)
	}
	for _, words := range []string{"--command import --module 5 --itemtype certificate --searchstring", "--command check_param --item  --param x --value"} {
		row, _ := commands().find(strings.Fields(words)[1])
		assert.NoError(t, row.refuse(parseArgs(append(strings.Split(words, " "), ""))), "the panel's empty values: %s", words)
	}
}

// rules CLI-5: an argument that is similar to a guarded option is an error.
func TestAMisspelledGuardedOptionIsAnError(t *testing.T) {
	for word, meant := range map[string]string{
		"--dryrun": "dry-run", "--dry_run": "dry-run", "--Dry-Run": "dry-run", "--DRY-RUN": "dry-run", "--dry": "dry-run", "--dry=yes": "dry-run",
		"--dryish": "dry-run", "--dr-run": "dry-run", "--drry-runn": "dry-run", "--dy-rn": "dry-run", "-dry-run": "dry-run", "---dry-run": "dry-run",
		"–dry-run": "dry-run", "—dry-run": "dry-run", "dry-run": "dry-run", "dryrun": "dry-run", "--rdy-run": "dry-run",
		"--itm": "item", "--ITEM": "item", "--items": "item", "--itme": "item", "--it-em=3": "item", "--ite": "item", "---item": "item", "item": "item",
		"--modul": "module", "--mdle": "module", "--modules": "module", "--Module=3": "module",
		"--dat": "date", "--Date": "date", "--dates": "date", "-date": "date",
		"--yess": "yes", "--ye": "yes", "--YES": "yes", "--non": "none", "--nome": "none", "--None": "none",
	} {
		a := parseArgs([]string{"--command", "subscription", word})
		require.Len(t, a.suspicious, 1, word)
		assert.Contains(t, a.suspicious[0], "is --"+meant+" meant?", word)
		assert.Empty(t, row{}.suspicious(parseArgs([]string{"--runningoperation", "7", word})), "%s: the panel does not mistype", word)
		assert.Empty(t, row{}.suspicious(parseArgs([]string{word, "--runningoperation", "7"})), word)
		assert.NotEmpty(t, row{}.suspicious(parseArgs([]string{"--runningoperation", "0", word})), word)
	}
	for _, word := range []string{
		"--future", "--newoption", "-x", "stray", "--", "-", "", "--processingnode", "--it", "--ids", "--mod", "--modal-view", "--no", "--update", "--server", "itm", "dry", "dates",
		"--" + strings.Repeat("item", 1000),
	} {
		assert.Empty(t, parseArgs([]string{"--command", "subscription", word}).suspicious, word)
	}
}

// rules CLI-5: a guarded option as the value of another option is an error, unless the command takes it as a text.
func TestAnOptionAsAValueIsSuspicious(t *testing.T) {
	for words, suspicious := range map[string]bool{
		"--future dry-run --item 5":   false,
		"--value --dry-run --param x": false,
		"--password --dry-run":        false,
		"--searchstring --dry-run":    false,
		"--lang --dry-run":            true,
		"--intname --dryrun":          true,
		"--subcommand --yes":          true,
		"--future --dryrun":           true,
		"--item 5 -- --dry-run":       true,
	} {
		found := row{needs: needParam, uses: []string{"searchstring"}}.suspicious(parseArgs(strings.Fields(words)))
		assert.Equal(t, suspicious, len(found) > 0, "%s: %v", words, found)
	}
}

// rules CLI-4: the panel may repeat an option. Only two values of which the command would use one are an error.
func TestCLI4ARepeatedOption(t *testing.T) {
	people := row{name: "act", byHand: true, uses: []string{"item", "period", "dry-run"}}
	operation := row{name: "act", needs: needItem, tries: manyTries, uses: []string{"module", "dry-run"}}
	form := row{name: "act", needs: needIntname, uses: []string{"domain"}, tolerates: formOptions()}
	for name, c := range map[string]struct {
		row   row
		words string
		typed bool
		says  string // empty if the command line is accepted
	}{
		"a form with the same value twice":           {row: form, words: "--module 5 --intname dv --module 5 --intname dv --lang ru --lang ru"},
		"a form with an option that it does not use": {row: form, words: "--intname dv --lang ru --lang en --level 30 --level 16 --userid 7 --userid 8"},
		"a form with one that it tolerates":          {row: form, words: "--intname dv --period 12 --period 24"},
		"a form with pairs":                          {row: form, words: "--intname dv --param a --value b --param c --value d"},
		"a form with two items":                      {row: form, words: "--intname dv --item 3 --item 4", says: "--item is given twice"},
		"a form with two modules":                    {row: form, words: "--intname dv --module 3 -m 4", says: "--module is given twice"},
		"a form with two values that it uses":        {row: form, words: "--intname dv --intname ov", says: "--intname is given twice"},
		"a form with two lists of names":             {row: form, words: "--intname dv --domain a.example --domain b.example", says: "--domain is given twice"},
		"a form that a person types":                 {row: form, words: "--intname dv --lang ru --lang en", typed: true, says: "--lang is given twice"},
		"an operation with the same item":            {row: operation, words: "--item 3 --item 3 --item 03 --runningoperation 7"},
		"an operation with what it does not use":     {row: operation, words: "--item 3 --runningoperation 7 --domain a --domain b --period 12 --period 24"},
		"an operation with two items":                {row: operation, words: "--item 3 --item 4 --runningoperation 7", says: "--item is given twice"},
		"two operations":                             {row: operation, words: "--item 3 --runningoperation 7 --runningoperation 8", says: "--runningoperation is given twice"},
		"a command of the panel with two commands":   {row: operation, words: "--command close --command act --item 3", says: "--command is given twice"},
		"a dry run and none":                         {row: operation, words: "--item 3 --dry-run --dry-run=false", says: "--dry-run is given twice"},
		"people with the same value":                 {row: people, words: "--item 3 --item 3"},
		"people with two items":                      {row: people, words: "--item 3 --item 4", says: "--item is given twice"},
		"people with two languages":                  {row: people, words: "--lang ru --lang en", says: "--lang is given twice"},
		"people with an operation beside":            {row: people, words: "--item 3 --item 4 --runningoperation 7", says: "--item is given twice"},
	} {
		t.Run(name, func(t *testing.T) {
			a := parseArgs(strings.Fields(c.words))
			a.typed = c.typed
			err := c.row.refuse(a)
			if c.says == "" {
				assert.NoError(t, err)
				return
			}
			failure := fault.From(err)
			require.NotNil(t, failure)
			assert.Equal(t, fault.Value, failure.Type)
			assert.Contains(t, failure.Message, c.says+" with different values")
		})
	}
}

// rules CLI-4: an empty value is an absent parameter of the panel, also beside another value.
func TestCLI4AnEmptyValueBesideAnotherDoesNotCount(t *testing.T) {
	for _, words := range [][]string{{"--item", "5", "--item", ""}, {"--item", "", "--item", "5"}, {"--item", "5", "--item", "0"}} {
		a := parseArgs(words)
		assert.EqualValues(t, 5, a.Item, words)
		assert.NoError(t, row{needs: needItem}.refuse(a), words)
		assert.Error(t, row{needs: needItem, byHand: true}.refuse(a), "%s: a person's script has an unset variable", words)
	}
	a := parseArgs([]string{"--intname", "dv", "--intname", ""})
	assert.Equal(t, "dv", a.Intname)
}

// `--item ""` comes from a script with an unset variable. It must not make the command work on every item.
func TestAnEmptyOptionIsRefusedInCommandsForPeople(t *testing.T) {
	for _, words := range [][]string{
		{"--command", "subscription", "--item", ""}, {"--command", "subscription", "--item", "0"}, {"--command", "subscription", "--item="},
		{"--command", "subscription", "--dry-run", "--date", ""}, {"--command", "plan", "--item", "", "--opendate", "2026-01-01", "--period", "12"},
	} {
		s := newFixture(t)
		assert.Equal(t, 1, s.run(words...), words)
		kind, text := s.failure(t)
		assert.Equal(t, fault.Value, kind, words)
		assert.Contains(t, text, "must not be zero or empty", words)
		assert.Empty(t, s.panel.calls, words)
	}
}

// After a refused command line no command runs, and the panel gets no call.
func TestARefusedCommandLineDoesNothing(t *testing.T) {
	for name, words := range map[string]string{
		"an option of another command":  "--item 42 --date 2026-01-01",
		"beside an operation too":       "--item 42 --runningoperation 7 --yes",
		"a misspelled one":              "--item 42 --dryrun",
		"a bad value":                   "--item 4x2 --module 3",
		"nothing that narrows":          "--item 42 --searchstring example.com",
		"in maintenance mode":           "--item 42 --dry_run",
		"both to do and not to":         "--item 42 --dry-run --yes",
		"an option that took another's": "--lang --dry-run --item 42",
	} {
		t.Run(name, func(t *testing.T) {
			s := newFixture(t, row{name: "act", run: answering("done"), needs: needItem, uses: []string{"module"}, tries: manyTries, rollback: true, doNothing: true, deadline: time.Minute})
			s.panel.idle = name == "in maintenance mode"
			assert.Equal(t, 1, s.run(append([]string{"--command", "act"}, strings.Fields(words)...)...))
			kind, _ := s.failure(t)
			assert.Equal(t, fault.Value, kind)
			assert.Empty(t, s.panel.calls)
		})
	}
}

// rules CLI-5: an option that a command does not use takes no --dry-run as its value. What may be any text stays so where it is used.
func TestAnUnusedOptionSwallowsNoOther(t *testing.T) {
	for _, row := range []struct {
		command, option string
		refused         bool
	}{
		{"act", "--param", true}, {"act", "--value", true}, {"act", "--password", false}, {"ask", "--param", false}, {"ask", "--value", false},
	} {
		t.Run(row.command+" "+row.option, func(t *testing.T) {
			ask := plain(answering("hello"))
			ask.name, ask.needs = "ask", needParam
			s := newFixture(t, plain(answering("hello")), ask)
			args := []string{"--command", row.command, row.option, "--dry-run"}
			if row.command == "ask" && row.option == "--value" {
				args = append(args, "--param", "csr")
			}
			assert.Equal(t, map[bool]int{true: 1, false: 0}[row.refused], s.run(args...), s.stdout.String())
		})
	}
}

// rules CLI-5: a person at a terminal who types an option that the module does not have gets an error. Without it the word that was
// meant to only show what would be bought would be ignored.
func TestACommandThatAPersonTypesRefusesUnknownWords(t *testing.T) {
	for name, row := range map[string]struct {
		terminal bool
		args     []string
		refused  bool
	}{
		"a person":                 {true, []string{"--command", "act", "--simulate"}, true},
		"a person with short word": {true, []string{"--command", "act", "-n"}, true},
		"the panel":                {false, []string{"--command", "act", "--simulate"}, false},
		"an operation":             {true, []string{"--command", "act", "--runningoperation", "7", "--simulate"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFixture(t, plain(answering("hello")))
			s.system.Terminal = row.terminal
			code := s.run(row.args...)
			if !row.refused {
				assert.Equal(t, 0, code, s.stderr.String())
				return
			}
			assert.Equal(t, 1, code)
			assert.Contains(t, s.stderr.String(), "is not an option")
			assert.Contains(t, s.stderr.String(), "nothing was done")
		})
	}
}

// Ignored arguments are written to stderr only if that is a terminal: the panel logs stderr.
func TestIgnoredArgumentsAreWrittenToATerminal(t *testing.T) {
	for _, terminal := range []bool{true, false} {
		s := newFixture(t, plain(answering("hello")))
		s.system.StderrTerminal = terminal
		assert.Equal(t, 0, s.run("--command", "act", "--future", "s3cret", "--newest=s3cret", "st\x1b[2Jray"))
		if terminal {
			assert.Equal(t, `pmdouble: ignored unknown arguments: --future --newest "st\x1b[2Jray"`+"\n", s.stderr.String())
		} else {
			assert.Empty(t, s.stderr.String())
		}
		assert.Contains(t, s.log(t), "ignored unknown arguments")
	}
}

// rules CLI-5: --runningoperation excuses what the panel passes to its own commands. A person who copied it from a log has none of
// that excuse: `subscription --runningoperation 7 --dryrun` must not reissue certificates.
func TestRunningOperationExcusesNothingInACommandForPeople(t *testing.T) {
	for name, words := range map[string]string{
		"a misspelled option":           "--runningoperation 7 --dryrun",
		"a word":                        "--runningoperation 7 dry-run",
		"an option that took another's": "--runningoperation 7 --lang --dry-run",
		"two items":                     "--runningoperation 7 --item 42 --item 43",
	} {
		t.Run(name, func(t *testing.T) {
			s := newFixture(t, row{name: "act", run: answering("done"), byHand: true, uses: []string{"item", "dry-run"}, deadline: time.Minute})
			assert.Equal(t, 1, s.run(append([]string{"--command", "act"}, strings.Fields(words)...)...))
			kind, _ := s.failure(t)
			assert.Equal(t, fault.Value, kind)
			assert.Empty(t, s.panel.calls)
		})
	}
}

// rules TEXT-3: the help of a command has no part of an option's text that is about another command.
func TestTheMeaningOfAnOptionIsThatOfItsCommand(t *testing.T) {
	usage := (&arguments{}).flags().Lookup("period").Usage
	assert.Equal(t, "length of the term in months", meaning(usage, "plan"), "a plan has no month by default")
	assert.Equal(t, "the month, YYYY-MM, by default the last one", meaning(usage, "reconcile"))
}

// A newer panel may pass an option that has by chance the name of one for people, as --period of an order. It must not be refused
// because of that: no renewal and no order form would work any more (docs/reference/billmanager.md §1.2).
func TestANewerPanelMayUseTheNamesOfOptionsForPeople(t *testing.T) {
	const chance = " --period 12 --before 3 --opendate 2026-01-01 --mail a@b --dir x --report x --spend x --check --probe --resend"
	for name, words := range map[string]string{
		"features": "", "tune_connection": "", "check_connection": "", "get_suitable_module": "",
		"approver":    "--module 5 --domain a.example --intname positivessl",
		"check_param": "--param csr --value x",
		"prolong":     "--item 5 --runningoperation 7",
		"sync_item":   "--item 5 --runningoperation 7",
	} {
		row, found := commands().find(name)
		require.True(t, found, name)
		a := parseArgs(append([]string{"--command", name}, strings.Fields(words+chance)...))
		assert.NoError(t, row.refuse(a), name)
		assert.NoError(t, row.check(a), name)
	}
	for _, word := range []string{"--dry-run", "--yes", "--none", "--date=2026-01-01"} {
		row, _ := commands().find("sync_item")
		assert.Error(t, row.refuse(parseArgs([]string{"--item", "5", "--runningoperation", "7", word})), "%s changes what a command does", word)
	}
}
