package namecheap

import (
	"encoding/asn1"
	"strconv"
	"strings"

	"pmssl/internal/sandbox/issuance"
)

// parseCSRCommand shows what is in a CSR (docs/reference/namecheap.md §3.5). Its limit
// of 2000 characters is smaller than activate's.
func parseCSRCommand(c *call) answer {
	c.check(field{"CSR", "296", 2000, true})
	if c.failed() {
		return c.refusal()
	}
	if kind := c.get("CertificateType"); kind != "" && !c.acceptsType(kind) {
		return failure("2011300", "CertificateType is invalid")
	}
	request, err := issuance.ParseRequest(c.get("CSR"))
	if err != nil {
		return failure("3022296", "Failed to retrive CSR details from provider")
	}
	subject := request.Subject
	names := request.DNSNames
	if len(names) == 0 {
		names = []string{request.CommonName}
	}
	return success(node("SSLParseCSRResult", node("CSRDetails",
		textNode("CommonName", subject.CommonName),
		textNode("DomainName", issuance.ValidationDomain(request.CommonName)),
		textNode("Country", strings.Join(subject.Country, ", ")),
		textNode("OrganisationUnit", strings.Join(subject.OrganizationalUnit, ", ")),
		textNode("Organisation", strings.Join(subject.Organization, ", ")),
		textNode("ValidTrueDomain", strconv.FormatBool(issuance.CheckName(request.CommonName, true) == nil)),
		textNode("State", strings.Join(subject.Province, ", ")),
		textNode("Locality", strings.Join(subject.Locality, ", ")),
		textNode("Email", subjectEmail(request)),
		textNode("DNSNames", strings.Join(names, ",")))))
}

// acceptsType reports whether parseCSR accepts a CertificateType. It refuses two names that all
// other commands accept; the module for WHMCS works around that.
func (c *call) acceptsType(kind string) bool {
	if strings.EqualFold(kind, "Multi Domain SSL") || strings.EqualFold(kind, "EV Multi Domain SSL") {
		return false
	}
	_, known := c.server.find(kind, c.now)
	return known
}

func subjectEmail(request issuance.Request) string {
	emailAddress := asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}
	for _, name := range request.Subject.Names {
		if text, ok := name.Value.(string); ok && name.Type.Equal(emailAddress) {
			return text
		}
	}
	return strings.Join(request.EmailAddresses, ", ")
}
