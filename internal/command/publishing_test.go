package command_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/publish"
	"pmssl/internal/seller"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rules UNATT-2, UNATT-4, UNATT-5: a reissue goes through without the client, each step after the one that a crash needs.
func TestAReissueIsValidatedWithoutTheClient(t *testing.T) {
	p := publishingFixture(t, 10)
	p.asked.then = func() { p.issue(t) }
	doc, failed := p.sweep(t)
	require.False(t, failed, doc)
	assert.Contains(t, doc, `reissued="1" told="0" failed="0"`)
	assert.Equal(t, "5", p.param(itemparam.ServiceStatus))
	assert.Len(t, p.asked.asked, 1)
	assert.Equal(t, 2, p.service.looks)
	p.clean(t)
	assert.Empty(t, p.mailer.notices)
	assert.Empty(t, p.panel.tasks)
	order := []string{
		"save custom_order_id=102", "save auth_dnscname_value", "save challenges_published", "publish ", "look ", "ask",
		"certificate.save", "save certificate_serial", "certificate.open", "setstatus 5", "withdraw ", "drop challenges_published",
	}
	for i, step := range order[1:] {
		assert.Less(t, p.position(order[i]), p.position(step), "%s before %s: %v", order[i], step, p.panel.calls)
		assert.GreaterOrEqual(t, p.position(step), 0, step)
	}
}

// rules UNATT-2: a panel that does not save the list, or keeps something else, keeps everything from being written.
func TestNothingIsPublishedThatThePanelDoesNotRemember(t *testing.T) {
	t.Run("it refuses", func(t *testing.T) {
		p := publishingFixture(t, 10)
		p.panel.fail["save challenges_published"] = fault.Errorf(fault.Panel, "", "no")
		doc, _ := p.sweep(t)
		assert.Contains(t, doc, `told="0"`, "rules UNATT-6: it may take it an hour later")
		p.at = p.at.Add(7 * time.Hour)
		p.panel.fail["save challenges_published"] = fault.Errorf(fault.Panel, "", "no")
		doc, _ = p.sweep(t)
		assert.Contains(t, doc, `told="1"`)
		assert.Zero(t, p.count("publish"))
	})
	for name, earlier := range map[string]bool{"it cuts the first list": false, "it cuts a later list": true} {
		t.Run(name, func(t *testing.T) {
			p := publishingFixture(t, 10)
			if earlier {
				p.leftover(t)
			}
			run := p.env()
			run.Args = item.Args{Command: "subscription"}
			run.Panel = cuttingPanel{p.panel}
			_, err := command.Subscription(t.Context(), run)
			require.NoError(t, err)
			assert.Zero(t, p.count("publish"))
			assert.Equal(t, earlier, p.count("withdraw _old") == 1, "what was known stays known")
			p.clean(t)
		})
	}
}

// cuttingPanel keeps the first 100 bytes of a list that names the reissue.
type cuttingPanel struct{ *fakePanel }

func (c cuttingPanel) SaveParam(ctx context.Context, it int64, name, value string) error {
	if strings.Contains(value, `"id":102,"at"`) {
		value = value[:100]
	}
	return c.fakePanel.SaveParam(ctx, it, name, value)
}

func (c cuttingPanel) SaveParams(ctx context.Context, it int64, params []item.Param) error {
	return saveEach(ctx, c, it, params)
}

// namesPublishing returns an item with three names whose certificate is due.
func namesPublishing(t *testing.T) *publishing {
	t.Helper()
	s := namesFixture(t)
	s.panel.order.Params[itemparam.Method] = "auth_dnscname"
	return publishingOf(t, s)
}

// rules UNATT-3: the challenges of all names are published, or none.
func TestAllChallengesArePublishedOrNone(t *testing.T) {
	t.Run("one name without evidence", func(t *testing.T) {
		p := namesPublishing(t)
		p.service.refused["a.example.com"] = publish.ErrNotOwner
		require.NoError(t, p.do(command.Reopen, "reopen"))
		assert.Zero(t, p.count("publish"))
		assert.Contains(t, strings.Join(p.log.lines, "\n"), "a.example.com: not shown to be the client's own name")
	})
	t.Run("one server refuses", func(t *testing.T) {
		p := namesPublishing(t)
		p.panel.fail["publish _m.a.example.com"] = publish.ErrDenied
		require.NoError(t, p.do(command.Reopen, "reopen"))
		assert.Equal(t, 1, p.count("publish _m.example.com"))
		p.clean(t)
		assert.Empty(t, p.asked.asked)
	})
	t.Run("evidence is lost later", func(t *testing.T) {
		p := namesPublishing(t)
		require.NoError(t, p.do(command.Reopen, "reopen"))
		require.NotEmpty(t, p.service.world)
		p.service.refused["a.example.com"] = publish.ErrNotOwner
		require.NoError(t, p.do(command.SyncItem, "sync_item"))
		p.clean(t)
	})
}

// rules UNATT-4: the seller is asked after two looks, 10 s apart, that both saw every record.
func TestTheSellerIsAskedAfterTwoLooks(t *testing.T) {
	for name, row := range map[string]struct {
		sees  []bool
		asked int
	}{"both see it": {[]bool{true, true}, 1}, "the first does not": {[]bool{false, true}, 0}, "the second does not": {[]bool{true, false}, 0}} {
		t.Run(name, func(t *testing.T) {
			p := publishingFixture(t, 10)
			var times []time.Time
			p.service.sight = func(publish.Placement) (publish.Sight, error) {
				times = append(times, p.at)
				return publish.Sight{Seen: row.sees[len(times)-1], Why: "ns2 does not have it"}, nil
			}
			doc, _ := p.sweep(t)
			assert.Len(t, p.asked.asked, row.asked)
			assert.Contains(t, doc, `reason="unattended"`)
			if row.sees[0] {
				assert.Equal(t, 10*time.Second, times[1].Sub(times[0]))
			}
			if row.asked == 0 {
				assert.True(t, p.service.list()[0].Seen.IsZero())
			}
		})
	}
}

// A look that fails for good is left to the client; the records stay for the next run.
func TestALookThatFailsIsToldToTheClient(t *testing.T) {
	p := publishingFixture(t, 10)
	p.service.sight = func(publish.Placement) (publish.Sight, error) {
		return publish.Sight{}, errors.New("SSLResolver is off")
	}
	doc, _ := p.sweep(t)
	assert.Contains(t, doc, `told="1"`)
	assert.Empty(t, p.asked.asked)
	assert.NotEmpty(t, p.service.world)
}

// rules UNATT-4: when the seller is asked to look, six times in all.
func TestWhenTheSellerIsAsked(t *testing.T) {
	for name, row := range map[string]struct {
		ttl    time.Duration
		second time.Duration
	}{
		"no negative TTL is known": {0, 10 * time.Minute}, "a short one": {time.Minute, 10 * time.Minute}, "half an hour": {30 * time.Minute, 30 * time.Minute},
		"a day": {24 * time.Hour, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			p := publishingFixture(t, 10)
			p.service.sight = func(publish.Placement) (publish.Sight, error) {
				return publish.Sight{Seen: true, NegativeTTL: row.ttl}, nil
			}
			p.sweep(t)
			p.sweeps(t, 5*time.Minute, 90*time.Minute)
			p.sweeps(t, time.Hour, 100*time.Hour)
			want := []time.Duration{row.second, 4 * time.Hour, 12 * time.Hour, 12 * time.Hour, 12 * time.Hour}
			require.Len(t, p.asked.asked, len(want)+1)
			for i, gap := range want {
				took := p.asked.asked[i+1].Sub(p.asked.asked[i])
				assert.GreaterOrEqual(t, took, gap, "question %d", i+2)
				assert.LessOrEqual(t, took, gap+time.Hour, "question %d", i+2)
				assert.True(t, i > 0 || took < gap+6*time.Minute, "%s", took)
			}
		})
	}
}

// A question that the seller refuses, or whose answer is lost, counts: it may have been heard.
func TestARefusedQuestionCounts(t *testing.T) {
	p := publishingFixture(t, 10)
	p.asked.err = fault.Errorf(fault.API, "", "not now")
	p.sweep(t)
	p.sweeps(t, time.Hour, 100*time.Hour)
	assert.Len(t, p.asked.asked, 6)
}

// docs/reference/unattended.md §5: other values in the answer are published instead, and the ones before are gone.
func TestOtherValuesInTheAnswerArePublishedInstead(t *testing.T) {
	p := publishingFixture(t, 10)
	p.asked.answer = func(_ int, r seller.Request) []seller.Challenge { return target(r, "new.ca.example") }
	p.sweep(t)
	require.Len(t, p.service.world, 1)
	for _, value := range p.service.world {
		assert.Equal(t, "new.ca.example", value)
	}
	require.Len(t, p.service.list(), 1)
	assert.Equal(t, "_m.example.com CNAME new.ca.example", p.param("auth_dnscname_value"))
	p.at = p.at.Add(time.Hour)
	p.asked.then = func() { p.issue(t) }
	p.sweep(t)
	p.clean(t)
	assert.Equal(t, "5", p.param(itemparam.ServiceStatus))
	assert.Empty(t, p.mailer.notices)
}

// A seller that gives other values, or another place, with each answer is asked six times; two days later client and
// administrator are told.
func TestASellerThatNeverGivesTheSameValuesIsAskedSixTimes(t *testing.T) {
	for name, answer := range map[string]func(int, seller.Request) []seller.Challenge{
		"other values": func(n int, r seller.Request) []seller.Challenge { return target(r, fmt.Sprintf("v%d.ca.example", n)) },
		"other places": func(n int, r seller.Request) []seller.Challenge {
			all := challengesOf(r)
			all[0].Host = fmt.Sprintf("_m%d.example.com", n)
			return all
		},
		"two values by turns": func(n int, r seller.Request) []seller.Challenge { return target(r, fmt.Sprintf("v%d.ca.example", n%2)) },
	} {
		t.Run(name, func(t *testing.T) {
			p := publishingFixture(t, 10)
			p.asked.answer = answer
			p.sweep(t)
			p.sweeps(t, time.Hour, 47*time.Hour)
			assert.Empty(t, p.mailer.notices)
			p.sweeps(t, time.Hour, 10*time.Hour)
			assert.Len(t, p.asked.asked, 6)
			assert.Len(t, p.service.world, 1)
			assert.Len(t, p.service.list(), 1)
			assert.Len(t, p.mailer.notices, 1)
			assert.Len(t, p.panel.tasks, 1)
			p.issue(t)
			p.sweep(t)
			p.clean(t)
		})
	}
}

// A seller's text that is no record is published nowhere.
func TestAHostileChallengeIsLeftToTheClient(t *testing.T) {
	for name, answer := range map[string]seller.Challenge{
		"no kind":  {Host: "_m.example.com", Record: "MX", Target: "evil.example"},
		"no host":  {Record: "CNAME", Target: "evil.example"},
		"a word":   {Host: "x"},
		"too long": {Host: "_m.example.com", Record: "TXT", Target: strings.Repeat("x ", 300<<10)},
	} {
		t.Run(name, func(t *testing.T) {
			p := publishingFixture(t, 10)
			answer.Method = seller.MethodDNS
			p.asked.answer = func(int, seller.Request) []seller.Challenge { return []seller.Challenge{answer} }
			_, failed := p.sweep(t)
			assert.False(t, failed)
			assert.LessOrEqual(t, p.count("publish"), 1, "the first value")
			p.issue(t)
			p.at = p.at.Add(time.Hour)
			p.sweep(t)
			p.clean(t)
		})
	}
}

// rules UNATT-5: nothing is removed before the certificate is stored.
func TestNothingIsRemovedBeforeTheCertificateIsStored(t *testing.T) {
	for _, step := range []string{"certificate.save zip", "save certificate_serial", "setexpiredate", "certificate.open", "setstatus 5"} {
		t.Run(step, func(t *testing.T) {
			p := publishingFixture(t, 10)
			p.sweep(t)
			p.issue(t)
			p.panel.fail[step] = fault.Errorf(fault.Panel, "", "broken").Retryable()
			p.at = p.at.Add(time.Hour)
			_, failed := p.sweep(t)
			assert.True(t, failed)
			assert.Zero(t, p.count("withdraw"))
			assert.NotEmpty(t, p.service.world)
			p.at = p.at.Add(time.Hour)
			p.sweep(t)
			p.clean(t)
			assert.Equal(t, "5", p.param(itemparam.ServiceStatus))
		})
	}
}

// rules UNATT-5: what cannot be removed stays listed, is tried again by each sweep, and is one task after a day.
func TestWhatCannotBeRemovedIsATaskAfterADay(t *testing.T) {
	p := publishingFixture(t, 10)
	down := true
	p.asked.then = func() { p.issue(t) }
	p.panel.before = func(call string) {
		if strings.HasPrefix(call, "withdraw") && down {
			p.panel.fail["withdraw"] = errors.New("connection refused")
		}
	}
	p.sweep(t)
	assert.Equal(t, "5", p.param(itemparam.ServiceStatus))
	assert.Len(t, p.service.list(), 1)
	p.sweeps(t, time.Hour, 23*time.Hour)
	assert.Empty(t, p.panel.tasks)
	p.sweeps(t, time.Hour, 5*time.Hour)
	require.Len(t, p.panel.tasks, 1)
	assert.Contains(t, p.panel.texts[0], "could not be removed from example.com by ns1 for a day")
	assert.Len(t, p.service.world, 1)
	down = false
	p.at = p.at.Add(time.Hour)
	p.sweep(t)
	p.clean(t)
	assert.Empty(t, p.mailer.notices)
}

// rules UNATT-2: a record of an earlier value that could not be removed is not forgotten when the present one is seen.
func TestALeftoverStaysListedBesideThePresentRecords(t *testing.T) {
	p := publishingFixture(t, 10)
	p.leftover(t)
	p.panel.fail["withdraw _old"] = errors.New("connection refused")
	p.sweep(t)
	assert.Len(t, p.asked.asked, 1)
	assert.Len(t, p.service.list(), 2)
	assert.False(t, p.service.list()[1].Stays.IsZero())
	p.at = p.at.Add(time.Hour)
	p.sweep(t)
	assert.Len(t, p.service.list(), 1)
	assert.Len(t, p.service.world, 1)
}

// rules UNATT-2: a value that comes back after a run was killed is written anew: which of the two stands is not known.
func TestAValueThatComesBackIsWrittenAnew(t *testing.T) {
	p := publishingFixture(t, 10)
	p.sweep(t)
	list := p.service.list()
	require.Len(t, list, 1)
	other := list[0]
	other.Record.Value, other.Seen = "b.ca.example", time.Time{}
	p.service.set(other, list[0]) // killed after the other value was written
	p.service.world[placeOf(list[0].placement())] = "b.ca.example"
	p.at = p.at.Add(time.Hour)
	p.sweep(t)
	assert.Equal(t, "t.ca.example", p.service.world[placeOf(list[0].placement())])
	assert.Len(t, p.service.list(), 1)
}

// rules UNATT-5: the records go when the order ends, is closed, gets another id or another validation method.
func TestRecordsGoWithWhatTheyWereFor(t *testing.T) {
	for name, row := range map[string]struct {
		then func(*testing.T, *publishing)
		left int
	}{
		"the order is cancelled": {func(t *testing.T, p *publishing) {
			p.seller.change(102, func(r *seller.OrderStatus) { r.State = seller.StateCancelled })
			require.NoError(t, p.do(command.SyncItem, "sync_item"))
		}, 0},
		"the CA refuses": {func(t *testing.T, p *publishing) {
			p.seller.change(102, func(r *seller.OrderStatus) { r.State = seller.StateRefused })
			require.NoError(t, p.do(command.SyncItem, "sync_item"))
		}, 0},
		"the item is closed": {func(t *testing.T, p *publishing) {
			require.NoError(t, p.do(command.Close, "close"))
			assert.Empty(t, p.panel.tasks)
		}, 0},
		"e-mail instead": {func(t *testing.T, p *publishing) {
			p.panel.order.Params[itemparam.Method], p.panel.order.Params[itemparam.Approver] = "auth_email", "admin@example.com"
			require.NoError(t, p.do(command.SyncItem, "sync_item"))
		}, 0},
		"another id": {func(t *testing.T, p *publishing) {
			p.asked.answer = func(int, seller.Request) []seller.Challenge { return nil }
			p.seller.next = 103
			p.seller.statuses[103] = seller.OrderStatus{State: seller.StateWaiting, CSR: p.pair.csr, CommonName: "example.com",
				Challenges: []seller.Challenge{{Domain: "example.com", Method: seller.MethodDNS, Host: "_n.example.com", Record: "CNAME", Target: "n.ca.example"}}}
			p.seller.change(102, func(r *seller.OrderStatus) { r.State, r.ReplacedBy = seller.StateReplaced, 103 })
			require.NoError(t, p.do(command.SyncItem, "sync_item"))
			assert.Equal(t, int64(103), p.service.list()[0].ID)
			assert.NotContains(t, fmt.Sprint(p.service.world), "_m.")
		}, 1},
		"the mode is off": {func(t *testing.T, p *publishing) {
			p.service.mode = publish.Off
			p.sweep(t)
		}, 0},
		"the mode is dry": {func(t *testing.T, p *publishing) {
			p.service.mode = publish.Dry
			p.sweep(t)
		}, 0},
		"the client changes the names": {func(t *testing.T, p *publishing) {
			p.panel.order.CSR = newPair(t, "other.example").csr
			p.seller.change(102, func(r *seller.OrderStatus) { r.State = seller.StateCancelled })
			require.NoError(t, p.do(command.SyncItem, "sync_item"))
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := publishingFixture(t, 10)
			p.sweep(t)
			require.Len(t, p.service.world, 1)
			p.at = p.at.Add(time.Hour)
			row.then(t, p)
			assert.Len(t, p.service.world, row.left)
			assert.Len(t, p.service.list(), row.left)
		})
	}
}

// A closed item whose record cannot be removed is a task at once: no sweep comes by any more.
func TestAClosedItemThatLeavesARecordIsATask(t *testing.T) {
	p := publishingFixture(t, 10)
	p.sweep(t)
	p.panel.fail["withdraw"] = errors.New("connection refused")
	require.NoError(t, p.do(command.Close, "close"))
	require.Len(t, p.panel.texts, 1)
	assert.Contains(t, p.panel.texts[0], "_m.example.com CNAME t.ca.example stays in example.com: remove it there")
}

// SSLUnattended off and dry publish nothing, --dry-run neither: the client is notified as without all this.
func TestNothingIsPublishedUnlessTheModeIsOn(t *testing.T) {
	for _, mode := range []publish.Mode{publish.Off, publish.Dry} {
		p := publishingFixture(t, 10)
		p.service.mode = mode
		doc, _ := p.sweep(t)
		assert.Contains(t, doc, `reissued="1" told="1"`)
		assert.Zero(t, p.count("publish")+p.count("ask")+p.count("look"))
		assert.Empty(t, p.param(itemparam.ChallengesPublished))
	}
	p := publishingFixture(t, 10)
	p.sweep(t)
	for _, name := range []string{"sync_item", "subscription", "close"} {
		p.panel.calls = nil
		p.args.DryRun = true
		if name == "subscription" {
			p.sweep(t)
		} else {
			run := p.env()
			run.Args = item.Args{Command: name, Item: 42, DryRun: true}
			f := map[string]item.Func{"sync_item": command.SyncItem, "close": command.Close}[name]
			doc, err := item.WithDryRun(f)(t.Context(), run)
			require.NoError(t, err)
			assert.NotContains(t, output(t, doc), "stays in")
		}
		assert.Empty(t, p.panel.calls, name)
	}
	assert.Len(t, p.service.world, 1)
}

// rules UNATT-6: two days after the challenges were published client and administrator are told, once.
func TestTheClientIsToldAfterTwoDays(t *testing.T) {
	p := publishingFixture(t, 10)
	p.sweep(t)
	start := p.at
	p.sweeps(t, time.Hour, 47*time.Hour)
	assert.Empty(t, p.mailer.notices)
	assert.Empty(t, p.panel.tasks)
	p.sweeps(t, time.Hour, 3*time.Hour)
	require.Len(t, p.mailer.notices, 1, "%s after %s", p.at, start)
	assert.Equal(t, item.NoticeProve, p.mailer.notices[0].Kind)
	require.Len(t, p.panel.tasks, 1)
	assert.Contains(t, p.panel.texts[0], "has not issued the certificate")
	p.sweeps(t, time.Hour, 20*time.Hour)
	assert.Len(t, p.mailer.notices, 1)
	p.issue(t)
	p.sweep(t)
	p.clean(t)
	assert.Contains(t, p.panel.calls, "close task 1")
}

// rules UNATT-6: near the end the client is told in any case.
func TestTheClientIsToldNearTheEnd(t *testing.T) {
	for _, row := range []struct {
		lead string
		left int
		told bool
	}{
		{"20", 8, false}, {"20", 7, false}, {"20", 6, true}, {"10", 5, false}, {"10", 4, true}, {"4", 3, false}, {"4", 2, false}, {"4", 1, true}, {"0", 0, false},
	} {
		p := publishingFixture(t, row.left)
		p.panel.settings["SSLSubscriptionBefore"] = row.lead
		doc, _ := p.sweep(t)
		assert.Contains(t, doc, `reissued="1"`)
		assert.Equal(t, row.told, len(p.mailer.notices) == 1, "%+v: %s", row, doc)
		assert.Len(t, p.service.world, 1)
	}
}

// rules UNATT-6: trouble that passes by itself is waited for six hours; what lasts is told at once.
func TestHowLongTroubleIsWaitedFor(t *testing.T) {
	network := &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	for name, row := range map[string]struct {
		err   error
		waits bool
	}{
		"a server that does not answer":    {fmt.Errorf("publisher ns1: %w", network), true},
		"the panel's database":             {fault.Errorf(fault.DB, "item", "gone away").Retryable(), true},
		"a deadline":                       {fmt.Errorf("ns1: %w", context.DeadlineExceeded), true},
		"a panel that ends connections":    {&url.Error{Op: "Post", URL: "https://web7.example/ispmgr", Err: io.EOF}, true},
		"a panel that is not there":        {&url.Error{Op: "Post", URL: "https://web7.example/ispmgr", Err: network}, true},
		"two names whose servers are down": {&publish.Refusal{Reasons: []publish.Reason{{Domain: "a", Err: network}, {Domain: "b", Err: network}}}, true},
		"a certificate that is not the pinned one": {fmt.Errorf("publisher web7: %w",
			&url.Error{Op: "Post", URL: "https://web7.example/ispmgr", Err: errors.New("the key is not the pinned one")}), false},
		"one name has no publisher": {&publish.Refusal{Reasons: []publish.Reason{{Domain: "a", Err: network}, {Domain: "b", Err: errors.New("no publisher")}}}, false},
		"no evidence":               {publish.ErrNotOwner, false},
		"another record":            {publish.ErrConflict, false},
		"a wildcard":                {publish.ErrWildcard, false},
		"the server refuses":        {publish.ErrDenied, false},
		"the configuration":         {errors.New("etc/pmssl/a.conf:3: unknown word"), false},
	} {
		t.Run(name, func(t *testing.T) {
			p := publishingFixture(t, 10)
			p.service.broken = row.err
			p.sweep(t)
			if !row.waits {
				assert.Len(t, p.mailer.notices, 1)
				return
			}
			p.sweeps(t, time.Hour, 5*time.Hour)
			assert.Empty(t, p.mailer.notices)
			p.sweeps(t, time.Hour, 2*time.Hour)
			assert.Len(t, p.mailer.notices, 1)
			p.service.broken = nil
			p.asked.then = func() { p.issue(t) }
			p.sweep(t)
			p.clean(t)
			assert.Equal(t, "5", p.param(itemparam.ServiceStatus))
		})
	}
}

// A name server that does not answer for an hour removes nothing, and the questions to the seller go on being counted.
func TestTroubleThatPassesLeavesWhatStands(t *testing.T) {
	p := publishingFixture(t, 10)
	p.sweep(t)
	before := p.service.list()
	p.service.broken = fault.Errorf(fault.DB, "item", "gone away").Retryable()
	p.at = p.at.Add(8 * time.Hour)
	doc, _ := p.sweep(t)
	assert.Equal(t, before, p.service.list())
	assert.Contains(t, doc, `reason="unattended"`, "the seller had less than two days")
	assert.Zero(t, p.count("withdraw"))
	p.service.broken = nil
	p.sweeps(t, time.Hour, 60*time.Hour)
	assert.Zero(t, p.count("withdraw"))
	assert.Len(t, p.asked.asked, 6)
}

// rules UNATT-7: a record that takes its host out of DNS is removed at once and never published again for the id.
func TestARecordThatTakesItsHostOutOfDNSIsNotPublishedAgain(t *testing.T) {
	p := publishingFixture(t, 10)
	p.service.sight = func(publish.Placement) (publish.Sight, error) {
		return publish.Sight{HostGone: true, Why: "www.example.com has no address any more"}, nil
	}
	doc, _ := p.sweep(t)
	assert.Contains(t, doc, `told="1"`)
	assert.Empty(t, p.service.world)
	p.sweeps(t, time.Hour, 10*time.Hour)
	assert.Equal(t, 1, p.count("publish"))
	assert.Empty(t, p.service.world)
	p.issue(t)
	p.sweep(t)
	p.clean(t)

	t.Run("the next reissue tries", func(t *testing.T) {
		p.service.sight = nil
		p.asked.then = func() { p.issue(t) }
		p.at = p.at.AddDate(0, 0, 190)
		p.sweep(t)
		assert.Equal(t, 2, p.count("publish"))
		p.clean(t)
	})
	t.Run("not removed at first", func(t *testing.T) {
		p := publishingFixture(t, 10)
		p.service.sight = func(publish.Placement) (publish.Sight, error) { return publish.Sight{HostGone: true}, nil }
		p.panel.fail["withdraw"] = errors.New("connection refused")
		p.sweep(t)
		assert.Len(t, p.service.world, 1)
		p.at = p.at.Add(time.Hour)
		p.sweep(t)
		assert.Empty(t, p.service.world)
		assert.Equal(t, 1, p.count("publish"))
	})
}

// A list that cannot be read: nothing is published beside it, the item goes its way, and the administrator gets one task.
func TestAListThatCannotBeReadStopsNothingElse(t *testing.T) {
	for name, raw := range map[string]string{"cut": `[{"publisher":"ns1","zo`, "no JSON": "nonsense", "another form": `{"a":1}`, "numbers": `[1,2]`, "blank": " ",
		"another type": `[{"asks":"six"}]`, "a time": `[{"at":"yesterday"}]`} {
		t.Run(name, func(t *testing.T) {
			p := publishingFixture(t, 10)
			p.panel.order.Params[itemparam.ChallengesPublished] = raw
			doc, failed := p.sweep(t)
			assert.False(t, failed)
			assert.Contains(t, doc, `reissued="1" told="1"`)
			assert.Zero(t, p.count("publish"))
			p.issue(t)
			p.at = p.at.Add(time.Hour)
			_, failed = p.sweep(t)
			assert.False(t, failed)
			assert.Equal(t, "5", p.param(itemparam.ServiceStatus))
			p.sweep(t)
			assert.Len(t, p.panel.tasks, 1)
			assert.Contains(t, p.panel.texts[0], "remove the records in it by hand")
			assert.Equal(t, raw, p.param(itemparam.ChallengesPublished))
		})
	}
	t.Run("the order ends", func(t *testing.T) {
		p := publishingFixture(t, 10)
		p.sweep(t)
		p.panel.order.Params[itemparam.ChallengesPublished] = "nonsense"
		p.seller.change(102, func(r *seller.OrderStatus) { r.State = seller.StateCancelled })
		p.service.world = map[string]string{}
		require.NoError(t, p.do(command.SyncItem, "sync_item"))
		assert.Equal(t, "5", p.param(itemparam.ServiceStatus))
	})
}

// Odd entries of the list and long ones are worked through.
func TestOddListsAreWorkedThrough(t *testing.T) {
	odd := func(change func(*listedRecord)) func(*publishing) {
		return func(p *publishing) {
			list := p.service.list()
			for i := range list {
				change(&list[i])
			}
			p.service.set(list...)
		}
	}
	for name, change := range map[string]func(*publishing){
		"asks below zero":     odd(func(r *listedRecord) { r.Asks = -5 }),
		"asks without a time": odd(func(r *listedRecord) { r.Asked = time.Time{} }),
		"an endless pause":    odd(func(r *listedRecord) { r.Pause = 1 << 62 }),
		"a pause below zero":  odd(func(r *listedRecord) { r.Pause = -1 << 62 }),
		"times in year 9999": odd(func(r *listedRecord) {
			far := time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
			r.At, r.Seen, r.Asked, r.Stays = far, far, far, far
		}),
		"no times":             odd(func(r *listedRecord) { r.At, r.Seen, r.Asked = time.Time{}, time.Time{}, time.Time{} }),
		"another id":           odd(func(r *listedRecord) { r.ID = -1 }),
		"another publisher":    odd(func(r *listedRecord) { r.Publisher = "gone" }),
		"capitals":             odd(func(r *listedRecord) { r.Record.Value = strings.ToUpper(r.Record.Value) }),
		"the same entry twice": func(p *publishing) { p.service.set(append(p.service.list(), p.service.list()...)...) },
		"a thousand entries": func(p *publishing) {
			list := p.service.list()
			for n := range 1000 {
				r := list[0]
				r.Record.Name = fmt.Sprintf("_x%d.example.com", n)
				list = append(list, r)
			}
			p.service.set(list...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := publishingFixture(t, 10)
			p.sweep(t)
			change(p)
			p.sweeps(t, time.Hour, 3*time.Hour)
			assert.LessOrEqual(t, len(p.asked.asked), 6)
			p.sweeps(t, time.Hour, 60*time.Hour)
			assert.LessOrEqual(t, len(p.asked.asked), 7, "one was not counted")
			assert.NotEmpty(t, p.mailer.notices, "two days are over")
			p.issue(t)
			p.sweep(t)
			assert.Empty(t, p.param(itemparam.ChallengesPublished))
			assert.Equal(t, "5", p.param(itemparam.ServiceStatus))
		})
	}
}

// A clock that was ahead for one run delays nothing for longer than from now on.
func TestAClockThatGoesBackDelaysNothing(t *testing.T) {
	p := publishingFixture(t, 10)
	right := p.at
	p.sweep(t)
	list := p.service.list()
	ahead := right.AddDate(5, 0, 0)
	list[0].At, list[0].Seen, list[0].Asked = ahead, ahead, ahead
	p.service.set(list...)
	p.at = right.Add(time.Hour)
	p.sweep(t)
	p.sweeps(t, time.Hour, 6*time.Hour)
	assert.GreaterOrEqual(t, len(p.asked.asked), 3)
	p.sweeps(t, time.Hour, 43*time.Hour)
	assert.Len(t, p.mailer.notices, 1)
	assert.Len(t, p.panel.tasks, 1)
}

// The order is moved to files where a record cannot stand in DNS, if the settings and the seller allow it, whether the
// publisher says so before or when it writes.
func TestAnOrderWhoseRecordCannotStandIsMovedToFiles(t *testing.T) {
	for name, interfere := range map[string]func(*publishing){
		"before": func(p *publishing) { p.service.refused["CNAME"] = publish.ErrWildcard },
		"when it writes": func(p *publishing) {
			p.panel.fail["publish _m.example.com"] = publish.ErrConflict
		},
	} {
		for _, best := range []bool{true, false} {
			t.Run(fmt.Sprint(name, best), func(t *testing.T) {
				p := publishingFixture(t, 10)
				p.service.best = best
				interfere(p)
				changer := &movingSeller{askedSeller: p.asked}
				run := p.env()
				run.Args = item.Args{Command: "subscription"}
				run.Info.Prototype = changer
				run.Info.Connect = func(map[string]string) (seller.Seller, error) { return changer, nil }
				_, err := command.Subscription(t.Context(), run)
				require.NoError(t, err)
				p.allListed(t)
				if !best {
					assert.Empty(t, p.service.world)
					assert.Len(t, p.mailer.notices, 1)
					assert.Zero(t, changer.changed)
					return
				}
				assert.Equal(t, "auth_http", p.param(itemparam.Method))
				assert.Equal(t, 1, changer.changed)
				require.Len(t, p.service.world, 1)
				for place := range p.service.world {
					assert.Contains(t, place, "file example.com /.well-known/pki-validation/A.txt")
				}
				assert.Empty(t, p.mailer.notices)
			})
		}
	}
}

// movingSeller changes the validation method.
type movingSeller struct {
	*askedSeller
	changed int
}

func fileOf(r seller.Request) []seller.Challenge {
	return []seller.Challenge{{Domain: "example.com", Method: seller.MethodFile, URL: "http://example.com/.well-known/pki-validation/A.txt", Body: "b"}}
}

func (m *movingSeller) ChangeMethod(_ context.Context, _ int64, r seller.Request) ([]seller.Challenge, error) {
	m.changed++
	return fileOf(r), nil
}

func (m *movingSeller) RetryChallenge(ctx context.Context, id int64, r seller.Request, domain string) ([]seller.Challenge, error) {
	if r.Method != seller.MethodFile {
		return m.askedSeller.RetryChallenge(ctx, id, r, domain)
	}
	return fileOf(r), m.panelCall()
}

func (m *movingSeller) panelCall() error { return m.s.panel.call("ask") }

// An item that is validated by e-mail is moved at its reissue if every name can be published.
func TestAnItemByEmailIsMovedAtItsReissue(t *testing.T) {
	for name, row := range map[string]struct {
		refused []string
		best    bool
		method  string
	}{
		"to DNS": {nil, true, "auth_dnscname"}, "to files": {[]string{"CNAME"}, true, "auth_http"}, "nowhere": {[]string{"CNAME", "file"}, true, "auth_email"},
		"not asked for": {nil, false, "auth_email"},
	} {
		t.Run(name, func(t *testing.T) {
			p := publishingFixture(t, 10)
			p.service.best = row.best
			for _, kind := range row.refused {
				p.service.refused[kind] = publish.ErrNotOwner
			}
			p.panel.order.Params[itemparam.Method], p.panel.order.Params[itemparam.Approver] = "auth_email", "admin@example.com"
			p.sweep(t)
			assert.Equal(t, row.method, p.param(itemparam.Method))
			assert.Equal(t, 1, p.seller.reissues)
		})
	}
}

// A run that is killed before any of its steps is repeated by the next ones: one reissue, no mail, no task, nothing left.
func TestAKilledRunIsRepeated(t *testing.T) {
	for _, changes := range []bool{false, true} {
		for n := 1; ; n++ {
			p := publishingFixture(t, 10)
			if changes {
				p.asked.answer = func(_ int, r seller.Request) []seller.Challenge { return target(r, "new.ca.example") }
			} else {
				p.asked.then = func() { p.issue(t) }
			}
			happened := p.panel.killed(n, func() { p.sweep(t) })
			label := fmt.Sprintf("killed before call %d, other values %t", n, changes)
			p.allListed(t)
			for range 4 {
				p.at = p.at.Add(time.Hour)
				p.sweep(t)
			}
			p.issue(t)
			for range 26 { // one that was taken without an answer is found, or asked for again a day later
				p.at = p.at.Add(time.Hour)
				p.sweep(t)
				if p.seller.reissues == 1 && p.seller.statuses[102].State != seller.StateIssued {
					p.issue(t)
				}
			}
			p.clean(t)
			assert.Equal(t, 1, p.seller.reissues, label)
			assert.Equal(t, "5", p.param(itemparam.ServiceStatus), label)
			assert.Empty(t, p.mailer.notices, label)
			assert.Empty(t, p.panel.tasks, label)
			if t.Failed() {
				t.Fatalf("%s: %s", label, strings.Join(p.panel.calls, "\n"))
			}
			if !happened {
				break
			}
		}
	}
}

// A call-back that the panel or a publisher refuses once is repeated in the same way.
func TestABrokenCallIsRepeated(t *testing.T) {
	whole := publishingFixture(t, 10)
	whole.asked.then = func() { whole.issue(t) }
	whole.sweep(t)
	var done []string
	for _, call := range whole.panel.calls {
		prefix, _, _ := strings.Cut(call, "=")
		if slices.Contains(done, prefix) {
			continue
		}
		done = append(done, prefix)
		t.Run(prefix, func(t *testing.T) {
			p := publishingFixture(t, 10)
			p.asked.then = func() { p.issue(t) }
			p.panel.fail[prefix] = fault.Errorf(fault.Panel, "", "broken").Retryable()
			p.sweep(t)
			for range 30 {
				p.at = p.at.Add(time.Hour)
				p.sweep(t)
			}
			p.clean(t)
			assert.Equal(t, "5", p.param(itemparam.ServiceStatus))
			assert.LessOrEqual(t, p.seller.reissues, 1)
			assert.Empty(t, p.mailer.notices)
			assert.Empty(t, p.panel.tasks)
		})
	}
}

// A signal ends a run at any step: nobody is written to for it, nothing is removed, and the next run goes on (rules RUN-1).
func TestASignalIsNoReasonToWriteToTheClient(t *testing.T) {
	for _, step := range []string{"save challenges_published", "publish", "look", "ask"} {
		t.Run(step, func(t *testing.T) {
			p := publishingFixture(t, 10)
			ctx, cancel := context.WithCancel(t.Context())
			p.panel.before = func(call string) {
				if strings.HasPrefix(call, step) {
					cancel()
					p.panel.fail[step] = ctx.Err()
				}
			}
			p.ctx = ctx
			run := p.env()
			run.Args = item.Args{Command: "subscription"}
			_, _ = command.Subscription(ctx, run)
			assert.Empty(t, p.mailer.notices)
			assert.Zero(t, p.count("withdraw"))
			p.allListed(t)
			p.panel.before, p.ctx = nil, t.Context()
			delete(p.panel.fail, step)
			p.asked.then = func() { p.issue(t) }
			for range 3 {
				p.at = p.at.Add(time.Hour)
				p.sweep(t)
			}
			p.clean(t)
			assert.Equal(t, "5", p.param(itemparam.ServiceStatus))
			assert.Empty(t, p.mailer.notices)
		})
	}
}

// The first certificate is validated in the same way by open, within the time of one command.
func TestOpenPublishesToo(t *testing.T) {
	p := publishingOf(t, newFixture(t))
	p.asked.then = func() { p.issue(t) }
	start := p.at
	require.NoError(t, p.do(command.Open, "open"))
	p.clean(t)
	assert.Equal(t, "5", p.param(itemparam.ServiceStatus))
	assert.LessOrEqual(t, p.at.Sub(start), 90*time.Second)

	t.Run("a seller that takes longer", func(t *testing.T) {
		p := publishingOf(t, newFixture(t))
		start := p.at
		require.NoError(t, p.do(command.Open, "open"))
		assert.LessOrEqual(t, p.at.Sub(start), 90*time.Second)
		p.issue(t)
		p.at = p.at.Add(time.Hour)
		p.sweep(t)
		p.clean(t)
		assert.Equal(t, "5", p.param(itemparam.ServiceStatus))
	})
}
