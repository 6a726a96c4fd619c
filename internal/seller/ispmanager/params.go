package ispmanager

import (
	"net"
	"net/url"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/plaintext"
	"pmssl/internal/seller"
)

// Param is a connection parameter of the module.
type Param struct {
	Name    string
	Crypted bool
	Default string // value in an empty form
}

// Params returns the module's connection parameters: the address of the remote BILLmanager and a client's login there
// (docs/reference/ispmanager.md §9).
func Params() []Param {
	return []Param{
		{Name: "url"}, {Name: "username"}, {Name: "password", Crypted: true}, {Name: seller.ParamAlterMethods, Default: "on"}, {Name: "threshold"},
	}
}

// access is the login that every request carries (docs/reference/ispmanager.md §1.2).
type access struct{ user, password string }

// login returns the parameter authinfo, which the remote splits at the first colon (docs/reference/ispmanager.md §1.2).
func (a access) login() string { return a.user + ":" + a.password }

// secrets returns the values that no log or error may show.
func (a access) secrets() []string { return []string{a.login(), a.password} }

// AccountOf returns Client.Account for a set of parameters, without a client. An address that New refuses is used as
// typed.
func AccountOf(params map[string]string) string {
	address, err := normalAddress(params["url"])
	if err != nil {
		address = strings.TrimSpace(params["url"])
	}
	return accountName(address, params["username"])
}

// accountName returns the account's name in lower case: logins are e-mail addresses, in which case is ignored, and the
// account must have one lock.
func accountName(address, user string) string {
	return strings.ToLower(address + " " + strings.TrimSpace(user))
}

// notPlainASCII reports whether the rune is not a visible ASCII character.
func notPlainASCII(r rune) bool { return r <= ' ' || r >= 0x7f }

// normalAddress returns the API's address from what an administrator types (docs/reference/ispmanager.md §1.1): https
// if there is no scheme, no query and no fragment, the path up to /billmgr or with /billmgr appended. Plain http is
// accepted for this host only, because every request has the password. Faults are of type missed or value on url.
func normalAddress(typed string) (string, error) {
	text := strings.TrimSpace(typed)
	fail := func(why string) (string, error) {
		return "", fault.Errorf(fault.Value, "url", "the address of %s cannot be used: %s", Title, why)
	}
	if text == "" {
		return "", fault.Errorf(fault.Missed, "url", "the connection to %s lacks url", Title)
	}
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	address, err := url.Parse(text)
	switch {
	case err != nil || address.Opaque != "":
		return fail("it is not a URL")
	case address.User != nil: // a password in the address would be shown with it
		return fail("it must not have a user or password")
	case address.Hostname() == "" || strings.ContainsFunc(address.Host, notPlainASCII):
		return fail("it names no host")
	}
	scheme := strings.ToLower(address.Scheme)
	switch {
	case scheme == "http" && !loopback(address.Hostname()):
		return fail("it must begin with https://, otherwise the password is sent unencrypted")
	case scheme != "http" && scheme != "https":
		return fail("it must begin with https://")
	}
	plain := url.URL{Scheme: scheme, Host: strings.ToLower(address.Host), Path: apiPath(address.Path)}
	return plain.String(), nil
}

// apiPath returns the path up to the first /billmgr, as in /manager/billmgr. The rest is dropped, because a doubled
// path is answered with an HTML page (docs/reference/ispmanager.md §1.1).
func apiPath(path string) string {
	const program = "/billmgr"
	for at := 0; ; {
		i := strings.Index(path[at:], program)
		if i < 0 {
			return strings.TrimRight(path, "/") + program
		}
		end := at + i + len(program)
		if end == len(path) || path[end] == '/' {
			return path[:end]
		}
		at = end
	}
}

func loopback(host string) bool { return host == "localhost" || net.ParseIP(host).IsLoopback() }

func accessOf(params map[string]string) (access, error) {
	who := access{user: strings.TrimSpace(params["username"]), password: params["password"]}
	switch {
	case who.user == "":
		return access{}, fault.Errorf(fault.Missed, "username", "the connection to %s lacks username", Title)
	case who.password == "":
		return access{}, fault.Errorf(fault.Missed, "password", "the connection to %s lacks password", Title)
	case strings.Contains(who.user, ":"):
		return access{}, fault.Errorf(fault.Value, "username", "the user name has a colon, at which %s would split it from the password", Title)
	case plaintext.Line(who.user) != who.user || len(who.user) > 255:
		return access{}, fault.Errorf(fault.Value, "username", "the user name is not one line of at most 255 bytes")
	}
	return who, nil
}
