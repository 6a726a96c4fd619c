package panel_test

import (
	"cmp"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/item"
)

// watched returns a panel with certificates in every state.
func watched(t *testing.T) *fixture {
	t.Helper()
	w, db := withDB(t)
	run(t, db, `
INSERT INTO processingmodule (id, module) VALUES (5, 'pmfake'), (6, 'pmother');
INSERT INTO item (id, name, processingmodule, status, autosuspend, employeesuspend, abusesuspend) VALUES
 (1, 'one.example', 5, 2, 'off', 'off', 'off'), (2, 'two.example', 5, 3, 'on', 'off', 'off'), (3, 'three.example', 5, 3, 'on', 'on', 'off'),
 (4, 'four.example', 5, 4, 'off', 'off', 'off'), (5, 'five.example', 6, 2, 'off', 'off', 'off'), (6, 'six.example', 5, 2, 'off', 'off', 'off'),
 (7, 'seven.example', 5, 2, 'off', 'off', 'off'), (8, 'eight.example', 5, 2, 'off', 'off', 'off');
INSERT INTO itemparam (item, intname, value) SELECT id, 'certificate_serial', CONCAT('a', id) FROM item WHERE id<>6;
INSERT INTO itemparam (item, intname, value) SELECT id, 'revocation', CONCAT('{"serial":"a', id, '"}') FROM item WHERE id<>8;
UPDATE itemparam SET value='' WHERE item=7;
INSERT INTO itemparam (item, intname, value) VALUES (1, 'earlier_serials', 'b1 b2'), (1, 'site_watch', '{"outcome":"old"}'), (1, 'certificate_key', 'x'),
 (2, 'sité_watch', 'no');
INSERT INTO certificate (item, crt) VALUES (1, 'first'), (2, X'504b0304ff00'), (4, 'fourth'), (7, ''), (8, REPEAT('x', 1048577));`)
	return w
}

// watchedItems returns the items in the order of their ids.
func (w *fixture) watchedItems(only int64) (all []item.WatchedItem) {
	w.t.Helper()
	require.NoError(w.t, w.WatchedItems(w.t.Context(), only, func(it item.WatchedItem) { all = append(all, it) }))
	slices.SortFunc(all, func(a, b item.WatchedItem) int { return cmp.Compare(a.Item, b.Item) })
	return all
}

func TestWatchedItemsAreTheSweepsWithASerial(t *testing.T) {
	w := watched(t)
	all := []item.WatchedItem{{Item: 1, Serial: "a1"}, {Item: 2, Serial: "a2"}, {Item: 8, Serial: "a8"}}
	assert.Equal(t, all, w.watchedItems(0), "not those that are suspended by hand or deleted, of another module, or without a serial")
	for only, want := range map[int64][]item.WatchedItem{1: all[:1], 8: all[2:], 3: nil, 7: nil, 99: nil} {
		assert.Equal(t, want, w.watchedItems(only), only)
	}
}

// The rows come from the one connection, which has the locks of the run: another query would break it.
func TestTheDatabaseIsNotAskedWhileRowsAreRead(t *testing.T) {
	w := watched(t)
	require.NoError(t, w.LockItem(t.Context(), 1))
	require.NoError(t, w.LockAccount(t.Context(), "seller"))
	asked := 0
	require.NoError(t, w.WatchedItems(t.Context(), 0, func(item.WatchedItem) {
		asked++
		_, err := w.ActiveItems(t.Context())
		require.ErrorContains(t, err, "while the rows of another query are read")
	}))
	assert.Equal(t, 3, asked)
	require.NoError(t, w.HoldsLocks(t.Context()))
	assert.Len(t, w.watchedItems(0), 3, "nothing is left of it")
}

func TestRevokedItemsAreTheSweepsWithWhatIsKnown(t *testing.T) {
	w := watched(t)
	found, err := w.RevokedItems(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []item.RevokedItem{{Item: 1, State: `{"serial":"a1"}`}, {Item: 2, State: `{"serial":"a2"}`}, {Item: 6, State: `{"serial":"a6"}`}}, found)
}

func TestWatchedSitesHaveTheirCertificatesAndParameters(t *testing.T) {
	w := watched(t)
	found, err := w.WatchedSites(t.Context(), []int64{8, 2, 7, 1, 6, 99})
	require.NoError(t, err)
	assert.Equal(t, []item.WatchedSite{
		{Item: 1, Name: "one.example", Stored: "first", Serial: "a1", Earlier: "b1 b2", Watch: `{"outcome":"old"}`},
		{Item: 2, Name: "two.example", Stored: "PK\x03\x04\xff\x00", Serial: "a2"},
	}, found, "without certificates that are empty, absent or too long, and without parameters of a similar name")
	found, err = w.WatchedSites(t.Context(), nil)
	require.NoError(t, err)
	assert.Empty(t, found)
	assert.Empty(t, w.calls(), "nothing is asked of the panel")
}
