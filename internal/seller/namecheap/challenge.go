package namecheap

import (
	"context"
	"strconv"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

const commandEdit = "namecheap.ssl.editDCVMethod"

// Challenges requests again what the client must publish for an id that waits for validation: editDCVMethod with the
// same method, which also makes Namecheap validate again (docs/reference/namecheap.md §3.12). For e-mail it sends no
// request. If no value of the answer can be published, the fault is of type API and names the values.
func (c *Client) Challenges(ctx context.Context, id int64, r seller.Request) ([]seller.Challenge, error) {
	if err := checkMethod(r); err != nil {
		return nil, err
	}
	if r.Method == seller.MethodEmail {
		return emailChallenges(r), nil
	}
	result, err := c.setMethod(ctx, sellerhttp.Read, id, r)
	if err != nil {
		return nil, err
	}
	challenges, refused := challengesOf(result, r)
	if len(challenges) == 0 && len(refused) > 0 {
		return nil, fault.Errorf(fault.API, commandEdit, "%s gives the certificate %d nothing that can be published: %s",
			Title, id, strings.Join(refused, ", "))
	}
	return c.publishable(id, result, r), nil
}

// checkEachName returns a fault if the method was not set for one of the names: `Domains` inside `Domains`
// (docs/reference/namecheap.md §3.12).
func checkEachName(result *sellerhttp.Element) error {
	var refused []string
	for _, one := range result.Child("Domains").All("Domains") {
		if success := one.Attr("IsSuccess"); success != "" && !strings.EqualFold(success, "true") {
			refused = append(refused, pki.DisplayName(words(one.Attr("Name"))))
		}
	}
	if len(refused) > 0 {
		return fault.Errorf(fault.API, commandEdit, "%s did not set the validation method for %s", Title, strings.Join(refused, ", "))
	}
	return nil
}

// publishable returns the challenges in the answer to an accepted command. It leaves out, with a warning, values that
// cannot be published: the command was accepted, and repeating it would not change them. Challenges requests them
// again.
func (c *Client) publishable(id int64, result *sellerhttp.Element, r seller.Request) []seller.Challenge {
	challenges, refused := challengesOf(result, r)
	for _, value := range refused {
		c.log.Warningf("%s gives the certificate %d %s, which cannot be published; it is left out", Title, id, value)
	}
	return challenges
}

// challengesOf returns the challenges with the values as received. It computes none, because the CA decides how they
// are made and may change it (docs/reference/namecheap.md §5). It reads both forms: a DNS element for each name
// (activate, reissue) and the bare block (editDCVMethod) (docs/reference/namecheap.md §0.8). refused has the values
// that are not names of records or files.
func challengesOf(result *sellerhttp.Element, r seller.Request) (challenges []seller.Challenge, refused []string) {
	p := challengeReader{request: r}
	switch r.Method {
	case seller.MethodDNS:
		p.dns(available(result, "DNSDCValidation"))
	case seller.MethodFile:
		p.files(available(result, "HttpDCValidation"))
	case seller.MethodEmail:
		return emailChallenges(r), nil
	}
	return p.challenges, p.refused
}

// available returns the element of that name; nil if it says that it has no value.
func available(result *sellerhttp.Element, name string) *sellerhttp.Element {
	block := result.Child(name)
	if strings.EqualFold(block.Attr("ValueAvailable"), "false") {
		return nil
	}
	return block
}

func emailChallenges(r seller.Request) []seller.Challenge {
	var challenges []seller.Challenge
	names := r.AllNames()
	for i, email := range approvers(r) {
		if i < len(names) {
			challenges = append(challenges, seller.Challenge{Domain: names[i], Method: seller.MethodEmail, Email: email})
		}
	}
	return challenges
}

// challengeReader collects the challenges of a request.
type challengeReader struct {
	request    seller.Request
	challenges []seller.Challenge
	refused    []string // what cannot be published, for people
}

// refuse adds the value to refused if it does not fit, and reports whether it did.
func (p *challengeReader) refuse(what, value string, fits func(string) bool) bool {
	if fits(value) {
		return false
	}
	p.refused = append(p.refused, what+" "+strconv.Quote(words(value)))
	return true
}

// dns reads the records: one for each name, or the bare block.
func (p *challengeReader) dns(block *sellerhttp.Element) {
	each := block.All("DNS")
	for _, one := range each {
		p.record(domainOf(one, p.request), value(one, "HostName"), value(one, "Target"))
	}
	if len(each) > 0 && len(p.challenges)+len(p.refused) > 0 {
		return
	}
	host, target := value(block, "HostName"), value(block, "Target")
	label, names := splitHost(host, p.request)
	for _, name := range names {
		at := host
		if label != "" {
			at = label + "." + bareName(name)
		}
		p.record(name, at, target)
	}
}

// record adds a CNAME record for the domain if the answer has one.
func (p *challengeReader) record(domain, host, target string) {
	if host == "" || target == "" || p.refuse("the domain", bareName(domain), pki.RecordName) ||
		p.refuse("the record's name", host, pki.RecordName) || p.refuse("the record's target", target, pki.RecordName) {
		return
	}
	p.challenges = append(p.challenges, seller.Challenge{Domain: domain, Method: seller.MethodDNS, Host: host, Record: "CNAME", Target: target})
}

// splitHost returns the label before one of the request's names in the host of the bare block, and all names. All names
// of a request have the same label and target (docs/reference/namecheap.md §5), and editDCVMethod shows only one of
// them. If the host belongs to none of the names, the label is empty and the host is published unchanged, once.
func splitHost(host string, r seller.Request) (label string, names []string) {
	for _, name := range r.AllNames() {
		if len(host) > len(bareName(name))+1 && strings.EqualFold(host[len(host)-len(bareName(name))-1:], "."+bareName(name)) {
			if head := host[:len(host)-len(bareName(name))-1]; !strings.Contains(head, ".") {
				return head, r.AllNames()
			}
		}
	}
	return "", []string{r.CSR.CommonName}
}

// files reads the files: one for each name, or the bare block.
func (p *challengeReader) files(block *sellerhttp.Element) {
	each := block.All("DNS")
	for _, one := range each {
		p.file(domainOf(one, p.request), value(one, "FileName"), content(one))
	}
	if len(each) > 0 && len(p.challenges)+len(p.refused) > 0 {
		return
	}
	for _, name := range p.request.AllNames() {
		p.file(name, value(block, "FileName"), content(block))
	}
}

// file adds a file for the domain if the answer has one.
func (p *challengeReader) file(domain, name, content string) {
	if name == "" || content == "" || p.refuse("the domain", bareName(domain), pki.RecordName) || p.refuse("the file's name", name, pki.FileName) {
		return
	}
	p.challenges = append(p.challenges, seller.Challenge{
		Domain: domain, Method: seller.MethodFile, URL: "http://" + domain + "/.well-known/pki-validation/" + name, Body: content,
	})
}

// domainOf returns the name of a DNS element; the common name if it has none.
func domainOf(one *sellerhttp.Element, r seller.Request) string {
	if name := strings.ToLower(one.Attr("domain")); name != "" {
		if ascii, err := pki.ASCIIName("domain", name); err == nil {
			return ascii
		}
		return name
	}
	return r.CSR.CommonName
}

// content returns the file's content as received: three words on one line or, in the CA's own scheme, on three lines
// (docs/reference/namecheap.md §5).
func content(block *sellerhttp.Element) string {
	var lines []string
	for line := range strings.Lines(block.Child("FileContent").Text()) {
		lines = append(lines, words(line))
	}
	return strings.Join(lines, "\n")
}

// value returns a child's text, without blanks around it. It goes into a DNS record or URL, so an unsuitable value is
// refused, not corrected.
func value(block *sellerhttp.Element, name string) string { return block.Child(name).Text() }

// bareName returns the name without `*.`, at which a wildcard is validated.
func bareName(name string) string { return strings.TrimPrefix(name, "*.") }
