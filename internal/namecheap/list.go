package namecheap

import (
	"context"
	"strconv"
	"strings"

	"pmssl/internal/cert"
	"pmssl/internal/sellerhttp"
)

const (
	commandList = "namecheap.ssl.getList"
	pageSize    = 100 // the most that Namecheap gives (§3.4)
	// maxPages bounds one list: ten thousand certificates that are paid and not activated.
	maxPages = 100
	// maxReadings is how often a list is read that changes meanwhile.
	maxReadings = 3
)

// Shelf lists what is paid and not activated (all pages of the lists NewPurchase and NewRenewal), and the highest id
// seen there and on the first page of all certificates, newest first. A list that cannot be read to its end is a fault: a
// purchase that is missing on it would be made a second time.
func (c *Client) Shelf(ctx context.Context) (cert.Shelf, error) {
	newest, err := c.page(ctx, "ALL", 1)
	if err != nil {
		return cert.Shelf{}, err
	}
	shelf := cert.Shelf{Highest: highest(0, newest.records)}
	for _, kind := range []string{"NewPurchase", "NewRenewal"} {
		records, err := c.list(ctx, kind)
		if err != nil {
			return cert.Shelf{}, err
		}
		shelf.Highest = highest(shelf.Highest, records)
		for _, r := range records {
			if r.State == cert.StateUnknown { // the list says what the row leaves open
				r.State = stateOf(kind)
			}
			if r.State.Activatable() {
				shelf.Records = append(shelf.Records, r)
			}
		}
	}
	return shelf, nil
}

func highest(id int64, records []cert.Record) int64 {
	for _, r := range records {
		id = max(id, r.ID)
	}
	return id
}

// listPage is one page of a list.
type listPage struct {
	records []cert.Record
	total   int  // TotalItems
	counted bool // whether the answer gave TotalItems
	size    int  // rows of a full page
}

// list reads all pages. Where the total changes on the way rows move between pages and one can be missed: the list is read
// again.
func (c *Client) list(ctx context.Context, kind string) ([]cert.Record, error) {
	for reading := 1; ; reading++ {
		records, stable, err := c.pages(ctx, kind)
		if err != nil || stable {
			return records, err
		}
		if reading == maxReadings {
			return nil, cert.Faultf(cert.FaultClient, commandList, "%s's list %s changes while it is read", Title, kind).Again()
		}
		c.log.ExtInfof("%s's list %s changed while it was read, reading it again", Title, kind)
	}
}

func (c *Client) pages(ctx context.Context, kind string) (records []cert.Record, stable bool, err error) {
	seen := map[int64]bool{}
	first := 0
	for number := 1; number <= maxPages; number++ {
		page, err := c.page(ctx, kind, number)
		if err != nil {
			return nil, false, err
		}
		if number == 1 {
			first = page.total
		} else if page.counted && page.total != first {
			return nil, false, nil
		}
		fresh := 0
		for _, r := range page.records {
			if !seen[r.ID] {
				seen[r.ID] = true
				records = append(records, r)
				fresh++
			}
		}
		switch {
		case page.counted && len(records) >= page.total, !page.counted && len(page.records) < page.size:
			return records, true, nil
		case fresh == 0 && page.counted: // the end comes too early, or the same page again and again
			return nil, false, cert.Faultf(cert.FaultClient, commandList,
				"%s's list %s is incomplete: page %d brings nothing new, %d of %d certificates were seen", Title, kind, number, len(records), page.total).Again()
		case fresh == 0:
			return records, true, nil
		}
	}
	return nil, false, cert.Faultf(cert.FaultClient, commandList, "%s's list %s is longer than %d pages", Title, kind, maxPages)
}

func (c *Client) page(ctx context.Context, kind string, number int) (listPage, error) {
	reply, err := c.call(ctx, sellerhttp.Read, commandList,
		"ListType", kind, "Page", strconv.Itoa(number), "PageSize", strconv.Itoa(pageSize), "SortBy", "PURCHASEDATE_DESC")
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
	for _, row := range result.All("SSL") {
		record := cert.Record{
			ID: idOf(row.Attr("CertificateID")), State: stateOf(row.Attr("Status")), Months: monthsOf(row.Attr("Years")),
			Host: strings.ToLower(words(row.Attr("HostName"))), Type: words(row.Attr("SSLType")),
		}
		if record.ID == 0 {
			return listPage{}, cert.Faultf(cert.FaultClient, commandList, "%s's list %s has a row with the unreadable id %q",
				Title, kind, words(row.Attr("CertificateID")))
		}
		page.records = append(page.records, record)
	}
	return page, nil
}
