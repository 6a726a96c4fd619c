package seller

// State is the state of an order or certificate at the seller, the same for all sellers.
type State int

// The states. StateUnknown is a state of the seller that this program does not know; no decision is based on it.
const (
	StateUnknown   State = iota
	StateNew             // paid, not activated: no CSR has been given (newpurchase)
	StateRenewal         // the same for a renewal (newrenewal); never StateNew, see Seller.OrderSnapshot
	StateWaiting         // activated, waiting for validation (purchased)
	StateIssued          // the certificate was issued (active)
	StateReplaced        // a reissue replaced it
	StateRefused         // the CA refused the activation; the seller's support must act (purchaseerror)
	StateCancelled       // cancelled
	StateExpired         // its term has ended
	StateUnpaid          // ordered and not paid for: the seller does nothing until somebody pays
)

// String returns the state's name for logs.
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

// Ended reports whether the order can no longer lead to a certificate.
func (s State) Ended() bool {
	return s == StateRefused || s == StateCancelled || s == StateExpired
}

// Activatable reports whether the order is paid and has no CSR yet.
func (s State) Activatable() bool { return s == StateNew || s == StateRenewal }
