package namecheap

import (
	"slices"

	"pmssl/internal/sandbox/issuance"
)

// activate submits a CSR and the methods of validation for a purchase (docs/reference/namecheap.md
// §3.2).
func activate(c *call) answer {
	found := c.target(10)
	c.checkActivationFields()
	if c.failed() {
		return c.refusal()
	}
	switch {
	case !found.waitsForActivation():
		return failure("4011331", "Status is InValid.")
	case c.now.After(found.ActivationExpires):
		return failure("4020294", "Activation period for this certificate has expired.")
	}
	// The purchase of a replaced product is issued as its successor (4).
	p := c.server.currentProduct(c.server.productOf(found), c.now)
	order, problem := c.readOrder(p, c.server.domainLimit(p, found))
	if problem != nil {
		return refused(problem)
	}
	return c.placeAndAnswer("SSLActivateResult", found, p, order)
}

// reissue orders another leaf within the paid term (3.8). It has a new id, which waits for
// validation; the old id turns "replaced" now or when the new leaf is issued.
func reissue(c *call) answer {
	old := c.target(10)
	c.checkActivationFields()
	if c.failed() {
		return c.refusal()
	}
	if old.Status != Active || c.server.reissueOf(old) != nil {
		return failure("4011331", "Status is InValid.")
	}
	p := c.server.currentProduct(c.server.productOf(old), c.now)
	order, problem := c.readOrder(p, c.server.domainLimit(p, old))
	if problem != nil {
		return refused(problem)
	}
	if order.adminEmail == "" {
		order.adminEmail = old.AdminEmail
	}
	next := &Certificate{
		Account: old.Account, OrderID: old.OrderID, TransactionID: old.TransactionID, ProviderOrderID: old.ProviderOrderID,
		Product: p.pricing, Years: old.Years, ExtraSANs: old.ExtraSANs, Created: c.now,
		Replaces: old.ID, RenewalOf: old.RenewalOf, RenewedBy: old.RenewedBy,
	}
	c.server.addCertificate(next)
	if c.server.settings.ReplacedAt == AtAcceptance {
		c.server.replace(old, next)
	}
	return c.placeAndAnswer("SSLReissueResult", next, p, order)
}

// reissueOf returns the reissue of a certificate that is not issued yet, or nil.
func (s *Server) reissueOf(old *Certificate) *Certificate {
	for _, next := range s.certificates.All() {
		if next.Replaces == old.ID && next.Status == Purchased {
			return next
		}
	}
	return nil
}

// domainLimit returns the number of names beside the common name that may be activated.
func (s *Server) domainLimit(p product, c *Certificate) int {
	return p.includedSANs() + c.ExtraSANs
}

// placeAndAnswer places an order and returns the answer to it.
func (c *call) placeAndAnswer(result string, target *Certificate, p product, o order) answer {
	blocks, err := c.place(target, p, o)
	switch {
	case err != nil:
		return unhandled(err)
	case target.Status == PurchaseError:
		return failure("3011295", "Error From Certificate Provider")
	}
	return success(isSuccess(result, target.ID).plus(blocks...))
}

// refusedByAuthority reports whether the authority refuses one of the domains.
func (s *Server) refusedByAuthority(domains []Domain) bool {
	for _, domain := range domains {
		if slices.Contains(s.settings.RefusedDomains, issuance.ValidationDomain(domain.Name)) {
			return true
		}
	}
	return false
}

// place submits a checked order to the authority and returns the values to publish.
func (c *call) place(target *Certificate, p product, o order) ([]element, error) {
	unique := c.get("UniqueValue")
	if unique == "" {
		made, err := c.server.uniqueValue(c.now)
		if err != nil {
			return nil, err
		}
		unique = made
	}
	if target.ProviderOrderID == 0 {
		target.ProviderOrderID = target.OrderID + 700_000_000
	}
	target.Product, target.Status, target.Description = p.pricing, Purchased, ""
	target.Activated, target.CSR, target.CommonName = c.now, o.csrPEM, o.csr.CommonName
	target.Domains, target.AdminEmail, target.UniqueValue = o.domains, o.adminEmail, unique
	target.Organization, target.WebServer = o.organization, c.get("WebServerType")
	target.Looks = target.Looks.Next()
	if c.server.refusedByAuthority(o.domains) {
		target.Status, target.Description = PurchaseError, "The order was refused by the certificate provider."
		return nil, nil
	}
	c.server.reuseValidations(target, c.now)
	blocks, err := c.server.challengeBlocks(target)
	if err != nil {
		return nil, err
	}
	c.server.issueDue(target, c.now)
	return blocks, nil
}

func (s *Server) challengeOf(c *Certificate) (issuance.Challenge, error) {
	suffix := s.settings.DCVSuffixComodo
	if s.productOf(c).sslcom() {
		suffix = s.settings.DCVSuffixSSLcom
	}
	return issuance.NewChallenge(c.CSR, c.UniqueValue, suffix)
}

// challengeBlocks returns the DCV values of activate and reissue: one DNS element per domain in the
// block of its method. A block without domains is left out. No answer to an e-mail-only activation
// was recorded; with EmailBlocks both blocks are present and say that they have no value (3.2).
func (s *Server) challengeBlocks(c *Certificate) ([]element, error) {
	values, err := s.challengeOf(c)
	if err != nil {
		return nil, err
	}
	http, dns := node("HttpDCValidation"), node("DNSDCValidation")
	for _, domain := range c.Domains {
		entry := node("DNS").with("domain", domain.Name)
		switch domain.Method {
		case ByHTTP:
			http = http.plus(entry.plus(cdataNode("FileName", values.FileName()), cdataNode("FileContent", values.FileContent())))
		case ByDNS:
			dns = dns.plus(entry.plus(cdataNode("HostName", values.HostName(domain.Name)), cdataNode("Target", values.Target())))
		}
	}
	var blocks []element
	for _, block := range []element{http, dns} {
		if len(block.children) > 0 {
			blocks = append(blocks, block.withBool("ValueAvailable", true))
		}
	}
	if blocks == nil && s.settings.EmailBlocks {
		return []element{http.withBool("ValueAvailable", false), dns.withBool("ValueAvailable", false)}, nil
	}
	return blocks, nil
}
