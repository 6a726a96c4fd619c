package ispmanager

import (
	"slices"
	"strconv"
	"strings"

	"pmssl/internal/itemparam"
	"pmssl/internal/plaintext"
	"pmssl/internal/seller"
)

// requestKind chooses "existing request": the key for it is not known, that for a key generated at the seller is `generate`
// (docs/reference/ispmanager.md §4.2).
func (w filling) requestKind(f field) (string, error) {
	if !f.listed {
		if f.value != "" && !generates(choice{key: f.value}) {
			return f.value, nil
		}
		return "", refuseField(f, "the form does not say how a CSR of our own is handed over")
	}
	keys := realKeys(slices.DeleteFunc(slices.Clone(f.list), generates))
	for _, known := range []string{"exists", "exist", "existing", "csr", "use"} {
		if slices.Contains(keys, known) {
			return known, nil
		}
	}
	if len(keys) == 1 {
		return keys[0], nil
	}
	return "", refuseField(f, "no choice means a CSR of our own")
}

// generates reports whether the choice is a key pair that the seller makes: `generate`, or what reads like it. Its
// certificate would not have the client's key.
func generates(one choice) bool {
	key, text := strings.ToLower(one.key), strings.ToLower(one.text)
	return strings.HasPrefix(key, "gen") || strings.HasPrefix(key, "new") || strings.Contains(key, "generat") || strings.Contains(text, "generat") ||
		strings.Contains(text, "new key")
}

// method chooses the validation method: the order's own word, else another one of the same kind
// (docs/reference/ispmanager.md §4.4).
func (w filling) method(f field) (string, error) {
	word := strings.TrimSpace(w.request.Params[itemparam.Method])
	switch {
	case w.request.Method == seller.MethodUnknown:
		return "", refuseField(f, "the order's validation method is unknown")
	case word == "":
		word = "auth_email" // the panel's default (rules PARAM-20)
	}
	if kind, known := methodKind(f.value); f.fixed && known && kind != w.request.Method {
		return "", refuseField(f, "it is fixed to "+remark(f.value)+", another validation method than the order's "+word)
	}
	if !f.listed {
		return word, nil
	}
	keys := realKeys(f.list)
	if slices.Contains(keys, word) {
		return word, nil
	}
	for _, key := range keys {
		if kind, known := methodKind(key); known && kind == w.request.Method {
			return key, nil
		}
	}
	return "", refuseField(f, "the order's validation method "+word+" is not offered, nor another one of its kind ("+w.request.Method.String()+")")
}

// methodKind reads a key of approver_method, those included whose spelling is not documented (docs/reference/ispmanager.md
// §4.4).
func methodKind(key string) (seller.Method, bool) {
	key = strings.ToLower(key)
	switch {
	case strings.Contains(key, "mail"):
		return seller.MethodEmail, true
	case strings.Contains(key, "dns"), strings.Contains(key, "cname"), strings.Contains(key, "txt"):
		return seller.MethodDNS, true
	case strings.Contains(key, "http"), strings.Contains(key, "file"):
		return seller.MethodFile, true
	}
	return seller.MethodUnknown, false
}

// approver returns approver_email and approver_email_1, _2…: one address for each name in their order
// (docs/reference/ispmanager.md §4.1).
func (w filling) approver(f field) (string, bool, error) {
	rest, is := strings.CutPrefix(f.name, itemparam.Approver)
	if !is || rest != "" && rest[0] != '_' {
		return "", false, nil
	}
	emails := w.emails()
	if w.request.Method != seller.MethodEmail || len(emails) == 0 {
		return "", false, nil
	}
	if rest == "" {
		return strings.Join(emails, ","), !f.listed, nil
	}
	n := seller.ParseID(rest[1:])
	if n < 1 || n > int64(len(emails)) {
		return "", false, nil
	}
	return listedKey(f.list, emails[n-1]), true, nil
}

// listedKey returns the key of the address in the list of a field, or the address itself, which fill refuses if the field
// is a select.
func listedKey(list []choice, email string) string {
	for _, one := range list {
		if strings.EqualFold(one.key, email) || strings.EqualFold(one.text, email) && one.key != "" {
			return one.key
		}
	}
	return email
}

// furtherApprovers returns the numbered fields that the form of a reissue does not have yet: it shows one for each name of
// the certificate in place, and a name that is added needs its approver, too (docs/reference/ispmanager.md §4.1, §7).
func (w filling) furtherApprovers(f form) []string {
	if w.request.Method != seller.MethodEmail || !f.has(itemparam.Approver+"_1") {
		return nil
	}
	var names []string
	for i := range w.emails() {
		if name := itemparam.Approver + "_" + strconv.Itoa(i+1); !f.has(name) {
			names = append(names, name)
		}
	}
	return names
}

// emails returns the approvers, one for each name; where the client chose one for all it stands for each.
func (w filling) emails() []string {
	switch names := 1 + len(w.request.Names); {
	case len(w.request.Emails) == 1 && names > 1:
		return slices.Repeat(w.request.Emails, names)
	case len(w.request.Emails) > names:
		return w.request.Emails[:names]
	}
	return w.request.Emails
}

// country returns field_country, org_country and the contacts' by the ISO code of the order or of the CSR's subject
// (docs/reference/ispmanager.md §4.1).
func (w filling) country(f field) (string, bool, error) {
	iso := w.request.CSR.Subject.Country
	if f.name != "field_country" || iso == "" {
		for _, name := range []string{f.name, "org_country", "adm_country"} {
			text := w.request.Params[name]
			code := countryCode(text)
			if code == "" && name == f.name && strings.TrimSpace(text) != "" { // another country than the client's must not take its place
				return "", false, refuseField(f, "the country "+plaintext.Clip(words(text), 20)+" is not found")
			}
			if code != "" {
				iso = code
				break
			}
		}
	}
	if iso == "" {
		return "", false, nil
	}
	key, found := countryKey(iso, f)
	if !found {
		return "", false, refuseField(f, "the country "+plaintext.Clip(words(iso), 20)+" is not found")
	}
	return key, true, nil
}

// offKey returns the choice that switches the remote's own renewal off (docs/reference/ispmanager.md §1.4, §8): both sides
// renewing would pay twice.
func offKey(f field) string {
	if !f.listed || offers(f.list, "null") {
		return "null"
	}
	for _, key := range []string{"0", "off", ""} {
		if offers(f.list, key) {
			return key
		}
	}
	return "null"
}
