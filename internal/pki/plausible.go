package pki

import "strings"

// RecordName reports whether a text is the name of a DNS record: labels of letters, digits, hyphens and underscores
// (RFC 1035 2.3.4, RFC 8552 2). Sellers send ASCII, so nothing is converted.
func RecordName(text string) bool {
	name := strings.TrimSuffix(text, ".")
	if name == "" || len(name) > 253 {
		return false
	}
	for _, label := range strings.Split(name, ".") {
		if label == "" || len(label) > 63 || strings.ContainsFunc(label, func(r rune) bool { return !alphanumeric(r) && r != '-' && r != '_' }) {
			return false
		}
	}
	return true
}

// PlausibleEmail reports whether a text can be an e-mail address and has no character with a meaning in forms, lists or
// documents.
func PlausibleEmail(email string) bool {
	local, domain, ok := strings.Cut(email, "@")
	if !ok || local == "" || !strings.Contains(domain, ".") || len(email) > 255 {
		return false
	}
	return !strings.ContainsFunc(email, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`<>()[],;:\"`, r) }) &&
		!strings.Contains(domain, "@")
}

// FileName reports whether a text is a plain file name: no path, not hidden, and no character that a URL must escape.
func FileName(text string) bool {
	return len(text) <= 255 && !strings.HasPrefix(text, ".") &&
		!strings.ContainsFunc(text, func(r rune) bool { return !alphanumeric(r) && !strings.ContainsRune("-_.", r) })
}

func alphanumeric(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}
