package e2e

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"pmssl/internal/sandbox/ispmgr"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// startIspmgr starts a fixture at the remote billing, for the tests that are about the remote billing alone.
func startIspmgr(t *testing.T) (*fixture, *ispmgr.Server) {
	t.Helper()
	f := startFixture(t, ispmgrCase())
	return f, f.standIn.(ispmgrStandIn).Server
}

// changed changes the settings of the stand-in.
func changed(t *testing.T, server *ispmgr.Server, change func(*ispmgr.Settings)) {
	t.Helper()
	settings := server.Settings()
	change(&settings)
	require.NoError(t, server.SetSettings(settings))
}

// rules BUY-4: two orders for the same name appear late, at the same time. Their references assign each to its item, without the
// administrator.
func TestLostOrdersAreFoundByTheirReference(t *testing.T) {
	f, _ := startIspmgr(t)
	one, two := f.placeUnclear(t, vanish), f.placeUnclear(t, vanish)
	require.Equal(t, 2, f.standIn.carryOutVanished())
	f.complete(t, two)
	f.complete(t, one)
	f.checkOpened(t, one.Item, 2)
	f.checkOpened(t, two.Item, 2)
	assert.Equal(t, f.seller.firstOrderID, f.orderIDOf(t, one.Item))
	assert.Equal(t, f.seller.firstOrderID+1, f.orderIDOf(t, two.Item))
}

// rules BUY-4: an order of another panel with the same account and for the same name is not adopted.
func TestOrderOfAnotherPanelIsNotAdopted(t *testing.T) {
	f, _ := startIspmgr(t)
	placed := f.placeUnclear(t, dropBefore)
	require.NoError(t, f.standIn.(ispmgrStandIn).orderWithRef("positivessl", exampleCSR(t), "0123456789abcdef-1"))
	assert.Contains(t, f.attempt(t, placed).Stdout, `type="purchase_pending"`)
	assert.Empty(t, f.itemOf(t, placed.Item).Params["custom_order_id"])
	f.finish(t, placed)
	f.checkOpened(t, placed.Item, 2)
	assert.Equal(t, f.seller.firstOrderID+1, f.orderIDOf(t, placed.Item))
}

// rules BUY-4: an order is found by its reference if neither the item nor the journal has it, as after a restored backup. It is
// not bought again.
func TestOrderIsFoundByItsReferenceAlone(t *testing.T) {
	f, _ := startIspmgr(t)
	placed := f.placePaidUnclear(t)
	require.NoError(t, f.panel.SetParams(context.Background(), placed.Item, map[string]string{"purchase_intent": ""}))
	journal := filepath.Join(f.panel.Root(), "var", f.seller.module+".purchases")
	require.NoError(t, os.RemoveAll(journal))
	f.complete(t, placed)
	f.checkOpened(t, placed.Item, 1)
}

// rules BUY-10: a list that changes while its pages are read is not complete. Somebody deletes an order after its page was read;
// the order whose answer was lost moves to that page and is on no page that is read afterwards. It is not paid again.
func TestOrderMissedBetweenTwoPagesIsNotPaidAgain(t *testing.T) {
	const page = 10
	f, server := startIspmgr(t)
	changed(t, server, func(s *ispmgr.Settings) {
		s.HideRemoteID, s.MaxPageSize, s.IgnoreSort, s.DeletedDays, s.PastEnd = true, page, true, 0, ispmgr.PastEndEmpty
	})
	require.NoError(t, f.standIn.setBalance("100000"))
	for range page {
		require.NoError(t, f.standIn.buyDirectly(storedCSR(t, "other.csr")))
	}
	placed := f.placeUnclear(t, vanish)
	require.Equal(t, 1, f.standIn.carryOutVanished())
	f.backdateIntent(t, placed.Item) // a new purchase is allowed if the list does not contain the first one
	f.beforeNthRequest(stepList, 2, func() { assert.NoError(t, f.standIn.cancel(f.seller.firstOrderID, "deleted by somebody else")) })
	require.True(t, f.attempt(t, placed).OK())
	assert.Equal(t, page+1, f.paymentCount(t))
	assert.Equal(t, f.seller.firstOrderID+page, f.orderIDOf(t, placed.Item))
}

// docs/reference/ispmanager.md §4.5: without enough money nothing is bought and no order stays at the remote, in whichever form
// the remote reports it. After a deposit the next run buys once.
func TestInsufficientFundsBuyNothingAndLeaveNothing(t *testing.T) {
	for _, funds := range []string{ispmgr.FundsError, ispmgr.FundsPaymentURL, ispmgr.FundsUnpaid} {
		t.Run(funds, func(t *testing.T) {
			f, server := startIspmgr(t)
			changed(t, server, func(s *ispmgr.Settings) { s.Funds = funds })
			require.NoError(t, f.standIn.setBalance("1.00"))
			placed := f.place(t, exampleCSR(t))
			run := f.attempt(t, placed)
			assert.False(t, run.OK())
			assert.Contains(t, run.Stdout, `object="balance"`)
			assert.Zero(t, f.paymentCount(t))
			assert.NotContains(t, f.itemOf(t, placed.Item).Params, "purchase_intent")
			state, err := server.State()
			require.NoError(t, err)
			left := slices.DeleteFunc(state.Certificates, func(c ispmgr.Certificate) bool { return c.Status == ispmgr.Deleted })
			assert.Empty(t, left, "neither in the basket nor unpaid")

			require.NoError(t, f.standIn.setBalance("100.00"))
			f.complete(t, placed)
			f.checkOpened(t, placed.Item, 1)
		})
	}
}

// docs/reference/ispmanager.md §15: an order, its certificate and a reissue, at each variant of the behaviour that is not proven.
func TestOrderAndReissueAtEachVariantOfTheRemote(t *testing.T) {
	for name, change := range map[string]func(*ispmgr.Settings){
		"steps continue by redirects":      func(s *ispmgr.Settings) { s.WizardNext = ispmgr.NextRedirect },
		"steps continue by nested forms":   func(s *ispmgr.Settings) { s.WizardNext = ispmgr.NextNested },
		"a step for the contacts":          func(s *ispmgr.Settings) { s.ContactsStep = true },
		"a reissue in two steps":           func(s *ispmgr.Settings) { s.ReissueStep = true },
		"an order's answer without its id": func(s *ispmgr.Settings) { s.OrderAnswer = ispmgr.AnswerNone },
		"an order's answer with its id":    func(s *ispmgr.Settings) { s.OrderAnswer = ispmgr.AnswerNestedID },
		"a list without references":        func(s *ispmgr.Settings) { s.HideRemoteID = true },
		"states as digits":                 func(s *ispmgr.Settings) { s.StatusForm = ispmgr.StatusDigit },
		"states as keys":                   func(s *ispmgr.Settings) { s.StatusForm = ispmgr.StatusKey },
		"states of services are hidden": func(s *ispmgr.Settings) {
			s.ServiceStatusInList, s.ServiceStatusInEdit = false, false
		},
		"active before it is issued": func(s *ispmgr.Settings) { s.OpenAtOrder = true },
		"certificates to download": func(s *ispmgr.Settings) {
			s.CertificateIn, s.CertificateForm = ispmgr.InDownload, ispmgr.FormZIP
		},
		"certificates in a list of files": func(s *ispmgr.Settings) {
			s.CertificateIn, s.DownloadList = ispmgr.InDownload, true
		},
		"certificates in a ZIP": func(s *ispmgr.Settings) { s.CertificateForm = ispmgr.FormBase64ZIP },
		"metadata on demand":    func(s *ispmgr.Settings) { s.Metadata = ispmgr.MetadataDevel },
		"dates of certificates": func(s *ispmgr.Settings) { s.Expires = ispmgr.MeansLeaf },
		"other names": func(s *ispmgr.Settings) {
			s.Functions.Reissue, s.Functions.Download, s.ExistingKey = "certificate.reissue.start", "certificate.getcrt", "own"
		},
		"small pages": func(s *ispmgr.Settings) { s.MaxPageSize = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			f := startPaused(t, ispmgrCase(), instant(t, firstOrders))
			server := f.standIn.(ispmgrStandIn).Server
			changed(t, server, change)
			f.complete(t, f.place(t, storedCSR(t, "other.csr"))) // so that a list has more than one row
			item, id := f.issuedItem(t)
			assert.Equal(t, 2, f.paymentCount(t))
			before := f.itemOf(t, item)

			_, err := f.clock.Advance(25 * time.Hour) // within a day the same reissue is not requested (rules STORE-6)
			require.NoError(t, err)
			_, run, err := f.panel.Operate(context.Background(), item, "reopen")
			require.NoError(t, err)
			require.True(t, run.OK(), run.Failure())
			require.NoError(t, f.standIn.issue(id))
			run = f.syncItem(t, item)
			require.True(t, run.OK(), run.Failure())
			now := f.itemOf(t, item)
			assert.Equal(t, "5", now.Params["service_status"])
			assert.NotEqual(t, before.Params["certificate_serial"], now.Params["certificate_serial"])
			assert.Equal(t, strconv.FormatInt(id, 10), now.Params["lineage"])
			assert.Equal(t, 2, f.paymentCount(t))
		})
	}
}

// docs/reference/validity.md §B3.12: the remote reissues certificates by itself. sync_item stores its new certificate, and the
// module requests no additional reissue.
func TestCertificateReissuedByTheRemoteIsStored(t *testing.T) {
	f := startSimulated(t, ispmgrCase(), firstOrders)
	server := f.standIn.(ispmgrStandIn).Server
	item := f.storedItem(t, "example.com", 12)
	changed(t, server, func(s *ispmgr.Settings) { s.OwnReissueDays = 15 })
	f.setTime(t, "2026-10-05")
	f.mustSync(t, item)
	f.checkNewestStored(t, item, "example.com")
	assert.Equal(t, "2027-04-02", f.leaf(t, item).NotAfter.UTC().Format(time.DateOnly))
	f.setTime(t, "2026-10-07")
	f.requestCounts.forget()
	assert.Zero(t, f.sweep(t).Due)
	assert.Zero(t, f.requestCounts.all()[stepReissue])
	assert.Equal(t, 2, f.requestedCertificates(t, "example.com"))
}
