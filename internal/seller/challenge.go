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

// Proves reports whether the challenge says what to publish to prove control over the name by the method. It returns false for e-mail,
// by which nothing is published.
func (c Challenge) Proves(name string, method Method) bool {
	return c.Method == method && c.text() != "" && strings.TrimPrefix(c.Domain, "*.") == strings.TrimPrefix(name, "*.")
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

// ParseChallengeText reads the value of the item parameter `<approver_method>_value` back (rules PARAM-11): see
// ChallengeText. The names that the challenges are for are not in it. A text of another form is a fault of type value:
// what cannot be read must not be published.
func ParseChallengeText(method Method, text string) ([]Challenge, error) {
	if len(text) > maxChallengeText {
		return nil, fault.Errorf(fault.Value, "challenge", "the challenges are longer than %d bytes", maxChallengeText)
	}
	if method == MethodFile {
		return parseFiles(text)
	}
	var challenges []Challenge
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if len(fields) < 3 || fields[1] != "CNAME" && fields[1] != "TXT" || fields[1] == "CNAME" && len(fields) != 3 {
			return nil, fault.Errorf(fault.Value, "challenge", "%q is not a record of the form HOST CNAME TARGET or HOST TXT TEXT", plaintext.Clip(strings.TrimSpace(line), 200))
		}
		challenges = append(challenges, Challenge{Method: MethodDNS, Host: fields[0], Record: fields[1], Target: strings.Join(fields[2:], " ")})
	}
	return challenges, nil
}

// maxChallengeText bounds what is read back of an item's challenges, in bytes: a hundred names need a tenth of it.
const maxChallengeText = 256 << 10

// parseFiles reads URLs, each with the lines of its file behind it.
func parseFiles(text string) ([]Challenge, error) {
	var challenges []Challenge
	for line := range strings.SplitSeq(text, "\n") {
		switch {
		case strings.HasPrefix(line, "http://"), strings.HasPrefix(line, "https://"):
			challenges = append(challenges, Challenge{Method: MethodFile, URL: strings.TrimSpace(line)})
		case len(challenges) == 0:
			return nil, fault.Errorf(fault.Value, "challenge", "%q is not the URL of a file", plaintext.Clip(line, 200))
		default:
			last := &challenges[len(challenges)-1]
			last.Body += strings.TrimSuffix(line, "\r") + "\n"
		}
	}
	for i := range challenges {
		challenges[i].Body = strings.TrimSuffix(challenges[i].Body, "\n")
	}
	return challenges, nil
}
