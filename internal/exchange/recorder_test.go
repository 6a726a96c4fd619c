package exchange_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"

	"pmssl/internal/exchange"
)

var _ exchange.Observer = (*exchange.Recorder)(nil)

func TestRecorderKeepsWhatItSees(t *testing.T) {
	var r exchange.Recorder
	assert.NoError(t, r.SellerCall(exchange.Call{Pays: true}), "without a function every call may be sent")
	r.Allow(func(call exchange.Call) error {
		if call.Pays {
			return errors.New("no")
		}
		return nil
	})
	assert.Error(t, r.SellerCall(exchange.Call{Pays: true}))
	assert.NoError(t, r.SellerCall(exchange.Call{}))
	r.SellerAnswer(exchange.Call{Name: "a"}, exchange.Answer{Status: 200})
	r.PanelCall(exchange.PanelCall{Function: "b"})
	seen, calls, lost := r.Seen()
	assert.Equal(t, []exchange.SellerExchange{{Call: exchange.Call{Name: "a"}, Answer: exchange.Answer{Status: 200}}}, seen)
	assert.Equal(t, []exchange.PanelCall{{Function: "b"}}, calls)
	assert.Zero(t, lost)
}

// A seller that answers with a flood does not fill the memory, and what is not kept is counted.
func TestRecorderHasLimits(t *testing.T) {
	var r exchange.Recorder
	body := make([]byte, 8<<20)
	for range 5 {
		r.SellerAnswer(exchange.Call{}, exchange.Answer{Body: body})
	}
	seen, _, lost := r.Seen()
	assert.Len(t, seen, 4)
	assert.Equal(t, 1, lost)
	var many exchange.Recorder
	for range 2500 {
		many.SellerAnswer(exchange.Call{}, exchange.Answer{})
		many.PanelCall(exchange.PanelCall{})
	}
	seen, calls, lost := many.Seen()
	assert.Len(t, seen, 2000)
	assert.Len(t, calls, 2000)
	assert.Equal(t, 500, lost)
}

func TestRecorderIsSafeForConcurrentUse(t *testing.T) {
	var r exchange.Recorder
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				_ = r.SellerCall(exchange.Call{})
				r.SellerAnswer(exchange.Call{}, exchange.Answer{})
				r.PanelCall(exchange.PanelCall{})
				r.Seen()
			}
		})
	}
	all.Wait()
	seen, _, _ := r.Seen()
	assert.Len(t, seen, 400)
}
