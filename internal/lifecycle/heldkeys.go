package lifecycle

import (
	"context"
	"fmt"

	"pmssl/internal/item"
	"pmssl/internal/pki"
)

// heldPage is how many items one query of the index reads: their certificates are parsed and dropped before the next query.
const heldPage = 200

// heldKeys says which items of the panel hold a key or a certificate, of all modules (rules IMPORT-4).
type heldKeys struct {
	keys    map[string]int64 // hash of a public key -> item; without those of closed items
	serials map[string]int64 // serial of a certificate -> item
	closed  map[int64]bool   // the items of serials that are closed
}

// holder is an item that holds a certificate, and by what.
type holder struct {
	item   int64  // 0: an item that a dry run would make
	by     string // key or serial
	closed bool
}

// String returns the reason in words that the item follows: "its key is on item 42".
func (h holder) String() string {
	switch {
	case h.item == 0:
		return fmt.Sprintf("its %s is that of a certificate before it", h.by)
	case h.closed:
		return fmt.Sprintf("its %s is on item %d, which is closed", h.by, h.item)
	}
	return fmt.Sprintf("its %s is on item %d", h.by, h.item)
}

// readHeldKeys reads the CSR and the stored certificate of every item of the panel, page by page. What cannot be read holds
// nothing.
func readHeldKeys(ctx context.Context, panel item.Panel) (*heldKeys, error) {
	index := &heldKeys{keys: map[string]int64{}, serials: map[string]int64{}, closed: map[int64]bool{}}
	if err := eachHeld(ctx, panel, index.add); err != nil {
		return nil, err // not the part that was read: who keeps it would take the rest for held by nobody
	}
	return index, nil
}

// eachHeld calls f with the CSR and the stored certificate of every item of the panel, of any module and in any state.
func eachHeld(ctx context.Context, panel item.Panel, f func(item.HeldCertificate)) error {
	for after := int64(0); ; {
		page, err := panel.HeldCertificates(ctx, after, heldPage)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, held := range page {
			f(held)
			after = held.Item
		}
	}
}

// readSerials returns the items of the panel, of any module, that have a certificate, by its serial. Closed items do not count.
func readSerials(ctx context.Context, panel item.Panel) (map[string][]int64, error) {
	serials := map[string][]int64{}
	err := eachHeld(ctx, panel, func(held item.HeldCertificate) {
		if stored, err := pki.StoredLeaf(held.Stored); err == nil && held.Status != item.ItemDeleted {
			serials[stored.Serial()] = append(serials[stored.Serial()], held.Item)
		}
	})
	if err != nil {
		return nil, err
	}
	return serials, nil
}

// add adds what an item holds. Of several items with the same key or serial the first that is not closed is kept.
func (h *heldKeys) add(held item.HeldCertificate) {
	closed := held.Status == item.ItemDeleted
	if stored, err := pki.StoredLeaf(held.Stored); err == nil {
		h.addLeaf(held.Item, stored, closed)
	}
	if csr, err := pki.ReadCSR(held.CSR); err == nil && !closed {
		h.addKey(csr.KeyHash(), held.Item)
	}
}

// addLeaf adds a certificate of an item.
func (h *heldKeys) addLeaf(it int64, leaf pki.Chain, closed bool) {
	serial := leaf.Serial()
	if other, there := h.serials[serial]; !there || h.closed[other] && !closed {
		h.serials[serial] = it
		h.closed[it] = closed
	}
	if !closed {
		h.addKey(pki.LeafKeyHash(leaf.Leaf), it)
	}
}

// addKey adds the key of an item that is not closed.
func (h *heldKeys) addKey(hash string, it int64) {
	if _, there := h.keys[hash]; !there && hash != "" {
		h.keys[hash] = it
	}
}

// find returns the item that holds the certificate: by its serial, else by its key; false if none does.
func (h *heldKeys) find(leaf pki.Chain) (holder, bool) {
	if it, there := h.serials[leaf.Serial()]; there {
		return holder{it, "serial", h.closed[it]}, true
	}
	if it, there := h.keys[pki.LeafKeyHash(leaf.Leaf)]; there {
		return holder{it, "key", false}, true
	}
	return holder{}, false
}
