package ispmanager

import (
	"cmp"
	"context"
	"strconv"
	"strings"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
	"pmssl/internal/sorting"
)

const (
	functionList = "certificate"
	pageSize     = 500
	// newestFirst sorts by id, descending. Whether the remote sorts lists for clients is not known, so the walk checks the
	// order of the rows.
	newestFirst = "-id"
	// maxPages is how many pages of a list are read, whatever size the remote gives them.
	maxPages = 200
	// maxRows is how many rows of a list are read.
	maxRows = 100000
)

// row is one service of the list.
type row struct {
	id         int64
	name       string // common name, lower case, A-labels
	item       itemStatus
	service    int
	ref        string // remoteid, our order reference
	referenced bool   // whether the list has the column remoteid
	product    string // the remote's name of the tariff
	months     int
	created    cabforum.Date
	expires    cabforum.Date
	prolongs   string // autoprolong
	prolonged  bool   // whether the list has that column
}

func rowOf(e *sellerhttp.Element) row {
	text := func(names ...string) string {
		for _, name := range names {
			if t := e.Child(name).Text(); t != "" {
				return words(t)
			}
		}
		return ""
	}
	return row{
		id: seller.ParseID(text("id")), name: hostName(text("CN", "domain")), item: itemStatusOf(e),
		service: serviceStatusOf(text("service_status")), ref: refOf(text("remoteid")), referenced: e.Child("remoteid") != nil,
		product: text("pricelist", "pricelist_name", "name"), months: monthsOf(text("period")),
		created: dateOf(text("createdate", "opendate")), expires: dateOf(text("real_expiredate", "expiredate")),
		prolongs: text("autoprolong"), prolonged: e.Child("autoprolong") != nil,
	}
}

// refOf returns the order reference of a row. 0 means none: a numeric column shows it for an empty value.
func refOf(text string) string {
	if text == "0" {
		return ""
	}
	return text
}

// hostName returns a common name in lower case as A-labels.
func hostName(text string) string {
	if ascii, err := pki.ASCIIName("CN", text); err == nil {
		return ascii
	}
	return strings.ToLower(text)
}

// issuanceUnknown reports whether the order may have been issued although the list does not show it: service_status is
// missing or empty, and item_status does not say that the order waits or has ended.
func (r row) issuanceUnknown() bool {
	return r.service == 0 && (r.item.number == itemActive || r.item.number == itemSuspended || r.item.number == 0)
}

func (r row) summary() seller.OrderSummary {
	return seller.OrderSummary{ID: r.id, State: stateOf(r.item, r.service), Months: r.months, CommonName: r.name, Type: r.product, OrderRef: r.ref, Created: r.created}
}

// OrderSnapshot lists all orders of the account except deleted ones, and the highest id of all. An incomplete list is a
// fault: an order that it lacks would be made a second time.
func (c *Client) OrderSnapshot(ctx context.Context) (seller.OrderSnapshot, error) {
	at := c.now()
	rows, err := c.wholeList(ctx)
	if err != nil {
		return seller.OrderSnapshot{}, err
	}
	c.whole.keep(rows, at)
	snapshot := seller.OrderSnapshot{Highest: highest(rows)}
	for _, r := range rows {
		if r.item.number != itemDeleted { // they stay in the list for a while (docs/reference/ispmanager.md §5)
			snapshot.Orders = append(snapshot.Orders, r.summary())
		}
	}
	return snapshot, nil
}

func highest(rows []row) int64 {
	var id int64
	for _, r := range rows {
		id = max(id, r.id)
	}
	return id
}

// list returns, oldest first, a list that did not change while it was read (rules BUY-10): an order that it lacks does
// not exist. A filter in the account's web pages silently hides rows from this client too (docs/reference/ispmanager.md
// §1.4); fewer rows than the remote counts are a fault.
func (c *Client) list(ctx context.Context) ([]row, error) {
	rows, err := c.walk().Consistent(ctx)
	sorting.Func(rows, func(a, b row) int { return cmp.Compare(a.id, b.id) })
	return rows, err
}

func (c *Client) walk() sellerhttp.ListWalk[row] {
	return sellerhttp.ListWalk[row]{
		Seller: Title, Call: functionList, List: "of certificates", MaxPages: maxPages, MaxRows: maxRows, Log: c.log,
		ID: func(r row) int64 { return r.id }, Page: c.listPage,
		Hint: "; if this error stays, reset the filter of that list in the account, and use an account of its own for this panel",
	}
}

// listPage reads one page. The remote decides the size of pages, so a short page need not be the last one.
func (c *Client) listPage(ctx context.Context, number int) (sellerhttp.ListPage[row], error) {
	reply, err := c.page(ctx, number)
	if err != nil {
		return sellerhttp.ListPage[row]{}, err
	}
	var page sellerhttp.ListPage[row]
	page.Total, page.Counted = countOf(reply.value("p_elems"))
	for _, e := range reply.rows {
		r := rowOf(e)
		if r.id == 0 {
			return page, fault.Errorf(fault.Client, functionList, "%s's list of certificates has a row with the unreadable id %q", Title, redacted(e.Child("id").Text()))
		}
		page.Rows = append(page.Rows, r)
	}
	return page, nil
}

// recentRows returns the list as read in the last minute and after this client's last submission. It is for OrderStatus
// only: a caller that concludes that an order does not exist must read the list again.
func (c *Client) recentRows(ctx context.Context) ([]row, error) {
	if rows, known := c.rows.recall(c.now()); known {
		return rows, nil
	}
	at := c.now()
	rows, err := c.walk().Once(ctx)
	if err != nil {
		return nil, err
	}
	c.rows.keep(rows, at)
	return rows, nil
}

func countOf(text string) (int, bool) {
	n, err := strconv.ParseInt(text, 10, 32)
	return int(n), err == nil && n >= 0
}

func (c *Client) page(ctx context.Context, number int) (answer, error) {
	reply, err := c.read(ctx, functionList, pairs("p_cnt", strconv.Itoa(pageSize), "p_num", strconv.Itoa(number), "p_col", newestFirst))
	if err != nil {
		return answer{}, err
	}
	if reply.function != "" && reply.function != functionList {
		return answer{}, fault.Errorf(fault.Client, functionList, "%s answers with %s instead of the list of certificates", Title, reply.function)
	}
	c.setButtons(reply.meta)
	return reply, nil
}

// Certificates lists all orders of the account, oldest first, including deleted ones that the remote still shows
// (feature import).
func (c *Client) Certificates(ctx context.Context) ([]seller.ListedCertificate, error) {
	rows, err := c.list(ctx)
	if err != nil {
		return nil, err
	}
	products := c.cachedProducts()
	var all []seller.ListedCertificate
	for _, r := range rows {
		listed := seller.ListedCertificate{
			ID: r.id, State: stateOf(r.item, r.service), CommonName: r.name, Type: r.product, Months: r.months,
			Created: r.created, Expires: r.expires, OrderRef: r.ref, IssuanceUnknown: r.issuanceUnknown(),
		}
		if product, found := productNamed(products, r.product); found {
			listed.Template = product.ID
		}
		all = append(all, listed)
	}
	return all, nil
}

// OrderRef returns the reference of an item of one panel, which the remote stores as remoteid
// (docs/reference/ispmanager.md §1.4). With installation, two panels on one account do not take each other's orders for
// their own (docs/reference/ispmanager.md §4.5).
func (c *Client) OrderRef(installation string, it int64) string {
	return installation + "-" + strconv.FormatInt(it, 10)
}
