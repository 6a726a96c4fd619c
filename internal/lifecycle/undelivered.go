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

// taskAfter is the time after which a problem that should pass by itself becomes a task for the administrator.
const taskAfter = 24 * time.Hour

// undelivered handles an order that the seller shows as issued while its certificate cannot be read (rules STORE-8). It returns
// reason. For a certificate that may still come it opens a task after a day; for an unusable one the caller opens it at once.
func (j *Order) undelivered(ctx context.Context, id int64, reason error) error {
	since, err := j.firstSeen(ctx, itemparam.IssuedSince, strconv.FormatInt(id, 10))
	if err != nil {
		return err
	}
	failure := fault.From(reason)
	if failure.Type == fault.Delivered && !failure.Retry {
		return reason // ApplyStatus opens the task
	}
	if j.Now().Sub(since) < taskAfter {
		return reason
	}
	text := fmt.Sprintf("%s shows the order %d as issued since %s and its certificate cannot be read: %s",
		j.Info.Title, id, since.Format(time.RFC3339), failure.Message)
	if err := j.OpenTaskUntilStored(ctx, j.Args.Command, text); err != nil {
		return err
	}
	return reason
}

// nothingDelivered is undelivered for an order whose answer has no certificate.
func (j *Order) nothingDelivered(ctx context.Context, status seller.OrderStatus) error {
	return j.undelivered(ctx, status.ID, fault.Errorf(fault.Delivered, "certificate",
		"%s shows id %d as issued and delivers no certificate", j.Info.Title, status.ID).Retryable())
}

// certificateAbsent handles an order that the seller shows as issued before it has the certificate. It returns nil for a day,
// then a fault (rules STORE-8).
func (j *Order) certificateAbsent(ctx context.Context, status seller.OrderStatus) error {
	reason := fault.Errorf(fault.API, "certificate", "%s shows the order %d as issued and has no certificate of it", j.Info.Title, status.ID).Retryable()
	if err := j.undelivered(ctx, status.ID, reason); fault.From(err) != reason {
		return err
	}
	if since, err := j.firstSeen(ctx, itemparam.IssuedSince, strconv.FormatInt(status.ID, 10)); err != nil || j.Now().Sub(since) < taskAfter {
		return err
	}
	return reason
}

// firstSeen returns the time that the item parameter name holds for the key. If it holds none, it saves and returns now.
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

// OpenTaskUntilStored opens a task and saves its id, so that it is closed when the certificate is stored. If a task of the same
// type is already open, none is opened and that one is not closed later.
func (j *Order) OpenTaskUntilStored(ctx context.Context, command, text string) error {
	made, err := j.openTask(ctx, command, text)
	if err != nil || made == 0 {
		return err
	}
	return j.SaveParam(ctx, itemparam.WaitingTask, strconv.FormatInt(made, 10))
}

// openTask opens a task and returns its id; 0 if one of the same type was open already.
func (j *Order) openTask(ctx context.Context, command, text string) (int64, error) {
	before, err := j.Panel.OpenTask(ctx, j.Item.Item, command)
	if err != nil {
		return 0, err
	}
	if err := j.Panel.Escalate(ctx, j.Item.Item, 0, command, text); err != nil || before != 0 {
		return 0, err
	}
	return j.Panel.OpenTask(ctx, j.Item.Item, command)
}

// closeWaitingTask closes the task of OpenTaskUntilStored. If that fails, storing the certificate goes on.
func (j *Order) closeWaitingTask(ctx context.Context) error {
	id, err := strconv.ParseInt(j.Item.Params[itemparam.WaitingTask], 10, 64)
	if err == nil && id > 0 {
		if err := j.Panel.CloseTask(ctx, id); err != nil {
			j.Log.Warningf("the task %d is over and could not be closed: %v", id, err)
		}
	}
	return j.SaveParam(ctx, itemparam.WaitingTask, "")
}
