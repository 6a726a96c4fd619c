package command_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"pmssl/internal/cert"
	"pmssl/internal/command"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func unclear() error {
	return &cert.Fault{Type: cert.FaultClient, Value: "connection reset", Retry: true, Unclear: true}
}

func faultType(t *testing.T, err error) string {
	t.Helper()
	require.Error(t, err)
	return cert.FaultOf(err).Type
}

func TestOpenBuysActivatesAndTellsThePanelInOrder(t *testing.T) {
	s := newStage(t)
	require.NoError(t, s.run(command.Open))
	assert.Equal(t, 1, s.seller.buys)
	assert.Equal(t, []int64{101}, s.seller.activated)
	calls := s.panel.calls
	intent := calls[2]
	require.True(t, strings.HasPrefix(intent, "save purchase_intent="), intent)
	csr, err := cert.ReadCSR(s.pair.csr)
	require.NoError(t, err)
	assert.JSONEq(t, `{"kind":"create","time":"2026-04-02T10:00:00Z","product":"positivessl","years":1,"snapshot":0,"op":9,
		"account":"`+markOf(s.seller.Account())+`","at":"https://seller.example shop","key":"`+csr.KeyHash()+`","name":"example.com"}`,
		strings.TrimPrefix(intent, "save purchase_intent="))
	assert.Equal(t, []string{
		"save term_start=2026-04-02", "lock account", intent, "journal 101", "save custom_order_id=101", "save lineage=101",
		"save delivered_type=Standard SSL", "drop purchase_intent", "unlock account", "save term_months=12", "save request_mark=" + s.param(cert.ParamRequested) + " open",
		"save auth_dnscname_value=_m.example.com CNAME t.ca.example", "save domains_list=example.com", "setstatus 3",
		"save request_mark=" + s.param(cert.ParamRequested),
		"setexpiredate 2026-10-19", "setstatus 4", "postopen",
	}, calls)
	assert.Len(t, s.panel.order.Params[cert.ParamRequested], 64)
}

// rules MONEY-1: a balance that is unknown is no empty one.
func TestAnUnknownBalanceRefusesNoPurchase(t *testing.T) {
	s := newStage(t)
	s.seller.balance = "500,00"
	require.NoError(t, s.run(command.Open))
	assert.Equal(t, 1, s.seller.buys)
}

func TestOpenRefusesBeforeAnythingIsBought(t *testing.T) {
	for name, row := range map[string]struct {
		change func(t *testing.T, s *stage)
		kind   string
	}{
		"no CSR":            {func(_ *testing.T, s *stage) { s.panel.order.CSR = "" }, cert.FaultMissed},
		"broken CSR":        {func(_ *testing.T, s *stage) { s.panel.order.CSR = "x" }, cert.FaultValue},
		"six years":         {func(_ *testing.T, s *stage) { s.panel.order.Period = 72 }, cert.FaultValue},
		"trial":             {func(_ *testing.T, s *stage) { s.panel.order.Period = -100 }, cert.FaultValue},
		"unknown template":  {func(_ *testing.T, s *stage) { s.panel.order.Template = "x" }, cert.FaultValue},
		"discontinued":      {func(_ *testing.T, s *stage) { s.panel.order.Template = "rapidssl" }, cert.FaultValue},
		"extended":          {func(_ *testing.T, s *stage) { s.panel.order.Template = "ev_ssl" }, cert.FaultValue},
		"wildcard product":  {func(_ *testing.T, s *stage) { s.panel.order.Template = "positivessl_wildcard" }, cert.FaultValue},
		"wildcard name":     {func(t *testing.T, s *stage) { s.panel.order.CSR = newPair(t, "*.example.com").csr }, cert.FaultValue},
		"unknown proof":     {func(_ *testing.T, s *stage) { s.panel.order.Params[cert.ParamMethod] = "auth_pigeon" }, cert.FaultValue},
		"e-mail to nobody":  {func(_ *testing.T, s *stage) { delete(s.panel.order.Params, cert.ParamMethod) }, cert.FaultMissed},
		"deleted item":      {func(_ *testing.T, s *stage) { s.panel.order.Status = 4 }, cert.FaultValue},
		"another module":    {func(_ *testing.T, s *stage) { s.panel.order.Binary = "pmother" }, cert.FaultValue},
		"no module":         {func(_ *testing.T, s *stage) { s.panel.order.Module = 0 }, cert.FaultMissed},
		"empty balance":     {func(_ *testing.T, s *stage) { s.seller.balance = "0.00" }, cert.FaultAPI},
		"intent not saved":  {func(_ *testing.T, s *stage) { s.panel.fail["save purchase_intent"] = errors.New("no") }, cert.FaultInternal},
		"locks lost":        {func(_ *testing.T, s *stage) { s.panel.lostLocks = true }, cert.FaultLocked},
		"account is locked": {func(_ *testing.T, s *stage) { s.panel.fail["lock account"] = cert.Faultf(cert.FaultLocked, "", "no") }, cert.FaultLocked},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			row.change(t, s)
			assert.Equal(t, row.kind, faultType(t, s.run(command.Open)))
			assert.Zero(t, s.seller.buys)
			// without its locks a run cannot know whose intent is on the item by now
			assert.Equal(t, name == "locks lost", s.panel.order.Params[cert.ParamIntent] != "", "an intent stays only where nobody knows")
			assert.NotContains(t, s.panel.calls, "postopen")
		})
	}
}

// BR 1.2.2: an order that is proved by e-mail is warned of before the Forum ends that, and refused from that day on.
func TestOrdersProvedByEmailEndWithTheForumsRule(t *testing.T) {
	for day, buys := range map[string]int{"2026-12-31": 1, "2027-01-01": 1, "2028-03-14": 1, "2028-03-15": 0} {
		t.Run(day, func(t *testing.T) {
			s := newStage(t)
			s.panel.order.Params[cert.ParamMethod], s.panel.order.Params[cert.ParamApprover] = "auth_email", "admin@example.com"
			var err error
			s.at, err = time.Parse(time.DateOnly, day)
			require.NoError(t, err)
			err = s.run(command.Open)
			assert.Equal(t, buys, s.seller.buys)
			log := strings.Join(s.log.lines, "\n")
			assert.Equal(t, buys == 1 && day >= "2027", strings.Contains(log, "proof by e-mail ends on 2028-03-15 (BR 1.2.2)"), log)
			if buys == 0 {
				require.ErrorContains(t, err, "any more since 2028-03-15 (BR 1.2.2): choose DNS or a file")
				assert.Equal(t, cert.FaultValue, faultType(t, err))
			}
		})
	}
}

// contract 3.3: a purchase without a clear answer keeps its intent, a refused one does not.
func TestOutcomeOfAPurchaseDecidesOnTheIntent(t *testing.T) {
	t.Run("unclear", func(t *testing.T) {
		s := newStage(t)
		s.seller.buyErr = unclear()
		require.Error(t, s.run(command.Open))
		assert.NotEmpty(t, s.panel.order.Params[cert.ParamIntent])
	})
	t.Run("no id", func(t *testing.T) {
		s := newStage(t)
		s.seller.next = -1
		assert.Equal(t, cert.FaultUnclear, faultType(t, s.run(command.Open)))
		assert.NotEmpty(t, s.panel.order.Params[cert.ParamIntent])
	})
	t.Run("refused", func(t *testing.T) {
		s := newStage(t)
		s.seller.buyErr = &cert.Fault{Type: cert.FaultAPI, Value: "2528166: INSUFFICIENTFUNDS"}
		require.Error(t, s.run(command.Open))
		assert.Empty(t, s.panel.order.Params[cert.ParamIntent])
	})
}

// contract 3.4: what a run finds of an earlier purchase without answer.
func TestAdoption(t *testing.T) {
	for name, row := range map[string]struct {
		shelf    func(s *stage)
		after    time.Duration
		buys     int // in the second run
		id       string
		kind     string // fault, empty for success
		manual   bool
		snapshot int64
	}{
		"exactly one is adopted":             {func(s *stage) { s.seller.add(12) }, time.Minute, 0, "101", "", false, 0},
		"none within ten minutes waits":      {func(*stage) {}, 9 * time.Minute, 0, "", cert.FaultWaiting, false, 0},
		"none later buys anew":               {func(*stage) {}, 10 * time.Minute, 1, "101", "", false, 0},
		"two are an administrator's":         {func(s *stage) { s.seller.add(12); s.seller.add(12) }, time.Hour, 0, "", cert.FaultUnclear, true, 0},
		"another term is not ours":           {func(s *stage) { s.seller.add(24) }, time.Hour, 1, "102", "", false, 0},
		"a term that is not told may be":     {func(s *stage) { s.seller.add(0) }, time.Hour, 0, "101", "", false, 0},
		"what the snapshot held is not ours": {func(s *stage) { s.seller.add(12) }, time.Hour, 1, "102", "", false, 101},
		"another item's lineage": {func(s *stage) {
			s.seller.add(12)
			s.panel.holdings = []cert.Holding{{Item: 43, Lineage: "7 101"}}
		}, time.Hour, 1, "102", "", false, 0},
		"another item's order id": {func(s *stage) {
			s.seller.add(12)
			s.panel.holdings = []cert.Holding{{Item: 43, OrderID: "101"}}
		}, time.Hour, 1, "102", "", false, 0},
		"above the next intent's snapshot": {func(s *stage) {
			s.seller.add(12)
			s.seller.add(12)
			s.panel.holdings = []cert.Holding{{Item: 43, Intent: `{"kind":"create","time":"2026-04-02T10:05:00Z","product":"positivessl","years":1,"snapshot":101,"op":0}`}}
		}, time.Hour, 0, "101", "", false, 0},
		"activated ones are somebody's": {func(s *stage) {
			id := s.seller.add(12)
			s.seller.reports[id] = cert.Report{State: cert.StateWaiting}
		}, time.Hour, 1, "102", "", false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.panel.order.Params[cert.ParamIntent] = intentJSON(t, row.snapshot)
			row.shelf(s)
			s.at = s.at.Add(row.after)
			err := s.run(command.Open)
			assert.Equal(t, row.buys, s.seller.buys)
			assert.Equal(t, row.id, s.panel.order.Params[cert.ParamOrderID])
			if row.kind != "" {
				assert.Equal(t, row.kind, faultType(t, err))
				assert.NotEmpty(t, s.panel.order.Params[cert.ParamIntent])
			} else {
				require.NoError(t, err)
				assert.Empty(t, s.panel.order.Params[cert.ParamIntent])
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

func TestUnreadableIntentGoesToTheAdministrator(t *testing.T) {
	for _, text := range []string{"{", "{}", `{"kind":"create","time":"yesterday","snapshot":1}`, `{"kind":"create","time":"2026-04-02T10:00:00Z"}`, "[]", "\x00"} {
		s := newStage(t)
		s.panel.order.Params[cert.ParamIntent] = text
		s.at = s.at.Add(time.Hour)
		assert.Equal(t, cert.FaultUnclear, faultType(t, s.run(command.Open)), text)
		assert.Zero(t, s.seller.buys)
		assert.Contains(t, s.panel.calls, "manual 42 9 open")
	}
}

// An interruption after each single step of open: the next run ends where an undisturbed one does, with one payment.
func TestOpenContinuesAfterAnInterruptionAtEveryStep(t *testing.T) {
	clean := newStage(t)
	require.NoError(t, clean.run(command.Open))
	for step := range clean.panel.calls {
		prefix := strings.SplitN(clean.panel.calls[step], "=", 2)[0]
		t.Run(prefix, func(t *testing.T) {
			s := newStage(t)
			s.pair, s.panel.order.CSR = clean.pair, clean.panel.order.CSR
			s.panel.fail[prefix] = cert.Faultf(cert.FaultPanel, "", "the panel broke down").Again()
			first := s.run(command.Open)
			s.at = s.at.Add(time.Hour)
			require.NoError(t, s.run(command.Open), "after %v", first)
			assert.Equal(t, 1, s.seller.buys)
			assert.Len(t, s.seller.activated, 1)
			// only the answer to the purchase names this before the certificate is there, and that answer may be what was lost
			delete(clean.panel.order.Params, cert.ParamDelivered)
			delete(s.panel.order.Params, cert.ParamDelivered)
			assert.Equal(t, clean.panel.order.Params, s.panel.order.Params)
			assert.Equal(t, "postopen", s.panel.calls[len(s.panel.calls)-1])
		})
	}
}

// contract 3.2: an id that only the journal knows is put on the item before anything else happens.
func TestJournalPutsThePurchaseOnTheItem(t *testing.T) {
	s := newStage(t)
	require.NoError(t, s.run(command.Open))
	line := s.panel.journal[0]
	s = newStage(t)
	s.seller.add(12)
	s.panel.journal = []cert.Bought{line}
	s.panel.order.Params[cert.ParamIntent] = intentJSON(t, 100)
	require.NoError(t, s.run(command.Open))
	assert.Zero(t, s.seller.buys)
	assert.Equal(t, "101", s.panel.order.Params[cert.ParamOrderID])
	assert.Empty(t, s.panel.order.Params[cert.ParamIntent])

	t.Run("but not one of another account or of an item that lived before", func(t *testing.T) {
		for _, change := range []func(l *cert.Bought){
			func(l *cert.Bought) { l.Account = "0123456789abcdef" },
			func(l *cert.Bought) { l.Time = l.Time.AddDate(0, 0, -30) },
		} {
			s := newStage(t)
			other := line
			change(&other)
			s.panel.journal = []cert.Bought{other}
			require.NoError(t, s.run(command.Open))
			assert.Equal(t, 1, s.seller.buys)
		}
	})
}

func TestInterruptionBeforeThePurchaseBuysNothing(t *testing.T) {
	s := newStage(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := command.Open(ctx, s.world())
	require.Error(t, err)
	assert.Zero(t, s.seller.buys)
	assert.Empty(t, s.panel.order.Params[cert.ParamIntent])
}

func TestInterruptionDuringThePurchaseIsRecorded(t *testing.T) {
	s := newStage(t)
	ctx, cancel := context.WithCancel(context.Background())
	s.seller.onBuy = cancel
	_, _ = command.Open(ctx, s.world())
	assert.Equal(t, "101", s.panel.order.Params[cert.ParamOrderID])
	assert.Empty(t, s.panel.order.Params[cert.ParamIntent])
}

func TestALostAnswerToTheActivationIsLookedUp(t *testing.T) {
	s := newStage(t)
	s.seller.actErr, s.seller.actAnyway = cert.Faultf(cert.FaultClient, "", "timeout").Again(), true
	require.NoError(t, s.run(command.Open))
	assert.Len(t, s.seller.activated, 1)
	assert.Equal(t, 1, s.seller.asked, "the values are asked for again")
	assert.Equal(t, "_m.example.com CNAME t.ca.example", s.panel.order.Params["auth_dnscname_value"])
}

func TestARefusedActivationIsTheSellersWord(t *testing.T) {
	s := newStage(t)
	s.seller.actErr = &cert.Fault{Type: cert.FaultAPI, Value: "3011296: Invalid CSR", Code: 3011296}
	err := s.run(command.Open)
	assert.Contains(t, err.Error(), "3011296: Invalid CSR")
	assert.NotContains(t, s.panel.calls, "postopen")
	s.seller.actErr = nil
	require.NoError(t, s.run(command.Open))
	assert.Equal(t, 1, s.seller.buys)
}

func TestPaidUntilIsShownForTermsOverAYear(t *testing.T) {
	s := newStage(t)
	s.panel.order.Period = 60
	require.NoError(t, s.run(command.Open))
	assert.Equal(t, "2031-04-02", s.panel.order.Params[cert.ParamPaidUntil])
	assert.Contains(t, s.panel.calls, "setexpiredate 2026-10-19")
	s = newStage(t)
	s.panel.order.Params[cert.ParamPaidUntil] = "2031-04-02"
	require.NoError(t, s.run(command.Open))
	assert.NotContains(t, s.panel.order.Params, cert.ParamPaidUntil)
}

// A certificate of 2026 lives 200 days: a term of one year holds two.
func TestATermOfSeveralCertificatesWarnsWherePanelsMayBillAtTheCertificatesEnd(t *testing.T) {
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
		s := newStage(t)
		s.panel.order.Period = row.period
		if row.setting != "" {
			s.panel.settings[row.setting] = map[string]string{"SSLSubscriptionPolicy": "auto", "SSLSubscriptionExpireDate": "term"}[row.setting]
		}
		run := s.world()
		run.Trade.Terms = append(run.Trade.Terms, 3, 6)
		_, err := command.Open(t.Context(), run)
		require.NoError(t, err)
		assert.Equal(t, row.warned, strings.Contains(strings.Join(s.log.lines, "\n"), "bills at the certificate's end"), "%+v", row)
	}
}
