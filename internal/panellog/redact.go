package panellog

import (
	"html"
	"net/url"
	"strings"
	"unicode"
)

// IsSecretField reports whether a field, parameter, attribute, element or option
// of this name holds a secret: keys of an API, passwords, private keys, login
// data and sessions, tokens. Case and the separators _ - . do not matter.
//
// "key" is the panel's name of the private key (table certificate, section 4),
// so every name that ends in "key" is secret, except public keys and CryptKey,
// which is the path of a file (section 7). "auth" is the panel's session and
// "authinfo" is user:password. Certificates, CSRs, approver addresses and the
// values that a client publishes in DNS (auth_dnstxt_value) are not secret.
func IsSecretField(name string) bool {
	words := fieldWords(name)
	joined := strings.Join(words, "")
	for _, part := range []string{
		"password", "passwd", "passphrase", "passwort", "secret", "token", "apikey", "authinfo", "authcode",
		"authorization", "privatekey", "privkey", "billmgrses", "sessionid", "sessid", "credential", "cookie",
		"approvalcode", "approvercode", "dcvcode", "jwt", "csrf", "xsrf", "bearer", "pswd", "pincode",
	} {
		if strings.Contains(joined, part) {
			return true
		}
	}
	if strings.HasSuffix(joined, "key") {
		return !strings.HasSuffix(joined, "publickey") && !strings.HasSuffix(joined, "pubkey") && joined != "cryptkey"
	}
	switch joined {
	case "auth", "session", "sid", "ses", "keypem", "pemkey", "dsn", "otp", "totp", "pin", "key64", "keys", "apikeys":
		return true
	}
	for _, w := range words {
		switch w {
		case "pass", "pwd", "pw", "pkey", "userpass", "dbpass", "rootpass":
			return true
		}
	}
	return false
}

// fieldWords splits a name at separators and at capitals after small letters,
// in lower case: "DBPassword", "api_key" and "api-Key" become words.
func fieldWords(name string) []string {
	var words []string
	var word strings.Builder
	end := func() {
		if word.Len() > 0 {
			words = append(words, word.String())
			word.Reset()
		}
	}
	var before rune
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			end()
			before = 0
			continue
		}
		if unicode.IsUpper(r) && unicode.IsLower(before) {
			end()
		}
		word.WriteRune(unicode.ToLower(r))
		before = r
	}
	end()
	return words
}

// plainWithCrypted reports whether a parameter of a call stays readable next to
// crypted=on: service.saveparam's second form has the secret under a name of its
// own (section 5.2).
func plainWithCrypted(name string) bool {
	switch strings.ToLower(name) {
	case "func", "out", "sok", "elid", "name", "crypted", "lang", "id", "item", "processingmodule", "param", "module":
		return true
	}
	return false
}

// namesField reports whether a parameter's value is the name of a field, whose
// value then stands under "value" (service.saveparam's first form, check_param).
func namesField(name string) bool {
	switch strings.ToLower(name) {
	case "name", "param", "intname", "field", "fieldname", "param_name":
		return true
	}
	return false
}

// holdsValue is the other half of namesField.
func holdsValue(name string) bool {
	switch strings.ToLower(name) {
	case "value", "val", "values", "defval", "default", "text", "data", "content":
		return true
	}
	return false
}

// call decides which parameters of one call hold secrets.
type call struct {
	crypted bool // crypted=on stands there
	named   bool // name=password or the like stands there
}

func (c *call) observe(name, value string) {
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	if strings.EqualFold(name, "crypted") && on(value) {
		c.crypted = true
	}
	if namesField(name) && IsSecretField(value) {
		c.named = true
	}
}

// on reports whether a switch is on; what is unclear counts as on.
func on(value string) bool {
	return value != "" && !strings.EqualFold(value, "off") && !strings.EqualFold(value, "no")
}

func (c call) secret(name string) bool {
	name = strings.TrimSpace(name)
	return IsSecretField(name) || c.named && holdsValue(name) || c.crypted && !plainWithCrypted(name)
}

// redactValue redacts a value that is not secret as a whole: a document or a
// query may be nested in it.
func redactValue(value string, depth int) string {
	switch {
	case depth > maxNesting:
		return masked
	case nestsDocument(value), startsJSON(value):
		return redactDocument(value, depth+1)
	case strings.Contains(value, "%3C"), strings.Contains(value, "%3c"):
		plain := unquery(value)
		if clean := redactValue(plain, depth+1); clean != plain {
			return url.QueryEscape(clean)
		}
	}
	return redactText(value)
}

// nestsDocument reports whether a value has elements, escaped once or more.
func nestsDocument(value string) bool {
	if strings.Contains(value, "<") {
		return true
	}
	if !strings.Contains(value, "&") {
		return false
	}
	plain := html.UnescapeString(value)
	return plain != value && strings.ContainsAny(plain, "<&")
}

// maxNesting is how many documents within documents are looked into.
const maxNesting = 4
