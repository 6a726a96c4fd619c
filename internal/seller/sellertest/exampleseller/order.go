package exampleseller

import (
	"context"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

// OrderSnapshot lists all orders. This seller answers with the whole list; for a list in pages use sellerhttp.ListWalk
// (rules BUY-10).
func (c *Client) OrderSnapshot(ctx context.Context) (seller.OrderSnapshot, error) {
	answer, err := c.ask(ctx, sellerhttp.Read, "list")
	if err != nil {
		return seller.OrderSnapshot{}, err
	}
	var snapshot seller.OrderSnapshot
	for _, one := range answer.All("order") {
		o := seller.OrderSummary{
			ID: idOf(one.Attr("id")), State: stateOf(one.Attr("state")), CommonName: one.Attr("name"), Type: one.Attr("product"), OrderRef: one.Attr("ref"),
		}
		snapshot.Highest = max(snapshot.Highest, o.ID)
		snapshot.Orders = append(snapshot.Orders, o)
	}
	return snapshot, nil
}

// OrderStatus returns the state of an order.
func (c *Client) OrderStatus(ctx context.Context, id int64) (seller.OrderStatus, error) {
	answer, err := c.ask(ctx, sellerhttp.Read, "status", "id", idText(id))
	if err != nil {
		return seller.OrderStatus{}, err
	}
	one := answer.Child("order")
	if idOf(one.Attr("id")) != id {
		return seller.OrderStatus{}, fault.Errorf(fault.Client, "status", "%s answers about another order than %d", Title, id)
	}
	status := seller.OrderStatus{
		ID: id, State: stateOf(one.Attr("state")), StatusText: one.Attr("state"), Type: one.Attr("product"), CommonName: one.Attr("name"), SANs: -1,
		CSR: one.Child("csr").Text(), Challenges: challengesIn(one),
	}
	if status.State != seller.StateIssued {
		return status, nil
	}
	certificate := one.Child("certificate").Text()
	if certificate == "" {
		status.State, status.CertificateMissing = seller.StateWaiting, true
		return status, nil
	}
	status.Expires, err = cabforum.ParseDate(one.Attr("expires"))
	if err != nil {
		return seller.OrderStatus{}, fault.Errorf(fault.Client, "status", "%s does not show when the certificate %d ends: %w", Title, id, err)
	}
	status.PEM = []string{certificate}
	return status, nil
}

// Challenges returns what to publish for an order that waits.
func (c *Client) Challenges(ctx context.Context, id int64, _ seller.Request) ([]seller.Challenge, error) {
	status, err := c.OrderStatus(ctx, id)
	return status.Challenges, err
}

// Reissue requests a certificate for another key. The order keeps its id.
func (c *Client) Reissue(ctx context.Context, id int64, r seller.Request) (int64, []seller.Challenge, error) {
	answer, err := c.call(ctx, sellerhttp.Once, "reissue", "id", idText(id), "csr", r.CSR.PEM, "method", methodName(r.Method))
	if err != nil {
		return 0, nil, sentOnceFault(err, "the certificate "+idText(id)+" may have been reissued or not")
	}
	return id, challengesIn(answer.Child("order")), nil
}

// stateOf returns the state for the seller's word. No decision is based on an unknown word.
func stateOf(text string) seller.State {
	switch text {
	case "pending":
		return seller.StateWaiting
	case "active":
		return seller.StateIssued
	case "rejected":
		return seller.StateRefused
	case "cancelled":
		return seller.StateCancelled
	}
	return seller.StateUnknown
}

// methodName returns the seller's name of a method; empty if the method is unknown.
func methodName(m seller.Method) string {
	switch m {
	case seller.MethodDNS:
		return "dns"
	case seller.MethodFile:
		return "file"
	case seller.MethodEmail:
		return "email"
	}
	return ""
}

func challengesIn(order *sellerhttp.Element) []seller.Challenge {
	var found []seller.Challenge
	for _, one := range order.All("challenge") {
		challenge := seller.Challenge{Domain: one.Attr("domain")}
		switch one.Attr("method") {
		case "dns":
			challenge.Method, challenge.Record = seller.MethodDNS, "TXT"
			challenge.Host, challenge.Target = one.Attr("host"), one.Attr("value")
		case "file":
			challenge.Method, challenge.URL, challenge.Body = seller.MethodFile, one.Attr("url"), one.Attr("value")
		case "email":
			challenge.Method, challenge.Email = seller.MethodEmail, one.Attr("email")
		}
		found = append(found, challenge)
	}
	return found
}
