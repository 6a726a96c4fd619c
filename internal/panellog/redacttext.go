package panellog

import (
	"net/url"
	"strings"
)

// redactText masks assignments to secret fields in free text: password=…, "password": "…", password: …, HTTP headers with a
// session or login, bearer tokens, JWTs, and the password in ://user:password@host. It continues behind what it masked, so
// that each byte is read a limited number of times.
func redactText(text string) string {
	var found []span
	for i := 0; i < len(text); i++ {
		secret, ok := span{}, false
		switch text[i] {
		case '=':
			if IsSecretField(wordBefore(text, i)) || IsSecretField(encodedName(text, i)) {
				secret, ok = assigned(text, i+1)
			}
		case ':':
			secret, ok = behindColon(text, i)
		case 'b', 'B':
			secret, ok = bearer(text, i)
		case 'e':
			secret, ok = webToken(text, i)
		}
		if ok {
			found = append(found, secret)
			i = max(i, secret.end-1)
		}
	}
	return replaceSpans(text, found)
}

// behindColon returns the secret that follows the colon at i.
func behindColon(text string, i int) (span, bool) {
	if strings.HasPrefix(text[i:], "://") {
		return userinfo(text, i+len("://"))
	}
	if name, quoted := quotedBefore(text, i); quoted {
		if IsSecretField(name) {
			return assigned(text, indented(text, i+1))
		}
		return span{}, false
	}
	name := wordBefore(text, i)
	switch {
	case name == "" || !IsSecretField(name):
		return span{}, false
	case isHeader(name):
		start := skip(text, i+1, " \t")
		end := until(text, start, "\r\n<>")
		return span{start, end}, end > start
	case ordinaryWord(name) && !startsLine(text, i, name):
		return span{}, false // a sentence such as "wrong key: …"
	}
	return assigned(text, indented(text, i+1))
}

// indented returns the start of the next line's text if the rest of this line is blank and the next line is indented, as in
// YAML; else at.
func indented(text string, at int) int {
	end := skip(text, at, " \t\r")
	if end == len(text) || text[end] != '\n' {
		return at
	}
	if next := skip(text, end+1, " \t"); next > end+1 {
		return next
	}
	return at
}

// encodedName returns the name before the equals sign at i, percent-decoded and without the brackets of a list; empty if the
// name has neither escapes nor brackets.
func encodedName(text string, i int) string {
	start, special := i, false
	for start > 0 && i-start < maxFieldName {
		c := text[start-1]
		odd := strings.IndexByte("%[]", c) >= 0
		if !odd && !nameByte(c) {
			break
		}
		special = special || odd
		start--
	}
	if !special {
		return ""
	}
	name, err := url.QueryUnescape(text[start:i])
	if err != nil {
		return ""
	}
	name, _, _ = strings.Cut(name, "[")
	return name
}

// isHeader reports whether a name is that of an HTTP header whose whole value is secret.
func isHeader(name string) bool {
	switch strings.ToLower(name) {
	case "authorization", "proxy-authorization", "cookie", "set-cookie":
		return true
	}
	return false
}

// ordinaryWord reports whether a secret field's name is also an ordinary word, which may precede a colon in a sentence.
func ordinaryWord(name string) bool {
	switch strings.ToLower(name) {
	case "key", "keys", "auth", "session", "pin", "pass":
		return true
	}
	return false
}

// startsLine reports whether the name before the colon at i is the first word of its line.
func startsLine(text string, i int, name string) bool {
	at := i - len(name)
	for at > 0 && i-at < maxFieldName && strings.IndexByte(" \t", text[at-1]) >= 0 {
		at--
	}
	return at <= 0 || text[at-1] == '\n' || text[at-1] == '\r'
}

// minToken is the length in bytes from which a text counts as a token.
const minToken = 8

// bearer returns the token behind the word Bearer at i.
func bearer(text string, i int) (span, bool) {
	const word = "bearer "
	if len(text)-i < len(word) || !strings.EqualFold(text[i:i+len(word)], word) || i > 0 && nameByte(text[i-1]) {
		return span{}, false
	}
	start := skip(text, i+len(word), " \t")
	end := until(text, start, " \t\r\n&\"'<>,;")
	return span{start, end}, end-start >= minToken
}

// webToken returns the JSON web token that begins at i (RFC 7519): three base64 words with dots between them, the first of
// which is a JSON object.
func webToken(text string, i int) (span, bool) {
	if !strings.HasPrefix(text[i:], "eyJ") || i > 0 && nameByte(text[i-1]) {
		return span{}, false
	}
	end := i
	for end < len(text) && nameByte(text[end]) {
		end++
	}
	return span{i, end}, end-i >= minToken && strings.Count(text[i:end], ".") >= 2
}

// wordBefore returns the name that ends before at; blanks and quotes in between are skipped.
func wordBefore(text string, at int) string {
	end := at
	for end > 0 && strings.IndexByte(" \t\"'", text[end-1]) >= 0 {
		end--
	}
	start := end
	for start > 0 && nameByte(text[start-1]) && end-start < maxFieldName {
		start--
	}
	return text[start:end]
}

// maxFieldName is the limit of a name in bytes, so that the search takes linear time.
const maxFieldName = 128

// quotedBefore returns the quoted name before a colon; false if there is none.
func quotedBefore(text string, at int) (string, bool) {
	end := at
	for end > 0 && at-end < maxFieldName && (text[end-1] == ' ' || text[end-1] == '\t' || text[end-1] == '\n') {
		end--
	}
	if end == 0 || text[end-1] != '"' && text[end-1] != '\'' {
		return "", false
	}
	if open := strings.LastIndexByte(text[max(0, end-1-maxFieldName):end-1], text[end-1]); open >= 0 {
		return text[max(0, end-1-maxFieldName)+open+1 : end-1], true
	}
	return wordBefore(text, end), true
}

func nameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.'
}

// assigned returns the value that starts at or behind from, false if there is none: a quoted text, or the text up to a
// blank, quote or separator. "==" and "=>" count as "=".
func assigned(text string, from int) (span, bool) {
	start := skip(text, from, " \t=>")
	if start < len(text) && (text[start] == '"' || text[start] == '\'') {
		return span{start + 1, closingQuote(text, start)}, true
	}
	end := until(text, start, " \t\r\n&\"'<>")
	return span{start, end}, end > start
}

// closingQuote returns the index of the quote that closes the one at start; the end of the text if there is none.
func closingQuote(text string, start int) int {
	for i := start + 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case text[start]:
			return i
		}
	}
	return len(text)
}

// userinfo returns the password in user:password@host.
func userinfo(text string, from int) (span, bool) {
	end := until(text, from, " \t\r\n/?#<>\"'")
	at := strings.LastIndexByte(text[from:end], '@')
	colon := strings.IndexByte(text[from:end], ':')
	if at < 0 || colon < 0 || colon > at {
		return span{}, false
	}
	return span{from + colon + 1, from + at}, true
}
