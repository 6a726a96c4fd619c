package namecheap

import (
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Bounds on what a caller may send. The CSR, the longest documented parameter,
// is at most 32,767 characters.
const (
	maxBody       = 4 << 20
	maxParameters = 2000
	// maxDrained is how much of a body that is too large is read all the same,
	// so that the caller gets to see the answer.
	maxDrained = 32 << 20
)

// parameters are the request's values under their lower-case names: the seller
// matches names case-insensitively (namecheap-ssl-api.md 1.3).
type parameters map[string]string

// get is the value of a parameter without surrounding blanks, or "".
func (p parameters) get(name string) string { return strings.TrimSpace(p[strings.ToLower(name)]) }

// add keeps the first value of a name; the query is read before the form.
func (p parameters) add(name, value string) error {
	name = strings.ToLower(name)
	if _, seen := p[name]; seen {
		return nil
	}
	if len(p) >= maxParameters {
		return errTooManyParameters
	}
	p[name] = value
	return nil
}

var (
	errTooManyParameters = errors.New("request has too many parameters")
	errBodyTooLarge      = errors.New("request body is too large")
	errBrokenForm        = errors.New("request form cannot be read")
)

// readParameters merges the query and the form, urlencoded or multipart, in
// the way clients of the real API need it (namecheap-ssl-api.md 1.3: some send
// the credentials in the query and the rest in the form).
func readParameters(r *http.Request) (parameters, error) {
	merged := parameters{}
	// A query that is broken in one place still has its other values.
	query, _ := url.ParseQuery(r.URL.RawQuery)
	if err := merged.addAll(query); err != nil {
		return merged, err
	}
	if r.Body == nil {
		return merged, nil
	}
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	body := http.MaxBytesReader(nil, r.Body, maxBody)
	if mediaType == "multipart/form-data" {
		r.Body = body
		return merged, merged.addMultipart(r)
	}
	content, err := io.ReadAll(body)
	if err != nil {
		return merged, bodyError(err)
	}
	form, _ := url.ParseQuery(string(content))
	return merged, merged.addAll(form)
}

// addAll adds in the order of the names, so that two spellings of one name
// always have the same outcome.
func (p parameters) addAll(values url.Values) error {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if err := p.add(name, values[name][0]); err != nil {
			return err
		}
	}
	return nil
}

func (p parameters) addMultipart(r *http.Request) error {
	reader, err := r.MultipartReader()
	if err != nil {
		return errBrokenForm
	}
	for {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return bodyError(err)
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return bodyError(err)
		}
		if err := p.add(part.FormName(), string(value)); err != nil {
			return err
		}
	}
}

func bodyError(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return errBodyTooLarge
	}
	return errBrokenForm
}

// redacted is a copy without the API key and anything that is named like a secret.
func (p parameters) redacted() map[string]string {
	shown := make(map[string]string, len(p))
	for name, value := range p {
		if strings.Contains(name, "key") || strings.Contains(name, "password") || strings.Contains(name, "secret") {
			value = "***"
		}
		shown[name] = value
	}
	return shown
}
