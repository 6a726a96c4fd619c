// Package dnscheck asks DNS what the standard library does not say: whether a name certainly does not exist, apart from
// no answer, and which certification authorities its CAA records allow (RFC 8659). Nothing is opened or read before the
// first question, and nothing is kept between two but the list of servers.
package dnscheck
