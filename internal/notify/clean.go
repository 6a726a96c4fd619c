package notify

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of the parts of a mail, in bytes or in number: high enough for every real order, and so low that no order makes a
// mail that is refused for its size.
const (
	maxHostname   = 253  // RFC 1035 2.3.4
	maxPhrase     = 200  // order, panel
	maxPerson     = 100  // a person's or company's name
	maxValue      = 1024 // a record's value, an address to be opened
	maxContent    = 1024 // a file's content
	maxLines      = 20   // of a file's content
	maxSubject    = 500
	maxNames      = 100 // further names that are listed
	maxChallenges = 250 // the number of names in the largest order
	maxServed     = 50  // places that serve an old certificate
	maxObstacles  = 20  // names that DNS shows something against
	maxIssuers    = 3   // authorities that one name's CAA records allow
)

// printableLine returns a text from outside as one printable line of at most limit bytes: each run of white space becomes one
// blank, what does not print is dropped (control characters, and invisible ones that change the direction of writing). An
// ellipsis marks a cut and is not counted.
func printableLine(text string, limit int) string {
	text, cut := head(text, 4*limit)
	var b strings.Builder
	for _, r := range text {
		switch {
		case unicode.IsSpace(r):
			b.WriteByte(' ')
		case unicode.IsPrint(r) && r != utf8.RuneError:
			b.WriteRune(r)
		}
	}
	line := strings.Join(strings.Fields(b.String()), " ")
	short, more := head(line, limit)
	if cut || more {
		return strings.TrimSpace(short) + "…"
	}
	return line
}

// headerText is printableLine for the value of a mail header. It breaks "=?", which begins an encoded word (RFC 2047): a mail
// reader would decode it into characters that printableLine drops.
func headerText(text string, limit int) string {
	return strings.ReplaceAll(printableLine(text, limit), "=?", "= ?")
}

// hostText returns the characters of the text that a domain name can consist of, in A-labels or U-labels.
func hostText(text string) string {
	text, _ = head(text, 4*maxHostname)
	text = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || strings.ContainsRune(".-_*", r) {
			return r
		}
		return -1
	}, text)
	text, _ = head(text, maxHostname)
	return text
}

// block returns a text from outside as at most maxLines lines in the form of printableLine, without empty ones at the ends.
func block(text string) []string {
	text, _ = head(text, maxContent)
	text = strings.Trim(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\n")
	if text == "" {
		return nil
	}
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		if len(lines) == maxLines {
			return append(lines, "…")
		}
		lines = append(lines, printableLine(line, maxContent))
	}
	return lines
}

// head returns at most limit bytes of the text, cut between characters, and reports whether it was cut.
func head(text string, limit int) (string, bool) {
	if len(text) <= limit {
		return strings.ToValidUTF8(text, ""), false
	}
	return strings.ToValidUTF8(text[:limit], ""), true
}
