package namecheap

import (
	"context"
	"strconv"
	"strings"

	"pmssl/internal/cabforum"
	"pmssl/internal/cert"
	"pmssl/internal/sellerhttp"
)

const (
	commandList = "namecheap.ssl.getList"
	pageSize    = 100 // the most that Namecheap gives (§3.4)
	// maxPages bounds one list: ten thousand certificates.
	maxPages = 100
	// maxReadings is how often a list is read that changes meanwhile.
	maxReadings = 3
)

// Shelf lists what is paid and not activated (all pages of the lists NewPurchase and NewRenewal), and the highest id
// seen there and on the first page of all certificates, newest first. A list that cannot be read to its end is a fault: a
// purchase that is missing on it would be made a second time.
func (c *Client) Shelf(ctx context.Context) (cert.Shelf, error) {
	newest, err := c.page(ctx, listing{kind: "ALL"}, 1)
	if err != nil {
		return cert.Shelf{}, err
	}
	shelf := cert.Shelf{Highest: highest(0, newest.rows)}
	for _, kind := range []string{"NewPurchase", "NewRenewal"} {
		rows, err := c.list(ctx, listing{kind: kind})
		if err != nil {
			return cert.Shelf{}, err
		}
		shelf.Highest = highest(shelf.Highest, rows)
		for _, r := range rows {
			if r.State == cert.StateUnknown { // the list says what the row leaves open
				r.State = stateOf(kind)
			}
			if r.State.Activatable() {
				shelf.Records = append(shelf.Records, r.Record)
			}
		}
	}
	return shelf, nil
}

func highest(id int64, rows []row) int64 {
	for _, r := range rows {
		id = max(id, r.ID)
	}
	return id
}

// listing names one list of getList (§3.4).
type listing struct {
	kind string // ListType
	term string // SearchTerm, empty for all of the kind
}

// String is the list's name for people.
func (l listing) String() string {
	if l.term == "" {
		return l.kind
	}
	return l.kind + " of " + l.term
}

// pairs are the request's parameters that say which list is meant.
func (l listing) pairs() []string {
	if l.term == "" {
		return []string{"ListType", l.kind}
	}
	return []string{"ListType", l.kind, "SearchTerm", l.term}
}

// row is one certificate of a list.
type row struct {
	cert.Record
	provider string // ProviderOrderID, the CA's order; empty where Namecheap shows none
	// bought and expires are PurchaseDate and ExpireDate, zero where they are missing or unreadable.
	bought, expires cabforum.Date
}

// listPage is one page of a list.
type listPage struct {
	rows    []row
	total   int  // TotalItems
	counted bool // whether the answer gave TotalItems
	size    int  // rows of a full page
}

// list reads all pages. Where the total changes on the way rows move between pages and one can be missed: the list is read
// again.
func (c *Client) list(ctx context.Context, which listing) ([]row, error) {
	for reading := 1; ; reading++ {
		rows, stable, err := c.pages(ctx, which)
		if err != nil || stable {
			return rows, err
		}
		if reading == maxReadings {
			return nil, cert.Faultf(cert.FaultClient, commandList, "%s's list %s changes while it is read", Title, which).Again()
		}
		c.log.ExtInfof("%s's list %s changed while it was read, reading it again", Title, which)
	}
}

func (c *Client) pages(ctx context.Context, which listing) (rows []row, stable bool, err error) {
	seen := map[int64]bool{}
	first := 0
	for number := 1; number <= maxPages; number++ {
		page, err := c.page(ctx, which, number)
		if err != nil {
			return nil, false, err
		}
		if number == 1 {
			first = page.total
		} else if page.counted && page.total != first {
			return nil, false, nil
		}
		fresh := 0
		for _, r := range page.rows {
			if !seen[r.ID] {
				seen[r.ID] = true
				rows = append(rows, r)
				fresh++
			}
		}
		switch {
		case page.counted && len(rows) >= page.total, !page.counted && len(page.rows) < page.size:
			return rows, true, nil
		case fresh == 0 && page.counted: // the end comes too early, or the same page again and again
			return nil, false, cert.Faultf(cert.FaultClient, commandList,
				"%s's list %s is incomplete: page %d brings nothing new, %d of %d certificates were seen", Title, which, number, len(rows), page.total).Again()
		case fresh == 0:
			return rows, true, nil
		}
	}
	return nil, false, cert.Faultf(cert.FaultClient, commandList, "%s's list %s is longer than %d pages", Title, which, maxPages)
}

func (c *Client) page(ctx context.Context, which listing, number int) (listPage, error) {
	reply, err := c.call(ctx, sellerhttp.Read, commandList, append(which.pairs(),
		"Page", strconv.Itoa(number), "PageSize", strconv.Itoa(pageSize), "SortBy", "PURCHASEDATE_DESC")...)
	if err != nil {
		return listPage{}, faultOf(err)
	}
	result := reply.result("SSLListResult")
	if result == nil {
		return listPage{}, cert.Faultf(cert.FaultClient, commandList, "%s answers OK without the element SSLListResult", Title)
	}
	paging := reply.result("Paging")
	page := listPage{total: intOf(paging.Child("TotalItems").Text()), counted: paging.Child("TotalItems").Text() != "", size: pageSize}
	if size := intOf(paging.Child("PageSize").Text()); size > 0 {
		page.size = size
	}
	for _, one := range result.All("SSL") {
		r := rowFrom(one)
		if r.ID == 0 {
			return listPage{}, cert.Faultf(cert.FaultClient, commandList, "%s's list %s has a row with the unreadable id %q",
				Title, which, words(one.Attr("CertificateID")))
		}
		page.rows = append(page.rows, r)
	}
	return page, nil
}

// rowFrom reads one row; its id is 0 where that is unreadable.
func rowFrom(one *sellerhttp.Element) row {
	r := row{Record: cert.Record{
		ID: idOf(one.Attr("CertificateID")), State: stateOf(one.Attr("Status")), Months: monthsOf(one.Attr("Years")),
		Host: strings.ToLower(words(one.Attr("HostName"))), Type: words(one.Attr("SSLType")),
	}}
	if provider := words(one.Attr("ProviderOrderID")); provider != "0" {
		r.provider = provider
	}
	r.bought, _ = dateOf(one.Attr("PurchaseDate"))
	r.expires, _ = dateOf(one.Attr("ExpireDate"))
	return r
}
