package namecheap

import (
	"context"
	"slices"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
)

// maxTerm is the longest SearchTerm, in characters (docs/reference/namecheap.md §3.4).
const maxTerm = 70

// FindReissues lists the ids that may be a reissue of the certificate, ascending: newer ones for the common name that the CA
// works on or that are issued (ssl.getList, docs/reference/namecheap.md §3.4). A reissue keeps the CA's order
// (docs/reference/namecheap.md §3.3): if the certificate's row shows it, certificates of another order are left out, except
// those of another product, because a certificate bought from Sectigo is reissued by SSL.com in a new order
// (docs/reference/namecheap.md §4). OrderStatus shows for which key each id is. An incomplete list is a fault: a reissue
// that it lacks would be requested a second time.
func (c *Client) FindReissues(ctx context.Context, id int64, commonName string) ([]int64, error) {
	name := strings.ToLower(strings.TrimSpace(commonName))
	if name == "" {
		return nil, fault.Errorf(fault.Missed, "csr", "the reissue of the certificate %d cannot be looked for without its common name", id)
	}
	rows, err := c.rowsFor(ctx, id, name)
	if err != nil {
		return nil, err
	}
	var found []int64
	old := rowOf(rows, id)
	for _, r := range rows {
		if r.ID <= id || !sameHost(r.CommonName, name) {
			continue
		}
		switch {
		case r.State == seller.StateUnknown:
			c.log.Warningf("%s lists the certificate %d for %s with an unknown status; it does not count as a reissue of %d", Title, r.ID, r.CommonName, id)
		case r.State != seller.StateWaiting && r.State != seller.StateIssued:
		case old.otherOrder(r):
			c.log.ExtInfof("the certificate %d for %s is of the CA's order %s, not of %s: it is not a reissue of %d",
				r.ID, r.CommonName, r.provider, old.provider, id)
		default:
			found = append(found, r.ID)
		}
	}
	slices.Sort(found)
	return found, nil
}

// rowsFor returns all rows of the certificate and the name. Which fields a SearchTerm is compared with is not documented: if a
// search finds neither the certificate nor its name, the whole list is read.
func (c *Client) rowsFor(ctx context.Context, id int64, name string) ([]row, error) {
	if searchable(name) {
		rows, err := c.list(ctx, listing{kind: "ALL", term: name})
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(rows, func(r row) bool { return r.ID == id || sameHost(r.CommonName, name) }) {
			return rows, nil
		}
		c.log.ExtInfof("%s's search for %s finds no such name; reading the whole list", Title, name)
	}
	return c.list(ctx, listing{kind: "ALL"})
}

// searchable reports whether a search is expected to find the name: not a wildcard, because `*` may be a pattern, and not an
// internationalised name, which the list may have in its own script.
func searchable(name string) bool {
	if len(name) > maxTerm || strings.HasPrefix(name, "xn--") || strings.Contains(name, ".xn--") {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '.'
	})
}

// sameHost reports whether a row's name, as U-labels or A-labels, is the common name.
func sameHost(host, name string) bool {
	if strings.EqualFold(host, name) {
		return true
	}
	ascii, err := pki.ASCIIName("HostName", host)
	return err == nil && ascii == name
}

// rowOf returns the row of the id; an empty one if the list lacks it.
func rowOf(rows []row, id int64) row {
	for _, r := range rows {
		if r.ID == id {
			return r
		}
	}
	return row{}
}

// otherOrder reports whether a certificate of the same product belongs to another order at the CA. It returns false if a row
// does not show the order.
func (r row) otherOrder(other row) bool {
	if r.provider == "" || other.provider == "" || r.provider == other.provider {
		return false
	}
	a, _, known := productNamed(r.Type)
	b, _, too := productNamed(other.Type)
	if known && too {
		return a.ID == b.ID
	}
	return strings.EqualFold(r.Type, other.Type)
}
