package command_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sweepFixture returns an item of five years whose first certificate ends on 2026-10-18. The time is so many days before that.
func sweepFixture(t *testing.T, before int) *fixture {
	t.Helper()
	s := issuedFixture(t)
	s.args = item.Args{Command: "subscription"}
	s.at = time.Date(2026, 10, 18, 9, 0, 0, 0, time.UTC).AddDate(0, 0, -before)
	return s
}

// sweep runs the command and returns its document as text.
func (s *fixture) sweep(t *testing.T) (doc string, failed bool) {
	t.Helper()
	run := s.env()
	answer, err := command.Subscription(context.Background(), run)
	require.NoError(t, err)
	return output(t, answer), run.Failed
}

func TestB36TheLeadDecidesTheDay(t *testing.T) {
	for _, row := range []struct {
		setting string
		before  int
		due     bool
	}{
		{"", 11, false}, {"", 10, true}, {"", 0, true}, {"", -3, true},
		{"30", 31, false}, {"30", 30, true}, {"0", 1, false}, {"0", 0, true},
		{"200", 100, false}, {"200", 99, true}, // half of the certificate's 199 days
		{"nonsense", 11, false}, {"nonsense", 10, true}, {"-1", 11, false}, {"-1", 10, true},
	} {
		s := sweepFixture(t, row.before)
		s.panel.settings["SSLSubscriptionBefore"] = row.setting
		doc, failed := s.sweep(t)
		assert.False(t, failed)
		assert.Equal(t, row.due, s.seller.reissues == 1, "%+v: %s", row, doc)
	}
}

func TestThePolicyAutoReissuesOnceAndNotifiesTheClient(t *testing.T) {
	s := sweepFixture(t, 10)
	doc, _ := s.sweep(t)
	assert.Contains(t, doc, `<subscription policy="auto" before="10" mode="apply" date="2026-10-08" running="no" items="1" due="1" reissued="1" told="1" failed="0">`)
	assert.Contains(t, doc, `expiredate="2026-10-18" paid_until="2031-04-02" due="2026-10-08" lead="10" action="reissue" result="ok" reason=""`)
	require.Len(t, s.mailer.notices, 1)
	notice := s.mailer.notices[0]
	assert.Equal(t, item.NoticeProve, notice.Kind)
	assert.Equal(t, "example.com", notice.Domain)
	assert.Equal(t, "_m.example.com CNAME t.ca.example", notice.Challenges)
	assert.Equal(t, 10, notice.DaysLeft)

	s.at = s.at.Add(time.Hour)
	doc, _ = s.sweep(t)
	assert.Equal(t, 1, s.seller.reissues)
	assert.Len(t, s.mailer.notices, 1, "notified once")
	assert.Equal(t, 1, strings.Count(doc, "<item "), "once in the document")
	assert.Contains(t, doc, `due="2026-10-08" lead="10" action="wait"`)

	t.Run("in the last week client and administrator are notified, once a day", func(t *testing.T) {
		s.at = time.Date(2026, 10, 12, 9, 0, 0, 0, time.UTC)
		s.sweep(t)
		require.Len(t, s.mailer.notices, 2)
		assert.Equal(t, item.NoticeWaiting, s.mailer.notices[1].Kind)
		assert.Contains(t, s.panel.calls, "manual 42 0 reopen")
		s.at = s.at.Add(time.Hour)
		s.sweep(t)
		assert.Len(t, s.mailer.notices, 2)
		s.at = s.at.AddDate(0, 0, 1)
		s.sweep(t)
		assert.Len(t, s.mailer.notices, 3)
	})
	t.Run("then it is issued and stored", func(t *testing.T) {
		s.seller.issue(t, 102, s.pair, s.at, 199)
		doc, _ := s.sweep(t)
		assert.Contains(t, doc, `result="ok"`)
		assert.Equal(t, "5", s.panel.order.Params[itemparam.ServiceStatus])
		s.sweep(t)
		assert.Equal(t, 1, s.seller.reissues)
	})
}

func TestThePolicyManualNotifiesOncePerCertificate(t *testing.T) {
	s := sweepFixture(t, 10)
	s.panel.settings["SSLSubscriptionPolicy"] = "manual"
	doc, _ := s.sweep(t)
	assert.Contains(t, doc, `due="1" reissued="0" told="1" failed="0"`)
	require.Len(t, s.mailer.notices, 1)
	assert.Equal(t, item.NoticeExpires, s.mailer.notices[0].Kind)
	for range 3 {
		s.at = s.at.AddDate(0, 0, 1)
		doc, _ = s.sweep(t)
	}
	assert.Contains(t, doc, `reason="told already"`)
	assert.Len(t, s.mailer.notices, 1)
	assert.Zero(t, s.seller.reissues)
}

// rules SWEEP-11: after a fault on this server the next sweep sends the notice, and sweeps fail until the fault is repaired.
func TestANoticeThatWasNotAcceptedIsSentByTheNextSweep(t *testing.T) {
	for name, failure := range map[string]error{
		"no mail transport": fault.Errorf(fault.Client, fault.ObjectMail, "this server has no mail transfer agent").Retryable(),
		"refused for all":   fault.Errorf(fault.Client, fault.ObjectMail, "the sender was refused"),
		"no sender":         fault.Errorf(fault.Missed, "SSLSubscriptionMailFrom", "mails to clients have no sender"),
		"a template":        fault.Errorf(fault.Internal, fault.ObjectMail, "the mail cannot be written"),
		"for now":           fault.Errorf(fault.Client, fault.ObjectRecipient, "greylisted").Retryable(),
		"ended by a signal": fault.Errorf(fault.Interrupted, fault.ObjectMail, "the run was told to end").Retryable(),
	} {
		t.Run(name, func(t *testing.T) {
			s := sweepFixture(t, 10)
			s.panel.settings["SSLSubscriptionPolicy"] = "manual"
			s.mailer.err = failure
			for range 3 {
				doc, failed := s.sweep(t)
				assert.True(t, failed)
				assert.Contains(t, doc, `result="error"`)
				s.at = s.at.Add(time.Hour)
			}
			assert.Equal(t, 3, s.mailer.tried)
			s.mailer.err = nil
			doc, failed := s.sweep(t)
			assert.False(t, failed)
			assert.Contains(t, doc, `told="1"`)
			assert.Len(t, s.mailer.notices, 1, "on the same day")
			s.at = s.at.Add(time.Hour)
			doc, _ = s.sweep(t)
			assert.Contains(t, doc, `reason="told already"`)
			assert.Len(t, s.mailer.notices, 1)
		})
	}
}

func TestARefusedRecipientIsTriedAgainTheNextDay(t *testing.T) {
	s := sweepFixture(t, 10)
	s.panel.settings["SSLSubscriptionPolicy"] = "manual"
	s.mailer.err = fault.Errorf(fault.Client, fault.ObjectRecipient, "550 no such user")
	doc, failed := s.sweep(t)
	assert.True(t, failed)
	assert.Contains(t, doc, "550 no such user")
	s.mailer.err = nil
	s.at = s.at.Add(time.Hour)
	doc, failed = s.sweep(t)
	assert.False(t, failed)
	assert.Contains(t, doc, `reason="tried today"`)
	assert.Empty(t, s.mailer.notices, "not on the same day")
	s.at = s.at.AddDate(0, 0, 1)
	s.sweep(t)
	assert.Len(t, s.mailer.notices, 1)
}

// twins is a panel with a second item that equals the first one.
type twins struct{ *fakePanel }

func (p twins) ExpiringBefore(ctx context.Context, until cabforum.Date) ([]int64, error) {
	items, err := p.fakePanel.ExpiringBefore(ctx, until)
	if len(items) > 0 {
		items = append(items, 43)
	}
	return items, err
}

func (p twins) LoadItem(ctx context.Context, it int64) (item.Item, error) {
	order, err := p.fakePanel.LoadItem(ctx, 42)
	order.Item = it
	return order, err
}

// A transport that hangs costs one timeout per sweep; a refused recipient does not prevent other notices.
func TestATransportThatFailedIsNotTriedAgainInTheSameSweep(t *testing.T) {
	for name, c := range map[string]struct {
		err   error
		tried int
	}{
		"transport": {fault.Errorf(fault.Client, fault.ObjectMail, "sendmail did not accept the message within 1m0s").Retryable(), 1},
		"recipient": {fault.Errorf(fault.Client, fault.ObjectRecipient, "greylisted").Retryable(), 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := sweepFixture(t, 10)
			s.panel.settings["SSLSubscriptionPolicy"] = "manual"
			s.mailer.err = c.err
			run := s.env()
			run.Panel = twins{s.panel}
			doc, err := command.Subscription(t.Context(), run)
			require.NoError(t, err)
			assert.True(t, run.Failed)
			assert.Equal(t, 2, strings.Count(output(t, doc), `result="error"`), "each client that was not notified has a row")
			assert.Equal(t, c.tried, s.mailer.tried)
		})
	}
}

func TestResendNotifiesAClientAgain(t *testing.T) {
	s := sweepFixture(t, 10)
	s.panel.settings["SSLSubscriptionPolicy"] = "manual"
	s.sweep(t)
	require.Len(t, s.mailer.notices, 1)
	s.args.Resend = true
	_, err := command.Subscription(t.Context(), s.env())
	assert.ErrorContains(t, err, "needs --item")
	s.args.Item = 42
	doc, failed := s.sweep(t)
	assert.False(t, failed)
	assert.Contains(t, doc, `told="1"`)
	assert.Len(t, s.mailer.notices, 2)

	s.args.DryRun = true
	s.sweep(t)
	assert.Len(t, s.mailer.notices, 2)
	s.args.DryRun = false
	s.at = s.at.AddDate(0, -2, 0)
	_, err = command.Subscription(t.Context(), s.env())
	assert.ErrorContains(t, err, "nothing to notify the client of item 42")
	assert.Len(t, s.mailer.notices, 2)
}

func TestThePolicyNoneOnlyCounts(t *testing.T) {
	s := sweepFixture(t, 10)
	s.panel.settings["SSLSubscriptionPolicy"] = "none"
	doc, _ := s.sweep(t)
	assert.Contains(t, doc, `policy="none"`)
	assert.Contains(t, doc, `due="1" reissued="0" told="0"`)
	assert.Contains(t, doc, `action="none" result="skipped" reason="policy"`)
	assert.Zero(t, s.seller.reissues)
	assert.Empty(t, s.panel.calls)
}

func TestThePolicyNoneNotifiesNobodyAboutAWaitingReissue(t *testing.T) {
	s := sweepFixture(t, 10)
	s.sweep(t)
	require.Len(t, s.mailer.notices, 1)
	s.panel.settings["SSLSubscriptionPolicy"] = "none"
	s.at = s.at.AddDate(0, 0, 5)
	doc, _ := s.sweep(t)
	assert.Len(t, s.mailer.notices, 1)
	assert.Contains(t, doc, `action="wait" result="ok" reason="policy"`)
}

func TestADryRunDoesNotSaveAnIDFromTheJournal(t *testing.T) {
	s := sweepFixture(t, 10)
	s.panel.order.Params[itemparam.Lineage] = "" // as after an interruption between id and lineage
	s.args.DryRun = true
	s.sweep(t)
	assert.Empty(t, s.panel.calls)
}

func TestADryRunChangesNothingAndSimulatesADay(t *testing.T) {
	s := sweepFixture(t, 100)
	s.args.DryRun, s.args.Date = true, "2026-10-08"
	doc, _ := s.sweep(t)
	assert.Contains(t, doc, `mode="dry-run" date="2026-10-08"`)
	assert.Contains(t, doc, `action="reissue" result="skipped" reason="dry run"`)
	assert.Empty(t, s.panel.calls)
	for _, args := range []item.Args{{Date: "2026-10-08"}, {Date: "2026-13-08", DryRun: true}} {
		s.args = args
		_, err := command.Subscription(context.Background(), s.env())
		assert.Equal(t, fault.Value, faultType(t, err))
	}
}

func TestWhichCertificatesAreNotReissued(t *testing.T) {
	for name, row := range map[string]struct {
		change func(s *fixture)
		reason string
	}{
		"a reissue under way": {func(s *fixture) { s.panel.operations = 1 }, "under_way"},
		"tried today": {func(s *fixture) {
			s.panel.order.Params[itemparam.ReissueTried] = s.at.Add(-23*time.Hour).Format(time.RFC3339) + " 1"
		}, "recent"},
		"tried five times":             {func(s *fixture) { s.panel.order.Params[itemparam.ReissueTried] = "2026-10-01T00:00:00Z 5" }, "tries"},
		"the term ends with it":        {func(s *fixture) { s.period(6); s.panel.order.Params[itemparam.TermStart] = "2026-04-18" }, "paid_until"},
		"the term is over":             {func(s *fixture) { s.period(6) }, "term_over"},
		"the seller's term ends there": {func(s *fixture) { s.panel.order.Params[itemparam.TermEnd] = "2026-10-18" }, "no_gain"},
	} {
		t.Run(name, func(t *testing.T) {
			s := sweepFixture(t, 5)
			row.change(s)
			doc, _ := s.sweep(t)
			assert.Contains(t, doc, `reason="`+row.reason+`"`)
			assert.Zero(t, s.seller.reissues)
		})
	}
	t.Run("five failures open a task", func(t *testing.T) {
		s := sweepFixture(t, 5)
		s.panel.order.Params[itemparam.ReissueTried] = "2026-10-01T00:00:00Z 5"
		s.sweep(t)
		assert.Contains(t, s.panel.calls, "manual 42 0 reopen")
	})
}

func TestASellersErrorHasARowAndSetsTheExitCode(t *testing.T) {
	s := sweepFixture(t, 5)
	s.seller.reissueErr = &fault.Error{Type: fault.API, Message: "4035900: cannot create certificate for reissue"}
	doc, failed := s.sweep(t)
	assert.True(t, failed)
	assert.Contains(t, doc, `action="reissue" result="error" reason="api_error: 4035900`)
	s.seller.reissueErr = nil
	s.at = s.at.Add(time.Hour)
	s.sweep(t)
	assert.Equal(t, 1, s.seller.reissues, "at most one attempt in 24 hours")
	s.at = s.at.AddDate(0, 0, 1)
	s.sweep(t)
	assert.Equal(t, 2, s.seller.reissues)
}

func TestASweepWithALostAnswerNeverStaysStuck(t *testing.T) {
	s := sweepFixture(t, 10)
	s.seller.reissueErr = &fault.Error{Type: fault.Client, Message: "timeout", Retry: true, OutcomeUnknown: true}
	_, failed := s.sweep(t)
	assert.True(t, failed)
	s.seller.reissueErr = nil
	for range 3 {
		s.at = s.at.AddDate(0, 0, 1)
		s.sweep(t)
	}
	assert.Equal(t, 2, s.seller.reissues)
	assert.Equal(t, "101 102", s.panel.order.Params[itemparam.Lineage])
}

func TestALimitOfCallsIsNotAnAttempt(t *testing.T) {
	s := sweepFixture(t, 10)
	s.seller.reissueErr = fault.Errorf(fault.Limit, "", "20 calls a minute are used up").Retryable()
	_, failed := s.sweep(t)
	assert.True(t, failed)
	assert.NotContains(t, s.panel.order.Params, itemparam.ReissueOf)
	assert.NotContains(t, s.panel.order.Params, itemparam.ReissueTried)
	s.seller.reissueErr = nil
	s.at = s.at.Add(time.Hour)
	doc, _ := s.sweep(t)
	assert.Contains(t, doc, `reissued="1"`, "the next sweep requests it again")
	assert.Equal(t, "101 102", s.panel.order.Params[itemparam.Lineage])
}

// A fault of the program that shows with one item must not keep the sweep from the others.
func TestAPanicIsAnErrorOfItsItem(t *testing.T) {
	s := sweepFixture(t, 10)
	s.seller.onStatus = func() { panic("planted") }
	doc, failed := s.sweep(t)
	assert.True(t, failed)
	assert.Contains(t, doc, `failed="1"`)
	assert.Contains(t, doc, "planted")
	assert.Contains(t, strings.Join(s.log.lines, "\n"), "goroutine", "the log has the stack")
	s.seller.onStatus = nil
	s.at = s.at.Add(25 * time.Hour)
	doc, _ = s.sweep(t)
	assert.Contains(t, doc, `reissued="1"`)
}

func TestASecondSweepEndsAtOnce(t *testing.T) {
	s := sweepFixture(t, 10)
	s.panel.swept = true
	doc, failed := s.sweep(t)
	assert.False(t, failed)
	assert.Contains(t, doc, `running="yes"`)
	assert.Zero(t, s.seller.reissues)
}

func TestProofByEmailEndsIn2028(t *testing.T) {
	s := sweepFixture(t, 10)
	s.panel.order.Params[itemparam.Method], s.panel.order.Params[itemparam.Approver] = "auth_email", "admin@example.com"
	s.at = time.Date(2028, 3, 15, 0, 0, 0, 0, time.UTC)
	s.sweep(t)
	assert.Equal(t, "auth_dnscname", s.panel.order.Params[itemparam.Method])
	require.Len(t, s.mailer.notices, 1)
	assert.Equal(t, seller.MethodDNS, s.mailer.notices[0].Method)
	assert.Contains(t, strings.Join(s.log.lines, "\n"), "BR 1.2.2")
}

// rules BUY-12: an HTTP status for "over the limit" does not prove that the reissue was not carried out. It is not counted as an
// attempt, and the reissue is searched for before another one is requested.
func TestAReissueWithAnHTTPStatusForTheLimitIsSearchedFor(t *testing.T) {
	for name, carriedOut := range map[string]bool{"carried out": true, "refused": false} {
		t.Run(name, func(t *testing.T) {
			s := sweepFixture(t, 10)
			s.seller.reissueErr = &fault.Error{Type: fault.Limit, Message: "HTTP 405", Retry: true, OutcomeUnknown: true, Refused: true}
			s.seller.reissueAnyway = carriedOut
			_, failed := s.sweep(t)
			assert.True(t, failed)
			assert.NotEmpty(t, s.panel.order.Params[itemparam.ReissueOf])
			assert.NotContains(t, s.panel.order.Params, itemparam.ReissueTried)
			s.seller.reissueErr = nil
			s.at = s.at.Add(time.Hour)
			for range 2 {
				s.sweep(t)
			}
			assert.Equal(t, map[bool]int{true: 1, false: 2}[carriedOut], s.seller.reissues)
			assert.Equal(t, "101 102", s.panel.order.Params[itemparam.Lineage])
		})
	}
}

// rules PARAM-9: reissues that were tried before there was a certificate are not counted for the first one.
func TestPARAM9AttemptsBeforeTheFirstCertificateDoNotCountForIt(t *testing.T) {
	s := remoteFixture(t)
	s.panel.order.Period = 60
	require.NoError(t, s.run(command.Open))
	other := newPair(t, "example.com")
	s.panel.order.CSR, s.args.Command = other.csr, "reopen"
	s.remote.refuses = func(string) error { return fault.Errorf(fault.API, "elid", "the order waits for its validation") }
	for range 6 {
		require.Error(t, s.run(command.Reopen))
	}
	s.remote.refuses = nil
	s.remote.issue(t, 500, other, now(), 199)
	s.args.Command = "sync_item"
	require.NoError(t, s.run(command.SyncItem))
	require.Equal(t, "5", s.param(itemparam.ServiceStatus))
	s.args, s.at = item.Args{Command: "subscription"}, now().AddDate(0, 0, 195)
	asked := s.remote.reissues
	answer, err := command.Subscription(context.Background(), s.remoteEnv())
	require.NoError(t, err)
	assert.Equal(t, asked+1, s.remote.reissues, output(t, answer))
}
