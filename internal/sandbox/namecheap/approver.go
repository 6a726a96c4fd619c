package namecheap

import (
	"strings"

	"pmssl/internal/sandbox/issuance"
)

// getApproverEmailList lists the addresses that may approve a domain (docs/reference/namecheap.md
// §3.6). The texts for missing parameters are undocumented and follow the grammar of the codes
// (1.7).
func getApproverEmailList(c *call) answer {
	c.check(field{"DomainName", "166", 70, true}, field{"CertificateType", "300", 50, true})
	if c.failed() {
		return c.refusal()
	}
	domain := strings.ToLower(c.get("DomainName"))
	if err := issuance.CheckName(domain, true); err != nil {
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

// approverEmails returns the addresses that may approve a domain. Addresses from WHOIS are hidden
// nowadays, so there are none by default.
func (s *Server) approverEmails(domain string) (fromWHOIS, generic []string) {
	generic = issuance.Mailboxes(domain)
	if s.settings.DomainEmails {
		fromWHOIS = []string{"owner@" + issuance.Registrable(domain)}
	}
	return fromWHOIS, generic
}
