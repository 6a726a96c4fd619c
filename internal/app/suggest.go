package app

import (
	"slices"
	"strings"
)

// maxSuggestions is the number of names that a text suggests for a misspelled one.
const maxSuggestions = 3

// minPrefix is the number of letters from which the beginning of a name is taken for it.
const minPrefix = 3

// similar returns those of the names that are most similar to the word, at most maxSuggestions: equal but for case, dashes and
// underscores, beginning with the word, or different by few letters, as nearOption counts them.
func similar(word string, names []string) []string {
	plain, _ := plainWord(word)
	var found []string
	best := -1
	for _, name := range names {
		target, _ := plainWord(name)
		edits := distance(plain, target)
		switch {
		case plain == target:
			return []string{name}
		case len(plain) >= minPrefix && strings.HasPrefix(target, plain):
			edits = 0
		case edits > tolerance(target):
			continue
		}
		if best < 0 || edits < best {
			best, found = edits, nil
		}
		if edits == best && !slices.Contains(found, name) {
			found = append(found, name)
		}
	}
	return found[:min(len(found), maxSuggestions)]
}

// tolerance returns the number of edits by which a word may differ from a name to be taken for it.
func tolerance(name string) int {
	if len(name) >= 6 {
		return 2
	}
	return 1
}

// didYouMean returns a question about the names, each after the prefix; empty if there are none.
func didYouMean(names []string, prefix string) string {
	if len(names) == 0 {
		return ""
	}
	return "did you mean " + prefix + strings.Join(names, " or "+prefix) + "?"
}
