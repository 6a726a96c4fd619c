package sellerhttp

import (
	"context"
	"slices"

	"pmssl/internal/fault"
	"pmssl/internal/panellog"
)

// maxWalks is how often a list that changes meanwhile is read (rules BUY-10).
const maxWalks = 3

// ListPage is one page of a seller's list.
type ListPage[R any] struct {
	Rows    []R
	Total   int  // rows of the whole list, if Counted
	Counted bool // whether the page shows the total
	// Size is the number of rows of a full page, 0 if unknown. In a list without a total, a page with fewer rows is the last
	// one.
	Size int
}

// partial reports whether the page has fewer rows than a full one.
func (p ListPage[R]) partial() bool { return p.Size > 0 && len(p.Rows) < p.Size }

// ListWalk reads a list that the seller gives in pages. While other programs buy, delete or activate, rows move from page to
// page, so that one walk can miss a row that was in the list all the time.
type ListWalk[R any] struct {
	Seller string // the seller's name for people
	Call   string // the object of faults: the seller's name of the command
	List   string // the list's name for people
	Page   func(ctx context.Context, number int) (ListPage[R], error)
	ID     func(R) int64
	// MaxPages and MaxRows bound one walk.
	MaxPages, MaxRows int
	// Hint is added to the error about a list with fewer rows than its total; may be empty.
	Hint string
	Log  *panellog.Logger
}

// walked is the result of one walk.
type walked[R any] struct {
	rows    []R
	first   []int64 // ids of the first page, in its order
	total   int     // of the first page, if counted
	counted bool
	pages   int    // pages read
	newest  bool   // the ids descend throughout, so that new rows are on the first page
	changed string // how the list changed during the walk; empty if no change was seen
}

// Once returns the rows of one walk. Rows may be missing if the list changed meanwhile, so do not conclude from it that an
// order does not exist.
func (w ListWalk[R]) Once(ctx context.Context) ([]R, error) {
	found, err := w.walk(ctx)
	return found.rows, err
}

// Consistent returns the rows of a list that did not change while it was read (rules BUY-10): each page has the same total,
// and no row is on two pages. A list of one page needs no further check. Of a longer list, the first page is read again at the
// end and must be the same. This proves nothing if the ids do not descend (new rows need not be on the first page) or if there
// is no total (deletions are not visible); then a second walk must find the same rows. After three walks without success it
// returns a retryable fault.
func (w ListWalk[R]) Consistent(ctx context.Context) ([]R, error) {
	var before *walked[R] // the complete walk with which the next one is compared
	for walk := 1; ; walk++ {
		found, err := w.walk(ctx)
		if err != nil {
			return nil, err
		}
		switch {
		case found.changed != "":
			before = nil
		case found.pages == 1:
			return found.rows, nil
		case found.newest && found.counted:
			if found.changed, err = w.checkFirstPage(ctx, found); err != nil {
				return nil, err
			}
			if found.changed == "" {
				return found.rows, nil
			}
			before = nil
		case before != nil && w.same(*before, found):
			return found.rows, nil
		default:
			found.changed = unproven(before != nil)
			before = &found
		}
		if walk == maxWalks {
			return nil, fault.Errorf(fault.API, w.Call, "%s's list %s changes while it is read (%s); nothing is concluded from it, "+
				"the next run reads it again", w.Seller, w.List, found.changed).Retryable()
		}
		w.Log.ExtInfof("%s's list %s is read again: %s", w.Seller, w.List, found.changed)
	}
}

// unproven returns why a complete walk is not enough. compared says that it was compared with the walk before.
func unproven(compared bool) string {
	if compared {
		return "a second walk showed other rows"
	}
	return "its pages may be from different moments, a second walk must find the same rows"
}

// countChanged reports whether a page shows another total than the first page of the walk.
func (w walked[R]) countChanged(counted bool, total int) bool {
	return counted != w.counted || counted && total != w.total
}

// walk reads all pages once. It ends early if it sees that the list changed.
func (w ListWalk[R]) walk(ctx context.Context) (walked[R], error) {
	found := walked[R]{newest: true}
	seen := map[int64]bool{}
	for number := 1; number <= w.MaxPages; number++ {
		page, err := w.Page(ctx, number)
		if err != nil {
			return walked[R]{}, err
		}
		fresh := w.addPage(&found, seen, page)
		last := fresh == 0 || page.partial() // in a list without a total
		switch {
		case number > 1 && found.countChanged(page.Counted, page.Total):
			found.changed = "the number of its rows changed"
			return found, nil
		case len(found.rows) > w.MaxRows:
			return walked[R]{}, w.fault("is longer than %d rows", w.MaxRows)
		case page.Counted && len(found.rows) >= page.Total, !page.Counted && last:
			return found, nil
		case fresh == 0:
			return walked[R]{}, w.fault("is incomplete: %d of %d rows were seen, page %d brings nothing new%s",
				len(found.rows), page.Total, number, w.Hint).Retryable()
		case fresh < len(page.Rows):
			found.changed = "a row showed on two pages"
			return found, nil
		}
	}
	return walked[R]{}, w.fault("is longer than %d pages", w.MaxPages)
}

func (w ListWalk[R]) fault(format string, args ...any) *fault.Error {
	return fault.Errorf(fault.Client, w.Call, "%s's list %s "+format, append([]any{w.Seller, w.List}, args...)...)
}

// addPage adds the page's rows that were not seen before and returns their number.
func (w ListWalk[R]) addPage(found *walked[R], seen map[int64]bool, page ListPage[R]) int {
	if found.pages++; found.pages == 1 {
		found.first, found.total, found.counted = w.ids(page.Rows), page.Total, page.Counted
	}
	fresh := 0
	for _, row := range page.Rows {
		id := w.ID(row)
		if seen[id] {
			continue
		}
		seen[id] = true
		fresh++
		if last := len(found.rows) - 1; last >= 0 && w.ID(found.rows[last]) < id {
			found.newest = false
		}
		found.rows = append(found.rows, row)
	}
	return fresh
}

// checkFirstPage reads the first page again and returns what changed; empty if nothing did.
func (w ListWalk[R]) checkFirstPage(ctx context.Context, found walked[R]) (string, error) {
	page, err := w.Page(ctx, 1)
	switch {
	case err != nil:
		return "", err
	case found.countChanged(page.Counted, page.Total):
		return "the number of its rows changed", nil
	case !slices.Equal(w.ids(page.Rows), found.first):
		return "its first page changed", nil
	}
	return "", nil
}

func (w ListWalk[R]) ids(rows []R) []int64 {
	all := make([]int64, len(rows))
	for i, row := range rows {
		all[i] = w.ID(row)
	}
	return all
}

// same reports whether two walks found the same rows, in any order.
func (w ListWalk[R]) same(a, b walked[R]) bool {
	return slices.Equal(slices.Sorted(slices.Values(w.ids(a.rows))), slices.Sorted(slices.Values(w.ids(b.rows))))
}
