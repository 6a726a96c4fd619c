package ispmanager

import (
	"context"
	"strings"
	"time"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
)

// reconcileTime is how long an order that looks unpaid is given to be charged before it is taken for unpaid.
const reconcileTime = 3 * time.Second

// outcome finds out what the one request brought. The list decides, not the answer's kind: which error means "no money" is
// not known, and an ok that sends us on is no success (docs/reference/ispmanager.md §4.5, §15.5).
func (s *sale) outcome(ctx context.Context, reply answer, sent error) (seller.Receipt, error) {
	if sent != nil && certain(sent) {
		return seller.Receipt{}, faultOf(sent)
	}
	said := s.said(reply, sent)
	finished := sent == nil && reply.finishes(s.step)
	found, err := s.find(ctx, reply)
	if err == nil && len(found) > 0 {
		return s.listed(ctx, found, sent, said)
	}
	if id := s.named(reply); id != 0 && finished && !s.contradicted { // the list may lag behind
		return s.byName(ctx, id, said)
	}
	if err != nil {
		return seller.Receipt{}, unclear(said, "the certificate may have been ordered or not, and the list could not be read ("+fault.From(err).Message+")")
	}
	return s.nothing(ctx, reply, sent, said)
}

// listed returns the outcome of a request for which the list shows at least one order.
func (s *sale) listed(ctx context.Context, found []row, sent error, said *fault.Error) (seller.Receipt, error) {
	only := found[0]
	switch {
	case len(found) > 1:
		return seller.Receipt{}, unclear(said, "several orders may be this one: "+idsOf(found))
	case only.item.number == itemUnpaid && sent != nil: // it may be about to be paid
		return seller.Receipt{}, unclear(said, "the order "+idText(only.id)+" is there and not paid for yet")
	case only.item.number == itemUnpaid:
		return s.unpaid(ctx, only, said)
	}
	return s.receipt(only.id), nil
}

// byName takes the id of the answer for the order, unless the remote has no such service: what the answer calls id is known
// of other types of services only (docs/reference/ispmanager.md §4.5), and a wrong one would be taken for an order that was
// deleted.
func (s *sale) byName(ctx context.Context, id int64, said *fault.Error) (seller.Receipt, error) {
	if _, err := s.client.read(ctx, functionEdit, element(id)); failureIn(err).gone() {
		return seller.Receipt{}, taken(said, "the order was taken and is not in the list, and "+idText(id)+" is no service")
	}
	return s.receipt(id), nil
}

// taken returns the fault of a purchase that the remote accepted and does not show.
func taken(said *fault.Error, text string) *fault.Error {
	f := unclear(said, text)
	f.Accepted = true
	return f
}

func (s *sale) receipt(id int64) seller.Receipt {
	return seller.Receipt{ID: id, Charged: s.tariff.price(s.p.Months).Text, Delivered: s.tariff.name}
}

// said returns what the remote answered, as a fault that the outcome is told with.
func (s *sale) said(reply answer, sent error) *fault.Error {
	var f fault.Error
	switch {
	case sent != nil:
		f = *fault.From(faultOf(sent))
	case reply.failure != nil:
		f = *reply.failure.fault(s.step)
	default:
		text := "the answer is " + reply.classify()
		if sign := orderSign(reply); sign != "" {
			text = sign
		}
		f = *fault.Errorf(fault.Unclear, s.step, "%s (%s): %s", Title, s.step, text)
	}
	f.Type = fault.Unclear
	return &f
}

// named returns the id that the answer names: /doc/id, else /doc/doc/id (docs/reference/ispmanager.md §4.5). One that was
// there before is another order's.
func (s *sale) named(reply answer) int64 {
	if id := seller.ParseID(reply.value("id")); id > s.known {
		return id
	}
	return 0
}

// find looks for the order in the list: by our order reference, else by the id that the answer names, else, where the list
// does not show marks, by common name, date and being new (docs/reference/ispmanager.md §4.5, §4.6).
func (s *sale) find(ctx context.Context, reply answer) ([]row, error) {
	if s.p.Kind != seller.KindOrder { // a renewal makes no new service
		return nil, nil
	}
	rows, err := s.client.list(ctx)
	if err != nil {
		return nil, err
	}
	matches := map[rowMatch][]row{}
	for _, r := range rows {
		match := s.match(r, s.named(reply))
		matches[match] = append(matches[match], r)
	}
	if len(matches[contradictedMatch]) > 0 {
		s.contradicted = true
	}
	for _, match := range []rowMatch{markMatch, idMatch, nameMatch} {
		if group := matches[match]; len(group) > 0 {
			return group, nil
		}
	}
	return nil, nil
}

// rowMatch says by what a row of the list can be the order.
type rowMatch int

const (
	noMatch           rowMatch = iota
	markMatch                  // by our order reference
	idMatch                    // by the id that the answer names
	nameMatch                  // by common name, date and being new
	contradictedMatch          // the answer names its id, and the list shows another order under it (rules BUY-9)
)

// match returns by what the row can be the order; named is the id that the answer names.
func (s *sale) match(r row, named int64) rowMatch {
	name := s.p.Request.CSR.CommonName
	switch {
	case r.item.number == itemDeleted, r.id <= s.known:
		return noMatch
	case r.ref == s.p.OrderRef:
		return markMatch
	case r.ref != "": // another panel's or item's
		return noMatch
	case r.id == named && r.name != "" && r.name != name:
		return contradictedMatch
	case r.id == named:
		return idMatch
	case r.name == name && (r.created.IsZero() || !r.created.Before(s.client.today().AddDays(-1))):
		return nameMatch
	}
	return noMatch
}

func idsOf(rows []row) string {
	var ids []string
	for _, r := range rows {
		ids = append(ids, idText(r.id))
	}
	return strings.Join(ids, ", ")
}

// unpaid handles an order that the list shows as not paid for. It is given a moment, then it must not stay: the remote
// would charge it some day.
func (s *sale) unpaid(ctx context.Context, found row, said *fault.Error) (seller.Receipt, error) {
	if err := s.client.sleep(ctx, reconcileTime); err != nil {
		return seller.Receipt{}, unclear(said, "the order "+idText(found.id)+" is there and not paid for")
	}
	rows, err := s.client.list(ctx)
	if err != nil {
		return seller.Receipt{}, unclear(said, "the order "+idText(found.id)+" is there and not paid for")
	}
	for _, r := range rows {
		if r.id == found.id && r.item.number != itemUnpaid && r.item.number != itemDeleted {
			return s.receipt(r.id), nil
		}
	}
	if spent := s.spent(ctx); spent != "" {
		return seller.Receipt{}, unclear(said, "the order "+idText(found.id)+" is shown as not paid for, and "+spent)
	}
	return s.leaveNothing(ctx, []int64{found.id}, said)
}

// nothing returns a request that brought no success while the list shows no order. It is a definite refusal only where the
// remote says clearly that it did nothing, or where the money does not suffice and nothing lies in the basket.
func (s *sale) nothing(ctx context.Context, reply answer, sent error, said *fault.Error) (seller.Receipt, error) {
	if sent != nil { // the remote may still be at it
		return seller.Receipt{}, unclear(said, "the certificate may have been ordered or not")
	}
	left, err := s.inBasket(ctx)
	if err != nil {
		return seller.Receipt{}, unclear(said, "the certificate may have been ordered or not, and the basket could not be read")
	}
	if len(left) > 0 {
		return s.leaveNothing(ctx, nil, said)
	}
	if !reply.clean() && s.short() != "" && (s.basket != nil || orderSign(reply) == "") {
		if reply.failure == nil && paymentSign(reply) == "" { // it does not refuse in its own words (rules BUY-12)
			return seller.Receipt{}, refused(s.noMoney(said))
		}
		return seller.Receipt{}, s.noMoney(said)
	}
	if reply.failure.definite() {
		return seller.Receipt{}, reply.failure.fault(s.step)
	}
	if reply.finishes(s.step) {
		return seller.Receipt{}, taken(said, "the order was taken and is not in the list")
	}
	return seller.Receipt{}, unclear(said, "the certificate may have been ordered or not")
}

// definite types are refusals of what was sent, before anything is done with it (docs/reference/ispmanager.md §1.5).
func (f *failure) definite() bool {
	return f.is("value", "missed", "exists", "access", "auth", "wizard_unavailable", "promocode_not_use", "xml", "captcha_verification_failed")
}
