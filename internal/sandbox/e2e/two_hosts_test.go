package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"pmssl/internal/sandbox/panel"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// secondHost opens a second host of the same panel: its own root folder and files, the same database.
func (f *fixture) secondHost(t *testing.T) *panel.Panel {
	t.Helper()
	config := f.config
	config.Root = filepath.Join(t.TempDir(), "mgr5")
	require.NoError(t, os.CopyFS(filepath.Join(config.Root, "etc"), os.DirFS(filepath.Join(f.panel.Root(), "etc"))))
	host, err := panel.Open(context.Background(), config)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, host.Close()) })
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	require.NoError(t, host.Install(f.seller.module, filepath.Join(f.panel.Root(), "processing", f.seller.module)))
	return host
}

// setDBHost sets DBHost in a host's settings; an empty address removes it.
func setDBHost(t *testing.T, host *panel.Panel, address string) {
	t.Helper()
	name := filepath.Join(host.Root(), "etc", "billmgr.conf.d", "db.conf")
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	var lines []string
	if address != "" {
		lines = append(lines, "DBHost "+address)
	}
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "DBHost") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	require.NoError(t, os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
}

// waitsForALock reports whether a connection to the panel's database waits for a named lock.
func (f *fixture) waitsForALock() bool {
	var waiting int
	err := f.panel.DB().QueryRow("SELECT COUNT(*) FROM information_schema.processlist WHERE db=DATABASE() AND state='User lock' AND info LIKE 'SELECT GET_LOCK(%'").Scan(&waiting)
	return err == nil && waiting > 0
}

// rules BUY-1, BUY-11: two hosts of one panel run the same operation of the same item. Their settings contain different addresses of
// the database, or one of them has none. The second host starts while the first one reads the seller's list before the
// purchase. The operation pays once.
func TestTwoHostsOfOnePanelPayOnce(t *testing.T) {
	needsMariaDB(t, writesAtOnce)
	const missing = ""
	for spelling, row := range map[string]struct{ first, second string }{
		"localhost and an address": {"localhost", built.server.Addr()},
		"an address and missing":   {built.server.Addr(), missing},
	} {
		t.Run(spelling, func(t *testing.T) {
			eachSeller(t, func(t *testing.T, seller sellerCase) {
				for command, begin := range map[string]func(t *testing.T, f *simulatedFixture) int64{"open": toOpen, "prolong": toProlong, "setparam": toSetParam} {
					t.Run(command, func(t *testing.T) {
						f := startSimulated(t, seller, firstOrders)
						item := begin(t, f)
						op := f.addOperation(t, item, command)
						before := f.paymentCount(t)
						other := f.secondHost(t)
						setDBHost(t, f.panel, row.first)
						setDBHost(t, other, row.second)
						if row.second == missing {
							require.NoError(t, other.SetFaults(panel.Fault{Func: "paramlist", Kind: "error", Times: 1}))
						}
						ended := make(chan struct{})
						f.beforeRequest(stepList, func() {
							go func() {
								defer close(ended)
								_, err := other.RunOperation(context.Background(), op)
								assert.NoError(t, err)
							}()
							assert.Eventually(t, f.waitsForALock, time.Minute, time.Millisecond, "the second host never waited for the lock")
						})
						run, err := f.panel.RunOperation(context.Background(), op)
						require.NoError(t, err)
						require.True(t, run.OK(), run.Failure())
						if command == "setparam" && seller.multiDomain == "" {
							assert.Equal(t, before, f.paymentCount(t), "this seller sells no additional names for an existing order")
							return
						}
						<-ended
						assert.Equal(t, before+1, f.paymentCount(t))
						assert.Empty(t, f.itemOf(t, item).Params["purchase_intent"])
					})
				}
			})
		})
	}
}

// toOpen returns an item whose order is placed and not opened.
func toOpen(t *testing.T, f *simulatedFixture) int64 {
	placed := f.place(t, exampleCSR(t))
	f.sql(t, "DELETE FROM runningoperation WHERE item=?", placed.Item)
	return placed.Item
}

// toProlong returns an item whose term ends soon.
func toProlong(t *testing.T, f *simulatedFixture) int64 {
	item := f.storedItem(t, "example.com", 12)
	f.setTime(t, "2027-03-01")
	return item
}

// toSetParam returns an item for which the client has ordered one more name, if the seller sells additional names.
func toSetParam(t *testing.T, f *simulatedFixture) int64 {
	ctx := context.Background()
	if f.seller.multiDomain == "" {
		item := f.storedItem(t, "example.com", 12)
		f.setTime(t, "2026-04-12")
		return item
	}
	tariff, err := f.tariffFor(ctx, f.seller.multiDomain, &panel.SANAddon{Max: 50})
	require.NoError(t, err)
	item := f.storedItem(t, "example.com", 12, func(o *panel.Order) {
		o.Tariff, o.ExtraSANs, o.AltNames = tariff, 2, []string{"a.example.com", "b.example.com"}
	})
	f.setTime(t, "2026-04-12")
	require.NoError(t, f.panel.SetExtraSANs(ctx, item, 3))
	f.setParam(t, item, "altname", "a.example.com b.example.com c.example.com")
	return item
}
