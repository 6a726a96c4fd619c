package ispmanager

import (
	"slices"
	"strconv"
	"strings"

	"pmssl/internal/cert"
)

// filling gives the values of an order or reissue for the fields of whatever step asks for them. The names are those of
// §4.1 and §4.3; a field of another name keeps the form's own value.
type filling struct {
	request   cert.Request
	pricelist int64  // of an order; 0 at a reissue
	months    int    // of an order; 0 at a reissue
	mark      string // of an order
}

// value is a filler.
func (w filling) value(f field) (string, bool, error) {
	switch f.name {
	case "crt_type":
		key, err := w.requestKind(f)
		return key, true, err
	case cert.ParamMethod:
		key, err := w.method(f)
		return key, true, err
	case "autoprolong":
		return offKey(f), w.months != 0, nil
	}
	if strings.HasSuffix(f.name, "country") {
		return w.country(f)
	}
	if value, latin, ours := w.plain(f.name); ours {
		if latin && !isLatin(value) {
			return "", false, cert.Faultf(cert.FaultValue, f.name, "%s takes Latin letters only for %s, not %q", Title, f.name, clip(words(value), 200))
		}
		return value, true, nil
	}
	if email, ours, err := w.approver(f); ours || err != nil {
		return email, true, err
	}
	return "", false, nil
}

// plain are the values that need no choice; latin is the rule for fields of the CSR and the organisation (§4.1).
func (w filling) plain(name string) (value string, latin, ours bool) {
	csr := w.request.CSR
	switch name {
	case "csr":
		return csr.PEM, false, true
	case "CN":
		return csr.CommonName, true, true
	case "C", "ST", "L", "O", "OU", "emailAddress":
		value := map[string]string{"C": csr.Subject.Country, "ST": csr.Subject.State, "L": csr.Subject.Locality,
			"O": csr.Subject.Organisation, "OU": csr.Subject.Unit, "emailAddress": csr.Email}[name]
		return value, true, value != ""
	case cert.ParamAltName, "altname_input":
		return strings.Join(w.request.Names, " "), false, true
	case "pricelist":
		return idText(w.pricelist), false, w.pricelist != 0
	case "period":
		return strconv.Itoa(w.months), false, w.months != 0
	case "remoteid":
		return w.mark, false, w.mark != ""
	}
	return w.contact(name)
}

// contact are the item parameters of contacts and organisation, which have the names of the fields (§4.3). An order without
// a technical contact has the administrative one.
func (w filling) contact(name string) (value string, latin, ours bool) {
	switch prefix, rest, _ := strings.Cut(name, "_"); prefix {
	case "org", "adm":
		value = strings.TrimSpace(w.request.Params[name])
		return value, prefix == "org", value != ""
	case "tech":
		value = strings.TrimSpace(w.request.Params[name])
		if value == "" {
			value = strings.TrimSpace(w.request.Params["adm_"+rest])
		}
		return value, false, value != ""
	}
	return "", false, false
}

func isLatin(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}

// requestKind chooses "existing request": the key for it is not known, that for a key generated at the seller is `generate`
// (§4.2).
func (w filling) requestKind(f field) (string, error) {
	if !f.listed {
		if f.value != "" && f.value != "generate" {
			return f.value, nil
		}
		return "", refuseField("certificate", f, "the form does not say how a CSR of our own is handed over")
	}
	keys := slices.DeleteFunc(realKeys(f.list), func(key string) bool { return key == "generate" })
	for _, known := range []string{"exists", "exist", "existing", "csr", "use"} {
		if slices.Contains(keys, known) {
			return known, nil
		}
	}
	if len(keys) == 1 {
		return keys[0], nil
	}
	return "", refuseField("certificate", f, "no choice means a CSR of our own")
}

// method chooses the way of proof: the order's own word, else another one of the same kind (§4.4).
func (w filling) method(f field) (string, error) {
	word := strings.TrimSpace(w.request.Params[cert.ParamMethod])
	if word == "" {
		word = "auth_email"
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
	return "", refuseField("certificate", f, "the order's way of proof "+word+" is not offered, nor another one of its kind ("+w.request.Method.String()+")")
}

// methodKind reads a key of approver_method, those included whose spelling is not documented (§4.4).
func methodKind(key string) (cert.Method, bool) {
	key = strings.ToLower(key)
	switch {
	case strings.Contains(key, "mail"):
		return cert.MethodEmail, true
	case strings.Contains(key, "dns"), strings.Contains(key, "cname"), strings.Contains(key, "txt"):
		return cert.MethodDNS, true
	case strings.Contains(key, "http"), strings.Contains(key, "file"):
		return cert.MethodFile, true
	}
	return 0, false
}

// approver gives approver_email and approver_email_1, _2…: one address for each name in their order (§4.1).
func (w filling) approver(f field) (string, bool, error) {
	rest, is := strings.CutPrefix(f.name, cert.ParamApprover)
	if !is || rest != "" && rest[0] != '_' {
		return "", false, nil
	}
	emails := w.emails()
	if w.request.Method != cert.MethodEmail || len(emails) == 0 {
		return "", false, nil
	}
	if rest == "" {
		return strings.Join(emails, ","), !f.listed, nil
	}
	n := monthsOf(rest[1:]) // a small number like any other
	if n < 1 || n > len(emails) {
		return "", false, nil
	}
	email := emails[n-1]
	for _, one := range f.list {
		if strings.EqualFold(one.key, email) || strings.EqualFold(one.text, email) && one.key != "" {
			return one.key, true, nil
		}
	}
	return email, true, nil // fill refuses it where the field is a select
}

// emails are the approvers, one for each name; where the client chose one for all it stands for each.
func (w filling) emails() []string {
	switch names := 1 + len(w.request.Names); {
	case len(w.request.Emails) == 1 && names > 1:
		return slices.Repeat(w.request.Emails, names)
	case len(w.request.Emails) > names:
		return w.request.Emails[:names]
	}
	return w.request.Emails
}

// country gives field_country, org_country and the contacts' by the ISO code of the order or of the CSR's subject (§4.1).
func (w filling) country(f field) (string, bool, error) {
	iso := w.request.CSR.Subject.Country
	if f.name != "field_country" || iso == "" {
		for _, name := range []string{f.name, "org_country", "adm_country"} {
			if code := countryCode(w.request.Params[name]); code != "" {
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
		return "", false, refuseField("certificate", f, "the country "+clip(words(iso), 20)+" is not found")
	}
	return key, true, nil
}

// offKey is the choice that switches the remote's own renewal off (§1.4, §8): both sides renewing would pay twice.
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

// documented are the fields of §4.1 that are sent although a form shows neither them nor a description of its fields.
func (w filling) documented(f form) []string {
	if f.meta.present || !strings.HasPrefix(f.function, "certificate.order.") {
		return nil
	}
	names := []string{"csr", "CN", "ST", "L", "O", "OU", "emailAddress", cert.ParamAltName, "altname_input"}
	for _, who := range []string{"adm_", "tech_"} {
		for _, what := range []string{"fname", "lname", "jtitle", "email", "phone"} {
			names = append(names, who+what)
		}
	}
	if w.request.Method == cert.MethodEmail {
		for i := range w.emails() {
			names = append(names, cert.ParamApprover+"_"+strconv.Itoa(i+1))
		}
	}
	return slices.DeleteFunc(names, func(name string) bool {
		_, _, ours := w.plain(name)
		return f.has(name) || !ours && !strings.HasPrefix(name, cert.ParamApprover)
	})
}

// lacking names what an order cannot do without and no step took; empty where nothing lacks.
func (w filling) lacking(sent interface{ Get(string) string }) string {
	proof := sent.Get(cert.ParamMethod)
	kind, _ := methodKind(proof)
	switch {
	case sent.Get("csr") == "":
		return "csr"
	case sent.Get("crt_type") == "generate":
		return "crt_type"
	case proof == "" && w.request.Method != cert.MethodEmail, proof != "" && kind != w.request.Method:
		return cert.ParamMethod
	case w.request.Method == cert.MethodEmail && len(w.request.Emails) > 0 && sent.Get(cert.ParamApprover) == "" && sent.Get(cert.ParamApprover+"_1") == "":
		return cert.ParamApprover
	case len(w.request.Names) > 0 && sent.Get(cert.ParamAltName) == "" && sent.Get("altname_input") == "":
		return cert.ParamAltName
	}
	return ""
}
