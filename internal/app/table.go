package app

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/seller"
)

// row is one command: everything that the app knows about it. Dispatch, `features`, --help, the checks of the
// arguments and docs/commands.md are made from rows and from nothing else (rules ARCH-12).
type row struct {
	name  string
	about string // one line for people
	run   item.Func
	needs need
	// uses lists the further options that the command honours, by long name; tolerates those that the panel may pass to a
	// form's command although it does no work that they could narrow. Every other option is refused (rules CLI-4).
	uses      []string
	tolerates []string
	byHand    bool // people start it, not the panel
	confirm   bool // without --yes it is a dry run
	// alone reports whether the command, with these arguments, needs neither the panel's root nor a log; nil for never.
	alone   func(*arguments) bool
	reads   input
	feature feature
	// doNothing: exits 0 at once while etc/billmgr.DoNothing exists (docs/reference/billmanager.md §1.5, rules PANEL-3).
	doNothing bool
	buys      bool // may spend money
	// tries is how often the panel may run the operation before it becomes manual (docs/reference/billmanager.md §1.6).
	tries int
	// refusals is the same for a run that was refused, which no further run mends; 0 if that makes no difference. prolong
	// has one: the framework's limit of one is meant for it (docs/reference/billmanager.md §1.6, rules BUY-22).
	refusals int
	// repeats: what passes by itself is tried again within the run's deadline, as long as nothing may have been bought.
	repeats  bool
	deadline time.Duration // for the whole run
	failsAs  string        // every failure gets this type; empty where each keeps its own
	rollback bool          // a failure takes the change of the tariff back (docs/reference/billmanager.md §1.6, setparam)
}

// table is the commands in the order in which people read them.
type table []row

// find looks a command up by its name; false if absent.
func (t table) find(name string) (row, bool) {
	for _, r := range t {
		if r.name == name {
			return r, true
		}
	}
	return row{}, false
}

// names returns all commands, for texts.
func (t table) names() string {
	names := make([]string, len(t))
	for i, r := range t {
		names[i] = r.name
	}
	return strings.Join(names, ", ")
}

// need is a set of arguments that a command cannot do without.
type need uint

const (
	needItem need = 1 << iota
	needModule
	needIntname
	needDomain
	needOutcome // --id or --none
	needTerm    // --item or --opendate
	needEmails
	needItemType
	needParam
	needSubcommand
)

// options returns the words of the set for people.
func (n need) options() []string {
	var words []string
	for _, one := range requirements() {
		if n&one.bit != 0 {
			words = append(words, one.option)
		}
	}
	return words
}

type requirement struct {
	bit    need
	option string
	met    func(*arguments) bool
}

func requirements() []requirement {
	return []requirement{
		{needItem, "--item", func(a *arguments) bool { return a.Item > 0 }},
		{needModule, "--module", func(a *arguments) bool { return a.Module > 0 }},
		{needIntname, "--intname", func(a *arguments) bool { return a.Intname != "" }},
		{needDomain, "--domain", func(a *arguments) bool { return a.Domain != "" }},
		{needEmails, "--emails", func(a *arguments) bool { return a.Emails != "" }},
		{needItemType, "--itemtype", func(a *arguments) bool { return a.ItemType != "" }},
		{needParam, "--param", func(a *arguments) bool { return len(a.Params) > 0 }},
		{needSubcommand, "--subcommand", func(a *arguments) bool { return a.Subcommand != "" }},
		// A bad --item was meant as one: nothing else is missing then.
		{needTerm, "--item or --opendate", func(a *arguments) bool {
			return a.Item > 0 || a.OpenDate != "" || complained(a.faults, "--item")
		}},
		{needOutcome, "--id or --none", func(a *arguments) bool { return a.ID != "" || a.None }},
	}
}

// names lists the long names of the requirement's options.
func (r requirement) names() []string {
	return strings.Split(strings.ReplaceAll(r.option, "--", ""), " or ")
}

// check holds the arguments against the row. All that is wrong is reported at once: bad values as Value, otherwise
// what is missing as Missed.
func (r row) check(a *arguments) error {
	problems := append([]string(nil), a.faults...)
	var missing []string
	for _, one := range requirements() {
		if r.needs&one.bit == 0 || one.met(a) || complained(a.faults, one.option) {
			continue
		}
		name := strings.TrimPrefix(one.option, "--")
		if a.given[name] {
			problems = append(problems, one.option+" must not be zero or empty")
			continue
		}
		missing = append(missing, one.option)
	}
	if len(missing) > 0 {
		problems = append(problems, "missing "+strings.Join(missing, ", "))
	}
	switch {
	case len(problems) == 0:
		return nil
	case len(problems) == 1 && len(missing) > 0:
		return fault.Errorf(fault.Missed, strings.TrimPrefix(missing[0], "--"), "command %s: %s", r.name, problems[0])
	}
	return fault.Errorf(fault.Value, "argv", "command %s: %s", r.name, strings.Join(problems, "; "))
}

// complained reports whether the option's value was already found bad, so that it is not called missing as well.
func complained(faults []string, option string) bool {
	for _, f := range faults {
		if strings.HasPrefix(f, option+" ") || strings.HasPrefix(f, "option "+option+" ") {
			return true
		}
	}
	return false
}

// input is what a command reads from stdin. Item commands read nothing: their stdin may be a pipe that nobody closes
// (docs/reference/billmanager.md §1.1).
type input int

const (
	readsNothing input = iota
	readsDocument
	readsText
	readsAny // a document, or nothing at all
)

// String returns the word for the documentation table.
func (i input) String() string {
	switch i {
	case readsDocument:
		return "document"
	case readsText:
		return "text"
	case readsAny:
		return "document or nothing"
	}
	return "-"
}

// feature reports whether `features` names the command. The zero value means never: what every module can do need not be
// listed (docs/reference/billmanager.md §2).
type feature struct {
	words string // for the documentation table
	has   func(seller.Info) bool
}

func always() feature {
	return feature{"yes", func(seller.Info) bool { return true }}
}

// power returns a feature of sellers that satisfy the optional interface P.
func power[P any](words string) feature {
	return feature{words, func(t seller.Info) bool {
		_, ok := t.Prototype.(P)
		return ok
	}}
}

func withApprovers() feature {
	return power[seller.ApproverLister]("where the seller lists approvers")
}

func withBalance() feature {
	return power[seller.BalanceReporter]("where the seller tells the balance")
}

func withCertificates() feature {
	return power[seller.CertificateLister]("where the seller lists certificates")
}

func withPrices() feature {
	return power[seller.PriceLister]("where the seller lists prices")
}

func withRetries() feature {
	return power[seller.ChallengeRetrier]("where the seller looks at a proof again")
}

func withNotices() feature {
	return power[seller.ApprovalSender]("where the seller sends letters again")
}

func withForm() feature {
	return feature{"where the form has choices or defaults", func(t seller.Info) bool {
		return t.AddressParam != "" || slices.ContainsFunc(t.Params, func(p seller.Param) bool { return p.Default != "" })
	}}
}

// offered reports whether the seller.Info's `features` name the row.
func (r row) offered(t seller.Info) bool { return r.feature.has != nil && r.feature.has(t) }

// Markdown is docs/commands.md: the table of commands as the code has it. It ends with a newline.
func Markdown() string { return commands().markdown() }

func (t table) markdown() string {
	var b strings.Builder
	b.WriteString("# Commands\n\n")
	b.WriteString("Made from the command table in `internal/app`; a test keeps the two in step.\n\n")
	b.WriteString("| command | what it does | needs | also takes | stdin | in `features` | skipped while DoNothing | may spend money | runs before manual | deadline |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|---|---|\n")
	for _, r := range t {
		tries := "-"
		if r.tries > 0 {
			tries = fmt.Sprint(r.tries)
		}
		if r.refusals > 0 {
			tries += fmt.Sprintf(", %d if refused", r.refusals)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", r.name, r.about,
			dash(strings.Join(r.needs.options(), ", ")), dash(listed(r.uses)), r.reads, dash(r.feature.words),
			yesNo(r.doNothing), yesNo(r.buys), tries, r.deadline)
	}
	b.WriteString(optionRules())
	return b.String()
}

// optionRules returns the text below the table.
func optionRules() string {
	return "\n## Options\n\n" +
		"A command refuses every option that it neither needs nor takes: an error of type `value`, exit code 1, nothing is done. Exceptions:\n\n" +
		"- The panel may pass " + options(shown(panelOptions())) + " to any command. A command that has no use for them ignores them.\n" +
		"- The commands that answer a form (`features`, `tune_connection`, `check_connection`, `approver`, `check_param`, `get_suitable_module`) " +
		"also ignore --item and --module: they work on no item.\n" +
		"- Beside --runningoperation the commands for one item ignore " + options(narrowing()) + " where they have no use for them.\n\n" +
		"An unknown option is ignored together with its value, because a newer panel may pass one. Without --runningoperation it is an error, too, " +
		"where it is near one of " + options(guarded()) + " (the same but for case, `-` or `_`; one letter apart for words of less than six letters, " +
		"two for longer ones) or begins with --dry. What is ignored is named on stderr if that is a terminal, and in the log at level 6.\n"
}

// shown leaves out the options that need no explanation.
func shown(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return slices.Contains([]string{"command", "help", "version", "copyright"}, name)
	})
}

// listed joins option names for a table; empty if there are none.
func listed(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return options(names)
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func yesNo(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}
