package dnscheck

import "github.com/miekg/dns"

// IssuerOf is exported for its fuzz target.
func IssuerOf(value string) string { return issuerOf(value) }

// ReadAnswer returns the issuers that an answer on the wire allows; read is false if it cannot be read.
func ReadAnswer(wire []byte, name string, wildcard bool) (allowed []string, restricted, read bool) {
	answer := new(dns.Msg)
	if err := answer.Unpack(wire); err != nil {
		return nil, false, false
	}
	a := evaluate(authorizations(answer, name), wildcard)
	return a.Allowed, a.Restricted, true
}

// ParseConf is exported for its fuzz target.
func ParseConf(text string) ([]string, error) { return parseConf([]byte(text)) }
