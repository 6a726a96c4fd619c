package ispapi

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"strconv"
)

const (
	// pageSize is how many rows are asked for at once; panels that know no pages send all.
	pageSize = 1000
	// maxRows bounds a list.
	maxRows = 100_000
)

// List returns all rows of a list function. Fewer rows than the panel counts are an error: a list with a filter hides records
// that matter here.
func (c *Client) List(ctx context.Context, function string, params url.Values) ([]*Element, error) {
	var rows []*Element
	counted := -1
	for page := 1; ; page++ {
		more, total, err := c.page(ctx, function, params, page)
		switch {
		case err != nil:
			return nil, err
		case page > 1 && total != counted:
			return nil, fmt.Errorf("%s: the list changed while it was read", function)
		case len(rows)+len(more) > maxRows:
			return nil, fmt.Errorf("%s: the list has more than %d rows", function, maxRows)
		}
		counted = total
		if page > 1 && repeats(rows, more) {
			break // a panel that sends the whole list for each page
		}
		if rows = append(rows, more...); isLast(len(rows), len(more), total) {
			break
		}
	}
	if counted > len(rows) {
		return nil, fmt.Errorf("%s: the panel shows %d of %d rows: reset the filter of that list, and use a user of its own for this module", function, len(rows), counted)
	}
	return rows, nil
}

// isLast reports whether no page follows one with so many rows, after which there are read rows of a total; -1 if that is unknown.
func isLast(read, rows, total int) bool {
	return rows == 0 || total >= 0 && read >= total || total < 0 && rows < pageSize
}

// page reads one page of a list.
func (c *Client) page(ctx context.Context, function string, params url.Values, number int) (rows []*Element, total int, err error) {
	root, err := c.Read(ctx, function, paged(params, number))
	if err != nil {
		return nil, 0, err
	}
	return rowsOf(root, function)
}

func paged(params url.Values, page int) url.Values {
	all := url.Values{"p_cnt": {strconv.Itoa(pageSize)}, "p_num": {strconv.Itoa(page)}}
	maps.Copy(all, params)
	return all
}

// rowsOf returns the rows of one page, and how many the list has in all; -1 if the panel does not say so.
func rowsOf(root *Element, function string) (rows []*Element, total int, err error) {
	if name := root.Attr("func"); name != "" && name != function {
		return nil, 0, fmt.Errorf("%s: the panel answers with %s", function, Shown(name))
	}
	total = -1
	for _, e := range root.Children {
		switch e.Name {
		case "elem":
			rows = append(rows, e)
		case "p_elems":
			if n, err := strconv.Atoi(e.Text); err == nil && n >= 0 {
				total = n
			}
		}
	}
	if len(rows) == 0 && total != 0 && root.Has("ok") {
		return nil, 0, fmt.Errorf("%s: the panel answers ok without a list", function)
	}
	return rows, total, nil
}

// repeats reports whether a page begins as the list does.
func repeats(rows, page []*Element) bool {
	return len(rows) > 0 && len(page) > 0 && same(rows[0], page[0])
}

func same(a, b *Element) bool {
	if len(a.Children) != len(b.Children) {
		return false
	}
	for i, c := range a.Children {
		if c.Name != b.Children[i].Name || c.Text != b.Children[i].Text {
			return false
		}
	}
	return true
}
