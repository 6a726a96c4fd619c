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

// ParamAlterMethods is the connection parameter that lets the panel offer clients other methods than e-mail. Only the panel
// reads it (docs/reference/billmanager.md §2).
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

// Challenge says what the client must do to validate control over one name.
type Challenge struct {
	Domain string
	Method Method
	// ApproverMethod is the seller's word for the method, such as auth_dnscname; empty for the order's own approver_method.
	ApproverMethod string
	Email          string // MethodEmail: the approver's address
	Host           string // MethodDNS: the record's full name
	Record         string // MethodDNS: CNAME or TXT
	Target         string // MethodDNS: the record's value
	URL            string // MethodFile: where the file must be published
	Body           string // MethodFile: the file's content
}

// text returns what the client must publish, as the client reads it. It is empty for e-mail, because the client publishes
// nothing, and if the seller has not said yet what to publish.
func (c Challenge) text() string {
	switch c.Method {
	case MethodDNS:
		if c.Host == "" && c.Target == "" {
			return ""
		}
		// A line break in the seller's text would add a record, so all white space becomes blanks.
		return strings.Join(strings.Fields(c.Host+" "+c.Record+" "+c.Target), " ")
	case MethodFile:
		if c.URL == "" && c.Body == "" {
			return ""
		}
		return c.URL + "\n" + c.Body
	}
	return ""
}

// ChallengeText returns the value of the item parameter `<approver_method>_value` (rules PARAM-11): for DNS one line
// `host CNAME target` for each name, for a file its URL and then its content. Names with the same record share a line.
func ChallengeText(challenges []Challenge) string {
	var lines []string
	seen := map[string]bool{}
	for _, c := range challenges {
		if t := c.text(); t != "" && !seen[t] {
			seen[t] = true
			lines = append(lines, t)
		}
	}
	return strings.Join(lines, "\n")
}

// ChallengeDomains returns the value of the item parameter domains_list: the names to validate, comma-separated, each once.
func ChallengeDomains(challenges []Challenge) string {
	var names []string
	seen := map[string]bool{}
	for _, c := range challenges {
		if c.Domain != "" && !seen[c.Domain] {
			seen[c.Domain] = true
			names = append(names, c.Domain)
		}
	}
	return strings.Join(names, ",")
}
