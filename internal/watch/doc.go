// Package watch looks at the certificates that sites serve, and remembers the looks between runs (docs/reference/unattended.md
// §10, rules WATCH-1 to WATCH-7). It sends a ClientHello and nothing else, and trusts nothing that it reads.
package watch
