package purchase

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
)

// keepEntryOnItem saves on the item an entry that could not be written to the purchase journal, so that a later run adds it,
// and opens a task: a journal that cannot be written does not protect against paying twice (rules BUY-21). Errors are only
// logged, because the purchase itself is recorded.
func (j *Buyer) keepEntryOnItem(ctx context.Context, line item.JournalEntry, reason error) {
	raw, err := json.Marshal(line)
	if err == nil {
		pending := strings.TrimSpace(j.Item.Params[itemparam.Unjournaled] + "\n" + string(raw))
		err = j.SaveParam(ctx, itemparam.Unjournaled, pending)
	}
	if err != nil {
		j.Log.Errorf("the journal entry of id %d could not be saved on the item: %v", line.ID, err)
	}
	text := fmt.Sprintf("item %d (%s): id %d was bought and is on the item, but %s. The next run of this item adds the line to the journal",
		j.Item.Item, j.Item.Name, line.ID, fault.From(reason).Message)
	if err := j.Panel.Escalate(ctx, j.Item.Item, 0, j.Args.Command, text); err != nil {
		j.Log.Errorf("the task for the administrator could not be opened: %v", err)
	}
}

// appendPendingEntries writes the entries that are saved on the item to the journal and returns the journal's lines with them.
// If the journal still cannot be written the run goes on, because the ids are on the item. Entries that are not purchases of
// this item are dropped.
func (j *Buyer) appendPendingEntries(ctx context.Context, lines []item.JournalEntry) []item.JournalEntry {
	raw := j.Item.Params[itemparam.Unjournaled]
	if raw == "" {
		return lines
	}
	for text := range strings.Lines(raw) {
		var line item.JournalEntry
		if err := json.Unmarshal([]byte(text), &line); err != nil || line.Item != j.Item.Item || !slices.Contains(j.Lineage(), line.ID) {
			j.Log.Warningf("a line in the parameter %s is not a purchase of this item; dropped", itemparam.Unjournaled)
			continue
		}
		there := slices.ContainsFunc(lines, func(old item.JournalEntry) bool {
			return old.Item == line.Item && old.ID == line.ID && old.Kind == line.Kind && old.Time.Equal(line.Time)
		})
		if there {
			continue
		}
		if err := j.Panel.AppendJournal(ctx, line); err != nil {
			j.Log.Warningf("the journal entry of id %d stays on the item: %v", line.ID, err)
			return lines
		}
		j.Log.ExtInfof("the journal entry of id %d is added to the journal", line.ID)
		lines = append(slices.Clip(lines), line)
	}
	if err := j.SaveParam(ctx, itemparam.Unjournaled, ""); err != nil {
		j.Log.Warningf("%v", err)
	}
	return lines
}
