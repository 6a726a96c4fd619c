package subscription

import (
	"context"
	"sync/atomic"

	"pmssl/internal/fault"
	"pmssl/internal/item"
)

// mailQueue sends one mail of a sweep after the other, and none after the transport has failed: one that hangs costs one timeout.
type mailQueue struct {
	sending chan struct{} // holds one element while a mail is sent
	failed  atomic.Bool   // the transport failed in this run
}

func newMailQueue() mailQueue { return mailQueue{sending: make(chan struct{}, 1)} }

// queuedMailer is the mailer for a notice about one item.
type queuedMailer struct {
	queue  *mailQueue
	mailer item.Mailer
	about  item.Item
}

// Send implements item.Mailer.
func (m queuedMailer) Send(ctx context.Context, notice item.Notice) error {
	select {
	case m.queue.sending <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-m.queue.sending }()
	if m.queue.failed.Load() {
		return mailFailed(m.about.Item, m.about.Name)
	}
	err := m.mailer.Send(ctx, notice)
	if err != nil && transportFailed(err) {
		m.queue.failed.Store(true)
	}
	return err
}

// mailFailed returns the fault of a notice that is not sent because the mail transport failed.
func mailFailed(it int64, name string) error {
	return fault.Errorf(fault.Client, fault.ObjectMail, "the client of item %d (%s) was not notified: the mail transport failed for an earlier notice of this run", it, name).Retryable()
}
