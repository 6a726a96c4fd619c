package seller

// State is where an order or certificate stands at the seller, in words that all sellers share.
type State int

// The states. StateUnknown is anything that the seller says and we do not know: nothing is decided on it.
const (
	StateUnknown   State = iota
	StateNew             // paid, not activated: no CSR has been given (newpurchase)
	StateRenewal         // the same for a renewal (newrenewal)
	StateWaiting         // activated, waiting for proof or vetting (purchased)
	StateIssued          // the certificate is there (active)
	StateReplaced        // a reissue took its place
	StateRefused         // the CA refused the activation; the seller's support must act (purchaseerror)
	StateCancelled       // cancelled
	StateExpired         // ran out
	StateUnpaid          // ordered and not paid for: nothing comes of it until somebody pays at the seller
)

// String returns the word for log lines.
func (s State) String() string {
	switch s {
	case StateNew:
		return "new"
	case StateRenewal:
		return "new renewal"
	case StateWaiting:
		return "waiting"
	case StateIssued:
		return "issued"
	case StateReplaced:
		return "replaced"
	case StateRefused:
		return "refused"
	case StateCancelled:
		return "cancelled"
	case StateExpired:
		return "expired"
	case StateUnpaid:
		return "unpaid"
	}
	return "unknown"
}

// Ended reports whether nothing can come of the order any more.
func (s State) Ended() bool {
	return s == StateRefused || s == StateCancelled || s == StateExpired
}

// Activatable reports whether the order is paid and still without a CSR.
func (s State) Activatable() bool { return s == StateNew || s == StateRenewal }
