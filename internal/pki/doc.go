// Package cert holds the words of the trade: products, orders, CSRs, proofs of control, chains, the states of a
// certificate and the one error type of the product's edge. It does no I/O.
//
// "contract" in comments names the project's page of shared names and rules; "billmanager-module-protocol" the panel's
// protocol; BR the CA/Browser Forum's Baseline Requirements.
package pki
