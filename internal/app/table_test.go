package app

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
)

func TestEveryRowIsComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range commands() {
		assert.False(t, seen[r.name], r.name)
		seen[r.name] = true
		assert.NotNil(t, r.run, r.name)
		assert.NotEmpty(t, r.about, r.name)
		assert.Equal(t, !r.immediate, r.deadline > 0, "%s: what waits for nothing needs no deadline", r.name)
		assert.Equal(t, r.feature.has == nil, r.feature.condition == "", r.name)
		if r.needs&needItem != 0 {
			assert.Equal(t, readsNothing, r.reads, "%s: item commands must not read stdin (docs/reference/billmanager.md §1.1)", r.name)
		}
	}
}

// docs/reference/billmanager.md §1.5, rules PANEL-3.
func TestDoNothingAppliesToTheDocumentedCommands(t *testing.T) {
	listed := map[string]bool{"open": true, "resume": true, "suspend": true, "close": true, "cancel_prolong": true,
		"sync_item": true, "prolong": true, "prolong_addon": true, "reopen": true, "stat": true, "import": true, "subscription": true}
	for _, r := range commands() {
		assert.Equal(t, listed[r.name], r.doNothing, r.name)
	}
}

// rules TIME-4: commands for which a person waits end within 10 s, check_connection within 15 s.
func TestCommandsForWhichAPersonWaitsEndInTime(t *testing.T) {
	limit := map[string]time.Duration{"check_connection": 15 * time.Second}
	for _, name := range []string{"features", "tune_connection", "approver", "check_param", "get_suitable_module", "import_pricelist", "plan"} {
		limit[name] = 10 * time.Second
	}
	for name, within := range limit {
		r, found := commands().find(name)
		require.True(t, found, name)
		assert.Less(t, r.deadline, within, name)
	}
}

// rules TIME-4: a seller may take 6 s for an answer, and a probe sends about fourteen requests.
func TestAProbeHasTimeForAllItsRequests(t *testing.T) {
	r, found := commands().find("probe")
	require.True(t, found)
	assert.GreaterOrEqual(t, r.deadline, 14*6*time.Second)
	assert.LessOrEqual(t, r.deadline, 2*time.Minute, "a person waits for it")
}

// open and prolong buy terms; reissues may buy additional names.
func TestWhichCommandsMaySpendMoney(t *testing.T) {
	for _, r := range commands() {
		assert.Equal(t, slices.Contains([]string{"open", "prolong", "reopen", "setparam", "subscription", "acceptance"}, r.name), r.buys, r.name)
	}
}

func TestAllMissingArgumentsAreReportedAtOnce(t *testing.T) {
	r := row{name: "act", needs: needItem | needModule | needIntname | needDomain | needOutcome}
	failure := fault.From(r.check(parseArgs(nil)))
	require.NotNil(t, failure)
	assert.Equal(t, fault.Missed, failure.Type)
	assert.Equal(t, "item", failure.Object)
	assert.Equal(t, "command act: missing --item, --module, --intname, --domain, --id or --none", failure.Message)
}

func TestMissingAndBadArgumentsAreReportedTogether(t *testing.T) {
	r := row{name: "act", needs: needItem | needModule | needIntname | needDomain}
	failure := fault.From(r.check(parseArgs([]string{"--item", "x", "--module", "0", "--domain"})))
	require.NotNil(t, failure)
	assert.Equal(t, fault.Value, failure.Type)
	assert.Equal(t, `command act: option --domain has no value; --item "x" is not a positive whole number; `+
		`--module must not be zero or empty; missing --intname`, failure.Message)
}

func TestCompleteArgumentsAreAccepted(t *testing.T) {
	r := row{name: "act", needs: needItem | needModule | needIntname | needDomain | needOutcome}
	assert.NoError(t, r.check(parseArgs([]string{"-i", "1", "-m", "2", "--intname", "x", "--domain", "d", "--none"})))
	assert.NoError(t, row{name: "free"}.check(parseArgs([]string{"--item", "0"})), "docs/reference/billmanager.md §1.4: an item of zero where none is needed")
}

// A bad number is an error even if the command does not need it: it shows a fault of the panel.
func TestBadNumbersAreErrorsEvenIfNotNeeded(t *testing.T) {
	assert.Error(t, row{name: "free"}.check(parseArgs([]string{"--item", "x"})))
}

func TestCommandsPageIsUpToDate(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "commands.md")
	if updating() {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(Markdown()), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), Markdown(), "run go test ./internal/app -update")
}

func TestHelpListsTheCommandsInTwoGroups(t *testing.T) {
	text := commands().usage(Program{Name: "pmdouble"})
	hand, panel, found := strings.Cut(text, "\ncommands that the panel runs")
	require.True(t, found)
	for _, r := range commands() {
		assert.Equal(t, r.byHand, strings.Contains(hand, "\n  "+r.name+" "), r.name)
		assert.Equal(t, !r.byHand, strings.Contains(panel, "\n  "+r.name+" "), r.name)
	}
	for _, option := range []string{"-c, --command", "-h, --help", "-V, --version", "-T"} {
		assert.Contains(t, panel, option)
	}
	golden(t, "help.txt", text)
}

// rules TEXT-3: the help of a command has each of its options and an example that the command accepts.
func TestHelpOfACommandHasItsOptionsAndAnExample(t *testing.T) {
	p := Program{Name: "pmdouble"}
	for _, r := range commands() {
		text := r.help(p)
		for _, name := range r.takes() {
			assert.Contains(t, text, "--"+name, r.name)
		}
		assert.NotContains(t, text, r.name+": ", "the prefix of an option's meaning is not repeated")
		line, _, _ := strings.Cut(r.exampleOf(p), " <")
		assert.Contains(t, text, "\n  "+line, r.name)
		a := parseArgs(strings.Fields(line)[1:])
		assert.Equal(t, r.name, a.Command)
		assert.NoError(t, r.refuse(a), line)
		assert.NoError(t, r.check(a), line)
		for shown := range strings.Lines(text) {
			assert.LessOrEqual(t, len(shown), 101, shown)
		}
	}
	resolve, _ := commands().find("resolve")
	golden(t, "help-resolve.txt", resolve.help(p))
	plan, _ := commands().find("plan")
	golden(t, "help-plan.txt", plan.help(p))
	approver, _ := commands().find("approver")
	golden(t, "help-approver.txt", approver.help(p))
}

func TestAbilitiesOfTheSellerDecideFeatures(t *testing.T) {
	names := func(info seller.Info) string {
		var all []string
		for _, r := range commands() {
			if r.offered(info) {
				all = append(all, r.name)
			}
		}
		return strings.Join(all, " ")
	}
	assert.Equal(t, "tune_connection check_connection approver check_param prolong sync_item cancel_prolong", names(testInfo()))
	assert.Equal(t, "check_connection check_param prolong sync_item cancel_prolong", names(seller.Info{}))
	assert.Equal(t, "check_connection check_param prolong sync_item send_dv_dns send_dv_email cancel_prolong getbalance import import_pricelist",
		names(seller.Info{Prototype: ableSeller{}}))
}

// ableSeller is a seller with every optional ability that is a feature, except listing approvers.
type ableSeller struct {
	seller.Seller
	seller.BalanceReporter
	seller.CertificateLister
	seller.PriceLister
	seller.ChallengeRetrier
	seller.ApprovalSender
	seller.Prober
}

// docs/reference/billmanager.md §1.4: check_param gets the item's document, or nothing.
func TestCheckParamReadsADocumentOrNothing(t *testing.T) {
	for name, c := range map[string]struct {
		stdin string
		code  int
		want  string
	}{
		"nothing":    {"", 0, "<ok/>"},
		"line ends":  {"\n\n", 0, "<ok/>"},
		"a document": {"<doc><item><csr/></item></doc>", 0, "<ok/>"},
		"garbage":    {"<doc>", 1, `type="xml"`},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFixture(t)
			s.system.Stdin = strings.NewReader(c.stdin)
			assert.Equal(t, c.code, s.run("--command", "check_param", "--item", "0", "--param", "adm_fname", "--value", "Anna"))
			assert.Contains(t, s.stdout.String(), c.want)
		})
	}
	s := newFixture(t)
	s.system.Stdin = strings.NewReader("")
	assert.Equal(t, 1, s.run("--command", "check_param", "--param", "adm_phone", "--value", "none"))
	assert.Contains(t, s.stdout.String(), `type="value" object="adm_phone"`)
	s = newFixture(t)
	assert.Equal(t, 1, s.run("--command", "check_param"))
	assert.Contains(t, s.stdout.String(), "missing --param")
}
