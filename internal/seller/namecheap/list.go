package namecheap

import (
	"context"
	"strconv"
	"strings"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

const (
	commandList = "namecheap.ssl.getList"
	pageSize    = 100 // the most that Namecheap gives (docs/reference/namecheap.md §3.4)
	// maxPages bounds one list: ten thousand certificates.
	maxPages = 100
)

// OrderSnapshot lists the orders that are paid and not activated (all pages of the lists NewPurchase and NewRenewal), and the
// highest id on these and on the first page of all certificates, newest first. An incomplete list is a fault: a purchase that
// it lacks would be made a second time.
func (c *Client) OrderSnapshot(ctx context.Context) (seller.OrderSnapshot, error) {
	newest, err := c.page(ctx, listing{kind: "ALL"}, 1)
	if err != nil {
		return seller.OrderSnapshot{}, err
	}
	snapshot := seller.OrderSnapshot{Highest: highest(0, newest.Rows)}
	for _, kind := range []string{"NewPurchase", "NewRenewal"} {
		rows, err := c.list(ctx, listing{kind: kind})
		if err != nil {
			return seller.OrderSnapshot{}, err
		}
		snapshot.Highest = highest(snapshot.Highest, rows)
		for _, r := range rows {
			if r.State == seller.StateUnknown { // the row does not say it, the list's name does
				r.State = stateOf(kind)
			}
			if r.State.Activatable() {
				snapshot.Orders = append(snapshot.Orders, r.OrderSummary)
			}
		}
	}
	return snapshot, nil
}

func highest(id int64, rows []row) int64 {
	for _, r := range rows {
		id = max(id, r.ID)
	}
	return id
}

// listing names one list of getList (docs/reference/namecheap.md §3.4).
type listing struct {
	kind string // ListType
	term string // SearchTerm, empty for all of the kind
}

// String returns the list's name for people.
func (l listing) String() string {
	if l.term == "" {
		return l.kind
	}
	return l.kind + " of " + l.term
}

// pairs returns the request parameters that select the list.
func (l listing) pairs() []string {
	if l.term == "" {
		return []string{"ListType", l.kind}
	}
	return []string{"ListType", l.kind, "SearchTerm", l.term}
}

// row is one certificate of a list.
type row struct {
	seller.OrderSummary
	provider string // ProviderOrderID, the CA's order; empty where Namecheap shows none
	// bought and expires are PurchaseDate and ExpireDate; zero if missing or unreadable.
	bought, expires cabforum.Date
}

// list returns a list that did not change while it was read (rules BUY-10): an order that it lacks does not exist.
func (c *Client) list(ctx context.Context, which listing) ([]row, error) {
	return c.walk(which).Consistent(ctx)
}

func (c *Client) walk(which listing) sellerhttp.ListWalk[row] {
	return sellerhttp.ListWalk[row]{
		Seller: Title, Call: commandList, List: which.String(), MaxPages: maxPages, MaxRows: maxPages * pageSize, Log: c.log,
		ID: func(r row) int64 { return r.ID },
		Page: func(ctx context.Context, number int) (sellerhttp.ListPage[row], error) {
			return c.page(ctx, which, number)
		},
	}
}

func (c *Client) page(ctx context.Context, which listing, number int) (sellerhttp.ListPage[row], error) {
	reply, err := c.call(ctx, sellerhttp.Read, commandList, append(which.pairs(),
		"Page", strconv.Itoa(number), "PageSize", strconv.Itoa(pageSize), "SortBy", "PURCHASEDATE_DESC")...)
	if err != nil {
		return sellerhttp.ListPage[row]{}, faultOf(err)
	}
	result := reply.result("SSLListResult")
	if result == nil {
		return sellerhttp.ListPage[row]{}, fault.Errorf(fault.Client, commandList, "%s answers OK without the element SSLListResult", Title)
	}
	paging := reply.result("Paging")
	total := countOf(paging.Child("TotalItems").Text())
	page := sellerhttp.ListPage[row]{Total: total, Counted: total >= 0, Size: pageSize}
	if size := intOf(paging.Child("PageSize").Text()); size > 0 {
		page.Size = size
	}
	for _, one := range result.All("SSL") {
		r := rowFrom(one)
		if r.ID == 0 {
			return sellerhttp.ListPage[row]{}, fault.Errorf(fault.Client, commandList, "%s's list %s has a row with the unreadable id %q",
				Title, which, words(one.Attr("CertificateID")))
		}
		page.Rows = append(page.Rows, r)
	}
	return page, nil
}

// rowFrom reads one row; its id is 0 if the id is unreadable.
func rowFrom(one *sellerhttp.Element) row {
	r := row{OrderSummary: seller.OrderSummary{
		ID: seller.ParseID(one.Attr("CertificateID")), State: stateOf(one.Attr("Status")), Months: monthsOf(one.Attr("Years")),
		CommonName: strings.ToLower(words(one.Attr("HostName"))), Type: words(one.Attr("SSLType")),
	}}
	if provider := words(one.Attr("ProviderOrderID")); provider != "0" {
		r.provider = provider
	}
	r.bought, _ = dateOf(one.Attr("PurchaseDate"))
	r.expires, _ = dateOf(one.Attr("ExpireDate"))
	return r
}
