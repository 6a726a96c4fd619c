// Package subscription implements the sweep: it finds the certificates that are due, reissues them or notifies their clients,
// and reports on each item (rules SWEEP-1 to SWEEP-11).
package subscription
