package ispmgr

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"pmssl/internal/ispapi"
	"pmssl/internal/pki"
	"pmssl/internal/publish"
)

const (
	functionEntries = "sslcert"
	functionEntry   = "sslcert.edit"
	// separator stands between owner and name in the key of a certificate.
	separator = "%#%"
	// maxEntryForms bounds the certificates of one owner that are looked into.
	maxEntryForms = 50
)

// entry is a certificate of a user as the panel keeps it.
type entry struct {
	key   string // by which forms are asked for
	name  string
	names []string // that it holds, as the list shows them
	ends  string   // its last day, YYYY-MM-DD
	used  string   // the sites that use it, as the list shows them
	// stored is the leaf in the entry as the panel, or else a site that uses it, shows it; nil if neither does.
	stored *x509.Certificate
}

// holds reports whether the entry has the certificate already.
func (e *entry) holds(leaf *x509.Certificate) bool { return e.stored != nil && e.stored.Equal(leaf) }

// sameKey reports whether the entry's certificate is for the same key.
func (e *entry) sameKey(leaf *x509.Certificate) bool {
	return e.stored != nil && bytes.Equal(e.stored.RawSubjectPublicKeyInfo, leaf.RawSubjectPublicKeyInfo)
}

// listEntries lists the certificates of a user.
func (d *deliverer) listEntries(ctx context.Context, owner string) ([]*entry, error) {
	rows, err := d.api.List(ctx, functionEntries, url.Values{})
	if err != nil {
		return nil, err
	}
	var all []*entry
	for _, e := range rows {
		if !e.Has("name") {
			return nil, fmt.Errorf("%s: a row of the list has no name: this is not a list of certificates that the module knows", functionEntries)
		}
		if !d.isOwners(e, owner) {
			continue
		}
		one := &entry{key: e.Value("key"), name: e.Value("name"), names: asciiNames(e.Value("info")), ends: e.Value("valid_after"), used: e.Value("webdomains")}
		if one.key == "" {
			one.key = one.name
		}
		if err := one.check(owner); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(all, func(other *entry) bool { return other.key == one.key || other.name == one.name }) {
			return nil, fmt.Errorf("%s: %s has the certificate %s twice", functionEntries, ispapi.Shown(owner), ispapi.Shown(one.name))
		}
		all = append(all, one)
	}
	return all, nil
}

// isOwners reports whether a row is of the owner's. A user who is no administrator sees the own certificates only, without the column.
func (d *deliverer) isOwners(row *ispapi.Element, owner string) bool {
	if !row.Has("owner") {
		return d.isOwn(owner)
	}
	return row.Value("owner") == owner
}

// isOwn reports whether the owner is the user who is logged in.
func (d *deliverer) isOwn(owner string) bool {
	return owner == "" || d.block.Mgr == "" && owner == d.block.Login
}

// check refuses a key that stands for another user's certificate or for several.
func (e *entry) check(owner string) error {
	prefix, name, long := strings.Cut(e.key, separator)
	switch {
	case e.key == "" || strings.ContainsAny(e.key, ",\r\n\x00"):
		return fmt.Errorf("%s: the key %q stands for no certificate or for several", functionEntries, ispapi.Shown(e.key))
	case long && owner != "" && prefix != owner, long && name != e.name:
		return fmt.Errorf("%s: the certificate %s of %s has the key %s of another one", functionEntries, ispapi.Shown(e.name), ispapi.Shown(owner), ispapi.Shown(e.key))
	}
	return nil
}

// choices are the ways in which a site's form may name a certificate.
func (e *entry) choices(owner string) []string {
	return []string{e.name, e.key, owner + separator + e.name}
}

// look reads what the panel shows of an entry. A form of another one or without a certificate, and a refusal that is no matter of
// rights, leave it unknown: one broken certificate does not keep the others from being renewed.
func (d *deliverer) look(ctx context.Context, e *entry) error {
	form, err := d.api.Form(ctx, functionEntry, url.Values{"elid": {e.key}})
	var refused *ispapi.Refusal
	if errors.As(err, &refused) && !errors.Is(err, publish.ErrDenied) {
		d.env.Log.ExtInfof("deploy %s: certificate %s: %v", d.block.Name, ispapi.Shown(e.name), err)
		return nil
	}
	if err != nil {
		return err
	}
	if e.isShown(form) {
		e.stored = leafIn(form)
	}
	return nil
}

// isShown reports whether a form is for the entry, as far as it says.
func (e *entry) isShown(form ispapi.Form) bool {
	elid, name := form.Values["elid"], form.Values["name"]
	return (elid == "" || elid == e.key) && (name == "" || name == e.name || name == e.key)
}

// leafIn returns the only certificate in a form that is not one of a CA; nil if there is none or several.
func leafIn(form ispapi.Form) *x509.Certificate {
	var found *x509.Certificate
	for _, name := range form.Names {
		for rest := []byte(form.Values[name]); ; {
			var block *pem.Block
			if block, rest = pem.Decode(rest); block == nil {
				break
			}
			if block.Type != "CERTIFICATE" {
				continue
			}
			one, err := x509.ParseCertificate(block.Bytes)
			if err != nil || one.IsCA {
				continue
			}
			if found != nil && !found.Equal(one) {
				return nil
			}
			found = one
		}
	}
	return found
}

// overlap reports whether the entry holds one of these names, or does not show what it holds.
func (e *entry) overlap(names []string) bool {
	return len(e.names) == 0 || slices.ContainsFunc(e.names, func(has string) bool {
		return slices.ContainsFunc(names, func(wanted string) bool { return has == wanted || pki.Covers(has, wanted) || pki.Covers(wanted, has) })
	})
}
