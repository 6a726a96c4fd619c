package hostpanel

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// separator stands between the owner and the name of a certificate in its key, as clients have recorded it.
const separator = "%#%"

// NewCertificate is a certificate that is put into the panel, as PEM.
type NewCertificate struct {
	Owner       string `json:"owner"`
	Name        string `json:"name"`
	Certificate string `json:"certificate"`
	Chain       string `json:"chain,omitempty"`
	Key         string `json:"key"`
}

// Certificate is what State shows of a certificate: not its key.
type Certificate struct {
	Owner       string   `json:"owner"`
	Name        string   `json:"name"`
	Certificate string   `json:"certificate"`
	Chain       string   `json:"chain,omitempty"`
	Serial      string   `json:"serial"`     // lower-case hex
	PublicKey   string   `json:"public_key"` // SHA-256 of the SubjectPublicKeyInfo, hex
	Sites       []string `json:"sites"`      // that are served with it
}

type certificate struct {
	NewCertificate
	leaf *x509.Certificate
	pair tls.Certificate
}

// PutCertificate adds a certificate, or replaces the one of this owner and name.
func (p *Panel) PutCertificate(n NewCertificate) error {
	c, err := parsed(n)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if old := p.certificate(n.Owner, n.Name); old != nil {
		*old = c
		return nil
	}
	p.certificates = append(p.certificates, c)
	return nil
}

// RemoveCertificate removes a certificate; its sites are served without TLS from then on.
func (p *Panel) RemoveCertificate(owner, name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.certificates = slices.DeleteFunc(p.certificates, func(c certificate) bool { return c.Owner == owner && c.Name == name })
	for i, s := range p.sites {
		if s.Owner == owner && s.Certificate == name {
			p.sites[i].Certificate = ""
		}
	}
}

// parsed checks that the parts of a certificate fit each other.
func parsed(n NewCertificate) (certificate, error) {
	if n.Owner == "" || !regexp.MustCompile(`^[0-9A-Za-z*][0-9A-Za-z_.-]{0,239}$`).MatchString(n.Name) {
		return certificate{}, errors.New("a certificate has an owner, and a name of letters, digits, _, . and -")
	}
	if blocks(n.Certificate, "CERTIFICATE") != 1 {
		return certificate{}, errors.New("the certificate is not one PEM block")
	}
	pair, err := tls.X509KeyPair([]byte(n.Certificate+"\n"+n.Chain), []byte(n.Key))
	if err != nil {
		return certificate{}, err
	}
	return certificate{NewCertificate: n, leaf: pair.Leaf, pair: pair}, nil
}

// blocks counts the PEM blocks of a type, and returns -1 if the text has others or something else.
func blocks(text, kind string) int {
	n := 0
	for rest := []byte(text); ; n++ {
		block, after := pem.Decode(rest)
		switch {
		case block == nil && len(bytes.TrimSpace(rest)) > 0, block != nil && block.Type != kind:
			return -1
		case block == nil:
			return n
		}
		rest = after
	}
}

// certificate returns a user's certificate; nil if there is none of the name.
func (p *Panel) certificate(owner, name string) *certificate {
	for i, c := range p.certificates {
		if c.Owner == owner && c.Name == name {
			return &p.certificates[i]
		}
	}
	return nil
}

// shownCertificates returns what State shows.
func (p *Panel) shownCertificates() []Certificate {
	all := []Certificate{}
	for _, c := range p.certificates {
		key := sha256.Sum256(c.leaf.RawSubjectPublicKeyInfo)
		all = append(all, Certificate{Owner: c.Owner, Name: c.Name, Certificate: c.Certificate, Chain: c.Chain, Serial: fmt.Sprintf("%x", c.leaf.SerialNumber),
			PublicKey: hex.EncodeToString(key[:]), Sites: p.sitesOf(c)})
	}
	return all
}

func (p *Panel) sitesOf(c certificate) []string {
	var names []string
	for _, s := range p.sites {
		if s.Owner == c.Owner && s.Certificate == c.Name {
			names = append(names, p.shown(s.Name))
		}
	}
	return names
}

// certificateFor returns the certificate that a request is about, if the user may see it.
func (p *Panel) certificateFor(r request) (*certificate, *Problem) {
	elid := r.get("elid")
	owner, name, long := strings.Cut(elid, separator)
	if !long {
		owner, name = r.user.Name, elid
	}
	c := p.certificate(owner, name)
	switch {
	case c == nil:
		return nil, &Problem{Type: "missed", Object: "sslcert", Value: elid, Text: "The certificate does not exist"}
	case r.user.Level != LevelAdmin && c.Owner != r.user.Name:
		return nil, &Problem{Type: "access", Object: "sslcert", Value: elid, Text: "Access denied"}
	}
	return c, nil
}

func (p *Panel) listCertificates(doc element, r request) (element, *Problem) {
	var rows []element
	for _, c := range p.certificates {
		if r.user.Level != LevelAdmin && c.Owner != r.user.Name {
			continue
		}
		row, key := node("elem"), c.Name
		if r.user.Level == LevelAdmin {
			row, key = row.plus(textNode("owner", c.Owner)), c.Owner+separator+c.Name
		}
		kind, sites := "ssl_existing", p.sitesOf(c)
		if bytes.Equal(c.leaf.RawIssuer, c.leaf.RawSubject) {
			kind = "ssl_selfsigned"
		}
		active := "off"
		if len(sites) > 0 {
			active = "on"
		}
		rows = append(rows, row.plus(textNode("key", key), textNode("name", c.Name), textNode("info", strings.Join(c.leaf.DNSNames, " ")), textNode("type", kind),
			textNode("valid_after", c.leaf.NotAfter.UTC().Format("2006-01-02")), textNode("active", active), textNode("webdomains", strings.Join(sites, ", "))))
	}
	return p.page(doc, r, rows), nil
}

// showCertificate is the page with a certificate's data, which changes nothing.
func (p *Panel) showCertificate(doc element, r request) (element, *Problem) {
	c, problem := p.certificateFor(r)
	if problem != nil {
		return doc, problem
	}
	fields := []field{{name: "name", value: c.Name}, {name: "subject", value: c.leaf.Subject.String()}, {name: "issuer", value: c.leaf.Issuer.String()},
		{name: "valid_after", value: c.leaf.NotAfter.UTC().Format("2006-01-02")}}
	if !p.settings.HideCertificates {
		fields = append(fields, field{name: "cert", value: c.Certificate, kind: "textarea"}, field{name: "bundle", value: c.Chain, kind: "textarea"})
	}
	return p.write(doc.plus(textNode("elid", r.get("elid"))), r, fields), nil
}

// prolong replaces a certificate by another one for the same key.
func (p *Panel) prolong(doc element, r request) (element, *Problem) {
	c, problem := p.certificateFor(r)
	if problem != nil {
		return doc, problem
	}
	if !r.submits() {
		fields := []field{{name: "name", value: c.Name}, {name: "cert", kind: "textarea", required: true}, {name: "bundle", kind: "textarea"}}
		return p.write(doc.plus(textNode("elid", r.get("elid"))), r, fields), nil
	}
	next := c.NewCertificate
	next.Certificate, _ = p.sent(r, "cert")
	next.Chain, _ = p.sent(r, "bundle")
	changed, problem := p.accepted(r, next)
	if problem == nil {
		*c = changed
		doc = doc.plus(node("ok"))
	}
	return doc, problem
}

// addCertificate adds a certificate that its owner has from elsewhere.
func (p *Panel) addCertificate(doc element, r request) (element, *Problem) {
	if !r.submits() {
		var users []string
		for _, u := range p.users {
			if u.Level == LevelUser {
				users = append(users, u.Name)
			}
		}
		fields := []field{{name: "username", kind: "select", choices: users}, {name: "name", required: true}, {name: "cert", kind: "textarea", required: true},
			{name: "key", kind: "textarea", required: true}, {name: "bundle", kind: "textarea"}}
		if r.user.Level != LevelAdmin {
			fields = fields[1:]
		}
		return p.write(doc, r, fields), nil
	}
	n := NewCertificate{Owner: r.user.Name}
	if r.user.Level == LevelAdmin {
		n.Owner, _ = p.sent(r, "username")
	}
	n.Name, _ = p.sent(r, "name")
	n.Certificate, _ = p.sent(r, "cert")
	n.Key, _ = p.sent(r, "key")
	n.Chain, _ = p.sent(r, "bundle")
	if !slices.ContainsFunc(p.users, func(u User) bool { return u.Name == n.Owner }) {
		return doc, &Problem{Type: "value", Object: "username", Value: n.Owner}
	}
	if p.certificate(n.Owner, n.Name) != nil {
		return doc, &Problem{Type: "exists", Object: "sslcert", Value: n.Name, Text: "A certificate of this name already exists"}
	}
	added, problem := p.accepted(r, n)
	if problem == nil {
		p.certificates = append(p.certificates, added)
		doc = doc.plus(node("ok"))
	}
	return doc, problem
}

// accepted parses what was submitted. What the panel says of it repeats what it was sent, as panels do.
func (p *Panel) accepted(r request, n NewCertificate) (certificate, *Problem) {
	if extra := p.settings.ExtraField; extra != "" && r.get(extra) == "" {
		return certificate{}, &Problem{Type: "value", Object: extra, Text: "The field is required"}
	}
	c, err := parsed(n)
	if err != nil {
		return c, &Problem{Type: "value", Object: p.named(r.function, "cert"), Value: n.Key, Text: err.Error() + ": " + n.Certificate}
	}
	return c, nil
}

// replaceCertificate gives the sites of a certificate another one of its owner.
func (p *Panel) replaceCertificate(doc element, r request) (element, *Problem) {
	c, problem := p.certificateFor(r)
	if problem != nil {
		return doc, problem
	}
	var others []string
	for _, other := range p.certificates {
		if other.Owner == c.Owner && other.Name != c.Name {
			others = append(others, other.Name)
		}
	}
	if !r.submits() {
		return p.write(doc.plus(textNode("elid", r.get("elid"))), r, []field{{name: "new_cert", kind: "select", choices: others, required: true}}), nil
	}
	chosen, _ := p.sent(r, "new_cert")
	if !slices.Contains(others, chosen) {
		return doc, &Problem{Type: "value", Object: "new_cert", Value: chosen}
	}
	for i, s := range p.sites {
		if s.Owner == c.Owner && s.Certificate == c.Name {
			p.sites[i].Certificate = chosen
		}
	}
	return doc.plus(node("ok")), nil
}
