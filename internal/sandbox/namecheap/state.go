package namecheap

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"pmssl/internal/sandbox/standin"
)

// State is the whole state of the stand-in, as its control shows it and its state file keeps it.
// Secrets are only in the file.
type State = standin.State[Account, Certificate, Charge, Settings]

// State returns a copy of the present state without secrets.
func (s *Server) State() (State, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, err := s.clock.Now()
	if err != nil {
		return State{}, err
	}
	s.advance(now)
	shown := s.state()
	shown.Time = now
	for i := range shown.Accounts {
		shown.Accounts[i].Key = standin.Hidden
	}
	return shown, s.save()
}

func (s *Server) state() State {
	copied := State{
		Accounts: []Account{}, Certificates: []Certificate{}, Charges: append([]Charge{}, s.charges...), Validations: maps.Clone(s.validations),
		Pending: s.faults.Pending(), Settings: s.settings.clone(), NextID: s.nextID, NextOrder: s.nextOrder,
	}
	for _, account := range s.accounts {
		copied.Accounts = append(copied.Accounts, account.clone())
	}
	slices.SortFunc(copied.Accounts, func(a, b Account) int { return strings.Compare(a.User, b.User) })
	for _, c := range s.certificates.All() {
		copied.Certificates = append(copied.Certificates, c.clone())
	}
	return copied
}

func (a *Account) clone() Account {
	copied := *a
	copied.WhiteList = append([]string(nil), a.WhiteList...)
	return copied
}

func (c *Certificate) clone() Certificate {
	copied := *c
	copied.Domains = append([]Domain(nil), c.Domains...)
	return copied
}

// save writes the state file, if there is one.
func (s *Server) save() error { return standin.SaveState(s.file, s.state) }

// load reads the state file, if there is one. The file takes precedence over Config.
func (s *Server) load() error {
	kept := State{Settings: s.settings}
	found, err := standin.LoadState(s.file, &kept)
	if err != nil || !found {
		return err
	}
	if err := kept.Settings.check(); err != nil {
		return fmt.Errorf("state file %s: %w", s.file, err)
	}
	for _, account := range kept.Accounts {
		if err := s.putAccount(account); err != nil {
			return err
		}
	}
	for _, c := range kept.Certificates {
		s.certificates.Put(c.ID, &c)
	}
	s.charges, s.settings = kept.Charges, kept.Settings
	s.nextID, s.nextOrder = max(kept.NextID, firstCertificateID), max(kept.NextOrder, firstOrderID)
	maps.Copy(s.validations, kept.Validations)
	return nil
}
