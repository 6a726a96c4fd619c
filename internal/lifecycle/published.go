package lifecycle

import (
	"context"
	"encoding/json"
	"time"

	"pmssl/internal/fault"
	"pmssl/internal/itemparam"
	"pmssl/internal/publish"
)

// publishedRecord is one entry of the item parameter challenges_published: a record that the module has written, or is about
// to write (rules UNATT-2). It leaves the list when the record is known to be gone. Times are UTC.
type publishedRecord struct {
	Publisher string         `json:"publisher"`
	Zone      string         `json:"zone"`
	Record    publish.Record `json:"record"`
	ID        int64          `json:"id"`   // at the seller, whose challenge it is; 0 if that order is over
	At        time.Time      `json:"at"`   // when it was written down, just before it was published
	Seen      time.Time      `json:"seen"` // when every place showed it; zero until then
	Asked     time.Time      `json:"asked"`
	Asks      int            `json:"asks"` // how often the seller was asked to look
	// Pause is the time in seconds for which resolvers may keep the record's absence, as far as it is known.
	Pause int `json:"pause,omitempty"`
	// Stays is when removing the record failed first; zero if it never did.
	Stays time.Time `json:"stays,omitzero"`
	// Harmful is when the record was seen to take the host above it out of DNS; zero if it never did. The record does not stand
	// any more, see UNATT-7.
	Harmful time.Time `json:"harmful,omitzero"`
}

func (r publishedRecord) placement() publish.Placement {
	return publish.Placement{Publisher: r.Publisher, Zone: r.Zone, Record: r.Record}
}

// published reads the item parameter. One that cannot be read is an error: the records in it would never be removed.
func (j *Order) published() ([]publishedRecord, error) {
	raw := j.Item.Params[itemparam.ChallengesPublished]
	if raw == "" {
		return nil, nil
	}
	var list []publishedRecord
	if err := json.Unmarshal([]byte(raw), &list); err != nil {
		return nil, fault.Errorf(fault.Value, itemparam.ChallengesPublished,
			"%s: the parameter %s cannot be read (%w): remove the records in it by hand, then the parameter", j.Item.Label(), itemparam.ChallengesPublished, err)
	}
	for i := range list {
		list[i].notAfter(j.Now().UTC())
	}
	return list, nil
}

// notAfter replaces times after now: the clock was ahead when they were written, and when that was is not known.
func (r *publishedRecord) notAfter(now time.Time) {
	for _, at := range []*time.Time{&r.At, &r.Seen, &r.Asked, &r.Stays, &r.Harmful} {
		if at.After(now) {
			*at = now
		}
	}
}

// savePublished writes the list and reads it back: no record is written that the panel does not remember. A list that the panel
// does not keep as it is, is replaced by the one before.
func (j *Order) savePublished(ctx context.Context, list []publishedRecord) error {
	text := ""
	if len(list) > 0 {
		raw, err := json.Marshal(list)
		if err != nil {
			return err
		}
		text = string(raw)
	}
	before := j.Item.Params[itemparam.ChallengesPublished]
	if text == before { // which was read from the panel
		return nil
	}
	if err := j.SaveParam(ctx, itemparam.ChallengesPublished, text); err != nil {
		return err
	}
	held, _, err := j.Panel.Param(ctx, j.Item.Item, itemparam.ChallengesPublished)
	if err != nil {
		return err
	}
	if held != text {
		j.Item.Params[itemparam.ChallengesPublished] = held
		if err := j.SaveParam(ctx, itemparam.ChallengesPublished, before); err != nil {
			j.Log.Errorf("the parameter %s could not be restored: %v", itemparam.ChallengesPublished, err)
		}
		return fault.Errorf(fault.Panel, itemparam.ChallengesPublished, "%s: the panel did not keep the parameter %s as it was saved: nothing is published",
			j.Item.Label(), itemparam.ChallengesPublished).Retryable()
	}
	return nil
}

// PublishedState is what the item parameter challenges_published says about an order that waits.
type PublishedState struct {
	Records int
	Since   time.Time // when the oldest was published
	Seen    bool      // every place shows all of them
	// Overdue says that the seller had two days to look at them.
	Overdue bool
}

// ParsePublishedState reads the item parameter. An error means that it cannot be read.
func ParsePublishedState(text string, now time.Time) (PublishedState, error) {
	var list []publishedRecord
	if text == "" {
		return PublishedState{}, nil
	}
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return PublishedState{}, err
	}
	state := PublishedState{Records: len(list), Seen: len(list) > 0}
	for i := range list {
		list[i].notAfter(now.UTC())
		state.Seen = state.Seen && !list[i].Seen.IsZero()
	}
	if len(list) > 0 {
		state.Since = oldest(list)
		state.Overdue = now.Sub(state.Since) >= sellerTime
	}
	return state, nil
}
