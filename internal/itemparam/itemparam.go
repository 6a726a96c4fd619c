// Package itemparam has the names of the parameters of a certificate item in the panel (table itemparam).
package itemparam

// Names of item parameters, table itemparam (rules PARAM-1 to PARAM-15 and docs/reference/billmanager.md §4.1).
const (
	Intent           = "purchase_intent"
	Unjournaled      = "purchase_unjournaled" // lines that could not be written to the purchase journal
	OrderID          = "custom_order_id"
	Lineage          = "lineage"
	TermStart        = "term_start"
	TermMonths       = "term_months" // months of the paid term; the item's own period may already be that of the next term
	PaidUntil        = "paid_until"
	ExpireDate       = "certificate_expiredate"
	Serial           = "certificate_serial"
	ValidationTime   = "dcv_time"
	ValidationMethod = "dcv_method"
	Domains          = "domains_list"
	Delivered        = "delivered_type"
	Method           = "approver_method"
	Approver         = "approver_email"
	AltName          = "altname"
	OldAltName       = "old_altname"
	ServiceStatus    = "service_status"
	ReissueOf        = "reissue_of"
	ReissueTried     = "reissue_tried"
	NotifiedSerial   = "told_serial"
	TermEnd          = "seller_term_end"
	Renewal          = "renewal_bought" // TIME ID OPERATION of the renewal that was paid last
	Released         = "released_ids"   // ids of the purchase journal that an administrator removed from the item
	SANsBought       = "sans_bought"    // names bought beyond those included in the product's price
	// Requested is the SHA-256 of the CSR and names that were last submitted to the seller. A second word means that they are
	// being submitted (rules STORE-9).
	Requested = "request_mark"
	// LeafKey and LeafNames identify the request of the stored certificate: SHA-256 of its public key and of the requested
	// names.
	LeafKey   = "certificate_key"
	LeafNames = "certificate_names"
	// RefusedSerial is the serial of a certificate that was not stored because the stored one is better. RevokedSerial is the
	// serial of a stored one that the seller reports as cancelled.
	RefusedSerial = "refused_serial"
	RevokedSerial = "revoked_serial"
	// NotBefore is the serial of a certificate that is not valid yet, and the time at which it was first found.
	NotBefore = "certificate_not_yet"
	// IssuedSince is the id of an order that the seller reports as issued without delivering a certificate, and the time at
	// which this was first found.
	IssuedSince = "issued_since"
	// WaitingTask is the id of the administrator's task that is closed when the certificate is stored.
	WaitingTask = "waiting_task"
	// StatusNote is the text that the panel shows with the service status: the panel's own value check, or this module's lines
	// about names that cannot be certified.
	StatusNote = "service_status_addition"
	// ImportedCSR is the CSR of an imported item, as the seller shows it (rules IMPORT-3).
	ImportedCSR = "imported_csr"
	// RotatedCSR is the CSR for a new key that the module has made, in the place of the panel's CSR, as JSON (rules ROTATE-3).
	RotatedCSR = "rotated_csr"
	// CSRMissed is the serial of an imported certificate and the time when the seller last showed no CSR that fits it.
	CSRMissed = "imported_csr_missed"
	// Delivery is what is known of the certificate that is being delivered to its servers, as JSON. DeployedSerial is the serial of
	// the last one that was seen at all of them.
	Delivery       = "delivery"
	DeployedSerial = "deployed_serial"
	// ChallengesPublished lists the records that the module has published for the order, as JSON.
	ChallengesPublished = "challenges_published"
	// ChallengesRemoved is what is known of challenges that were removed while their order still waited, as JSON.
	ChallengesRemoved = "challenges_removed"
	// ChallengesDeferred is since when the item waits for a sweep that has time for its challenges.
	ChallengesDeferred = "challenges_deferred"
	// Revocation is what is known of a certificate of the item that its CA revoked, as JSON (rules PARAM-45).
	Revocation = "revocation"
	// SiteWatch is what the item's sites serve, as JSON (rules PARAM-42).
	SiteWatch = "site_watch"
	// EarlierSerials lists the serials of the certificates that were replaced on the item, oldest first (rules PARAM-43).
	EarlierSerials = "earlier_serials"
	// Migration is the order of the seller that a migration is about to give to the item, as JSON (rules PARAM-46).
	Migration = "migration"
)

// Own returns parameters of which an item that this module has ordered, imported or migrated carries at least one. OrderID is not
// among them: the panel's own modules write it too (docs/reference/billmanager.md §4.1).
func Own() []string {
	return []string{
		Intent, Lineage, TermStart, TermMonths, Serial, ExpireDate, LeafKey, Requested, ReissueOf, ImportedCSR, Released, Unjournaled, Renewal,
	}
}
