package namecheap

import (
	"sort"
	"strconv"
	"strings"
	"time"
)

// Bounds of PageSize (docs/reference/namecheap.md §3.4). Clients send 0 for "not set".
const (
	defaultPageSize = 20
	minPageSize     = 10
	maxPageSize     = 100
)

// getList lists the account's certificates, old ids of a lineage included (3.4).
func getList(c *call) answer {
	shows, known := listTypes()[strings.ToLower(c.get("ListType"))]
	if !known {
		return failure("2011272", "ListType is invalid")
	}
	search := strings.ToLower(c.get("SearchTerm"))
	var listed []*Certificate
	for id := range c.server.certificates.All() {
		found := c.own(id)
		if found != nil && shows(found) && strings.Contains(found.CommonName, search) {
			listed = append(listed, found)
		}
	}
	c.sort(listed, c.get("SortBy"))

	page, size := c.page()
	first := min((page-1)*size, len(listed))
	result := node("SSLListResult")
	for _, found := range listed[first:min(first+size, len(listed))] {
		result = result.plus(c.listRow(found))
	}
	return success(result, node("Paging",
		textNode("TotalItems", strconv.Itoa(len(listed))), textNode("CurrentPage", strconv.Itoa(page)), textNode("PageSize", strconv.Itoa(size))))
}

// statusFilter reports whether a ListType shows a certificate.
type statusFilter func(*Certificate) bool

func withStatus(statuses ...Status) statusFilter {
	return func(c *Certificate) bool {
		for _, status := range statuses {
			if c.Status == status {
				return true
			}
		}
		return false
	}
}

// listTypes returns the filters by ListType. The names are documented; the meaning of the older
// ones is inferred.
func listTypes() map[string]statusFilter {
	all := func(*Certificate) bool { return true }
	return map[string]statusFilter{
		"": all, "all": all,
		"processing":       withStatus(Purchased),
		"emailsent":        func(c *Certificate) bool { return c.Status == Purchased && c.usesEmail() },
		"technicalproblem": withStatus(PurchaseError),
		"inprogress":       withStatus(NewPurchase, NewRenewal, Purchased),
		"completed":        withStatus(Active),
		"deactivated":      withStatus(Replaced, Expired),
		"active":           withStatus(Active),
		"cancelled":        withStatus(Cancelled),
		"newpurchase":      withStatus(NewPurchase),
		"newrenewal":       withStatus(NewRenewal),
	}
}

func (c *call) sort(listed []*Certificate, by string) {
	by, descending := strings.CutSuffix(strings.ToUpper(by), "_DESC")
	keys := map[string]func(*Certificate) string{
		"PURCHASEDATE":   func(x *Certificate) string { return x.Created.Format(time.RFC3339) },
		"SSLTYPE":        c.server.infoType,
		"EXPIREDATETIME": func(x *Certificate) string { return c.expires(x).Format(time.RFC3339) },
		"HOST_NAME":      func(x *Certificate) string { return x.CommonName },
	}
	key, known := keys[by]
	if !known {
		return // by id: the order of purchase
	}
	sort.SliceStable(listed, func(i, j int) bool {
		if descending {
			i, j = j, i
		}
		return key(listed[i]) < key(listed[j])
	})
}

func (c *call) page() (page, size int) {
	page, size = 1, defaultPageSize
	if n, err := number(c.get("Page")); err == nil && n > 0 && n < 1_000_000 {
		page = int(n)
	}
	if n, err := number(c.get("PageSize")); err == nil && n > 0 {
		size = int(min(max(n, minPageSize), maxPageSize))
	}
	return page, size
}

func (c *call) expires(found *Certificate) time.Time {
	return c.server.end(found, c.server.settings.Expires)
}

// activationEnd returns the end of the activation period, or "" once activated.
func (c *call) activationEnd(found *Certificate, format func(time.Time) string) string {
	if !found.waitsForActivation() {
		return ""
	}
	return format(found.ActivationExpires)
}

func (c *call) listRow(found *Certificate) element {
	expires := c.expires(found)
	row := node("SSL").withInt("CertificateID", found.ID).with("HostName", found.CommonName).
		with("SSLType", c.server.infoType(found)).with("PurchaseDate", longDate(found.Created)).
		with("ExpireDate", longDate(expires)).with("ActivationExpireDate", c.activationEnd(found, longDate)).
		withBool("IsExpiredYN", !expires.IsZero() && c.now.After(expires)).with("Status", string(found.Status))
	if !c.server.settings.Undocumented {
		return row
	}
	provider := ""
	if found.ProviderOrderID != 0 {
		provider = strconv.FormatInt(found.ProviderOrderID, 10)
	}
	return row.with("ProviderOrderID", provider).withInt("Years", int64(found.Years))
}
