// Package acceptance tries the module against a provider's own panel and a seller's sandbox with one test item. It takes the item
// through order, challenge, issue, reissue, renewal and close with the engines that the panel's commands use, observes what seller
// and panel answer, and reports which of the facts that this project relies on and nobody has confirmed are true, false or not seen
// (docs/compatibility.md, rules ACCEPT-1 to ACCEPT-6).
package acceptance
