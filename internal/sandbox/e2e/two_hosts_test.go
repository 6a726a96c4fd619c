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

// secondHost is another host of the same panel: its own root and files, the same database.
func (w *world) secondHost(t *testing.T) *panel.Panel {
	t.Helper()
	config := w.config
	config.Root = filepath.Join(t.TempDir(), "mgr5")
	require.NoError(t, os.CopyFS(filepath.Join(config.Root, "etc"), os.DirFS(filepath.Join(w.panel.Root(), "etc"))))
	host, err := panel.Open(context.Background(), config)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, host.Close()) })
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	require.NoError(t, host.Install(w.trade.module, filepath.Join(w.panel.Root(), "processing", w.trade.module)))
	return host
}

// spell writes the address of the database into a host's settings; an empty one leaves DBHost out.
func spell(t *testing.T, host *panel.Panel, address string) {
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

// waitsForALock reports whether a connection to the world's database waits for a named lock.
func (w *world) waitsForALock() bool {
	var waiting int
	err := w.panel.DB().QueryRow("SELECT COUNT(*) FROM information_schema.processlist WHERE db=DATABASE() AND state='User lock' AND info LIKE 'SELECT GET_LOCK(%'").Scan(&waiting)
	return err == nil && waiting > 0
}

// rules BUY-1, BUY-11: two hosts of one panel run the same operation of the same item. They spell the address of the database
// in different ways, or one of them does not learn it; while the first one reads the seller's list before it pays, the second
// one comes. It is paid once.
func TestTwoHostsOfOnePanelPayOnce(t *testing.T) {
	needsMariaDB(t, writesAtOnce)
	const missing = ""
	for spelling, row := range map[string]struct{ first, second string }{
		"localhost and an address": {"localhost", built.server.Addr()},
		"an address and missing":   {built.server.Addr(), missing},
	} {
		t.Run(spelling, func(t *testing.T) {
			eachShop(t, func(t *testing.T, at trade) {
				for command, begin := range map[string]func(t *testing.T, h *hosting) int64{"open": toOpen, "prolong": toProlong, "setparam": toSetParam} {
					t.Run(command, func(t *testing.T) {
						h := newHosting(t, at, firstOrders)
						item := begin(t, h)
						op := h.operation(t, item, command)
						before := h.payments(t)
						other := h.secondHost(t)
						spell(t, h.panel, row.first)
						spell(t, other, row.second)
						if row.second == missing {
							require.NoError(t, other.SetFaults(panel.Fault{Func: "paramlist", Kind: "error", Times: 1}))
						}
						ended := make(chan struct{})
						h.before(stepList, func() {
							go func() {
								defer close(ended)
								_, err := other.RunOperation(context.Background(), op)
								assert.NoError(t, err)
							}()
							assert.Eventually(t, h.waitsForALock, time.Minute, time.Millisecond, "the second host never came")
						})
						run, err := h.panel.RunOperation(context.Background(), op)
						require.NoError(t, err)
						require.True(t, run.OK(), run.Failure())
						if command == "setparam" && at.names == "" {
							assert.Equal(t, before, h.payments(t), "no names are sold for an order that exists")
							return
						}
						<-ended
						assert.Equal(t, before+1, h.payments(t))
						assert.Empty(t, h.itemOf(t, item).Params["purchase_intent"])
					})
				}
			})
		})
	}
}

// toOpen is an order that nobody has worked on yet.
func toOpen(t *testing.T, h *hosting) int64 {
	placed := h.place(t, exampleCSR(t))
	h.sql(t, "DELETE FROM runningoperation WHERE item=?", placed.Item)
	return placed.Item
}

// toProlong is an order whose term ends soon.
func toProlong(t *testing.T, h *hosting) int64 {
	item := h.stored(t, "example.com", 12)
	h.at(t, "2027-03-01")
	return item
}

// toSetParam is an order for which the client has ordered another name.
func toSetParam(t *testing.T, h *hosting) int64 {
	ctx := context.Background()
	if h.trade.names == "" {
		item := h.stored(t, "example.com", 12)
		h.at(t, "2026-04-12")
		return item
	}
	tariff, err := h.tariffFor(ctx, h.trade.names, &panel.SANAddon{Max: 50})
	require.NoError(t, err)
	item := h.stored(t, "example.com", 12, func(o *panel.Order) {
		o.Tariff, o.ExtraSANs, o.AltNames = tariff, 2, []string{"a.example.com", "b.example.com"}
	})
	h.at(t, "2026-04-12")
	require.NoError(t, h.panel.SetExtraSANs(ctx, item, 3))
	h.set(t, item, "altname", "a.example.com b.example.com c.example.com")
	return item
}
