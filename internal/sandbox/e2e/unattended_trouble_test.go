package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pmssl/internal/sandbox/internet"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// reissueDay is the day on which the certificate of firstOrders is due.
const reissueDay = "2026-10-07"

// recordName returns the name of the record that was published for the first certificate. It depends on the CSR alone, so the
// reissue's record has it too.
func (f *unattendedFixture) recordName(t *testing.T) string {
	t.Helper()
	changes := f.zone.Changes()
	require.NotEmpty(t, changes)
	name, _, _ := strings.Cut(changes[0].Record, " ")
	return name
}

// docs/reference/unattended.md §9: what goes wrong for a while is waited for. No person has to act, and nothing is left.
func TestUnattendedTroubleThatPasses(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		for name, row := range map[string]struct {
			begin func(t *testing.T, f *unattendedFixture)
			hours int // after which the certificate is stored
			end   func(t *testing.T, f *unattendedFixture, hour int)
		}{
			"a secondary is two hours behind": {hours: 2, begin: func(_ *testing.T, f *unattendedFixture) { f.world.Second.SetLag(2 * time.Hour) }},
			"a name server is down for five hours": {hours: 5,
				begin: func(t *testing.T, f *unattendedFixture) {
					require.NoError(t, f.world.Unmap(internet.SecondAddress+":53"))
				},
				end: func(t *testing.T, f *unattendedFixture, hour int) {
					if hour == 5 {
						require.NoError(t, f.world.Map(internet.SecondAddress+":53", f.world.Second.Target()))
					}
				},
			},
			"the primary is down for four hours": {hours: 4,
				begin: func(t *testing.T, f *unattendedFixture) {
					require.NoError(t, f.world.Unmap(internet.PrimaryAddress+":53"))
				},
				end: func(t *testing.T, f *unattendedFixture, hour int) {
					if hour == 4 {
						require.NoError(t, f.world.Map(internet.PrimaryAddress+":53", f.world.Primary.Target()))
					}
				},
			},
			"one perspective is blind for half a day": {hours: 13,
				begin: func(_ *testing.T, f *unattendedFixture) { f.world.Block("asia", internet.SecondAddress+":53") },
				end: func(_ *testing.T, f *unattendedFixture, hour int) {
					if hour == 12 {
						f.world.Unblock("asia")
					}
				},
			},
			"each question brings new values":   {hours: 6, begin: func(t *testing.T, f *unattendedFixture) { f.looks(t, "new_values_when_asked", true) }},
			"the seller needs a day and a half": {hours: 37, begin: func(t *testing.T, f *unattendedFixture) { f.looks(t, "issue_delay_seconds", 36*3600) }},
		} {
			t.Run(name, func(t *testing.T) {
				f := startUnattended(t, seller, firstOrders)
				before := f.dumps()
				item := f.unattendedItem(t, "example.com", 12)
				row.begin(t, f)
				f.setTime(t, reissueDay)
				require.Zero(t, f.sweep(t).Failed)
				for hour := 1; hour <= row.hours && f.itemOf(t, item).Params["service_status"] != "5"; hour++ {
					if row.end != nil {
						row.end(t, f, hour)
					}
					doc := f.advance(t, time.Hour)
					require.Zero(t, doc.Failed, "%+v", doc)
				}
				require.Equal(t, "5", f.itemOf(t, item).Params["service_status"], f.logTail(t))
				f.checkNewestStored(t, item, "example.com")
				f.checkQuiet(t, item, before)
				f.checkOnlyOwnRecords(t, "example.com")
				assert.Equal(t, 2, f.requestedCertificates(t, "example.com"))
			})
		}
	})
}

// docs/reference/unattended.md §8: what the module cannot do is left to the client, with today's mail and a reason in the log.
// Foreign records stay as they are.
func TestUnattendedTroubleThatLasts(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		for name, row := range map[string]struct {
			begin  func(t *testing.T, f *unattendedFixture)
			reason string
		}{
			"a foreign alias stands in the place": {reason: "another record stands there", begin: func(t *testing.T, f *unattendedFixture) {
				require.NoError(t, f.zone.Add(f.recordName(t)+". CNAME elsewhere.example.\n"))
			}},
			"the host exists through a wildcard only": {reason: "only through a wildcard", begin: func(t *testing.T, f *unattendedFixture) {
				require.NoError(t, f.zone.Remove("shop A 192.0.2.80\n"))
				require.NoError(t, f.zone.Add("* A 192.0.2.80\n"))
			}},
			"the key is wrong": {reason: "the server refuses the change", begin: func(t *testing.T, f *unattendedFixture) {
				require.NoError(t, os.WriteFile(filepath.Join(f.panel.Root(), "etc", "pmssl", "ns1.key"), []byte("AAAAAAAAAAAAAAAAAAAAAAAA\n"), 0o600))
			}},
			"an unknown word stands in the configuration": {reason: "ns1.conf:2", begin: func(t *testing.T, f *unattendedFixture) {
				require.NoError(t, os.WriteFile(filepath.Join(f.panel.Root(), "etc", "pmssl", "ns1.conf"), []byte("publisher ns1 dnsupdate\n  sever 192.0.2.53\n"), 0o600))
			}},
			"the domain is another client's by now": {reason: "not shown to be the client's own name", begin: func(t *testing.T, f *unattendedFixture) {
				f.sql(t, "UPDATE item SET account=? WHERE name='example.com' AND parent IS NULL AND id NOT IN (SELECT item FROM certificate)", f.otherAccount(t))
			}},
		} {
			t.Run(name, func(t *testing.T) {
				f := startUnattended(t, seller, firstOrders)
				require.NoError(t, f.zone.Add("shop A 192.0.2.80\n"))
				item := f.unattendedItem(t, "shop.example.com", 12)
				row.begin(t, f)
				before, changes := f.dumps(), len(f.zone.Changes())
				f.setTime(t, reissueDay)
				f.takeLog(t)
				doc := f.sweep(t)
				assert.Equal(t, "reissue ok", doc.summary(item))
				assert.Equal(t, 1, doc.Notified)
				assert.Contains(t, f.takeLog(t), row.reason)
				mails := f.takeMails(t)
				require.Len(t, mails, 1)
				for _, word := range strings.Fields(f.itemOf(t, item).Params["auth_dnscname_value"]) {
					assert.Contains(t, mails[0].body, word)
				}
				require.Zero(t, f.advance(t, time.Hour).Failed)
				assert.Empty(t, f.takeMails(t))
				assert.Equal(t, before, f.dumps())
				assert.Len(t, f.zone.Changes(), changes, "nothing was written")
				assert.Empty(t, f.published(t, item))
			})
		}
	})
}

// rules UNATT-6: a seller that does not issue for 48 hours is reported: a mail and a task. The challenge stands until the
// certificate is stored.
func TestUnattendedSellerThatNeedsThreeDaysIsReported(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startUnattended(t, seller, firstOrders)
		before := f.dumps()
		item := f.unattendedItem(t, "example.com", 12)
		f.looks(t, "issue_delay_seconds", 72*3600)
		f.setTime(t, reissueDay)
		f.sweep(t)
		for range 47 {
			f.advance(t, time.Hour)
		}
		assert.Empty(t, f.takeMails(t))
		assert.Empty(t, f.taskTypes(t))
		assert.NotEqual(t, before, f.dumps(), "the record stands")
		for range 3 {
			f.advance(t, time.Hour)
		}
		assert.Len(t, f.takeMails(t), 1)
		assert.Len(t, f.taskTypes(t), 1)
		f.sweepHourly(t, item, 30)
		f.checkNewestStored(t, item, "example.com")
		assert.Equal(t, before, f.dumps())
		assert.Empty(t, f.published(t, item))
	})
}
