package item

import (
	"strconv"
	"strings"
)

// FormatInts returns the numbers as a blank-separated list.
func FormatInts(numbers []int) string {
	words := make([]string, len(numbers))
	for i, n := range numbers {
		words[i] = strconv.Itoa(n)
	}
	return strings.Join(words, " ")
}
