package panellog

import (
	"encoding/hex"
	"strings"
	"sync"
)

// keySignatures are texts and bytes that only private keys contain. They are searched in base64 at any offset and in hex,
// because a key may come without its BEGIN line, or inside other data.
//
// The bytes are the beginnings of the DER of RFC 8017 (RSAPrivateKey of 1024 to 4096 bits), RFC 5915 (ECPrivateKey), RFC
// 5958 (an AlgorithmIdentifier right after version 0, which no certificate and no request has), and PBES2 of RFC 8018.
var keySignatures = sync.OnceValue(func() *foldedSet {
	f := newFoldedSet()
	for _, text := range []string{"PRIVATE KEY-----", "PRIVATE KEY BLOCK-----", "openssh-key-v1\x00"} {
		f.addEncodings(text, false)
	}
	for _, der := range []string{
		"020100300d06092a864886f70d010101", "020100300d06092a864886f70d01010a", "020100301306072a8648ce3d0201", "020100301006072a8648ce3d0201",
		"020100300506032b6570", "020100300506032b656f", "02010002818100", "0201000282010100", "0201000282018100", "0201000282020100",
		"30770201010420", "306b0201010420", "3081a40201010430", "3081dc0201010442", "06092a864886f70d01050d", "2a864886f70d010c0a01",
	} {
		bytes, err := hex.DecodeString(der)
		if err != nil {
			continue
		}
		for _, encoded := range base64Forms(string(bytes)) {
			f.add(folded(encoded), false)
		}
		f.add(der, false)
	}
	return f
})

// minRunWord is the length in bytes from which a word next to encoded bytes counts as more of them.
const minRunWord = 16

// signatureKeySpans finds private keys by their signatures and returns the whole run of encoded bytes around each.
func signatureKeySpans(r readings) []span {
	var found []span
	for _, signature := range keySignatures().spans(r, false) {
		if last := len(found) - 1; last >= 0 && signature.start >= found[last].start && signature.end <= found[last].end {
			continue
		}
		found = append(found, run(r.text, signature))
	}
	return found
}

// run extends a span over the encoded bytes around it.
func run(text string, piece span) span {
	return span{runStart(text, piece.start), runEnd(text, piece.end)}
}

// runStart returns the start of the words of encoded bytes before the offset. A word shorter than minRunWord ends the search.
func runStart(text string, at int) int {
	for {
		start := at
		for start > 0 && base64Byte(text[start-1]) && text[start-1] != '\n' && text[start-1] != '\r' {
			start--
		}
		blank := start
		for blank > 0 && strings.IndexByte(" \t\r\n", text[blank-1]) >= 0 {
			blank--
		}
		if blank == start || blank == 0 || !base64Byte(text[blank-1]) || wordEndingAt(text, blank) < minRunWord {
			return start
		}
		at = blank
	}
}

// wordEndingAt returns the length of the word of encoded bytes that ends at the offset, at most minRunWord.
func wordEndingAt(text string, end int) int {
	n := 0
	for n < minRunWord && end-n > 0 && base64Byte(text[end-n-1]) && text[end-n-1] != '\n' && text[end-n-1] != '\r' {
		n++
	}
	return n
}

// runEnd returns the end of the words of encoded bytes behind the offset. One short word on a line of its own belongs to them,
// because the last line of a key is short; padding ends them.
func runEnd(text string, at int) int {
	for {
		end := wordEnd(text, at)
		if end > 0 && text[end-1] == '=' {
			return end
		}
		next := end
		for next < len(text) && strings.IndexByte(" \t\r\n", text[next]) >= 0 {
			next++
		}
		word := wordEnd(text, next)
		switch {
		case next == end || word == next:
			return end
		case word-next >= minRunWord:
			at = word
		case strings.Contains(text[end:next], "\n"):
			return word
		default:
			return end
		}
	}
}

// wordEnd returns the end of the encoded bytes that begin at the offset, on the same line.
func wordEnd(text string, at int) int {
	for at < len(text) && base64Byte(text[at]) && text[at] != '\n' && text[at] != '\r' {
		at++
	}
	return at
}

// cutKeySpans finds private keys without a BEGIN line: all encoded lines before the END line.
func cutKeySpans(all []layer) []span {
	var found []span
	for _, l := range all {
		for at := 0; ; {
			i := strings.Index(l.text[at:], pemEnd)
			if i < 0 {
				break
			}
			start := at + i
			at = start + len(pemEnd)
			label, _, _ := strings.Cut(l.text[at:min(len(l.text), at+pemLabelMax)], pemDashes)
			if !strings.Contains(label, pemKeyWord) {
				continue
			}
			end := min(len(l.text), at+len(label)+len(pemDashes))
			body := start
			for body > 0 && strings.IndexByte(" \t\r\n", l.text[body-1]) >= 0 {
				body--
			}
			found = append(found, l.at(keyBodyStart(l.text, body), end))
		}
	}
	return found
}

// keyBodyStart returns the start of the lines of a key that end at the offset. The last line and the one that was cut may be
// short.
func keyBodyStart(text string, at int) int {
	start := runStart(text, at)
	blank := start
	for blank > 0 && strings.IndexByte(" \t\r\n", text[blank-1]) >= 0 {
		blank--
	}
	if n := wordEndingAt(text, blank); n > 0 && blank < start {
		return blank - n
	}
	return start
}
