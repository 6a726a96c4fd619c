package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// rules BUY-1: a process that is killed at a request, before the seller sees it or when the seller has carried it out and
// not answered yet: at each step of open in turn the order is paid once and has one certificate.
func TestOpenKilledAtEachStepBuysOnce(t *testing.T) {
	eachShop(t, func(t *testing.T, at trade) {
		for _, s := range at.opens {
			for moment, place := range map[string]func(*world, step, func()){"before": (*world).before, "after": (*world).after} {
				t.Run(moment+" "+string(s), func(t *testing.T) {
					w := openWorld(t, at)
					placed := w.place(t, exampleCSR(t))
					reached, dead, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
					place(w, s, func() {
						close(reached)
						<-dead
					})
					process := w.begin(t, "--command", "open", "--item", "1", "--runningoperation", "1")
					go func() {
						_ = process.Wait() // it was killed: that is what it says
						close(ended)
					}()
					select {
					case <-reached:
					case <-ended:
						require.Fail(t, "open ended without the step")
					}
					require.NoError(t, process.Process.Kill())
					<-ended
					close(dead)
					w.busy.Wait() // the request that it left is carried out
					w.finish(t, placed)
					w.settled(t, placed.Item, 1)
				})
			}
		}
	})
}
