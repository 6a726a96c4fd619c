package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
)

// ErrNoCSR is wrapped by the fault of an imported item that no certificate can be requested for: the panel has no CSR of it,
// and the seller shows none that fits.
var ErrNoCSR = errors.New("there is no CSR")

// AdoptCSR gives an imported item, of which the panel has no CSR, the one that the seller shows for its order (rules
// IMPORT-3): if it is for the key of the stored certificate, and if a request with it is for names of that certificate only.
// An item that has a CSR, or no certificate yet, stays as it is, and the seller is not asked. If there is no CSR that fits,
// the fault wraps ErrNoCSR and says why.
func (j *Order) AdoptCSR(ctx context.Context) error {
	if strings.TrimSpace(j.Item.CSR) != "" || j.Item.Stored == "" || j.ID() == 0 {
		return nil
	}
	status, _, err := j.followReplaced(ctx, j.ID())
	if err != nil {
		return err
	}
	adopted, err := j.withCSR(status)
	if err != nil {
		return fault.Errorf(fault.Missed, "csr", "%s was imported and %w that fits (%v): Reissue in the panel, with a CSR, replaces its certificate",
			j.Item.Label(), ErrNoCSR, err)
	}
	// The CSR last: without it the next run does all of this again.
	for _, name := range []string{itemparam.AltName, itemparam.Method, itemparam.ImportedCSR} {
		if err := j.SaveParam(ctx, name, adopted.Params[name]); err != nil {
			return err
		}
	}
	j.Item.CSR = adopted.CSR
	j.Log.Infof("it was imported; its certificates are requested with the CSR of id %d at %s from now on, validated by %s", status.ID, j.Info.Title,
		adopted.Params[itemparam.Method])
	return nil
}

// withCSR returns the item with the CSR of the report, the names of the stored certificate as its further names, and DNS as
// its validation method if it has none. The error says why a reissue of the stored certificate cannot be requested so.
func (j *Order) withCSR(status seller.OrderStatus) (item.Item, error) {
	stored, err := pki.StoredLeaf(j.Item.Stored)
	if err != nil {
		return item.Item{}, err
	}
	if strings.TrimSpace(status.CSR) == "" {
		return item.Item{}, fmt.Errorf("%s shows none for id %d", j.Info.Title, status.ID)
	}
	csr, err := pki.ReadCSR(status.CSR)
	if err != nil {
		return item.Item{}, fmt.Errorf("that of id %d at %s cannot be read: %s", status.ID, j.Info.Title, fault.From(err).Message)
	}
	if !csr.SameKey(stored.Leaf.PublicKey) {
		return item.Item{}, fmt.Errorf("that of id %d at %s is for another key than the stored certificate", status.ID, j.Info.Title)
	}
	it := j.Item
	it.CSR, it.Params = csr.PEM, maps.Clone(j.Item.Params)
	it.Params[itemparam.ImportedCSR] = csr.PEM
	if it.Params[itemparam.Method] == "" { // e-mail, which needs an approver that nobody named
		it.Params[itemparam.Method] = wordCNAME
	}
	if it.Params[itemparam.AltName] == "" {
		it.Params[itemparam.AltName] = strings.Join(stored.Leaf.DNSNames, " ")
	}
	return j.requestable(it, csr, stored, status)
}

// requestable returns the item with its further names as the request has them: without the common name, and at a product for
// one name without those that go with it (www). The error says why the stored certificate's successor cannot be requested.
func (j *Order) requestable(it item.Item, csr pki.CSR, stored pki.Chain, status seller.OrderStatus) (item.Item, error) {
	request, err := item.NewHandle(j.Run, it).Request()
	if err != nil {
		return it, errors.New(fault.From(err).Message)
	}
	if err := stored.Check(csr, request.AllNames()); err != nil {
		return it, fmt.Errorf("that of id %d at %s does not fit the stored certificate: %s", status.ID, j.Info.Title, fault.From(err).Message)
	}
	if lost := lostNames(stored, request); len(lost) > 0 {
		return it, fmt.Errorf("a request with that of id %d at %s would not be for %s, which the stored certificate has",
			status.ID, j.Info.Title, item.Brief(pki.DisplayNames(lost)))
	}
	if err := j.CheckNameCapacity(status, request); err != nil {
		return it, errors.New(fault.From(err).Message)
	}
	it.Params[itemparam.AltName] = strings.Join(request.Names, " ")
	return it, nil
}

// lostNames returns what the stored certificate is for and a certificate of the request would not be.
func lostNames(stored pki.Chain, request seller.Request) []string {
	var lost []string
	for _, name := range stored.Leaf.DNSNames {
		name = strings.ToLower(name)
		if !slices.Contains(request.AllNames(), name) && !request.Implies(name) {
			lost = append(lost, name)
		}
	}
	for _, address := range stored.Leaf.IPAddresses {
		lost = append(lost, address.String())
	}
	return lost
}
