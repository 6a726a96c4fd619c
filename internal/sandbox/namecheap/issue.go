package namecheap

import (
	"fmt"
	"time"

	"pmssl/internal/sandbox/ca"
	"pmssl/internal/sandbox/issuance"
	"pmssl/internal/sandbox/standin"
)

// term is what the customer paid for: it starts with the first leaf of the
// lineage and ends with the day on which so many years are over. A renewal
// that is activated in time gets the unused days of the old term
// (namecheap-ssl-api.md 2).
func (s *Server) term(c *Certificate, issued time.Time) (start, end time.Time) {
	if old := s.certificates.Get(c.Replaces); old != nil {
		return old.TermStart, old.TermEnd
	}
	end = issuance.EndOfDay(issuance.AddMonths(issued, 12*c.Years)).Add(time.Duration(s.settings.TermOffsetDays) * issuance.Day)
	if old := s.certificates.Get(c.RenewalOf); old != nil && c.Activated.Before(old.TermEnd) {
		end = issuance.EndOfDay(end.Add(old.TermEnd.Sub(issued)))
	}
	return issued, end
}

// issue signs the leaf of a certificate and makes it active.
func (s *Server) issue(c *Certificate, at time.Time) error {
	p := s.productOf(c)
	wanted := standin.Leaf{
		CSR: c.CSR, Level: string(p.level), Names: c.names(), AddWWW: s.settings.AddWWW && !p.multi, Organization: c.Organization,
		Days: s.settings.LeafDays, MarginDays: s.settings.LeafMarginDays, FromMidnight: s.settings.NotBefore == FromMidnight,
	}
	start, end := s.term(c, at)
	if s.settings.WithinTerm {
		wanted.Until = end
	}
	leaf, err := wanted.Sign(s.ca, at)
	if err != nil {
		return fmt.Errorf("certificate %d: %w", c.ID, err)
	}
	c.Certificate, c.Serial = ca.EncodePEM(leaf), fmt.Sprintf("%x", leaf.SerialNumber)
	c.NotBefore, c.NotAfter, c.TermStart, c.TermEnd = leaf.NotBefore, leaf.NotAfter, start, end
	c.Status, c.Description = Active, "Certificate is Active."
	if old := s.certificates.Get(c.Replaces); old != nil {
		s.replace(old, c)
	}
	return nil
}

// replace marks the old id of a reissue.
func (s *Server) replace(old, by *Certificate) {
	old.ReplacedBy, old.Status, old.Description = by.ID, Replaced, ""
}

// settle does what happened since the last look by the passing of time alone:
// automatic issues and ends. It is called before each command.
func (s *Server) settle(now time.Time) {
	for _, c := range s.certificates.All() {
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
			s.validations.Prove(c.Account, c.domains(), due)
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
	if c.Status != Purchased || !standin.AllProved(c.domains()) {
		return
	}
	if s.productOf(c).level != domainValidated && s.settings.Vetting && !c.Vetted {
		return
	}
	if err := s.issue(c, at); err != nil {
		c.Status, c.Description = PurchaseError, err.Error()
	}
}

// reuseProofs takes over proofs that are young enough for a leaf issued now.
func (s *Server) reuseProofs(c *Certificate, now time.Time) {
	if s.settings.ReuseValidation {
		s.validations.Reuse(c.Account, c.domains(), now)
	}
}
