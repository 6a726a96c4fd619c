package namecheap

import (
	"slices"
	"strings"
)

// getApproverEmailList names the addresses that may approve a domain
// (namecheap-ssl-api.md 3.6). The texts for missing parameters follow the
// grammar of the codes (1.7), the page does not list them.
func getApproverEmailList(c *call) answer {
	c.check(field{"DomainName", "166", 70, true}, field{"CertificateType", "300", 50, true})
	if c.failed() {
		return c.refusal()
	}
	domain := strings.ToLower(c.get("DomainName"))
	if err := checkName(domain, true); err != nil {
		return failure("2011166", "DomainName is invalid")
	}
	if _, known := c.server.find(c.get("CertificateType"), c.now); !known {
		return failure("2011300", "CertificateType is invalid")
	}
	fromWHOIS, generic := c.server.approverEmails(domain)
	return success(node("GetApproverEmailListResult",
		node("Domainemails", emails(fromWHOIS)...), node("Genericemails", emails(generic)...)).with("Domain", c.get("DomainName")))
}

func emails(addresses []string) []element {
	var list []element
	for _, address := range addresses {
		list = append(list, textNode("email", address))
	}
	return list
}

// approverEmails: the five addresses of BR 3.2.2.4.4 at the domain and at each
// domain above it, up to the one that can be registered. WHOIS addresses are
// hidden nowadays.
func (s *Server) approverEmails(domain string) (fromWHOIS, generic []string) {
	domain = provedName(domain)
	registrable := domain
	for name := domain; ; {
		for _, mailbox := range []string{"admin", "administrator", "hostmaster", "postmaster", "webmaster"} {
			generic = append(generic, mailbox+"@"+name)
		}
		registrable = name
		_, parent, _ := strings.Cut(name, ".")
		if isPublicSuffix(parent) {
			break
		}
		name = parent
	}
	if s.settings.DomainEmails {
		fromWHOIS = []string{"owner@" + registrable}
	}
	return fromWHOIS, generic
}

// isPublicSuffix knows top-level domains and the common second-level ones; a
// stand-in needs no more.
func isPublicSuffix(name string) bool {
	second, top, nested := strings.Cut(name, ".")
	if !nested {
		return true
	}
	return len(top) == 2 && slices.Contains([]string{"co", "com", "net", "org", "gov", "ac", "edu"}, second)
}
