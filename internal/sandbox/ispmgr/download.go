package ispmgr

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"

	"pmssl/internal/sandbox/ca"
)

// download handles the function that delivers the certificate if certificate.edit does not
// (docs/reference/ispmanager.md §5).
func download(c *call) answer {
	item, problem := c.own()
	switch {
	case problem != nil:
		return refused(problem)
	case c.settings.CertificateIn == InEdit:
		return refused(noAccess())
	case item.Certificate == "":
		return refused(missed("crt", c.get("elid")))
	case c.settings.DownloadList:
		return success(c.fileRows()...)
	case c.settings.DownloadDocument:
		return success(textNode("crt", c.server.encodedText(item)))
	}
	out := reply{Status: http.StatusOK, ContentType: "application/x-x509-ca-cert", Body: []byte(c.server.encodedText(item))}
	if c.settings.CertificateForm == FormZIP {
		packed, err := c.server.zipArchive(item)
		if err != nil {
			return refused(internalError(err))
		}
		out.ContentType, out.Body = "application/zip", packed
	}
	return answer{raw: &out}
}

// files returns the files of an order by name, for a download that is a list: the certificate, its
// chain and the private key, which a client must not download.
func (c *call) files(item *Certificate) map[string]string {
	return map[string]string{
		"certificate.crt": item.Certificate, "ca-bundle.crt": ca.EncodePEM(c.server.ca.Intermediate()), "private.key": keyLeak,
	}
}

const keyLeak = "-----BEGIN PRIVATE KEY-----\n"

func (c *call) fileRows() []element {
	var rows []element
	for _, name := range []string{"private.key", "certificate.crt", "ca-bundle.crt"} {
		rows = append(rows, node("elem", textNode("id", name), textNode("name", name)))
	}
	return append(rows, textNode("p_elems", strconv.Itoa(len(rows))))
}

// downloadFile handles the form of one file of the list: elid is the row, plid the order.
func downloadFile(c *call) answer {
	name := c.get("elid")
	item, problem := c.ownOf(c.get("plid"))
	switch {
	case problem != nil:
		return refused(problem)
	case !c.settings.DownloadList || c.settings.CertificateIn == InEdit:
		return refused(noAccess())
	case item.Certificate == "" || c.files(item)[name] == "":
		return refused(missed("elid", name))
	}
	return success(textNode("elid", name), textNode("plid", c.get("plid")), textNode("name", name), textNode("content", c.files(item)[name]))
}

// encodedText returns a certificate as text, in the form of this installation. A ZIP is in base64.
func (s *Server) encodedText(item *Certificate) string {
	if item.Certificate == "" {
		return ""
	}
	chain := s.leaf(item) + ca.EncodePEM(s.ca.Intermediate())
	switch s.settings.CertificateForm {
	case FormChain:
		return chain + s.settings.ExtraPEM
	case FormBundle:
		return chain + ca.EncodePEM(s.ca.Root()) + s.settings.ExtraPEM
	case FormZIP, FormBase64ZIP:
		packed, err := s.zipArchive(item)
		if err != nil {
			return ""
		}
		return base64.StdEncoding.EncodeToString(packed)
	}
	return s.leaf(item) + s.settings.ExtraPEM
}

// leaf returns the PEM of the leaf as it is delivered.
func (s *Server) leaf(item *Certificate) string {
	if s.settings.CutLeaf {
		return ca.CutPEM(item.Certificate)
	}
	return item.Certificate
}

// zipArchive returns a ZIP with the intermediate before the leaf: a client has to find the leaf by
// its key.
func (s *Server) zipArchive(item *Certificate) ([]byte, error) {
	var archive bytes.Buffer
	writer := zip.NewWriter(&archive)
	files := []struct{ name, content string }{
		{"AAACertificateServices.crt", ca.EncodePEM(s.ca.Root())},
		{"SectigoDVCA.crt", ca.EncodePEM(s.ca.Intermediate())},
		{fmt.Sprintf("%d.crt", item.ID), s.leaf(item)},
	}
	if s.settings.ExtraPEM != "" {
		files = append(files, struct{ name, content string }{"Extra.crt", s.settings.ExtraPEM})
	}
	for _, file := range files {
		entry, err := writer.Create(file.name)
		if err != nil {
			return nil, err
		}
		if _, err := entry.Write([]byte(file.content)); err != nil {
			return nil, err
		}
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	return archive.Bytes(), nil
}
