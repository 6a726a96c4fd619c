package ispmgr

import (
	"context"
	"fmt"
	"net/url"
	"strconv"

	"pmssl/internal/publish"
)

const (
	// pageSize is how many rows are asked for at once; panels that know no pages send all.
	pageSize = 1000
	// maxRows bounds a list.
	maxRows = 100_000
)

// list returns all rows of a list function. Fewer rows than the panel counts are an error: a list with a filter hides records
// that matter here.
func (p *publisher) list(ctx context.Context, function string, params url.Values) ([]*element, error) {
	var rows []*element
	counted := -1
	for page := 1; ; page++ {
		more, total, err := p.page(ctx, function, params, page)
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
func (p *publisher) page(ctx context.Context, function string, params url.Values, number int) (rows []*element, total int, err error) {
	root, err := p.read(ctx, function, paged(params, number))
	if err != nil {
		return nil, 0, err
	}
	return rowsOf(root, function)
}

// read calls a function that changes nothing. What the panel refuses is an error.
func (p *publisher) read(ctx context.Context, function string, params url.Values) (*element, error) {
	root, refused, err := p.api.call(ctx, function, params)
	if err == nil && refused != nil {
		err = p.refusal(function, refused)
	}
	if err != nil {
		return nil, err
	}
	return root, nil
}

// refusal returns the error for what the panel says about a function.
func (p *publisher) refusal(function string, r *refusal) error {
	switch {
	case r.is("access"):
		return fmt.Errorf("%w: the user may not use %s, or not for this zone (%w): see the sample ispmgr.conf for the rights that it needs", publish.ErrDenied, function, r)
	case r.is("missed", "func"):
		return fmt.Errorf("%w: the panel has no function %s for this user: %w", publish.ErrDenied, function, r)
	case r.is("auth"):
		return fmt.Errorf("%w: %s: %w", publish.ErrDenied, function, r)
	}
	return fmt.Errorf("the panel refuses %s: %w", function, r)
}

func paged(params url.Values, page int) url.Values {
	all := url.Values{"p_cnt": {strconv.Itoa(pageSize)}, "p_num": {strconv.Itoa(page)}}
	for name, values := range params {
		all[name] = values
	}
	return all
}

// rowsOf returns the rows of one page, and how many the list has in all; -1 if the panel does not say so.
func rowsOf(root *element, function string) (rows []*element, total int, err error) {
	if name := root.attr("func"); name != "" && name != function {
		return nil, 0, fmt.Errorf("%s: the panel answers with %s", function, shown(name))
	}
	total = -1
	for _, e := range root.children {
		switch e.name {
		case "elem":
			rows = append(rows, e)
		case "p_elems":
			if n, err := strconv.Atoi(e.text); err == nil && n >= 0 {
				total = n
			}
		}
	}
	if len(rows) == 0 && total != 0 && root.has("ok") {
		return nil, 0, fmt.Errorf("%s: the panel answers ok without a list", function)
	}
	return rows, total, nil
}

// repeats reports whether a page begins as the list does.
func repeats(rows, page []*element) bool {
	return len(rows) > 0 && len(page) > 0 && same(rows[0], page[0])
}

func same(a, b *element) bool {
	if len(a.children) != len(b.children) {
		return false
	}
	for i, c := range a.children {
		if c.name != b.children[i].name || c.text != b.children[i].text {
			return false
		}
	}
	return true
}
