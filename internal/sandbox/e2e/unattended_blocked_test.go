package e2e

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"pmssl/internal/sandbox/internet"
	"pmssl/internal/sandbox/panel"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// elsewhere is the address of a web server that is not the provider's.
const elsewhere = "2001:db8::99"

// docs/reference/unattended.md §9: the challenge is published and the authority does not accept it, because of something in the
// client's zone or site. The client gets the mail, the log has the reason, and the challenge stands. Once the reason is gone, the
// certificate is stored and nothing is left.
func TestUnattendedTroubleOfTheClientsSite(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		for name, row := range map[string]struct {
			files      bool // the challenge is a file
			begin, end func(t *testing.T, f *unattendedFixture)
			reason     string // in the log
			task       bool   // the administrator gets one
		}{
			"CAA records forbid the authority": {reason: "the CAA records of www.example.com allow only other.example", task: true,
				begin: func(t *testing.T, f *unattendedFixture) {
					require.NoError(t, f.zone.Add(`@ CAA 0 issue "other.example"`+"\n"))
				},
				end: func(t *testing.T, f *unattendedFixture) {
					require.NoError(t, f.zone.Remove(`@ CAA 0 issue "other.example"`+"\n"))
				},
			},
			"DNSSEC is broken": {reason: "DNSSEC is broken looks like this", task: true,
				begin: func(_ *testing.T, f *unattendedFixture) { f.world.SetBogus("example.com", true) },
				end:   func(_ *testing.T, f *unattendedFixture) { f.world.SetBogus("example.com", false) },
			},
			"an AAAA record leads elsewhere": {files: true, reason: elsewhere, task: true,
				begin: func(t *testing.T, f *unattendedFixture) {
					require.NoError(t, f.world.ServeWeb(elsewhere, http.NotFoundHandler()))
					require.NoError(t, f.zone.Remove("www AAAA "+internet.WebIPv6+"\n"))
					require.NoError(t, f.zone.Add("www AAAA "+elsewhere+"\n"))
				},
				end: func(t *testing.T, f *unattendedFixture) {
					require.NoError(t, f.zone.Remove("www AAAA "+elsewhere+"\n"))
					require.NoError(t, f.zone.Add("www AAAA "+internet.WebIPv6+"\n"))
				},
			},
			"the name is an alias that leads elsewhere": {files: true, reason: elsewhere, task: true,
				begin: func(t *testing.T, f *unattendedFixture) {
					require.NoError(t, f.world.ServeWeb(elsewhere, http.NotFoundHandler()))
					f.makeAlias(t)
				},
				end: func(t *testing.T, f *unattendedFixture) {
					require.NoError(t, f.zone.Remove("www CNAME cdn.example.org.\n"))
					require.NoError(t, f.world.Zone("example.org").Remove("cdn AAAA "+elsewhere+"\n"))
					require.NoError(t, f.zone.Add("www A "+internet.WebAddress+"\nwww AAAA "+internet.WebIPv6+"\n"))
				},
			},
			"the site redirects the file": {files: true, reason: "it is redirected", task: true,
				begin: func(t *testing.T, f *unattendedFixture) {
					require.NoError(t, f.world.ServeWeb(internet.WebAddress, http.RedirectHandler("https://www.example.com/", http.StatusMovedPermanently)))
				},
				end: func(t *testing.T, f *unattendedFixture) { f.serveChallenges(t, "example.com") },
			},
		} {
			t.Run(name, func(t *testing.T) {
				const domain = "www.example.com"
				f := startUnattended(t, seller, firstOrders)
				before, files := f.dumps(), ""
				item := f.unattendedItem(t, domain, 12, func(o *panel.Order) {
					if row.files {
						files, o.Params = f.serveChallenges(t, "example.com"), seller.orderParams("auth_http")
					}
				})
				row.begin(t, f)
				f.takeLog(t)
				f.setTime(t, reissueDay)
				require.Zero(t, f.sweep(t).Failed)
				for range 10 {
					require.Zero(t, f.advance(t, 5*time.Hour).Failed, f.logTail(t))
				}
				assert.Contains(t, f.takeLog(t), row.reason)
				assert.Equal(t, 2, f.requestedCertificates(t, domain))
				assert.NotEmpty(t, f.published(t, item), "the challenge stands")
				assert.Len(t, f.takeMails(t), 1)
				var tasks []string
				if row.task {
					tasks = []string{fmt.Sprintf("reopen %d", item)}
				}
				assert.Equal(t, tasks, f.taskTypes(t))
				row.end(t, f)
				f.sweepHourly(t, item, 30)
				f.checkNewestStored(t, item, domain)
				assert.Empty(t, f.takeMails(t))
				assert.Equal(t, before, f.dumps())
				assert.Empty(t, f.published(t, item))
				if row.files {
					assert.Empty(t, filesIn(t, files))
				}
				f.checkOnlyOwnRecords(t, "example.com")
			})
		}
	})
}

// makeAlias makes www.example.com an alias of a name that another provider serves.
func (f *unattendedFixture) makeAlias(t *testing.T) {
	t.Helper()
	require.NoError(t, f.zone.Remove("www A "+internet.WebAddress+"\nwww AAAA "+internet.WebIPv6+"\n"))
	require.NoError(t, f.world.Zone("example.org").Add("cdn AAAA "+elsewhere+"\n"))
	require.NoError(t, f.zone.Add("www CNAME cdn.example.org.\n"))
}

// docs/reference/unattended.md §9: a name that is an alias still has names below it (RFC 1034 3.6.2), so its record is published there
// and nobody has to act. The alias stays.
func TestUnattendedNameThatIsAnAlias(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startUnattended(t, seller, firstOrders)
		f.makeAlias(t)
		before := f.dumps()
		item := f.unattendedItem(t, "www.example.com", 12)
		f.setTime(t, reissueDay)
		require.Zero(t, f.sweep(t).Failed)
		f.sweepHourly(t, item, 3)
		f.checkNewestStored(t, item, "www.example.com")
		f.checkQuiet(t, item, before)
		f.checkOnlyOwnRecords(t, "example.com")
		assert.Equal(t, 2, f.requestedCertificates(t, "www.example.com"))
	})
}
