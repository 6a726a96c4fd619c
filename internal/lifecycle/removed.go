package lifecycle

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"pmssl/internal/itemparam"
)

// removedChallenges is the item parameter challenges_removed: what is known of challenges that were removed while their order
// still waited, because they could not stand any more. When the order's challenges are published again, the seller is not asked
// more often for that, and the client does not wait longer (rules UNATT-4, UNATT-6). Times are UTC.
type removedChallenges struct {
	ID    int64     `json:"id"`    // at the seller
	At    time.Time `json:"at"`    // since when values for the id were published
	Asked time.Time `json:"asked"` // when the seller was asked last to look at them
	Asks  int       `json:"asks"`  // how often it was asked
}

// rememberRemoved saves what is known of the published challenges of an id that are about to be removed. Of challenges that the
// seller was never asked about there is nothing to know. They are removed also if that cannot be saved.
func (j *Order) rememberRemoved(ctx context.Context, id int64, list []publishedRecord) {
	since, asked, asks := j.history(list, id)
	if asks <= 0 {
		return
	}
	raw, err := json.Marshal(removedChallenges{ID: id, At: since, Asked: asked, Asks: asks})
	if err == nil {
		err = j.SaveParam(ctx, itemparam.ChallengesRemoved, string(raw))
	}
	if err != nil {
		j.Log.Warningf("how often %s was asked to look at the challenges of id %d could not be saved: %v", j.Info.Title, id, err)
	}
}

// removed returns what is known of removed challenges of the id, as an entry of a list without a record; none if nothing is.
func (j *Order) removed(id int64) []publishedRecord {
	raw := j.Item.Params[itemparam.ChallengesRemoved]
	if raw == "" {
		return nil
	}
	var known removedChallenges
	if err := json.Unmarshal([]byte(raw), &known); err != nil {
		j.Log.Warningf("the parameter %s cannot be read; ignored: %v", itemparam.ChallengesRemoved, err)
		return nil
	}
	if known.ID != id {
		return nil
	}
	entry := publishedRecord{ID: id, At: known.At, Asked: known.Asked, Asks: known.Asks}
	entry.notAfter(j.Now().UTC())
	return []publishedRecord{entry}
}

// history returns since when values for an id are published, at the latest now, when the seller was asked last to look at them,
// and how often: other values for the id, or the same ones after they were removed, are no reason to ask more often, or to wait
// longer for the seller.
func (j *Order) history(list []publishedRecord, id int64) (since, asked time.Time, asks int) {
	own := slices.DeleteFunc(slices.Clone(list), func(r publishedRecord) bool { return r.ID != id })
	own = append(own, j.removed(id)...)
	asked, asks = questions(own)
	since = j.Now().UTC()
	if first := oldest(own); !first.IsZero() {
		since = first
	}
	return since, asked, asks
}
