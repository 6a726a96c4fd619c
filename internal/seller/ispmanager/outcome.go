package ispmanager

import (
	"context"
	"strings"
	"time"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
)

// reconcileTime is how long an order that the list shows as unpaid has to be charged before it counts as unpaid.
const reconcileTime = 3 * time.Second

// outcome finds out the result of the request that pays. The list decides, not the answer: which error means
// "insufficient funds" is not known, and an ok with a redirect is not a success (docs/reference/ispmanager.md §4.5,
// §15.5).
func (s *orderRun) outcome(ctx context.Context, reply answer, sent error) (seller.Receipt, error) {
	if sent != nil && notSent(sent) {
		return seller.Receipt{}, faultOf(sent)
	}
	cause := s.faultOfAnswer(reply, sent)
	finished := sent == nil && reply.finishes(s.step)
	found, err := s.find(ctx, reply)
	if err == nil && len(found) > 0 {
		return s.listed(ctx, found, sent, cause)
	}
	if id := s.answerID(reply); id != 0 && finished && !s.contradicted { // the list may lag behind
		return s.byAnswerID(ctx, id, cause)
	}
	if err != nil {
		return seller.Receipt{}, markUnknown(cause, "the certificate may have been ordered or not, and the list could not be read ("+fault.From(err).Message+")")
	}
	return s.notListed(ctx, reply, sent, cause)
}

// listed returns the result of a request for which the list has at least one order.
func (s *orderRun) listed(ctx context.Context, found []row, sent error, cause *fault.Error) (seller.Receipt, error) {
	only := found[0]
	switch {
	case len(found) > 1:
		return seller.Receipt{}, markUnknown(cause, "the order may be one of several: "+idsOf(found))
	case only.item.number == itemUnpaid && sent != nil: // it may be paid soon
		return seller.Receipt{}, markUnknown(cause, "the order "+idText(only.id)+" exists and is not paid yet")
	case only.item.number == itemUnpaid:
		return s.unpaid(ctx, only, cause)
	}
	return s.receipt(only.id), nil
}

// byAnswerID uses the id of the answer for the order, unless the remote has no such service. That the answer's id is a
// service's is known for other types of services only (docs/reference/ispmanager.md §4.5), and a wrong id would later
// look like a deleted order.
func (s *orderRun) byAnswerID(ctx context.Context, id int64, cause *fault.Error) (seller.Receipt, error) {
	if _, err := s.client.read(ctx, functionEdit, element(id)); failureIn(err).notFound() {
		return seller.Receipt{}, acceptedFault(cause, "the order was accepted and is not in the list, and the id "+idText(id)+" does not exist")
	}
	return s.receipt(id), nil
}

// acceptedFault returns the fault of a purchase that the remote accepted and does not show.
func acceptedFault(cause *fault.Error, text string) *fault.Error {
	f := markUnknown(cause, text)
	f.Accepted = true
	return f
}

func (s *orderRun) receipt(id int64) seller.Receipt {
	return seller.Receipt{ID: id, Charged: s.tariff.price(s.p.Months).Text, Delivered: s.tariff.name}
}

// faultOfAnswer returns what the remote answered as a fault, which the result's fault is based on.
func (s *orderRun) faultOfAnswer(reply answer, sent error) *fault.Error {
	var f fault.Error
	switch {
	case sent != nil:
		f = *fault.From(faultOf(sent))
	case reply.failure != nil:
		f = *reply.failure.fault(s.step)
	default:
		text := "the answer is " + reply.summary()
		if sign := orderSign(reply); sign != "" {
			text = sign
		}
		f = *fault.Errorf(fault.Unclear, s.step, "%s (%s): %s", Title, s.step, text)
	}
	f.Type = fault.Unclear
	return &f
}

// answerID returns the id in the answer: /doc/id, else /doc/doc/id (docs/reference/ispmanager.md §4.5); 0 if it is an
// order from before.
func (s *orderRun) answerID(reply answer) int64 {
	if id := seller.ParseID(reply.value("id")); id > s.known {
		return id
	}
	return 0
}

// find searches the list for the order: by our order reference, else by the id in the answer, else, if the list does
// not show references, for a new order with the common name and date (docs/reference/ispmanager.md §4.5, §4.6).
func (s *orderRun) find(ctx context.Context, reply answer) ([]row, error) {
	if s.p.Kind != seller.KindOrder { // a renewal makes no new service
		return nil, nil
	}
	rows, err := s.client.list(ctx)
	if err != nil {
		return nil, err
	}
	matches := map[rowMatch][]row{}
	for _, r := range rows {
		match := s.match(r, s.answerID(reply))
		matches[match] = append(matches[match], r)
	}
	if len(matches[contradictedMatch]) > 0 {
		s.contradicted = true
	}
	for _, match := range []rowMatch{refMatch, idMatch, nameMatch} {
		if group := matches[match]; len(group) > 0 {
			return group, nil
		}
	}
	return nil, nil
}

// rowMatch says why a row of the list may be the order.
type rowMatch int

const (
	noMatch           rowMatch = iota
	refMatch                   // by our order reference
	idMatch                    // by the id that the answer names
	nameMatch                  // by common name, date and being new
	contradictedMatch          // the answer names its id, and in the list that id is another order (rules BUY-9)
)

// match returns why the row may be the order. named is the id in the answer.
func (s *orderRun) match(r row, named int64) rowMatch {
	name := s.p.Request.CSR.CommonName
	switch {
	case r.item.number == itemDeleted, r.id <= s.known:
		return noMatch
	case r.ref == s.p.OrderRef:
		return refMatch
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

// unpaid handles an order that the list shows as unpaid. If it is still unpaid after reconcileTime, it is deleted,
// because the remote would charge it later.
func (s *orderRun) unpaid(ctx context.Context, found row, cause *fault.Error) (seller.Receipt, error) {
	if err := s.client.sleep(ctx, reconcileTime); err != nil {
		return seller.Receipt{}, markUnknown(cause, "the order "+idText(found.id)+" exists and is not paid")
	}
	rows, err := s.client.list(ctx)
	if err != nil {
		return seller.Receipt{}, markUnknown(cause, "the order "+idText(found.id)+" exists and is not paid")
	}
	for _, r := range rows {
		if r.id == found.id && r.item.number != itemUnpaid && r.item.number != itemDeleted {
			return s.receipt(r.id), nil
		}
	}
	if spent := s.fundsSpent(ctx); spent != "" {
		return seller.Receipt{}, markUnknown(cause, "the order "+idText(found.id)+" is listed as unpaid, and "+spent)
	}
	return s.removeUnpaid(ctx, []int64{found.id}, cause)
}

// notListed returns the result of a request without success if the list has no order. It is a definite refusal only if
// the remote says clearly that it did nothing, or if the funds are insufficient and the basket is empty.
func (s *orderRun) notListed(ctx context.Context, reply answer, sent error, cause *fault.Error) (seller.Receipt, error) {
	if sent != nil { // the remote may still execute it
		return seller.Receipt{}, markUnknown(cause, "the certificate may have been ordered or not")
	}
	left, err := s.inBasket(ctx)
	if err != nil {
		return seller.Receipt{}, markUnknown(cause, "the certificate may have been ordered or not, and the basket could not be read")
	}
	if len(left) > 0 {
		return s.removeUnpaid(ctx, nil, cause)
	}
	if !reply.done() && s.missingFunds() != "" && (s.basket != nil || orderSign(reply) == "") {
		if reply.failure == nil && paymentSign(reply) == "" { // its own document has no refusal (rules BUY-12)
			return seller.Receipt{}, likelyRefused(s.insufficientFunds(cause))
		}
		return seller.Receipt{}, s.insufficientFunds(cause)
	}
	if reply.failure.definite() {
		return seller.Receipt{}, reply.failure.fault(s.step)
	}
	if reply.finishes(s.step) {
		return seller.Receipt{}, acceptedFault(cause, "the order was accepted and is not in the list")
	}
	return seller.Receipt{}, markUnknown(cause, "the certificate may have been ordered or not")
}

// definite reports whether the remote refused the request before it executed anything (docs/reference/ispmanager.md
// §1.5).
func (f *failure) definite() bool {
	return f.is("value", "missed", "exists", "access", "auth", "wizard_unavailable", "promocode_not_use", "xml", "captcha_verification_failed")
}
