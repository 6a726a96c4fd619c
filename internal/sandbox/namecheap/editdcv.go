package namecheap

import (
	"strings"

	"pmssl/internal/sandbox/issuance"
)

// editDCVMethod changes the methods of validation, or retries the same method
// (docs/reference/namecheap.md §3.12). Its method names and its blocks differ from those of
// activate.
func editDCVMethod(c *call) answer {
	c.check(field{"DCVMethod", "294", 255, false}, field{"DNSNames", "294", 3500, false}, field{"DCVMethods", "294", 3500, false})
	found := c.target(10)
	if c.failed() {
		return c.refusal()
	}
	if found.Status != Purchased {
		return failure("2011331", "Status is Invalid")
	}
	p := c.server.productOf(found)
	changes, problem := c.dcvChanges(p, found)
	if problem != nil {
		return refused(problem)
	}
	set := make([]element, 0, len(changes))
	for _, change := range changes {
		change.apply(found)
		set = append(set, node("Domains").with("Name", change.domain.Name).withBool("IsSuccess", true).with("DCVMethodSet", change.asked))
	}
	if !p.multi {
		set = nil
	}
	if err := c.server.lookAgain(found, c.now); err != nil {
		return unhandled(err)
	}
	values, err := c.server.challengeOf(found)
	if err != nil {
		return unhandled(err)
	}
	return success(isSuccess("SSLEditDCVMethodResult", found.ID).plus(
		httpBlock(values, found), dnsBlock(values, found), node("Domains", set...)))
}

// dcvChange is one domain with its new method.
type dcvChange struct {
	index  int
	domain Domain
	asked  string
}

func (change dcvChange) apply(c *Certificate) {
	change.domain.Proved = c.Domains[change.index].Proved
	c.Domains[change.index] = change.domain
}

func (c *call) dcvChanges(p product, found *Certificate) ([]dcvChange, *APIError) {
	method, names, methods := c.get("DCVMethod"), splitList(strings.ToLower(c.get("DNSNames"))), splitList(c.get("DCVMethods"))
	switch {
	case method == "" && names == nil && methods == nil:
		return nil, &APIError{"2010784", "Insufficient data to edit dcvalidation method"}
	case method != "" && (names != nil || methods != nil):
		return nil, &APIError{"2011784", "DNSNames or DCVMethods cannot be sent along with DCVMethod"}
	case !p.multi && method == "":
		return nil, &APIError{"2010784", "DCVMethod is missing to edit dcv method for this single domain certificate"}
	case p.multi && (names == nil || methods == nil):
		return nil, &APIError{"2010784", "DNSNames or DCVMethods is missing to edit dcv method for this multi domain certificate"}
	case !p.multi:
		names, methods = []string{found.CommonName}, []string{method}
	case len(names) != len(methods):
		return nil, &APIError{"2010767", "The DNSNames and their corresponding DCVMethods are not equal"}
	}
	changes := make([]dcvChange, len(names))
	for i, name := range names {
		change, problem := c.dcvChange(p, found, name, methods[i])
		if problem != nil {
			return nil, problem
		}
		changes[i] = change
	}
	return changes, nil
}

func (c *call) dcvChange(p product, found *Certificate, name, method string) (dcvChange, *APIError) {
	for i, domain := range found.Domains {
		if domain.Name != name {
			continue
		}
		changed, ok := c.server.parseEditMethod(name, method)
		switch {
		case ok && changed.Method == ByHTTP && p.wildcard:
			return dcvChange{}, &APIError{"3011784", textNoWildcardHTTP}
		case !ok && p.multi:
			return dcvChange{}, &APIError{"3011784", "DCVMethod for the DomainName " + name + " is not valid.Please provide valid DCVMethod in DCVMethods parameter for this DomainName"}
		case !ok:
			return dcvChange{}, &APIError{"3011295", "DCVMethod is invalid"}
		}
		return dcvChange{i, changed, method}, nil
	}
	return dcvChange{}, &APIError{"2011767", "There is no dnsnames or mismatch in the dnsnames provided during previous activation.Please check dnsnames and try again."}
}

// parseEditMethod reads a method in the spelling of editDCVMethod: HTTP_CSR_HASH and
// CNAME_CSR_HASH, where activate has HTTPCSRHASH and CNAMECSRHASH (0.7).
func (s *Server) parseEditMethod(name, method string) (Domain, bool) {
	switch strings.ToUpper(method) {
	case "HTTP_CSR_HASH":
		return Domain{Name: name, Method: ByHTTP}, true
	case "CNAME_CSR_HASH":
		return Domain{Name: name, Method: ByDNS}, true
	case "HTTPCSRHASH", "CNAMECSRHASH":
		return Domain{}, false
	}
	return s.parseApprover(name, method)
}

// firstWith returns the first domain with a method of validation.
func (c *Certificate) firstWith(method Method) (string, bool) {
	for _, domain := range c.Domains {
		if domain.Method == method {
			return domain.Name, true
		}
	}
	return "", false
}

func httpBlock(challenge issuance.Challenge, c *Certificate) element {
	fileName, content := "", ""
	_, used := c.firstWith(ByHTTP)
	if used {
		fileName, content = challenge.FileName(), challenge.FileContent()
	}
	return node("HttpDCValidation", cdataNode("FileName", fileName), cdataNode("FileContent", content)).withBool("ValueAvailable", used)
}

func dnsBlock(challenge issuance.Challenge, c *Certificate) element {
	host, target := "", ""
	domain, used := c.firstWith(ByDNS)
	if used {
		host, target = challenge.HostName(domain), challenge.Target()
	}
	return node("DNSDCValidation", cdataNode("HostName", host), cdataNode("Target", target)).withBool("ValueAvailable", used)
}
