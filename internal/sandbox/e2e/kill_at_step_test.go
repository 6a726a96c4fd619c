package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// rules BUY-1: a process that is killed at a request, before the seller sees it or when the seller has carried it out and
// not answered yet: at each step of open in turn the order is paid once and has one certificate.
func TestOpenKilledAtEachStepBuysOnce(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		for _, s := range seller.openSteps {
			for moment, place := range map[string]func(*fixture, step, func()){"before": (*fixture).beforeRequest, "after": (*fixture).afterRequest} {
				t.Run(moment+" "+string(s), func(t *testing.T) {
					f := startFixture(t, seller)
					placed := f.place(t, exampleCSR(t))
					reached, dead, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
					place(f, s, func() {
						close(reached)
						<-dead
					})
					process := f.startProcess(t, "--command", "open", "--item", "1", "--runningoperation", "1")
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
					f.activeRequests.Wait() // the request that it left is carried out
					f.finish(t, placed)
					f.checkOpened(t, placed.Item, 1)
				})
			}
		}
	})
}
