package ispmgr

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"pmssl/internal/sandbox/issuance"
)

// The wizard of an order keeps no state on the server: each step gets the values
// of the earlier steps as parameters (docs/reference/ispmanager.md §4.1).

// stepsAfterCSR returns the steps that follow the CSR, in their order.
func (c *call) stepsAfterCSR(p Product) []string {
	var steps []string
	if c.settings.ContactsStep {
		steps = append(steps, c.settings.Functions.Contacts)
	}
	if c.settings.OrganizationStep && p.Level != DomainValidated {
		steps = append(steps, c.settings.Functions.Organization)
	}
	return append(steps, c.settings.Functions.Param)
}

// answerStepAfter answers with the step that follows this one.
func (c *call) answerStepAfter(step string, p Product) answer {
	forms := map[string]func() (form, *Problem){
		c.settings.Functions.Contacts: c.contactsForm, c.settings.Functions.Organization: c.organizationForm, c.settings.Functions.Param: c.paramForm,
	}
	steps := c.stepsAfterCSR(p)
	for i, name := range steps {
		if name == step {
			return c.next(steps[i+1], forms[steps[i+1]])
		}
	}
	return c.next(steps[0], forms[steps[0]])
}

// next leads to a step in the form of this installation (1.3).
func (c *call) next(step string, make func() (form, *Problem)) answer {
	f, problem := make()
	if problem != nil {
		return refused(problem)
	}
	switch c.settings.WizardNext {
	case NextRedirect:
		target := url.Values{}
		for _, field := range f.fields {
			if field.value != "" && !field.readonly {
				target.Set(c.settings.remoteName(field.name), field.value)
			}
		}
		return redirect("func="+step+"&"+target.Encode(), c.generatedKey()...)
	case NextNested:
		content, metadata := c.formParts(f)
		return success(c.frame(step).plus(content...).plus(metadata...).plus(c.echo()), node("ok"))
	}
	return c.formAnswer(f)
}

// generatedKey returns the CSR and key that were generated at this step, or nil.
func (c *call) generatedKey() []element {
	if c.get("crt_type") != keyGenerate || c.get("key") == "" {
		return nil
	}
	return []element{textNode("csr", c.get("csr")), textNode("key", c.get("key"))}
}

const keyGenerate = "generate"

// csrFields returns the values that every later step carries.
func csrFields() []string {
	return []string{"crt_type", "csr", "key", "CN", "ST", "L", "O", "OU", "emailAddress", "altname", "altname_input", "field_country"}
}

func (c *call) csrForm() (form, *Problem) {
	p, problem := c.pricelist()
	if problem != nil {
		return form{}, problem
	}
	months, problem := c.period(p)
	if problem != nil {
		return form{}, problem
	}
	f := form{function: c.settings.Functions.CSR}
	f.add(field{name: "pricelist", value: strconv.FormatInt(p.ID, 10), hidden: true},
		field{name: "period", value: strconv.Itoa(months), options: periodOptions(p), required: true},
		field{name: "crt_type", value: keyGenerate, options: c.crtTypes(), required: true},
		field{name: "csr"}, field{name: "CN"}, field{name: "ST"}, field{name: "L"}, field{name: "O"}, field{name: "OU"}, field{name: "emailAddress"},
		field{name: "altname"}, field{name: "altname_input"},
		field{name: "field_country", value: c.settings.presetCountry(), options: c.settings.countries(), required: true})
	return c.withSentValues(c.withExtras(f)), nil
}

func periodOptions(p Product) []option {
	var list []option
	for _, months := range p.months() {
		list = append(list, periodOption(months))
	}
	return list
}

func (c *call) crtTypes() []option {
	return []option{
		{key: keyGenerate, text: c.text("Generate a request", "Сгенерировать запрос")},
		{key: c.settings.ExistingKey, text: c.text("Existing request", "Существующий запрос")},
	}
}

// stepCSR handles certificate.order.csr.
func stepCSR(c *call) answer {
	f, problem := c.csrForm()
	switch {
	case problem != nil:
		return refused(problem)
	case !c.params.submits():
		return c.formAnswer(f)
	}
	if problem := c.check(f); problem != nil {
		return refused(problem)
	}
	p, _ := c.pricelist() // csrForm has found it
	if problem := c.prepareCSR(p); problem != nil {
		return refused(problem)
	}
	return c.answerStepAfter(c.settings.Functions.CSR, p)
}

// prepareCSR generates the CSR or reads the given one, whose subject fills the fields that are
// empty (4.2).
func (c *call) prepareCSR(p Product) *Problem {
	if c.get("crt_type") == keyGenerate && c.get("csr") == "" {
		if problem := c.generate(); problem != nil {
			return problem
		}
	}
	request, problem := c.readCSR(p)
	if problem != nil {
		return problem
	}
	c.fillSubject(request)
	_, problem = c.readNames(p, request.CommonName)
	return problem
}

func (c *call) fillSubject(request issuance.Request) {
	first := func(list []string) string {
		if len(list) == 0 {
			return ""
		}
		return list[0]
	}
	s := request.Subject
	for name, value := range map[string]string{
		"CN": request.CommonName, "ST": first(s.Province), "L": first(s.Locality), "O": first(s.Organization), "OU": first(s.OrganizationalUnit),
		"emailAddress": first(request.EmailAddresses), "field_country": countryID(first(s.Country)),
	} {
		if c.get(name) == "" && value != "" {
			c.params[name] = value
		}
	}
}

// readCSR checks the CSR of a request as the panel does: only Latin letters, and a wildcard if and
// only if the product is one (4.1).
func (c *call) readCSR(p Product) (issuance.Request, *Problem) {
	text := c.get("csr")
	request, err := issuance.ParseRequest(text)
	if err == nil {
		err = request.CheckKey()
	}
	if err == nil {
		err = issuance.CheckName(request.CommonName, p.Wildcard)
	}
	if err != nil || p.Wildcard != strings.HasPrefix(request.CommonName, "*.") || !isLatin(request.Subject.String()) {
		return issuance.Request{}, badValue(c.settings.remoteName("csr"), text)
	}
	for _, name := range []string{"CN", "ST", "L", "O", "OU", "emailAddress"} {
		if !isLatin(c.get(name)) {
			return issuance.Request{}, badValue(c.settings.remoteName(name), c.get(name))
		}
	}
	if cn := c.get("CN"); cn != "" && !strings.EqualFold(cn, request.CommonName) {
		return issuance.Request{}, badValue(c.settings.remoteName("CN"), cn)
	}
	return request, nil
}

// isLatin is the panel's validator certificatelatin: it reports whether a text is printable ASCII.
func isLatin(text string) bool {
	for _, r := range text {
		if r > 0x7e || r < 0x20 {
			return false
		}
	}
	return true
}

// readNames returns all names of an order, the common name first. Further names are in altname and
// altname_input, separated by blanks.
func (c *call) readNames(p Product, commonName string) ([]string, *Problem) {
	names := []string{commonName}
	for _, parameter := range []string{"altname", "altname_input"} {
		for _, name := range strings.Fields(strings.ToLower(c.get(parameter))) {
			if slices.Contains(names, name) {
				continue
			}
			if issuance.CheckName(name, p.Wildcard) != nil || len(names) > p.MaxNames {
				return nil, badValue(c.settings.remoteName(parameter), name)
			}
			names = append(names, name)
		}
	}
	return names, nil
}
