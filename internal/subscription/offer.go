package subscription

import (
	"context"
	"errors"

	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/lifecycle"
	"pmssl/internal/publish"
	"pmssl/internal/watch"
)

// actOnOld does what follows from a site that serves an old certificate: the module delivers the one in place if it can and has not tried
// that because of such a look before, else the client is notified if that is due. again says that the next sweep has to look again.
func (s *sweep) actOnOld(ctx context.Context, l *siteLook, record *watch.Record) (again bool, err error) {
	offered := s.offerDelivery(ctx, *l, record)
	again, err = s.notifyOld(ctx, l, record)
	return again || offered != nil, errors.Join(offered, err)
}

// offerDelivery notes a certificate as one to be delivered, once until its sites serve it (rules DELIVER-6): one that was stored before
// deliveries were switched on, for example. The next sweep delivers it.
func (s *sweep) offerDelivery(ctx context.Context, l siteLook, record *watch.Record) error {
	if record.Outcome != watch.Old || record.Offered || s.Delivering == nil || s.Delivering.Mode() != publish.On || !s.Delivering.Configured() {
		return nil
	}
	run := *s.Run
	run.Args = item.Args{Command: asSync, Item: l.site.Item}
	defer func() {
		if released := s.Panel.UnlockItem(context.WithoutCancel(ctx), l.site.Item); released != nil {
			s.Log.Warningf("%s: %v", siteLabel(l), released)
		}
	}()
	order, err := lifecycle.Load(ctx, &run)
	if err != nil || order.Item.Params[itemparam.Serial] != l.site.Serial { // replaced meanwhile
		return err
	}
	record.Offered, err = order.OfferDelivery(ctx)
	return err
}
