package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"pmssl/internal/sandbox/ispmgr"
	"pmssl/internal/sandbox/namecheap"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rules BUY-9: after the database is restored from a backup that is older than an order, the next client's item gets the same
// number. The journal and, at a seller that keeps references, the order itself still contain that number. The first client's
// order is not assigned to the new item.
func TestReusedItemNumberDoesNotGetTheOldOrder(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startSimulated(t, seller, time.Now().UTC().Format(time.RFC3339))
		f.changeSeller(t, func(m *behaviour) { m.issuesAtOnce = false })
		first := f.openedItem(t, "first.example.com", 12)
		id := f.itemOf(t, first).Params["custom_order_id"]
		for _, table := range []string{"itemparam", "itemcryptedparam", "certificate", "runningoperation"} {
			f.sql(t, "DELETE FROM "+table+" WHERE item=?", first)
		}
		f.sql(t, "DELETE FROM item WHERE id=?", first)
		csr, _ := newCSR(t, "second.example.com")
		placed := f.place(t, csr)
		f.sql(t, "UPDATE item SET id=? WHERE id=?", first, placed.Item)
		for _, table := range []string{"itemparam", "certificate", "runningoperation"} {
			f.sql(t, "UPDATE "+table+" SET item=? WHERE item=?", first, placed.Item)
		}
		placed.Item = first

		run := f.attempt(t, placed)
		require.Contains(t, run.Stdout, `type="unclear_purchase"`)
		assert.Contains(t, run.Stdout, id)
		now := f.itemOf(t, first)
		assert.NotContains(t, now.Params, "custom_order_id")
		assert.NotContains(t, now.Params, "auth_dnscname_value", "the first client's record")
		assert.Len(t, now.Tasks, 1)
		require.Equal(t, 1, f.paymentCount(t))

		resolved := f.resolve(t, first, "--none", "--yes")
		require.True(t, resolved.OK(), resolved.Failure())
		f.complete(t, placed)
		assert.Equal(t, 2, f.paymentCount(t))
		assert.NotEqual(t, id, f.itemOf(t, first).Params["custom_order_id"])
	})
}

// rules BUY-9: the seller's answer to a purchase contains the order id of another item. The id is not saved on this item. If the
// seller's list shows the new order, that one is adopted.
func TestAnswerWithAnotherItemsOrderIDIsNotAccepted(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startFixture(t, seller)
		one := f.place(t, exampleCSR(t))
		f.complete(t, one)
		two := f.place(t, storedCSR(t, "other.csr"))
		held, next := strconv.FormatInt(seller.firstOrderID, 10), strconv.FormatInt(seller.firstOrderID+1, 10)
		f.hook.Store(&requestHook{matches: f.asksFor(stepBuy), nth: 1, afterWork: true, action: func() {},
			rewrite: func(body []byte) []byte { return bytes.ReplaceAll(body, []byte(next), []byte(held)) }})
		run := f.attempt(t, two)
		assert.Equal(t, 2, f.paymentCount(t))
		assert.NotEqual(t, held, f.itemOf(t, two.Item).Params["custom_order_id"])
		if !run.OK() {
			assert.Contains(t, run.Stdout, `type="unclear_purchase"`)
			assert.Len(t, f.itemOf(t, two.Item).Tasks, 1)
			resolved := f.resolve(t, two.Item, "--id", next, "--yes")
			require.True(t, resolved.OK(), resolved.Failure())
			f.complete(t, two)
		}
		f.checkOpened(t, one.Item, 2)
		f.checkOpened(t, two.Item, 2)
		assert.Equal(t, next, f.itemOf(t, two.Item).Params["custom_order_id"])
	})
}

// rules BUY-13: a purchase without an answer was made with another account than the module uses now. Nothing is bought until the
// administrator resolves it.
func TestNothingIsBoughtWithAnotherAccountThanTheIntents(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startFixture(t, seller)
		placed := f.placeUnclear(t, dropBefore)
		var intent map[string]any
		require.NoError(t, json.Unmarshal([]byte(f.itemOf(t, placed.Item).Params["purchase_intent"]), &intent))
		require.Equal(t, f.standIn.accountName(f.server.URL), intent["at"])
		intent["account"], intent["at"] = "0123456789abcdef", "https://sandbox.example/ old"
		raw, err := json.Marshal(intent)
		require.NoError(t, err)
		require.NoError(t, f.panel.SetParams(context.Background(), placed.Item, map[string]string{"purchase_intent": string(raw)}))
		f.backdateIntent(t, placed.Item)
		for range 2 {
			run := f.attempt(t, placed)
			assert.Contains(t, run.Stdout, `type="unclear_purchase"`)
			assert.Contains(t, run.Stdout, "https://sandbox.example/ old")
		}
		assert.Zero(t, f.paymentCount(t))
		assert.Len(t, f.itemOf(t, placed.Item).Tasks, 1)
		resolved := f.resolve(t, placed.Item, "--none", "--yes")
		require.True(t, resolved.OK(), resolved.Failure())
		f.complete(t, placed)
		f.checkOpened(t, placed.Item, 1)
	})
}

// rules BUY-13: the administrator changes the module's user name after a purchase without an answer. Nothing is bought with the
// new name. After the old name is restored, the purchase is looked up and made.
func TestNothingIsBoughtAfterTheUserNameChanged(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startFixture(t, seller)
		placed := f.placeUnclear(t, dropBefore)
		f.backdateIntent(t, placed.Item)
		own, other := f.standIn.connectionParams(f.server.URL)["username"], "other@example.net"
		switch standIn := f.standIn.(type) { // the same secret, so that only the name changes in the form
		case namecheapStandIn:
			account := namecheap.DefaultAccount()
			account.User = other
			require.NoError(t, standIn.PutAccount(account))
		case ispmgrStandIn:
			account := ispmgr.DefaultAccount()
			account.ID, account.User = 0, other
			require.NoError(t, standIn.PutAccount(account))
		}
		rename := func(name string) {
			for _, param := range []string{"username", "api_user"} {
				_, err := f.panel.DB().Exec("UPDATE processingparam SET value=? WHERE intname=? AND processingmodule=?", name, param, f.moduleID)
				require.NoError(t, err)
			}
		}
		rename(other)
		run := f.attempt(t, placed)
		assert.Contains(t, run.Stdout, `type="unclear_purchase"`)
		assert.Contains(t, run.Stdout, other)
		assert.Contains(t, run.Stdout, own)
		assert.Zero(t, f.paymentCount(t))
		rename(own)
		f.complete(t, placed)
		f.checkOpened(t, placed.Item, 1)
	})
}

// rules BUY-14: a renewal that is killed after its payment is finished by another host, which has no journal.
func TestAnotherHostFinishesAKilledRenewal(t *testing.T) {
	needsMariaDB(t, writesAtOnce)
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startSimulated(t, seller, firstOrders)
		item := toProlong(t, f)
		other := f.secondHost(t)
		op := f.addOperation(t, item, "prolong")
		before := f.paymentCount(t)
		ctx, kill := context.WithCancel(context.Background())
		next, nth := seller.renewSteps[1], int64(1)
		if next == stepStatus {
			nth = 2 // prolong begins with one
		}
		f.beforeNthRequest(next, nth, kill) // the payment is made and recorded; the run goes on with the renewal
		_, err := f.panel.RunOperation(ctx, op)
		require.NoError(t, err)
		kill()
		require.NoError(t, os.RemoveAll(filepath.Join(other.Root(), "var", seller.module+".purchases")))
		for range 3 {
			run, err := other.RunOperation(context.Background(), op)
			if err != nil || run.OK() {
				break
			}
		}
		assert.Equal(t, before+1, f.paymentCount(t))
		assert.Equal(t, "2027-04-02", f.itemOf(t, item).Params["term_start"])
	})
}
