package command_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
)

// rules BUY-21: a line that cannot be written to the journal is kept on the item, a task is opened, and the next run adds it.
func TestALineThatCannotBeJournaledIsAddedLater(t *testing.T) {
	s := newFixture(t)
	s.panel.fail["journal"] = fault.Errorf(fault.Panel, "purchases", "the purchase journal /x cannot be written (disk full): free some space").Retryable()
	_, err := command.Open(context.Background(), s.env())
	require.NoError(t, err)
	assert.Equal(t, "101", s.panel.order.Params[itemparam.OrderID], "the purchase is on the item")
	assert.Empty(t, s.panel.journal)
	var line item.JournalEntry
	require.NoError(t, json.Unmarshal([]byte(s.panel.order.Params[itemparam.Unjournaled]), &line))
	assert.Equal(t, int64(101), line.ID)
	require.Len(t, s.panel.texts, 1)
	assert.Contains(t, s.panel.texts[0], "the purchase journal /x cannot be written (disk full): free some space")
	assert.Contains(t, s.panel.texts[0], "id 101")

	s.panel.fail["journal"] = fault.Errorf(fault.Panel, "purchases", "still full").Retryable()
	_, err = command.Open(context.Background(), s.env())
	require.NoError(t, err, "a journal that still takes nothing stops no run")
	assert.NotEmpty(t, s.panel.order.Params[itemparam.Unjournaled])

	delete(s.panel.fail, "journal")
	for range 2 {
		_, err = command.Open(context.Background(), s.env())
		require.NoError(t, err)
		require.Len(t, s.panel.journal, 1)
		assert.Equal(t, line.ID, s.panel.journal[0].ID)
		assert.True(t, line.Time.Equal(s.panel.journal[0].Time))
		assert.Empty(t, s.panel.order.Params[itemparam.Unjournaled])
	}
	assert.Equal(t, 1, s.seller.buys)

	for _, hostile := range []string{"garbage", `{"item":43,"id":101}`, `{"item":42,"id":999}`, `{"item":42,"id":101}x`} {
		s.panel.order.Params[itemparam.Unjournaled] = hostile
		_, err = command.Open(context.Background(), s.env())
		require.NoError(t, err)
		assert.Len(t, s.panel.journal, 1, hostile)
		assert.Empty(t, s.panel.order.Params[itemparam.Unjournaled], hostile)
	}
}
