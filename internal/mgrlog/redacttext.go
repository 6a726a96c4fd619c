package mgrlog

import "strings"

// redactText masks what looks like an assignment to a secret field in free text:
// password=…, "password": "…", and the login of a URL, ://user:password@host.
// It goes on behind what it masked: each byte is looked at a bounded number of
// times, whatever the text.
func redactText(text string) string {
	var found []span
	for i := 0; i < len(text); i++ {
		secret, ok := span{}, false
		switch text[i] {
		case '=':
			if IsSecretField(wordBefore(text, i)) {
				secret, ok = assigned(text, i+1)
			}
		case ':':
			if strings.HasPrefix(text[i:], "://") {
				secret, ok = userinfo(text, i+len("://"))
			} else if name, quoted := quotedBefore(text, i); quoted && IsSecretField(name) {
				secret, ok = assigned(text, i+1)
			}
		}
		if ok {
			found = append(found, secret)
			i = max(i, secret.end-1)
		}
	}
	return replaceSpans(text, found)
}

// wordBefore is the name that ends before at, blanks and a quote skipped.
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

// maxFieldName bounds the search for a name, so that a long text costs no more
// than its length.
const maxFieldName = 128

// quotedBefore is the JSON name before a colon.
func quotedBefore(text string, at int) (string, bool) {
	end := at
	for end > 0 && at-end < maxFieldName && (text[end-1] == ' ' || text[end-1] == '\t' || text[end-1] == '\n') {
		end--
	}
	if end == 0 || text[end-1] != '"' && text[end-1] != '\'' {
		return "", false
	}
	return wordBefore(text, end), true
}

func nameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.'
}

// assigned is the value that starts at or after from, if there is one: a quoted
// text, or all up to a blank, a quote or a separator. "==" and "=>" count as "=".
func assigned(text string, from int) (span, bool) {
	start := skip(text, from, " \t=>")
	if start < len(text) && (text[start] == '"' || text[start] == '\'') {
		return span{start + 1, closingQuote(text, start)}, true
	}
	end := until(text, start, " \t\r\n&\"'<>")
	return span{start, end}, end > start
}

// closingQuote finds the quote that ends the one at start, the end of the text
// without one.
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

// userinfo finds the password in user:password@host.
func userinfo(text string, from int) (span, bool) {
	end := until(text, from, " \t\r\n/?#<>\"'")
	at := strings.LastIndexByte(text[from:end], '@')
	colon := strings.IndexByte(text[from:end], ':')
	if at < 0 || colon < 0 || colon > at {
		return span{}, false
	}
	return span{from + colon + 1, from + at}, true
}
