package panellog

import (
	"html"
	"net/url"
	"strings"
	"unicode"
)

// IsSecretField reports whether a field, parameter, attribute, element or option of this name holds a secret: an API key,
// password, private key, login, session or token. Letter case and the separators _ - . do not matter.
//
// "key" is the panel's name of the private key (table certificate, docs/reference/billmanager.md §4), so every name that
// ends in "key" is secret, except public keys and CryptKey, which is the path of a file (docs/reference/billmanager.md §7).
// "auth" is the panel's session and "authinfo" is user:password. Certificates, CSRs, approver addresses and the values that
// a client publishes in DNS (auth_dnstxt_value) are not secret.
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

// fieldWords splits a name into words in lower case, at separators and where an upper-case letter follows a lower-case one:
// "api_key" and "apiKey" become "api", "key".
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

// plainWithCrypted reports whether a parameter of a call with crypted=on is not secret: in the second form of
// service.saveparam the secret has a parameter name of its own (docs/reference/billmanager.md §5.2).
func plainWithCrypted(name string) bool {
	switch strings.ToLower(name) {
	case "func", "out", "sok", "elid", "name", "crypted", "lang", "id", "item", "processingmodule", "param", "module":
		return true
	}
	return false
}

// namesField reports whether a parameter's value is the name of a field, whose value is in the parameter "value" (first form of
// service.saveparam, check_param).
func namesField(name string) bool {
	switch strings.ToLower(name) {
	case "name", "param", "intname", "field", "fieldname", "param_name":
		return true
	}
	return false
}

// holdsValue reports whether a parameter holds the value of the field that namesField refers to.
func holdsValue(name string) bool {
	switch strings.ToLower(name) {
	case "value", "val", "values", "defval", "default", "text", "data", "content":
		return true
	}
	return false
}

// call holds what is known about one call's parameters, to decide which of them are secret.
type call struct {
	crypted bool // it has crypted=on
	named   bool // it has name=password or the like
}

// observe adds one parameter of the call.
func (c *call) observe(name, value string) {
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	if strings.EqualFold(name, "crypted") && on(value) {
		c.crypted = true
	}
	if namesField(name) && IsSecretField(value) {
		c.named = true
	}
}

// on reports whether a switch is on; any value other than off, no and empty counts as on.
func on(value string) bool {
	return value != "" && !strings.EqualFold(value, "off") && !strings.EqualFold(value, "no")
}

// secret reports whether the parameter of the call is secret.
func (c call) secret(name string) bool {
	name = strings.TrimSpace(name)
	return IsSecretField(name) || c.named && holdsValue(name) || c.crypted && !plainWithCrypted(name)
}

// redactValue redacts a value that is not secret as a whole: it may contain a document or a query.
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

// nestsDocument reports whether a value contains elements, escaped or not.
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

// maxNesting is the number of levels of documents inside documents that are redacted; deeper ones are masked.
const maxNesting = 4
