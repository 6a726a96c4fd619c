package parallel_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/parallel"
)

func planted() { panic("planted") }

func TestAPanicIsReturned(t *testing.T) {
	assert.Nil(t, parallel.Catch(func() {}))
	caught := parallel.Catch(planted)
	require.NotNil(t, caught)
	assert.Equal(t, "planted", caught.Error())
	assert.Contains(t, string(caught.Stack), "parallel_test.planted", "the stack is that of the panic")
	assert.Equal(t, "no good", parallel.Catch(func() { panic(errors.New("no good")) }).Error())
}

func TestAPanicOfAGoroutineIsThatOfWhoWaits(t *testing.T) {
	var all parallel.Group
	ended := make([]bool, 3)
	for i := range ended {
		all.Go(func() {
			defer func() { ended[i] = true }()
			if i == 1 {
				planted()
			}
		})
	}
	caught := parallel.Catch(all.Wait)
	require.NotNil(t, caught)
	assert.Equal(t, "planted", caught.Value)
	assert.Contains(t, string(caught.Stack), "parallel_test.planted", "it is not replaced by that of the goroutine that waits")
	assert.Equal(t, []bool{true, true, true}, ended, "the others come to their end")
}

func TestAGroupWithoutAPanicEnds(t *testing.T) {
	var all parallel.Group
	done := make([]int, 10)
	for i := range done {
		all.Go(func() { done[i] = i })
	}
	all.Wait()
	assert.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, done)
}

func TestAPanicOfALoneGoroutineIsGivenToItsStarter(t *testing.T) {
	caught := make(chan *parallel.Panic, 1)
	parallel.Go(planted, func(p *parallel.Panic) { caught <- p })
	assert.Equal(t, "planted", (<-caught).Value)
	parallel.Go(func() { close(caught) }, func(p *parallel.Panic) { t.Error(p) })
	assert.Nil(t, <-caught)
}
