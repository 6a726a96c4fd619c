package e2e

import (
	"testing"

	"pmssl/internal/sandbox/namecheap"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// contract 3: answers that are none, at every command of open in turn: the order is paid once and gets its certificate, at
// the latest by the run after the next. Lost connections are in TestDroppedAnswersBuyOnce and TestKilledOpenBuysOnce.
func TestUnusableAnswersBuyOnce(t *testing.T) {
	w := openWorld(t)
	charges := 0
	for _, fault := range []namecheap.Fault{
		{Kind: namecheap.FaultHTML}, {Kind: namecheap.FaultRedirect}, {Kind: namecheap.FaultCharset}, {Kind: namecheap.FaultHuge},
		{Kind: namecheap.FaultAPIError, Number: "5050900", Text: "Unhandled exceptions"},
	} {
		for _, command := range []string{"getbalances", "getlist", "create", "activate", "getinfo"} {
			t.Run(fault.Kind+" at "+command, func(t *testing.T) {
				fault.Command, fault.Times = command, 1
				_, err := w.seller.AddFault(fault)
				require.NoError(t, err)
				placed := w.place(t, exampleCSR(t))
				charges++
				run := w.attempt(t, placed)
				left := w.seller.Faults()
				w.seller.ClearFaults()
				assert.Empty(t, left, "open never asked %s", command)
				if len(w.itemOf(t, placed.Item).Operations) > 0 {
					assert.False(t, run.OK(), "exit 0 leaves no running operation")
					w.finish(t, placed)
				}
				w.settled(t, placed.Item, charges)
			})
		}
	}
}
