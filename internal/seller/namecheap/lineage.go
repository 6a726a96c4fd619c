package namecheap

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"pmssl/internal/cabforum"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

// Certificates lists all certificates of the account, ended ones too (ssl.getList ALL, docs/reference/namecheap.md §3.4),
// those of one order as one: the newest with the ids that it took the place of. Which belong together tell the CA's order
// (docs/reference/namecheap.md §3.3) and, where that does not, ReplacedBy of the replaced ones. Created is the earliest
// PurchaseDate of the order. A list that cannot be read to its end is a fault.
func (c *Client) Certificates(ctx context.Context) ([]seller.ListedCertificate, error) {
	rows, err := c.list(ctx, listing{kind: "ALL"})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(a.ID, b.ID) })
	next := sameOrder(rows)
	if err := c.askReplaced(ctx, rows, next); err != nil {
		return nil, err
	}
	return lineages(rows, next), nil
}

// succession names for an id the one that took its place.
type succession map[int64]int64

// newest follows an id to the end; an id whose successors run in a circle stands for itself.
func (s succession) newest(id int64) int64 {
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

// sameOrder reads the succession from the CA's order. Its newest certificate that has not failed took the place of those
// before it; failed attempts after that one stay by themselves.
func sameOrder(rows []row) succession {
	orders := map[int64][]row{}
	for _, r := range rows {
		if order := seller.ParseID(r.provider); order != 0 {
			orders[order] = append(orders[order], r)
		}
	}
	next := succession{}
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

// sameKind keeps certificates of different products apart, whatever the CA's order says of them.
func sameKind(a, b row) bool {
	one, _, known := productNamed(a.Type)
	other, _, too := productNamed(b.Type)
	return !known || !too || sameOffer(one, other)
}

// askReplaced adds what getInfo tells of replaced certificates whose successor the list does not show: a reissue of what
// was bought of Sectigo comes from SSL.com, in an order of its own (docs/reference/namecheap.md §4).
func (c *Client) askReplaced(ctx context.Context, rows []row, next succession) error {
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
			c.log.Warningf("%s lists the certificate %d as replaced and does not tell by what (ReplacedBy %q)", Title, r.ID, words(result.Attr("ReplacedBy")))
			continue
		}
		next[r.ID] = by
	}
	return nil
}

// lineages makes one certificate of each succession, ascending by id.
func lineages(rows []row, next succession) []seller.ListedCertificate {
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

// earlier returns the earlier one of two dates; a zero one does not count.
func earlier(a, b cabforum.Date) cabforum.Date {
	if b.IsZero() || !a.IsZero() && a.Before(b) {
		return a
	}
	return b
}
