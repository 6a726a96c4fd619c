package namecheap

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"pmssl/internal/sandbox/standin"
)

// ErrUnknown is what the control methods wrap when they are asked for
// something that is not there.
var ErrUnknown = standin.ErrUnknown

// change runs a change of the state at the present instant and saves it.
func (s *Server) change(what func(now time.Time) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, err := s.clock.Now()
	if err != nil {
		return err
	}
	s.settle(now)
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
	return fmt.Errorf("certificate %d is %s, this needs %v", c.ID, c.Status, allowed)
}

// order is how the authority sees a certificate.
func (c *Certificate) order() standin.Order {
	return standin.Order{
		Account: c.Account, Domains: c.domains(), Vetted: &c.Vetted, Waiting: needStatus(c, Purchased), Issued: needStatus(c, Active),
	}
}

// Certificate is a copy of one certificate as it is now.
func (s *Server) Certificate(id int64) (Certificate, error) {
	var found Certificate
	err := s.changeCertificate(id, func(c *Certificate, _ time.Time) error {
		found = c.clone()
		return nil
	})
	return found, err
}

// Refuse lets the authority refuse a waiting certificate (purchaseerror). The
// reason becomes its StatusDescription.
func (s *Server) Refuse(id int64, reason string) error {
	return s.changeCertificate(id, func(c *Certificate, _ time.Time) error {
		if err := needStatus(c, Purchased); err != nil {
			return err
		}
		c.Status, c.Description = PurchaseError, reason
		return nil
	})
}

// Cancel cancels a certificate in any state, as the seller's support does.
func (s *Server) Cancel(id int64, reason string) error {
	return s.changeCertificate(id, func(c *Certificate, _ time.Time) error {
		c.Status, c.Description = Cancelled, reason
		return nil
	})
}

// Reset makes a refused purchase ready for another activation, as the seller's
// support does (namecheap-ssl-api.md 2). A refused reissue gives its old id
// back instead and is cancelled.
func (s *Server) Reset(id int64) error {
	return s.changeCertificate(id, func(c *Certificate, now time.Time) error {
		if err := needStatus(c, PurchaseError); err != nil {
			return err
		}
		if old := s.certificates.Get(c.Replaces); old != nil {
			c.Status = Cancelled
			old.Status, old.Description, old.ReplacedBy = Active, "Certificate is Active.", 0
			s.settleEnd(old, now)
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

// Account is a copy of an account.
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

// Settings are those in force.
func (s *Server) Settings() Settings {
	s.mu.Lock()
	defer s.mu.Unlock()
	copied := s.settings
	return copied.clone()
}

// SetSettings changes the behaviour from the next request on. Full buckets of
// the rate limit are handed out.
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

// Clock is the stand-in's clock, to be moved.
func (s *Server) Clock() *Clock { return s.clock }

// Handler is the API as an http.Handler; the Server is one itself.
func (s *Server) Handler() http.Handler { return s }
