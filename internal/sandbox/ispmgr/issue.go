package ispmgr

import (
	"fmt"
	"slices"
	"time"

	"pmssl/internal/sandbox/ca"
	"pmssl/internal/sandbox/issuance"
	"pmssl/internal/sandbox/standin"
)

// issue signs the next leaf of a service and makes it active.
func (s *Server) issue(c *Certificate, at time.Time) error {
	p, _ := s.product(c.Pricelist)
	wanted := standin.Leaf{
		CSR: c.CSR, Level: p.Level, Names: c.names(), AddWWW: s.settings.AddWWW && p.MaxNames == 0, Organization: c.Params["org_name"],
		Days: s.settings.LeafDays, MarginDays: s.settings.LeafMarginDays, FromMidnight: s.settings.NotBefore == FromMidnight,
	}
	if s.settings.WithinTerm {
		wanted.Until = c.TermEnd
	}
	leaf, err := wanted.Sign(s.ca, at)
	if err != nil {
		return fmt.Errorf("certificate %d: %w", c.ID, err)
	}
	c.Certificate, c.Serial = ca.EncodePEM(leaf), fmt.Sprintf("%x", leaf.SerialNumber)
	c.Serials = append(c.Serials, c.Serial)
	c.NotBefore, c.NotAfter = leaf.NotBefore, leaf.NotAfter
	c.Status, c.Reason, c.ServiceStatus, c.Description = Active, "", Issued, ""
	return nil
}

// expires is what expiredate means: the end of the paid term, or of the leaf
// once there is one (9). A renewal moves it at once, the leaf that comes of it
// sets it back to its own end.
func (s *Server) expires(c *Certificate) time.Time {
	renewing := c.Reason == "prolong" && c.waits()
	switch {
	case s.settings.Expires == MeansLeaf && !c.NotAfter.IsZero() && !renewing:
		return c.NotAfter
	case c.TermEnd.IsZero():
		return issuance.AddMonths(c.Created, c.Months)
	}
	return c.TermEnd
}

// settle does what happened since the last look by the passing of time alone.
// It is called before each request.
func (s *Server) settle(now time.Time) {
	for _, c := range s.certificates.All() {
		// Each round may bring what makes the next one due: a term of five years
		// has fewer than a hundred certificates.
		for range 100 {
			if !s.settleOnce(c, now) {
				break
			}
		}
	}
}

// settleOnce tells whether something happened after which there may be more.
func (s *Server) settleOnce(c *Certificate, now time.Time) bool {
	if c.Status == Deleted || c.Basket || c.Status == Ordered {
		return false
	}
	if s.settleProofs(c, now) {
		return true
	}
	return s.settleOwnReissue(c, now) || s.settleEnd(c, now)
}

// settleProofs issues what is ready; it tells whether it did.
func (s *Server) settleProofs(c *Certificate, now time.Time) bool {
	if !c.waits() {
		return false
	}
	if wait := s.settings.AutoIssueSeconds; wait >= 0 {
		if due := c.Requested.Add(time.Duration(wait) * time.Second); !due.After(now) {
			s.validations.Prove(c.Account, c.domains(), due)
			c.Vetted = true
			return s.issueIfReady(c, due)
		}
	}
	if c.ServiceStatus == Requested && now.Sub(c.Requested) >= time.Minute {
		c.ServiceStatus = Enrolled // the seller's hourly look found it waiting
	}
	return s.issueIfReady(c, now)
}

// settleOwnReissue is the remote's own policy inside a term.
func (s *Server) settleOwnReissue(c *Certificate, now time.Time) bool {
	if s.settings.OwnReissueDays < 0 || c.Status != Active || c.ServiceStatus != Issued || c.TermEnd.Sub(c.NotAfter) < issuance.Day {
		return false
	}
	due := c.NotAfter.Add(-time.Duration(s.settings.OwnReissueDays) * issuance.Day)
	if due.After(now) {
		return false
	}
	s.request(c, "own", due)
	return true
}

// settleEnd ends a term: the remote prolongs it where the customer left that
// on and has the money, else it suspends.
func (s *Server) settleEnd(c *Certificate, now time.Time) bool {
	if c.Status == Suspended || !now.After(c.TermEnd) {
		return false
	}
	p, _ := s.product(c.Pricelist)
	account := s.accounts[standin.AccountName(c.Account)]
	for _, months := range p.months() {
		price, _ := p.price(months, len(c.Domains)-1)
		if c.AutoProlong == fmt.Sprint(months) && account != nil && account.Balance >= price {
			s.take(account, c, price, "autoprolong", c.TermEnd)
			s.extend(c, months, c.TermEnd)
			return true
		}
	}
	c.Status, c.Reason = Suspended, "autosuspend"
	return false
}

// extend adds months to a term and asks the authority for the certificate that
// goes with them, with the stored CSR (8).
func (s *Server) extend(c *Certificate, months int, at time.Time) {
	c.TermEnd = issuance.EndOfDay(issuance.AddMonths(c.TermEnd, months))
	c.Months = months
	s.request(c, "prolong", at)
}

// issueIfReady issues once every domain is proved and, for OV and EV, the
// organisation is vetted. Where the authority cannot, it refuses.
func (s *Server) issueIfReady(c *Certificate, at time.Time) bool {
	p, _ := s.product(c.Pricelist)
	if !c.waits() || !standin.AllProved(c.domains()) || p.Level != DomainValidated && s.settings.Vetting && !c.Vetted {
		return false
	}
	if err := s.issue(c, at); err != nil {
		c.ServiceStatus, c.Description = Failed, err.Error()
		return false
	}
	return true
}

// reuseProofs takes over proofs that are young enough for a leaf issued now.
func (s *Server) reuseProofs(c *Certificate, now time.Time) {
	if s.settings.ReuseValidation {
		s.validations.Reuse(c.Account, c.domains(), now)
	}
}

func (s *Server) refusedByAuthority(c *Certificate) bool {
	return slices.ContainsFunc(c.Domains, func(d Domain) bool {
		return slices.Contains(s.settings.RefusedDomains, issuance.ValidationDomain(d.Name))
	})
}
