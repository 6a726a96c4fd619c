package standin

import (
	"errors"
	"fmt"
	"time"

	"pmssl/internal/sandbox/ca"
)

// Repository returns the HTTP server of the CA: its CRLs and the certificates of its issuers.
func (a *Authority[C]) Repository() *ca.Repository { return a.repository }

// Revoke makes the CA revoke the newest leaf of a certificate by itself. reason is the name of a ca.Reason, "" means
// unspecified. Nothing changes at the order.
func (a *Authority[C]) Revoke(id int64, reason string) error {
	return a.hooks.Change(func(now time.Time) error {
		c, err := a.orders.Find(id)
		if err != nil {
			return err
		}
		serial := a.hooks.Serial(c)
		if serial == "" {
			return fmt.Errorf("certificate %d was not issued", id)
		}
		return a.revoke(serial, reason, now)
	})
}

// RevokeSerial makes the CA revoke the leaf with this serial number in hexadecimal, which may be of another customer.
func (a *Authority[C]) RevokeSerial(serial, reason string) error {
	return a.hooks.Change(func(now time.Time) error { return a.revoke(serial, reason, now) })
}

func (a *Authority[C]) revoke(serial, reason string, at time.Time) error {
	parsed, err := ca.ParseReason(reason)
	if err != nil {
		return err
	}
	return a.repository.Authority().Revoke(serial, parsed, at)
}

// Revocations returns what the CA has revoked, oldest first.
func (a *Authority[C]) Revocations() ([]ca.Revocation, error) {
	return a.repository.Authority().Revocations()
}

// RevokeForOrder puts leaves of an order that ends on the CA's list. Those that are there stay as they are; an empty serial
// number stands for no leaf.
func (a *Authority[C]) RevokeForOrder(at time.Time, reason ca.Reason, serials ...string) error {
	for _, serial := range serials {
		if serial == "" {
			continue
		}
		if err := a.repository.Authority().Revoke(serial, reason, at); err != nil && !errors.Is(err, ca.ErrRevoked) {
			return err
		}
	}
	return nil
}
