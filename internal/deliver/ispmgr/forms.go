package ispmgr

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"pmssl/internal/ispapi"
)

const (
	functionProlong = "sslcert.prolong"
	functionAdd     = "sslcert.setcrt"
	// off is the value of a box that is not ticked, on that of one that is.
	off, on = "off", "on"
)

// role is a field that is found by the names that panels give to it: no public source says how they are called here
// (docs/reference/unattended.md §2).
type role struct {
	what  string
	names []string
}

func roleCertificate() role {
	return role{"the certificate", []string{"cert", "crt", "certificate", "ssl_cert", "sslcert", "cert_data", "crt_data", "cert_text", "crt_text"}}
}

func roleChain() role {
	return role{"the chain", []string{"bundle", "chain", "ca", "cacrt", "cacert", "ca_crt", "ca_cert", "ca_bundle", "cabundle", "crtca", "crt_ca",
		"cert_bundle", "crt_bundle", "cert_chain", "crt_chain", "intermediate"}}
}

func roleKey() role {
	return role{"the private key", []string{"key", "private_key", "privkey", "pkey", "cert_key", "crt_key", "ssl_key", "sslkey", "key_data", "key_text"}}
}

func roleName() role {
	return role{"the certificate's name", []string{"name", "crtname", "crt_name", "certname", "cert_name"}}
}

func roleOwner() role { return role{"the owner", []string{"username", "owner", "user"}} }

// find returns the only field of the form that has this role.
func (r role) find(form ispapi.Form) (string, error) {
	var found []string
	for _, name := range r.names {
		if form.Has(name) {
			found = append(found, name)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", fmt.Errorf("the form has no field for %s that the module knows: nothing is sent", r.what)
	}
	return "", fmt.Errorf("the form has several fields that may be for %s (%s): nothing is sent", r.what, strings.Join(found, ", "))
}

// pair returns the submission's fields for certificate and chain. A certificate without intermediates needs no field for them.
func (c certificate) pair(form ispapi.Form) (url.Values, error) {
	certificate, err := roleCertificate().find(form)
	if err != nil {
		return nil, err
	}
	sent := url.Values{certificate: {c.text}}
	chain, err := roleChain().find(form)
	switch {
	case err == nil:
		sent.Set(chain, c.chain)
	case c.chain != "":
		return nil, err
	}
	return sent, nil
}

// complete adds the form's own values of the fields that are not known, without any PEM: what a form shows of certificates and keys is
// never sent back.
func complete(form ispapi.Form, sent url.Values) error {
	return form.Complete(sent, func(field string) bool { return strings.Contains(form.Values[field], "-----BEGIN") })
}

// renewal reads and fills in the form that renews an entry.
func (p *plan) renewal(ctx context.Context, e *entry) (url.Values, error) {
	form, err := p.api.Form(ctx, functionProlong, url.Values{"elid": {e.key}})
	if err != nil {
		return nil, err
	}
	if !e.isShown(form) {
		return nil, fmt.Errorf("%s: the form of certificate %s is for another one: nothing is sent", functionProlong, ispapi.Shown(e.name))
	}
	sent, err := p.fresh.pair(form)
	if err == nil {
		sent.Set("elid", e.key)
		sent.Set("sok", "ok")
		err = complete(form, sent)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", functionProlong, err)
	}
	return sent, nil
}

// addition reads and fills in the form that adds a certificate of the owner, without the private key. It returns the name of the key's
// field.
func (p *plan) addition(ctx context.Context, name string) (sent url.Values, key string, err error) {
	form, err := p.api.Form(ctx, functionAdd, url.Values{})
	if err != nil {
		return nil, "", err
	}
	sent, err = p.fresh.pair(form)
	if err == nil {
		key, err = p.fillAddition(form, sent, name)
	}
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", functionAdd, err)
	}
	return sent, key, nil
}

// fillAddition fills in owner and name, and checks that the form demands nothing else.
func (p *plan) fillAddition(form ispapi.Form, sent url.Values, name string) (string, error) {
	key, err := roleKey().find(form)
	if err != nil {
		return "", err
	}
	named, err := roleName().find(form)
	if err != nil {
		return "", err
	}
	owner, err := roleOwner().find(form)
	switch {
	case err != nil && p.isOwn(p.owner): // who is no administrator adds own certificates, and is not asked whose
	case err != nil:
		return "", err
	case p.owner == "":
		return "", errors.New("the form asks for an owner, and the list of sites shows none: log in as an administrator")
	case form.Choices[owner] != nil && !slices.Contains(form.Choices[owner], p.owner):
		return "", fmt.Errorf("the form does not offer the user %s as owner", ispapi.Shown(p.owner))
	default:
		sent.Set(owner, p.owner)
	}
	sent.Set(named, name)
	sent.Set("sok", "ok")
	all := maps.Clone(sent)
	all.Set(key, "x") // it is sent apart from the others
	if err := complete(form, all); err != nil {
		return "", err
	}
	all.Del(key)
	maps.Copy(sent, all)
	return key, nil
}
