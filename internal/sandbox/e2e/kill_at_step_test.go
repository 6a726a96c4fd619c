package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// rules BUY-1: open is killed at each of its requests in turn, before the seller sees the request, or after the seller has
// carried it out and before it answers. The order is paid once and has one certificate.
func TestOpenKilledAtEachStepBuysOnce(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		for _, s := range seller.openSteps {
			for moment, place := range map[string]func(*fixture, step, func()){"before": (*fixture).beforeRequest, "after": (*fixture).afterRequest} {
				t.Run(moment+" "+string(s), func(t *testing.T) {
					f := startFixture(t, seller)
					placed := f.place(t, exampleCSR(t))
					f.forgetKeptBalance(t)
					reached, dead, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
					place(f, s, func() {
						close(reached)
						<-dead
					})
					process := f.startProcess(t, "--command", "open", "--item", "1", "--runningoperation", "1")
					go func() {
						_ = process.Wait() // the error is the kill
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
					f.activeRequests.Wait() // until the stand-in has finished the request of the killed process
					f.finish(t, placed)
					f.checkOpened(t, placed.Item, 1)
				})
			}
		}
	})
}
