package panel_test

import (
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

func TestWatchedItemsAreTheSweepsWithASerial(t *testing.T) {
	w := watched(t)
	found, err := w.WatchedItems(t.Context(), 0, 100)
	require.NoError(t, err)
	all := []item.WatchedItem{{Item: 1, Serial: "a1"}, {Item: 2, Serial: "a2"}, {Item: 8, Serial: "a8"}}
	assert.Equal(t, all, found, "not those that are suspended by hand or deleted, of another module, or without a serial")
	for after, want := range map[int64][]item.WatchedItem{0: all[:2], 1: all[1:], 2: all[2:], 8: nil} {
		page, err := w.WatchedItems(t.Context(), after, 2)
		require.NoError(t, err)
		assert.Equal(t, want, page, "at most two after %d", after)
	}
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
