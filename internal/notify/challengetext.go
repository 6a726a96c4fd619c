package notify

import (
	"strings"
	"unicode"

	"pmssl/internal/seller"
)

// readChallenges parses the challenges that are stored on the item (rules PARAM-11): for DNS one line `host CNAME target` per
// name, for files a URL followed by its content, for e-mail addresses separated by commas. Text in another form is passed on
// unchanged, because the client may still understand it.
func readChallenges(method seller.Method, text string) []seller.Challenge {
	text, _ = head(text, maxChallenges*(maxValue+maxContent))
	switch method {
	case seller.MethodDNS:
		return readRecords(text)
	case seller.MethodFile:
		return readFiles(text)
	case seller.MethodEmail:
		return readAddresses(text)
	}
	return nil
}

func readAddresses(text string) []seller.Challenge {
	var challenges []seller.Challenge
	for address := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
		challenges = append(challenges, seller.Challenge{Method: seller.MethodEmail, Email: address})
	}
	return challenges
}

func readRecords(text string) []seller.Challenge {
	var challenges []seller.Challenge
	for line := range strings.Lines(text) {
		c := seller.Challenge{Method: seller.MethodDNS, Target: strings.TrimSpace(line)}
		// A TXT value may contain blanks, so only the first two words are host and type.
		if words := strings.Fields(line); len(words) >= 3 {
			c.Host, c.Record, c.Target = words[0], words[1], strings.Join(words[2:], " ")
		}
		challenges = append(challenges, c)
	}
	return challenges
}

// readFiles begins a new file at each line that is a URL: the content of a challenge file is never a URL.
func readFiles(text string) []seller.Challenge {
	var challenges []seller.Challenge
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case strings.HasPrefix(line, "http://"), strings.HasPrefix(line, "https://"):
			challenges = append(challenges, seller.Challenge{Method: seller.MethodFile, URL: line})
			continue
		case len(challenges) == 0 && strings.TrimSpace(line) == "":
			continue
		case len(challenges) == 0:
			challenges = append(challenges, seller.Challenge{Method: seller.MethodFile})
		}
		last := &challenges[len(challenges)-1]
		last.Body += line + "\n"
	}
	return challenges
}
