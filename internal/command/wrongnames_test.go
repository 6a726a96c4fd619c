package command_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fakeResolver is a resolver for which all names exist but those of gone, with the CAA records of caa.
type fakeResolver struct {
	gone   []string
	caa    map[string][]string // by name; an asterisk in front for wildcards
	broken map[string]error    // by name
	hang   bool                // no answer before the end of the context
	panics bool

	mu     sync.Mutex
	asked  []string
	server string
}

func (r *fakeResolver) ask(ctx context.Context, what string) error {
	r.mu.Lock()
	r.asked = append(r.asked, what)
	r.mu.Unlock()
	if r.panics {
		panic("planted")
	}
	if r.hang {
		<-ctx.Done()
		return ctx.Err()
	}
	return r.broken[what]
}

func (r *fakeResolver) Exists(ctx context.Context, name string) (bool, error) {
	return !slices.Contains(r.gone, name), r.ask(ctx, name)
}

func (r *fakeResolver) Issuers(ctx context.Context, name string, wildcard bool) ([]string, bool, error) {
	if wildcard {
		name = "*." + name
	}
	allowed, restricted := r.caa[name]
	return allowed, restricted, r.ask(ctx, "caa "+name)
}

// resolving returns a run of open with the resolver, at a seller with two CAs.
func (s *fixture) resolving(r *fakeResolver) *item.Run {
	run := s.env()
	run.Info.Issuers = []string{"ca.example", "ca2.example"}
	run.Resolver = func(server string) item.Resolver { r.server = server; return r }
	return run
}

func (s *fixture) open(t *testing.T, r *fakeResolver) {
	t.Helper()
	_, err := command.Open(context.Background(), s.resolving(r))
	require.NoError(t, err)
}

// sanFixture returns an item that orders a certificate for several names.
func sanFixture(t *testing.T, names ...string) *fixture {
	t.Helper()
	s := newFixture(t)
	s.panel.order.Template = "san_certificate"
	s.panel.order.Params[itemparam.AltName] = strings.Join(names, " ")
	s.panel.order.SANs = len(names)
	return s
}

func (s *fixture) logged(text string) bool {
	return strings.Contains(strings.Join(s.log.lines, "\n"), text)
}

const needed = "; one of ca.example, ca2.example is needed"

func TestNamesThatCannotBeCertifiedAreReportedOnTheItem(t *testing.T) {
	for rule, row := range map[string]struct {
		resolver *fakeResolver
		says     string
	}{
		"all is well":                    {&fakeResolver{}, ""},
		"a name that does not exist":     {&fakeResolver{gone: []string{"b.example"}}, "b.example does not exist in DNS"},
		"two, in the order of the names": {&fakeResolver{gone: []string{"example.com", "b.example"}}, "example.com does not exist in DNS\nb.example does not exist in DNS"},
		"CAA of another CA": {&fakeResolver{caa: map[string][]string{"b.example": {"other.example"}}},
			"the CAA records of b.example allow only other.example" + needed},
		"CAA of many others": {&fakeResolver{caa: map[string][]string{"b.example": {"1.example", "2.example", "3.example", "4.example", "5.example"}}},
			"the CAA records of b.example allow 1.example, 2.example, 3.example and 2 others" + needed},
		"CAA of nobody":                       {&fakeResolver{caa: map[string][]string{"b.example": nil}}, "the CAA records of b.example allow nobody" + needed},
		"CAA of the seller's second CA":       {&fakeResolver{caa: map[string][]string{"b.example": {"other.example", "ca2.example"}}}, ""},
		"no answer":                           {&fakeResolver{broken: map[string]error{"b.example": errors.New("SERVFAIL")}, gone: []string{"b.example"}}, ""},
		"no answer of CAA":                    {&fakeResolver{broken: map[string]error{"caa b.example": errors.New("SERVFAIL")}, caa: map[string][]string{"b.example": nil}}, ""},
		"no answer for one, one wrong":        {&fakeResolver{broken: map[string]error{"b.example": errors.New("SERVFAIL")}, gone: []string{"c.example"}}, "c.example does not exist in DNS"},
		"a fault of the look-up is no answer": {&fakeResolver{panics: true, gone: []string{"b.example"}}, ""},
	} {
		t.Run(rule, func(t *testing.T) {
			s := sanFixture(t, "b.example", "c.example")
			s.open(t, row.resolver)
			assert.Equal(t, row.says, s.param(itemparam.StatusNote))
			assert.Len(t, s.seller.activated, 1, "it is a warning")
			for line := range strings.Lines(row.says) {
				assert.Contains(t, s.log.lines, "item 42: "+strings.TrimSpace(line))
			}
			assert.Equal(t, len(row.resolver.broken) > 0 || row.resolver.panics, s.logged("is not known"), "a look-up without an answer is only logged")
		})
	}
}

// The warning comes before the request to the seller: the activation, or the order with the CSR.
func TestNamesAreLookedUpBeforeTheRequest(t *testing.T) {
	for rule, s := range map[string]*fixture{"activation": newFixture(t), "order": remoteFixture(t)} {
		r := &fakeResolver{gone: []string{"example.com"}}
		at := -1
		run := s.resolving(r)
		run.CriticalSection = func(now bool) {
			if now && rule == "order" {
				at = len(r.asked)
			}
		}
		if rule == "activation" {
			s.seller.actErr = &fault.Error{Type: fault.API, Message: "refused"}
		}
		_, err := command.Open(context.Background(), run)
		assert.Equal(t, rule == "activation", err != nil)
		assert.Equal(t, []string{"example.com"}, r.asked, rule+": once, and no CAA of what is not there")
		assert.Equal(t, "example.com does not exist in DNS", s.param(itemparam.StatusNote), rule)
		if rule == "order" {
			assert.Equal(t, 1, at)
		}
	}
}

func TestAWildcardIsLookedUpWithoutItsAsterisk(t *testing.T) {
	wild := func(r *fakeResolver) string {
		s := newFixture(t)
		s.pair = newPair(t, "*.example.com")
		s.panel.order.CSR, s.panel.order.Template = s.pair.csr, "positivessl_wildcard"
		s.open(t, r)
		return s.param(itemparam.StatusNote)
	}
	assert.Equal(t, "example.com does not exist in DNS", wild(&fakeResolver{gone: []string{"example.com"}}))
	assert.Empty(t, wild(&fakeResolver{caa: map[string][]string{"example.com": nil}}), "issue is not used if there is issuewild")
	assert.Equal(t, "the CAA records of *.example.com allow nobody"+needed, wild(&fakeResolver{caa: map[string][]string{"*.example.com": nil}}))
}

func TestAnImpliedNameIsNotLookedUp(t *testing.T) {
	s := newFixture(t)
	s.panel.order.Params[itemparam.AltName] = "www.example.com"
	r := &fakeResolver{}
	s.open(t, r)
	assert.Equal(t, []string{"example.com", "caa example.com"}, r.asked)
}

func TestOnlyTheModulesOwnTextIsReplacedOrRemoved(t *testing.T) {
	const ownText = "example.com does not exist in DNS"
	for rule, row := range map[string]struct {
		before  string
		gone    bool
		after   string
		touched bool
	}{
		"nothing there, nothing wrong":    {"", false, "", false},
		"no text":                         {"", true, ownText, true},
		"the module.s text, no error now": {"exampel.com does not exist in DNS", false, "", true},
		"several lines of the module":     {"a.example does not exist in DNS\nthe CAA records of b.example allow nobody; x\n7 more names cannot be certified, see the log", false, "", true},
		"the module.s text, same error":   {ownText, true, ownText, false},
		"the panel's own word":            {"check", true, "check", false},
		"the panel's own, nothing wrong":  {"check", false, "check", false},
		"with a line of somebody else":    {ownText + "\nask the client", false, ownText + "\nask the client", false},
	} {
		t.Run(rule, func(t *testing.T) {
			s := newFixture(t)
			if row.before != "" {
				s.panel.order.Params[itemparam.StatusNote] = row.before
			}
			r := &fakeResolver{}
			if row.gone {
				r.gone = []string{"example.com"}
			}
			s.open(t, r)
			assert.Equal(t, row.after, s.param(itemparam.StatusNote))
			assert.Equal(t, row.touched, strings.Contains(strings.Join(s.panel.calls, "\n"), itemparam.StatusNote))
			assert.Equal(t, row.gone, s.logged(ownText), "it is logged in any case")
		})
	}
}

func TestAWarningThatCannotBeSavedDoesNotStopTheOrder(t *testing.T) {
	s := newFixture(t)
	s.panel.fail["save "+itemparam.StatusNote] = errors.New("no such parameter")
	s.open(t, &fakeResolver{gone: []string{"example.com"}})
	assert.True(t, s.logged("no such parameter"))
}

func TestTheSettingControlsTheLookUps(t *testing.T) {
	for value, row := range map[string]struct {
		asked  bool
		server string
		warned bool
	}{
		"": {true, "", false}, "off": {false, "", false}, "192.0.2.1": {true, "192.0.2.1:53", false}, "dns.example": {false, "", true},
	} {
		s := newFixture(t)
		s.panel.settings["SSLResolver"] = value
		s.panel.order.Params[itemparam.StatusNote] = "exampel.com does not exist in DNS"
		r := &fakeResolver{}
		s.open(t, r)
		assert.Equal(t, row.asked, len(r.asked) > 0, value)
		assert.Equal(t, row.server, r.server, value)
		assert.Equal(t, row.warned, s.logged("SSLResolver is \"dns.example\": possible are off and "), value)
		assert.Empty(t, s.param(itemparam.StatusNote), "a warning that is no longer updated is removed")
	}
}

func TestWithoutIssuersCAARecordsAreNotChecked(t *testing.T) {
	s := newFixture(t)
	r := &fakeResolver{caa: map[string][]string{"example.com": nil}}
	run := s.resolving(r)
	run.Info.Issuers = nil
	_, err := command.Open(context.Background(), run)
	require.NoError(t, err)
	assert.Equal(t, []string{"example.com"}, r.asked)
	assert.Empty(t, s.param(itemparam.StatusNote))
}

func TestTheNumberOfLookUpsIsLimited(t *testing.T) {
	var names []string
	for i := range 40 {
		names = append(names, fmt.Sprintf("%02d.%s.example", i, strings.Repeat("x", 60)))
	}
	s := sanFixture(t, names...)
	r := &fakeResolver{gone: names}
	s.open(t, r)
	assert.Contains(t, r.asked, names[18])
	assert.NotContains(t, r.asked, names[19], "the common name and 19 more")
	assert.True(t, s.logged(names[19]), "the log names the rest")
	lines := strings.Split(s.param(itemparam.StatusNote), "\n")
	assert.Equal(t, names[0]+" does not exist in DNS", lines[0])
	assert.Equal(t, fmt.Sprintf("%d more names cannot be certified, see the log", 19-(len(lines)-1)), lines[len(lines)-1])
	assert.Less(t, len(s.param(itemparam.StatusNote)), 1100)
}

func TestLookUpsNeverTakeLongerThanFourSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sanFixture(t, "b.example", "c.example")
		began := time.Now()
		s.open(t, &fakeResolver{hang: true})
		assert.Equal(t, 4*time.Second, time.Since(began))
		assert.Len(t, s.seller.activated, 1)
		assert.Empty(t, s.param(itemparam.StatusNote))
	})
}

// After a client corrected a name, the warning about it is removed, and a new error is reported.
func TestAReissueForAnotherRequestLooksNamesUpAgain(t *testing.T) {
	s := placedFixture(t, 12)
	s.panel.order.Params[itemparam.StatusNote] = "exampel.com does not exist in DNS"
	r := &fakeResolver{}
	_, err := command.Reopen(context.Background(), s.resolving(r))
	require.NoError(t, err)
	assert.Empty(t, r.asked, "an unchanged request is not looked up again")

	s = placedFixture(t, 12)
	s.pair = newPair(t, "example.com")
	s.panel.order.CSR = s.pair.csr
	r = &fakeResolver{gone: []string{"example.com"}}
	_, err = command.Reopen(context.Background(), s.resolving(r))
	require.NoError(t, err)
	assert.Equal(t, "example.com does not exist in DNS", s.param(itemparam.StatusNote))
}

func TestTheWarningIsRemovedWithTheCertificate(t *testing.T) {
	for before, after := range map[string]string{"example.com does not exist in DNS": "", "check": "check"} {
		s := newFixture(t)
		require.NoError(t, s.run(command.Open))
		s.panel.order.Params[itemparam.StatusNote] = before
		s.seller.issue(t, 101, s.pair, now(), 199)
		s.args.Command = "sync_item"
		require.NoError(t, s.run(command.SyncItem))
		assert.Equal(t, "5", s.param(itemparam.ServiceStatus))
		assert.Equal(t, after, s.param(itemparam.StatusNote))
	}
}
