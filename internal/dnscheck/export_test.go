package dnscheck

import "github.com/miekg/dns"

// IssuerOf is exported for its fuzz target.
func IssuerOf(value string) string { return issuerOf(value) }

// ReadAnswer takes the way of an answer on the wire to the issuers that it allows; false if it cannot be read.
func ReadAnswer(wire []byte, name string, wildcard bool) (allowed []string, restricted, read bool) {
	answer := new(dns.Msg)
	if err := answer.Unpack(wire); err != nil {
		return nil, false, false
	}
	allowed, restricted = evaluate(authorizations(answer, name), wildcard)
	return allowed, restricted, true
}

// ParseConf is exported for its fuzz target.
func ParseConf(text string) ([]string, error) { return parseConf([]byte(text)) }
