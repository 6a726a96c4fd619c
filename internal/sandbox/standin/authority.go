package standin

import (
	"fmt"
	"time"

	"pmssl/internal/sandbox/ca"
)

// Order is a certificate from the authority's point of view.
type Order struct {
	Account    string
	Domains    []Domain
	Vetted     *bool // whether the organisation of an OV or EV certificate is vetted
	NotWaiting error // why no decision of the authority is due; nil if one is
	NotIssued  error // why it is not issued; nil if it is
}

// Authority lets a test decide in place of a seller's certification authority. C is the seller's
// type of a certificate. Its methods are part of the seller's control.
type Authority[C any] struct {
	hooks       Hooks[C]
	orders      *Orders[C]
	validations Validations
	repository  *ca.Repository
}

// Hooks are the functions of a seller that an Authority calls.
type Hooks[C any] struct {
	// Change runs a change of the state at the present instant and saves it.
	Change func(what func(now time.Time) error) error
	// Serial returns the serial number of the newest leaf in lower-case hex, or "" if there is none.
	Serial func(c *C) string
	// Order returns a certificate from the authority's point of view.
	Order func(c *C) Order
	// IssueIfReady issues a certificate if every domain is proved and nothing is left to vet.
	IssueIfReady func(c *C, at time.Time)
}

// NewAuthority returns an authority that decides on these orders, records what is proved in validations, and publishes what the
// CA of the configuration revokes.
func NewAuthority[C, A, S any](config Config[A, S], orders *Orders[C], validations Validations, hooks Hooks[C]) Authority[C] {
	return Authority[C]{
		hooks: hooks, orders: orders, validations: validations, repository: ca.NewRepository(config.CA, config.Clock.Now, config.Sleep),
	}
}

// decide runs a decision on a waiting certificate.
func (a *Authority[C]) decide(id int64, decision func(c *C, o Order, now time.Time) error) error {
	return a.hooks.Change(func(now time.Time) error {
		c, err := a.orders.Find(id)
		if err != nil {
			return err
		}
		o := a.hooks.Order(c)
		if o.NotWaiting != nil {
			return o.NotWaiting
		}
		return decision(c, o, now)
	})
}

// Prove records that control of domains of a waiting certificate is proved; without names, of all
// its domains. A certificate with nothing left to prove and to vet is issued at once.
func (a *Authority[C]) Prove(id int64, domains ...string) error {
	return a.decide(id, func(c *C, o Order, now time.Time) error {
		named, err := SelectDomains(o.Domains, domains...)
		if err != nil {
			return fmt.Errorf("%w in certificate %d", err, id)
		}
		a.validations.Prove(o.Account, named, now)
		a.hooks.IssueIfReady(c, now)
		return nil
	})
}

// ProveDomain records that control of a domain is proved in every waiting certificate that has it,
// and returns their ids.
func (a *Authority[C]) ProveDomain(domain string) ([]int64, error) {
	ids := []int64{}
	err := a.hooks.Change(func(now time.Time) error {
		for id, c := range a.orders.All() {
			o := a.hooks.Order(c)
			if named, err := SelectDomains(o.Domains, domain); err == nil && o.NotWaiting == nil {
				ids = append(ids, id)
				a.validations.Prove(o.Account, named, now)
				a.hooks.IssueIfReady(c, now)
			}
		}
		if len(ids) == 0 {
			return fmt.Errorf("%w: no waiting certificate has the domain %s", ErrUnknown, domain)
		}
		return nil
	})
	return ids, err
}

// Vet records that the organisation of an OV or EV certificate is vetted.
func (a *Authority[C]) Vet(id int64) error {
	return a.decide(id, func(c *C, o Order, now time.Time) error {
		*o.Vetted = true
		a.hooks.IssueIfReady(c, now)
		return nil
	})
}

// Issue proves and vets all that a waiting certificate needs. It returns why the certificate was
// not issued, or nil.
func (a *Authority[C]) Issue(id int64) error {
	return a.decide(id, func(c *C, o Order, now time.Time) error {
		a.validations.Prove(o.Account, o.Domains, now)
		*o.Vetted = true
		a.hooks.IssueIfReady(c, now)
		return a.hooks.Order(c).NotIssued
	})
}
