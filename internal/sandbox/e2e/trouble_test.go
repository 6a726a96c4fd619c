package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// rules BUY-1: answers that are none, at every step of open in turn: the order is paid once and gets its certificate, at
// the latest by the run after the next. Lost connections are in TestDroppedAnswersBuyOnce and TestKilledOpenBuysOnce.
func TestUnusableAnswersBuyOnce(t *testing.T) {
	eachShop(t, func(t *testing.T, at trade) {
		w := openWorld(t, at)
		charges := 0
		for _, kind := range at.unusable {
			for _, s := range at.opens {
				t.Run(kind+" at "+string(s), func(t *testing.T) {
					w.disturb(t, s, kind)
					placed := w.place(t, exampleCSR(t))
					charges++
					run := w.attempt(t, placed)
					left := w.shop.broken()
					w.shop.mend()
					assert.Zero(t, left, "open never asked for %s", s)
					if len(w.itemOf(t, placed.Item).Operations) > 0 {
						assert.False(t, run.OK(), "exit 0 leaves no running operation")
						w.finish(t, placed)
					}
					w.settled(t, placed.Item, charges)
				})
			}
		}
	})
}
