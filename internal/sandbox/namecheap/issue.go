package namecheap

import (
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"strings"
	"time"

	"pmssl/internal/sandbox/ca"
	"pmssl/internal/sandbox/issuance"
)

const day = 24 * time.Hour

// leafValidity is the first and the last second of a leaf issued at an instant.
func (s *Server) leafValidity(issued time.Time) (notBefore, notAfter time.Time) {
	days := s.settings.LeafDays
	if days == 0 {
		days = issuance.LimitsAt(issued).LeafDays - s.settings.LeafMarginDays
	}
	return issuance.Validity(issued, days, s.settings.NotBefore == FromMidnight)
}

// term is what the customer paid for: it starts with the first leaf of the
// lineage and ends with the day on which so many years are over. A renewal
// that is activated in time gets the unused days of the old term
// (namecheap-ssl-api.md 2).
func (s *Server) term(c *Certificate, issued time.Time) (start, end time.Time) {
	if old := s.certificates[c.Replaces]; old != nil {
		return old.TermStart, old.TermEnd
	}
	end = issuance.EndOfDay(issuance.AddMonths(issued, 12*c.Years)).Add(time.Duration(s.settings.TermOffsetDays) * day)
	if old := s.certificates[c.RenewalOf]; old != nil && c.Activated.Before(old.TermEnd) {
		end = issuance.EndOfDay(end.Add(old.TermEnd.Sub(issued)))
	}
	return issued, end
}

var errTermOver = errors.New("the paid term is over")

// issue signs the leaf of a certificate and makes it active.
func (s *Server) issue(c *Certificate, at time.Time) error {
	request, err := issuance.ParseRequest(c.CSR)
	if err != nil {
		return fmt.Errorf("certificate %d: %w", c.ID, err)
	}
	notBefore, notAfter := s.leafValidity(at)
	start, end := s.term(c, at)
	if s.settings.WithinTerm && notAfter.After(end) {
		notAfter = end
	}
	if !notAfter.After(at) {
		return fmt.Errorf("certificate %d: %w", c.ID, errTermOver)
	}
	p := s.productOf(c)
	leaf, err := s.ca.Sign(ca.Request{
		CSR: request.CertificateRequest, Subject: subject(p, c, request), DNSNames: s.leafNames(p, c),
		Policies: issuance.Policies(string(p.level)), NotBefore: notBefore, NotAfter: notAfter,
	})
	if err != nil {
		return fmt.Errorf("certificate %d: %w", c.ID, err)
	}
	c.Certificate, c.Serial = ca.EncodePEM(leaf), fmt.Sprintf("%x", leaf.SerialNumber)
	c.NotBefore, c.NotAfter, c.TermStart, c.TermEnd = leaf.NotBefore, leaf.NotAfter, start, end
	c.Status, c.Description = Active, "Certificate is Active."
	if old := s.certificates[c.Replaces]; old != nil {
		s.replace(old, c)
	}
	return nil
}

// replace marks the old id of a reissue.
func (s *Server) replace(old, by *Certificate) {
	old.ReplacedBy, old.Status, old.Description = by.ID, Replaced, ""
}

// leafNames are the subject alternative names: a single-domain product covers
// the name with and without "www.", a wildcard its bare domain.
func (s *Server) leafNames(p product, c *Certificate) []string {
	names := make([]string, 0, len(c.Domains)+1)
	for _, domain := range c.Domains {
		names = append(names, domain.Name)
	}
	if !s.settings.AddWWW || p.multi {
		return names
	}
	if bare, ok := strings.CutPrefix(c.CommonName, "*."); ok {
		return append(names, bare)
	}
	if bare, ok := strings.CutPrefix(c.CommonName, "www."); ok && strings.Contains(bare, ".") {
		return append(names, bare)
	}
	return append(names, "www."+c.CommonName)
}

// subject holds the common name only for domain validation (BR 7.1.2.7.2).
func subject(p product, c *Certificate, request issuance.Request) pkix.Name {
	name := pkix.Name{CommonName: c.CommonName}
	if len(name.CommonName) > 64 { // RFC 5280 appendix A, ub-common-name
		name.CommonName = ""
	}
	if p.level != domainValidated {
		name.Organization = []string{c.Organization}
		name.Country = request.Subject.Country
	}
	return name
}

// settle does what happened since the last look by the passing of time alone:
// automatic issues and ends. It is called before each command.
func (s *Server) settle(now time.Time) {
	for _, id := range s.order {
		c := s.certificates[id]
		s.settleProofs(c, now)
		s.settleEnd(c, now)
	}
}

func (s *Server) settleProofs(c *Certificate, now time.Time) {
	if c.Status != Purchased {
		return
	}
	if wait := s.settings.AutoIssueSeconds; wait >= 0 {
		if due := c.Activated.Add(time.Duration(wait) * time.Second); !due.After(now) {
			s.proveAll(c, due)
			c.Vetted = true
			s.issueIfReady(c, due)
			return
		}
	}
	s.issueIfReady(c, now)
}

func (s *Server) settleEnd(c *Certificate, now time.Time) {
	if c.Status == Active && now.After(s.end(c, s.settings.ExpiredAt)) {
		c.Status, c.Description = Expired, ""
	}
}

// end is the last second of the leaf or of the paid term.
func (s *Server) end(c *Certificate, meaning string) time.Time {
	if meaning == MeansTerm && !c.TermEnd.IsZero() {
		return c.TermEnd
	}
	return c.NotAfter
}

// issueIfReady issues once every domain is proved and, for OV and EV, the
// organisation is vetted. Where the authority cannot, it refuses.
func (s *Server) issueIfReady(c *Certificate, at time.Time) {
	if c.Status != Purchased || !c.allProved() {
		return
	}
	if s.productOf(c).level != domainValidated && s.settings.Vetting && !c.Vetted {
		return
	}
	if err := s.issue(c, at); err != nil {
		c.Status, c.Description = PurchaseError, err.Error()
	}
}

func (s *Server) proveAll(c *Certificate, at time.Time) {
	for i := range c.Domains {
		s.proveDomain(c, i, at)
	}
}

func (s *Server) proveDomain(c *Certificate, i int, at time.Time) {
	if !c.Domains[i].Proved.IsZero() {
		return
	}
	c.Domains[i].Proved = at
	s.proofs[proofKey(c.Account, c.Domains[i].Name)] = at
}

func proofKey(account, domain string) string {
	return accountName(account) + " " + issuance.ProvedName(domain)
}

// reuseProofs takes over proofs that are young enough for a leaf issued now.
func (s *Server) reuseProofs(c *Certificate, now time.Time) {
	if !s.settings.ReuseProof {
		return
	}
	oldest := now.Add(-time.Duration(issuance.LimitsAt(now).ProofDays) * day)
	for i, domain := range c.Domains {
		if proved, known := s.proofs[proofKey(c.Account, domain.Name)]; known && !proved.Before(oldest) {
			c.Domains[i].Proved = proved
		}
	}
}
