// Package crl asks the lists of revoked certificates that leaves name (docs/reference/unattended.md §10, rules REVOKE-1 to
// REVOKE-3). It fetches them by http, checks them as RFC 5280 6.3.3 says, and keeps copies between runs. It trusts nothing that it
// reads, its own copies included.
package crl
