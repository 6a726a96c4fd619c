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
		CSR: c.CSR, Level: p.Level, Names: c.names(), AddWWW: s.settings.AddWWW && p.MaxNames == 0, Organization: c.organization(),
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

// organization returns the organisation of an OV or EV order (docs/reference/ispmanager.md §4.3).
func (c *Certificate) organization() issuance.Organization {
	country := countryCode(c.Params["org_country"])
	return issuance.Organization{
		Name: c.Params["org_name"], Country: country, State: c.Params["org_state"], Locality: c.Params["org_city"],
		Street: c.Params["org_address"], PostalCode: c.Params["org_postcode"], Registration: c.Params["org_registration_number"],
		IncorporationCountry: country,
	}
}

// expires returns the date for expiredate: the end of the paid term, or of the leaf once there is
// one (9). A renewal moves it at once; the leaf that is issued for the renewal sets it back to its
// own end.
func (s *Server) expires(c *Certificate) time.Time {
	renewing := c.Reason == "prolong" && c.isWaiting()
	switch {
	case s.settings.Expires == MeansLeaf && !c.NotAfter.IsZero() && !renewing:
		return c.NotAfter
	case c.TermEnd.IsZero():
		return issuance.AddMonths(c.Created, c.Months)
	}
	return c.TermEnd
}

// advance applies what happened by the passing of time since the last request. It is called before
// each request.
func (s *Server) advance(now time.Time) {
	for _, c := range s.certificates.All() {
		// Each round may make the next event due. A term of five years has fewer
		// than a hundred certificates.
		for range 100 {
			if !s.advanceOnce(c, now) {
				break
			}
		}
	}
}

// advanceOnce applies one event and reports whether another one may follow.
func (s *Server) advanceOnce(c *Certificate, now time.Time) bool {
	if c.Status == Deleted || c.Basket || c.Status == Ordered {
		return false
	}
	if s.issueDue(c, now) {
		return true
	}
	return s.startOwnReissue(c, now) || s.endTerm(c, now)
}

// issueDue issues the certificate if it is ready, and reports whether it did.
func (s *Server) issueDue(c *Certificate, now time.Time) bool {
	if !c.isWaiting() {
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
		c.ServiceStatus = Enrolled // the seller checks its orders each hour
	}
	if s.looker != nil && !s.watch(c, now) {
		return false
	}
	return s.issueIfReady(c, now)
}

// startOwnReissue starts a reissue that the remote makes by itself within a term
// (Settings.OwnReissueDays).
func (s *Server) startOwnReissue(c *Certificate, now time.Time) bool {
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

// endTerm ends a term: the remote prolongs the service if autoprolong is on and the balance
// suffices, and suspends it otherwise.
func (s *Server) endTerm(c *Certificate, now time.Time) bool {
	if c.Status == Suspended || !now.After(c.TermEnd) {
		return false
	}
	p, _ := s.product(c.Pricelist)
	account := s.accounts[standin.AccountName(c.Account)]
	for _, months := range p.months() {
		price, _ := p.price(months, len(c.Domains)-1)
		if c.AutoProlong == fmt.Sprint(months) && account != nil && account.Balance >= price {
			s.recordCharge(account, c, price, "autoprolong", c.TermEnd)
			s.extend(c, months, c.TermEnd)
			return true
		}
	}
	c.Status, c.Reason = Suspended, "autosuspend"
	return false
}

// extend adds months to a term and requests the certificate for them with the stored CSR (8).
func (s *Server) extend(c *Certificate, months int, at time.Time) {
	c.TermEnd = issuance.EndOfDay(issuance.AddMonths(c.TermEnd, months))
	c.Months = months
	s.request(c, "prolong", at)
}

// issueIfReady issues a certificate once every domain is proved and, for OV and EV, the
// organisation is vetted. If signing fails, the authority refuses the order.
func (s *Server) issueIfReady(c *Certificate, at time.Time) bool {
	p, _ := s.product(c.Pricelist)
	if !c.isWaiting() || !standin.AllProved(c.domains()) || p.Level != DomainValidated && s.settings.Vetting && !c.Vetted {
		return false
	}
	if err := s.issue(c, at); err != nil {
		c.ServiceStatus, c.Description = Failed, err.Error()
		return false
	}
	return true
}

// reuseValidations copies validations that are recent enough for a leaf that is issued now.
func (s *Server) reuseValidations(c *Certificate, now time.Time) {
	if s.settings.ReuseValidation {
		s.validations.Reuse(c.Account, c.domains(), now)
	}
}

func (s *Server) refusedByAuthority(c *Certificate) bool {
	return slices.ContainsFunc(c.Domains, func(d Domain) bool {
		return slices.Contains(s.settings.RefusedDomains, issuance.ValidationDomain(d.Name))
	})
}
