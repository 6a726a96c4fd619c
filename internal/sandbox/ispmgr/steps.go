package ispmgr

import (
	"strconv"
	"strings"

	"pmssl/internal/sandbox/issuance"
)

// contactFields returns the fields of one person (docs/reference/ispmanager.md §4.1).
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

// organizationFields returns the fields of OV and EV (4.3).
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

// carriedFields returns the product of a step after the CSR, and the values of the earlier steps as
// hidden fields. Without them the step is refused.
func (c *call) carriedFields(before ...[]field) (Product, []field, *Problem) {
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
	_, carried, problem := c.carriedFields()
	f := form{function: c.settings.Functions.Contacts, fields: append(carried, personFields(nil)...)}
	return c.withSentValues(c.withExtras(f)), problem
}

func (c *call) organizationForm() (form, *Problem) {
	var before []field
	if c.settings.ContactsStep {
		before = personFields(nil)
	}
	p, carried, problem := c.carriedFields(before)
	f := form{function: c.settings.Functions.Organization, fields: append(carried, c.organizationFields(p, nil)...)}
	return c.withSentValues(c.withExtras(f)), problem
}

func stepContacts(c *call) answer { return c.step(c.contactsForm) }

func stepOrganization(c *call) answer { return c.step(c.organizationForm) }

// step handles a step between the CSR and the last one.
func (c *call) step(make func() (form, *Problem)) answer {
	f, problem := make()
	switch {
	case problem != nil:
		return refused(problem)
	case !c.params.submits():
		return c.formAnswer(f)
	}
	if problem := c.checkContacts(f); problem != nil {
		return refused(problem)
	}
	p, _ := c.pricelist() // the form has found it
	return c.answerStepAfter(f.function, p)
}

// checkContacts checks a form with persons or an organisation: only Latin letters, and e-mail
// addresses must contain "@" (4.1).
func (c *call) checkContacts(f form) *Problem {
	if problem := c.check(f); problem != nil {
		return problem
	}
	for _, field := range f.fields {
		value := c.get(field.name)
		ofPerson := strings.HasPrefix(field.name, "adm_") || strings.HasPrefix(field.name, "tech_")
		badMail := ofPerson && strings.HasSuffix(field.name, "_email") && !strings.Contains(value, "@")
		if (ofPerson || strings.HasPrefix(field.name, "org_")) && (!isLatin(value) || badMail) {
			return badValue(c.settings.remoteName(field.name), value)
		}
	}
	return nil
}

// paramForm returns the last step: persons, if they had no step of their own, and the method of
// validation.
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
	_, fields, problem := c.carriedFields(before)
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
	months, _ := c.period(p) // carriedFields has checked it
	price, _ := p.price(months, len(names)-1)
	f := form{function: c.settings.Functions.Param, fields: append(fields, here...)}
	f.add(c.approverFields(names, c.settings.Methods[0], nil)...)
	f.add(field{name: "autoprolong", value: strconv.Itoa(months), options: autoProlongOptions(p)},
		field{name: "price", value: c.localMoney(price), readonly: true})
	return c.withSentValues(c.withExtras(f)), nil
}

// autoProlongOptions returns the periods and null, which switches autoprolong off (1.4).
func autoProlongOptions(p Product) []option {
	return append([]option{{key: "null", text: "--"}}, periodOptions(p)...)
}

// approverFields returns the method of validation and, for each name, the address that may approve
// it (4.1, 4.4).
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

// chosenMethod reads the method and the approvers. The default is auth_email; other methods ignore
// the addresses.
func (c *call) chosenMethod(names []string) (method string, domains []Domain, problem *Problem) {
	if method = c.get("approver_method"); method == "" {
		method = "auth_email"
	}
	for i, name := range names {
		domain := Domain{Name: name}
		if methodKind(method) == kindEmail {
			parameter := "approver_email_" + strconv.Itoa(i+1)
			if domain.Approver = c.get(parameter); domain.Approver == "" {
				return "", nil, badValue(c.settings.remoteName(parameter), "")
			}
		}
		if methodKind(method) == kindFile && strings.HasPrefix(name, "*.") {
			return "", nil, badValue(c.settings.remoteName("approver_method"), method) // BR 3.2.2.4.18
		}
		domains = append(domains, domain)
	}
	return method, domains, nil
}
