package lifecycle

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
)

// hintParams returns the parameters in which modules of the panel are publicly known to write an order's id at the seller
// (docs/reference/billmanager.md §4.1). What they mean at this seller is not known: they only name orders to look at.
func hintParams() []string {
	return []string{itemparam.OrderID, "partner_order_id", "store_order_id", "vender_order_id", "vendor_order_id", "order_id"}
}

// unmigrated is an item of another module's order: what the panel knows that can identify the order.
type unmigrated struct {
	item   item.Item
	stored *pki.Chain // certificate in the panel; nil if none can be read
	csr    pki.CSR    // zero if none can be read
	names  []string   // common names that the order may have at the seller, as A-labels
	keys   []string   // hashes of the public keys of CSR and certificate
	hints  []int64    // ids that another module wrote
}

// readUnmigrated reads what identifies the order of an item.
func readUnmigrated(it item.Item) unmigrated {
	u := unmigrated{item: it}
	add := func(list *[]string, text string) {
		if text != "" && !slices.Contains(*list, text) {
			*list = append(*list, text)
		}
	}
	if csr, err := pki.ReadCSR(it.CSR); err == nil {
		u.csr = csr
		add(&u.keys, csr.KeyHash())
		add(&u.names, canonical(csr.CommonName))
	}
	if stored, err := pki.StoredLeaf(it.Stored); err == nil {
		u.stored = &stored
		add(&u.keys, pki.LeafKeyHash(stored.Leaf))
		add(&u.names, canonical(leafName(stored)))
	}
	add(&u.names, canonical(it.Name))
	for _, name := range hintParams() {
		u.hints = append(u.hints, item.ParseIDs(it.Params[name])...)
	}
	u.hints = append(u.hints, item.ParseIDs(it.RemoteID)...)
	if begun, there := readMark(it); there {
		u.hints = append(u.hints, begun.ID)
	}
	return u
}

// leafName returns the name that a certificate is for: its common name, or its first name if it has none.
func leafName(chain pki.Chain) string {
	if chain.Leaf.Subject.CommonName != "" || len(chain.Leaf.DNSNames) == 0 {
		return chain.Leaf.Subject.CommonName
	}
	return chain.Leaf.DNSNames[0]
}

// orderIndex finds the orders of the account that may be an item's.
type orderIndex struct {
	listed []seller.ListedCertificate
	byName map[string][]int // common name as A-labels -> places in listed
	byRef  map[string][]int // order reference -> places in listed
	byID   map[int64]int    // each id of a lineage -> place in listed
}

func indexOrders(listed []seller.ListedCertificate) orderIndex {
	x := orderIndex{listed: listed, byName: map[string][]int{}, byRef: map[string][]int{}, byID: map[int64]int{}}
	for i, l := range listed {
		if l.ID <= 0 {
			continue
		}
		if name := canonical(l.CommonName); name != "" {
			x.byName[name] = append(x.byName[name], i)
		}
		if l.OrderRef != "" {
			x.byRef[l.OrderRef] = append(x.byRef[l.OrderRef], i)
		}
		for _, id := range l.Lineage() {
			x.byID[id] = i
		}
	}
	return x
}

// mayBe returns the orders that may be the item's, in the seller's order: those with the item's name, and those whose id another
// module noted or, as ISPmanager's billing keeps it (docs/reference/ispmanager.md §4.5), that have the item's number as reference.
func (x orderIndex) mayBe(u unmigrated) []seller.ListedCertificate {
	var places []int
	for _, name := range u.names {
		places = append(places, x.byName[name]...)
	}
	for _, id := range u.hints {
		if at, there := x.byID[id]; there {
			places = append(places, at)
		}
	}
	places = append(places, x.byRef[strconv.FormatInt(u.item.Item, 10)]...)
	slices.Sort(places)
	var found []seller.ListedCertificate
	for _, at := range slices.Compact(places) {
		found = append(found, x.listed[at])
	}
	return found
}

// shown is what the seller shows of one order.
type shown struct {
	status seller.OrderStatus
	leaf   *pki.Chain // newest certificate; nil if none can be read
	keys   []string
	csrKey string // of the CSR, empty if the seller shows none
	err    error  // the seller could not be asked
}

// readShown reads the keys of an order's status.
func readShown(status seller.OrderStatus) shown {
	s := shown{status: status}
	if leaf, err := pki.StoredLeaf(strings.Join(status.PEM, "\n")); err == nil {
		s.leaf = &leaf
		s.keys = append(s.keys, pki.LeafKeyHash(leaf.Leaf))
	}
	if csr, err := pki.ReadCSR(status.CSR); err == nil {
		s.csrKey = csr.KeyHash()
		s.keys = append(s.keys, s.csrKey)
	}
	return s
}

// evidence is what ties an order to an item, the strongest last.
type evidence int

const (
	evidenceNone  evidence = iota // only the name, or what another module noted
	evidenceOther                 // both are known and are for different keys
	evidenceKey                   // the same public key
	evidenceLeaf                  // the same certificate
)

// String returns the proof for MigrationRow.
func (e evidence) String() string {
	switch e {
	case evidenceLeaf:
		return "certificate"
	case evidenceKey:
		return "key"
	}
	return "name"
}

// evidenceOf compares an item with what the seller shows of an order.
func evidenceOf(u unmigrated, s shown) evidence {
	switch {
	case s.leaf != nil && u.stored != nil && sameCertificate(*s.leaf, *u.stored):
		return evidenceLeaf
	case len(u.keys) == 0 || len(s.keys) == 0:
		return evidenceNone
	case slices.ContainsFunc(u.keys, func(key string) bool { return slices.Contains(s.keys, key) }):
		return evidenceKey
	}
	return evidenceOther
}

// sameCertificate reports whether two certificates are one: a serial alone is unique for its CA only.
func sameCertificate(a, b pki.Chain) bool {
	return a.Serial() == b.Serial() && pki.LeafKeyHash(a.Leaf) == pki.LeafKeyHash(b.Leaf)
}

// unmigratedIndex has the items that may be migrated, and the items that have a key, those of other modules too.
type unmigratedIndex struct {
	items map[int64]unmigrated
	keys  map[string][]int64
}

// add adds an item; own says that it is of the module that is migrated.
func (x unmigratedIndex) add(u unmigrated, own bool) {
	if own {
		x.items[u.item.Item] = u
	}
	for _, key := range u.keys {
		x.keys[key] = append(x.keys[key], u.item.Item)
	}
}

// sorted returns the ids of the items, lowest first.
func (x unmigratedIndex) sorted() []int64 { return slices.Sorted(maps.Keys(x.items)) }

// rivals returns the other items that an order may be of: those without parameters of this module with its key, of any module with the
// account, and those of the panel, of any module, with its certificate.
func (m *migrator) rivals(it int64, s shown) (byKey, bySerial []int64) {
	seen := map[int64]bool{it: true}
	if s.leaf != nil {
		for _, other := range m.serials[s.leaf.Serial()] {
			if other != it {
				bySerial = append(bySerial, other)
			}
		}
	}
	for _, key := range s.keys {
		for _, other := range m.index.keys[key] {
			if !seen[other] {
				seen[other] = true
				byKey = append(byKey, other)
			}
		}
	}
	return byKey, bySerial
}

// rivalsOf returns the other items that a candidate may be of, and what they have of it. If the item itself has its certificate, a key
// says nothing about others.
func (m *migrator) rivalsOf(it int64, c candidate) (items []int64, what string) {
	byKey, bySerial := m.rivals(it, c.shown)
	if len(bySerial) > 0 || c.proof == evidenceLeaf {
		return bySerial, evidenceLeaf.String()
	}
	return byKey, evidenceKey.String()
}
