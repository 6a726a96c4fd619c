package acceptance

import (
	"strings"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/exchange"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

// Evidence is what one run saw.
type Evidence struct {
	Exchanges []Exchange // with the seller, oldest first
	Calls     []exchange.PanelCall
	Steps     []Step
	Item      item.Item // as the panel has it at the end
	Products  []seller.Product
	Now       time.Time
}

// Exchange is a call to the seller with its answer.
type Exchange struct {
	exchange.Call
	exchange.Answer
	// root is the answer's document; nil if it is none.
	root *sellerhttp.Element
}

// newExchange parses the answer, which is untrusted.
func newExchange(call exchange.Call, answer exchange.Answer) Exchange {
	e := Exchange{Call: call, Answer: answer}
	if answer.Status == 200 {
		if root, err := sellerhttp.ParseXML(answer.Body); err == nil {
			e.root = root
		}
	}
	return e
}

// Step is one command of the walk with the item before and after it.
type Step struct {
	Name          string // of the stage
	Before, After item.Item
	// OperationsBefore and OperationsAfter count the item's running operations.
	OperationsBefore, OperationsAfter int
	Failed                            bool
}

// named returns the exchanges of one command or function that got a document, oldest first.
func (e *Evidence) named(name string) []Exchange {
	var found []Exchange
	for _, one := range e.Exchanges {
		if strings.EqualFold(one.Name, name) && one.root != nil {
			found = append(found, one)
		}
	}
	return found
}

// step returns the last step of that name; false if there was none or it failed.
func (e *Evidence) step(name string) (Step, bool) {
	for i := len(e.Steps) - 1; i >= 0; i-- {
		if e.Steps[i].Name == name {
			return e.Steps[i], !e.Steps[i].Failed
		}
	}
	return Step{}, false
}

// leaf returns the certificate that is stored on the item; false if there is none.
func (e *Evidence) leaf() (pki.Chain, bool) {
	chain, err := pki.StoredLeaf(e.Item.Stored)
	return chain, err == nil
}

// termEnd returns the end of the item's paid term; zero if it is not known.
func (e *Evidence) termEnd() cabforum.Date {
	start, err := cabforum.ParseDate(e.Item.Params[itemparam.TermStart])
	months := int(seller.ParseID(e.Item.Params[itemparam.TermMonths]))
	if err != nil || start.IsZero() || months <= 0 {
		return cabforum.Date{}
	}
	return start.AddMonths(months)
}

// product returns the product of the item's tariff; false if it is not known.
func (e *Evidence) product() (seller.Product, bool) {
	return seller.FindProduct(e.Products, e.Item.Template)
}

// near reports whether two dates are at most a day apart (rules TIME-2).
func near(a, b cabforum.Date) bool {
	return !a.IsZero() && !b.IsZero() && !a.Before(b.AddDays(-1)) && !a.After(b.AddDays(1))
}

// within returns the elements of that name below the element, at any depth.
func within(e *sellerhttp.Element, name string) []*sellerhttp.Element {
	if e == nil {
		return nil
	}
	var found []*sellerhttp.Element
	for _, child := range e.Children {
		if strings.EqualFold(child.Name, name) {
			found = append(found, child)
		}
		found = append(found, within(child, name)...)
	}
	return found
}
