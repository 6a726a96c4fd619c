package seller

import (
	"strings"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/plaintext"
)

// Method is a method of domain validation (BR 3.2.2.4). The zero value is an unknown method.
type Method = cabforum.Method

// The methods that the panel offers to clients.
const (
	MethodUnknown = cabforum.MethodUnknown
	MethodEmail   = cabforum.MethodEmail // not allowed from 2028-03-15 on (BR 1.2.2)
	MethodDNS     = cabforum.MethodDNS
	MethodFile    = cabforum.MethodFile // not allowed for wildcard names (BR 3.2.2.4.18)
)

// ParamAlterMethods is the connection parameter by which the panel offers clients other methods than e-mail: the
// certificate module of ISPsystem has it too. Nothing of ours reads it (docs/reference/billmanager.md §2).
const ParamAlterMethods = "alter_approver_methods"

// ParseMethod reads the item parameter approver_method (rules PARAM-20); an empty one means e-mail. An unknown word returns
// MethodUnknown and a fault of type value: with a guessed method the client would wait for an e-mail that never comes.
func ParseMethod(word string) (Method, error) {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "", "auth_email":
		return MethodEmail, nil
	case "auth_dnstxt", "auth_dnscname", "auth_dns":
		return MethodDNS, nil
	case "auth_http", "auth_https", "auth_file":
		return MethodFile, nil
	}
	return MethodUnknown, fault.Errorf(fault.Value, "approver_method", "unknown validation method %q, known are auth_email, auth_dnstxt and auth_http", plaintext.Clip(word, 60))
}

// Challenge is what the client has to do for one name before the certificate is issued.
type Challenge struct {
	Domain string
	Method Method
	// Word is the approver_method under which the seller shows the proof (auth_dnscname); empty for the order's own.
	Word   string
	Email  string // MethodEmail: the approver's address
	Host   string // MethodDNS: the record's full name
	Record string // MethodDNS: CNAME or TXT
	Target string // MethodDNS: the record's value
	URL    string // MethodFile: where the file must be found
	Body   string // MethodFile: the file's content
}

// text returns the proof as the client reads it; empty for e-mail, where the approver gets the letter, and where the seller
// has not said yet what to publish.
func (p Challenge) text() string {
	switch p.Method {
	case MethodDNS:
		if p.Host == "" && p.Target == "" {
			return ""
		}
		// Fields: the seller's text must not break the line, or the client would publish a record too many.
		return strings.Join(strings.Fields(p.Host+" "+p.Record+" "+p.Target), " ")
	case MethodFile:
		if p.URL == "" && p.Body == "" {
			return ""
		}
		return p.URL + "\n" + p.Body
	}
	return ""
}

// ChallengeText returns the value of the item parameter `<approver_method>_value` (rules PARAM-11): for DNS one line
// `host CNAME target` per name, for a file its URL and then its content. Names that need the same record share a line.
func ChallengeText(challenges []Challenge) string {
	var lines []string
	seen := map[string]bool{}
	for _, p := range challenges {
		if t := p.text(); t != "" && !seen[t] {
			seen[t] = true
			lines = append(lines, t)
		}
	}
	return strings.Join(lines, "\n")
}

// ChallengeDomains returns the value of the item parameter domains_list: the names to prove, comma-separated, each once.
func ChallengeDomains(challenges []Challenge) string {
	var names []string
	seen := map[string]bool{}
	for _, p := range challenges {
		if p.Domain != "" && !seen[p.Domain] {
			seen[p.Domain] = true
			names = append(names, p.Domain)
		}
	}
	return strings.Join(names, ",")
}
