package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// rules BUY-1: an unusable answer at each request of open in turn: the order is paid once and gets its certificate. Lost
// connections are tested by TestDroppedAnswersBuyOnce and TestKilledOpenBuysOnce.
func TestUnusableAnswersBuyOnce(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startFixture(t, seller)
		charges := 0
		for _, kind := range seller.unusableAnswers {
			for _, s := range seller.openSteps {
				t.Run(kind+" at "+string(s), func(t *testing.T) {
					f.forgetKeptBalance(t)
					f.failNext(t, s, kind)
					placed := f.place(t, exampleCSR(t))
					charges++
					run := f.attempt(t, placed)
					left := f.standIn.pendingFaults()
					f.standIn.clearFaults()
					assert.Zero(t, left, "open never asked for %s", s)
					if len(f.itemOf(t, placed.Item).Operations) > 0 {
						assert.False(t, run.OK(), "exit 0 leaves no running operation")
						f.finish(t, placed)
					}
					f.checkOpened(t, placed.Item, charges)
				})
			}
		}
	})
}
