package item_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/item"
	"pmssl/internal/seller"
)

// The journal is read by later versions too: its names must not change (rules BUY-2).
func TestJournalLineIsThisJSON(t *testing.T) {
	line := item.JournalEntry{
		Time: time.Date(2026, 4, 2, 14, 7, 33, 0, time.UTC), Item: 42, Kind: seller.KindCreate, ID: 747253,
		Account: "0123456789abcdef", Op: 7,
	}
	text, err := json.Marshal(line)
	require.NoError(t, err)
	assert.Equal(t, `{"time":"2026-04-02T14:07:33Z","item":42,"kind":"create","id":747253,"account":"0123456789abcdef","op":7}`, string(text))
	var back item.JournalEntry
	require.NoError(t, json.Unmarshal(text, &back))
	assert.Equal(t, line, back)
}

func TestServiceStatusIsThePanelsNumber(t *testing.T) {
	assert.Equal(t, []item.ServiceStatus{3, 4, 5, 6}, []item.ServiceStatus{item.ServiceRequested, item.ServiceWaiting, item.ServiceIssued, item.ServiceFailed})
}
