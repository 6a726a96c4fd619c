// Package itemparam names the parameters of a certificate item in the panel (table itemparam).
package itemparam

// Names of item parameters, table itemparam (rules PARAM-1 to PARAM-15 and docs/reference/billmanager.md §4.1).
const (
	Intent        = "purchase_intent"
	Unjournaled   = "purchase_unjournaled" // lines that the purchase journal did not take
	OrderID       = "custom_order_id"
	Lineage       = "lineage"
	TermStart     = "term_start"
	TermMonths    = "term_months" // months of the term that is paid; the item's own period may be the next one's already
	PaidUntil     = "paid_until"
	ExpireDate    = "certificate_expiredate"
	Serial        = "certificate_serial"
	ProofTime     = "dcv_time"
	ProofMethod   = "dcv_method"
	Domains       = "domains_list"
	Delivered     = "delivered_type"
	Method        = "approver_method"
	Approver      = "approver_email"
	AltName       = "altname"
	OldAltName    = "old_altname"
	ServiceStatus = "service_status"
	ReissueOf     = "reissue_of"
	ReissueTried  = "reissue_tried"
	ToldSerial    = "told_serial"
	TermEnd       = "seller_term_end"
	Renewal       = "renewal_bought" // TIME ID OPERATION of the renewal that was paid last
	Released      = "released_ids"   // ids that the purchase journal names and an administrator took off the item
	SANsBought    = "sans_bought"    // names bought beyond those included in the product's price
	// Requested is the SHA-256 of the CSR and names that the seller was last handed. A second word says that it is being
	// handed over, see rules STORE-9.
	Requested = "request_mark"
	// LeafKey and LeafNames tell which request the stored certificate answers: SHA-256 of its public key and of
	// the names that were asked for.
	LeafKey   = "certificate_key"
	LeafNames = "certificate_names"
	// RefusedSerial is the serial of a certificate that was not stored because the stored one is better, and
	// RevokedSerial that of a stored one which the seller calls cancelled.
	RefusedSerial = "refused_serial"
	RevokedSerial = "revoked_serial"
	// NotBefore is a certificate that is not valid yet: serial and the time at which it was seen first.
	NotBefore = "certificate_not_yet"
	// IssuedSince is an order that the seller calls issued and of which no certificate came: id and the time at which
	// that was seen first.
	IssuedSince = "issued_since"
	// WaitingTask is the id of the administrator's task that is over when the certificate is stored.
	WaitingTask = "waiting_task"
	// StatusNote is what the panel shows beside the service status: its own word check, or our lines about names that
	// cannot be certified.
	StatusNote = "service_status_addition"
)
