package panel

import (
	"context"
	"database/sql"
	"errors"
)

// Module is a connected processing module.
type Module struct {
	ID       int64  `json:"id"`
	Name     string `json:"name"`
	Module   string `json:"module"` // file name of the binary
	Active   bool   `json:"active"`
	Amount   string `json:"amount"` // balance at the seller, as stored; "" = unknown
	Currency string `json:"currency"`
}

// Modules returns the connected processing modules, oldest first.
func (p *Panel) Modules(ctx context.Context) ([]Module, error) {
	rs, err := p.db.QueryContext(ctx, `SELECT id, name, module, active='on', IFNULL(balance, ''), IFNULL(balancecurrency, '') FROM processingmodule ORDER BY id`)
	if err != nil {
		return nil, err
	}
	defer rs.Close()
	var all []Module
	for rs.Next() {
		var m Module
		if err := rs.Scan(&m.ID, &m.Name, &m.Module, &m.Active, &m.Amount, &m.Currency); err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, rs.Err()
}

// ListedTariff is a price list entry with one of the modules that serve it.
type ListedTariff struct {
	ID      int64  `json:"id"`
	Name    string `json:"name"`
	IntName string `json:"intname"` // the module's template
	Module  int64  `json:"module"`  // processingmodule.id
}

// Tariffs returns the tariffs of certificates, once for each module that serves them, oldest first.
func (p *Panel) Tariffs(ctx context.Context) ([]ListedTariff, error) {
	rs, err := p.db.QueryContext(ctx, `SELECT t.id, t.name, IFNULL(t.intname, ''), m.processingmodule FROM pricelist t
		JOIN itemtype k ON k.id=t.itemtype JOIN processingmodule2pricelist m ON m.pricelist=t.id
		WHERE k.intname='certificate' AND t.active='on' ORDER BY t.id, m.processingmodule`)
	if err != nil {
		return nil, err
	}
	defer rs.Close()
	var all []ListedTariff
	for rs.Next() {
		var t ListedTariff
		if err := rs.Scan(&t.ID, &t.Name, &t.IntName, &t.Module); err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, rs.Err()
}

// ItemIDs returns the ids of the items of a type (itemtype.intname), deleted ones too, oldest first.
func (p *Panel) ItemIDs(ctx context.Context, itemType string) ([]int64, error) {
	return p.ids(ctx, `SELECT i.id FROM item i JOIN pricelist t ON t.id=i.pricelist JOIN itemtype k ON k.id=t.itemtype
		WHERE k.intname=? ORDER BY i.id`, itemType)
}

// ItemModule returns the file name of the module that serves an item.
func (p *Panel) ItemModule(ctx context.Context, item int64) (string, error) {
	return p.itemModule(ctx, item)
}

// SetLanguage sets the language of the client, in which he gets letters: en, ru, es.
func (p *Panel) SetLanguage(ctx context.Context, lang string) error {
	_, err := p.db.ExecContext(ctx, "UPDATE user SET language=? WHERE account=?", lang, firstAccount)
	return err
}

// ModuleParam returns a parameter of a connected module that is not encrypted, "" if it has none of that name.
func (p *Panel) ModuleParam(ctx context.Context, id int64, name string) (string, error) {
	value, err := p.text(ctx, "SELECT IFNULL(value, '') FROM processingparam WHERE processingmodule=? AND intname=?", id, name)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return value, err
}

// ParseError returns the error of a document that a module has saved for a running operation (errorxml), or nil if it has none.
func ParseError(document string) *ErrorNode { return errorOf(document) }
