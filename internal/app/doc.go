// Package app is what the billing panel starts: it reads the command line, finds the row of the command table, reads
// stdin where the row says so, runs the command and prints its one document. Everything that goes wrong ends here, in
// one place: as the panel's error document, in the log, in the running operation's history
// (docs/reference/billmanager.md §1.6, §6).
//
// The package looks at nothing by itself: words, files, clock, environment and signals come in as a System.
package app
