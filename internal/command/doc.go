// Package command holds what the modules do: one file for one command, one short function each. It knows the words of
// the trade (cert) and the Forum's rules (cabforum); the panel and the seller come in through the interfaces Panel and
// Seller that are defined here, by their user.
package command
