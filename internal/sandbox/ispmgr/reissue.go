package ispmgr

import "strconv"

// reissue handles the reissue of a service within its term, in place (docs/reference/ispmanager.md
// §7). The old leaf is shown until the new one is issued.
func reissue(c *call) answer {
	f, problem := c.reissueForm()
	switch {
	case problem != nil:
		return refused(problem)
	case !c.params.submits():
		return c.formAnswer(f)
	}
	if problem := c.checkContacts(f); problem != nil {
		return refused(problem)
	}
	item, _ := c.reissuable() // the form has found it
	p, _ := c.server.product(item.Pricelist)
	if problem := c.prepareCSR(p); problem != nil {
		return refused(problem)
	}
	if c.settings.ReissueStep {
		return c.next(c.settings.Functions.reissueParam(), c.reissueParamForm)
	}
	return c.reissueNow(item, p)
}

// reissueParam handles the second step of a reissue in two steps.
func reissueParam(c *call) answer {
	if !c.settings.ReissueStep {
		return refused(missed("func", c.get("func")))
	}
	f, problem := c.reissueParamForm()
	switch {
	case problem != nil:
		return refused(problem)
	case !c.params.submits():
		return c.formAnswer(f)
	}
	if problem := c.checkContacts(f); problem != nil {
		return refused(problem)
	}
	item, _ := c.reissuable() // the form has found it
	p, _ := c.server.product(item.Pricelist)
	return c.reissueNow(item, p)
}

// reissuable returns the service that the request wants to reissue. Type and object of the refusal
// are inferred.
func (c *call) reissuable() (*Certificate, *Problem) {
	item, problem := c.own()
	if problem != nil {
		return nil, problem
	}
	running := item.Status == Active || item.Status == Processing
	ended := item.ServiceStatus == Issued || item.ServiceStatus == Failed // a refused reissue may be repeated
	if !running || !ended || item.Certificate == "" || c.now.After(item.TermEnd) {
		return nil, badValue("elid", c.get("elid"))
	}
	return item, nil
}

func (c *call) reissueForm() (form, *Problem) {
	item, problem := c.reissuable()
	if problem != nil {
		return form{}, problem
	}
	f := form{function: c.settings.Functions.Reissue}
	f.add(field{name: "elid", value: strconv.FormatInt(item.ID, 10), hidden: true},
		field{name: "crt_type", value: keyGenerate, options: c.crtTypes(), required: true},
		field{name: "csr", value: item.CSR}, field{name: "altname", value: item.altNames()}, field{name: "altname_input"})
	if !c.settings.ReissueStep {
		f.add(c.approverFields(item.names(), item.Method, item.Domains)...)
		f.add(personFields(item.Params)...)
	}
	return c.withSentValues(c.withExtras(f)), nil
}

func (c *call) reissueParamForm() (form, *Problem) {
	item, problem := c.reissuable()
	if problem != nil {
		return form{}, problem
	}
	if c.get("crt_type") == "" || c.get("csr") == "" {
		return form{}, wizardUnavailable()
	}
	f := form{function: c.settings.Functions.reissueParam()}
	f.add(field{name: "elid", value: strconv.FormatInt(item.ID, 10), hidden: true})
	for _, name := range []string{"crt_type", "csr", "key", "altname", "altname_input"} {
		f.add(field{name: name, value: c.get(name), hidden: true})
	}
	names, problem := c.reissueNames(item)
	if problem != nil {
		return form{}, problem
	}
	f.add(c.approverFields(names, item.Method, item.Domains)...)
	f.add(personFields(item.Params)...)
	return c.withSentValues(c.withExtras(f)), nil
}

// reissueNames returns the names of the next leaf: those of the request, or those of the last leaf
// if the request has none.
func (c *call) reissueNames(item *Certificate) ([]string, *Problem) {
	p, _ := c.server.product(item.Pricelist)
	request, problem := c.readCSR(p)
	if problem != nil {
		return nil, problem
	}
	if request.CommonName != item.CommonName {
		return nil, badValue(c.settings.remoteName("csr"), c.get("csr"))
	}
	if _, given := c.params["altname"]; !given {
		c.params["altname"] = item.altNames()
	}
	names, problem := c.readNames(p, request.CommonName)
	if problem == nil && len(names) > len(item.Domains) && len(names)-1 > p.FreeNames {
		problem = badValue(c.settings.remoteName("altname"), c.get("altname")) // more names than are paid for
	}
	return names, problem
}

func (c *call) reissueNow(item *Certificate, p Product) answer {
	names, problem := c.reissueNames(item)
	if problem != nil {
		return refused(problem)
	}
	if c.get("approver_method") == "" {
		c.params["approver_method"] = item.Method
	}
	method, domains, problem := c.chosenMethod(names)
	if problem != nil {
		return refused(problem)
	}
	item.CSR, item.Key, item.Method, item.Domains = c.get("csr"), c.get("key"), method, domains
	for name, value := range c.contacts() {
		item.Params[name] = value
	}
	item.Vetted = item.Vetted || p.Level == DomainValidated
	c.server.request(item, "reopen", c.now)
	return success(node("ok"))
}
