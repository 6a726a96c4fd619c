package lifecycle

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"
)

// An order is looked at for an item by its name in either script, by the ids that another module noted, and by the item's number as
// its reference; each once (rules MIGRATE-3).
func TestOrdersThatMayBeAnItems(t *testing.T) {
	listed := []seller.ListedCertificate{
		{ID: 1, CommonName: "xn--e1afmkfd.example"}, {ID: 2, CommonName: "пример.example"}, {ID: 4, Older: []int64{3}, CommonName: "other.example"},
		{ID: 5, CommonName: "third.example", OrderRef: "42"}, {ID: 6}, {ID: 0, CommonName: "пример.example"}, {ID: 7, CommonName: "fourth.example", OrderRef: "142"},
	}
	u := readUnmigrated(item.Item{Item: 42, Name: "Пример.example", RemoteID: "1", Params: map[string]string{
		itemparam.OrderID: "3", "partner_order_id": "6", "store_order_id": "garbage"}})
	var ids []int64
	for _, l := range indexOrders(listed).mayBe(u) {
		ids = append(ids, l.ID)
	}
	assert.Equal(t, []int64{1, 2, 4, 5, 6}, ids)
}

// BenchmarkOrdersOfManyItems looks 1,000 items up among 10,000 orders.
func BenchmarkOrdersOfManyItems(b *testing.B) {
	var listed []seller.ListedCertificate
	for id := int64(1); id <= 10_000; id++ {
		listed = append(listed, seller.ListedCertificate{ID: id, CommonName: fmt.Sprintf("n%d.example", id)})
	}
	for b.Loop() {
		x := indexOrders(listed)
		for it := int64(1); it <= 1_000; it++ {
			x.mayBe(readUnmigrated(item.Item{Item: it, Name: fmt.Sprintf("n%d.example", it)}))
		}
	}
}

// What stands in the parameter migration comes from the panel's database.
func FuzzMigrationMark(f *testing.F) {
	for _, text := range []string{"", "{}", `{"id":7,"time":"2026-04-02T10:00:00Z"}`, `{"id":-1}`, `[`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		mark, there := readMark(item.Item{Params: map[string]string{itemparam.Migration: text}})
		if there {
			assert.Positive(t, mark.ID)
			assert.False(t, mark.Time.IsZero())
		}
	})
}
