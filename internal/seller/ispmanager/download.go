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

// maxSearched is in how many fields a certificate is looked for: each may be an archive.
const maxSearched = 50

// maxFiles is how many files of one order are downloaded: the certificate, its chain in pieces, the same once more as an
// archive.
const maxFiles = 10

// download gets the certificate through the function of the list's toolbar (docs/reference/ispmanager.md §5): PEM, a ZIP or
// base64 of one, as the answer itself, in a field of a document, or in the files of a list, each of which is got by itself.
// One that is not there yet is no error.
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
		if failureIn(err).gone() {
			return nil, nil
		}
		return nil, faultOf(err)
	}
	return got.certificates, nil
}

// downloaded is what one request for a file brought: certificates, or the rows of a list of files.
type downloaded struct {
	certificates []string
	rows         []*sellerhttp.Element
}

// file asks for one file, or for the list of them. What comes may be an archive and is not shown in the log.
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

// files gets the files of a list one by one, at the function of the list's rows. A private key, which may lie beside the
// certificate, is not asked for.
func (c *Client) files(ctx context.Context, function string, id int64, listed downloaded) ([]string, error) {
	var found []string
	var last error
	asked := 0
	if len(listed.rows) == 0 { // docs/reference/ispmanager.md §5: the list's own function may take the order itself
		got, err := c.file(ctx, function+".edit", element(id))
		if refused := failureIn(err); refused != nil && !refused.shutsOut() {
			return nil, nil // there is nothing yet
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
			c.log.ExtInfof("the file %s of the order %d holds no certificate: %v", remark(key), id, err)
		default:
			found = append(found, got.certificates...)
		}
	}
	if len(found) == 0 && last != nil {
		return nil, last
	}
	return found, nil
}

// rowKey returns what names a file of the list, empty if nothing does.
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

// content reads what a download brought.
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
