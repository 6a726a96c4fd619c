package ispmgr

import (
	"slices"
	"strconv"
)

// listExpenses lists what was taken from the account's balance (docs/reference/ispmanager.md §2).
func listExpenses(c *call) answer {
	var rows []element
	for i, charge := range c.server.charges {
		if charge.Account != c.account.User {
			continue
		}
		rows = append(rows, node("elem", textNode("id", strconv.Itoa(900001+i)), textNode("locale_name", "SSL certificate #"+strconv.FormatInt(charge.CertificateID, 10)),
			textNode("account", c.account.User), textNode("realdate", dateOf(charge.Time)), textNode("cdate", dateOf(charge.Time)),
			textNode("amount", c.money(charge.Amount)), textNode("notpayd", ""), textNode("taxamount", "")))
	}
	if c.get("p_col") == "-id" && !c.settings.IgnoreSort {
		slices.Reverse(rows)
	}
	size, page := c.page(len(rows))
	from := min((page-1)*size, len(rows))
	content := slices.Clone(rows[from:min(from+size, len(rows))])
	return answer{content: append(content, textNode("p_cnt", strconv.Itoa(size)), textNode("p_num", strconv.Itoa(page)), textNode("p_elems", strconv.Itoa(len(rows))))}
}
