package panellog

import (
	"encoding/json"
	"net/url"
	"strings"
)

// RedactForm returns a form body or query (a=b&c=d, also behind a URL's "?") with *** for the values of secret fields and
// everything else unchanged. It also masks what service.saveparam sends as name=<secret field>&value=… or with crypted=on,
// and redacts documents inside values. A body that is JSON or begins with "<" is redacted as a document. An unescaped "&" ends a value, as in
// every form.
func RedactForm(body string) string {
	if !strings.Contains(body, "=") || json.Valid([]byte(body)) {
		return RedactXML([]byte(body))
	}
	return redactForm(body, 0)
}

func redactForm(body string, depth int) string {
	if strings.HasPrefix(strings.TrimLeft(body, " \t\r\n\ufeff"), "<") {
		return maskKeys(redactDocument(body, depth+1))
	}
	pairs := strings.Split(body, "&")
	var c call
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		c.observe(unquery(formName(name)), unquery(value))
	}
	for i, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			pairs[i] = redactText(pair)
			continue
		}
		pairs[i] = redactText(name) + "=" + redactFormValue(c, unquery(formName(name)), value, depth)
	}
	return maskKeys(strings.Join(pairs, "&"))
}

func redactFormValue(c call, name, value string, depth int) string {
	if c.secret(name) {
		return maskValue(value)
	}
	plain := unquery(value)
	if clean := ShortenPEM(redactValue(plain, depth)); clean != plain {
		return url.QueryEscape(clean)
	}
	return value
}

// maskValue returns ***, or an empty text for an empty value.
func maskValue(value string) string {
	if value == "" {
		return ""
	}
	return masked
}

// formName returns the field's name without a URL or words before it.
func formName(s string) string {
	return s[strings.LastIndexAny(s, "? \t\r\n'\"")+1:]
}

// unquery decodes percent-encoding; invalid escapes stay unchanged.
func unquery(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	var b strings.Builder
	for s != "" {
		if s[0] == '%' || s[0] == '+' {
			if plain, w := decodeEscape(s); w > 0 {
				b.WriteString(plain)
				s = s[w:]
				continue
			}
		}
		b.WriteByte(s[0])
		s = s[1:]
	}
	return b.String()
}

// maskKeys masks private keys.
func maskKeys(s string) string { return maskAll(nil, s, false) }
