package standin

import (
	"fmt"
	"time"
)

// Order is a certificate as its authority sees it.
type Order struct {
	Account string
	Domains []Domain
	Vetted  *bool // whether the organisation of an OV or EV certificate is vetted
	Waiting error // why the authority has nothing to do with it, nil where it has
	Issued  error // why it is not issued, nil where it is
}

// Authority lets a test play the certification authority of a seller, whose
// certificates are of type C. Its methods are part of the seller's control.
type Authority[C any] struct {
	rules       Hooks[C]
	orders      *Orders[C]
	validations Validations
}

// Hooks are what the authority's decisions mean to a seller.
type Hooks[C any] struct {
	// Change runs a change of the state at the present instant and saves it.
	Change func(what func(now time.Time) error) error
	// Order is how the authority sees a certificate.
	Order func(c *C) Order
	// IssueIfReady issues a certificate with nothing left to prove and to vet.
	IssueIfReady func(c *C, at time.Time)
}

// NewAuthority decides on these orders and keeps validations there.
func NewAuthority[C any](orders *Orders[C], validations Validations, rules Hooks[C]) Authority[C] {
	return Authority[C]{rules: rules, orders: orders, validations: validations}
}

// decide runs a decision on a waiting certificate.
func (a *Authority[C]) decide(id int64, decision func(c *C, o Order, now time.Time) error) error {
	return a.rules.Change(func(now time.Time) error {
		c, err := a.orders.Find(id)
		if err != nil {
			return err
		}
		o := a.rules.Order(c)
		if o.Waiting != nil {
			return o.Waiting
		}
		return decision(c, o, now)
	})
}

// Prove tells the authority that control of domains of a waiting certificate
// is proved: of all of them where none is named. A certificate with nothing
// left to prove (and to vet) is issued at once.
func (a *Authority[C]) Prove(id int64, domains ...string) error {
	return a.decide(id, func(c *C, o Order, now time.Time) error {
		named, err := SelectDomains(o.Domains, domains...)
		if err != nil {
			return fmt.Errorf("%w in certificate %d", err, id)
		}
		a.validations.Prove(o.Account, named, now)
		a.rules.IssueIfReady(c, now)
		return nil
	})
}

// ProveDomain proves a domain in every waiting certificate that has it, and
// tells their ids.
func (a *Authority[C]) ProveDomain(domain string) ([]int64, error) {
	ids := []int64{}
	err := a.rules.Change(func(now time.Time) error {
		for id, c := range a.orders.All() {
			o := a.rules.Order(c)
			if named, err := SelectDomains(o.Domains, domain); err == nil && o.Waiting == nil {
				ids = append(ids, id)
				a.validations.Prove(o.Account, named, now)
				a.rules.IssueIfReady(c, now)
			}
		}
		if len(ids) == 0 {
			return fmt.Errorf("%w: no waiting certificate has the domain %s", ErrUnknown, domain)
		}
		return nil
	})
	return ids, err
}

// Vet tells the authority that the organisation of an OV or EV certificate is
// vetted.
func (a *Authority[C]) Vet(id int64) error {
	return a.decide(id, func(c *C, o Order, now time.Time) error {
		*o.Vetted = true
		a.rules.IssueIfReady(c, now)
		return nil
	})
}

// Issue proves and vets all that a waiting certificate needs.
func (a *Authority[C]) Issue(id int64) error {
	return a.decide(id, func(c *C, o Order, now time.Time) error {
		a.validations.Prove(o.Account, o.Domains, now)
		*o.Vetted = true
		a.rules.IssueIfReady(c, now)
		return a.rules.Order(c).Issued
	})
}
