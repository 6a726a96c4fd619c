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

// Challenges asks again for what the client must publish, for an id that waits for proof: editDCVMethod with the same
// method, which is also Namecheap's way to try the validation again (docs/reference/namecheap.md §3.12). Proof by e-mail
// needs no request. Where nothing of the answer can be published it is API that names the values.
func (c *Client) Challenges(ctx context.Context, id int64, r seller.Request) ([]seller.Challenge, error) {
	if err := provable(r); err != nil {
		return nil, err
	}
	if r.Method == seller.MethodEmail {
		return emailChallenges(r), nil
	}
	result, err := c.edit(ctx, sellerhttp.Read, id, r)
	if err != nil {
		return nil, err
	}
	challenges, refused := challengesOf(result, r)
	if len(challenges) == 0 && len(refused) > 0 {
		return nil, fault.Errorf(fault.API, commandEdit, "%s gives the certificate %d nothing that can be published: %s",
			Title, id, strings.Join(refused, ", "))
	}
	return c.published(id, result, r), nil
}

// eachSet reads what became of the single names: `Domains` inside `Domains` (docs/reference/namecheap.md §3.12).
func eachSet(result *sellerhttp.Element) error {
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

// published reads the proofs of an accepted command and leaves out, with a warning, what cannot be published: the order
// stands whatever its values look like, and repeating the command would change nothing. Proofs asks for them again.
func (c *Client) published(id int64, result *sellerhttp.Element, r seller.Request) []seller.Challenge {
	challenges, refused := challengesOf(result, r)
	for _, value := range refused {
		c.log.Warningf("%s gives the certificate %d %s, which cannot be published; it is left out", Title, id, value)
	}
	return challenges
}

// challengesOf publishes what came back, never anything computed: the scheme of the values belongs to the CA and changes
// with it (docs/reference/namecheap.md §5). It reads both shapes: a DNS element for each name (activate, reissue) and the
// bare block (editDCVMethod) (docs/reference/namecheap.md §0.8). refused names the values that are no names of records or
// files: a client who copies them would publish something else.
func challengesOf(result *sellerhttp.Element, r seller.Request) (challenges []seller.Challenge, refused []string) {
	p := publication{request: r}
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

// available returns the block of that name unless it says that it carries no value.
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

// publication collects what the client must publish for a request.
type publication struct {
	request    seller.Request
	challenges []seller.Challenge
	refused    []string // what cannot be published, for people
}

// refuse notes a value and reports whether it has to be refused.
func (p *publication) refuse(what, value string, fits func(string) bool) bool {
	if fits(value) {
		return false
	}
	p.refused = append(p.refused, what+" "+strconv.Quote(words(value)))
	return true
}

// dns reads the records, of each name or of the bare block.
func (p *publication) dns(block *sellerhttp.Element) {
	each := block.All("DNS")
	for _, one := range each {
		p.record(domainOf(one, p.request), value(one, "HostName"), value(one, "Target"))
	}
	if len(each) > 0 && len(p.challenges)+len(p.refused) > 0 {
		return
	}
	host, target := value(block, "HostName"), value(block, "Target")
	label, names := spread(host, p.request)
	for _, name := range names {
		at := host
		if label != "" {
			at = label + "." + bareName(name)
		}
		p.record(name, at, target)
	}
}

// record adds a CNAME record for the domain where the answer has one.
func (p *publication) record(domain, host, target string) {
	if host == "" || target == "" || p.refuse("the domain", bareName(domain), pki.RecordName) ||
		p.refuse("the record's name", host, pki.RecordName) || p.refuse("the record's target", target, pki.RecordName) {
		return
	}
	p.challenges = append(p.challenges, seller.Challenge{Domain: domain, Method: seller.MethodDNS, Host: host, Record: "CNAME", Target: target})
}

// spread finds the label that stands before one of the request's names in the host of the bare block. All names of one
// request share that label and the target (docs/reference/namecheap.md §5), and editDCVMethod shows it for one of them
// only. Where the host belongs to none of the names as we know them, it is published as it came, once.
func spread(host string, r seller.Request) (label string, names []string) {
	for _, name := range r.AllNames() {
		if len(host) > len(bareName(name))+1 && strings.EqualFold(host[len(host)-len(bareName(name))-1:], "."+bareName(name)) {
			if head := host[:len(host)-len(bareName(name))-1]; !strings.Contains(head, ".") {
				return head, r.AllNames()
			}
		}
	}
	return "", []string{r.CSR.CommonName}
}

// files reads the files, of each name or of the bare block.
func (p *publication) files(block *sellerhttp.Element) {
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

// file adds a file for the domain where the answer has one.
func (p *publication) file(domain, name, content string) {
	if name == "" || content == "" || p.refuse("the domain", bareName(domain), pki.RecordName) || p.refuse("the file's name", name, pki.FileName) {
		return
	}
	p.challenges = append(p.challenges, seller.Challenge{
		Domain: domain, Method: seller.MethodFile, URL: "http://" + domain + "/.well-known/pki-validation/" + name, Body: content,
	})
}

// domainOf returns the name that a DNS element is about, the common name where it does not say.
func domainOf(one *sellerhttp.Element, r seller.Request) string {
	if name := strings.ToLower(one.Attr("domain")); name != "" {
		if ascii, err := pki.ASCIIName("domain", name); err == nil {
			return ascii
		}
		return name
	}
	return r.CSR.CommonName
}

// content returns the file's content as it came: three words on one line or, in the CA's own scheme, on lines of their own
// (docs/reference/namecheap.md §5).
func content(block *sellerhttp.Element) string {
	var lines []string
	for line := range strings.Lines(block.Child("FileContent").Text()) {
		lines = append(lines, words(line))
	}
	return strings.Join(lines, "\n")
}

// value returns a child's text as it came, without blanks around it: part of a DNS record or of a URL. What does not belong
// there is refused, not repaired.
func value(block *sellerhttp.Element, name string) string { return block.Child(name).Text() }

// bareName returns the name at which control over a wildcard is proved.
func bareName(name string) string { return strings.TrimPrefix(name, "*.") }
