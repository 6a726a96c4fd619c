package ispmgr

import (
	"strconv"
	"strings"
	"time"

	"pmssl/internal/sandbox/issuance"
)

// stepParam handles certificate.order.param, the step that buys
// (docs/reference/ispmanager.md §4.1, §4.5).
func stepParam(c *call) answer {
	f, problem := c.paramForm()
	switch {
	case problem != nil:
		return refused(problem)
	case !c.params.submits():
		return c.formAnswer(f)
	}
	if problem := c.checkContacts(f); problem != nil {
		return refused(problem)
	}
	p, _ := c.pricelist() // paramForm has found it
	draft, problem := c.draft(p)
	if problem != nil {
		return refused(problem)
	}
	price, _ := p.price(draft.Months, len(draft.Domains)-1)
	return c.buy(draft, price)
}

// draft returns the service that an order describes.
func (c *call) draft(p Product) (*Certificate, *Problem) {
	request, problem := c.readCSR(p)
	if problem != nil {
		return nil, problem
	}
	if country := c.get("field_country"); country != "" && countryCode(country) == "" {
		return nil, badValue(c.settings.remoteName("field_country"), country)
	}
	if kind := c.get("crt_type"); kind != keyGenerate && kind != c.settings.ExistingKey {
		return nil, badValue(c.settings.remoteName("crt_type"), kind)
	}
	names, problem := c.readNames(p, request.CommonName)
	if problem != nil {
		return nil, problem
	}
	method, domains, problem := c.chosenMethod(names)
	if problem != nil {
		return nil, problem
	}
	months, problem := c.period(p)
	if problem != nil {
		return nil, problem
	}
	autoProlong := c.get("autoprolong")
	if autoProlong == "" {
		autoProlong = strconv.Itoa(months) // the form's default: the service is renewed unless the client changes it
	}
	return &Certificate{
		Account: c.account.User, Pricelist: p.ID, Months: months, Status: Ordered, RemoteID: c.get("remoteid"), Project: c.get("project"),
		AutoProlong: autoProlong, Created: c.now, CSR: c.get("csr"), Key: c.get("key"), CommonName: request.CommonName,
		Domains: domains, Method: method, Params: c.contacts(),
	}, nil
}

// contacts returns the parameters of contacts and organisation.
func (c *call) contacts() map[string]string {
	kept := map[string]string{}
	for name, value := range c.params {
		if strings.HasPrefix(name, "adm_") || strings.HasPrefix(name, "tech_") || strings.HasPrefix(name, "org_") {
			kept[name] = value
		}
	}
	return kept
}

// buy charges the account and starts the order. Without enough money it does what Settings.Funds
// says.
func (c *call) buy(draft *Certificate, price Money) answer {
	if c.get("skipbasket") != "on" {
		draft.Basket = true
		c.server.add(draft)
		return redirect("func=order", billOrder(draft))
	}
	if c.account.Balance >= price {
		c.server.add(draft)
		c.charge(draft, price)
		c.server.start(draft, c.now)
		return c.orderAnswer(draft)
	}
	switch c.settings.Funds {
	case FundsPaymentURL:
		draft.Basket = true
		c.server.add(draft)
		return c.paymentURL(draft.BillOrder)
	case FundsUnpaid:
		c.server.add(draft)
		a := c.orderAnswer(draft)
		a.content = append(a.content[:len(a.content)-1], textNode("ok", "func=payment.add&billorder="+strconv.FormatInt(draft.BillOrder, 10)), billOrder(draft))
		return a
	}
	return refused(lowBalance(c.settings.FundsErrorType))
}

func billOrder(draft *Certificate) element {
	return textNode("billorder", strconv.FormatInt(draft.BillOrder, 10))
}

// paymentURL has the shape of wizard_submit_ok_url_RECORDED.
func (c *call) paymentURL(order int64) answer {
	number := strconv.FormatInt(order, 10)
	inner := c.frame("payment.add.method").plus(textNode("billorder", number), c.echo())
	ok := textNode("ok", "/mancgi/payment?billorder="+number).with("type", "url").with("on_blank_redirect_action", "func=payment")
	return success(inner, ok, textNode("billorder", number))
}

// orderAnswer returns the answer to an order; its last element is <ok/>.
func (c *call) orderAnswer(made *Certificate) answer {
	id := textNode("id", strconv.FormatInt(made.ID, 10))
	switch c.settings.OrderAnswer {
	case AnswerNestedID:
		return success(c.frame(c.get("func")).plus(id, c.echo()), node("ok"))
	case AnswerNone:
		return success(node("ok"))
	}
	return success(id, node("ok"))
}

// add gives the next id to a service and keeps it.
func (s *Server) add(c *Certificate) {
	c.ID, c.BillOrder = s.nextID, s.nextOrder
	s.nextID++
	s.nextOrder++
	s.certificates.Put(c.ID, c)
}

func (c *call) charge(to *Certificate, amount Money) {
	c.server.recordCharge(c.account, to, amount, c.get("func"), c.now)
}

// recordCharge records a payment. The caller has checked the balance.
func (s *Server) recordCharge(account *Account, to *Certificate, amount Money, command string, now time.Time) {
	account.Balance -= amount
	s.charges = append(s.charges, Charge{Time: now, Account: account.User, Command: command, CertificateID: to.ID,
		OrderID: to.BillOrder, Amount: amount, Balance: account.Balance})
}

// start submits a paid order to the authority.
func (s *Server) start(c *Certificate, now time.Time) {
	c.Basket, c.Created = false, now
	c.TermStart = now
	c.TermEnd = issuance.EndOfDay(issuance.AddMonths(now, c.Months)).Add(time.Duration(s.settings.TermOffsetDays) * issuance.Day)
	s.request(c, "open", now)
}

// request requests the next certificate of a service from the authority.
func (s *Server) request(c *Certificate, reason string, now time.Time) {
	c.Requested, c.ServiceStatus, c.Description = now, Requested, ""
	c.Asked++
	c.Renewed, c.Looks = 0, c.Looks.Next()
	c.Status, c.Reason = Processing, reason
	if reason == "own" || s.settings.OpenAtOrder {
		c.Status = Active
	}
	for i := range c.Domains {
		c.Domains[i].Proved = time.Time{}
	}
	if s.refusedByAuthority(c) {
		c.ServiceStatus, c.Description = Failed, "The order was refused by the certification authority."
		return
	}
	s.reuseValidations(c, now)
	s.issueDue(c, now)
}
