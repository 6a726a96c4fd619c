package ispmgr

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"

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

func needWaiting(c *Certificate) error {
	if c.isWaiting() {
		return nil
	}
	return fmt.Errorf("certificate %d is in status %d with service status %d, a running order is required (service status 3 or 4)", c.ID, c.Status, c.ServiceStatus)
}

// order returns the certificate from the authority's point of view.
func (c *Certificate) order() standin.Order {
	o := standin.Order{Account: c.Account, Domains: c.domains(), Vetted: &c.Vetted, NotWaiting: needWaiting(c)}
	if c.ServiceStatus != Issued {
		o.NotIssued = fmt.Errorf("certificate %d was not issued: %s", c.ID, c.Description)
	}
	return o
}

// Certificate returns a copy of one certificate in its present state.
func (s *Server) Certificate(id int64) (Certificate, error) {
	var found Certificate
	err := s.changeCertificate(id, func(c *Certificate, _ time.Time) error {
		found = c.clone()
		return nil
	})
	found.hideKey()
	return found, err
}

// Refuse makes the authority refuse a running order (service status 6).
func (s *Server) Refuse(id int64, reason string) error {
	return s.changeCertificate(id, func(c *Certificate, _ time.Time) error {
		if err := needWaiting(c); err != nil {
			return err
		}
		c.ServiceStatus, c.Description = Failed, reason
		return nil
	})
}

// Cancel deletes a service in any state, as the seller's support does. The authority revokes its leaves.
func (s *Server) Cancel(id int64, reason string) error {
	return s.changeCertificate(id, func(c *Certificate, now time.Time) error {
		c.Description = reason
		return s.end(c, now)
	})
}

// Reset submits a refused order to the authority again, as the seller's support does.
func (s *Server) Reset(id int64) error {
	return s.changeCertificate(id, func(c *Certificate, now time.Time) error {
		if c.ServiceStatus != Failed {
			return fmt.Errorf("certificate %d has service status %d, 6 is required", c.ID, c.ServiceStatus)
		}
		s.request(c, "open", now)
		return nil
	})
}

// Pay pays an unpaid order, also one in the basket, from the balance.
func (s *Server) Pay(id int64) error {
	return s.changeCertificate(id, func(c *Certificate, now time.Time) error {
		account, price := s.accounts[standin.AccountName(c.Account)], s.priceOf(c)
		if c.Status != Ordered || account == nil || account.Balance < price {
			return fmt.Errorf("certificate %d in status %d at a price of %s cannot be paid", c.ID, c.Status, price)
		}
		s.recordCharge(account, c, price, "basket", now)
		s.start(c, now)
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
	if account.User == "" || strings.Contains(account.User, ":") || account.Password == "" {
		return errors.New("an account needs a user without a colon and a password")
	}
	if account.Level == 0 {
		account.Level = LevelClient
	}
	if account.Currency == "" {
		account.Currency = "EUR"
	}
	for _, entry := range account.AllowedIPs {
		if _, err := netip.ParseAddr(entry); err != nil {
			return fmt.Errorf("allowed addresses of %s: %w", account.User, err)
		}
	}
	kept := account.clone()
	s.accounts[standin.AccountName(account.User)] = &kept
	return nil
}

// Charges returns the payments, oldest first.
func (s *Server) Charges() []Charge {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Charge{}, s.charges...)
}

// Settings returns a copy of the present settings.
func (s *Server) Settings() Settings {
	s.mu.Lock()
	defer s.mu.Unlock()
	copied := s.settings
	return copied.clone()
}

// SetSettings changes the behaviour from the next request on.
func (s *Server) SetSettings(settings Settings) error {
	if err := settings.check(); err != nil {
		return err
	}
	return s.change(func(time.Time) error {
		s.settings = settings.clone()
		return nil
	})
}

// Clock returns the stand-in's clock, which can be moved.
func (s *Server) Clock() *Clock { return s.clock }

// Handler returns the API. The Server is an http.Handler itself.
func (s *Server) Handler() http.Handler { return s }
