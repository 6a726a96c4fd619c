package letter

import (
	"strings"
	"unicode"

	"pmssl/internal/cert"
)

// readProofs takes apart what is stored on the item for the client (contract 1): for DNS one line `host CNAME target`
// per name, for files a URL and then its content, for e-mail addresses separated by commas. What does not have that
// form is told as it stands: the client can make more of it than of nothing.
func readProofs(method cert.Method, text string) []cert.Proof {
	text, _ = head(text, maxProofs*(maxValue+maxContent))
	switch method {
	case cert.MethodDNS:
		return readRecords(text)
	case cert.MethodFile:
		return readFiles(text)
	}
	var proofs []cert.Proof
	for address := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
		proofs = append(proofs, cert.Proof{Method: cert.MethodEmail, Email: address})
	}
	return proofs
}

func readRecords(text string) []cert.Proof {
	var proofs []cert.Proof
	for line := range strings.Lines(text) {
		p := cert.Proof{Method: cert.MethodDNS, Target: strings.TrimSpace(line)}
		// A TXT value may hold blanks: only the first two words are something else.
		if words := strings.Fields(line); len(words) >= 3 {
			p.Host, p.Record, p.Target = words[0], words[1], strings.Join(words[2:], " ")
		}
		proofs = append(proofs, p)
	}
	return proofs
}

// readFiles begins a new file at each line that is a web address: no authority writes one into the file itself.
func readFiles(text string) []cert.Proof {
	var proofs []cert.Proof
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case strings.HasPrefix(line, "http://"), strings.HasPrefix(line, "https://"):
			proofs = append(proofs, cert.Proof{Method: cert.MethodFile, URL: line})
			continue
		case len(proofs) == 0 && strings.TrimSpace(line) == "":
			continue
		case len(proofs) == 0:
			proofs = append(proofs, cert.Proof{Method: cert.MethodFile})
		}
		last := &proofs[len(proofs)-1]
		last.Body += line + "\n"
	}
	return proofs
}
