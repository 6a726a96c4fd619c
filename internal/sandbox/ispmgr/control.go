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

func needWaiting(c *Certificate) error {
	if c.waits() {
		return nil
	}
	return fmt.Errorf("certificate %d is in status %d with service status %d, this needs a running order (service status 3 or 4)", c.ID, c.Status, c.ServiceStatus)
}

// order is how the authority sees a certificate.
func (c *Certificate) order() standin.Order {
	o := standin.Order{Account: c.Account, Domains: c.domains(), Vetted: &c.Vetted, Waiting: needWaiting(c)}
	if c.ServiceStatus != Issued {
		o.Issued = fmt.Errorf("certificate %d was not issued: %s", c.ID, c.Description)
	}
	return o
}

// Certificate is a copy of one certificate as it is now.
func (s *Server) Certificate(id int64) (Certificate, error) {
	var found Certificate
	err := s.changeCertificate(id, func(c *Certificate, _ time.Time) error {
		found = c.clone()
		return nil
	})
	found.hideKey()
	return found, err
}

// Refuse lets the authority refuse a running order (service status 6).
func (s *Server) Refuse(id int64, reason string) error {
	return s.changeCertificate(id, func(c *Certificate, _ time.Time) error {
		if err := needWaiting(c); err != nil {
			return err
		}
		c.ServiceStatus, c.Description = Failed, reason
		return nil
	})
}

// Cancel deletes a service in any state, as the seller's support does.
func (s *Server) Cancel(id int64, reason string) error {
	return s.changeCertificate(id, func(c *Certificate, now time.Time) error {
		s.drop(c, now)
		c.Description = reason
		return nil
	})
}

// Reset hands a refused order to the authority again, as the seller's support
// does.
func (s *Server) Reset(id int64) error {
	return s.changeCertificate(id, func(c *Certificate, now time.Time) error {
		if c.ServiceStatus != Failed {
			return fmt.Errorf("certificate %d has service status %d, this needs 6", c.ID, c.ServiceStatus)
		}
		s.request(c, "open", now)
		return nil
	})
}

// Pay pays an order that was left unpaid or in the basket from the balance.
func (s *Server) Pay(id int64) error {
	return s.changeCertificate(id, func(c *Certificate, now time.Time) error {
		account, price := s.accounts[standin.AccountName(c.Account)], s.priceOf(c)
		if c.Status != Ordered || account == nil || account.Balance < price {
			return fmt.Errorf("certificate %d in status %d at a price of %s cannot be paid", c.ID, c.Status, price)
		}
		s.take(account, c, price, "basket", now)
		s.start(c, now)
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

// Charges are the payments so far, oldest first.
func (s *Server) Charges() []Charge {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Charge{}, s.charges...)
}

// Settings are those in force.
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

// Clock is the stand-in's clock, to be moved.
func (s *Server) Clock() *Clock { return s.clock }

// Handler is the API as an http.Handler; the Server is one itself.
func (s *Server) Handler() http.Handler { return s }
