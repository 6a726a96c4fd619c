package ispmanager

import (
	"slices"
	"strconv"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/itemparam"
	"pmssl/internal/plaintext"
	"pmssl/internal/seller"
)

// orderValues gives the values of an order or reissue for the fields of each step. The names are those of
// docs/reference/ispmanager.md §4.1 and §4.3; a field of another name keeps the form's own value.
type orderValues struct {
	request   seller.Request
	pricelist int64  // of an order; 0 at a reissue
	months    int    // of an order; 0 at a reissue
	ref       string // of an order
}

// value is a filler.
func (w orderValues) value(f field) (string, bool, error) {
	switch f.name {
	case "crt_type":
		key, err := w.requestKind(f)
		return key, true, err
	case itemparam.Method:
		key, err := w.method(f)
		return key, true, err
	case "autoprolong":
		return offKey(f), w.months != 0, nil
	}
	if strings.HasSuffix(f.name, "country") {
		return w.country(f)
	}
	if value, latin, known := w.plain(f.name); known {
		if latin && !isLatin(value) {
			return "", false, fault.Errorf(fault.Value, f.name, "%s takes Latin letters only for %s, not %q", Title, f.name, plaintext.Clip(words(value), 200))
		}
		return value, true, nil
	}
	if email, known, err := w.approver(f); known || err != nil {
		return email, true, err
	}
	return "", false, nil
}

// plain returns the values that are not chosen from a list. latin says that the value must be ASCII, as in the fields
// of the CSR and the organisation (docs/reference/ispmanager.md §4.1).
func (w orderValues) plain(name string) (value string, latin, known bool) {
	csr := w.request.CSR
	switch name {
	case "csr":
		return csr.PEM, false, true
	case "CN":
		return csr.CommonName, true, true
	case "C", "ST", "L", "O", "OU", "emailAddress":
		value := map[string]string{"C": isoCountry(csr.Subject.Country), "ST": csr.Subject.State, "L": csr.Subject.Locality,
			"O": csr.Subject.Organisation, "OU": csr.Subject.Unit, "emailAddress": csr.Email}[name]
		return value, true, value != ""
	case itemparam.AltName, "altname_input":
		return strings.Join(w.request.Names, " "), false, true
	case "pricelist":
		return idText(w.pricelist), false, w.pricelist != 0
	case "period":
		return strconv.Itoa(w.months), false, w.months != 0
	case "remoteid":
		return w.ref, false, w.ref != ""
	}
	return w.contact(name)
}

// contact returns the item parameters of contacts and organisation, which have the names of the fields
// (docs/reference/ispmanager.md §4.3). If the organisation's name is missing, it uses the CSR's; if the technical
// contact is missing, the administrative one.
func (w orderValues) contact(name string) (value string, latin, known bool) {
	switch prefix, rest, _ := strings.Cut(name, "_"); prefix {
	case "org", "adm":
		value = strings.TrimSpace(w.request.Params[name])
		if value == "" && name == "org_name" {
			value = strings.TrimSpace(w.request.CSR.Subject.Organisation)
		}
		return sentContact(rest, value), prefix == "org", value != ""
	case "tech":
		value = strings.TrimSpace(w.request.Params[name])
		if value == "" {
			value = strings.TrimSpace(w.request.Params["adm_"+rest])
		}
		return sentContact(rest, value), false, value != ""
	}
	return "", false, false
}

// sentContact returns a contact's value as it is sent: a telephone number without its trunk zero, which is dialled
// inside its country only.
func sentContact(field, value string) string {
	if field == "phone" {
		return seller.WithoutTrunkZero(value)
	}
	return value
}

// isoCountry returns the ISO 3166-1 code of a country, or the text unchanged if it has none.
func isoCountry(text string) string {
	if code := seller.Country(text); code != "" {
		return code
	}
	return text
}

// isLatin reports whether the text is printable ASCII.
func isLatin(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}

// documented returns the fields of docs/reference/ispmanager.md §4.1 that are sent although the form has neither them
// nor a description of its fields.
func (w orderValues) documented(f form) []string {
	if f.meta.present || !strings.HasPrefix(f.function, "certificate.order.") {
		return nil
	}
	names := []string{"csr", "CN", "ST", "L", "O", "OU", "emailAddress", itemparam.AltName, "altname_input"}
	for _, who := range []string{"adm_", "tech_"} {
		for _, what := range []string{"fname", "lname", "jtitle", "email", "phone"} {
			names = append(names, who+what)
		}
	}
	if w.request.Method == seller.MethodEmail {
		for i := range w.emails() {
			names = append(names, itemparam.Approver+"_"+strconv.Itoa(i+1))
		}
	}
	return slices.DeleteFunc(names, func(name string) bool {
		_, _, known := w.plain(name)
		return f.has(name) || !known && !strings.HasPrefix(name, itemparam.Approver)
	})
}

// missingField returns a field that an order needs and that no step took; empty if there is none.
func (w orderValues) missingField(sent interface{ Get(string) string }) string {
	sentMethod := sent.Get(itemparam.Method)
	kind, _ := methodKind(sentMethod)
	switch {
	case sent.Get("csr") == "":
		return "csr"
	case generates(choice{key: sent.Get("crt_type")}):
		return "crt_type"
	case w.request.Method == seller.MethodUnknown, sentMethod == "" && w.request.Method != seller.MethodEmail, sentMethod != "" && kind != w.request.Method:
		return itemparam.Method
	case w.request.Method == seller.MethodEmail && len(w.request.Emails) > 0 && noneSent(sent, itemparam.Approver, itemparam.Approver+"_1"):
		return itemparam.Approver
	case len(w.request.Names) > 0 && noneSent(sent, itemparam.AltName, "altname_input"):
		return itemparam.AltName
	}
	return ""
}

// noneSent reports whether none of the fields was sent with a value.
func noneSent(sent interface{ Get(string) string }, names ...string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return sent.Get(name) != "" })
}
