package panellog

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"strings"
)

const (
	// minShortened is the size in bytes from which a PEM block is shortened; certificates and requests are larger.
	minShortened = 256
	// maxParsed is the number of blocks of one text that are parsed for their names, maxNames the number of names shown.
	maxParsed = 32
	maxNames  = 10
)

// ShortenPEM returns the text with each complete PEM block replaced by its label, size, SHA-256 of its DER, and the names in
// it: base64 in a log is of no use to a reader, and the same request appears with each check of an order. It is applied to
// every entry of the log. Blocks with escaped line ends are not replaced, because a lost call is logged as a command line
// for bash.
func ShortenPEM(text string) string {
	if !strings.Contains(text, pemBegin) {
		return text
	}
	var b strings.Builder
	at := 0
	for blocks := 0; ; {
		start, end, label, body := nextPEM(text, at)
		if start < 0 {
			break
		}
		b.WriteString(text[at:start])
		if end-start < minShortened {
			b.WriteString(text[start:end])
		} else {
			blocks++
			b.WriteString(describePEM(label, text[start:end], body, blocks <= maxParsed))
		}
		at = end
	}
	b.WriteString(text[at:])
	return b.String()
}

// nextPEM finds the first complete block that begins at or after from; start is -1 if there is none.
func nextPEM(text string, from int) (start, end int, label, body string) {
	for at := from; ; {
		i := strings.Index(text[at:], pemBegin)
		if i < 0 {
			return -1, -1, "", ""
		}
		start = at + i
		at = start + len(pemBegin)
		label, _, found := strings.Cut(text[at:min(len(text), at+pemLabelMax)], pemDashes)
		if !found || strings.ContainsAny(label, "\n<&%") {
			continue
		}
		content := at + len(label) + len(pemDashes)
		last := pemEnd + label + pemDashes
		i = strings.Index(text[content:], pemEnd)
		if i < 0 {
			return -1, -1, "", "" // no further block is complete
		}
		if !strings.HasPrefix(text[content+i:], last) || strings.Contains(text[content:content+i], `\`) {
			at = content
			continue
		}
		return start, content + i + len(last), label, text[content : content+i]
	}
}

// describePEM returns the description of one block. If named, the names in it are included.
func describePEM(label, block, body string, named bool) string {
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(body), ""))
	if err != nil {
		return fmt.Sprintf("[%s, %d bytes, no base64, SHA-256 of the text %x]", label, len(block), sha256.Sum256([]byte(block)))
	}
	var names []string
	if named {
		names = namesInDER(label, der)
	}
	shown := ""
	if len(names) > 0 {
		shown = ", " + strings.Join(names[:min(len(names), maxNames)], " ")
	}
	if more := len(names) - maxNames; more > 0 {
		shown += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("[%s, %d bytes, SHA-256 %x%s]", label, len(block), sha256.Sum256(der), shown)
}

// namesInDER returns the common name and the DNS names of a request or a certificate, each once.
func namesInDER(label string, der []byte) []string {
	var names []string
	switch {
	case strings.Contains(label, "REQUEST"):
		if csr, err := x509.ParseCertificateRequest(der); err == nil {
			names = append([]string{csr.Subject.CommonName}, csr.DNSNames...)
		}
	case strings.Contains(label, "CERTIFICATE"):
		if leaf, err := x509.ParseCertificate(der); err == nil {
			names = append([]string{leaf.Subject.CommonName}, leaf.DNSNames...)
		}
	}
	seen := map[string]bool{"": true}
	var once []string
	for _, name := range names {
		name = cut(withoutDelimiters(name), maxFieldName)
		if !seen[name] {
			seen[name] = true
			once = append(once, name)
		}
	}
	return once
}

// withoutDelimiters returns a name with ? for each character that could end the word or the brackets around it.
func withoutDelimiters(name string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("[]<>&\"'\\ \t\r\n", r) {
			return '?'
		}
		return r
	}, name)
}
