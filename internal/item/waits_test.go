package item_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"pmssl/internal/item"
)

func TestSpareWaitsLeaveHalfOfTheTime(t *testing.T) {
	waits, spare, needed := item.NewWaits(10*time.Minute), 0, 0
	for waits.TakeSpare(20 * time.Second) {
		spare++
	}
	for waits.Take(10 * time.Second) {
		needed++
	}
	assert.Equal(t, 15, spare)
	assert.Equal(t, 30, needed)
	assert.False(t, waits.TakeSpare(time.Nanosecond))

	var none *item.Waits
	assert.False(t, none.Take(0))
	assert.False(t, none.TakeSpare(0))
}
