package ispmanager

import (
	"bytes"
	"context"

	"pmssl/internal/cert"
	"pmssl/internal/sellerhttp"
)

// maxSearched is in how many fields a certificate is looked for: each may be an archive.
const maxSearched = 50

// download gets the certificate through the function of the list's toolbar (§5): PEM, a ZIP or base64 of one, as the answer
// itself or in a field of a document. Where that does not work there is no certificate yet, which the log explains.
func (c *Client) download(ctx context.Context, id int64) []string {
	function, err := c.find(ctx, downloading())
	if err != nil {
		c.log.ExtInfof("the certificate of the order %d is not to be had: %v", id, err)
		return nil
	}
	var found []string
	err = c.http.Do(ctx, sellerhttp.Call{
		Name: function, Keys: keys(element(id)), Form: c.form(function, element(id)), Class: sellerhttp.Read, Raw: true,
		Decode: func(body []byte) (string, error) {
			var err error
			found, err = c.file(body)
			return "OK", err
		},
	})
	if err != nil {
		c.log.ExtInfof("%s (%s) gives no certificate of the order %d: %v", Title, function, id, err)
		return nil
	}
	return found
}

// file reads what a download brought.
func (c *Client) file(body []byte) ([]string, error) {
	start := bytes.TrimLeft(body, "\ufeff \t\r\n")
	if !bytes.HasPrefix(start, []byte("<")) {
		return cert.StoredPEM(string(body))
	}
	reply, err := parseAnswer(body)
	if err != nil {
		return nil, err
	}
	reply.maskFailure(c.mask)
	if reply.failure != nil {
		return nil, reply.failure
	}
	f := formOf("", reply)
	for _, name := range append([]string{"crt"}, f.names[:min(len(f.names), maxSearched)]...) {
		if found, err := cert.StoredPEM(f.value(name)); err == nil {
			return found, nil
		}
	}
	return nil, cert.Faultf(cert.FaultMissed, "crt", "the answer has no certificate")
}
