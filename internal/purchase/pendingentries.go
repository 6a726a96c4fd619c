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

// keepEntryOnItem keeps a line that the purchase journal did not take on the item, so that a later run adds it, and opens a
// task: until the journal can be written it is of no help against paying twice (rules BUY-21). What fails here is logged,
// for the purchase itself is recorded.
func (j *Buyer) keepEntryOnItem(ctx context.Context, line item.JournalEntry, reason error) {
	raw, err := json.Marshal(line)
	if err == nil {
		waiting := strings.TrimSpace(j.Item.Params[itemparam.Unjournaled] + "\n" + string(raw))
		err = j.SaveParam(ctx, itemparam.Unjournaled, waiting)
	}
	if err != nil {
		j.Log.Errorf("the journal's line for id %d could not be kept on the item: %v", line.ID, err)
	}
	text := fmt.Sprintf("item %d (%s): id %d was bought and is on the item, but %s. The next run of this item adds the line to the journal",
		j.Item.Item, j.Item.Name, line.ID, fault.From(reason).Message)
	if err := j.Panel.Escalate(ctx, j.Item.Item, 0, j.Args.Command, text); err != nil {
		j.Log.Errorf("the task for the administrator could not be made: %v", err)
	}
}

// appendPendingEntries adds the lines that wait on the item to the journal and returns its lines with them. A journal that still
// takes nothing stops no run: the ids are on the item. Lines that are not this item's own purchases are dropped.
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
			j.Log.Warningf("the journal's line for id %d waits on the item: %v", line.ID, err)
			return lines
		}
		j.Log.ExtInfof("the journal's line for id %d is added", line.ID)
		lines = append(slices.Clip(lines), line)
	}
	if err := j.SaveParam(ctx, itemparam.Unjournaled, ""); err != nil {
		j.Log.Warningf("%v", err)
	}
	return lines
}
