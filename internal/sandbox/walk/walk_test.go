package walk

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/model"
)

// alone is a walk of the model without a system.
func alone(seed uint64, seller string) *walk {
	w := &walk{o: Options{Seller: seller, Seed: seed}, random: rand.New(rand.NewPCG(seed, 1))}
	w.m = model.New(w.settings(time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC)))
	return w
}

// stepAlone chooses a step and takes it in the model.
func (w *walk) stepAlone() Step {
	s := w.choose()
	if s.Kind == Order {
		w.items++
		s.Item = int64(w.items)
	}
	predict(w.m, s)
	for _, i := range w.m.Items() {
		if i.Status == model.Deleted {
			w.m.Forget(i.ID)
			w.free = append(w.free, i.Name)
		}
	}
	return s
}

func TestASeedDecidesTheSteps(t *testing.T) {
	steps := func(seed uint64) (all []string) {
		w := alone(seed, "namecheap")
		for range 500 {
			all = append(all, w.stepAlone().String())
		}
		return all
	}
	assert.Equal(t, steps(7), steps(7))
	assert.NotEqual(t, steps(7), steps(8))
}

// Whatever the steps: no item is paid for more often than its order and its renewals, and every kind of step is taken.
func TestTheModelWalksAlone(t *testing.T) {
	for _, seller := range []string{"namecheap", "ispmgr"} {
		t.Run(seller, func(t *testing.T) {
			w, kinds := alone(1, seller), map[Kind]int{}
			for w.m.Now().Year() < 2045 {
				kinds[w.stepAlone().Kind]++
				require.Empty(t, w.overpaid(w.m.Payments()))
			}
			for _, kind := range []Kind{Order, Open, Prove, Sync, Sweep, Advance, Reissue, NewKey, Renew, Close, SetFault, Retry, Delete, Pending, Import, Features} {
				assert.Positive(t, kinds[kind], kind)
			}
			counts := w.m.Counts()
			assert.Positive(t, counts.Reissues)
			assert.Positive(t, counts.Renewals)
			assert.Equal(t, counts.Payments, len(w.m.Payments()))
		})
	}
}

func TestRunsAreKilledOnlyWhileTheSellerAnswersAndTheDayStays(t *testing.T) {
	w := alone(1, "namecheap")
	w.o.Kills = 1
	killed := 0
	for range 3000 {
		before, fault := w.m.Now(), w.m.Fault()
		if s := w.stepAlone(); s.Kill != 0 {
			killed++
			assert.Equal(t, model.NoFault, fault, s)
			assert.Equal(t, model.DateOf(before), model.DateOf(before.Add(untilNextRun)), s)
			assert.Contains(t, []Kind{Order, Open, Renew, Reissue, NewKey, Retry, Sync}, s.Kind)
		}
	}
	assert.Positive(t, killed)
}

func TestAKilledRunIsCountedAndOtherwiseTheSame(t *testing.T) {
	for _, row := range []struct {
		name     string
		step     Step
		fault    model.Fault
		payments int
		tries    int // of the operation that is left; 0: it has ended
	}{
		{name: "an order", step: Step{Kind: Order, Item: 1, Name: "w1.example.com", Months: 12}, payments: 1},
		{name: "an order that is refused", step: Step{Kind: Order, Item: 1, Name: "w1.example.com", Months: 12}, fault: model.NoMoney, tries: 2},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := alone(1, "namecheap")
			w.m.SetFault(row.fault)
			began := w.m.Now()
			row.step.killed = true
			predict(w.m, row.step)
			assert.Equal(t, began.Add(untilNextRun), w.m.Now())
			assert.Len(t, w.m.Payments(), row.payments)
			tries := 0
			if op := w.m.Item(1).Operation; op != nil {
				tries = op.Tries
			}
			assert.Equal(t, row.tries, tries)
		})
	}
}

func TestDifferencesAreNamed(t *testing.T) {
	same := func() state {
		return state{items: map[int64]string{1: "status=2"}, payments: []int64{100}, orders: "100:1 ", count: 1}
	}
	assert.Empty(t, differences(same(), same()))
	for name, change := range map[string]func(s *state){
		"item 1":                         func(s *state) { s.items[1] = "status=5" },
		"payments: the model has 1":      func(s *state) { s.payments = []int64{100, 100} },
		"orders at the seller":           func(s *state) { s.orders = "100:1 101:0 " },
		"items of the panel: the model ": func(s *state) { s.count++ },
	} {
		other := same()
		change(&other)
		found := differences(same(), other)
		require.NotEmpty(t, found, name)
		assert.Contains(t, found[0], name)
	}
}

func TestTheFlagsOfTheProgram(t *testing.T) {
	c, err := ParseFlags([]string{"--seed", "7", "--steps=20", "--seller", "ispmgr", "--workers", "2", "--kills", "3"}, "bin", &bytes.Buffer{})
	require.NoError(t, err)
	assert.Equal(t, Options{Bin: "bin", Engine: "mariadb", Seed: 7, Steps: 20, Kills: 3, Show: 30}, c.Options)
	assert.Equal(t, []string{"ispmgr"}, c.Sellers)
	assert.Equal(t, 2, c.Workers)
	_, err = ParseFlags([]string{"--sed", "7"}, "bin", &bytes.Buffer{})
	require.Error(t, err)
}
