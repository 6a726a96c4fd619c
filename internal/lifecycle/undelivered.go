package lifecycle

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"pmssl/internal/fault"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"
)

// taskAfter is how long something that passes by itself is waited for before the administrator gets a task.
const taskAfter = 24 * time.Hour

// undelivered handles an order that the seller calls issued and whose certificate cannot be fetched (rules STORE-8). reason
// says why and is returned. What was delivered and cannot be used is a task at once; what may still come is one after a
// day.
func (j *Order) undelivered(ctx context.Context, id int64, reason error) error {
	since, err := j.firstSeen(ctx, itemparam.IssuedSince, strconv.FormatInt(id, 10))
	if err != nil {
		return err
	}
	failure := fault.From(reason)
	if failure.Type == fault.Delivered && !failure.Retry {
		return reason // ApplyStatus makes the task
	}
	if j.Now().Sub(since) < taskAfter {
		return reason
	}
	text := fmt.Sprintf("%s calls the order %d issued since %s and its certificate cannot be fetched: %s",
		j.Info.Title, id, since.Format(time.RFC3339), failure.Message)
	if err := j.OpenTaskUntilStored(ctx, j.Args.Command, text); err != nil {
		return err
	}
	return reason
}

// nothingDelivered is undelivered for an order whose answer holds no certificate at all.
func (j *Order) nothingDelivered(ctx context.Context, status seller.OrderStatus) error {
	return j.undelivered(ctx, status.ID, fault.Errorf(fault.Delivered, "certificate",
		"%s shows id %d as issued and delivers no certificate", j.Info.Title, status.ID).Retryable())
}

// certificateAbsent handles an order that the seller calls issued before it has the certificate. It waits for a day; then it is a
// fault (rules STORE-8).
func (j *Order) certificateAbsent(ctx context.Context, status seller.OrderStatus) error {
	reason := fault.Errorf(fault.API, "certificate", "%s calls the order %d issued and has no certificate of it", j.Info.Title, status.ID).Retryable()
	if err := j.undelivered(ctx, status.ID, reason); fault.From(err) != reason {
		return err
	}
	if since, err := j.firstSeen(ctx, itemparam.IssuedSince, strconv.FormatInt(status.ID, 10)); err != nil || j.Now().Sub(since) < taskAfter {
		return err
	}
	return reason
}

// firstSeen returns the time at which the item parameter name was first saved for the key, and saves it now if it was not.
func (j *Order) firstSeen(ctx context.Context, name, key string) (time.Time, error) {
	words := strings.Fields(j.Item.Params[name])
	if len(words) == 2 && words[0] == key {
		if at, err := time.Parse(time.RFC3339, words[1]); err == nil && !at.After(j.Now()) {
			return at, nil
		}
	}
	now := j.Now().UTC().Truncate(time.Second)
	return now, j.SaveParam(ctx, name, key+" "+now.Format(time.RFC3339))
}

// OpenTaskUntilStored makes a task that is over when the certificate is stored, and remembers it for that time. A task of the same
// type that is open already is somebody else's to close.
func (j *Order) OpenTaskUntilStored(ctx context.Context, command, text string) error {
	before, err := j.Panel.OpenTask(ctx, j.Item.Item, command)
	if err != nil {
		return err
	}
	if err := j.Panel.Escalate(ctx, j.Item.Item, 0, command, text); err != nil || before != 0 {
		return err
	}
	made, err := j.Panel.OpenTask(ctx, j.Item.Item, command)
	if err != nil || made == 0 {
		return err
	}
	return j.SaveParam(ctx, itemparam.WaitingTask, strconv.FormatInt(made, 10))
}

// closeWaitingTask closes the task about something that is over now. A panel that does not close it does not stop the
// delivery.
func (j *Order) closeWaitingTask(ctx context.Context) error {
	id, err := strconv.ParseInt(j.Item.Params[itemparam.WaitingTask], 10, 64)
	if err == nil && id > 0 {
		if err := j.Panel.CloseTask(ctx, id); err != nil {
			j.Log.Warningf("the task %d is over and could not be closed: %v", id, err)
		}
	}
	return j.SaveParam(ctx, itemparam.WaitingTask, "")
}
