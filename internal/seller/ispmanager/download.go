package ispmanager

import (
	"bytes"
	"context"
	"net/url"
	"slices"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/pki"
	"pmssl/internal/seller/sellerhttp"
)

// maxSearched is in how many fields a certificate is searched for, because each may be an archive.
const maxSearched = 50

// maxFiles is how many files of one order are downloaded: the certificate, each certificate of its chain, and an archive of
// all.
const maxFiles = 10

// download reads the certificate with the function of the list's toolbar (docs/reference/ispmanager.md §5): PEM, a ZIP
// or base64 of a ZIP, as the whole answer, in a field of a document, or in the files of a list, each of which is
// another request. If there is no certificate yet, it returns none and no error.
func (c *Client) download(ctx context.Context, id int64) ([]string, error) {
	function, err := c.find(ctx, downloading())
	if err != nil {
		c.log.ExtInfof("the certificate of the order %d cannot be fetched: %v", id, err)
		return nil, err
	}
	got, err := c.file(ctx, function, element(id))
	if err == nil && len(got.certificates) == 0 {
		got.certificates, err = c.files(ctx, function, id, got)
	}
	if err != nil {
		c.log.ExtInfof("%s (%s) gives no certificate of the order %d: %v", Title, function, id, err)
		if failureIn(err).notFound() {
			return nil, nil
		}
		return nil, faultOf(err)
	}
	return got.certificates, nil
}

// downloaded is the result of one request for a file: certificates, or the rows of a list of files.
type downloaded struct {
	certificates []string
	rows         []*sellerhttp.Element
}

// file requests one file or the list of files. The answer may be an archive and is not logged.
func (c *Client) file(ctx context.Context, function string, params url.Values) (downloaded, error) {
	var got downloaded
	err := c.http.Do(ctx, sellerhttp.Call{
		Name: function, Keys: keys(params), Form: c.form(function, params), Class: sellerhttp.Read, Raw: true,
		Decode: func(body []byte) (string, error) {
			var err error
			got, err = c.content(body)
			return "OK", err
		},
	})
	return got, err
}

// files requests the files of a list, with the function of the list's rows. It skips private keys, which the list may
// have.
func (c *Client) files(ctx context.Context, function string, id int64, listed downloaded) ([]string, error) {
	var found []string
	var last error
	asked := 0
	if len(listed.rows) == 0 { // docs/reference/ispmanager.md §5: the function of the rows may take the order's id itself
		got, err := c.file(ctx, function+".edit", element(id))
		if refused := failureIn(err); refused != nil && !refused.refusesAccess() {
			return nil, nil // no certificate yet
		}
		return got.certificates, err
	}
	for _, row := range listed.rows {
		key := rowKey(row)
		if key == "" || secretFile(row) || asked == maxFiles {
			continue
		}
		asked++
		got, err := c.file(ctx, function+".edit", pairs("elid", key, "plid", idText(id)))
		switch {
		case fault.From(faultOf(err)).SellerFails():
			return nil, err
		case err != nil:
			last = err
			c.log.ExtInfof("the file %s of the order %d holds no certificate: %v", redacted(key), id, err)
		default:
			found = append(found, got.certificates...)
		}
	}
	if len(found) == 0 && last != nil {
		return nil, last
	}
	return found, nil
}

// rowKey returns the key of a file in the list; empty if it has none.
func rowKey(row *sellerhttp.Element) string {
	for _, name := range []string{"id", "name", "file", "filename"} {
		if key := words(row.Child(name).Text()); key != "" && len(key) <= 200 {
			return key
		}
	}
	return ""
}

// secretFile reports whether a row of the list names a private key.
func secretFile(row *sellerhttp.Element) bool {
	return slices.ContainsFunc(row.Children, func(e *sellerhttp.Element) bool {
		text := strings.ToLower(e.Text())
		return strings.Contains(text, "private") || strings.Contains(text, "pkey") || text == "key" || strings.HasSuffix(text, ".key")
	})
}

// content reads the answer to a request for a file.
func (c *Client) content(body []byte) (downloaded, error) {
	start := bytes.TrimLeft(body, "\ufeff \t\r\n")
	if !bytes.HasPrefix(start, []byte("<")) {
		found, err := pki.StoredPEM(string(body))
		return downloaded{certificates: found}, err
	}
	reply, err := parseAnswer(body)
	if err != nil {
		return downloaded{}, err
	}
	reply.maskFailure(c.mask)
	if reply.failure != nil {
		return downloaded{}, reply.failure
	}
	f := formOf("", reply)
	for _, name := range append([]string{"crt"}, f.names[:min(len(f.names), maxSearched)]...) {
		if found, err := pki.StoredPEM(f.value(name)); err == nil {
			return downloaded{certificates: found}, nil
		}
	}
	if _, counted := countOf(reply.value("p_elems")); counted || len(reply.rows) > 0 {
		return downloaded{rows: reply.rows}, nil
	}
	return downloaded{}, fault.Errorf(fault.Missed, "crt", "the answer has no certificate")
}
