package command_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/reconcile"
	"pmssl/internal/seller"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// reconciling is a fixture for the command reconcile: an account with orders, and the panel's records of them.
type reconciling struct {
	*fixture
	able  *ableSeller
	panel *listedPanel
}

func newReconciling(t *testing.T) reconciling {
	t.Helper()
	s, theSeller := able(t)
	s.args = item.Args{Command: "reconcile", Module: 5, Period: "2026-03"}
	return reconciling{s, theSeller, newListedPanel(s)}
}

// order adds an issued order of the day to the seller's list.
func (r reconciling) order(t *testing.T, id int64, name, day string) *seller.ListedCertificate {
	t.Helper()
	created, err := cabforum.ParseDate(day)
	require.NoError(t, err)
	r.able.listed = append(r.able.listed, seller.ListedCertificate{
		ID: id, State: seller.StateIssued, CommonName: name, Template: "positivessl", Type: "PositiveSSL", Months: 12, Created: created})
	return &r.able.listed[len(r.able.listed)-1]
}

// hold gives an item an order.
func (r reconciling) hold(it, id int64) {
	r.panel.claims = append(r.panel.claims, item.Claim{Item: it, Status: 2, Module: 5, OrderID: fmt.Sprint(id), Lineage: fmt.Sprint(id)})
}

// journal adds a line to the journal.
func (r reconciling) journaled(it, id int64, kind string, at string, op int64) {
	when, _ := time.Parse(time.RFC3339, at)
	r.panel.journal = append(r.panel.journal, item.JournalEntry{Time: when, Item: it, Kind: kind, ID: id, Account: refOf(r.able.Account()), Op: op})
}

// rows runs the command and returns `class id item` of each row.
func (r reconciling) rows(t *testing.T) []string {
	t.Helper()
	run := r.with(r.able, r.panel)
	run.Info.DryRun, run.Format = true, item.FormatXML
	doc, err := command.Reconcile(context.Background(), run)
	require.NoError(t, err)
	var all []string
	for _, row := range doc.Root().SelectElement("reconcile").SelectElements("row") {
		all = append(all, strings.TrimSpace(row.SelectAttrValue("class", "")+" "+row.SelectAttrValue("id", "-")+" "+row.SelectAttrValue("item", "-")))
	}
	assert.Equal(t, doc.Root().SelectElement("reconcile").SelectAttrValue("unexplained", "") != "0", run.Failed, "unexplained money shows in the exit code")
	assert.Empty(t, r.panel.calls, "it only reads")
	assert.Zero(t, r.seller.buys)
	return all
}

func TestReconcileClasses(t *testing.T) {
	for rule, c := range map[string]struct {
		given func(t *testing.T, r reconciling)
		want  []string
	}{
		"held": {func(t *testing.T, r reconciling) { r.order(t, 101, "a.example", "2026-03-05"); r.hold(7, 101) }, []string{"held 101 7"}},
		"of another month": {func(t *testing.T, r reconciling) {
			r.order(t, 101, "a.example", "2026-02-28")
			r.order(t, 102, "b.example", "2026-04-01")
		}, nil},
		"nobody's": {func(t *testing.T, r reconciling) { r.order(t, 101, "a.example", "2026-03-05") }, []string{"nobody 101 -"}},
		"known by the journal alone": {func(t *testing.T, r reconciling) {
			r.order(t, 101, "a.example", "2026-03-05")
			r.journaled(42, 101, seller.KindCreate, "2026-03-05T10:00:00Z", 1)
			r.fixture.panel.order.OpenDate = cabforum.Date{Year: 2026, Month: 3, Day: 5}
		}, []string{"nobody 101 42"}},
		"a second one on the same item": {func(t *testing.T, r reconciling) {
			r.order(t, 101, "a.example", "2026-03-05")
			r.order(t, 102, "a.example", "2026-03-25")
			r.panel.claims = []item.Claim{{Item: 7, Status: 2, OrderID: "102", Lineage: "101 102"}}
		}, []string{"twice 102 7", "held 101 7"}},
		"on two items": {func(t *testing.T, r reconciling) {
			r.order(t, 101, "a.example", "2026-03-05")
			r.hold(7, 101)
			r.hold(8, 101)
		}, []string{"twice 101 8"}},
		"nobody's beside the item's own": {func(t *testing.T, r reconciling) {
			r.order(t, 101, "a.example", "2026-03-05")
			r.order(t, 102, "a.example", "2026-03-06")
			r.order(t, 103, "a.example", "2026-03-16")
			r.hold(7, 102)
		}, []string{"nobody 103 -", "twice 101 7", "held 102 7"}},
		"of another panel": {func(t *testing.T, r reconciling) {
			r.order(t, 101, "a.example", "2026-03-05").OrderRef = "pmssl-feedfeedfe-42"
		}, []string{"other_panel 101 -"}},
		"an own reference whose item is gone": {func(t *testing.T, r reconciling) {
			r.order(t, 101, "a.example", "2026-03-05").OrderRef = "pmssl-0badc0ffee-41"
		}, []string{"nobody 101 -"}},
		"cancelled, unpaid": {func(t *testing.T, r reconciling) {
			r.order(t, 101, "a.example", "2026-03-05").State = seller.StateCancelled
			r.order(t, 102, "b.example", "2026-03-05").State = seller.StateUnpaid
		}, []string{"ended 101 -", "unpaid 102 -"}},
		"held and not at the seller": {func(_ *testing.T, r reconciling) { r.hold(7, 101) }, []string{"absent 101 7"}},
		"closed and not at the seller": {func(_ *testing.T, r reconciling) {
			r.panel.claims = []item.Claim{{Item: 7, Status: item.ItemDeleted, OrderID: "101", Lineage: "101"}}
			r.journaled(7, 101, seller.KindCreate, "2026-03-05T10:00:00Z", 1)
		}, []string{"ended 101 7"}},
		"another module's id": {func(_ *testing.T, r reconciling) {
			r.panel.claims = []item.Claim{{Item: 7, Status: 2, OrderID: "101"}}
		}, nil},
		"journaled and not at the seller": {func(_ *testing.T, r reconciling) {
			r.journaled(7, 101, seller.KindCreate, "2026-03-05T10:00:00Z", 1)
		}, []string{"absent 101 7"}},
		"journaled for another account": {func(_ *testing.T, r reconciling) {
			r.panel.journal = []item.JournalEntry{{Time: r.at, Item: 7, ID: 101, Kind: seller.KindCreate, Account: "other"}}
		}, nil},
		"without an answer": {func(_ *testing.T, r reconciling) {
			r.panel.claims = []item.Claim{{Item: 7, Status: 2, Intent: `{"kind":"create","time":"2025-01-01T00:00:00Z"}`}, {Item: 8, Status: 2, Intent: "garbage"}}
		}, []string{"unclear - 7", "unclear - 8"}},
		"renewed in place, twice by one operation, and by another host": {func(t *testing.T, r reconciling) {
			r.order(t, 101, "a.example", "2025-03-05")
			r.order(t, 102, "b.example", "2025-03-05")
			r.hold(7, 101)
			r.panel.claims = append(r.panel.claims, item.Claim{Item: 8, Status: 2, OrderID: "102", Lineage: "102", Renewal: "2026-03-09T10:00:00Z 102 9"})
			r.journaled(7, 101, seller.KindProlong, "2026-03-05T10:00:00Z", 3)
			r.journaled(7, 101, seller.KindProlong, "2026-03-05T10:05:00Z", 3)
		}, []string{"twice 101 7", "renewal 101 7", "renewal 102 8"}},
		"renewed in place, twice by two operations": {func(t *testing.T, r reconciling) {
			r.order(t, 101, "a.example", "2025-03-05")
			r.hold(7, 101)
			r.journaled(7, 101, seller.KindProlong, "2026-03-05T10:00:00Z", 3)
			r.journaled(7, 101, seller.KindProlong, "2026-03-07T10:00:00Z", 4)
		}, []string{"twice 101 7", "renewal 101 7"}},
		"renewed in place before the month and in it": {func(t *testing.T, r reconciling) {
			r.order(t, 101, "a.example", "2025-03-05")
			r.hold(7, 101)
			r.journaled(7, 101, seller.KindProlong, "2026-03-01T10:00:00Z", 4)
			r.journaled(7, 101, seller.KindProlong, "2026-02-28T10:00:00Z", 3)
		}, []string{"twice 101 7"}},
		"renewed in place at the end of each monthly term": {func(t *testing.T, r reconciling) {
			r.order(t, 101, "a.example", "2025-03-05")
			r.hold(7, 101)
			r.journaled(7, 101, seller.KindProlong, "2026-03-01T10:00:00Z", 3)
			r.journaled(7, 101, seller.KindProlong, "2026-03-29T10:00:00Z", 4)
		}, []string{"renewal 101 7", "renewal 101 7"}},
		"one on an item and an earlier one of the month before": {func(t *testing.T, r reconciling) {
			r.order(t, 101, "a.example", "2026-02-28")
			r.order(t, 102, "a.example", "2026-03-01")
			r.panel.claims = []item.Claim{{Item: 7, Status: 2, OrderID: "102", Lineage: "101 102"}}
		}, []string{"twice 102 7"}},
		"one on an item and a later one of the month after": {func(t *testing.T, r reconciling) {
			r.order(t, 101, "a.example", "2026-03-31")
			r.order(t, 102, "a.example", "2026-04-01")
			r.panel.claims = []item.Claim{{Item: 7, Status: 2, OrderID: "102", Lineage: "101 102"}}
		}, []string{"held 101 7"}},
		"two on an item, with a monthly term between them": {func(t *testing.T, r reconciling) {
			r.order(t, 101, "a.example", "2026-02-09")
			r.order(t, 102, "a.example", "2026-03-01")
			r.panel.claims = []item.Claim{{Item: 7, Status: 2, OrderID: "102", Lineage: "101 102"}}
		}, []string{"held 102 7"}},
		"nobody's of the month before an item's": {func(t *testing.T, r reconciling) {
			r.order(t, 101, "a.example", "2026-03-31")
			r.order(t, 102, "a.example", "2026-04-02")
			r.hold(7, 102)
		}, []string{"twice 101 7"}},
		"two that are nobody's, one in either script": {func(t *testing.T, r reconciling) {
			r.order(t, 102, "пример.example", "2026-03-06")
			r.order(t, 101, "xn--e1afmkfd.example", "2026-03-05")
		}, []string{"nobody 101 -", "twice 102 -"}},
		"nobody's beside another panel's": {func(t *testing.T, r reconciling) {
			r.order(t, 101, "a.example", "2026-03-05").OrderRef = "pmssl-feedfeedfe-42"
			r.order(t, 102, "a.example", "2026-03-06")
		}, []string{"twice 102 -", "other_panel 101 -"}},
		"an item's after another panel's": {func(t *testing.T, r reconciling) {
			r.order(t, 101, "a.example", "2026-03-05").OrderRef = "pmssl-feedfeedfe-42"
			r.order(t, 102, "a.example", "2026-03-06")
			r.hold(7, 102)
		}, []string{"twice 102 7", "other_panel 101 -"}},
		"two of one item of another panel, and one of another": {func(t *testing.T, r reconciling) {
			r.order(t, 101, "a.example", "2026-03-05").OrderRef = "pmssl-feedfeedfe-42"
			r.order(t, 102, "a.example", "2026-03-05").OrderRef = "pmssl-feedfeedfe-42"
			r.order(t, 103, "a.example", "2026-03-05").OrderRef = "pmssl-feedfeedfe-43"
		}, []string{"twice 102 -", "other_panel 101 -", "other_panel 103 -"}},
		"two items of one name": {func(t *testing.T, r reconciling) {
			r.order(t, 101, "a.example", "2026-03-05")
			r.order(t, 102, "a.example", "2026-03-05")
			r.hold(7, 101)
			r.hold(8, 102)
		}, []string{"held 101 7", "held 102 8"}},
		"a second one of an item's reference, which is not on it": {func(t *testing.T, r reconciling) {
			r.order(t, 101, "a.example", "2026-03-05").OrderRef = "pmssl-0badc0ffee-42"
			r.order(t, 102, "a.example", "2026-03-25").OrderRef = "pmssl-0badc0ffee-42"
			r.hold(42, 101)
		}, []string{"twice 102 42", "held 101 42"}},
		"a cancelled one and the next": {func(t *testing.T, r reconciling) {
			r.order(t, 101, "a.example", "2026-03-05").State = seller.StateCancelled
			r.order(t, 102, "a.example", "2026-03-05")
			r.panel.claims = []item.Claim{{Item: 7, Status: 2, OrderID: "102", Lineage: "101 102"}}
		}, []string{"held 102 7", "ended 101 7"}},
		"a number that another module noted for its item": {func(t *testing.T, r reconciling) {
			r.order(t, 101, "a.example", "2026-03-05")
			r.order(t, 102, "b.example", "2026-03-05")
			r.hold(7, 101)
			r.panel.claims = append(r.panel.claims, item.Claim{Item: 8, Status: 2, OrderID: "101"}, item.Claim{Item: 9, Status: 2, OrderID: " 00102 "})
		}, []string{"nobody 102 -", "held 101 7"}},
		"an own id without lineage, which the journal has": {func(t *testing.T, r reconciling) {
			r.order(t, 101, "a.example", "2026-03-05")
			r.panel.claims = []item.Claim{{Item: 7, Status: 2, OrderID: "101"}}
			r.journaled(7, 101, seller.KindCreate, "2026-03-05T10:00:00Z", 1)
		}, []string{"held 101 7"}},
		"without a date, and without anybody": {func(t *testing.T, r reconciling) {
			r.order(t, 101, "a.example", "0001-01-01")
			r.order(t, 102, "b.example", "")
			r.order(t, 103, "c.example", "")
			r.hold(7, 103)
			r.order(t, 104, "d.example", "2099-03-05")
		}, []string{"nobody 101 -", "nobody 102 -", "nobody 104 -"}},
		"without a date, by the journal of the month in which it was bought": {func(t *testing.T, r reconciling) {
			r.order(t, 101, "a.example", "")
			r.order(t, 102, "b.example", "")
			r.hold(7, 101)
			r.hold(8, 102)
			r.journaled(7, 101, seller.KindCreate, "2026-02-20T10:00:00Z", 1)
			r.journaled(7, 101, seller.KindSANs, "2026-03-20T10:00:00Z", 2)
			r.journaled(8, 102, seller.KindOrder, "2026-03-20T10:00:00Z", 2)
		}, []string{"held 102 8", "names 101 7"}},
		"renewed in place by this host and again by another one": {func(t *testing.T, r reconciling) {
			r.order(t, 101, "a.example", "2025-03-05")
			r.panel.claims = []item.Claim{{Item: 7, Status: 2, OrderID: "101", Lineage: "101", Renewal: "2026-03-07T10:00:00Z 101 9"}}
			r.journaled(7, 101, seller.KindProlong, "2026-03-05T10:00:00.5Z", 3)
		}, []string{"twice 101 7", "renewal 101 7"}},
		"a line of the journal that stands there twice": {func(t *testing.T, r reconciling) {
			r.order(t, 101, "a.example", "2025-03-05")
			r.hold(7, 101)
			r.journaled(7, 101, seller.KindProlong, "2026-03-05T10:00:00.5Z", 3)
			r.journaled(7, 101, seller.KindProlong, "2026-03-05T10:00:00.5Z", 3)
		}, []string{"renewal 101 7"}},
		"names bought": {func(t *testing.T, r reconciling) {
			r.order(t, 101, "a.example", "2025-03-05")
			r.hold(7, 101)
			r.journaled(7, 101, seller.KindSANs, "2026-03-05T10:00:00Z", 3)
		}, []string{"names 101 7"}},
	} {
		t.Run(rule, func(t *testing.T) {
			r := newReconciling(t)
			c.given(t, r)
			assert.Equal(t, c.want, r.rows(t))
		})
	}
}

// renewingSeller renews orders in place.
type renewingSeller struct{ *ableSeller }

// RenewalQuote implements seller.Prolonger.
func (renewingSeller) RenewalQuote(context.Context, int64, int) (seller.RenewalQuote, error) {
	return seller.RenewalQuote{}, nil
}

// A renewal in place of another host counts, though the order itself is as new (rules RECONCILE-3).
func TestReconcileCountsARenewalOfANewOrder(t *testing.T) {
	r := newReconciling(t)
	r.order(t, 101, "a.example", "2026-03-05")
	r.panel.claims = []item.Claim{{Item: 7, Status: 2, OrderID: "101", Lineage: "101", Renewal: "2026-03-06T10:00:00Z 101 9"}}
	assert.Equal(t, []string{"held 101 7"}, r.rows(t), "a renewal with an id of its own has the order's row")
	run := r.with(renewingSeller{r.able}, r.panel)
	run.Info.DryRun = true
	found, err := reconcile.Run(context.Background(), run)
	require.NoError(t, err)
	assert.Equal(t, 1, found.Count(reconcile.Renewal), "%+v", found.Rows)
}

// Two orders of neighbouring months are told as paid twice in one of the two reports, and so are two of one month (rules RECONCILE-2).
func TestReconcileTellsEachPairOnce(t *testing.T) {
	for _, days := range [][2]string{{"2026-02-28", "2026-03-01"}, {"2026-02-10", "2026-02-28"}, {"2025-12-31", "2026-01-01"}, {"2026-03-28", "2026-03-29"}, {"2026-01-20", "2026-02-08"}} {
		r := newReconciling(t)
		r.order(t, 101, "a.example", days[0])
		r.order(t, 102, "a.example", days[1])
		r.panel.claims = []item.Claim{{Item: 7, Status: 2, OrderID: "102", Lineage: "101 102"}}
		r.at = time.Date(2026, 5, 1, 0, 30, 0, 0, time.FixedZone("east", 14*3600)) // in UTC it is April, and March the last month
		var all []string
		for _, r.args.Period = range []string{"2025-11", "2025-12", "2026-01", "2026-02", ""} {
			all = append(all, r.rows(t)...)
		}
		slices.Sort(all)
		assert.Equal(t, []string{"held 101 7", "twice 102 7"}, all, days)
	}
}

// An order that the journal lacks is older than it, or was bought elsewhere (rules RECONCILE-5).
func TestReconcileSaysWhetherTheJournalHasAnOrder(t *testing.T) {
	r := newReconciling(t)
	for id, day := range map[int64]string{101: "2026-03-01", 102: "2026-03-10", 103: "2026-03-20"} {
		r.order(t, id, fmt.Sprintf("%d.example", id), day)
		r.hold(id, id)
	}
	r.journaled(102, 102, seller.KindCreate, "2026-03-10T10:00:00Z", 1)
	run := r.with(r.able, r.panel)
	run.Info.DryRun, run.Format = true, item.FormatXML
	doc, err := command.Reconcile(context.Background(), run)
	require.NoError(t, err)
	var got []string
	for _, row := range doc.Root().SelectElement("reconcile").SelectElements("row") {
		got = append(got, row.SelectAttrValue("id", "")+" "+row.SelectAttrValue("journal", ""))
	}
	assert.Equal(t, []string{"101 older", "102 yes", "103 no"}, got)
	assert.False(t, run.Failed)
}

// All processing modules with the same account count, and are named (rules RECONCILE-6).
func TestReconcileCountsAllModulesOfTheAccount(t *testing.T) {
	r := newReconciling(t)
	r.panel.modules = []int64{6, 5}
	run := r.with(r.able, r.panel)
	run.Info.DryRun, run.Format = true, item.FormatXML
	run.Info.Account = func(map[string]string) string { return r.able.Account() }
	doc, err := command.Reconcile(context.Background(), run)
	require.NoError(t, err)
	assert.Equal(t, "5 6", doc.Root().SelectElement("reconcile").SelectAttrValue("modules", ""))
}

// The list of a large account is compared in a short time, and once.
func TestReconcileOfManyOrders(t *testing.T) {
	r := newReconciling(t)
	for id := int64(1); id <= 10_000; id++ {
		r.order(t, id, fmt.Sprintf("n%d.example", id), "2026-03-05")
		if id%2 == 0 {
			r.hold(id, id)
		}
	}
	assert.Len(t, r.rows(t), 10_000)
	assert.Equal(t, []string{"list"}, r.able.asked)
}

func TestReconcileRefusesWhatItCannotDo(t *testing.T) {
	for name, c := range map[string]struct {
		change func(r reconciling)
		want   string
	}{
		"a year":            {func(r reconciling) { r.args.Period = "2026" }, fault.Value},
		"a month to come":   {func(r reconciling) { r.args.Period = "2099-01" }, fault.Value},
		"a list that fails": {func(r reconciling) { r.able.fail["list"] = fault.Errorf(fault.API, "", "changes").Retryable() }, fault.API},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReconciling(t)
			c.change(r)
			run := r.with(r.able, r.panel)
			run.Info.DryRun = true
			_, err := command.Reconcile(context.Background(), run)
			assert.Equal(t, c.want, faultType(t, err))
		})
	}
}

// chargingSeller lists charges.
type chargingSeller struct {
	*ableSeller
	charges []seller.Charge
	days    []cabforum.Date
	fails   error
}

// Charges implements seller.ChargeLister.
func (c *chargingSeller) Charges(_ context.Context, first, last cabforum.Date) ([]seller.Charge, error) {
	c.days = []cabforum.Date{first, last}
	return c.charges, c.fails
}

// What the account was charged is added, each currency by itself; it fails nothing (rules RECONCILE-6).
func TestReconcileAddsWhatWasCharged(t *testing.T) {
	for rule, c := range map[string]struct {
		seller chargingSeller
		want   string
	}{
		"two currencies, an amount that cannot be read": {chargingSeller{charges: []seller.Charge{
			{ID: 1, Amount: seller.Money{Amount: 0.1, Currency: "USD"}}, {ID: 2, Amount: seller.Money{Amount: 0.2, Currency: "USD"}},
			{ID: 3, Amount: seller.Money{Amount: 5, Currency: "EUR"}}, {ID: 4, Amount: seller.Money{Text: "1 500,00"}, Unreadable: true},
		}}, "for all of its services: 4, 5.00 EUR, 0.30 USD; 1 of them cannot be read"},
		"nothing":        {chargingSeller{}, "for all of its services: 0\n"},
		"it is not told": {chargingSeller{fails: fault.Errorf(fault.API, "", "no right")}, "what the account was charged is not known: no right"},
	} {
		t.Run(rule, func(t *testing.T) {
			r := newReconciling(t)
			c.seller.ableSeller = r.able
			run := r.with(&c.seller, r.panel)
			run.Info.DryRun, run.Format = true, item.FormatText
			_, err := command.Reconcile(context.Background(), run)
			require.NoError(t, err)
			assert.Contains(t, run.Print, c.want)
			assert.False(t, run.Failed)
			assert.Equal(t, "[2026-03-01 2026-03-31]", fmt.Sprint(c.seller.days))
		})
	}
}
