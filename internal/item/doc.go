// Package item is one item of the panel under work: the run that works on it, its lock, its record and parameters, its ids
// at the seller and its paid term. It defines what the engines need of the panel (Panel), of the log and of DNS, and what a
// dry run does instead of changing something.
package item
