// Package pki reads certificate signing requests, names, certificate chains, PKCS #7 and ZIP bundles. It does no I/O.
//
// BR in comments is the CA/Browser Forum's Baseline Requirements.
package pki
