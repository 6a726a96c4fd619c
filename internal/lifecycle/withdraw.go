package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"pmssl/internal/fault"
	"pmssl/internal/itemparam"
	"pmssl/internal/publish"
)

// staysTime is how long a record may stay that could not be removed before the administrator gets a task.
const staysTime = 24 * time.Hour

// WithdrawAll removes every record that the module has published for the item: its certificate is stored, or its order is
// over, or it is validated in another way now. What cannot be removed stays listed, and the next sweep tries again (rules
// UNATT-5). A list that cannot be read keeps nothing else from its end: the administrator gets a task.
func (j *Order) WithdrawAll(ctx context.Context) error {
	if j.Publishing == nil || j.Dry != nil {
		return nil
	}
	err := j.SaveParam(ctx, itemparam.ChallengesRemoved, "")
	return errors.Join(err, j.withdrawListed(ctx, true))
}

// withdrawListed removes every record of the list. With over the order does not wait any more: what stays belongs to no order,
// because a seller that reissues in place gives the next one the same id.
func (j *Order) withdrawListed(ctx context.Context, over bool) error {
	list, err := j.published()
	if err != nil {
		j.Log.Errorf("%v", err)
		return j.Panel.Escalate(ctx, j.Item.Item, 0, j.Args.Command, fault.From(err).Message)
	}
	if len(list) == 0 {
		return nil
	}
	for i := range list {
		if over {
			list[i].ID = 0
		}
	}
	_, err = j.withdraw(ctx, nil, list)
	return err
}

// withdraw removes records, and saves those that could not be removed beside those to keep. A record that is to be kept under
// another entry stays. It returns the entries that could not be removed.
func (j *Order) withdraw(ctx context.Context, keep, remove []publishedRecord) (left []publishedRecord, err error) {
	remove = slices.DeleteFunc(slices.Clone(remove), func(entry publishedRecord) bool {
		return slices.ContainsFunc(keep, func(kept publishedRecord) bool {
			return kept.Harmful.IsZero() && samePlace(kept, entry) && kept.Record.Same(entry.Record)
		})
	})
	var names []string
	if len(remove) > 0 {
		names = j.certificateNames()
	}
	var problems []error
	for _, entry := range remove {
		err := j.Publishing.Withdraw(ctx, j.orderOf(entry, names), entry.placement())
		if err == nil {
			j.Log.Infof("%s is removed from %s by %s", entry.Record, entry.Zone, entry.Publisher)
			continue
		}
		j.Log.Warningf("%s could not be removed from %s by %s, the next sweep tries again: %v", entry.Record, entry.Zone, entry.Publisher, err)
		if ctx.Err() == nil && entry.Stays.IsZero() {
			entry.Stays = j.Now().UTC()
		}
		left = append(left, entry)
		if !entry.Stays.IsZero() && j.Now().Sub(entry.Stays) >= staysTime {
			problems = append(problems, fmt.Errorf("%s could not be removed from %s by %s for a day: remove it there (%w)", entry.Record, entry.Zone, entry.Publisher, err))
		}
	}
	if err := j.savePublished(ctx, slices.Concat(keep, left)); err != nil || len(problems) == 0 {
		return left, err
	}
	return left, j.Panel.Escalate(ctx, j.Item.Item, 0, j.Args.Command, j.Item.Label()+": "+errors.Join(problems...).Error())
}

// orderOf returns the order that an entry was published for. The names of the item may be others by now.
func (j *Order) orderOf(entry publishedRecord, names []string) publish.Order {
	names = append(slices.Clone(names), entry.Record.Domain)
	if entry.Record.Type == publish.File {
		names = append(names, entry.Record.Name)
	}
	return publish.Order{Item: j.Item.Item, Account: j.Item.Account, Names: names}
}

// withdrawHarmful removes everything at once because a record took the host above it out of DNS. The record stays listed, so
// that it is not published again (rules UNATT-7). It returns why.
func (j *Order) withdrawHarmful(ctx context.Context, up standing, at int, seen string) error {
	marked := up.present[at]
	marked.Harmful = j.Now().UTC()
	all := slices.Concat(up.present, up.rest)
	if err := j.savePublished(ctx, append([]publishedRecord{marked}, all...)); err != nil {
		return errors.Join(harmed(marked, seen), err)
	}
	_, err := j.withdraw(ctx, []publishedRecord{marked}, all)
	return errors.Join(harmed(marked, seen), err)
}

// refuseHarmful returns an error if a record of the id took its host out of DNS before: nothing is published for the id any
// more. What is left of its records is removed.
func (j *Order) refuseHarmful(ctx context.Context, id int64, list []publishedRecord) error {
	at := slices.IndexFunc(list, func(r publishedRecord) bool { return !r.Harmful.IsZero() && r.ID == id })
	if at < 0 {
		return nil
	}
	remove := slices.Delete(slices.Clone(list), at, at+1)
	var err error
	if len(remove) > 0 {
		_, err = j.withdraw(ctx, []publishedRecord{list[at]}, remove)
	}
	return errors.Join(harmed(list[at], "at "+list[at].Harmful.Format(time.RFC3339)), err)
}

func harmed(entry publishedRecord, seen string) error {
	return fault.Errorf(fault.Value, "dns", "%s took the host above it out of DNS (%s): it is removed, and nothing is published for this order any more",
		entry.Record, seen)
}

// certificateNames returns the names of the item's order, as far as they can be read.
func (j *Order) certificateNames() []string {
	request, err := j.Request()
	if err != nil && request.CSR.CommonName == "" {
		return strings.Fields(j.Item.Name)
	}
	return request.AllNames()
}

// leftPublished returns the records that are published for the item, as far as the list can be read; none in a dry run, which
// removed nothing.
func (j *Order) leftPublished() []publishedRecord {
	if j.Dry != nil {
		return nil
	}
	list, err := j.published()
	if err != nil {
		j.Log.Errorf("%v", err)
	}
	return list
}
