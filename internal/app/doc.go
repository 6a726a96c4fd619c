// Package app is the program that the billing panel starts. It parses the command line, finds the command's row in the
// table, reads stdin if the row says so, runs the command and prints its document. It reports every failure: as the error
// document on stdout, in the log, and in the history of the running operation (docs/reference/billmanager.md §1.6, §6).
//
// Arguments, standard streams, clock, environment and signals are injected as a System.
package app
