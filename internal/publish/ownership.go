package publish

import (
	"context"
)

// Facts are what the panel's database knows of hosting and domains. Errors are *fault.Error.
type Facts interface {
	// Hostings lists the items of the account that stand on one of the processing modules and are active or suspended
	// (item.status 2 or 3), with the user name that the item parameter of this name holds.
	Hostings(ctx context.Context, account int64, modules []int64, userParam string) ([]Hosting, error)
	// NamedItems lists the items of every account whose name, or item parameter domain, is one of the names, whatever their
	// status is short of deleted; certificates and their parts are left out.
	NamedItems(ctx context.Context, names []string) ([]NamedItem, error)
}

// Hosting is one hosting item of an account.
type Hosting struct {
	Item   int64
	Module int64
	User   string
	Active bool // item.status 2
}

// NamedItem is an item that carries a name.
type NamedItem struct {
	Item    int64
	Account int64
	Name    string // as in Facts.NamedItems: A-labels, lower case
	Domain  bool   // its type is domain: the name is registered for the account
	Active  bool   // item.status 2
}
