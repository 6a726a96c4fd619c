package hostpanel

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// What a site may have in place of a certificate.
const (
	sslNotUsed  = "ssl_not_used"
	sslSelfMade = "selfsigned"
	sslEncrypt  = "letsencrypt"
)

// Site is a website of a user.
type Site struct {
	ID      int      `json:"id"` // given by the panel
	Name    string   `json:"name"`
	Owner   string   `json:"owner"`
	Aliases []string `json:"aliases,omitempty"`
	Docroot string   `json:"docroot,omitempty"`
	Email   string   `json:"email,omitempty"`
	// Certificate is the name of the owner's certificate that the site is served with; empty for none.
	Certificate string `json:"certificate,omitempty"`
}

// answers reports whether the site is served under a host name.
func (s Site) answers(host string) bool {
	_, parent, _ := strings.Cut(host, ".")
	return host == s.Name || slices.Contains(s.Aliases, host) || slices.Contains(s.Aliases, "*."+parent)
}

// PutSite adds a site, or replaces the one of this name.
func (p *Panel) PutSite(s Site) error {
	if s.Name == "" || s.Owner == "" {
		return errors.New("a site has a name and an owner")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.Certificate != "" && p.certificate(s.Owner, s.Certificate) == nil {
		return fmt.Errorf("%w certificate %s of %s", ErrUnknown, s.Certificate, s.Owner)
	}
	if i := slices.IndexFunc(p.sites, func(o Site) bool { return o.Name == s.Name }); i >= 0 {
		s.ID = p.sites[i].ID
		p.sites[i] = s
		return nil
	}
	p.lastSite++
	s.ID = p.lastSite
	p.sites = append(p.sites, s)
	return nil
}

// RemoveSite removes the site of the name.
func (p *Panel) RemoveSite(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sites = slices.DeleteFunc(p.sites, func(s Site) bool { return s.Name == name })
}

func (p *Panel) listSites(doc element, r request) (element, *Problem) {
	var rows []element
	for _, s := range p.sites {
		if r.user.Level != LevelAdmin && s.Owner != r.user.Name {
			continue
		}
		row := node("elem", textNode("id", strconv.Itoa(s.ID)), textNode("name", p.shown(s.Name)), textNode("owner", s.Owner), textNode("docroot", s.Docroot),
			textNode("active", "on"))
		if p.settings.AliasColumn {
			row = row.plus(textNode("aliases", p.aliases(s)))
		}
		rows = append(rows, row)
	}
	return p.page(doc, r, rows), nil
}

func (p *Panel) aliases(s Site) string {
	var shown []string
	for _, alias := range s.Aliases {
		shown = append(shown, p.shown(alias))
	}
	return strings.Join(shown, " ")
}

// editSite is the form of a site that exists. What is not sent stays as it is.
func (p *Panel) editSite(doc element, r request) (element, *Problem) {
	elid := r.get("elid")
	i := slices.IndexFunc(p.sites, func(s Site) bool { return elid != "" && (strconv.Itoa(s.ID) == elid || s.Name == ascii(elid)) })
	if i < 0 {
		return doc, &Problem{Type: "missed", Object: "webdomain", Value: elid, Text: "The website does not exist"}
	}
	s := &p.sites[i]
	if r.user.Level != LevelAdmin && s.Owner != r.user.Name {
		return doc, &Problem{Type: "access", Object: "webdomain", Value: elid, Text: "Access denied"}
	}
	if !r.submits() {
		return p.write(doc.plus(textNode("elid", elid)), r, p.siteFields(*s)), nil
	}
	if problem := p.changeSite(r, s); problem != nil {
		return doc, problem
	}
	return doc.plus(node("ok")), nil
}

// siteCertificates are the choices of a site's certificate.
func (p *Panel) siteCertificates(owner string) []string {
	choices := []string{sslNotUsed, sslSelfMade, sslEncrypt}
	for _, c := range p.certificates {
		if c.Owner == owner {
			choices = append(choices, p.choice(c))
		}
	}
	return choices
}

// choice is how the form of a site names a certificate.
func (p *Panel) choice(c certificate) string {
	if p.settings.LongChoices {
		return c.Owner + separator + c.Name
	}
	return c.Name
}

func (p *Panel) siteFields(s Site) []field {
	secure, current := "off", sslNotUsed
	if c := p.certificate(s.Owner, s.Certificate); c != nil {
		secure, current = "on", p.choice(*c)
	}
	return []field{
		{name: "site_name", value: p.shown(s.Name), required: true}, {name: "site_aliases", value: p.aliases(s)},
		{name: "site_owner", value: s.Owner, kind: "select", choices: []string{s.Owner}}, {name: "site_email", value: s.Email},
		{name: "site_ipaddrs", value: "127.0.0.1"}, {name: "site_secure", value: secure, kind: "checkbox"},
		{name: "site_ssl_cert", value: current, kind: "select", choices: p.siteCertificates(s.Owner)},
	}
}

// changeSite takes the fields that came.
func (p *Panel) changeSite(r request, s *Site) *Problem {
	if name, sent := p.sent(r, "site_name"); sent && ascii(name) != s.Name {
		return &Problem{Type: "value", Object: "site_name", Value: name}
	}
	if email, sent := p.sent(r, "site_email"); sent || p.settings.ResetFields {
		s.Email = email
	}
	chosen, sent := p.sent(r, "site_ssl_cert")
	switch {
	case !sent:
	case !slices.Contains(p.siteCertificates(s.Owner), chosen):
		return &Problem{Type: "value", Object: "site_ssl_cert", Value: chosen, Text: "There is no such certificate"}
	case chosen == sslNotUsed:
		s.Certificate = ""
	case chosen == sslSelfMade || chosen == sslEncrypt:
		return &Problem{Type: "value", Object: "site_ssl_cert", Value: chosen, Text: "Not played here"}
	default:
		s.Certificate = strings.TrimPrefix(chosen, s.Owner+separator)
	}
	if secure, sent := p.sent(r, "site_secure"); sent && secure == "off" {
		s.Certificate = ""
	}
	return nil
}
