package e2e

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"pmssl/internal/sandbox/panel"

	"github.com/stretchr/testify/require"
)

// campaignCommands are the commands that campaigns disturb.
func campaignCommands() []campaignCommand {
	return []campaignCommand{
		{name: "open", start: startVictims, prepare: placedVictim, command: runItsOperation, settle: settleItem, payments: 1, perPanel: 50},
		{name: "sync_item", start: startVictims, prepare: provedVictim, ready: anHourPasses, command: syncVictim, settle: settleItem, perPanel: 50},
		{name: "reopen", start: startVictims, prepare: storedVictim, ready: tenDaysPass, command: reopenVictim, settle: settleItem, perPanel: 50},
		{name: "setparam with a CSR", start: startVictims, prepare: otherKeyVictim, ready: tenDaysPass, command: operate("setparam"), settle: settleItem, perPanel: 50},
		{
			name: "setparam with names", at: func(s sellerCase) bool { return s.multiDomain != "" },
			start: startVictims, prepare: moreNamesVictim, ready: tenDaysPass, command: operate("setparam"), settle: settleItem, payments: 1, perPanel: 50,
		},
		{name: "prolong", start: startVictims, prepare: storedVictim, ready: untilTermEnds, command: operate("prolong"), settle: settleItem, payments: 1, perPanel: 50},
		{name: "subscription", start: startVictims, prepare: storedVictim, ready: untilLeavesEnd, command: sweepVictim, settle: sweepUntilSettled, perPanel: 6},
		{name: "import", start: startVictims, prepare: storedVictim, ready: loseItems, command: importVictim, settle: importAgain, perPanel: 20},
		{name: "migrate", start: startVictims, prepare: foreignVictim, command: migrateVictim, settle: migrateAgain, perPanel: 50},
		{name: "close", start: startVictims, prepare: storedVictim, command: operate("close"), settle: closeAgain, perPanel: 50},
		{name: "publish and deliver", start: startUnattendedVictims, prepare: unattendedVictim, command: sweepWhenDue, settle: sweepUntilDelivered, perPanel: 12},
	}
}

// startVictims starts a panel whose seller issues certificates at once until the commands begin.
func startVictims(t *testing.T, seller sellerCase) *victims {
	t.Helper()
	return &victims{simulatedFixture: startSimulated(t, seller, firstOrders)}
}

func placedVictim(t *testing.T, v *victims, domain string) int64 {
	t.Helper()
	v.changeSeller(t, issueAfterValidation)
	return v.placed(t, domain)
}

func provedVictim(t *testing.T, v *victims, domain string) int64 {
	t.Helper()
	v.changeSeller(t, issueAfterValidation)
	item := v.openedItem(t, domain, 12)
	require.NoError(t, v.standIn.prove(domain))
	return item
}

func storedVictim(t *testing.T, v *victims, domain string) int64 {
	t.Helper()
	return v.storedItem(t, domain, 12)
}

func otherKeyVictim(t *testing.T, v *victims, domain string) int64 {
	t.Helper()
	item := v.storedItem(t, domain, 12)
	csr, key := newCSR(t, domain)
	require.NoError(t, v.panel.SetCSR(context.Background(), item, csr, key))
	return item
}

// moreNamesVictim returns an item for which the client has ordered one more name.
func moreNamesVictim(t *testing.T, v *victims, domain string) int64 {
	t.Helper()
	ctx := context.Background()
	tariff, err := v.tariffFor(ctx, v.seller.multiDomain, &panel.SANAddon{Max: 50})
	require.NoError(t, err)
	item := v.storedItem(t, domain, 12, func(o *panel.Order) {
		o.Tariff, o.ExtraSANs, o.AltNames = tariff, 2, []string{"a." + domain, "b." + domain}
	})
	require.NoError(t, v.panel.SetExtraSANs(ctx, item, 3))
	v.setParam(t, item, "altname", "a."+domain+" b."+domain+" c."+domain)
	return item
}

// foreignVictim returns an item that the panel's own module has ordered.
func foreignVictim(t *testing.T, v *victims, domain string) int64 {
	t.Helper()
	item := v.storedItem(t, domain, 12)
	v.forgetOwn(t, item)
	return item
}

func anHourPasses(t *testing.T, v *victims) { v.passes(t, time.Hour) }

func tenDaysPass(t *testing.T, v *victims) {
	v.passes(t, 10*24*time.Hour)
	v.changeSeller(t, issueAfterValidation)
}

func untilTermEnds(t *testing.T, v *victims) {
	v.setTime(t, "2027-03-01")
	v.changeSeller(t, issueAfterValidation)
}

func untilLeavesEnd(t *testing.T, v *victims) {
	v.setTime(t, "2026-10-07")
	v.changeSeller(t, issueAfterValidation)
}

// loseItems makes the panel lose its items, as a restored database does that is older than they are.
func loseItems(t *testing.T, v *victims) {
	for _, table := range []string{"item", "itemparam", "certificate", "runningoperation"} {
		v.sql(t, "DELETE FROM "+table)
	}
	require.NoError(t, os.Remove(filepath.Join(v.panel.Root(), "var", v.seller.module+".purchases")))
}

func (v *victims) passes(t *testing.T, d time.Duration) {
	t.Helper()
	_, err := v.clock.Advance(d)
	require.NoError(t, err)
}

// ended returns a run that could be started.
func ended(t *testing.T, run *panel.Run, err error) *panel.Run {
	t.Helper()
	require.NoError(t, err)
	return run
}

func runItsOperation(t *testing.T, v *victims, one victim) *panel.Run {
	t.Helper()
	operations := v.itemOf(t, one.item).Operations
	require.Len(t, operations, 1)
	run, err := v.panel.RunOperation(context.Background(), operations[0].ID)
	return ended(t, run, err)
}

func operate(command string) func(*testing.T, *victims, victim) *panel.Run {
	return func(t *testing.T, v *victims, one victim) *panel.Run {
		t.Helper()
		_, run, err := v.panel.Operate(context.Background(), one.item, command)
		return ended(t, run, err)
	}
}

func syncVictim(t *testing.T, v *victims, one victim) *panel.Run {
	t.Helper()
	run, err := v.panel.Sync(context.Background(), one.item)
	return ended(t, run, err)
}

func reopenVictim(t *testing.T, v *victims, one victim) *panel.Run {
	t.Helper()
	csr, key := newCSR(t, one.domain)
	_, run, err := v.panel.Reissue(context.Background(), one.item, csr, key, nil)
	return ended(t, run, err)
}

func sweepVictim(t *testing.T, v *victims, one victim) *panel.Run {
	t.Helper()
	return v.runModule(t, "--command", "subscription", "--item", strconv.FormatInt(one.item, 10))
}

func importVictim(t *testing.T, v *victims, one victim) *panel.Run {
	t.Helper()
	run, err := v.panel.Import(context.Background(), v.moduleID, one.domain)
	return ended(t, run, err)
}

func migrateVictim(t *testing.T, v *victims, one victim) *panel.Run {
	t.Helper()
	return v.runModule(t, "--command", "migrate", "--module", strconv.FormatInt(v.moduleID, 10), "--item", strconv.FormatInt(one.item, 10), "--yes")
}

func settleItem(t *testing.T, v *victims, one victim) int64 {
	t.Helper()
	v.settle(t, one.item, one.domain)
	return one.item
}

// sweepUntilSettled sweeps each hour, and a day later if an attempt was counted that was never made (rules SWEEP-3).
func sweepUntilSettled(t *testing.T, v *victims, one victim) int64 {
	t.Helper()
	for n := range 6 {
		status := v.itemOf(t, one.item).Params["service_status"]
		if status == "5" && v.leaf(t, one.item).NotAfter.Format(time.DateOnly) > firstEnd {
			break
		}
		if status == "4" {
			v.issue(t, one.item)
		}
		wait := time.Hour
		if n == 2 {
			wait = 25 * time.Hour
		}
		v.passes(t, wait)
		run := sweepVictim(t, v, one)
		require.True(t, run.OK(), run.Failure())
	}
	v.checkNewestStored(t, one.item, one.domain)
	return one.item
}

// importAgain imports until nothing is left, and returns the one item of the certificate. If the panel carries out what the killed import
// asked for while this one makes its item, the import has to name the item that is to be deleted.
func importAgain(t *testing.T, v *victims, one victim) int64 {
	t.Helper()
	run := importVictim(t, v, one)
	if !run.OK() {
		told := regexp.MustCompile(`it has two items, .*: delete item ([0-9]+) in the panel`).FindStringSubmatch(run.Failure())
		require.NotNil(t, told, run.Failure())
		t.Log(told[0])
		for _, statement := range []string{"DELETE FROM itemparam WHERE item=", "DELETE FROM certificate WHERE item=", "DELETE FROM item WHERE id="} {
			v.sql(t, statement+told[1])
		}
	}
	ids, err := v.panel.ItemIDs(context.Background(), "certificate")
	require.NoError(t, err)
	var found []int64
	for _, id := range ids {
		if v.itemOf(t, id).Name == one.domain {
			found = append(found, id)
		}
	}
	require.Len(t, found, 1, "items of %s", one.domain)
	v.checkNewestStored(t, found[0], one.domain)
	return found[0]
}

func migrateAgain(t *testing.T, v *victims, one victim) int64 {
	t.Helper()
	run := migrateVictim(t, v, one)
	if !run.OK() {
		require.Contains(t, run.Failure(), "there is nothing to migrate")
	}
	v.checkNewestStored(t, one.item, one.domain)
	return one.item
}

func closeAgain(t *testing.T, v *victims, one victim) int64 {
	t.Helper()
	for _, o := range v.itemOf(t, one.item).Operations {
		v.finishLater(t, &panel.OrderResult{Item: one.item, Operation: o.ID})
	}
	return one.item
}

// startUnattendedVictims starts a panel that publishes challenges and delivers certificates of 30 days by itself, with one item that is
// reissued again and again.
func startUnattendedVictims(t *testing.T, seller sellerCase) *victims {
	t.Helper()
	f := startUnattended(t, seller, firstOrders)
	f.changeSeller(t, func(m *behaviour) { m.issuesAtOnce, m.leafDays = false, 30 })
	v := &victims{simulatedFixture: f.simulatedFixture, unattended: f, server: f.startDelivery(t, "example.com")}
	v.zones = f.dumps()
	v.only = f.unattendedItem(t, "example.com", seller.maxMonths)
	return v
}

func unattendedVictim(_ *testing.T, v *victims, _ string) int64 { return v.only }

func sweepWhenDue(t *testing.T, v *victims, one victim) *panel.Run {
	t.Helper()
	v.unattended.untilDue(t, one.item)
	run, err := v.unattended.sweepCommand(context.Background())
	return ended(t, run, err)
}

// sweepUntilDelivered sweeps on, each hour and then a day later, until the site shows the new certificate and nothing is left.
func sweepUntilDelivered(t *testing.T, v *victims, one victim) int64 {
	t.Helper()
	f := v.unattended
	for n := range 9 {
		wait := time.Hour
		if n > 5 {
			wait = 25 * time.Hour
		}
		require.Zero(t, f.advance(t, wait).Failed, f.logTail(t))
		now, err := f.clock.Now()
		require.NoError(t, err)
		if f.itemOf(t, one.item).Params["service_status"] == "5" && f.published(t, one.item) == "" && f.leaf(t, one.item).NotAfter.Sub(now) > 20*24*time.Hour {
			break
		}
	}
	f.checkNewestStored(t, one.item, one.domain)
	f.checkDelivered(t, one.item, one.domain)
	require.Equal(t, v.zones, f.dumps())
	if mails := f.takeMails(t); len(mails) > 0 {
		require.Empty(t, mails, f.logTail(t))
	}
	return one.item
}
