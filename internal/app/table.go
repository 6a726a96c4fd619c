package app

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/seller"
)

// row describes one command. Dispatch, `features`, --help, the checks of the arguments and docs/commands.md use only what
// the rows say (rules ARCH-12).
type row struct {
	name  string
	about string // one line for people
	// example is a command line of the command, without the program and --command; empty if the command takes no option.
	example string
	run     item.Func
	needs   need
	// uses lists the long names of the further options that the command uses. tolerates lists those that it ignores because
	// the panel may pass them. Every other option is refused (rules CLI-4).
	uses      []string
	tolerates []string
	// formats lists the formats of the answer that --format can ask for; empty if the command does not take --format.
	formats []string
	byHand  bool // started by people, not by the panel
	confirm bool // without --yes it is a dry run
	// readsOnly is true for a command that changes nothing: it runs as a dry run, so its failure is not reported to the panel.
	readsOnly bool
	// sellerReadOnly is true if the seller's client sends only what reads, with --yes too (rules MIGRATE-1).
	sellerReadOnly bool
	// alone reports whether the command, with these arguments, needs neither the panel's root nor a log; nil for never.
	alone func(*arguments) bool
	// immediate is true if the command computes its answer from what is in the program: it needs no deadline, and a signal may end
	// it at any time.
	immediate bool
	reads     input
	feature   feature
	// doNothing is true if the command exits at once with 0 while etc/billmgr.DoNothing exists
	// (docs/reference/billmanager.md §1.5, rules PANEL-3).
	doNothing bool
	buys      bool // may spend money
	several   bool // works on several items at once (item.Run.Worker)
	observed  bool // its run gets what it exchanges with seller and panel (item.Run.Recorder)
	// tries is the number of failed runs after which the operation becomes manual (docs/reference/billmanager.md §1.6).
	tries int
	// refusals replaces tries after a failure that the next run cannot change; 0 to use tries. Only prolong sets it, to the
	// framework's limit of one (docs/reference/billmanager.md §1.6, rules BUY-22).
	refusals int
	// repeats is true if the command is run again within its deadline after a temporary failure, unless something may have
	// been bought.
	repeats  bool
	deadline time.Duration // for the whole run; 0 for none
	failsAs  string        // type of every failure; empty if failures keep their own
	rollback bool          // a failure undoes the change of the tariff (docs/reference/billmanager.md §1.6, setparam)
}

// table lists the commands in the order of --help and docs/commands.md.
type table []row

// find returns the row of the command; false if there is none.
func (t table) find(name string) (row, bool) {
	for _, r := range t {
		if r.name == name {
			return r, true
		}
	}
	return row{}, false
}

// isPlugin reports whether the command answers like a monitoring plugin with these arguments.
func (t table) isPlugin(args *arguments) bool {
	row, known := t.find(args.Command)
	return known && args.Check && slices.Contains(row.uses, "check")
}

// list returns the names of all commands.
func (t table) list() []string {
	names := make([]string, len(t))
	for i, r := range t {
		names[i] = r.name
	}
	return names
}

// names returns the names of all commands, for texts.
func (t table) names() string { return strings.Join(t.list(), ", ") }

// need is a set of required arguments.
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
	needDir
)

// options returns the options of the set, for texts.
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
		{needDir, "--dir", func(a *arguments) bool { return a.Dir != "" }},
		// If --item has a bad value, that is the error, and not that both options are missing.
		{needTerm, "--item or --opendate", func(a *arguments) bool {
			return a.Item > 0 || a.OpenDate != "" || hasFault(a.faults, "--item")
		}},
		{needOutcome, "--id or --none", func(a *arguments) bool { return a.ID != "" || a.None }},
	}
}

// names returns the long names of the requirement's options.
func (r requirement) names() []string {
	return strings.Split(strings.ReplaceAll(r.option, "--", ""), " or ")
}

// check returns one fault about all missing and bad arguments: of type missed if arguments are only missing, else of type
// value. It returns nil if the command has what it needs.
func (r row) check(a *arguments) error {
	problems := append([]string(nil), a.faults...)
	var missing []string
	for _, one := range requirements() {
		if r.needs&one.bit == 0 || one.met(a) || hasFault(a.faults, one.option) {
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

// hasFault reports whether one of the faults is about the option, so that the option is not reported missing as well.
func hasFault(faults []string, option string) bool {
	for _, f := range faults {
		if strings.HasPrefix(f, option+" ") || strings.HasPrefix(f, "option "+option+" ") {
			return true
		}
	}
	return false
}

// input says what a command reads from stdin. Commands for an item read nothing, because their stdin may be a pipe that is
// never closed (docs/reference/billmanager.md §1.1).
type input int

const (
	readsNothing input = iota
	readsDocument
	readsText
	readsAny // a document, or nothing at all
)

// String returns the text for docs/commands.md.
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

// feature says when `features` lists the command. The zero value means never: commands that every module has are not listed
// (docs/reference/billmanager.md §2).
type feature struct {
	condition string // for docs/commands.md
	has       func(seller.Info) bool
}

func always() feature {
	return feature{"yes", func(seller.Info) bool { return true }}
}

// ability returns the feature of sellers that implement the optional interface P.
func ability[P any](condition string) feature {
	return feature{condition, func(info seller.Info) bool {
		_, ok := info.Prototype.(P)
		return ok
	}}
}

func withApprovers() feature {
	return ability[seller.ApproverLister]("if the seller lists approvers")
}

func withBalance() feature {
	return ability[seller.BalanceReporter]("if the seller reports its balance")
}

func withCertificates() feature {
	return ability[seller.CertificateLister]("if the seller lists certificates")
}

func withPrices() feature {
	return ability[seller.PriceLister]("if the seller lists prices")
}

func withRetries() feature {
	return ability[seller.ChallengeRetrier]("if the seller checks a challenge again on request")
}

func withApprovalEmails() feature {
	return ability[seller.ApprovalSender]("if the seller sends approval e-mails again on request")
}

func withForm() feature {
	return feature{"if the form has choices or default values", func(info seller.Info) bool {
		return info.AddressParam != "" || slices.ContainsFunc(info.Params, func(p seller.Param) bool { return p.Default != "" })
	}}
}

// offered reports whether `features` lists the row's command for this seller.
func (r row) offered(info seller.Info) bool { return r.feature.has != nil && r.feature.has(info) }

// Markdown returns the content of docs/commands.md.
func Markdown() string { return commands().markdown() }

func (t table) markdown() string {
	var b strings.Builder
	b.WriteString("# Commands\n\n")
	b.WriteString("Generated from the command table in `internal/app` (`go test ./internal/app -update`). Do not edit this page by hand.\n\n")
	for _, group := range []struct {
		byHand bool
		title  string
	}{{true, "## Commands to run by hand"}, {false, "## Commands that the panel runs"}} {
		b.WriteString(group.title + "\n\n" + t.markdownGroup(group.byHand) + "\n")
	}
	b.WriteString(optionRules())
	b.WriteString("\n| option | meaning |\n|---|---|\n")
	(&arguments{}).flags().VisitAll(func(flag *pflag.Flag) {
		if !flag.Hidden {
			fmt.Fprintf(&b, "| `%s` | %s |\n", withValue(flag, nil), flag.Usage)
		}
	})
	return b.String()
}

// markdownGroup returns the table of one group of commands.
func (t table) markdownGroup(byHand bool) string {
	var b strings.Builder
	b.WriteString("| command | what it does | required | optional | stdin | listed in `features` | skipped while `etc/billmgr.DoNothing` exists | may spend money | failed runs until manual | deadline |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|---|---|\n")
	for _, r := range t {
		if r.byHand != byHand {
			continue
		}
		tries := "-"
		if r.tries > 0 {
			tries = fmt.Sprint(r.tries)
		}
		if r.refusals > 0 {
			tries += fmt.Sprintf(", %d if refused", r.refusals)
		}
		limit := "-"
		if r.deadline > 0 {
			limit = r.deadline.String()
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", r.name, r.about,
			dash(strings.Join(r.needs.options(), ", ")), dash(listed(r.optional())), r.reads, dash(r.feature.condition),
			yesNo(r.doNothing), yesNo(r.buys), tries, limit)
	}
	return b.String()
}

// optionRules returns the text below the table.
func optionRules() string {
	return "## Options\n\n" +
		"A command refuses every option that is neither required nor optional for it: an error of type `value`, exit code 1, nothing is done. Exceptions:\n\n" +
		"- The panel may pass " + options(shown(panelOptions())) + " to any command. A command that does not use them ignores them.\n" +
		"- The commands that answer a form (`features`, `tune_connection`, `check_connection`, `approver`, `check_param`, `get_suitable_module`) " +
		"also ignore --item and --module, because they work on no item.\n" +
		"- With --runningoperation the commands for one item ignore those of " + options(narrowing()) + " that they do not use.\n" +
		"- Both ignore " + options(harmless()) + ": a newer panel may have options with these names.\n\n" +
		"An option may be repeated with the same value. Different values are an error in a command to run by hand, and in every command those of " +
		options(decisive()) + " and of an option that it uses. A command to run by hand leaves the operation of --runningoperation alone.\n\n" +
		"A command to run by hand refuses an unknown option or word, and so does every command on a terminal without --runningoperation. Another one ignores an unknown option together with its value, because a newer panel may pass one. Without --runningoperation it is an error " +
		"if it begins with --dry or is similar to one of " + options(guarded()) + ": equal except for case, `-` and `_`, or different in one letter " +
		"(in up to two letters if the option has six letters or more). The module writes the names of ignored options to the log at level 6, and to " +
		"stderr if that is a terminal.\n"
}

// shown returns the names without those that need no explanation.
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
