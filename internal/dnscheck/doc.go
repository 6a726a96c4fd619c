// Package dnscheck looks up in DNS what the standard library cannot: whether a name certainly does not exist, as opposed to a
// look-up without an answer, and which CAs its CAA records allow (RFC 8659). It opens and reads nothing before the first
// query, and keeps only the list of servers between queries.
package dnscheck
