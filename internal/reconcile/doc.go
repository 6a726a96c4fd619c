// Package reconcile compares the seller's orders of a month with the panel's items and the purchase journal (rules RECONCILE-1 to
// RECONCILE-6). It only reads.
package reconcile
