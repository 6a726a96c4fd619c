package namecheap

import (
	"cmp"
	"context"
	"strconv"

	"pmssl/internal/cabforum"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
	"pmssl/internal/sorting"
)

// Certificates lists all certificates of the account, ended ones too (ssl.getList ALL, docs/reference/namecheap.md §3.4). The
// certificates of one order are one entry: the newest one with the ids that it replaced. Two certificates are of one order if
// they have the same order at the CA (docs/reference/namecheap.md §3.3) or if ReplacedBy of one names the other. Created is
// the earliest PurchaseDate of the order. An incomplete list is a fault.
func (c *Client) Certificates(ctx context.Context) ([]seller.ListedCertificate, error) {
	rows, err := c.list(ctx, listing{kind: "ALL"})
	if err != nil {
		return nil, err
	}
	sorting.Func(rows, func(a, b row) int { return cmp.Compare(a.ID, b.ID) })
	next := sameOrder(rows)
	if err := c.addReplaced(ctx, rows, next); err != nil {
		return nil, err
	}
	return lineages(rows, next), nil
}

// successors maps an id to the id that replaced it.
type successors map[int64]int64

// newest returns the last successor of an id; the id itself if its successors form a circle.
func (s successors) newest(id int64) int64 {
	at := id
	for range len(s) + 1 {
		next, found := s[at]
		if !found {
			return at
		}
		at = next
	}
	return id
}

// sameOrder finds successors by the CA's order: the newest certificate of an order that has not failed replaced those before
// it. Later failed attempts have no successor.
func sameOrder(rows []row) successors {
	orders := map[int64][]row{}
	for _, r := range rows {
		if order := seller.ParseID(r.provider); order != 0 {
			orders[order] = append(orders[order], r)
		}
	}
	next := successors{}
	for _, members := range orders {
		head := members[len(members)-1]
		for _, r := range members {
			if !r.State.Ended() && r.State != seller.StateReplaced {
				head = r
			}
		}
		for _, r := range members {
			if r.ID < head.ID && sameKind(r, head) {
				next[r.ID] = head.ID
			}
		}
	}
	return next
}

// sameKind reports whether two certificates can be of one order: not if they are of different products.
func sameKind(a, b row) bool {
	one, _, known := productNamed(a.Type)
	other, _, too := productNamed(b.Type)
	return !known || !too || sameOffer(one, other)
}

// addReplaced asks getInfo about replaced certificates without a known successor and adds it: a certificate bought from
// Sectigo is reissued by SSL.com in a new order (docs/reference/namecheap.md §4).
func (c *Client) addReplaced(ctx context.Context, rows []row, next successors) error {
	for _, r := range rows {
		if _, found := next[r.ID]; found || r.State != seller.StateReplaced {
			continue
		}
		result, err := c.ask(ctx, sellerhttp.Read, "SSLGetInfoResult", commandInfo, "CertificateID", strconv.FormatInt(r.ID, 10))
		if err != nil {
			return err
		}
		by := seller.ParseID(result.Attr("ReplacedBy"))
		if by == r.ID || rowOf(rows, by).ID == 0 {
			c.log.Warningf("%s lists the certificate %d as replaced and does not say by which one (ReplacedBy %q)", Title, r.ID, words(result.Attr("ReplacedBy")))
			continue
		}
		next[r.ID] = by
	}
	return nil
}

// lineages returns one entry for each order, ascending by id.
func lineages(rows []row, next successors) []seller.ListedCertificate {
	var all []seller.ListedCertificate
	at := map[int64]int{}
	for _, r := range rows {
		if next.newest(r.ID) == r.ID {
			at[r.ID] = len(all)
			all = append(all, listed(r))
		}
	}
	for _, r := range rows {
		i, found := at[next.newest(r.ID)]
		if !found || all[i].ID == r.ID {
			continue
		}
		all[i].Older = append(all[i].Older, r.ID)
		all[i].Created = earlier(all[i].Created, r.bought)
		if all[i].Months == 0 {
			all[i].Months = r.Months
		}
	}
	return all
}

func listed(r row) seller.ListedCertificate {
	l := seller.ListedCertificate{ID: r.ID, State: r.State, CommonName: r.CommonName, Type: r.Type, Months: r.Months, Created: r.bought, Expires: r.expires}
	if p, _, known := productNamed(r.Type); known {
		l.Template = p.ID
	}
	return l
}

// earlier returns the earlier of two dates; a zero date is ignored.
func earlier(a, b cabforum.Date) cabforum.Date {
	if b.IsZero() || !a.IsZero() && a.Before(b) {
		return a
	}
	return b
}
