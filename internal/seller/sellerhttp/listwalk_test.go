package sellerhttp_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pmssl/internal/fault"
	"pmssl/internal/panellog"
	"pmssl/internal/seller/sellerhttp"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// remoteList is a seller's list of ids that changes between two requests.
type remoteList struct {
	ids       []int64
	size      int
	uncounted bool
	before    func(request int, l *remoteList) // before the request's answer is made
	requests  int
}

func (l *remoteList) page(_ context.Context, number int) (sellerhttp.ListPage[int64], error) {
	l.requests++
	if l.before != nil {
		l.before(l.requests, l)
	}
	rows := slices.Clone(l.ids[min((number-1)*l.size, len(l.ids)):min(number*l.size, len(l.ids))])
	if l.uncounted {
		return sellerhttp.ListPage[int64]{Rows: rows, Size: l.size}, nil
	}
	return sellerhttp.ListPage[int64]{Rows: rows, Total: len(l.ids), Counted: true}, nil
}

func (l *remoteList) remove(id int64) {
	l.ids = slices.DeleteFunc(l.ids, func(one int64) bool { return one == id })
}

func (l *remoteList) walk() sellerhttp.ListWalk[int64] {
	return sellerhttp.ListWalk[int64]{Seller: "Seller", Call: "list", List: "of orders", MaxPages: 50, MaxRows: 1000,
		Page: l.page, ID: func(id int64) int64 { return id }, Log: panellog.Discard()}
}

// rows returns the ids from the first to the last one, in that order.
func rows(first, last int64) []int64 {
	step := int64(1)
	if first > last {
		step = -1
	}
	all := []int64{first}
	for all[len(all)-1] != last {
		all = append(all, all[len(all)-1]+step)
	}
	return all
}

func TestConsistentReturnsOnlyAListThatDidNotChange(t *testing.T) {
	for name, one := range map[string]struct {
		list     remoteList
		want     []int64
		requests int
	}{
		"one page is one answer":      {remoteList{ids: rows(9, 1), size: 10}, rows(9, 1), 1},
		"empty":                       {remoteList{size: 10}, nil, 1},
		"pages that do not change":    {remoteList{ids: rows(25, 1), size: 10}, rows(25, 1), 4},
		"oldest first: a second walk": {remoteList{ids: rows(1, 25), size: 10}, rows(1, 25), 6},
		"no total: a second walk":     {remoteList{ids: rows(25, 1), size: 10, uncounted: true}, rows(25, 1), 6},
		"one goes, the first of the next page slips back": {remoteList{ids: rows(11, 1), size: 10, before: func(request int, l *remoteList) {
			if request == 2 {
				l.remove(5)
			}
		}}, []int64{11, 10, 9, 8, 7, 6, 4, 3, 2, 1}, 3},
		"one goes and one comes, the number is the same": {remoteList{ids: rows(25, 1), size: 10, before: func(request int, l *remoteList) {
			if request == 2 {
				l.remove(20)
				l.ids = append([]int64{26}, l.ids...)
			}
		}}, slices.Concat(rows(26, 21), rows(19, 1)), 8},
		"oldest first, one goes and one comes": {remoteList{ids: rows(1, 25), size: 10, before: func(request int, l *remoteList) {
			if request == 2 {
				l.remove(5)
				l.ids = append(l.ids, 26)
			}
		}}, slices.Concat(rows(1, 4), rows(6, 26)), 9},
		"no total, one goes behind the first page": {remoteList{ids: rows(25, 1), size: 10, uncounted: true, before: func(request int, l *remoteList) {
			if request == 3 {
				l.remove(12)
			}
		}}, slices.Concat(rows(25, 13), rows(11, 1)), 9},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := one.list.walk().Consistent(t.Context())
			require.NoError(t, err)
			assert.Equal(t, one.want, found)
			assert.Equal(t, one.requests, one.list.requests)
		})
	}
}

func TestAListThatKeepsChangingIsARetryableFault(t *testing.T) {
	for name, list := range map[string]*remoteList{
		"at its head": {ids: rows(25, 1), size: 10, before: func(request int, l *remoteList) {
			l.ids = append([]int64{25 + int64(request)}, l.ids[:24]...)
		}},
		"at its end": {ids: rows(1, 25), size: 10, before: func(request int, l *remoteList) {
			l.ids = append(l.ids[1:], 25+int64(request))
		}},
		"without a total": {ids: rows(25, 1), size: 10, uncounted: true, before: func(request int, l *remoteList) {
			l.remove(25 - int64(request))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := list.walk().Consistent(t.Context())
			failure := fault.From(err)
			assert.True(t, failure.Retry)
			assert.Equal(t, fault.API, failure.Type, "a list that changes is no problem of the connection")
			assert.ErrorContains(t, err, "changes while it is read")
		})
	}
}

// Whatever changes between the requests, an order that was in the list all the time is in the consistent list.
func TestConsistentListHasEveryOrderThatWasThereAllTheTime(t *testing.T) {
	closed := 0
	for seed := range uint64(3000) {
		random := rand.New(rand.NewPCG(seed, 1))
		newest, next := random.IntN(2) == 0, int64(0)
		list := &remoteList{size: 3, uncounted: random.IntN(3) == 0}
		add := func() {
			if next++; newest {
				list.ids = append([]int64{next}, list.ids...)
			} else {
				list.ids = append(list.ids, next)
			}
		}
		for range random.IntN(14) {
			add()
		}
		stayed := slices.Clone(list.ids)
		list.before = func(int, *remoteList) {
			for range random.IntN(2) * random.IntN(3) {
				if random.IntN(2) == 0 || len(list.ids) == 0 {
					add()
					continue
				}
				gone := list.ids[random.IntN(len(list.ids))]
				list.remove(gone)
				stayed = slices.DeleteFunc(stayed, func(id int64) bool { return id == gone })
			}
		}
		found, err := list.walk().Consistent(t.Context())
		if err != nil {
			require.True(t, fault.From(err).Retry, fmt.Sprint(seed, err))
			continue
		}
		closed++
		for _, id := range stayed {
			require.Contains(t, found, id, "seed %d", seed)
		}
	}
	assert.Greater(t, closed, 1000)
}
