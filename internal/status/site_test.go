package status_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"pmssl/internal/itemparam"
	"pmssl/internal/status"
)

// What the sites serve is shown with the day of the look at this certificate, or without a day.
func TestRecordOfAnotherCertificateIsNotShown(t *testing.T) {
	f := newFixture(t)
	for id := int64(1); id <= 3; id++ {
		it := f.issued(id, 100)
		serial := serialOf(it)
		switch id {
		case 1:
			it.Item.Params[itemparam.SiteWatch] = fmt.Sprintf(`{"outcome":"old","serial":%q,"name":"www.example.com","address":"192.0.2.1"}`, serial)
		case 2, 3:
			it.Item.Params[itemparam.SiteWatch] = `{"outcome":"old","since":"2026-01-05T00:00:00Z","serial":"ab","name":"www.example.com","address":"192.0.2.1"}`
		}
	}
	f.watched(`{"item":2,"looked":"2026-09-30T10:00:00Z","serial":"` + serialOf(&f.items[1]) + `","outcome":"old","served":"ee"}`)
	rows := map[int64]status.Row{}
	for _, row := range f.rows() {
		rows[row.Item] = row
	}
	assert.Equal(t, "old", rows[1].Served)
	assert.True(t, rows[1].Looked.IsZero())
	assert.Contains(t, rows[1].Place, "192.0.2.1")
	assert.Equal(t, "old", rows[2].Served)
	assert.Equal(t, "2026-09-30", rows[2].Looked.Format(time.DateOnly))
	assert.Empty(t, rows[2].Place, "it is that of the certificate before")
	assert.Empty(t, rows[3].Served)
}
