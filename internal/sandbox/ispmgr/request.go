package ispmgr

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"pmssl/internal/sandbox/standin"
)

// parameters are the values of a request by name. Names are case-sensitive: CN and cn are different
// fields.
type parameters map[string]string

// get returns a value without surrounding blanks, or "".
func (p parameters) get(name string) string { return strings.TrimSpace(p[name]) }

// submits reports whether a form is submitted (1.4).
func (p parameters) submits() bool { return p["sok"] == "ok" }

// readParameters merges the query and an urlencoded form: GET and POST are equal (1.2). The form
// takes precedence.
func readParameters(r *http.Request) (parameters, error) {
	merged := parameters{}
	content, err := standin.ReadBody(r)
	if err != nil {
		return merged, err
	}
	for _, encoded := range []string{string(content), r.URL.RawQuery} {
		if strings.Count(encoded, "&") > standin.MaxParameters {
			return merged, standin.ErrTooManyParameters
		}
		values, err := url.ParseQuery(encoded)
		if err != nil {
			return merged, standin.ErrBrokenForm
		}
		for name, list := range values {
			if _, seen := merged[name]; !seen {
				merged[name] = list[0]
			}
		}
	}
	return merged, nil
}

// secretNames returns the parameters whose values appear only in the stand-in's own answers.
func secretNames() []string { return []string{"authinfo", "auth", "password", "key"} }

func isSecret(name, value string) bool {
	return slices.Contains(secretNames(), name) || strings.Contains(value, "PRIVATE KEY")
}

// redacted returns a copy for the log. Every value that contains the password of an account is
// hidden.
func (p parameters) redacted(passwords []string) map[string]string {
	shown := make(map[string]string, len(p))
	for name, value := range p {
		if isSecret(name, value) || containsAny(value, passwords) {
			value = standin.Hidden
		}
		shown[name] = value
	}
	return shown
}

func containsAny(value string, parts []string) bool {
	return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(value, part) })
}

// leaks returns what a request must not contain: a private key, a password outside of authinfo,
// secrets in the query.
func leaks(r *http.Request, p parameters, passwords []string) []string {
	found := []string{}
	for name, value := range p {
		switch {
		case strings.Contains(value, "PRIVATE KEY"), name == "key" && value != "":
			found = append(found, "private key in "+name)
		case name != "authinfo" && name != "password" && containsAny(value, passwords):
			found = append(found, "password in "+name)
		}
	}
	query, _ := url.QueryUnescape(r.URL.RawQuery)
	if containsAny(query, passwords) || strings.Contains(query, "authinfo=") {
		found = append(found, "authinfo in the query")
	}
	for name, values := range r.Header {
		if containsAny(strings.Join(values, " "), passwords) {
			found = append(found, "password in header "+name)
		}
	}
	slices.Sort(found)
	return found
}
