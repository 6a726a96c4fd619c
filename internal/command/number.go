package command

import (
	"math"
	"strconv"
	"strings"
)

// amount reads a sum of money or a threshold as administrators write it: 10, 10.50, 10,50. False where it is no number.
func amount(text string) (float64, bool) {
	n, err := strconv.ParseFloat(strings.Replace(strings.TrimSpace(text), ",", ".", 1), 64)
	return n, err == nil && !math.IsNaN(n) && !math.IsInf(n, 0)
}

func formatInts(numbers []int) string {
	words := make([]string, len(numbers))
	for i, n := range numbers {
		words[i] = strconv.Itoa(n)
	}
	return strings.Join(words, " ")
}
