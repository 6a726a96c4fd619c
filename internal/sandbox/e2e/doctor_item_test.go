package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"pmssl/internal/sandbox/internet"
	"pmssl/internal/sandbox/panel"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// startDoctorItem starts an installation in the simulated Internet and orders a certificate for the host, which is issued.
func startDoctorItem(t *testing.T, seller sellerCase, host string, more ...func(f *unattendedFixture, o *panel.Order)) (*unattendedFixture, *doctorFixture, int64) {
	t.Helper()
	f := startUnattended(t, seller, firstOrders)
	require.NoError(t, f.zone.Add("shop A 192.0.2.80\n"))
	item := f.unattendedItem(t, host, 12, func(o *panel.Order) {
		for _, change := range more {
			change(f, o)
		}
	})
	return f, &doctorFixture{f.simulatedFixture, ""}, item
}

func TestDoctorExaminesTheNamesOfAnItem(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f, d, item := startDoctorItem(t, seller, "shop.example.com")
		before := f.dumps()
		got := d.doctor(t, "--item", fmt.Sprint(item))
		for _, want := range []struct{ id, text string }{
			{"item", "shop.example.com"},
			{"item_publisher", "shop.example.com: publisher ns1, zone example.com (domain item"},
			{"item_dns", "zone example.com: serial "}, {"item_dns", "at 4 addresses of name servers"},
			{"item_dns", "zone example.com: not signed"}, {"item_dns", "shop.example.com: no CAA record restricts who issues"},
			{"item_dns", "shop.example.com: 192.0.2.80"}, {"item_deliverer", "no deploy block is configured"},
			{"publishers", "its block names no zone to ask for"},
		} {
			assert.True(t, got.has("ok", want.id, want.text, ""), "%s: %s\n%s", want.id, want.text, strings.Join(append(got.with("ok"), got.crosses()...), "\n"))
		}
		assert.True(t, got.has("warning", "item_site", "shop.example.com at 192.0.2.80: no connection", "port 443"), "%v", got.with("warning"))
		assert.Equal(t, before, f.dumps(), "no record was changed")
		missing := d.doctor(t, "--item", "999999")
		assert.True(t, missing.has("failed", "item", "there is no item 999999", "give the id"), "%v", missing.crosses())
	})
}

func TestDoctorNamesWhatIsInTheWayOfAnItem(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		for _, row := range []struct {
			name           string
			damage         func(t *testing.T, f *unattendedFixture)
			outcome        string // failed if empty
			id, text, mend string
			files          bool // the challenge is a file
		}{
			{name: "a host that exists through a wildcard only", id: "item_publisher", text: "only through a wildcard", mend: "its own address records",
				damage: func(t *testing.T, f *unattendedFixture) {
					require.NoError(t, f.zone.Remove("shop A 192.0.2.80\n"))
					require.NoError(t, f.zone.Add("* A 192.0.2.80\n"))
				}},
			{name: "a wrong key", id: "item_publisher", text: "the server refuses the change", mend: "give the key the right",
				damage: func(t *testing.T, f *unattendedFixture) {
					f.publisher(t, "ns1", internet.PrimaryAddress, "AAAAAAAAAAAAAAAAAAAAAAAA")
				}},
			{name: "a block for a zone that the server does not have", id: "publishers", text: "it has no zone for example.net.example", mend: "correct the block at",
				damage: func(t *testing.T, f *unattendedFixture) {
					f.publisher(t, "ns1", internet.PrimaryAddress, f.world.Secret, "example.com", "example.net.example")
				}},
			{name: "an unknown word in the configuration", id: "publishers", text: "ns1.conf:2", mend: "correct the file and line",
				damage: func(t *testing.T, f *unattendedFixture) {
					require.NoError(t, os.WriteFile(filepath.Join(f.panel.Root(), "etc/pmssl/ns1.conf"), []byte("publisher ns1 dnsupdate\n  sever 192.0.2.53\n"), 0o600))
				}},
			{name: "another client's domain", id: "item_publisher", text: "not shown to be the client's own name", mend: "allow ZONE account N",
				damage: func(t *testing.T, f *unattendedFixture) {
					f.sql(t, "UPDATE item SET account=? WHERE name='example.com'", f.otherAccount(t))
				}},
			{name: "CAA records that forbid the authority", id: "item_dns", text: "CAA allows other.example, and none of the seller's CAs", mend: "add one to the CAA records of example.com in zone example.com: example.com. CAA 0 issue \"ssl.com\". shop.example.com inherits them",
				damage: func(t *testing.T, f *unattendedFixture) {
					if f.seller.module != "pmnamecheap" {
						t.Skip("the CAs of this seller are not known")
					}
					require.NoError(t, f.zone.Add(`@ CAA 0 issue "other.example"`+"\n"))
				}},
			{name: "a challenge that was left", outcome: "warning", id: "item_dns", text: "a challenge of an earlier order is left", mend: "remove it from the zone by hand",
				damage: func(t *testing.T, f *unattendedFixture) {
					if f.seller.module != "pmnamecheap" {
						t.Skip("the records of this seller's stand-in have other names")
					}
					require.NoError(t, f.zone.Add(f.recordName(t)+". CNAME value.comodoca.com.\n"))
				}},
			{name: "broken DNSSEC", id: "item_dns", text: "SERVFAIL", mend: "DNSSEC",
				damage: func(_ *testing.T, f *unattendedFixture) { f.world.SetBogus("example.com", true) }},
			{name: "a secondary that is behind", outcome: "warning", id: "item_dns", text: "different serials", mend: "wait for the next transfer",
				damage: func(t *testing.T, f *unattendedFixture) {
					require.NoError(t, f.zone.Add("new A 192.0.2.80\n"))
					f.world.Second.SetLag(2 * time.Hour)
				}},
			{name: "a site that redirects", files: true, outcome: "warning", id: "item_site", text: "it is redirected", mend: "answer http://shop.example.com/.well-known/pki-validation/ itself",
				damage: func(t *testing.T, f *unattendedFixture) {
					require.NoError(t, f.world.ServeWeb(internet.WebAddress, http.RedirectHandler("https://shop.example.com/", http.StatusMovedPermanently)))
				}},
		} {
			t.Run(row.name, func(t *testing.T) {
				f, d, item := startDoctorItem(t, seller, "shop.example.com", func(f *unattendedFixture, o *panel.Order) {
					if row.files {
						f.serveChallenges(t, "example.com")
						o.Params = seller.orderParams("auth_http")
					}
				})
				row.damage(t, f)
				before := f.dumps()
				outcome := row.outcome
				if outcome == "" {
					outcome = "failed"
				}
				got := d.doctor(t, "--item", fmt.Sprint(item))
				assert.True(t, got.has(outcome, row.id, row.text, row.mend), "%s", strings.Join(append(got.crosses(), got.with("warning")...), "\n"))
				assert.Equal(t, before, f.dumps(), "no record was changed")
			})
		}
	})
}

// probeFile is the file that names what a probe has written.
func (f *unattendedFixture) probeFile() string {
	return filepath.Join(f.panel.Root(), "var", f.seller.module+".probe")
}

// rules DOCTOR-4
func TestDoctorsProbeLeavesNothing(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		t.Run("a record", func(t *testing.T) {
			f, d, item := startDoctorItem(t, seller, "shop.example.com")
			before, changes := f.dumps(), len(f.zone.Changes())
			got := d.doctor(t, "--item", fmt.Sprint(item), "--probe")
			assert.True(t, got.has("ok", "item_probe", "was written and is seen where a CA looks", ""), "%v", got.crosses())
			assert.True(t, got.has("ok", "item_probe", "was removed", ""))
			assert.Equal(t, before, f.dumps())
			made := f.zone.Changes()[changes:]
			require.Len(t, made, 2, "written and removed")
			for _, change := range made {
				assert.Contains(t, fmt.Sprint(change), "_pmssl-test")
			}
			assert.NoFileExists(t, f.probeFile())
		})
		t.Run("a file", func(t *testing.T) {
			f, d, item := startDoctorItem(t, seller, "shop.example.com", func(f *unattendedFixture, o *panel.Order) {
				f.serveChallenges(t, "example.com")
				o.Params = seller.orderParams("auth_http")
			})
			before, err := fingerprints(f.panel.Root(), seller.module)
			require.NoError(t, err)
			got := d.doctor(t, "--item", fmt.Sprint(item), "--probe")
			assert.True(t, got.has("ok", "item_probe", "was written and is seen where a CA looks", ""), "%v", got.crosses())
			after, err := fingerprints(f.panel.Root(), seller.module)
			require.NoError(t, err)
			delete(after, filepath.Join(f.panel.Root(), "var", "billmgr.log"))
			delete(before, filepath.Join(f.panel.Root(), "var", "billmgr.log"))
			assert.Equal(t, before, after)
		})
		t.Run("a record that is not seen", func(t *testing.T) {
			f, d, item := startDoctorItem(t, seller, "shop.example.com")
			before := f.dumps()
			f.world.Second.SetLag(2 * time.Hour)
			got := d.doctor(t, "--item", fmt.Sprint(item), "--probe")
			assert.True(t, got.has("failed", "item_probe", "written, and not seen", "let all name servers"), "%v", got.crosses())
			assert.Equal(t, before, f.dumps())
			assert.NoFileExists(t, f.probeFile())
		})
		t.Run("without an item", func(t *testing.T) {
			f := startHealthy(t, seller)
			run, err := f.panel.Start(context.Background(), seller.module, nil, "--command", "doctor", "--probe")
			require.NoError(t, err)
			assert.Equal(t, 1, run.ExitCode)
			assert.Contains(t, run.Stdout, "add --item N")
		})
	})
}

func TestDoctorsProbeIsKilledAtEachStep(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f, d, item := startDoctorItem(t, seller, "shop.example.com")
		before := f.dumps()
		probe := func(ctx context.Context) (*panel.Run, error) {
			return f.panel.Start(ctx, seller.module, nil, "--command", "doctor", "--item", fmt.Sprint(item), "--probe")
		}
		left := 0
		for _, after := range []bool{false, true} {
			for n := 1; killedAtDNS(after)(t, f, probe, n); n++ {
				if fmt.Sprint(before) != fmt.Sprint(f.dumps()) {
					left++
					require.FileExists(t, f.probeFile(), "step %d: what stands is known", n)
					got := d.doctor(t)
					assert.True(t, got.has("failed", "leftovers", "_pmssl-test", fmt.Sprintf("--command doctor --item %d --probe", item)), "%v", got.crosses())
				}
				got := d.doctor(t, "--item", fmt.Sprint(item), "--probe")
				require.True(t, got.has("ok", "item_probe", "was written and is seen", ""), "step %d: %v", n, got.crosses())
				require.False(t, got.has("failed", "item_probe", "", ""), "step %d: %v", n, got.crosses())
				require.Equal(t, before, f.dumps(), "step %d", n)
				require.NoFileExists(t, f.probeFile())
			}
		}
		assert.Positive(t, left, "a record was left at some step")
	})
}

// What stands in the file is not trusted.
func TestDoctorsProbeRemovesOnlyTestRecords(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f, d, item := startDoctorItem(t, seller, "shop.example.com")
		require.NoError(t, f.zone.Add("_victim.shop CNAME target.example.\n"))
		before := f.dumps()
		text := fmt.Sprintf(`[{"order":{"Item":%d,"Account":%d,"Names":["shop.example.com"]},"placement":{"Publisher":"ns1","Zone":"example.com",
 "Record":{"domain":"shop.example.com","type":"CNAME","name":"_victim.shop.example.com","value":"target.example"}}}]`, item, f.panel.Account())
		require.NoError(t, os.WriteFile(f.probeFile(), []byte(text), 0o600))
		got := d.doctor(t, "--item", fmt.Sprint(item), "--probe")
		assert.True(t, got.has("failed", "item_probe", "which is no test record: it is left alone", "find out who has written it"), "%v", got.crosses())
		assert.Equal(t, before, f.dumps())
	})
}

// A hosting panel that publishes and delivers: the owner of the zone is the only evidence that it is the client's.
func TestDoctorExaminesAHostingPanel(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		const domain = "shop.example"
		f := startUnattended(t, seller, firstOrders)
		hostPanelCases()[0].host(t, f, domain)
		change := f.hostSite(t, domain, true)
		item := f.openedItem(t, domain, 12, change)
		d := &doctorFixture{f.simulatedFixture, ""}
		before := f.dumpHostPanel(t)
		got := d.doctor(t, "--item", fmt.Sprint(item))
		for _, want := range []struct{ id, text string }{
			{"publishers", "publisher web7 (ispmgr) takes challenges in shop.example"},
			{"deliverers", "deploy web7 (ispmgr) answers"},
			{"item_publisher", "shop.example: publisher web7, zone shop.example (shop.example belongs to user"},
			{"item_deliverer", "deploy web7"},
		} {
			assert.True(t, got.has("ok", want.id, want.text, ""), "%s: %s\n%s", want.id, want.text, strings.Join(append(got.with("ok"), got.crosses()...), "\n"))
		}
		assert.Equal(t, before, f.dumpHostPanel(t), "nothing was written there")
		require.NoError(t, os.WriteFile(filepath.Join(f.panel.Root(), "etc", "pmssl", "web7.key"), []byte("another password\n"), 0o600))
		got = d.doctor(t, "--item", fmt.Sprint(item))
		for _, id := range []string{"publishers", "deliverers"} {
			assert.True(t, got.has("failed", id, "web7 (ispmgr)", "correct the block at"), "%v", got.crosses())
		}
		assert.Equal(t, before, f.dumpHostPanel(t), "nothing was written there")
	})
}

// A signal ends the probe, and the record is removed before the program ends.
func TestASignalLeavesNoTestRecord(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f, _, item := startDoctorItem(t, seller, "shop.example.com")
		before, changes := f.dumps(), len(f.zone.Changes())
		f.world.Second.SetLag(2 * time.Hour) // so that the probe waits for the record
		process := exec.Command(filepath.Join(f.panel.Root(), "processing", seller.module), "--command", "doctor", "--item", fmt.Sprint(item), "--probe", "--format", "json")
		process.Dir, process.Env = f.panel.Root(), append(slices.Clone(f.config.Env), "MGR5_ROOT="+f.panel.Root())
		var stdout bytes.Buffer
		process.Stdout = &stdout
		written, answered := make(chan struct{}), make(chan struct{})
		var once sync.Once
		f.world.Primary.SetHook(internet.Hook{After: func(*dns.Msg) {
			if len(f.zone.Changes()) > changes {
				once.Do(func() { close(written); <-answered })
			}
		}})
		defer f.world.Primary.SetHook(internet.Hook{})
		require.NoError(t, process.Start())
		ended := make(chan error, 1)
		go func() { ended <- process.Wait() }()
		select {
		case <-written: // the name server answers after the signal was sent
			assert.NoError(t, process.Process.Signal(syscall.SIGTERM))
			close(answered)
			<-ended // the exit code is 1: checks were ended
		case err := <-ended:
			close(answered)
			require.NoError(t, err, "the probe has written nothing")
		}
		out := stdout.Bytes()
		var got examination
		require.NoError(t, json.Unmarshal(out, &got), "%s", out)
		assert.True(t, got.has("ok", "item_probe", "was removed", ""), "%s", out)
		assert.Len(t, f.zone.Changes(), changes+2, "written and removed")
		assert.Equal(t, before, f.dumps())
		assert.NoFileExists(t, f.probeFile())
	})
}
