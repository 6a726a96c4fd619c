package namecheap

import (
	"strings"

	"pmssl/internal/plaintext"
	"pmssl/internal/seller/sellerhttp"
)

// envelope is the frame of every answer (docs/reference/namecheap.md §1.5, §1.6).
type envelope struct {
	ok       bool // Status="OK"; the HTTP status says nothing (docs/reference/namecheap.md §0.1)
	errors   []apiError
	warnings []string
	response *sellerhttp.Element // CommandResponse; may be there in an ERROR answer too
}

// apiError is one <Error>.
type apiError struct {
	number int    // 0 if it has none that can be read
	given  string // the number as it came
	text   string // as it came; newRefusal makes it printable
}

// parseEnvelope reads an answer's body. Errors are *sellerhttp.Error: another document than ApiResponse is Foreign,
// a document with an unknown Status is Unreadable.
func parseEnvelope(body []byte) (envelope, error) {
	root, err := sellerhttp.ParseXML(body)
	if err != nil {
		return envelope{}, err
	}
	if !strings.EqualFold(root.Name, "ApiResponse") {
		return envelope{}, &sellerhttp.Error{Kind: sellerhttp.NotSeller,
			Text: "the answer is not from Namecheap's API: its document begins with <" + plaintext.Clip(plaintext.Line(root.Name), 60) + ">"}
	}
	e := envelope{response: root.Child("CommandResponse")}
	switch status := root.Attr("Status"); strings.ToUpper(status) {
	case "OK":
		e.ok = true
	case "ERROR":
	default:
		return envelope{}, &sellerhttp.Error{Kind: sellerhttp.Unreadable,
			Text: "the answer's status is neither OK nor ERROR but \"" + plaintext.Clip(plaintext.Line(status), 40) + "\""}
	}
	for _, one := range root.Child("Errors").All("Error") {
		e.errors = append(e.errors, apiError{number: intOf(one.Attr("Number")), given: one.Attr("Number"), text: one.Text()})
	}
	for _, one := range root.Child("Warnings").All("Warning") {
		e.warnings = append(e.warnings, strings.TrimSpace(plaintext.Line(one.Attr("Number"))+" "+words(one.Text())))
	}
	return e, nil
}

// result returns the command's result element, nil if the answer has none of that name.
func (e envelope) result(name string) *sellerhttp.Element { return e.response.Child(name) }

// words returns a text of Namecheap as one printable line of limited length.
func words(text string) string { return plaintext.Clip(plaintext.Line(text), 1000) }
