package e2e

import (
	"bytes"
	"context"
	"net/url"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"pmssl/internal/sandbox/panel"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// gathering holds requests back until so many of them are at the seller at once.
type gathering struct {
	mu     sync.Mutex
	here   int
	wanted int
	all    chan struct{} // closed when they are
	gone   chan struct{} // closed when they may go on
}

func newGathering(wanted int) *gathering {
	return &gathering{wanted: wanted, all: make(chan struct{}), gone: make(chan struct{})}
}

// arrive waits until the requests may go on. It reports whether they all came.
func (g *gathering) arrive() bool {
	g.mu.Lock()
	if g.here++; g.here == g.wanted {
		close(g.all)
	}
	g.mu.Unlock()
	select {
	case <-g.gone:
		return true
	case <-time.After(time.Minute):
		return false
	}
}

// gatherReissues makes the first reissue request pass, and holds the next ones back until so many are there at once.
func (f *simulatedFixture) gatherReissues(t *testing.T, wanted int) *gathering {
	g := newGathering(wanted)
	var mu sync.Mutex
	seen := 0
	f.hook.Store(&requestHook{matches: func(form url.Values) bool {
		if f.standIn.stepOf(form) != stepReissue {
			return false
		}
		mu.Lock()
		seen++
		first := seen == 1
		mu.Unlock()
		if !first {
			assert.True(t, g.arrive(), "reissues do not come at once")
		}
		return false
	}})
	return g
}

// rules SWEEP-13: after the first item of the account the sweep works on the others at once. Each is reissued once, and the document
// has the order in which their certificates end.
func TestSweepWorksOnSeveralItemsAtOnce(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startSimulated(t, seller, firstOrders)
		var items []int64
		for n := range 5 {
			items = append(items, f.storedItem(t, site(n), 12))
		}
		f.setTime(t, "2026-10-07")
		g := f.gatherReissues(t, len(items)-1)
		go func() { <-g.all; close(g.gone) }()
		done := f.sweep(t)
		var order []int64
		for _, row := range done.Rows {
			order = append(order, row.ID)
		}
		assert.Equal(t, items, order)
		assert.Equal(t, [3]int{5, 5, 0}, [3]int{done.Due, done.Reissued, done.Failed})
		for n, item := range items {
			f.checkNewestStored(t, item, site(n))
			assert.Equal(t, 2, f.requestedCertificates(t, site(n)))
		}
	})
}

// rules RUN-1, SWEEP-13: a signal while several reissues are at the seller: all of them are recorded, nothing further begins, and the
// next sweep completes them without another request.
func TestSignalDuringSeveralItemsOfASweep(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startSimulated(t, seller, firstOrders)
		var items []int64
		for n := range 12 {
			items = append(items, f.storedItem(t, site(n), 12))
		}
		f.setTime(t, "2026-10-07")
		const atOnce = 8
		g := f.gatherReissues(t, atOnce)
		process := exec.Command(filepath.Join(f.panel.Root(), "processing", f.seller.module), "--command", "subscription")
		process.Dir, process.Env = f.panel.Root(), f.moduleEnv()
		var out bytes.Buffer
		process.Stdout = &out
		require.NoError(t, process.Start())
		<-g.all
		require.NoError(t, process.Process.Signal(syscall.SIGTERM))
		close(g.gone)
		require.Error(t, process.Wait(), out.String())
		assert.Contains(t, out.String(), `type="interrupted"`)
		f.hook.Store(nil)
		asked := 0
		for n := range items {
			asked += f.requestedCertificates(t, site(n)) - 1
		}
		assert.Equal(t, 1+atOnce, asked, "nothing begins after the signal")

		assert.Zero(t, f.sweep(t).Failed)
		f.setTime(t, "2026-10-08T11:00:00Z")
		assert.Zero(t, f.sweep(t).Failed)
		for n, item := range items {
			f.checkNewestStored(t, item, site(n))
			assert.Equal(t, 2, f.requestedCertificates(t, site(n)), "%s is reissued once", site(n))
		}
		assert.Empty(t, f.taskTypes(t))
	})
}

// rules BUY-1, SWEEP-13: items that are worked on at once and need further names buy them one after the other: each once.
func TestSeveralItemsOfASweepBuyTheirNamesOnce(t *testing.T) {
	needsMariaDB(t, "keep a named lock from another connection")
	ctx := context.Background()
	f := startSimulated(t, namecheapCase(), firstOrders)
	tariff, err := f.tariffFor(ctx, f.seller.multiDomain, &panel.SANAddon{Max: 50})
	require.NoError(t, err)
	var items []int64
	for n := range 5 {
		item := f.storedItem(t, site(n), 12, func(o *panel.Order) {
			o.Tariff, o.ExtraSANs, o.AltNames = tariff, 2, []string{"a." + site(n), "b." + site(n)}
		})
		require.NoError(t, f.panel.SetExtraSANs(ctx, item, 3))
		f.setParam(t, item, "altname", "a."+site(n)+" b."+site(n)+" c."+site(n))
		items = append(items, item)
	}
	before := f.paymentCount(t)
	f.setTime(t, "2026-10-07")
	done := f.sweep(t)
	assert.Equal(t, [2]int{len(items), 0}, [2]int{done.Reissued, done.Failed})
	assert.Equal(t, before+len(items), f.paymentCount(t))
	for n, item := range items {
		assert.Contains(t, f.leaf(t, item).DNSNames, "c."+site(n))
		assert.Empty(t, f.itemOf(t, item).Params["purchase_intent"])
	}
}

// rules UNATT-1 to UNATT-5, SWEEP-13: the challenges of items that are worked on at once are published and removed; nobody has to do
// anything.
func TestUnattendedReissuesOfSeveralItemsOfASweep(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startUnattended(t, seller, firstOrders)
		before := f.dumps()
		var items []int64
		for n := range 4 {
			items = append(items, f.unattendedItem(t, site(n), 12))
		}
		f.setTime(t, reissueDay)
		assert.Zero(t, f.sweep(t).Failed)
		for n, item := range items {
			f.sweepHourly(t, item, 30)
			f.checkNewestStored(t, item, site(n))
			assert.Equal(t, 2, f.requestedCertificates(t, site(n)))
			assert.Empty(t, f.published(t, item))
		}
		assert.Equal(t, before, f.dumps())
		assert.Empty(t, f.takeMails(t))
		assert.Empty(t, f.taskTypes(t))
	})
}
