package ispmgr

import (
	"strconv"
	"strings"
	"time"

	"pmssl/internal/sandbox/ca"
	"pmssl/internal/sandbox/standin"
)

// own returns the service with the id in elid. The error is of type missed for an unknown id,
// access for a service of another account (docs/reference/ispmanager.md §1.5).
func (c *call) own() (*Certificate, *Problem) { return c.ownOf(c.get("elid")) }

// ownOf is like own for an id from another parameter.
func (c *call) ownOf(given string) (*Certificate, *Problem) {
	id, err := strconv.ParseInt(given, 10, 64)
	item := c.server.certificates.Get(id)
	switch {
	case err != nil || item == nil || item.Basket:
		return nil, missed("elid", given)
	case standin.AccountName(item.Account) != standin.AccountName(c.account.User):
		return nil, noAccess()
	case !c.isListed(item):
		return nil, missed("elid", given)
	}
	return item, nil
}

// edit handles certificate.edit: it shows all of a service, and its submit changes autoprolong and
// the approvers (5, 8).
func edit(c *call) answer {
	item, problem := c.own()
	if problem != nil {
		return refused(problem)
	}
	f := c.editForm(item)
	if !c.params.submits() {
		return c.formAnswer(f)
	}
	if problem := c.check(f); problem != nil {
		return refused(problem)
	}
	if item.Status == Deleted {
		return refused(noAccess())
	}
	if problem := c.changeMethod(item); problem != nil {
		return refused(problem)
	}
	if value := c.get("autoprolong"); value != "" {
		item.AutoProlong = value
	}
	return success(node("ok"))
}

// changeMethod sets another method or other approvers for a running order.
func (c *call) changeMethod(item *Certificate) *Problem {
	_, method := c.params["approver_method"]
	_, email := c.params["approver_email_1"]
	if !item.isWaiting() || !method && !email {
		return nil
	}
	if c.get("approver_method") == "" {
		c.params["approver_method"] = item.Method
	}
	chosen, domains, problem := c.chosenMethod(item.names())
	if problem != nil {
		return problem
	}
	for i := range domains {
		domains[i].Proved = item.Domains[i].Proved
	}
	item.Method, item.Domains = chosen, domains
	return nil
}

func (c *call) editForm(item *Certificate) form {
	p, _ := c.server.product(item.Pricelist)
	f := form{function: "certificate.edit"}
	readonly := func(name, value string) { f.add(field{name: name, value: value, readonly: true}) }
	f.add(field{name: "elid", value: strconv.FormatInt(item.ID, 10), hidden: true})
	readonly("CN", item.CommonName)
	readonly("pricelist", strconv.FormatInt(item.Pricelist, 10))
	readonly("period", strconv.Itoa(item.Months))
	readonly("createdate", dateOf(item.Created))
	for _, e := range c.expiry(item) {
		readonly(e.name, e.text)
	}
	if c.settings.ServiceStatusInEdit {
		readonly("service_status", strconv.Itoa(int(item.ServiceStatus)))
	}
	if !c.settings.HideRemoteID {
		readonly("remoteid", item.RemoteID)
	}
	f.add(field{name: "autoprolong", value: item.AutoProlong, options: autoProlongOptions(p)})
	c.addValidation(&f, item)
	readonly("csr", item.CSR)
	if c.settings.CertificateIn != InDownload {
		readonly("crt", c.server.encodedText(item))
	}
	f.add(personFields(item.Params)...)
	for i := range f.fields {
		f.fields[i].required = false // a value that is not sent is kept
	}
	return c.withExtras(f)
}

// addValidation adds the method of validation and the values to publish (4.4).
func (c *call) addValidation(f *form, item *Certificate) {
	if item.isWaiting() {
		f.add(c.approverFields(item.names(), item.Method, item.Domains)...)
	} else {
		f.add(field{name: "approver_method", value: item.Method, options: keysOnly(c.settings.Methods)})
	}
	f.add(field{name: "approver_email", value: item.approvers(), readonly: true})
	f.add(field{name: "altname", value: item.altNames(), readonly: true})
	if c.settings.HideChallenges || !item.isWaiting() {
		return
	}
	names, values := c.server.challenges(item)
	if values != "" {
		f.add(field{name: item.Method + "_name", value: names, readonly: true}, field{name: item.Method + "_value", value: values, readonly: true})
	}
	f.add(field{name: "domains_list", value: strings.Join(item.names(), ","), readonly: true})
}

// remove handles certificate.delete, a function of a group: elid may name several services (8). It
// acts at once unless this installation requires sok.
func remove(c *call) answer {
	if !c.account.AllowDelete {
		return refused(noAccess())
	}
	if c.settings.DeleteNeedsSok && !c.params.submits() {
		return c.formAnswer(form{function: c.get("func"), fields: []field{{name: "elid", value: c.get("elid"), hidden: true}}})
	}
	var items []*Certificate
	for elid := range strings.SplitSeq(c.get("elid"), ",") {
		c.params["elid"] = elid
		item, problem := c.own()
		if problem == nil && item.Status == Deleted {
			problem = missed("elid", elid)
		}
		if problem != nil {
			return refused(problem)
		}
		items = append(items, item)
	}
	for _, item := range items {
		if err := c.server.end(item, c.now); err != nil {
			return refused(internalError(err))
		}
	}
	return success(node("ok"))
}

// end deletes a service, and the authority revokes its leaves. That it does is inferred.
func (s *Server) end(item *Certificate, at time.Time) error {
	s.drop(item, at)
	return s.RevokeForOrder(at, ca.CessationOfOperation, item.Serials...)
}

// drop deletes a service. A service that was never ordered disappears from the list.
func (s *Server) drop(item *Certificate, at time.Time) {
	item.Status, item.Reason, item.Removed = Deleted, "", at
}
