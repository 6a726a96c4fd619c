// Package status shows every item of this binary: what the panel's database and this host's files say about it, what the sweep does
// next, and who has to act. It asks no seller, starts no mgrctl, takes no lock and changes nothing (rules STATUS-1).
package status
