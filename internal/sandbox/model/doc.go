// Package model predicts what the modules do. It was written from docs/rules.md, docs/subscription.md and docs/reference, and
// shares no code with the product or with the stand-ins: a disagreement between it and the real programs is a fault of one of them, or of
// a rule. It holds one provider with one seller: the time, the panel's items, the orders at the seller, the payments. Each method
// that does something is one step, and reports whether the panel's run succeeds.
//
// What the seller does is the part of docs/reference that a stand-in follows with its default settings: certificates begin at
// midnight UTC, last a day less than the Forum's limit, and never end after the paid term; a validation is reused as long as the
// Baseline Requirements allow.
package model
