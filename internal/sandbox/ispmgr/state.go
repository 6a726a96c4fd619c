package ispmgr

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"sort"
	"time"

	"pmssl/internal/sandbox/clock"
)

// State is everything the stand-in knows, as its control shows it and its
// state file keeps it. Passwords and private keys are only in the file.
type State struct {
	Time         time.Time            `json:"time,omitzero"`
	Accounts     []Account            `json:"accounts"`
	Certificates []Certificate        `json:"certificates"` // by id
	Charges      []Charge             `json:"charges"`      // oldest first
	Proofs       map[string]time.Time `json:"proofs"`       // "account domain": when control was proved
	Pending      int                  `json:"pending"`      // requests that wait for Appear
	Settings     Settings             `json:"settings"`
	NextID       int64                `json:"next_id"`
	NextOrder    int64                `json:"next_order"`
}

// hidden stands for a secret that is there.
const hidden = "***"

// State is a copy of all that there is at this moment, secrets left out.
func (s *Server) State() (State, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, err := s.clock.Now()
	if err != nil {
		return State{}, err
	}
	s.settle(now)
	shown := s.state()
	shown.Time = now
	for i := range shown.Accounts {
		shown.Accounts[i].Password = hidden
	}
	for i := range shown.Certificates {
		if shown.Certificates[i].Key != "" {
			shown.Certificates[i].Key = hidden
		}
	}
	return shown, s.save()
}

func (s *Server) state() State {
	copied := State{
		Accounts: []Account{}, Certificates: []Certificate{}, Charges: append([]Charge{}, s.charges...),
		Proofs: map[string]time.Time{}, Pending: len(s.pending), Settings: s.settings.clone(), NextID: s.nextID, NextOrder: s.nextOrder,
	}
	for _, account := range s.accounts {
		copied.Accounts = append(copied.Accounts, account.clone())
	}
	sort.Slice(copied.Accounts, func(i, j int) bool { return copied.Accounts[i].User < copied.Accounts[j].User })
	for _, id := range s.order {
		copied.Certificates = append(copied.Certificates, s.certificates[id].clone())
	}
	for name, proved := range s.proved {
		copied.Proofs[name] = proved
	}
	return copied
}

func (a *Account) clone() Account {
	copied := *a
	copied.AllowedIPs, copied.Filter = slices.Clone(a.AllowedIPs), maps.Clone(a.Filter)
	return copied
}

// save keeps the state in the file, where there is one.
func (s *Server) save() error {
	if s.file == "" {
		return nil
	}
	content, err := json.MarshalIndent(s.state(), "", " ")
	if err != nil {
		return fmt.Errorf("encode state: %w", err)
	}
	if err := clock.WriteFile(s.file, content, 0o600); err != nil {
		return fmt.Errorf("save state: %w", err)
	}
	return nil
}

// load takes the state from the file. What the file says goes before Config.
func (s *Server) load() error {
	if s.file == "" {
		return nil
	}
	content, err := os.ReadFile(s.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("load state: %w", err)
	}
	kept := State{Settings: s.settings}
	if err := json.Unmarshal(content, &kept); err != nil {
		return fmt.Errorf("state file %s: %w", s.file, err)
	}
	if err := kept.Settings.check(); err != nil {
		return fmt.Errorf("state file %s: %w", s.file, err)
	}
	return s.restore(kept)
}

func (s *Server) restore(kept State) error {
	for _, account := range kept.Accounts {
		if err := s.putAccount(account); err != nil {
			return err
		}
	}
	for _, c := range kept.Certificates {
		s.certificates[c.ID] = &c
		s.order = append(s.order, c.ID)
	}
	sort.Slice(s.order, func(i, j int) bool { return s.order[i] < s.order[j] })
	s.charges, s.settings = kept.Charges, kept.Settings
	s.nextID, s.nextOrder = max(kept.NextID, firstCertificateID), max(kept.NextOrder, firstOrderID)
	for name, proved := range kept.Proofs {
		s.proved[name] = proved
	}
	return nil
}
