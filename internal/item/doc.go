// Package item is the item of the panel that a run works on: its lock, its record and parameters, its ids at the seller and
// its paid term. It defines the interfaces of the panel (Panel), the log, DNS and mail, and the dry run, which records
// changes instead of making them.
package item
