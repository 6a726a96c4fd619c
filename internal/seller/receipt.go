package seller

import (
	"fmt"
	"strings"
)

// Receipt is the seller's answer to a purchase.
type Receipt struct {
	ID        int64
	Order     string // the seller's order number, empty if it names none
	Charged   string // amount as the seller wrote it, empty if it names none
	Delivered string // the seller's name of the delivered product, empty if it names none
}

// String returns the receipt as one line for the log: the id and the other values that are set.
func (r Receipt) String() string {
	parts := []string{fmt.Sprintf("id %d", r.ID)}
	if r.Order != "" {
		parts = append(parts, "seller's order "+r.Order)
	}
	if r.Charged != "" {
		parts = append(parts, "charged "+r.Charged)
	}
	if r.Delivered != "" {
		parts = append(parts, fmt.Sprintf("delivered as %q", r.Delivered))
	}
	return strings.Join(parts, ", ")
}
