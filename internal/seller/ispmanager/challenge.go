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

// Challenges reads again what the client must publish for the order (docs/reference/ispmanager.md §4.4, §5): the proofs of
// the order's own way that certificate.edit shows, none if it shows none yet. Where it shows only what cannot be
// published it is API.
func (c *Client) Challenges(ctx context.Context, id int64, r seller.Request) ([]seller.Challenge, error) {
	if r.Method == seller.MethodEmail {
		return emailChallenges(r), nil
	}
	f, err := c.read(ctx, functionEdit, element(id))
	if err != nil {
		return nil, err
	}
	s := sheet{form: formOf(functionEdit, f), edit: true}
	all, refused := challengesOf(s.form, s.names(r.CSR.CommonName))
	challenges := slices.DeleteFunc(all, func(p seller.Challenge) bool { return p.Method != r.Method })
	if exact := ofWord(challenges, r.Params[itemparam.Method]); len(exact) > 0 {
		challenges = exact
	}
	if len(challenges) == 0 && len(refused) > 0 {
		return nil, fault.Errorf(fault.API, functionEdit, "%s gives the order %d nothing that can be published: %s", Title, id, strings.Join(refused, ", "))
	}
	return challenges, nil
}

func ofWord(all []seller.Challenge, word string) []seller.Challenge {
	return slices.DeleteFunc(slices.Clone(all), func(p seller.Challenge) bool { return p.ApproverMethod != strings.TrimSpace(word) })
}

func emailChallenges(r seller.Request) []seller.Challenge {
	var challenges []seller.Challenge
	emails := filling{request: r}.emails()
	for i, name := range r.AllNames() {
		if i < len(emails) {
			challenges = append(challenges, seller.Challenge{Domain: name, Method: seller.MethodEmail, Email: emails[i]})
		}
	}
	return challenges
}

// Bounds of what is shown to a client: it is a parameter of the item, one word of a command line (rules PANEL-2). An order
// has a hundred names at the most, and a file of a CA three short lines.
const (
	maxChallenges = 300
	maxFile       = 4096
	maxFileLine   = 1000
)

// publication collects what a form shows under one word of approver_method.
type publication struct {
	word       string
	method     seller.Method
	name       string // of the record or file, empty if the form shows none
	domains    []string
	challenges []seller.Challenge
	refused    []string // what cannot be published, for people
}

// challengesOf reads `<method>_value` and `<method>_name` of every method that the form shows. What is no name of a record
// or file is refused: a client who copies it would publish something else.
func challengesOf(f form, domains []string) (challenges []seller.Challenge, refused []string) {
	for _, field := range f.names {
		word, is := strings.CutSuffix(field, "_value")
		method, known := methodKind(word)
		if !is || !known || method == seller.MethodEmail || !strings.HasPrefix(word, "auth") {
			continue
		}
		p := publication{word: word, method: method, name: strings.TrimSpace(f.value(word + "_name")), domains: domains}
		p.read(f.value(field))
		challenges, refused = append(challenges, p.challenges...), append(refused, p.refused...)
	}
	return challenges[:min(len(challenges), maxChallenges)], refused[:min(len(refused), maxChallenges)]
}

func (p *publication) read(value string) {
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
			p.bare(strings.TrimSpace(line))
		}
	}
}

// bare is a record's value alone. A TXT record without a name belongs at the domain itself (BR 3.2.2.4.7); a CNAME always
// has a name of its own.
func (p *publication) bare(value string) {
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

// recordKind returns what the method's word says; auth_dns leaves it open, and then a value that is a name is a CNAME's.
func (p *publication) recordKind(value string) string {
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

func (p *publication) record(host, kind, target string) {
	plain := len(target) <= 1000 && !strings.ContainsFunc(target, func(r rune) bool { return r <= ' ' || r > '~' || r == '<' || r == '>' })
	switch {
	case !pki.RecordName(host):
		p.refuse("the record's name", host)
	case !p.concerns(host):
		p.refuse("a record that is none of the order's names", host)
	case kind == "CNAME" && !pki.RecordName(target), !plain:
		p.refuse("the record's target", target)
	default:
		p.challenges = append(p.challenges, seller.Challenge{Domain: p.domainOf(host), Method: p.method, ApproverMethod: p.word, Host: host, Record: kind, Target: target})
	}
}

// concerns reports whether a record's name belongs to a name of the order, to the domain above it, or is written without
// that domain. At another name it would prove control of that one: for a certificate that nobody here ordered.
func (p *publication) concerns(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	_, rest, dotted := strings.Cut(host, ".")
	return !dotted || len(p.domains) == 0 || slices.ContainsFunc(p.domains, func(domain string) bool {
		labels := strings.Split(bareName(domain), ".")
		above := strings.Join(labels[max(0, len(labels)-2):], ".")
		return host == above || strings.HasSuffix(host, "."+above) || strings.HasPrefix(bareName(domain), rest+".")
	})
}

// domainOf returns the name that a record or file is about: the longest of the order's names at the end of its host, else
// the first.
func (p *publication) domainOf(host string) string {
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

// file is a file's content, under a name of its own or a whole URL in front of it.
func (p *publication) file(value string) {
	head, rest, _ := strings.Cut(strings.TrimSpace(value), "\n")
	head = strings.TrimSpace(head)
	switch {
	case p.name == "" && isURL(head) && strings.TrimSpace(rest) != "":
		p.published(head, rest)
	case isURL(p.name):
		p.published(p.name, value)
	case p.name != "" && pki.FileName(p.name):
		for _, domain := range p.domains {
			p.published("http://"+bareName(domain)+"/.well-known/pki-validation/"+p.name, value)
		}
	default:
		p.refuse("the file's name", p.name)
	}
}

func (p *publication) published(url, content string) {
	_, rest, _ := strings.Cut(url, "://")
	host, path, _ := strings.Cut(rest, "/")
	if !pki.RecordName(host) || strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`<>"'\`, r) }) {
		p.refuse("the file's place", url)
		return
	}
	if !strings.Contains(host, ".") || !p.concerns(host) {
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

func (p *publication) refuse(what, value string) {
	p.refused = append(p.refused, p.word+": "+what+" "+plaintext.Clip(remark(value), 200))
}

func isURL(text string) bool {
	return strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "https://")
}

// bareName returns the name at which control over a wildcard is proved.
func bareName(name string) string { return strings.TrimPrefix(name, "*.") }
