package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pmssl/internal/sandbox/hostpanel"
	"pmssl/internal/sandbox/panel"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// deliveryTrouble keeps certificates from a server.
type deliveryTrouble struct {
	other   bool // it runs only in `make unattended`
	toPanel bool // the server is a hosting panel, else one with a program
	begin   func(t *testing.T, f *unattendedFixture, w *deliveryServer)
	reason  string // in the log
}

func deliveryTroubles() map[string]deliveryTrouble {
	program := func(commands string) func(*testing.T, *unattendedFixture, *deliveryServer) {
		return func(t *testing.T, _ *unattendedFixture, w *deliveryServer) {
			w.does(t, "before", strings.ReplaceAll(commands, "DIR", w.dir))
		}
	}
	return map[string]deliveryTrouble{
		// What it started is in its process group.
		"the program fails and leaves a process": {reason: "cannot reach the load balancer",
			begin: program("sleep 600 >/dev/null 2>&1 & echo $! >>DIR/left; echo cannot reach the load balancer >&2; exit 1")},
		"the program hangs and fails from then on": {other: true, reason: "it was ended because it takes longer than 2m0s",
			begin: program("[ -e DIR/left ] && exit 1; echo $$ >DIR/left; sleep 600")},
		"the program copies nothing": {reason: "shows certificate ", begin: program("exit 0")},
		"the hosting panel refuses": {toPanel: true, reason: "The license has expired", begin: func(t *testing.T, f *unattendedFixture, _ *deliveryServer) {
			_, err := f.hostPanel.AddFault(hostpanel.Fault{Function: "sslcert.prolong", Kind: hostpanel.FaultError, Type: "license", Text: "The license has expired"})
			require.NoError(t, err)
		}},
	}
}

// rules DELIVER-3, DELIVER-4: a certificate that does not reach its server is a task and a mail after two days. The site goes on with the
// former one. When somebody has installed the new one, the task is closed.
func TestUnattendedDeliveryThatNeedsAPerson(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		for name, trouble := range deliveryTroubles() {
			t.Run(name, func(t *testing.T) {
				if trouble.other && !triesAll() {
					t.Skip("runs in `make unattended`")
				}
				const domain = "shop.example"
				f := startUnattended(t, seller, firstOrders)
				w, item, install := f.deliveringItem(t, domain, trouble.toPanel)
				first := f.served(t, domain)
				trouble.begin(t, f, w)
				f.setTime(t, reissueDay)
				f.takeLog(t)
				require.Zero(t, f.sweep(t).Failed)
				hours := f.sweepHourly(t, item, 30)
				stored := time.Duration(hours) * time.Hour
				for _, after := range []time.Duration{time.Hour, 6 * time.Hour, 19 * time.Hour, 47 * time.Hour} {
					require.NoError(t, f.clock.Set(instant(t, reissueDay).Add(stored+after)))
					require.Zero(t, f.sweep(t).Failed)
				}
				assert.Empty(t, f.takeMails(t))
				assert.Empty(t, f.taskTypes(t))
				assert.True(t, strings.Contains(f.takeLog(t), trouble.reason), "%s is in no line of the log; the item has %s", trouble.reason, f.itemOf(t, item).Params["delivery"])

				f.advance(t, time.Hour)
				f.advance(t, time.Hour)
				mails := f.takeMails(t)
				require.Len(t, mails, 1)
				assert.Contains(t, mails[0].subject, "Install the new SSL certificate for "+domain)
				assert.Len(t, f.taskTypes(t), 1)
				for range 3 {
					f.advance(t, 24*time.Hour)
				}
				assert.Empty(t, f.takeMails(t), "one mail for a certificate")
				assert.Len(t, f.taskTypes(t), 1)
				assert.Equal(t, first, f.served(t, domain))
				w.checkNothingRuns(t)

				install(t)
				f.advance(t, 25*time.Hour)
				f.checkDelivered(t, item, domain)
				assert.NotEqual(t, first, f.served(t, domain))
				assert.Empty(t, f.taskTypes(t))
				assert.Empty(t, f.takeMails(t))
			})
		}
	})
}

// deliveringItem orders a certificate that is delivered to a server with a program, or to a hosting panel. install does by hand what the
// delivery does.
func (f *unattendedFixture) deliveringItem(t *testing.T, domain string, toPanel bool) (w *deliveryServer, item int64, install func(*testing.T)) {
	t.Helper()
	order := func(*panel.Order) {}
	if toPanel {
		hostPanelCases()[0].host(t, f, domain)
		order = f.hostSite(t, domain, false)
	} else {
		_, err := f.world.AddZone(domain, hosts)
		require.NoError(t, err)
		f.domain(t, domain, f.panel.Account())
		w = f.startDelivery(t, domain)
	}
	item = f.unattendedItem(t, domain, 12, order)
	f.checkDelivered(t, item, domain)
	return w, item, func(t *testing.T) {
		t.Helper()
		stored := f.itemOf(t, item)
		if !toPanel {
			require.NoError(t, os.WriteFile(filepath.Join(w.dir, domain+".pem"), append([]byte(stored.Key+"\n"), stored.Crt...), 0o600))
			return
		}
		leaf, chain, _ := strings.Cut(string(stored.Crt), "-----END CERTIFICATE-----\n")
		require.NoError(t, f.hostPanel.PutCertificate(hostpanel.NewCertificate{Owner: webUser, Name: "own",
			Certificate: leaf + "-----END CERTIFICATE-----\n", Chain: chain, Key: stored.Key}))
	}
}

// checkNothingRuns checks that no process runs whose id the program has written into the file left.
func (w *deliveryServer) checkNothingRuns(t *testing.T) {
	t.Helper()
	if w == nil {
		return
	}
	text, err := os.ReadFile(filepath.Join(w.dir, "left"))
	if os.IsNotExist(err) {
		return
	}
	require.NoError(t, err)
	for _, id := range strings.Fields(string(text)) {
		state, err := os.ReadFile(filepath.Join("/proc", id, "cmdline"))
		assert.False(t, err == nil && strings.Contains(string(state), "sleep"), "process %s runs: %s", id, state)
	}
	assert.NotEmpty(t, text)
}
