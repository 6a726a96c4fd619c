package ispmgr

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"pmssl/internal/sandbox/issuance"
)

const defaultPageSize = 20

// listCertificates lists the services (docs/reference/ispmanager.md §5). The account's filter
// shortens the list without a notice (1.4).
func listCertificates(c *call) answer {
	var shown []*Certificate
	for _, item := range c.ownServices() {
		if c.isListed(item) && c.passesFilter(item) {
			shown = append(shown, item)
		}
	}
	if c.get("p_col") == "-id" && !c.settings.IgnoreSort {
		slices.Reverse(shown)
	}
	size, page := c.page(len(shown))
	from := min((page-1)*size, len(shown))
	var content []element
	for _, item := range shown[from:min(from+size, len(shown))] {
		content = append(content, c.row(item))
	}
	content = append(content, textNode("p_cnt", strconv.Itoa(size)), textNode("p_num", strconv.Itoa(page)), textNode("p_elems", strconv.Itoa(len(shown))))
	return answer{content: content, metadata: []element{c.toolbar()}}
}

// page returns the page size and the number of the page that is shown.
func (c *call) page(elements int) (size, number int) {
	size, number = positive(c.get("p_cnt"), defaultPageSize), positive(c.get("p_num"), 1)
	size = min(size, c.settings.MaxPageSize)
	last := max(1, (elements+size-1)/size)
	if number > last && c.settings.PastEnd == PastEndLast {
		number = last
	}
	return size, min(number, 1_000_000)
}

func positive(text string, otherwise int) int {
	if n, err := strconv.Atoi(text); err == nil && n > 0 && n < 1_000_000 {
		return n
	}
	return otherwise
}

// isListed reports whether a service is in the list. Services in the basket are not, and deleted
// ones disappear after Settings.DeletedDays.
func (c *call) isListed(item *Certificate) bool {
	if item.Status == Deleted {
		return !item.Basket && c.now.Before(item.Removed.Add(time.Duration(c.settings.DeletedDays)*issuance.Day))
	}
	return !item.Basket
}

func (c *call) row(item *Certificate) element {
	p, _ := c.server.product(item.Pricelist)
	price := c.server.priceOf(item)
	e := node("elem", textNode("id", strconv.FormatInt(item.ID, 10)), textNode("CN", item.CommonName), textNode("pricelist", p.Name),
		textNode("pricelist_id", strconv.FormatInt(item.Pricelist, 10)), textNode("project", "ispmanager"), textNode("createdate", dateOf(item.Created)))
	e = e.plus(c.expiry(item)...).plus(c.statusElements(item)...)
	if c.settings.ServiceStatusInList {
		e = e.plus(textNode("service_status", strconv.Itoa(int(item.ServiceStatus))))
	}
	e = e.plus(textNode("cost", c.localMoney(price)+" / "+periodName(item.Months)), textNode("item_cost", price.Decimals(4)),
		textNode("currency_str", c.account.Currency), textNode("period", strconv.Itoa(item.Months)), textNode("autoprolong", item.AutoProlong))
	if !c.settings.HideRemoteID {
		e = e.plus(textNode("remoteid", item.RemoteID))
	}
	return e.plus(textNode("createdate_l", c.localDate(item.Created)))
}

// expiry returns the elements expiredate and real_expiredate (1.5).
func (c *call) expiry(item *Certificate) []element {
	date := dateOf(c.server.expires(item))
	shown := date
	if c.settings.ExpirePhrase {
		shown = c.text("paid until ", "оплачено до ") + c.localDate(c.server.expires(item))
	}
	return []element{textNode("expiredate", shown), textNode("real_expiredate", date)}
}

func dateOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

// localDate formats a date in the language of the answer.
func (c *call) localDate(t time.Time) string {
	return t.UTC().Format(c.text("2 Jan 2006", "2.01.2006"))
}

// statusElements writes the state in one of the known forms (5).
func (c *call) statusElements(item *Certificate) []element {
	digit := strconv.Itoa(int(item.Status))
	titles := map[ItemStatus][2]string{
		Ordered: {"Ordered", "Заказан"}, Active: {"Active", "Активен"}, Suspended: {"Suspended", "Остановлен"},
		Deleted: {"Deleted", "Удален"}, Processing: {"Processing", "Обрабатывается"},
	}
	title := c.text(titles[item.Status][0], titles[item.Status][1])
	switch c.settings.StatusForm {
	case StatusDigit:
		return []element{textNode("item_status", digit)}
	case StatusKey:
		key := "item_status_" + digit
		if item.Reason != "" && (item.Status == Processing || item.Status == Suspended) {
			key += "_" + item.Reason
		}
		return []element{textNode("item_status", key)}
	case StatusRealStatus:
		return []element{textNode("item_status", title), textNode("item_real_status", digit)}
	}
	return []element{textNode("item_status", title).with("orig", digit).with("color", "green"), textNode("status", digit)}
}

// toolbar lists exactly the functions that this login may call (5).
func (c *call) toolbar() element {
	names := c.settings.Functions
	group := node("toolgrp").with("name", "certificate")
	button := func(function, kind, name string) {
		if function != "" {
			group = group.plus(node("toolbtn").with("func", function).with("type", kind).with("name", name).with("level", strconv.Itoa(c.account.Level)))
		}
	}
	button("certificate.order", "new", "order")
	button("certificate.edit", "edit", "edit")
	button("service.prolong", "editlist", "prolong")
	button(names.Reissue, "editlist", "reissue")
	if c.settings.CertificateIn != InEdit {
		button(names.Download, "editnosel", "download")
	}
	button(names.ResendDNS, "editlist", "resenddns")
	button(names.ResendEmail, "editlist", "resendemail")
	button(names.Approver, "editlist", "approver")
	if c.account.AllowDelete {
		button(names.Delete, "group", "delete")
	}
	button("certificate.filter", "filter", "filter")
	return node("metadata", node("toolbar", group).with("view", "buttons")).with("name", "certificate").with("type", "list")
}

// filterFields returns the fields by which the list can be filtered.
func filterFields() []string { return []string{"id", "CN", "item_status", "remoteid"} }

// filterList handles certificate.filter: a filter stays until it is replaced (1.4).
func filterList(c *call) answer {
	if !c.params.submits() {
		f := form{function: "certificate.filter"}
		for _, name := range filterFields() {
			f.add(field{name: name, value: c.account.Filter[name]})
		}
		return c.formAnswer(c.withExtras(f))
	}
	c.account.Filter = map[string]string{}
	for _, name := range filterFields() {
		if value := c.get(name); value != "" {
			c.account.Filter[name] = value
		}
	}
	return success(node("ok"))
}

func (c *call) passesFilter(item *Certificate) bool {
	own := map[string]string{"id": strconv.FormatInt(item.ID, 10), "CN": item.CommonName, "item_status": strconv.Itoa(int(item.Status)), "remoteid": item.RemoteID}
	return !slices.ContainsFunc(filterFields(), func(name string) bool {
		wanted := c.account.Filter[name]
		return wanted != "" && wanted != own[name] && (name != "CN" || !strings.Contains(own[name], wanted))
	})
}
