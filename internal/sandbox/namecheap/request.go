package namecheap

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"pmssl/internal/sandbox/standin"
)

// parameters are the request's values under their lower-case names: the seller
// matches names case-insensitively (docs/reference/namecheap.md §1.3).
type parameters map[string]string

// get returns the value of a parameter without surrounding blanks, or "".
func (p parameters) get(name string) string { return strings.TrimSpace(p[strings.ToLower(name)]) }

// add keeps the first value of a name; the query is read before the form.
func (p parameters) add(name, value string) error {
	name = strings.ToLower(name)
	if _, seen := p[name]; seen {
		return nil
	}
	if len(p) >= standin.MaxParameters {
		return standin.ErrTooManyParameters
	}
	p[name] = value
	return nil
}

// readParameters merges the query and the form, urlencoded or multipart, as clients of the real API
// need it: some send the credentials in the query and the rest in the form
// (docs/reference/namecheap.md §1.3).
func readParameters(r *http.Request) (parameters, error) {
	merged := parameters{}
	if err := merged.addEncoded(r.URL.RawQuery); err != nil {
		return merged, err
	}
	if r.Body == nil {
		return merged, nil
	}
	content, err := standin.ReadBody(r)
	if err != nil {
		return merged, err
	}
	mediaType, options, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if mediaType == "multipart/form-data" {
		return merged, merged.addMultipart(content, options["boundary"])
	}
	return merged, merged.addEncoded(string(content))
}

// addEncoded adds a query or an urlencoded form, in the order of the names, so
// that two spellings of one name always have the same outcome.
func (p parameters) addEncoded(encoded string) error {
	if strings.Count(encoded, "&") > standin.MaxParameters {
		return standin.ErrTooManyParameters
	}
	// A form that is broken in one place still has its other values.
	values, _ := url.ParseQuery(encoded)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if err := p.add(name, values[name][0]); err != nil {
			return err
		}
	}
	return nil
}

// addMultipart adds a form that must be complete: mime/multipart accepts some forms that end early.
func (p parameters) addMultipart(content []byte, boundary string) error {
	if boundary == "" || !bytes.Contains(content, []byte("--"+boundary+"--")) {
		return standin.ErrBrokenForm
	}
	reader := multipart.NewReader(bytes.NewReader(content), boundary)
	for {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return standin.ErrBrokenForm
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return standin.ErrBrokenForm
		}
		if err := p.add(part.FormName(), string(value)); err != nil {
			return err
		}
	}
}

// redacted returns a copy without the API key and without values whose name sounds like a secret.
func (p parameters) redacted() map[string]string {
	shown := make(map[string]string, len(p))
	for name, value := range p {
		if strings.Contains(name, "key") || strings.Contains(name, "password") || strings.Contains(name, "secret") {
			value = standin.Hidden
		}
		shown[name] = value
	}
	return shown
}
