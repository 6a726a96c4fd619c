package namecheap

import (
	"cmp"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"

	"pmssl/internal/sandbox/issuance"
)

// order is the checked content of a request to activate or reissue.
type order struct {
	csr          issuance.Request
	csrPEM       string
	domains      []Domain // the common name first
	adminEmail   string
	organization issuance.Organization
}

// The texts of refused wildcards (docs/reference/namecheap.md §3.2 and §3.12).
const (
	textNeedsWildcard  = "The CSR provided is invalid to generate a wildcard certificate. Please make sure that you generate a CSR with a Common Name (CN) that starts with '*.' (ex: *.yourdomain.com)"
	textNoWildcard     = "Invalid CSR - Wildcard not supported with this type of certificate."
	textNoWildcardHTTP = "Due to CA/B Forum regulations, HTTP DCV method is not allowed for Wildcard certificates"
	textBothMethods    = "Both File-Based and DNS-Based authentication can't be enabled"
)

// checkActivationFields checks presence, length and form of the parameters, whatever the product.
// The error codes are documented for some fields; for the others it uses 2013900.
func (c *call) checkActivationFields() {
	c.check(
		field{"CSR", "296", 32767, true},
		field{"AdminEmailAddress", "214", 255, c.server.settings.AdminEmailRequired},
		field{"WebServerType", "297", 50, false},
		field{"UniqueValue", "900", 20, false},
		field{"ApproverEmail", "295", 255, false},
		field{"DNSNames", "767", 32767, false},
		field{"DNSApproverEmails", "295", 32767, false},
		field{"AdminOrganizationName", "396", 255, false},
		field{"OrganizationDepartment", "900", 255, false},
		field{"AdminCountry", "326", 2, false},
		field{"AdminStateProvince", "326", 255, false},
		field{"AdminCity", "326", 255, false},
		field{"AdminAddress1", "326", 255, false},
		field{"AdminAddress2", "326", 255, false},
		field{"AdminPostalCode", "326", 255, false},
		field{"AdminPhone", "212", 32, false},
		field{"OrganizationDUNS", "900", 20, false},
		field{"CompanyIncorporationCountry", "667", 2, false},
		field{"CompanyIncorporationStateProvince", "900", 255, false},
		field{"CompanyIncorporationLocality", "900", 100, false},
		field{"CompanyIncorporationDate", "668", 100, false},
		field{"CompanyDBA", "900", 100, false},
		field{"CompanyRegistrationNumber", "900", 100, false},
		field{"OrganizationRepFirstName", "900", 60, false},
		field{"OrganizationRepLastName", "900", 60, false},
		field{"OrganizationRepTitle", "900", 60, false},
		field{"OrganizationRepPhone", "388", 255, false},
		field{"OrganizationRepEmailAddress", "900", 128, false},
	)
	if email := c.get("AdminEmailAddress"); email != "" && !validEmail(email) {
		c.problem("2011214", "Parameter AdminEmailAddress is Invalid")
	}
	http, dns := c.boolean("HTTPDCValidation"), c.boolean("DNSDCValidation")
	if http && dns {
		c.problem("2011784", textBothMethods)
	}
}

func validEmail(address string) bool {
	parsed, err := mail.ParseAddress(address)
	return err == nil && parsed.Address == address
}

// readOrder checks the CSR, the names, the methods of validation and, for OV and EV,
// the organisation. Limit is the number of names beside the common name.
func (c *call) readOrder(p product, limit int) (order, *APIError) {
	request, problem := c.readCSR(p)
	if problem != nil {
		return order{}, problem
	}
	o := order{csr: request, csrPEM: c.get("CSR"), adminEmail: c.get("AdminEmailAddress")}
	names, problem := c.extraNames(p, request.CommonName, limit)
	if problem != nil {
		return order{}, problem
	}
	if o.domains, problem = c.methods(p, request.CommonName, names); problem != nil {
		return order{}, problem
	}
	if o.organization, problem = c.organization(p, request); problem != nil {
		return order{}, problem
	}
	return o, nil
}

func (c *call) readCSR(p product) (issuance.Request, *APIError) {
	request, err := issuance.ParseRequest(c.get("CSR"))
	if err == nil {
		err = request.CheckKey()
	}
	if err != nil {
		return issuance.Request{}, &APIError{"3011296", "Invalid CSR. " + err.Error()}
	}
	isWildcard := strings.HasPrefix(request.CommonName, "*.")
	switch {
	case p.wildcard && !isWildcard:
		return issuance.Request{}, &APIError{"2011296", textNeedsWildcard}
	case !p.wildcard && isWildcard:
		return issuance.Request{}, &APIError{"2030296", textNoWildcard}
	}
	if err := issuance.CheckName(request.CommonName, p.wildcard); err != nil {
		return issuance.Request{}, &APIError{"3011296", fmt.Sprintf("Invalid CSR. Common Name %q: %v", request.CommonName, err)}
	}
	return request, nil
}

// extraNames reads DNSNames of a multi-domain product; other products ignore it.
func (c *call) extraNames(p product, commonName string, limit int) ([]string, *APIError) {
	names := splitList(strings.ToLower(c.get("DNSNames")))
	if !p.multi || len(names) == 0 {
		return nil, nil
	}
	if len(names) > limit {
		return nil, &APIError{"2010767", fmt.Sprintf("The additional domain names provided in DNSNames exceeded the purchased SANS.Only %d SANS can be activated for this certificate.", limit)}
	}
	seen := map[string]bool{commonName: true}
	for _, name := range names {
		if seen[name] {
			return nil, &APIError{"2014296", "Duplicate Values in Common Names detected.Each Common Name should have a unique value."}
		}
		seen[name] = true
		if err := issuance.CheckName(name, false); err != nil {
			return nil, &APIError{"2011767", fmt.Sprintf("The domain name %q in DNSNames cannot be secured: %v. IP addresses, internal names and unsupported TLDs are not allowed.", name, err)}
		}
	}
	return names, nil
}

// splitList splits a list at its commas and removes blanks around them, which
// occur in the documentation's own example. An empty text has no entries.
func splitList(text string) []string {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	entries := strings.Split(text, ",")
	for i := range entries {
		entries[i] = strings.TrimSpace(entries[i])
	}
	return entries
}

// methods returns the method of validation of each domain: one switch for all, or ApproverEmail for
// the common name and DNSApproverEmails for the others.
func (c *call) methods(p product, commonName string, names []string) ([]Domain, *APIError) {
	all := append([]string{commonName}, names...)
	switch {
	case c.boolean("DNSDCValidation"):
		return withMethod(all, ByDNS), nil
	case c.boolean("HTTPDCValidation") && p.wildcard:
		return nil, &APIError{"3011784", textNoWildcardHTTP}
	case c.boolean("HTTPDCValidation"):
		return withMethod(all, ByHTTP), nil
	}
	approvers, problem := c.approvers(p, names)
	if problem != nil {
		return nil, problem
	}
	domains := make([]Domain, len(all))
	for i, name := range all {
		domain, ok := c.server.parseApprover(name, approvers[i])
		if !ok && i == 0 {
			return nil, &APIError{"3011295", "Approver email is not valid"}
		}
		if !ok {
			return nil, &APIError{"3011295", "Approver email for the DomainName " + name + " is not valid.Please provide the dnsapprover emails in the same order of dnsnames."}
		}
		domains[i] = domain
	}
	return domains, nil
}

func (c *call) approvers(p product, names []string) ([]string, *APIError) {
	first, others := c.get("ApproverEmail"), splitList(c.get("DNSApproverEmails"))
	switch {
	case first == "":
		return nil, &APIError{"2010295", "Approver email is required"}
	case !p.multi && !strings.Contains(first, "@"):
		return nil, &APIError{"2011295", "Approver email is invalid"}
	case len(names) > 0 && len(others) == 0:
		return nil, &APIError{"2010295", "DNSApproverEmails is required"}
	case p.multi && len(others) != len(names):
		return nil, &APIError{"2010767", "The additional DNSNames and their corresponding approver emails are not equal"}
	}
	return append([]string{first}, others...), nil
}

// parseApprover reads one entry of ApproverEmail or DNSApproverEmails.
func (s *Server) parseApprover(name, approver string) (Domain, bool) {
	switch strings.ToUpper(approver) {
	case "HTTPCSRHASH":
		return Domain{Name: name, Method: ByHTTP}, true
	case "CNAMECSRHASH":
		return Domain{Name: name, Method: ByDNS}, true
	}
	fromWHOIS, generic := s.approverEmails(name)
	approver = strings.ToLower(approver)
	return Domain{Name: name, Method: ByEmail, Approver: approver}, slices.Contains(append(fromWHOIS, generic...), approver)
}

func withMethod(names []string, method Method) []Domain {
	domains := make([]Domain, len(names))
	for i, name := range names {
		domains[i] = Domain{Name: name, Method: method}
	}
	return domains
}

// organization checks what OV and EV need beyond the CSR (3.2) and returns the organisation; that of DV is empty.
func (c *call) organization(p product, request issuance.Request) (issuance.Organization, *APIError) {
	if p.level == domainValidated {
		return issuance.Organization{}, nil
	}
	name := c.get("AdminOrganizationName")
	if name == "" && len(request.Subject.Organization) > 0 {
		name = strings.TrimSpace(request.Subject.Organization[0])
	}
	if name == "" {
		return issuance.Organization{}, &APIError{"2010396", "Either CSR Organization or AdminOrganizationName must be specified"}
	}
	if p.level == extendedValidated {
		if problem := c.extendedFields(); problem != nil {
			return issuance.Organization{}, problem
		}
	}
	return issuance.Organization{
		Name: name, Country: c.get("AdminCountry"), State: c.get("AdminStateProvince"), Locality: c.get("AdminCity"),
		Street: c.get("AdminAddress1"), PostalCode: c.get("AdminPostalCode"),
		Registration:         cmp.Or(c.get("CompanyRegistrationNumber"), c.get("CompanyIncorporationDate")),
		IncorporationCountry: c.get("CompanyIncorporationCountry"), IncorporationState: c.get("CompanyIncorporationStateProvince"),
		IncorporationLocality: c.get("CompanyIncorporationLocality"),
	}, c.organizationForms()
}

func (c *call) extendedFields() *APIError {
	for _, required := range []string{"AdminAddress1", "AdminCity", "AdminStateProvince", "AdminCountry", "AdminPostalCode"} {
		if c.get(required) == "" {
			return &APIError{"2010326", "Parameter " + required + " is missing"}
		}
	}
	if c.get("CompanyIncorporationCountry") == "" {
		return &APIError{"2010667", "CompanyIncorporationCountry is Required for EV SSL certificates"}
	}
	date := c.get("CompanyIncorporationDate")
	if _, err := time.Parse(time.DateOnly, date); date != "" && err != nil {
		return &APIError{"2011668", "Parameter CompanyIncorporationDate is Invalid. Valid format is YYYY-MM-DD"}
	}
	return nil
}

func (c *call) organizationForms() *APIError {
	for _, name := range []string{"AdminCountry", "CompanyIncorporationCountry"} {
		if code := c.get(name); code != "" && !issuance.IsCountry(code) {
			return &APIError{"4011297", "Parameter " + name + " " + code + " is not a valid ISO 3166-1 alpha-2 country"}
		}
	}
	if _, err := number(c.get("OrganizationDUNS")); c.get("OrganizationDUNS") != "" && err != nil {
		return &APIError{"4011900", "OrganizationDUNS must be integer"}
	}
	for _, phone := range []field{{name: "AdminPhone", code: "2011212"}, {name: "OrganizationRepPhone", code: "2011388"}} {
		if value := c.get(phone.name); value != "" && !validPhone(value) {
			return &APIError{phone.code, "Parameter " + phone.name + " is Invalid"}
		}
	}
	return nil
}

// validPhone reports whether a number has the form +NNN.NNNNNNNNNN (docs/reference/namecheap.md
// §3.2).
func validPhone(value string) bool {
	country, rest, found := strings.Cut(strings.TrimPrefix(value, "+"), ".")
	_, countryErr := number(country)
	_, restErr := number(rest)
	return found && value[0] == '+' && country != "" && rest != "" && len(country) <= 3 && countryErr == nil && restErr == nil
}
