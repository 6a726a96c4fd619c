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

// rules BUY-9: a database that is restored from before an order gives the next client's item the same number. The journal and, at a
// seller that keeps marks, the order itself still name that number: the first client's order is not given to the next one.
func TestARestoredDatabaseGivesNobodyTheOrderOfAnother(t *testing.T) {
	eachShop(t, func(t *testing.T, at trade) {
		h := newHosting(t, at, time.Now().UTC().Format(time.RFC3339))
		h.sells(t, func(m *manner) { m.issues = false })
		first := h.order(t, "first.example.com", 12)
		id := h.itemOf(t, first).Params["custom_order_id"]
		for _, table := range []string{"itemparam", "itemcryptedparam", "certificate", "runningoperation"} {
			h.sql(t, "DELETE FROM "+table+" WHERE item=?", first)
		}
		h.sql(t, "DELETE FROM item WHERE id=?", first)
		csr, _ := newCSR(t, "second.example.com")
		placed := h.place(t, csr)
		h.sql(t, "UPDATE item SET id=? WHERE id=?", first, placed.Item)
		for _, table := range []string{"itemparam", "certificate", "runningoperation"} {
			h.sql(t, "UPDATE "+table+" SET item=? WHERE item=?", first, placed.Item)
		}
		placed.Item = first

		run := h.attempt(t, placed)
		require.Contains(t, run.Stdout, `type="unclear_purchase"`)
		assert.Contains(t, run.Stdout, id)
		now := h.itemOf(t, first)
		assert.NotContains(t, now.Params, "custom_order_id")
		assert.NotContains(t, now.Params, "auth_dnscname_value", "the first client's record")
		assert.Len(t, now.Tasks, 1)
		require.Equal(t, 1, h.payments(t))

		freed := h.resolve(t, first, "--none", "--yes")
		require.True(t, freed.OK(), freed.Failure())
		h.complete(t, placed)
		assert.Equal(t, 2, h.payments(t))
		assert.NotEqual(t, id, h.itemOf(t, first).Params["custom_order_id"])
	})
}

// rules BUY-9: the seller's answer to a purchase names another item's order. It is not put on this item; at a seller whose list shows
// the new one that is taken.
func TestAnAnswerThatNamesAnotherItemsOrderIsNotTaken(t *testing.T) {
	eachShop(t, func(t *testing.T, at trade) {
		w := openWorld(t, at)
		one := w.place(t, exampleCSR(t))
		w.complete(t, one)
		two := w.place(t, keptCSR(t, "other.csr"))
		held, next := strconv.FormatInt(at.firstID, 10), strconv.FormatInt(at.firstID+1, 10)
		w.watch.Store(&watcher{meant: w.asks(stepBuy), nth: 1, answers: true, happens: func() {},
			rewrite: func(body []byte) []byte { return bytes.ReplaceAll(body, []byte(next), []byte(held)) }})
		run := w.attempt(t, two)
		assert.Equal(t, 2, w.payments(t))
		assert.NotEqual(t, held, w.itemOf(t, two.Item).Params["custom_order_id"])
		if !run.OK() {
			assert.Contains(t, run.Stdout, `type="unclear_purchase"`)
			assert.Len(t, w.itemOf(t, two.Item).Tasks, 1)
			freed := w.resolve(t, two.Item, "--id", next, "--yes")
			require.True(t, freed.OK(), freed.Failure())
			w.complete(t, two)
		}
		w.settled(t, one.Item, 2)
		w.settled(t, two.Item, 2)
		assert.Equal(t, next, w.itemOf(t, two.Item).Params["custom_order_id"])
	})
}

// rules BUY-13: a purchase without an answer was made with another account than the one that is set now.
func TestNothingIsBoughtAtAnotherAccountThanTheIntents(t *testing.T) {
	eachShop(t, func(t *testing.T, at trade) {
		w := openWorld(t, at)
		placed := w.lose(t, dropBefore)
		var intent map[string]any
		require.NoError(t, json.Unmarshal([]byte(w.itemOf(t, placed.Item).Params["purchase_intent"]), &intent))
		require.Equal(t, w.shop.account(w.server.URL), intent["at"])
		intent["account"], intent["at"] = "0123456789abcdef", "https://sandbox.example/ old"
		raw, err := json.Marshal(intent)
		require.NoError(t, err)
		require.NoError(t, w.panel.SetParams(context.Background(), placed.Item, map[string]string{"purchase_intent": string(raw)}))
		w.backdate(t, placed.Item)
		for range 2 {
			run := w.attempt(t, placed)
			assert.Contains(t, run.Stdout, `type="unclear_purchase"`)
			assert.Contains(t, run.Stdout, "https://sandbox.example/ old")
		}
		assert.Zero(t, w.payments(t))
		assert.Len(t, w.itemOf(t, placed.Item).Tasks, 1)
		freed := w.resolve(t, placed.Item, "--none", "--yes")
		require.True(t, freed.OK(), freed.Failure())
		w.complete(t, placed)
		w.settled(t, placed.Item, 1)
	})
}

// rules BUY-13: the administrator changes the module's user name after a purchase without an answer. Nothing is bought with the new
// one; when the name is what it was, the purchase is looked up and made.
func TestNothingIsBoughtAfterTheUserNameWasChanged(t *testing.T) {
	eachShop(t, func(t *testing.T, at trade) {
		w := openWorld(t, at)
		placed := w.lose(t, dropBefore)
		w.backdate(t, placed.Item)
		own, other := w.shop.connection(w.server.URL)["username"], "other@example.net"
		switch seller := w.shop.(type) { // the same secret, so that only the name changes in the form
		case namecheapShop:
			account := namecheap.DefaultAccount()
			account.User = other
			require.NoError(t, seller.PutAccount(account))
		case ispmgrShop:
			account := ispmgr.DefaultAccount()
			account.ID, account.User = 0, other
			require.NoError(t, seller.PutAccount(account))
		}
		rename := func(name string) {
			for _, param := range []string{"username", "api_user"} {
				_, err := w.panel.DB().Exec("UPDATE processingparam SET value=? WHERE intname=? AND processingmodule=?", name, param, w.module)
				require.NoError(t, err)
			}
		}
		rename(other)
		run := w.attempt(t, placed)
		assert.Contains(t, run.Stdout, `type="unclear_purchase"`)
		assert.Contains(t, run.Stdout, other)
		assert.Contains(t, run.Stdout, own)
		assert.Zero(t, w.payments(t))
		rename(own)
		w.complete(t, placed)
		w.settled(t, placed.Item, 1)
	})
}

// rules BUY-14: a run that was killed after its payment is finished by another host, which has no journal.
func TestAnotherHostFinishesARenewalThatWasKilled(t *testing.T) {
	needsMariaDB(t, writesAtOnce)
	eachShop(t, func(t *testing.T, at trade) {
		h := newHosting(t, at, firstOrders)
		item := toProlong(t, h)
		other := h.secondHost(t)
		op := h.operation(t, item, "prolong")
		before := h.payments(t)
		ctx, kill := context.WithCancel(context.Background())
		h.beforeNth(at.looks[0], 2, kill) // the payment is made and recorded, the renewal is followed
		_, err := h.panel.RunOperation(ctx, op)
		require.NoError(t, err)
		kill()
		require.NoError(t, os.RemoveAll(filepath.Join(other.Root(), "var", at.module+".purchases")))
		for range 3 {
			run, err := other.RunOperation(context.Background(), op)
			if err != nil || run.OK() {
				break
			}
		}
		assert.Equal(t, before+1, h.payments(t))
		assert.Equal(t, "2027-04-02", h.itemOf(t, item).Params["term_start"])
	})
}
