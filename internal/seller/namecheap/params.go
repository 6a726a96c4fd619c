package namecheap

import (
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/plaintext"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

// Addresses of the API (docs/reference/namecheap.md §1.1).
const (
	production = "https://api.namecheap.com/xml.response"
	sandbox    = "https://api.sandbox.namecheap.com/xml.response"
	// AddressVariable of the environment replaces both; only a loopback address is accepted (rules CLI-2).
	AddressVariable = "NAMECHEAP_API_URL"
)

// Param is a connection parameter of the module.
type Param struct {
	Name    string
	Crypted bool
	Default string // value in an empty form
}

// Params returns the module's connection parameters.
func Params() []Param {
	return []Param{
		{Name: "username"}, {Name: "api_user"}, {Name: "api_key", Crypted: true}, {Name: "client_ip"}, {Name: "sandbox"},
		{Name: seller.ParamAlterMethods, Default: "on"}, {Name: "threshold"},
	}
}

// CustomParam is a row of the module's own parameter table.
type CustomParam struct{ Name, Default string }

// CustomParams returns the limits of the account at Namecheap (docs/reference/namecheap.md §1.4, rules CLI-3); 0 disables
// the module's own limit.
func CustomParams() []CustomParam {
	return []CustomParam{{"limit_minute", "20"}, {"limit_hour", "700"}, {"limit_day", "8000"}}
}

// AccountOf returns Client.Account for a set of parameters, without a client. If New would refuse the address in the
// environment, it uses the production address.
func AccountOf(params map[string]string, getenv func(string) (string, bool)) string {
	address, err := addressOf(params, getenv)
	if err != nil {
		address = production
	}
	return accountName(address, firstOf(params, "username", "api_user"))
}

// accountName returns the account's name, with the user name in lower case: Namecheap ignores case in user names, and the
// account must have one lock.
func accountName(address, user string) string { return address + " " + strings.ToLower(user) }

// rateLimitPath returns the file in which the calls of an account are counted.
func rateLimitPath(dir, binary, account string) string {
	return filepath.Join(dir, binary+".calls."+seller.AccountHash(account))
}

// cachePath returns the path of a cache file of the account: `<binary>.<what>.<hash of the account>`.
func cachePath(dir, binary, what, account string) string {
	return filepath.Join(dir, binary+"."+what+"."+seller.AccountHash(account))
}

func addressOf(params map[string]string, getenv func(string) (string, bool)) (string, error) {
	if getenv != nil {
		if text, ok := getenv(AddressVariable); ok && text != "" {
			return loopback(text)
		}
	}
	switch word := strings.ToLower(strings.TrimSpace(params["sandbox"])); word {
	case "", "off":
		return production, nil
	case "on":
		return sandbox, nil
	default:
		// A wrong guess would pay with real money, or buy nothing.
		return "", fault.Errorf(fault.Value, "sandbox", "sandbox is %q, on or off is expected", plaintext.Line(word))
	}
}

// SandboxOf returns the API's address if the parameters say that orders go to the sandbox and the address is the sandbox's, or that of
// a stand-in on this host. Otherwise it returns a fault.
func SandboxOf(params map[string]string, getenv func(string) (string, bool)) (string, error) {
	address, err := addressOf(params, getenv)
	if err != nil {
		return "", err
	}
	if strings.ToLower(strings.TrimSpace(params["sandbox"])) != "on" {
		return "", fault.Errorf(fault.Value, "sandbox", "the connection is not to %s's sandbox: add a processing module with the tick at Sandbox and an account of sandbox.namecheap.com", Title)
	}
	if _, local := loopback(address); address != sandbox && local != nil {
		return "", fault.Errorf(fault.Value, "sandbox", "the address %s is not that of %s's sandbox", address, Title)
	}
	return address, nil
}

// loopback accepts an address on this host only, because whoever controls the environment must not get the API key.
func loopback(text string) (string, error) {
	fail := func(why string) (string, error) {
		return "", fault.Errorf(fault.Value, AddressVariable, "the address in the environment variable %s is refused: %s", AddressVariable, why)
	}
	address, err := url.Parse(text)
	switch {
	case err != nil:
		return fail("it is not a URL")
	case address.Scheme != "http" && address.Scheme != "https":
		return fail("it must begin with http:// or https://")
	case address.User != nil || address.RawQuery != "" || address.Fragment != "":
		return fail("it must not have a user, query or fragment")
	}
	if host := address.Hostname(); host != "localhost" && !net.ParseIP(host).IsLoopback() {
		return fail("its host is not this machine's loopback (127.0.0.1, ::1, localhost)")
	}
	return address.String(), nil
}

func accessOf(params map[string]string) (access, error) {
	who := access{
		apiUser: firstOf(params, "api_user", "username"), userName: firstOf(params, "username", "api_user"),
		apiKey: firstOf(params, "api_key"), clientIP: firstOf(params, "client_ip"),
	}
	var missing []string
	for _, field := range []struct{ name, value string }{
		{"username", who.userName}, {"api_key", who.apiKey}, {"client_ip", who.clientIP},
	} {
		if field.value == "" {
			missing = append(missing, field.name)
		}
	}
	if len(missing) > 0 {
		return access{}, fault.Errorf(fault.Missed, missing[0], "the connection to %s lacks %s", Title, strings.Join(missing, ", "))
	}
	// Namecheap takes IPv4 only and answers anything else with 1011105 (docs/reference/namecheap.md §1.2).
	if ip, err := netip.ParseAddr(who.clientIP); err != nil || !ip.Is4() {
		return access{}, fault.Errorf(fault.ClientIP, "client_ip", "%q is not an IPv4 address, and %s takes no other as client_ip",
			plaintext.Line(who.clientIP), Title)
	}
	return who, nil
}

func firstOf(params map[string]string, names ...string) string {
	for _, name := range names {
		if value := strings.TrimSpace(params[name]); value != "" {
			return value
		}
	}
	return ""
}

func limitsOf(params map[string]string) (sellerhttp.Limits, error) {
	var numbers []int
	for _, p := range CustomParams() {
		text := firstOf(params, p.Name)
		if text == "" {
			text = p.Default
		}
		number, err := strconv.Atoi(text)
		if err != nil || number < 0 || number > sellerhttp.MaxLimit {
			return sellerhttp.Limits{}, fault.Errorf(fault.Value, p.Name, "%s is %q, a whole number from 0 to %d is expected",
				p.Name, plaintext.Line(text), sellerhttp.MaxLimit)
		}
		numbers = append(numbers, number)
	}
	return sellerhttp.Limits{Minute: numbers[0], Hour: numbers[1], Day: numbers[2]}, nil
}
