package sorting_test

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"pmssl/internal/sorting"

	"github.com/stretchr/testify/assert"
)

type row struct{ key, place int }

func byKey(a, b row) int { return cmp.Compare(a.key, b.key) }

func TestSlicesOfEachLengthAreSorted(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for length := range 100 {
		rows := make([]row, length)
		for i := range rows {
			rows[i] = row{key: random.IntN(1 + length/3), place: i}
		}
		stable, any := slices.Clone(rows), slices.Clone(rows)
		sorting.Stable(stable, byKey)
		sorting.Func(any, byKey)
		slices.SortStableFunc(rows, byKey)
		assert.Equal(t, rows, stable)
		assert.True(t, slices.IsSortedFunc(any, byKey))
		assert.ElementsMatch(t, rows, any)
	}
}
