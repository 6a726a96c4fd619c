package standin_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/standin"
)

func TestOrdersAreSortedByID(t *testing.T) {
	var orders standin.Orders[string]
	for _, id := range []int64{7, 3, 5, 3} {
		text := string(rune('a' + id))
		orders.Put(id, &text)
	}
	var ids []int64
	for id, c := range orders.All() {
		ids = append(ids, id)
		assert.Same(t, c, orders.Get(id))
	}
	assert.Equal(t, []int64{3, 5, 7}, ids)
	assert.Nil(t, orders.Get(4))
	_, err := orders.Find(4)
	assert.ErrorIs(t, err, standin.ErrUnknown)
}

func TestFaultHitsAfterSkipAndTimesTimes(t *testing.T) {
	var faults standin.FaultSet[string]
	first := faults.Add("x", standin.FaultSpec{Kind: standin.FaultDelay, Skip: 1, Times: 2})
	second := faults.Add("y", standin.FaultSpec{Kind: standin.FaultHuge})
	var hits []string
	for range 4 {
		fault, spec := faults.Match(func(f string) bool { return f == "x" })
		hits = append(hits, fault+spec.Kind)
	}
	assert.Equal(t, []string{"", "xdelay", "xdelay", ""}, hits)
	var ids []int
	faults.List(func(_ *string, id, _ int) { ids = append(ids, id) })
	assert.Equal(t, []int{second}, ids)
	faults.Clear(first)
	assert.Len(t, faults.List(func(*string, int, int) {}), 1, "the id of another")
	faults.Clear()
	assert.Empty(t, faults.List(func(*string, int, int) {}))
}

func TestPostponedRequestsAppearOnceAndInOrder(t *testing.T) {
	var faults standin.FaultSet[string]
	var ran []int
	for i := range 3 {
		faults.Postpone(func() { ran = append(ran, i) })
	}
	assert.Equal(t, 3, faults.Pending())
	assert.Equal(t, 3, faults.Appear())
	assert.Equal(t, []int{0, 1, 2}, ran)
	assert.Zero(t, faults.Appear())
	assert.Len(t, ran, 3)
}

func TestTheLogNumbersAndCounts(t *testing.T) {
	var log standin.Log[int64]
	same := func(number int64) int64 { return number }
	log.Add(same, "a")
	log.Add(same, "a", "b")
	assert.Equal(t, []int64{2}, log.Entries(func(n int64) bool { return n > 1 }))
	assert.Equal(t, map[string]int64{"a": 2, "b": 1}, log.Counters())
	log.Clear()
	log.Add(same, "c")
	assert.Equal(t, []int64{1}, log.Entries(func(int64) bool { return true }))
	assert.Equal(t, map[string]int64{"c": 1}, log.Counters())
}

// BR 4.2.1: a validation may be reused for the days of issuance.Limits, by the
// same account and for the same registered name.
func TestValidationsAreReusedUntilTheyAreTooOld(t *testing.T) {
	proved := time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC)
	validations := standin.Validations{}
	var once time.Time
	validations.Prove("Alice", []standin.Domain{{Name: "*.example.com", Proved: &once}}, proved)
	assert.Equal(t, proved, once)
	for name, test := range map[string]struct {
		account, domain string
		days            int
		want            time.Time
	}{
		"in time":         {"alice", "Example.com", 200, proved},
		"a day too late":  {"alice", "example.com", 201, time.Time{}},
		"another account": {"bob", "example.com", 1, time.Time{}},
		"another domain":  {"alice", "www.example.com", 1, time.Time{}},
	} {
		var again time.Time
		validations.Reuse(test.account, []standin.Domain{{Name: test.domain, Proved: &again}}, proved.AddDate(0, 0, test.days))
		assert.Equal(t, test.want, again, name)
	}
}

func TestDomainsAreSelectedByTheirValidationDomain(t *testing.T) {
	domains := []standin.Domain{{Name: "example.com"}, {Name: "*.example.com"}, {Name: "www.example.com"}}
	all, err := standin.SelectDomains(domains)
	require.NoError(t, err)
	assert.Len(t, all, 3)
	found, err := standin.SelectDomains(domains, "EXAMPLE.com")
	require.NoError(t, err)
	assert.Equal(t, domains[:2], found)
	_, err = standin.SelectDomains(domains, "example.com", "example.org")
	assert.ErrorIs(t, err, standin.ErrUnknown)
	assert.ErrorContains(t, err, "example.org")
}

func TestAStateFileIsReadBack(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	var kept map[string]int
	found, err := standin.LoadState(file, &kept)
	require.NoError(t, err)
	assert.False(t, found, "no file yet")
	require.NoError(t, standin.SaveState(file, func() map[string]int { return map[string]int{"a": 1} }))
	found, err = standin.LoadState(file, &kept)
	require.NoError(t, err)
	assert.True(t, found)
	assert.Equal(t, map[string]int{"a": 1}, kept)
	require.NoError(t, os.WriteFile(file, []byte("{"), 0o600))
	_, err = standin.LoadState(file, &kept)
	assert.ErrorContains(t, err, file)
}
