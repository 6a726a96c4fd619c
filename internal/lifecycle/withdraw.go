package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"pmssl/internal/publish"
)

// staysTime is how long a record may stay that could not be removed before the administrator gets a task.
const staysTime = 24 * time.Hour

// WithdrawAll removes every record that the module has published for the item: its certificate is stored, or its order is
// over, or it is validated in another way now. What cannot be removed stays listed, and the next sweep tries again (rules UNATT-5).
func (j *Order) WithdrawAll(ctx context.Context) error {
	if j.Publishing == nil || j.Dry != nil {
		return nil
	}
	list, err := j.published()
	if err != nil || len(list) == 0 {
		return err
	}
	return j.withdraw(ctx, list, nil)
}

// withdraw removes the records of the list that are not among those to keep. A record whose value was replaced by one that
// is kept is gone with that.
func (j *Order) withdraw(ctx context.Context, list, keep []publishedRecord) error {
	left := slices.Clone(keep)
	var problems []error
	for _, entry := range list {
		if slices.ContainsFunc(keep, func(kept publishedRecord) bool { return sameEntry(kept, entry) }) {
			continue
		}
		err := j.Publishing.Withdraw(ctx, publish.Order{Item: j.Item.Item, Account: j.Item.Account, Names: j.certificateNames()}, entry.placement())
		if err == nil {
			j.Log.Infof("%s is removed from %s by %s", entry.Record, entry.Zone, entry.Publisher)
			continue
		}
		if entry.Stays.IsZero() {
			entry.Stays = j.Now().UTC()
		}
		left = append(left, entry)
		j.Log.Warningf("%s could not be removed from %s by %s, the next sweep tries again: %v", entry.Record, entry.Zone, entry.Publisher, err)
		if j.Now().Sub(entry.Stays) >= staysTime {
			problems = append(problems, fmt.Errorf("%s could not be removed from %s by %s for a day: remove it there (%w)", entry.Record, entry.Zone, entry.Publisher, err))
		}
	}
	if err := j.savePublished(ctx, left); err != nil {
		return err
	}
	if len(problems) == 0 {
		return nil
	}
	return j.Panel.Escalate(ctx, j.Item.Item, 0, j.Args.Command, j.Item.Label()+": "+errors.Join(problems...).Error())
}

// sameEntry reports whether two entries are the same record in the same place, or, with another value, one that was
// replaced.
func sameEntry(kept, entry publishedRecord) bool {
	return kept.Publisher == entry.Publisher && kept.Zone == entry.Zone && kept.Record.SamePlace(entry.Record)
}

// certificateNames returns the names of the item's order, as far as they can be read.
func (j *Order) certificateNames() []string {
	request, err := j.Request()
	if err != nil && request.CSR.CommonName == "" {
		return strings.Fields(j.Item.Name)
	}
	return request.AllNames()
}

// leftPublished returns the records that are published for the item, as far as the list can be read.
func (j *Order) leftPublished() []publishedRecord {
	list, err := j.published()
	if err != nil {
		j.Log.Errorf("%v", err)
	}
	return list
}
