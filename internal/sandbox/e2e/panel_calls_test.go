package e2e

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pmssl/internal/sandbox/panel"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// lifeSteps are the commands of a certificate's life, in their order. Each begins where the one before has ended.
func lifeSteps() []lifeStep {
	return []lifeStep{
		{name: "open", calls: 8, run: (*life).open},
		{name: "issue", calls: 5, before: (*life).prove, run: (*life).sync},
		{name: "reissue", calls: 6, mail: 2, before: (*life).due, run: (*life).sweep},
		{name: "issue of the reissue", calls: 5, before: (*life).proveLater, run: (*life).sweep},
	}
}

// lifeStep is a command in the life of a certificate.
type lifeStep struct {
	name   string
	calls  int                               // at most, on a panel that takes several parameters in one call
	mail   int                               // further calls, about the mail to the client
	before func(l *life, t *testing.T)       // what happens meanwhile; nil for nothing
	run    func(l *life, t *testing.T) error // the command; an error if it was killed
}

// life is an item on its way from the order to its second certificate.
type life struct {
	*simulatedFixture
	placed *panel.OrderResult
}

// errKilled says that a command was killed.
var errKilled = errors.New("killed")

// startLife places the order on a panel that does this with several parameters of one call.
func startLife(t *testing.T, seller sellerCase, saveParams string) *life {
	t.Helper()
	l := &life{simulatedFixture: startSimulated(t, seller, firstOrders)}
	settings, err := l.panel.Settings()
	require.NoError(t, err)
	settings.SaveParams = saveParams
	require.NoError(t, l.panel.SetSettings(settings))
	l.changeSeller(t, issueAfterValidation)
	l.placed = l.place(t, exampleCSR(t))
	return l
}

func (l *life) open(t *testing.T) error {
	run, err := l.panel.RunOperation(context.Background(), l.placed.Operation)
	return l.ended(t, run, err)
}

func (l *life) sync(t *testing.T) error {
	run, err := l.panel.Sync(context.Background(), l.placed.Item)
	return l.ended(t, run, err)
}

func (l *life) sweep(t *testing.T) error {
	run, err := l.panel.Start(context.Background(), l.seller.module, nil, "--command", "subscription")
	return l.ended(t, run, err)
}

func (l *life) ended(t *testing.T, run *panel.Run, err error) error {
	t.Helper()
	require.NoError(t, err)
	if run.Signal != "" {
		return errKilled
	}
	require.True(t, run.OK(), run.Failure())
	return nil
}

func (l *life) prove(t *testing.T)      { require.NoError(t, l.standIn.prove("example.com")) }
func (l *life) due(t *testing.T)        { l.setTime(t, "2026-10-07") }
func (l *life) proveLater(t *testing.T) { l.prove(t); l.pass(t, 3*time.Hour) }

// pass lets time pass.
func (l *life) pass(t *testing.T, d time.Duration) {
	t.Helper()
	_, err := l.clock.Advance(d)
	require.NoError(t, err)
}

// step runs a command and returns how many calls of the panel the module made.
func (l *life) step(t *testing.T, s lifeStep) int {
	t.Helper()
	if s.before != nil {
		s.before(l, t)
	}
	require.NoError(t, l.panel.ClearRequests())
	require.NoError(t, s.run(l, t))
	requests, err := l.panel.Requests()
	require.NoError(t, err)
	var calls []string
	for _, r := range requests {
		if r.Caller == l.seller.module {
			calls = append(calls, r.Raw)
		}
	}
	t.Logf("%s: %d calls\n%s", s.name, len(calls), strings.Join(calls, "\n"))
	return len(calls)
}

// state returns the item's parameters. Serials are replaced by words, because each certificate has its own.
func (l *life) state(t *testing.T) map[string]string {
	t.Helper()
	params := maps.Clone(l.itemOf(t, l.placed.Item).Params)
	words := strings.NewReplacer(params["certificate_serial"], "NEW", "\x00", "")
	if old := strings.Fields(params["earlier_serials"]); len(old) > 0 {
		words = strings.NewReplacer(params["certificate_serial"], "NEW", old[0], "OLD")
	}
	for name, value := range params {
		params[name] = words.Replace(value)
	}
	value := params["auth_dnscname_value"] // the CA has another one for each order
	require.Contains(t, value, "example.com CNAME ")
	params["auth_dnscname_value"] = value[:strings.Index(value, ".")]
	return params
}

// rules ARCH-11, PANEL-14: the most calls of the panel that each command makes.
func TestCallsOfEachCommand(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		l := startLife(t, seller, "all")
		for _, s := range lifeSteps() {
			assert.LessOrEqual(t, l.step(t, s), s.calls+s.mail, s.name)
		}
		l.checkNewestStored(t, l.placed.Item, "example.com")
	})
}

// rules PANEL-14: whatever a panel does with several parameters of one call, the item ends with the same ones. A panel that takes one at
// a time is remembered.
func TestEachKindOfPanelEndsInTheSameState(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		var want map[string]string
		for _, save := range []string{"all", "first", "last", "refuse"} {
			t.Run(save, func(t *testing.T) {
				l := startLife(t, seller, save)
				calls := 0
				for _, s := range lifeSteps() {
					calls += l.step(t, s)
				}
				l.checkNewestStored(t, l.placed.Item, "example.com")
				require.Equal(t, 1, l.paymentCount(t))
				if want == nil {
					want = l.state(t)
				}
				assert.Equal(t, want, l.state(t))
				_, err := os.Stat(filepath.Join(l.panel.Root(), "var", seller.module+".callforms"))
				assert.Equal(t, save == "all", os.IsNotExist(err), "what is not known is not written")
				requests, err := l.panel.Requests()
				require.NoError(t, err)
				together := slices.ContainsFunc(requests, func(r panel.Request) bool {
					return r.Caller == seller.module && r.Func == "service.saveparam" && r.Params["name"] == ""
				})
				assert.Equal(t, save == "all", together, "the last command remembers what the first one found out")
			})
		}
	})
}

// rules BUY-1, STORE-2, STORE-6, PANEL-14: on each kind of panel, each command is killed before and after each of its calls of the panel.
// The order is paid once, reissued once, and ends with the same parameters.
func TestLifeKilledAtEachCallOfThePanel(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		undisturbed := startLife(t, seller, "all")
		for _, s := range lifeSteps() {
			undisturbed.step(t, s)
		}
		want := undisturbed.state(t)
		for _, save := range []string{"all", "first", "last", "refuse"} {
			for _, kind := range killsOn() {
				t.Run(save+" "+kind, func(t *testing.T) {
					for n, killed := 0, true; killed; n += stride(save) {
						l := startLife(t, seller, save)
						killed = false
						for _, s := range lifeSteps() {
							killed = l.killed(t, s, kind, n) || killed
						}
						l.checkEnd(t, want, n)
					}
				})
			}
		}
	})
}

// killsOn returns how commands are killed: the kill before a call is much like that after the one before it.
func killsOn() []string {
	if triesAll() {
		return []string{"kill", "kill_after"}
	}
	return []string{"kill_after"}
}

// stride returns the distance of the calls at which commands are killed. On panels that take one parameter at a time most of them save one
// of several: E2E_STEPS=all tries each on each panel.
func stride(save string) int {
	if save == "all" {
		return stepStride("", 3)
	}
	return stepStride("", 12)
}

// killed kills the command at its nth call of the panel, counted from 0, and runs it until it has done its work. It reports whether the
// command made so many calls.
func (l *life) killed(t *testing.T, s lifeStep, kind string, n int) bool {
	t.Helper()
	if s.before != nil {
		s.before(l, t)
	}
	require.NoError(t, l.panel.SetFaults(panel.Fault{Func: "*", Kind: kind, Times: 1, Skip: n, Caller: l.seller.module}))
	first := s.run(l, t)
	require.NoError(t, l.panel.SetFaults())
	if first == nil {
		return false
	}
	if s.name == "open" {
		if len(l.itemOf(t, l.placed.Item).Operations) > 0 {
			l.finish(t, l.placed)
		}
		return true
	}
	for range 2 { // a reissue that was counted and never asked for is asked for a day later
		l.pass(t, 25*time.Hour)
		require.NoError(t, l.sweep(t))
	}
	return true
}

// checkEnd checks what must be true at the end, whatever was killed: times may be later than those of an undisturbed life.
func (l *life) checkEnd(t *testing.T, want map[string]string, n int) {
	t.Helper()
	require.Equal(t, 1, l.paymentCount(t), "killed at call %d", n+1)
	require.Equal(t, 2, l.requestedCertificates(t, "example.com"), "killed at call %d", n+1)
	l.checkNewestStored(t, l.placed.Item, "example.com")
	got := l.state(t)
	for _, params := range []map[string]string{got, want} {
		for _, name := range []string{"reissue_tried", "dcv_time", "certificate_expiredate"} {
			if params[name] != "" {
				params[name] = "later"
			}
		}
		maps.DeleteFunc(params, func(name, _ string) bool { return strings.HasPrefix(name, "told_") }) // whether a mail was sent is not known after a kill
	}
	require.Equal(t, want, got, "killed at call %d", n+1)
}
