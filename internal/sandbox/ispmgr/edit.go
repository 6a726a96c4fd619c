package ispmgr

import (
	"strconv"
	"strings"
	"time"

	"pmssl/internal/sandbox/standin"
)

// own finds the service that elid names: missed for one that is not there,
// access for one of another account (ispmanager-billing-api 1.5).
func (c *call) own() (*Certificate, *Problem) { return c.ownOf(c.get("elid")) }

// ownOf is own for an id that another parameter gives.
func (c *call) ownOf(given string) (*Certificate, *Problem) {
	id, err := strconv.ParseInt(given, 10, 64)
	item := c.server.certificates.Get(id)
	switch {
	case err != nil || item == nil || item.Basket:
		return nil, missed("elid", given)
	case standin.AccountName(item.Account) != standin.AccountName(c.account.User):
		return nil, noAccess()
	case !c.listed(item):
		return nil, missed("elid", given)
	}
	return item, nil
}

// edit is certificate.edit: what there is to know about a service, and the
// submit of autoprolong and of the approvers (5, 8).
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
	if problem := c.changeProof(item); problem != nil {
		return refused(problem)
	}
	if value := c.get("autoprolong"); value != "" {
		item.AutoProlong = value
	}
	return success(node("ok"))
}

// changeProof takes another method or other approvers for a running order.
func (c *call) changeProof(item *Certificate) *Problem {
	_, method := c.params["approver_method"]
	_, email := c.params["approver_email_1"]
	if !item.waits() || !method && !email {
		return nil
	}
	if c.get("approver_method") == "" {
		c.params["approver_method"] = item.Method
	}
	chosen, domains, problem := c.chosenProof(item.names())
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
	c.addProof(&f, item)
	readonly("csr", item.CSR)
	if c.settings.CertificateIn != InDownload {
		readonly("crt", c.server.encodedText(item))
	}
	f.add(personFields(item.Params)...)
	for i := range f.fields {
		f.fields[i].required = false // what an edit does not send stays
	}
	return c.withExtras(f)
}

// addProof adds the method of proof and what is to be published (4.4).
func (c *call) addProof(f *form, item *Certificate) {
	if item.waits() {
		f.add(c.approverFields(item.names(), item.Method, item.Domains)...)
	} else {
		f.add(field{name: "approver_method", value: item.Method, options: keysOnly(c.settings.Methods)})
	}
	f.add(field{name: "approver_email", value: item.approvers(), readonly: true})
	f.add(field{name: "altname", value: item.altNames(), readonly: true})
	if c.settings.HideChallenges || !item.waits() {
		return
	}
	names, values := c.server.proofs(item)
	if values != "" {
		f.add(field{name: item.Method + "_name", value: names, readonly: true}, field{name: item.Method + "_value", value: values, readonly: true})
	}
	f.add(field{name: "domains_list", value: strings.Join(item.names(), ","), readonly: true})
}

// remove is certificate.delete, a function of a group: elid may name several
// (8). It acts at once unless this installation wants sok.
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
		c.server.drop(item, c.now)
	}
	return success(node("ok"))
}

// drop ends a service. What never was ordered leaves no trace in the list.
func (s *Server) drop(item *Certificate, at time.Time) {
	item.Status, item.Reason, item.Removed = Deleted, "", at
}
