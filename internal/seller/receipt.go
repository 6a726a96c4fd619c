package seller

import (
	"fmt"
	"strings"
)

// Receipt is the seller's answer to a purchase.
type Receipt struct {
	ID        int64
	Order     string // the seller's order number, empty where it names none
	Charged   string // amount as the seller wrote it, empty where it names none
	Delivered string // the seller's own name of the product that it delivered, empty where it names none
}

// String is the receipt in one line for the log: the id, and of the rest what the seller told.
func (r Receipt) String() string {
	told := []string{fmt.Sprintf("id %d", r.ID)}
	if r.Order != "" {
		told = append(told, "seller's order "+r.Order)
	}
	if r.Charged != "" {
		told = append(told, "charged "+r.Charged)
	}
	if r.Delivered != "" {
		told = append(told, fmt.Sprintf("delivered as %q", r.Delivered))
	}
	return strings.Join(told, ", ")
}
