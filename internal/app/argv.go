package app

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/pflag"

	"pmssl/internal/item"
)

// arguments is the parsed command line.
type arguments struct {
	item.Args
	help, version, copyright bool
	password                 string // unused by the commands; kept so that the log masks it
	// given has the long names of the options that were given: `--item 0` is not the same as no --item.
	given map[string]bool
	// ignored lists the unknown options and arguments that are not options. It has no values: those of unknown options may
	// be secret.
	ignored []string
	// shown is the command line for the log, with *** instead of the values of unknown options.
	shown []string
	// faults has a text for each known option with a bad value: absent, not a number.
	faults []string
	// order lists the long names of the given options in the order in which they first appear. value has the first value of
	// each that is neither empty nor zero, empty the names of those with one that is, and contradicted the names of those with
	// different values.
	order        []string
	value        map[string]string
	empty        map[string]bool
	contradicted []string
	// suspicious has a text for each argument that is probably a misspelled or misplaced option (row.suspicious). swallowedBy has the same
	// by the name of an option whose value may be any text.
	suspicious  []string
	swallowedBy map[string]string
	// typed is true if a person has typed the command: stdout is a terminal, which the panel has not, and no operation is named.
	typed bool
}

// parseArgs parses the arguments after the program's name (docs/reference/billmanager.md §1.2). It returns no error: problems
// with known options are in faults, unknown arguments in ignored (rules CLI-1).
func parseArgs(words []string) *arguments {
	a := &arguments{given: map[string]bool{}, value: map[string]string{}, empty: map[string]bool{}, swallowedBy: map[string]string{}}
	flags := a.flags()
	known := a.sort(flags, words)
	if err := flags.Parse(known); err != nil {
		a.faults = append(a.faults, err.Error())
	}
	flags.Visit(func(f *pflag.Flag) { a.given[f.Name] = true })
	return a
}

// flags returns the options; parsing and --help use it.
func (a *arguments) flags() *pflag.FlagSet {
	f := pflag.NewFlagSet("module", pflag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.SortFlags = false
	f.StringVarP(&a.Command, "command", "c", "", "command to run")
	f.StringVar(&a.Subcommand, "subcommand", "", "import_pricelist: available, pricelist or itemtype")
	f.VarP(a.number("item", &a.Item), "item", "i", "id of the item (item.id)")
	f.VarP(a.number("module", &a.Module), "module", "m", "id of the processing module (processingmodule.id)")
	f.Var(a.number("runningoperation", &a.Operation), "runningoperation", "id of the running operation")
	f.StringVar(&a.Intname, "intname", "", "template of the tariff (pricelist.intname)")
	f.StringVar(&a.Domain, "domain", "", "domain name, or several separated by commas")
	f.StringVar(&a.Emails, "emails", "", "send_dv_email: addresses separated by commas, in the order of the names")
	f.StringVarP(&a.ItemType, "itemtype", "t", "", "import: type of the items, certificate")
	f.StringVar(&a.Search, "searchstring", "", "import: domain names separated by blanks or backslashes; all if absent")
	f.StringVarP(&a.Lang, "lang", "l", "", "language of the caller")
	f.Var(level{a}, "level", "access level of the caller")
	f.StringVar(&a.ID, "id", "", "id at the seller; import_pricelist: number of the tariff")
	f.StringArrayVar(&a.Params, "param", nil, "name of a parameter, followed by its --value")
	f.StringArrayVar(&a.Values, "value", nil, "value of the parameter")
	f.BoolVar(&a.None, "none", false, "resolve: nothing was bought")
	f.BoolVar(&a.Yes, "yes", false, "apply the result instead of only showing it")
	f.BoolVar(&a.DryRun, "dry-run", false, "show what would be bought, sent or changed, without doing it")
	f.BoolVar(&a.Resend, "resend", false, "subscription: notify the client of --item even if it was notified before")
	f.StringVar(&a.Date, "date", "", "subscription: simulate this day, YYYY-MM-DD; needs --dry-run")
	f.StringVar(&a.OpenDate, "opendate", "", "plan: first day of the term, YYYY-MM-DD, instead of --item")
	f.StringVar(&a.Period, "period", "", "plan: length of the term in months; reconcile: the month, YYYY-MM, by default the last one")
	f.StringVar(&a.Before, "before", "", "plan: days before its end at which a certificate is reissued, 0 to 200")
	f.StringVar(&a.Format, "format", "", "format of the answer; by default text on a terminal, else xml")
	f.BoolVar(&a.Probe, "probe", false, "doctor: write one test record or file for --item, look for it and remove it")
	f.StringVar(&a.Mail, "mail", "", "doctor: send a test mail to this address")
	f.StringVar(&a.Dir, "dir", "", "notices: folder for the files; it is made if only the folder itself is missing")
	f.BoolVar(&a.Check, "check", false, "status: one line and the exit code of a monitoring plugin")
	f.StringVar(&a.Spend, "spend", "", "acceptance: product that may be paid for at a seller without a sandbox; it must be the product of --item")
	f.StringVar(&a.Report, "report", "", "acceptance: file for the report, by default one below var/")
	f.BoolVarP(&a.help, "help", "h", false, "show the commands, or the options and an example of one command")
	f.BoolVarP(&a.version, "version", "V", false, "show version and commit")
	f.BoolVarP(&a.copyright, "copyright", "T", false, "show the name of the product")
	a.unused(f)
	return f
}

// unused declares the options of the panel that no command uses, so that their values are recognised even if they begin
// with `-`, as a password may.
func (a *arguments) unused(f *pflag.FlagSet) {
	f.StringP("addon", "a", "", "")
	f.Lookup("addon").Hidden = true
	f.StringVar(&a.password, "password", "", "")
	f.Lookup("password").Hidden = true
	for _, name := range []string{"tld", "userid", "email", "profileid"} {
		f.String(name, "", "")
		f.Lookup(name).Hidden = true
	}
}

// sort separates known options from unknown arguments and returns the known ones as `--name=value`. pflag's option to ignore
// unknown flags does not report them, and it reads `-xy value` as two options with a value each.
func (a *arguments) sort(flags *pflag.FlagSet, words []string) []string {
	var known []string
	a.shown = slices.Clone(words)
	for i := 0; i < len(words); i++ {
		word := words[i]
		if word == "--" {
			a.unknownRest(words[i:])
			break
		}
		if len(word) < 2 || word[0] != '-' {
			a.ignored = append(a.ignored, word)
			a.unknown(word)
			continue
		}
		flag, value, attached := lookUp(flags, word)
		next := i+1 < len(words)
		switch {
		case flag == nil:
			a.shown[i] = a.unknownOption(word)
			if !attached && next && !strings.HasPrefix(words[i+1], "-") {
				i++
				a.shown[i] = "***"
			}
		case attached:
			known = a.note(known, flag, value)
		case flag.NoOptDefVal != "":
			known = a.note(known, flag, flag.NoOptDefVal)
		case next:
			i++
			a.swallowed(flag, words[i])
			known = a.note(known, flag, words[i])
		default:
			a.faults = append(a.faults, "option --"+flag.Name+" has no value")
		}
	}
	return known
}

// unknownRest records the arguments from "--" on, which are not options.
func (a *arguments) unknownRest(words []string) {
	a.ignored = append(a.ignored, words...)
	for _, rest := range words[1:] {
		a.unknown(rest)
	}
}

// unknownOption records an unknown option and returns it for the log, without its value, which may be a secret.
func (a *arguments) unknownOption(word string) string {
	name := bareOption(word)
	a.ignored = append(a.ignored, name)
	a.unknown(word)
	switch rest := word[len(name):]; {
	case strings.HasPrefix(rest, "="):
		return name + "=***"
	case rest != "":
		return name + "***"
	}
	return word
}

// bareOption returns an unknown option without a value that is attached to it: after "=", or after a single letter.
func bareOption(word string) string {
	if strings.HasPrefix(word, "--") {
		name, _, _ := strings.Cut(word, "=")
		return name
	}
	_, letter := utf8.DecodeRuneInString(word[1:])
	return word[:1+letter]
}

// lookUp returns the option of an argument and the value that is attached to it: --item=5, -i=5, -i5. flag is nil if the
// option is unknown.
func lookUp(flags *pflag.FlagSet, word string) (flag *pflag.Flag, value string, attached bool) {
	if long, ok := strings.CutPrefix(word, "--"); ok {
		name, value, attached := strings.Cut(long, "=")
		return flags.Lookup(name), value, attached
	}
	flag, rest := flags.ShorthandLookup(word[1:2]), word[2:]
	switch value, attached = strings.CutPrefix(rest, "="); {
	case flag == nil:
		return nil, "", strings.Contains(word, "=")
	case rest == "", attached:
		return flag, value, attached
	case flag.NoOptDefVal != "":
		return nil, "", false // -hV: joined switches are not supported
	}
	return flag, rest, true
}

// number is the value of an option that is an id of the panel, a whole number without sign. An empty value counts as absent,
// like the panel's empty parameters (docs/reference/billmanager.md §15).
type number struct {
	option string
	value  *int64
	faults *[]string
}

func (a *arguments) number(option string, value *int64) number {
	return number{option, value, &a.faults}
}

// Set implements pflag.Value. It records a bad number in faults instead of returning an error, so that all are reported at
// once.
func (n number) Set(text string) error {
	if text == "" {
		*n.value = 0
		return nil
	}
	value, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		*n.faults = append(*n.faults, fmt.Sprintf("--%s %q is not a positive whole number", n.option, clip(text, 64)))
		return nil
	}
	*n.value = int64(value)
	return nil
}

// String implements pflag.Value.
func (n number) String() string { return "" }

// Type implements pflag.Value.
func (n number) Type() string { return "number" }

// level is the value of --level, the access level of the caller. Any number is accepted.
type level struct{ a *arguments }

// Set implements pflag.Value.
func (l level) Set(text string) error {
	if text == "" {
		l.a.Level = 0
		return nil
	}
	value, err := strconv.Atoi(text)
	if err != nil {
		l.a.faults = append(l.a.faults, fmt.Sprintf("--level %q is not a whole number", clip(text, 64)))
		return nil
	}
	l.a.Level = value
	return nil
}

// String implements pflag.Value.
func (l level) String() string { return "" }

// Type implements pflag.Value.
func (l level) Type() string { return "number" }
