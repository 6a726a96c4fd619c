package command_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/seller"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func unclear() error {
	return &fault.Error{Type: fault.Client, Message: "connection reset", Retry: true, OutcomeUnknown: true}
}

func faultType(t *testing.T, err error) string {
	t.Helper()
	require.Error(t, err)
	return fault.From(err).Type
}

func TestOpenBuysActivatesAndUpdatesThePanelInOrder(t *testing.T) {
	s := newFixture(t)
	require.NoError(t, s.run(command.Open))
	assert.Equal(t, 1, s.seller.buys)
	assert.Equal(t, []int64{101}, s.seller.activated)
	calls := s.panel.calls
	intent := calls[1]
	require.True(t, strings.HasPrefix(intent, "save purchase_intent="), intent)
	csr, err := pki.ReadCSR(s.pair.csr)
	require.NoError(t, err)
	assert.JSONEq(t, `{"kind":"create","time":"2026-04-02T10:00:00Z","product":"positivessl","years":1,"snapshot":0,"op":9,
		"account":"`+refOf(s.seller.Account())+`","at":"https://seller.example account","key":"`+csr.KeyHash()+`","name":"example.com"}`,
		strings.TrimPrefix(intent, "save purchase_intent="))
	assert.Equal(t, []string{
		"lock account", intent, "journal 101", "save custom_order_id=101", "save lineage=101", "save term_months=12",
		"save request_mark=" + s.param(itemparam.Requested) + " open", "save term_start=2026-04-02", "save delivered_type=Standard SSL",
		"drop purchase_intent", "unlock account", "setstatus 4",
		"save auth_dnscname_value=_m.example.com CNAME t.ca.example", "save domains_list=example.com",
		"save request_mark=" + s.param(itemparam.Requested),
		"setexpiredate 2026-10-19", "postopen",
	}, calls)
	assert.Len(t, s.panel.order.Params[itemparam.Requested], 64)
}

// rules MONEY-1: an unknown balance does not refuse a purchase.
func TestAnUnknownBalanceRefusesNoPurchase(t *testing.T) {
	s := newFixture(t)
	s.seller.balance = "500,00"
	require.NoError(t, s.run(command.Open))
	assert.Equal(t, 1, s.seller.buys)
}

func TestOpenRefusesBeforeAnythingIsBought(t *testing.T) {
	for name, row := range map[string]struct {
		change func(t *testing.T, s *fixture)
		kind   string
	}{
		"no CSR":            {func(_ *testing.T, s *fixture) { s.panel.order.CSR = "" }, fault.Missed},
		"broken CSR":        {func(_ *testing.T, s *fixture) { s.panel.order.CSR = "x" }, fault.Value},
		"six years":         {func(_ *testing.T, s *fixture) { s.panel.order.Period = 72 }, fault.Value},
		"trial":             {func(_ *testing.T, s *fixture) { s.panel.order.Period = -100 }, fault.Value},
		"unknown template":  {func(_ *testing.T, s *fixture) { s.panel.order.Template = "x" }, fault.Value},
		"discontinued":      {func(_ *testing.T, s *fixture) { s.panel.order.Template = "rapidssl" }, fault.Value},
		"extended":          {func(_ *testing.T, s *fixture) { s.panel.order.Template = "ev_ssl" }, fault.Value},
		"wildcard product":  {func(_ *testing.T, s *fixture) { s.panel.order.Template = "positivessl_wildcard" }, fault.Value},
		"wildcard name":     {func(t *testing.T, s *fixture) { s.panel.order.CSR = newPair(t, "*.example.com").csr }, fault.Value},
		"unknown proof":     {func(_ *testing.T, s *fixture) { s.panel.order.Params[itemparam.Method] = "auth_pigeon" }, fault.Value},
		"no approver":       {func(_ *testing.T, s *fixture) { delete(s.panel.order.Params, itemparam.Method) }, fault.Missed},
		"deleted item":      {func(_ *testing.T, s *fixture) { s.panel.order.Status = 4 }, fault.Value},
		"another module":    {func(_ *testing.T, s *fixture) { s.panel.order.Binary = "pmother" }, fault.Value},
		"no module":         {func(_ *testing.T, s *fixture) { s.panel.order.Module = 0 }, fault.Missed},
		"empty balance":     {func(_ *testing.T, s *fixture) { s.seller.balance = "0.00" }, fault.API},
		"intent not saved":  {func(_ *testing.T, s *fixture) { s.panel.fail["save purchase_intent"] = errors.New("no") }, fault.Internal},
		"locks lost":        {func(_ *testing.T, s *fixture) { s.panel.lostLocks = true }, fault.Locked},
		"account is locked": {func(_ *testing.T, s *fixture) { s.panel.fail["lock account"] = fault.Errorf(fault.Locked, "", "no") }, fault.Locked},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFixture(t)
			row.change(t, s)
			assert.Equal(t, row.kind, faultType(t, s.run(command.Open)))
			assert.Zero(t, s.seller.buys)
			// without its locks the run does not know whether the intent on the item is its own
			assert.Equal(t, name == "locks lost", s.panel.order.Params[itemparam.Intent] != "", "the intent stays only if the outcome is unknown")
			assert.NotContains(t, s.panel.calls, "postopen")
		})
	}
}

// BR 1.2.2: an order with validation by e-mail gets a warning before the CA/Browser Forum ends that method, and is refused from
// that day on.
func TestOrdersProvedByEmailEndWithTheForumsRule(t *testing.T) {
	for day, buys := range map[string]int{"2026-12-31": 1, "2027-01-01": 1, "2028-03-14": 1, "2028-03-15": 0} {
		t.Run(day, func(t *testing.T) {
			s := newFixture(t)
			s.panel.order.Params[itemparam.Method], s.panel.order.Params[itemparam.Approver] = "auth_email", "admin@example.com"
			var err error
			s.at, err = time.Parse(time.DateOnly, day)
			require.NoError(t, err)
			err = s.run(command.Open)
			assert.Equal(t, buys, s.seller.buys)
			log := strings.Join(s.log.lines, "\n")
			assert.Equal(t, buys == 1 && day >= "2027", strings.Contains(log, "validation by e-mail ends on 2028-03-15 (BR 1.2.2)"), log)
			if buys == 0 {
				require.ErrorContains(t, err, "any more since 2028-03-15 (BR 1.2.2): choose DNS or a file")
				assert.Equal(t, fault.Value, faultType(t, err))
			}
		})
	}
}

// rules BUY-3: the intent stays if the outcome of the purchase is unknown, and is removed if it was refused.
func TestOutcomeOfAPurchaseDecidesOnTheIntent(t *testing.T) {
	t.Run("unclear", func(t *testing.T) {
		s := newFixture(t)
		s.seller.buyErr = unclear()
		require.Error(t, s.run(command.Open))
		assert.NotEmpty(t, s.panel.order.Params[itemparam.Intent])
	})
	t.Run("no id", func(t *testing.T) {
		s := newFixture(t)
		s.seller.next = -1
		assert.Equal(t, fault.Unclear, faultType(t, s.run(command.Open)))
		assert.NotEmpty(t, s.panel.order.Params[itemparam.Intent])
	})
	t.Run("refused", func(t *testing.T) {
		s := newFixture(t)
		s.seller.buyErr = &fault.Error{Type: fault.API, Message: "2528166: INSUFFICIENTFUNDS"}
		require.Error(t, s.run(command.Open))
		assert.Empty(t, s.panel.order.Params[itemparam.Intent])
	})
}

// rules BUY-4: what a run does about an earlier purchase whose outcome is unknown.
func TestAdoption(t *testing.T) {
	for name, row := range map[string]struct {
		offer    func(s *fixture)
		after    time.Duration
		buys     int // in the second run
		id       string
		kind     string // fault, empty for success
		manual   bool
		snapshot int64
	}{
		"exactly one is adopted":        {func(s *fixture) { s.seller.add(12) }, time.Minute, 0, "101", "", false, 0},
		"none within ten minutes waits": {func(*fixture) {}, 9 * time.Minute, 0, "", fault.Waiting, false, 0},
		"none later buys anew":          {func(*fixture) {}, 10 * time.Minute, 1, "101", "", false, 0},
		"two are an administrator's":    {func(s *fixture) { s.seller.add(12); s.seller.add(12) }, time.Hour, 0, "", fault.Unclear, true, 0},
		"an order of another term":      {func(s *fixture) { s.seller.add(24) }, time.Hour, 1, "102", "", false, 0},
		"an order without a term":       {func(s *fixture) { s.seller.add(0) }, time.Hour, 0, "101", "", false, 0},
		"an order in the snapshot":      {func(s *fixture) { s.seller.add(12) }, time.Hour, 1, "102", "", false, 101},
		"another item's lineage": {func(s *fixture) {
			s.seller.add(12)
			s.panel.claims = []item.Claim{{Item: 43, Lineage: "7 101"}}
		}, time.Hour, 1, "102", "", false, 0},
		"another item's order id": {func(s *fixture) {
			s.seller.add(12)
			s.panel.claims = []item.Claim{{Item: 43, OrderID: "101"}}
		}, time.Hour, 1, "102", "", false, 0},
		"above the next intent's snapshot": {func(s *fixture) {
			s.seller.add(12)
			s.seller.add(12)
			s.panel.claims = []item.Claim{{Item: 43, Intent: `{"kind":"create","time":"2026-04-02T10:05:00Z","product":"positivessl","years":1,"snapshot":101,"op":0}`}}
		}, time.Hour, 0, "101", "", false, 0},
		"activated orders are not adopted": {func(s *fixture) {
			id := s.seller.add(12)
			s.seller.statuses[id] = seller.OrderStatus{State: seller.StateWaiting}
		}, time.Hour, 1, "102", "", false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFixture(t)
			s.panel.order.Params[itemparam.Intent] = intentJSON(t, row.snapshot)
			row.offer(s)
			s.at = s.at.Add(row.after)
			err := s.run(command.Open)
			assert.Equal(t, row.buys, s.seller.buys)
			assert.Equal(t, row.id, s.panel.order.Params[itemparam.OrderID])
			if row.kind != "" {
				assert.Equal(t, row.kind, faultType(t, err))
				assert.NotEmpty(t, s.panel.order.Params[itemparam.Intent])
			} else {
				require.NoError(t, err)
				assert.Empty(t, s.panel.order.Params[itemparam.Intent])
			}
			assert.Equal(t, row.manual, strings.Contains(strings.Join(s.panel.calls, "\n"), "manual 42 9 open"))
		})
	}
}

func intentJSON(t *testing.T, snapshot int64) string {
	t.Helper()
	raw, err := json.Marshal(map[string]any{"kind": "create", "time": now().Format(time.RFC3339), "product": "positivessl", "years": 1, "snapshot": snapshot, "op": 9})
	require.NoError(t, err)
	return string(raw)
}

func TestAnUnreadableIntentIsEscalated(t *testing.T) {
	for _, text := range []string{"{", "{}", `{"kind":"create","time":"yesterday","snapshot":1}`, `{"kind":"create","time":"2026-04-02T10:00:00Z"}`, "[]", "\x00"} {
		s := newFixture(t)
		s.panel.order.Params[itemparam.Intent] = text
		s.at = s.at.Add(time.Hour)
		assert.Equal(t, fault.Unclear, faultType(t, s.run(command.Open)), text)
		assert.Zero(t, s.seller.buys)
		assert.Contains(t, s.panel.calls, "manual 42 9 open")
	}
}

// After an interruption at any step of open the next run gives the result of an uninterrupted one, with one payment.
func TestOpenContinuesAfterAnInterruptionAtEveryStep(t *testing.T) {
	clean := newFixture(t)
	require.NoError(t, clean.run(command.Open))
	for step := range clean.panel.calls {
		prefix := strings.SplitN(clean.panel.calls[step], "=", 2)[0]
		t.Run(prefix, func(t *testing.T) {
			s := newFixture(t)
			s.pair, s.panel.order.CSR = clean.pair, clean.panel.order.CSR
			s.panel.fail[prefix] = fault.Errorf(fault.Panel, "", "the panel broke down").Retryable()
			first := s.run(command.Open)
			s.at = s.at.Add(time.Hour)
			require.NoError(t, s.run(command.Open), "after %v", first)
			assert.Equal(t, 1, s.seller.buys)
			assert.Len(t, s.seller.activated, 1)
			// only the answer to the purchase names this before the certificate is there, and that answer may be what was
			// lost
			delete(clean.panel.order.Params, itemparam.Delivered)
			delete(s.panel.order.Params, itemparam.Delivered)
			assert.Equal(t, clean.panel.order.Params, s.panel.order.Params)
			assert.Equal(t, "postopen", s.panel.calls[len(s.panel.calls)-1])
		})
	}
}

// rules BUY-2: an id that only the journal has is saved on the item before anything else happens.
func TestAnIDInTheJournalIsSavedOnTheItem(t *testing.T) {
	s := newFixture(t)
	require.NoError(t, s.run(command.Open))
	line := s.panel.journal[0]
	s = newFixture(t)
	s.seller.add(12)
	s.panel.journal = []item.JournalEntry{line}
	s.panel.order.Params[itemparam.Intent] = intentJSON(t, 100)
	require.NoError(t, s.run(command.Open))
	assert.Zero(t, s.seller.buys)
	assert.Equal(t, "101", s.panel.order.Params[itemparam.OrderID])
	assert.Empty(t, s.panel.order.Params[itemparam.Intent])

	t.Run("but not an id of another account or of an earlier item", func(t *testing.T) {
		for _, change := range []func(l *item.JournalEntry){
			func(l *item.JournalEntry) { l.Account = "0123456789abcdef" },
			func(l *item.JournalEntry) { l.Time = l.Time.AddDate(0, 0, -30) },
		} {
			s := newFixture(t)
			other := line
			change(&other)
			s.panel.journal = []item.JournalEntry{other}
			require.NoError(t, s.run(command.Open))
			assert.Equal(t, 1, s.seller.buys)
		}
	})
}

func TestInterruptionBeforeThePurchaseBuysNothing(t *testing.T) {
	s := newFixture(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := command.Open(ctx, s.env())
	require.Error(t, err)
	assert.Zero(t, s.seller.buys)
	assert.Empty(t, s.panel.order.Params[itemparam.Intent])
}

func TestInterruptionDuringThePurchaseIsRecorded(t *testing.T) {
	s := newFixture(t)
	ctx, cancel := context.WithCancel(context.Background())
	s.seller.onBuy = cancel
	_, _ = command.Open(ctx, s.env())
	assert.Equal(t, "101", s.panel.order.Params[itemparam.OrderID])
	assert.Empty(t, s.panel.order.Params[itemparam.Intent])
}

func TestALostAnswerToTheActivationIsLookedUp(t *testing.T) {
	s := newFixture(t)
	s.seller.actErr, s.seller.actAnyway = fault.Errorf(fault.Client, "", "timeout").Retryable(), true
	require.NoError(t, s.run(command.Open))
	assert.Len(t, s.seller.activated, 1)
	assert.Equal(t, 1, s.seller.asked, "the challenges are requested again")
	assert.Equal(t, "_m.example.com CNAME t.ca.example", s.panel.order.Params["auth_dnscname_value"])
}

func TestARefusedActivationHasTheSellersText(t *testing.T) {
	s := newFixture(t)
	s.seller.actErr = &fault.Error{Type: fault.API, Message: "3011296: Invalid CSR", Code: 3011296}
	err := s.run(command.Open)
	assert.Contains(t, err.Error(), "3011296: Invalid CSR")
	assert.NotContains(t, s.panel.calls, "postopen")
	s.seller.actErr = nil
	require.NoError(t, s.run(command.Open))
	assert.Equal(t, 1, s.seller.buys)
}

func TestPaidUntilIsShownForTermsOverAYear(t *testing.T) {
	s := newFixture(t)
	s.panel.order.Period = 60
	require.NoError(t, s.run(command.Open))
	assert.Equal(t, "2031-04-02", s.panel.order.Params[itemparam.PaidUntil])
	assert.Contains(t, s.panel.calls, "setexpiredate 2026-10-19")
	s = newFixture(t)
	s.panel.order.Params[itemparam.PaidUntil] = "2031-04-02"
	require.NoError(t, s.run(command.Open))
	assert.NotContains(t, s.panel.order.Params, itemparam.PaidUntil)
}

// A certificate of 2026 is valid for 200 days: a term of one year needs two. Some panels bill at the certificate's end.
func TestATermOfSeveralCertificatesIsWarnedAbout(t *testing.T) {
	for _, row := range []struct {
		period  int
		setting string
		warned  bool
	}{
		{period: 3, warned: false},
		{period: 6, warned: false},
		{period: 12, warned: true},
		{period: 24, warned: true},
		{period: 12, setting: "SSLSubscriptionPolicy", warned: false},
		{period: 60, setting: "SSLSubscriptionPolicy", warned: false},
		{period: 60, setting: "SSLSubscriptionExpireDate", warned: false},
	} {
		s := newFixture(t)
		s.panel.order.Period = row.period
		if row.setting != "" {
			s.panel.settings[row.setting] = map[string]string{"SSLSubscriptionPolicy": "auto", "SSLSubscriptionExpireDate": "term"}[row.setting]
		}
		run := s.env()
		run.Info.Terms = append(run.Info.Terms, 3, 6)
		_, err := command.Open(t.Context(), run)
		require.NoError(t, err)
		assert.Equal(t, row.warned, strings.Contains(strings.Join(s.log.lines, "\n"), "bills at the certificate's end"), "%+v", row)
	}
}
