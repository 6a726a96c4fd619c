package namecheap

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"pmssl/internal/sandbox/ca"
	"pmssl/internal/sandbox/standin"
)

// ErrUnknown is wrapped by the control methods if they are asked for something that does not exist.
var ErrUnknown = standin.ErrUnknown

// change changes the state at the present instant and saves it.
func (s *Server) change(what func(now time.Time) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, err := s.clock.Now()
	if err != nil {
		return err
	}
	s.advance(now)
	if err := what(now); err != nil {
		return err
	}
	return s.save()
}

func (s *Server) changeCertificate(id int64, what func(c *Certificate, now time.Time) error) error {
	return s.change(func(now time.Time) error {
		c, err := s.certificates.Find(id)
		if err != nil {
			return err
		}
		return what(c, now)
	})
}

func needStatus(c *Certificate, allowed ...Status) error {
	for _, status := range allowed {
		if c.Status == status {
			return nil
		}
	}
	return fmt.Errorf("certificate %d is %s, required is %v", c.ID, c.Status, allowed)
}

// order returns the certificate from the authority's point of view.
func (c *Certificate) order() standin.Order {
	return standin.Order{
		Account: c.Account, Domains: c.domains(), Vetted: &c.Vetted, NotWaiting: needStatus(c, Purchased), NotIssued: needStatus(c, Active),
	}
}

// Certificate returns a copy of one certificate in its present state.
func (s *Server) Certificate(id int64) (Certificate, error) {
	var found Certificate
	err := s.changeCertificate(id, func(c *Certificate, _ time.Time) error {
		found = c.clone()
		return nil
	})
	return found, err
}

// Refuse makes the authority refuse a waiting certificate (purchaseerror). The reason becomes its
// StatusDescription.
func (s *Server) Refuse(id int64, reason string) error {
	return s.changeCertificate(id, func(c *Certificate, _ time.Time) error {
		if err := needStatus(c, Purchased); err != nil {
			return err
		}
		c.Status, c.Description = PurchaseError, reason
		return nil
	})
}

// Cancel cancels a certificate in any state, as the seller's support does. If it was issued, the authority revokes its leaf.
func (s *Server) Cancel(id int64, reason string) error {
	return s.changeCertificate(id, func(c *Certificate, now time.Time) error {
		c.Status, c.Description = Cancelled, reason
		return s.RevokeForOrder(now, ca.CessationOfOperation, c.Serial)
	})
}

// Reset makes a refused purchase ready for another activation, as the seller's support does
// (docs/reference/namecheap.md §2). A refused reissue is cancelled instead, and its old id becomes
// active again.
func (s *Server) Reset(id int64) error {
	return s.changeCertificate(id, func(c *Certificate, now time.Time) error {
		if err := needStatus(c, PurchaseError); err != nil {
			return err
		}
		if old := s.certificates.Get(c.Replaces); old != nil {
			c.Status = Cancelled
			old.Status, old.Description, old.ReplacedBy = Active, "Certificate is Active.", 0
			s.expireDue(old, now)
			return nil
		}
		c.Status, c.Description = NewPurchase, ""
		if c.RenewalOf != 0 {
			c.Status = NewRenewal
		}
		return nil
	})
}

// PutAccount adds an account or replaces the one of the same name.
func (s *Server) PutAccount(account Account) error {
	return s.change(func(time.Time) error { return s.putAccount(account) })
}

// Account returns a copy of an account.
func (s *Server) Account(user string) (Account, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	account := s.accounts[standin.AccountName(user)]
	if account == nil {
		return Account{}, fmt.Errorf("%w account %s", ErrUnknown, user)
	}
	return account.clone(), nil
}

func (s *Server) putAccount(account Account) error {
	if account.User == "" || len(account.User) > 20 || account.Key == "" || len(account.Key) > 50 {
		return errors.New("an account needs a user of at most 20 and a key of at most 50 characters")
	}
	for _, entry := range account.WhiteList {
		if _, err := netip.ParseAddr(entry); err != nil {
			return fmt.Errorf("white list of %s: %w", account.User, err)
		}
	}
	kept := account.clone()
	s.accounts[standin.AccountName(account.User)] = &kept
	return nil
}

// Settings returns a copy of the present settings.
func (s *Server) Settings() Settings {
	s.mu.Lock()
	defer s.mu.Unlock()
	copied := s.settings
	return copied.clone()
}

// SetSettings changes the behaviour from the next request on. It also refills the buckets of the
// rate limit.
func (s *Server) SetSettings(settings Settings) error {
	if err := settings.check(); err != nil {
		return err
	}
	return s.change(func(time.Time) error {
		s.settings = settings.clone()
		s.buckets = map[string]*bucketSet{}
		return nil
	})
}

// Clock returns the stand-in's clock, which can be moved.
func (s *Server) Clock() *Clock { return s.clock }

// Handler returns the API. The Server is an http.Handler itself.
func (s *Server) Handler() http.Handler { return s }
