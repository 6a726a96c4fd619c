package ispmanager

import (
	"context"
	"slices"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/plaintext"
	"pmssl/internal/seller"
)

// Challenges reads what the client must publish for the order (docs/reference/ispmanager.md §4.4, §5): the challenges
// of the request's method that certificate.edit shows; none if it shows none yet. If none of them can be published, the
// fault is of type API.
func (c *Client) Challenges(ctx context.Context, id int64, r seller.Request) ([]seller.Challenge, error) {
	if r.Method == seller.MethodEmail {
		return emailChallenges(r), nil
	}
	f, err := c.read(ctx, functionEdit, element(id))
	if err != nil {
		return nil, err
	}
	page := orderPage{form: formOf(functionEdit, f), edit: true}
	all, refused := challengesOf(page.form, page.names(r.CSR.CommonName))
	challenges := slices.DeleteFunc(all, func(p seller.Challenge) bool { return p.Method != r.Method })
	if exact := ofWord(challenges, r.Params[itemparam.Method]); len(exact) > 0 {
		challenges = exact
	}
	if len(challenges) == 0 && len(refused) > 0 {
		return nil, fault.Errorf(fault.API, functionEdit, "%s gives the order %d nothing that can be published: %s", Title, id, strings.Join(refused, ", "))
	}
	return challenges, nil
}

// ofWord returns the challenges that the remote shows under this approver_method.
func ofWord(all []seller.Challenge, word string) []seller.Challenge {
	return slices.DeleteFunc(slices.Clone(all), func(p seller.Challenge) bool { return p.ApproverMethod != strings.TrimSpace(word) })
}

func emailChallenges(r seller.Request) []seller.Challenge {
	var challenges []seller.Challenge
	emails := orderValues{request: r}.emails()
	for i, name := range r.AllNames() {
		if i < len(emails) {
			challenges = append(challenges, seller.Challenge{Domain: name, Method: seller.MethodEmail, Email: emails[i]})
		}
	}
	return challenges
}

// Limits of what is stored for the client: it is a parameter of the item, which is one argument of a command line (rules
// PANEL-2). An order has at most a hundred names, and a CA's file three short lines.
const (
	maxChallenges = 300
	maxFile       = 4096
	maxFileLine   = 1000
)

// challengeReader collects the challenges that a form shows under one approver_method.
type challengeReader struct {
	word       string
	method     seller.Method
	name       string // of the record or file, empty if the form shows none
	domains    []string
	challenges []seller.Challenge
	refused    []string // what cannot be published, for people
}

// challengesOf reads `<method>_value` and `<method>_name` of every method that the form shows. refused has the values
// that are not names of records or files, because the client would publish them elsewhere.
func challengesOf(f form, domains []string) (challenges []seller.Challenge, refused []string) {
	for _, field := range f.names {
		word, is := strings.CutSuffix(field, "_value")
		method, known := methodKind(word)
		if !is || !known || method == seller.MethodEmail || !strings.HasPrefix(word, "auth") {
			continue
		}
		p := challengeReader{word: word, method: method, name: strings.TrimSpace(f.value(word + "_name")), domains: domains}
		p.read(f.value(field))
		challenges, refused = append(challenges, p.challenges...), append(refused, p.refused...)
	}
	return challenges[:min(len(challenges), maxChallenges)], refused[:min(len(refused), maxChallenges)]
}

func (p *challengeReader) read(value string) {
	if strings.TrimSpace(value) == "" {
		return
	}
	if p.method == seller.MethodFile {
		p.file(value)
		return
	}
	names := strings.Fields(p.name) // several records have their names and values line by line
	number := -1
	for line := range strings.Lines(value) {
		if len(p.challenges) >= maxChallenges || len(p.refused) >= maxChallenges {
			p.refuse("more records than an order has", "")
			return
		}
		if number++; len(names) > 1 {
			p.name = names[min(number, len(names)-1)]
		}
		switch fields := strings.Fields(line); {
		case len(fields) == 0:
		case len(fields) == 3 && (strings.EqualFold(fields[1], "CNAME") || strings.EqualFold(fields[1], "TXT")): // host CNAME target
			p.record(fields[0], strings.ToUpper(fields[1]), fields[2])
		default:
			p.valueOnly(strings.TrimSpace(line))
		}
	}
}

// valueOnly reads a record's value without a name. A TXT record without a name is for the domain itself (BR 3.2.2.4.7);
// a CNAME record always has a name of its own.
func (p *challengeReader) valueOnly(value string) {
	kind := p.recordKind(value)
	switch {
	case p.name != "":
		p.record(p.name, kind, value)
	case kind == "TXT":
		for _, domain := range p.domains {
			p.record(bareName(domain), kind, value)
		}
	default:
		p.refuse("a CNAME without the record's name", value)
	}
}

// recordKind returns CNAME or TXT, as the method's word says. auth_dns does not say it; then a value that is a host
// name is a CNAME record's.
func (p *challengeReader) recordKind(value string) string {
	switch {
	case strings.Contains(p.word, "cname"):
		return "CNAME"
	case strings.Contains(p.word, "txt"):
		return "TXT"
	case p.name != "" && strings.Contains(strings.TrimSuffix(value, "."), ".") && pki.RecordName(value):
		return "CNAME"
	}
	return "TXT"
}

func (p *challengeReader) record(host, kind, target string) {
	plain := len(target) <= 1000 && !strings.ContainsFunc(target, func(r rune) bool { return r <= ' ' || r > '~' || r == '<' || r == '>' })
	switch {
	case !pki.RecordName(host):
		p.refuse("the record's name", host)
	case !p.belongs(host):
		p.refuse("a record that is none of the order's names", host)
	case kind == "CNAME" && !pki.RecordName(target), !plain:
		p.refuse("the record's target", target)
	default:
		p.challenges = append(p.challenges, seller.Challenge{Domain: p.domainOf(host), Method: p.method, ApproverMethod: p.word, Host: host, Record: kind, Target: target})
	}
}

// belongs reports whether a record's name belongs to a name of the order or to the domain above it, or is written
// without that domain. A record at another name would validate a domain that nobody ordered here.
func (p *challengeReader) belongs(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	_, rest, dotted := strings.Cut(host, ".")
	return !dotted || len(p.domains) == 0 || slices.ContainsFunc(p.domains, func(domain string) bool {
		labels := strings.Split(bareName(domain), ".")
		above := strings.Join(labels[max(0, len(labels)-2):], ".")
		return host == above || strings.HasSuffix(host, "."+above) || strings.HasPrefix(bareName(domain), rest+".")
	})
}

// domainOf returns the name of the order to which a record or file belongs: the longest one at the end of its host,
// else the first.
func (p *challengeReader) domainOf(host string) string {
	best := ""
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, domain := range p.domains {
		if bare := bareName(domain); (host == bare || strings.HasSuffix(host, "."+bare)) && len(domain) > len(best) {
			best = domain
		}
	}
	if best == "" && len(p.domains) > 0 {
		return p.domains[0]
	}
	return best
}

// file reads a file's content. Its name is a field of its own, or a URL before the content.
func (p *challengeReader) file(value string) {
	head, rest, _ := strings.Cut(strings.TrimSpace(value), "\n")
	head = strings.TrimSpace(head)
	switch {
	case p.name == "" && isURL(head) && strings.TrimSpace(rest) != "":
		p.addFile(head, rest)
	case isURL(p.name):
		p.addFile(p.name, value)
	case p.name != "" && pki.FileName(p.name):
		for _, domain := range p.domains {
			p.addFile("http://"+bareName(domain)+"/.well-known/pki-validation/"+p.name, value)
		}
	default:
		p.refuse("the file's name", p.name)
	}
}

// addFile adds a file if its URL belongs to the order and its content is short.
func (p *challengeReader) addFile(url, content string) {
	_, rest, _ := strings.Cut(url, "://")
	host, path, _ := strings.Cut(rest, "/")
	if !pki.RecordName(host) || strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`<>"'\`, r) }) {
		p.refuse("the file's place", url)
		return
	}
	if !strings.Contains(host, ".") || !p.belongs(host) {
		p.refuse("a file that is none of the order's names", url)
		return
	}
	var lines []string
	for line := range strings.Lines(strings.TrimSpace(content)) {
		lines = append(lines, plaintext.Line(line))
	}
	if len(content) > maxFile || slices.ContainsFunc(lines, func(line string) bool { return len(line) > maxFileLine }) {
		p.refuse("a file longer than any CA's", content)
		return
	}
	p.challenges = append(p.challenges, seller.Challenge{Domain: p.domainOf(host), Method: p.method, ApproverMethod: p.word, URL: url, Body: strings.Join(lines, "\n")})
}

func (p *challengeReader) refuse(what, value string) {
	p.refused = append(p.refused, p.word+": "+what+" "+plaintext.Clip(redacted(value), 200))
}

func isURL(text string) bool {
	return strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "https://")
}

// bareName returns the name without `*.`, at which a wildcard is validated.
func bareName(name string) string { return strings.TrimPrefix(name, "*.") }
