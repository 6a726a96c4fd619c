package ispmgr

import (
	"strconv"
	"strings"

	"pmssl/internal/sandbox/issuance"
)

// contactFields are those of one person (ispmanager-billing-api 4.1).
func contactFields(prefix string, values map[string]string) []field {
	var list []field
	for _, name := range []string{"fname", "lname", "jtitle", "email", "phone"} {
		list = append(list, field{name: prefix + name, value: values[prefix+name], required: name != "jtitle"})
	}
	return list
}

func personFields(values map[string]string) []field {
	return append(contactFields("adm_", values), contactFields("tech_", values)...)
}

// organizationFields are those of OV and EV (4.3).
func (c *call) organizationFields(p Product, values map[string]string) []field {
	if p.Level == DomainValidated {
		return nil
	}
	list := []field{{name: "org_country", value: values["org_country"], options: c.settings.countries(), required: true}}
	for _, name := range []string{"org_name", "org_address", "org_city", "org_postcode", "org_phone"} {
		list = append(list, field{name: name, value: values[name], required: true})
	}
	for _, name := range []string{"org_incorporating_agency", "org_registration_number"} {
		list = append(list, field{name: name, value: values[name], required: p.Level == ExtendedValidated})
	}
	return append(list, field{name: "org_duns"}, field{name: "org_division"}, field{name: "org_state"})
}

// carried is the product of a step behind the CSR, and the values of the steps
// before it as hidden fields. Without them there is no such step.
func (c *call) carried(before ...[]field) (Product, []field, *Problem) {
	p, problem := c.pricelist()
	if problem != nil {
		return Product{}, nil, problem
	}
	months, problem := c.period(p)
	switch {
	case problem != nil:
		return Product{}, nil, problem
	case c.get("crt_type") == "" || c.get("csr") == "":
		return Product{}, nil, wizardUnavailable()
	}
	fields := []field{{name: "pricelist", value: strconv.FormatInt(p.ID, 10), hidden: true}, {name: "period", value: strconv.Itoa(months), hidden: true}}
	for _, name := range csrFields() {
		fields = append(fields, field{name: name, value: c.get(name), hidden: true})
	}
	for _, step := range before {
		for _, earlier := range step {
			if earlier.required && c.get(earlier.name) == "" {
				return Product{}, nil, wizardUnavailable()
			}
			fields = append(fields, field{name: earlier.name, value: c.get(earlier.name), hidden: true})
		}
	}
	return p, fields, nil
}

func (c *call) contactsForm() (form, *Problem) {
	_, carried, problem := c.carried()
	f := form{function: c.settings.Functions.Contacts, fields: append(carried, personFields(nil)...)}
	return c.laidOver(c.withExtras(f)), problem
}

func (c *call) organizationForm() (form, *Problem) {
	var before []field
	if c.settings.ContactsStep {
		before = personFields(nil)
	}
	p, carried, problem := c.carried(before)
	f := form{function: c.settings.Functions.Organization, fields: append(carried, c.organizationFields(p, nil)...)}
	return c.laidOver(c.withExtras(f)), problem
}

func stepContacts(c *call) answer { return c.step(c.contactsForm) }

func stepOrganization(c *call) answer { return c.step(c.organizationForm) }

// step is one between the CSR and the end.
func (c *call) step(make func() (form, *Problem)) answer {
	f, problem := make()
	switch {
	case problem != nil:
		return refused(problem)
	case !c.params.submits():
		return c.formAnswer(f)
	}
	if problem := c.checkPeople(f); problem != nil {
		return refused(problem)
	}
	p, _ := c.pricelist() // the form found it
	return c.follow(f.function, p)
}

// checkPeople checks a form with persons or an organisation: Latin letters
// alone, an address is an address (4.1).
func (c *call) checkPeople(f form) *Problem {
	if problem := c.check(f); problem != nil {
		return problem
	}
	for _, field := range f.fields {
		value := c.get(field.name)
		ofPerson := strings.HasPrefix(field.name, "adm_") || strings.HasPrefix(field.name, "tech_")
		badMail := ofPerson && strings.HasSuffix(field.name, "_email") && !strings.Contains(value, "@")
		if (ofPerson || strings.HasPrefix(field.name, "org_")) && (!isLatin(value) || badMail) {
			return badValue(c.settings.shownName(field.name), value)
		}
	}
	return nil
}

// paramForm is the last step: persons, where they had no step, and the proof.
func (c *call) paramForm() (form, *Problem) {
	p, problem := c.pricelist()
	if problem != nil {
		return form{}, problem
	}
	var before, here []field
	if c.settings.ContactsStep {
		before = append(before, personFields(nil)...)
	} else {
		here = append(here, personFields(nil)...)
	}
	if c.settings.OrganizationStep {
		before = append(before, c.organizationFields(p, nil)...)
	} else {
		here = append(here, c.organizationFields(p, nil)...)
	}
	_, fields, problem := c.carried(before)
	if problem != nil {
		return form{}, problem
	}
	request, problem := c.readCSR(p)
	if problem != nil {
		return form{}, problem
	}
	names, problem := c.readNames(p, request.CommonName)
	if problem != nil {
		return form{}, problem
	}
	months, _ := c.period(p) // carried checked it
	price, _ := p.price(months, len(names)-1)
	f := form{function: c.settings.Functions.Param, fields: append(fields, here...)}
	f.add(c.approverFields(names, c.settings.Methods[0], nil)...)
	f.add(field{name: "autoprolong", value: strconv.Itoa(months), options: autoProlongOptions(p)},
		field{name: "price", value: c.localMoney(price), readonly: true})
	return c.laidOver(c.withExtras(f)), nil
}

// autoProlongOptions: null switches it off (1.4).
func autoProlongOptions(p Product) []option {
	return append([]option{{key: "null", text: "--"}}, periodOptions(p)...)
}

// approverFields are the method of proof and, for each name, the address that
// may approve it (4.1, 4.4).
func (c *call) approverFields(names []string, method string, chosen []Domain) []field {
	fields := []field{{name: "approver_method", value: method, options: keysOnly(c.settings.Methods)}}
	for i, name := range names {
		mailboxes := issuance.Mailboxes(name)
		f := field{name: "approver_email_" + strconv.Itoa(i+1), value: mailboxes[0], options: keysOnly(mailboxes)}
		if i < len(chosen) && chosen[i].Approver != "" {
			f.value = chosen[i].Approver
		}
		fields = append(fields, f)
	}
	return fields
}

// chosenProof reads method and approvers; without a method it is auth_email.
// With another method the addresses do not count.
func (c *call) chosenProof(names []string) (method string, domains []Domain, problem *Problem) {
	if method = c.get("approver_method"); method == "" {
		method = "auth_email"
	}
	for i, name := range names {
		domain := Domain{Name: name}
		if methodKind(method) == kindEmail {
			parameter := "approver_email_" + strconv.Itoa(i+1)
			if domain.Approver = c.get(parameter); domain.Approver == "" {
				return "", nil, badValue(c.settings.shownName(parameter), "")
			}
		}
		if methodKind(method) == kindFile && strings.HasPrefix(name, "*.") {
			return "", nil, badValue(c.settings.shownName("approver_method"), method) // BR 3.2.2.4.18
		}
		domains = append(domains, domain)
	}
	return method, domains, nil
}
