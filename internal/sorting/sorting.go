// Package sorting sorts slices of structs. The functions of package slices are compiled anew for each type, with up to 20 KB of machine code
// each; those of package sort are there once. It imports nothing of this project.
package sorting

import "sort"

// Func sorts as slices.SortFunc does: equal elements may change places.
func Func[T any](all []T, compare func(a, b T) int) {
	sort.Slice(all, func(i, j int) bool { return compare(all[i], all[j]) < 0 })
}

// Stable sorts as slices.SortStableFunc does: equal elements keep their order.
func Stable[T any](all []T, compare func(a, b T) int) {
	sort.SliceStable(all, func(i, j int) bool { return compare(all[i], all[j]) < 0 })
}
