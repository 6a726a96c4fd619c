package command_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/publish"
	"pmssl/internal/seller"
)

// rules UNATT-4, UNATT-6: challenges that are removed while their order waits, and published again, are no new ones. The seller is
// asked six times in all, and after two days client and administrator are told.
func TestChallengesThatArePublishedAgainAreNoNewOnes(t *testing.T) {
	for name, row := range map[string]struct {
		trouble func(p *publishing, on bool)
		answer  func(int, seller.Request) []seller.Challenge
	}{
		"the name server refuses now and then": {trouble: func(p *publishing, on bool) {
			p.service.refused["CNAME"] = nil
			if on {
				p.service.refused["CNAME"] = publish.ErrDenied
			}
		}},
		"new values cannot be written at first": {
			trouble: func(p *publishing, on bool) {
				p.panel.before = nil
				if on {
					p.panel.before = func(call string) {
						if strings.HasPrefix(call, "publish") {
							p.panel.fail["publish"] = &net.OpError{Op: "dial", Err: errors.New("connection refused")}
						}
					}
				}
			},
			answer: func(n int, r seller.Request) []seller.Challenge { return target(r, fmt.Sprintf("v%d.ca.example", n)) },
		},
		"the mode is dry now and then": {trouble: func(p *publishing, on bool) {
			p.service.mode = publish.On
			if on {
				p.service.mode = publish.Dry
			}
		}},
		"the mode is off now and then": {trouble: func(p *publishing, on bool) {
			p.service.mode = publish.On
			if on {
				p.service.mode = publish.Off
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			p := publishingFixture(t, 10)
			p.asked.answer = row.answer
			for n := range 30 {
				row.trouble(p, n%2 == 1)
				p.sweeps(t, time.Hour, 2*time.Hour)
				if n == 22 { // 46 hours
					assert.Empty(t, p.panel.tasks)
				}
			}
			row.trouble(p, false)
			p.sweeps(t, time.Hour, 2*time.Hour)
			assert.Len(t, p.asked.asked, 6)
			assert.Len(t, p.mailer.notices, 1)
			require.Len(t, p.panel.tasks, 1)
			assert.Contains(t, p.panel.texts[0], "has not issued the certificate")
			p.issue(t)
			p.sweep(t)
			p.clean(t)
			assert.NotContains(t, p.panel.order.Params, itemparam.ChallengesRemoved)

			t.Run("the next reissue is asked about anew", func(t *testing.T) {
				p.at = p.at.AddDate(0, 0, 195)
				p.sweep(t)
				assert.Len(t, p.asked.asked, 7)
			})
		})
	}
}

// What the panel holds about removed challenges is text from outside.
func TestOddNotesAboutRemovedChallengesAreIgnored(t *testing.T) {
	for _, raw := range []string{"nonsense", `{"id":"x"}`, `[]`, `{"id":102,"asks":-7}`, `{"id":101,"asks":6}`, `{"id":102,"asks":3,"at":"9999-01-01T00:00:00Z","asked":"9999-01-01T00:00:00Z"}`} {
		p := publishingFixture(t, 10)
		p.panel.order.Params[itemparam.ChallengesRemoved] = raw
		p.sweep(t)
		p.sweeps(t, time.Hour, 47*time.Hour)
		assert.NotEmpty(t, p.asked.asked, raw)
		assert.LessOrEqual(t, len(p.asked.asked), 6, raw)
		assert.Empty(t, p.mailer.notices, raw)
	}
}

// Trouble with the name server that passes by itself removes nothing that the seller was asked to look at.
func TestTroubleWhileRecordsAreWrittenAgainLeavesThem(t *testing.T) {
	p := publishingFixture(t, 10)
	p.sweep(t)
	before := p.service.list()
	for range 3 {
		p.panel.fail["publish"] = &net.OpError{Op: "dial", Err: errors.New("connection refused")}
		p.at = p.at.Add(time.Hour)
		doc, _ := p.sweep(t)
		assert.Contains(t, doc, `reason="unattended"`)
		assert.Len(t, p.service.world, 1)
	}
	assert.Zero(t, p.count("withdraw"))
	assert.Equal(t, before[0].At, p.service.list()[0].At)
	p.at = p.at.Add(time.Hour)
	p.sweep(t)
	assert.Len(t, p.asked.asked, 2)
}

// A mistake in etc/pmssl is about no name: what stands for an order that the seller was asked about stays, and its client is told after
// two days as without the mistake.
func TestAMistakeInTheConfigurationLeavesWhatStands(t *testing.T) {
	p := publishingFixture(t, 10)
	p.sweep(t)
	p.service.broken = errors.New("etc/pmssl/a.conf:3: unknown word")
	p.sweeps(t, time.Hour, 47*time.Hour)
	assert.Len(t, p.service.world, 1)
	assert.Zero(t, p.count("withdraw"))
	assert.Empty(t, p.mailer.notices)
	p.sweeps(t, time.Hour, 3*time.Hour)
	assert.Len(t, p.mailer.notices, 1)
	p.issue(t)
	p.sweep(t)
	p.clean(t)
}

// unsentError is a transport error of a request that never left this host, or may have.
type unsentError struct{ unsent bool }

func (unsentError) Error() string  { return "20 calls a minute are used up" }
func (u unsentError) Unsent() bool { return u.unsent }

// rules UNATT-4: a question that never reached the seller is none of the six.
func TestAQuestionThatWasNotSentIsNotCounted(t *testing.T) {
	for name, row := range map[string]struct {
		err   error
		asks  int // counted
		calls int // until all questions are used up
	}{
		"not sent":      {unsentError{true}, 0, 7},
		"perhaps sent":  {unsentError{false}, 1, 6},
		"seller's word": {fault.Errorf(fault.API, "id", "not now"), 1, 6},
	} {
		t.Run(name, func(t *testing.T) {
			p := publishingFixture(t, 10)
			p.asked.err = row.err
			p.sweep(t)
			require.Len(t, p.service.list(), 1)
			assert.Equal(t, row.asks, p.service.list()[0].Asks)
			assert.Equal(t, row.asks == 0, p.service.list()[0].Asked.IsZero())
			p.asked.err = nil
			p.sweeps(t, time.Hour, 90*time.Hour)
			assert.Len(t, p.asked.asked, row.calls)
		})
	}
}

// inPlaceSeller reissues under the same id and can be asked to look at challenges.
type inPlaceSeller struct {
	*fakeRemote
	asked int
}

func (s *inPlaceSeller) RetryChallenge(_ context.Context, id int64, _ seller.Request, _ string) ([]seller.Challenge, error) {
	s.asked++
	return s.statuses[id].Challenges, nil
}

// At a seller that reissues in place the next reissue has the same id. What could not be removed of the one before says nothing
// about it: since when its challenges stand, how often it was asked about, or that they do harm.
func TestWhatIsLeftOfAnEarlierReissueUnderTheSameIDIsNotCounted(t *testing.T) {
	for name, harmful := range map[string]bool{"asked about": false, "harmful": true} {
		t.Run(name, func(t *testing.T) {
			p := publishingOf(t, placedFixture(t, 60))
			remote := &inPlaceSeller{fakeRemote: p.remote}
			run := func() {
				t.Helper()
				p.args = item.Args{Command: "subscription"}
				run := p.env()
				run.Info = p.remoteEnv().Info
				run.Info.Prototype = remote
				run.Info.Connect = func(map[string]string) (seller.Seller, error) { return remote, nil }
				_, err := command.Subscription(t.Context(), run)
				require.NoError(t, err)
			}
			if harmful {
				p.service.sight = func(publish.Placement) (publish.Sight, error) { return publish.Sight{HostGone: true}, nil }
			}
			run()
			require.Equal(t, 1, p.remote.reissues)
			p.panel.before = func(call string) {
				if strings.HasPrefix(call, "withdraw") {
					p.panel.fail["withdraw"] = errors.New("connection refused")
				}
			}
			p.remote.issue(t, 500, p.pair, p.at, 199)
			p.at = p.at.Add(time.Hour)
			run()
			require.Equal(t, "5", p.param(itemparam.ServiceStatus))
			require.NotEmpty(t, p.service.list())

			p.service.sight = nil
			p.at = p.at.AddDate(0, 0, 190)
			p.mailer.notices, p.panel.tasks, p.panel.texts, remote.asked = nil, nil, nil, 0
			run()
			require.Equal(t, 2, p.remote.reissues)
			assert.Equal(t, 1, remote.asked)
			assert.Empty(t, p.mailer.notices)
			assert.Len(t, p.service.world, 1)
			p.panel.before = nil
			p.remote.issue(t, 500, p.pair, p.at, 199)
			p.at = p.at.Add(time.Hour)
			run()
			p.clean(t)
		})
	}
}

// What the panel holds about published, removed and deferred challenges is text from outside: whatever it is, the reissue goes its way.
func FuzzWhatIsKeptAboutChallenges(f *testing.F) {
	f.Add(`[{"publisher":"ns1","zone":"example.com","record":{"domain":"example.com","type":"CNAME","name":"_m.example.com","value":"t.ca.example"},"id":102,"asks":6}]`,
		`{"id":102,"at":"2026-10-08T09:00:00Z","asked":"2026-10-08T09:00:00Z","asks":6}`, "2026-10-08T09:00:00Z")
	f.Add(`[{"id":102,"harmful":"2026-10-08T09:00:00Z","pause":-1},{"record":{"type":"file"}}]`, `{"id":102,"asks":-1}`, "9999")
	f.Add(`[{}]`, `[]`, " ")
	f.Fuzz(func(t *testing.T, published, removed, deferred string) {
		p := publishingFixture(t, 10)
		for name, value := range map[string]string{itemparam.ChallengesPublished: published, itemparam.ChallengesRemoved: removed, itemparam.ChallengesDeferred: deferred} {
			if value != "" {
				p.panel.order.Params[name] = value
			}
		}
		for range 2 {
			p.args = item.Args{Command: "subscription"}
			run := p.env()
			answer, err := command.Subscription(t.Context(), run)
			require.NoError(t, err)
			require.False(t, run.Failed, output(t, answer))
			p.at = p.at.Add(time.Hour)
		}
		require.LessOrEqual(t, len(p.asked.asked), 2)
		p.issue(t)
		p.sweep(t)
		require.Equal(t, "5", p.param(itemparam.ServiceStatus))
		require.NotContains(t, p.panel.order.Params, itemparam.ChallengesDeferred)
	})
}
