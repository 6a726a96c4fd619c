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

// arguments is the command line, read.
type arguments struct {
	item.Args
	help, version, copyright bool
	password                 string // no command looks at it: the log must know it
	// given are the options that were there, by long name: `--item 0` is something else than no --item.
	given map[string]bool
	// ignored are the options and stray words that nobody here knows. Values are left out: an option that a newer panel
	// invents may carry a password.
	ignored []string
	// shown are the words for the log: those given, with *** for the values of options that nobody here knows.
	shown []string
	// faults are complaints about options that we do know: no value, not a number.
	faults []string
	// order lists the options that were given, by long name, in the order in which they first appear; last has the value
	// that each had last, and empty those whose last value is empty or zero.
	order []string
	last  map[string]string
	empty map[string]bool
	// suspicious are complaints about words that are probably one of our options, misspelled or misplaced. They do not
	// count beside --runningoperation: the panel makes no such mistakes (rules CLI-5).
	suspicious []string
}

// parseArgs reads the words after the program's name (docs/reference/billmanager.md §1.2). It never fails as a whole:
// what is wrong with known options is in faults, what is unknown in ignored (rules CLI-1).
func parseArgs(words []string) *arguments {
	a := &arguments{given: map[string]bool{}, last: map[string]string{}, empty: map[string]bool{}}
	flags := a.flags()
	known := a.sort(flags, words)
	if err := flags.Parse(known); err != nil {
		a.faults = append(a.faults, err.Error())
	}
	flags.Visit(func(f *pflag.Flag) { a.given[f.Name] = true })
	if a.Operation > 0 {
		a.suspicious = nil
	}
	return a
}

// flags returns the one list of options: parsing and --help come from it.
func (a *arguments) flags() *pflag.FlagSet {
	f := pflag.NewFlagSet("module", pflag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.SortFlags = false
	f.StringVarP(&a.Command, "command", "c", "", "what to do, see above")
	f.StringVar(&a.Subcommand, "subcommand", "", "import_pricelist: available, pricelist or itemtype")
	f.VarP(a.number("item", &a.Item), "item", "i", "id of the item (item.id)")
	f.VarP(a.number("module", &a.Module), "module", "m", "id of the processing module (processingmodule.id)")
	f.Var(a.number("runningoperation", &a.Operation), "runningoperation", "id of the running operation")
	f.StringVar(&a.Intname, "intname", "", "template of the tariff (pricelist.intname)")
	f.StringVar(&a.Domain, "domain", "", "domain name, or several with commas between them")
	f.StringVar(&a.Emails, "emails", "", "send_dv_email: addresses with commas between them, in the order of the names")
	f.StringVarP(&a.ItemType, "itemtype", "t", "", "import: type of the items, certificate")
	f.StringVar(&a.Search, "searchstring", "", "import: names, blanks or backslashes between them; all without")
	f.StringVarP(&a.Lang, "lang", "l", "", "language of the caller")
	f.Var(level{a}, "level", "access level of the caller")
	f.StringVar(&a.ID, "id", "", "id at the seller; import_pricelist: number of the tariff")
	f.StringArrayVar(&a.Params, "param", nil, "name of a parameter, pairs with --value")
	f.StringArrayVar(&a.Values, "value", nil, "its value")
	f.BoolVar(&a.None, "none", false, "resolve: nothing was bought")
	f.BoolVar(&a.Yes, "yes", false, "resolve: do it instead of only showing it")
	f.BoolVar(&a.DryRun, "dry-run", false, "show what would be bought, sent or changed, and do nothing")
	f.BoolVar(&a.Resend, "resend", false, "subscription: write to the client of --item again, told or not")
	f.StringVar(&a.Date, "date", "", "subscription: simulate this day, YYYY-MM-DD, with --dry-run")
	f.StringVar(&a.OpenDate, "opendate", "", "plan: first day of the term, YYYY-MM-DD, where no item is meant")
	f.StringVar(&a.Period, "period", "", "plan: its months")
	f.StringVar(&a.Before, "before", "", "plan: days before its end on which a certificate is reissued, 0 to 200")
	f.StringVar(&a.Format, "format", "", "plan: text, xml or svg; text on a terminal, else xml. probe: text or xml")
	f.BoolVarP(&a.help, "help", "h", false, "this text")
	f.BoolVarP(&a.version, "version", "V", false, "version and commit")
	f.BoolVarP(&a.copyright, "copyright", "T", false, "name of the product")
	a.unused(f)
	return f
}

// unused declares the panel's options that no command looks at. They are known so that they take their value even where
// it begins with `-`, as a password may.
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

// sort parts what we know from what we do not. pflag's own tolerance for unknown options does not name them and takes
// `-xy value` for two options with a value each, so only plain `--name=value` words are left for it.
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
			a.note(flag, value)
			known = append(known, "--"+flag.Name+"="+value)
		case flag.NoOptDefVal != "":
			a.note(flag, flag.NoOptDefVal)
			known = append(known, "--"+flag.Name)
		case next:
			i++
			a.note(flag, words[i])
			a.swallowed(flag, words[i])
			known = append(known, "--"+flag.Name+"="+words[i])
		default:
			a.faults = append(a.faults, "option --"+flag.Name+" has no value")
		}
	}
	return known
}

// unknownRest notes the words from "--" on, which name no options.
func (a *arguments) unknownRest(words []string) {
	a.ignored = append(a.ignored, words...)
	for _, rest := range words[1:] {
		a.unknown(rest)
	}
}

// unknownOption notes an option that is not ours and returns it as it may be shown: its value may be a secret.
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

// bareOption returns the word of an unknown option without the value that it may carry. What is joined to a single letter
// may be one.
func bareOption(word string) string {
	if strings.HasPrefix(word, "--") {
		name, _, _ := strings.Cut(word, "=")
		return name
	}
	_, letter := utf8.DecodeRuneInString(word[1:])
	return word[:1+letter]
}

// lookUp finds the option of a word, and its value where the word brings it: --item=5, -i=5, -i5.
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
		return nil, "", false // -hV: switches are not joined
	}
	return flag, rest, true
}

// number is an id of the panel: a whole number without sign. An empty value counts as absent, as the panel's empty
// parameters do (docs/reference/billmanager.md §15).
type number struct {
	option string
	value  *int64
	faults *[]string
}

func (a *arguments) number(option string, value *int64) number {
	return number{option, value, &a.faults}
}

// Set implements pflag.Message. It notes a bad number instead of failing, so that all of them are reported at once.
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

// String implements pflag.Message.
func (n number) String() string { return "" }

// Type implements pflag.Message.
func (n number) Type() string { return "number" }

// level is the caller's level; the panel's own numbers have gaps, so any number will do.
type level struct{ a *arguments }

// Set implements pflag.Message.
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

// String implements pflag.Message.
func (l level) String() string { return "" }

// Type implements pflag.Message.
func (l level) Type() string { return "number" }
