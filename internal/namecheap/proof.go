package namecheap

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"pmssl/internal/cert"
	"pmssl/internal/sellerhttp"
)

const commandEdit = "namecheap.ssl.editDCVMethod"

// Proofs asks again for what the client must publish, for an id that waits for proof: editDCVMethod with the same method,
// which is also Namecheap's way to try the validation again (§3.12). Proof by e-mail needs no request.
func (c *Client) Proofs(ctx context.Context, id int64, r cert.Request) ([]cert.Proof, error) {
	if err := provable(r); err != nil {
		return nil, err
	}
	if r.Method == cert.MethodEmail {
		return emailProofs(r), nil
	}
	method := "CNAME_CSR_HASH" // the words differ from those of activate (§0.7)
	if r.Method == cert.MethodFile {
		method = "HTTP_CSR_HASH"
	}
	order := []string{"CertificateID", strconv.FormatInt(id, 10)}
	if r.Product.MultiDomain {
		names := r.AllNames() // here the common name is one of them
		order = append(order, "DNSNames", strings.Join(names, ","),
			"DCVMethods", strings.Join(slices.Repeat([]string{method}, len(names)), ","))
	} else {
		order = append(order, "DCVMethod", method)
	}
	result, err := c.ask(ctx, sellerhttp.Read, "SSLEditDCVMethodResult", commandEdit, order...)
	if err != nil {
		return nil, err
	}
	if err := c.accepted(result, commandEdit, id); err != nil {
		return nil, err
	}
	if err := eachSet(result); err != nil {
		return nil, err
	}
	return proofsOf(result, r), nil
}

// eachSet reads what became of the single names: `Domains` inside `Domains` (§3.12).
func eachSet(result *sellerhttp.Element) error {
	var refused []string
	for _, one := range result.Child("Domains").All("Domains") {
		if success := one.Attr("IsSuccess"); success != "" && !strings.EqualFold(success, "true") {
			refused = append(refused, words(one.Attr("Name")))
		}
	}
	if len(refused) > 0 {
		return cert.Faultf(cert.FaultAPI, commandEdit, "%s did not set the way of proof for %s", Title, strings.Join(refused, ", "))
	}
	return nil
}

// proofsOf publishes what came back, never anything computed: the scheme of the values belongs to the CA and changes with it
// (§5). It reads both shapes: a DNS element for each name (activate, reissue) and the bare block (editDCVMethod) (§0.8).
func proofsOf(result *sellerhttp.Element, r cert.Request) []cert.Proof {
	switch r.Method {
	case cert.MethodDNS:
		return dnsProofs(available(result, "DNSDCValidation"), r)
	case cert.MethodFile:
		return fileProofs(available(result, "HttpDCValidation"), r)
	}
	return emailProofs(r)
}

// available is the block of that name unless it says that it carries no value.
func available(result *sellerhttp.Element, name string) *sellerhttp.Element {
	block := result.Child(name)
	if strings.EqualFold(block.Attr("ValueAvailable"), "false") {
		return nil
	}
	return block
}

func emailProofs(r cert.Request) []cert.Proof {
	var proofs []cert.Proof
	names := r.AllNames()
	for i, email := range approvers(r) {
		if i < len(names) {
			proofs = append(proofs, cert.Proof{Domain: names[i], Method: cert.MethodEmail, Email: email})
		}
	}
	return proofs
}

func dnsProofs(block *sellerhttp.Element, r cert.Request) []cert.Proof {
	var proofs []cert.Proof
	add := func(domain, host, target string) {
		if host != "" && target != "" {
			proofs = append(proofs, cert.Proof{Domain: domain, Method: cert.MethodDNS, Host: host, Record: "CNAME", Target: target})
		}
	}
	for _, one := range block.All("DNS") {
		add(domainOf(one, r), value(one, "HostName"), value(one, "Target"))
	}
	if len(proofs) > 0 {
		return proofs
	}
	host, target := value(block, "HostName"), value(block, "Target")
	label, names := spread(host, r)
	for _, name := range names {
		at := host
		if label != "" {
			at = label + "." + bareName(name)
		}
		add(name, at, target)
	}
	return proofs
}

// spread finds the label that stands before one of the request's names in the host of the bare block. All names of one request
// share that label and the target (§5), and editDCVMethod shows it for one of them only. Where the host belongs to none
// of the names as we know them, it is published as it came, once.
func spread(host string, r cert.Request) (label string, names []string) {
	for _, name := range r.AllNames() {
		if len(host) > len(bareName(name))+1 && strings.EqualFold(host[len(host)-len(bareName(name))-1:], "."+bareName(name)) {
			if head := host[:len(host)-len(bareName(name))-1]; !strings.Contains(head, ".") {
				return head, r.AllNames()
			}
		}
	}
	return "", []string{r.CSR.CommonName}
}

func fileProofs(block *sellerhttp.Element, r cert.Request) []cert.Proof {
	var proofs []cert.Proof
	add := func(domain, file, content string) {
		if file != "" && content != "" {
			proofs = append(proofs, cert.Proof{
				Domain: domain, Method: cert.MethodFile, URL: "http://" + domain + "/.well-known/pki-validation/" + file, Body: content,
			})
		}
	}
	for _, one := range block.All("DNS") {
		add(domainOf(one, r), value(one, "FileName"), content(one))
	}
	if len(proofs) > 0 {
		return proofs
	}
	for _, name := range r.AllNames() {
		add(name, value(block, "FileName"), content(block))
	}
	return proofs
}

// domainOf is the name that a DNS element is about, the common name where it does not say.
func domainOf(one *sellerhttp.Element, r cert.Request) string {
	if name := strings.ToLower(words(one.Attr("domain"))); name != "" {
		return name
	}
	return r.CSR.CommonName
}

// content is the file's content as it came: three words on one line or, in the CA's own scheme, on lines of their own (§5).
func content(block *sellerhttp.Element) string {
	var lines []string
	for line := range strings.Lines(block.Child("FileContent").Text()) {
		lines = append(lines, words(line))
	}
	return strings.Join(lines, "\n")
}

// value is a child's text on one line: part of a DNS record or of a URL.
func value(block *sellerhttp.Element, name string) string { return words(block.Child(name).Text()) }

// bareName is the name at which control over a wildcard is proved.
func bareName(name string) string { return strings.TrimPrefix(name, "*.") }
