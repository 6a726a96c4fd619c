package reconcile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/pki"
)

const (
	// doubleDays is the number of days within which two orders for the same name are probably one that was paid twice.
	doubleDays = 3
	// termDays is less than the days between two payments for one item: a monthly term is renewed some days earlier or later.
	termDays = 20
	// firstYear is the first year in which an order can have been made: sellers write a date that is not set as one long ago.
	firstYear = 2000
	// dateTolerance is the tolerance of a seller's bare date, in days (rules TIME-2).
	dateTolerance = 2
)

// near reports whether an order of the day can be the double of one of the month.
func (m Month) near(day cabforum.Date) bool {
	first := cabforum.Date{Year: m.Year, Month: m.Month, Day: 1}
	return !day.Before(first.AddDays(-termDays)) && day.Before(first.AddMonths(1).AddDays(termDays))
}

// order is an order of the month, or of the days around it, with its row.
type order struct {
	row   Row
	ref   string // order reference at the seller
	class Class  // of the row, before findTwice
	item  int64  // of the row, before findTwice
	day   int    // of the row's date, counted from 1970
}

// place says where the order is.
func (o *order) place() string {
	switch {
	case o.item != 0:
		return fmt.Sprintf("of item %d", o.item)
	case o.class == OtherPanel:
		return "of another panel"
	}
	return "on no item"
}

// findTwice reclassifies orders that were probably paid twice (rules RECONCILE-2). Of two orders for the same the one that is nobody's is
// the double, else the later one: so a pair shows in the report of one month.
func findTwice(all []*order) {
	byItem, byName := map[int64][]*order{}, map[string][]*order{}
	epoch := cabforum.Date{Year: 1970, Month: time.January, Day: 1}
	for _, o := range all {
		o.class, o.item, o.day = o.row.Class, o.row.Item, epoch.DaysUntil(o.row.Date)
	}
	sorted := slices.SortedFunc(slices.Values(all), func(a, b *order) int { return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.row.ID, b.row.ID)) })
	for _, o := range sorted {
		if o.row.Date.IsZero() || o.class != Held && o.class != Nobodys && o.class != OtherPanel {
			continue
		}
		if o.item != 0 {
			byItem[o.item] = append(byItem[o.item], o)
		}
		if name := asciiName(o.row.Name); name != "" {
			byName[name+" "+o.row.Product] = append(byName[name+" "+o.row.Product], o)
		}
	}
	for _, orders := range byItem {
		markItemDoubles(orders)
	}
	for _, orders := range byName {
		markNameDoubles(orders)
	}
}

// asciiName returns a common name as A-labels, in which the seller may show it or not; in lower case if that is not possible.
func asciiName(name string) string {
	if ascii, err := pki.ASCIIName("name", name); err == nil {
		return ascii
	}
	return strings.ToLower(strings.TrimSpace(name))
}

// markItemDoubles reclassifies the doubles of one item's orders, sorted by day.
func markItemDoubles(orders []*order) {
	for i, o := range orders {
		other := doubleOf(orders, i, 31, func(a, b *order) bool {
			return a.row.Date.Year == b.row.Date.Year && a.row.Date.Month == b.row.Date.Month || max(a.day-b.day, b.day-a.day) < termDays
		})
		if other == nil {
			continue
		}
		o.row.Class, o.row.Reason = Twice, fmt.Sprintf("item %d was paid for by id %d too, ordered %s", o.item, other.row.ID, other.row.Date)
		if o.class == Nobodys {
			o.row.Reason += "; this one is not on it"
		}
	}
}

// markNameDoubles reclassifies the doubles of orders for one name and product, sorted by day. Two items, or two items of another panel, may
// have an order each.
func markNameDoubles(orders []*order) {
	for i, o := range orders {
		other := doubleOf(orders, i, doubleDays, func(a, b *order) bool {
			items := a.item != 0 && b.item != 0 && a.item != b.item
			panels := a.class == OtherPanel && b.class == OtherPanel && a.ref != b.ref
			return !items && !panels
		})
		if other == nil || o.row.Class == Twice {
			continue
		}
		o.row.Class, o.row.Reason = Twice, fmt.Sprintf("id %d %s is for the same name and product, ordered %s", other.row.ID, other.place(), other.row.Date)
		if o.class == Nobodys && o.item == 0 {
			o.row.Item, o.row.Reason = other.item, o.row.Reason+"; this one is on no item"
		}
	}
}

// doubleOf returns the order of which that at i is the double; nil if it is none. It looks no further than so many days.
func doubleOf(orders []*order, i, days int, double func(a, b *order) bool) *order {
	o := orders[i]
	for at := i - 1; at >= 0 && o.day-orders[at].day <= days; at-- {
		if other := orders[at]; (o.class == Nobodys || other.class != Nobodys) && double(o, other) {
			return other
		}
	}
	for at := i + 1; o.class == Nobodys && at < len(orders) && orders[at].day-o.day <= days; at++ {
		if other := orders[at]; other.class != Nobodys && double(o, other) {
			return other
		}
	}
	return nil
}
