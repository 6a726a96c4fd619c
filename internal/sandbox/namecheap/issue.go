package namecheap

import (
	"fmt"
	"time"

	"pmssl/internal/sandbox/ca"
	"pmssl/internal/sandbox/issuance"
	"pmssl/internal/sandbox/standin"
)

// term returns the paid term: it starts with the first leaf of the lineage and ends with the last
// day of the paid years. A renewal that is activated in time gets the unused days of the old term
// (docs/reference/namecheap.md §2).
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

// replace sets the old id of a reissue to "replaced".
func (s *Server) replace(old, by *Certificate) {
	old.ReplacedBy, old.Status, old.Description = by.ID, Replaced, ""
}

// advance applies what happened by the passing of time since the last command: automatic issue and
// expiry. It is called before each command.
func (s *Server) advance(now time.Time) {
	for _, c := range s.certificates.All() {
		s.issueDue(c, now)
		s.expireDue(c, now)
	}
}

func (s *Server) issueDue(c *Certificate, now time.Time) {
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
	if s.looker != nil && !s.watch(c, now) {
		return
	}
	s.issueIfReady(c, now)
}

func (s *Server) expireDue(c *Certificate, now time.Time) {
	if c.Status == Active && now.After(s.end(c, s.settings.ExpiredAt)) {
		c.Status, c.Description = Expired, ""
	}
}

// end returns the last second of the leaf or of the paid term, as meaning says.
func (s *Server) end(c *Certificate, meaning string) time.Time {
	if meaning == MeansTerm && !c.TermEnd.IsZero() {
		return c.TermEnd
	}
	return c.NotAfter
}

// issueIfReady issues a certificate once every domain is proved and, for OV and EV, the
// organisation is vetted. If signing fails, the authority refuses the order.
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

// reuseValidations copies validations that are recent enough for a leaf that is issued now.
func (s *Server) reuseValidations(c *Certificate, now time.Time) {
	if s.settings.ReuseValidation {
		s.validations.Reuse(c.Account, c.domains(), now)
	}
}
