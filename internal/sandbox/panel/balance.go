package panel

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
)

// Balance is the balance of a module's account at the seller, as the panel stores it.
type Balance struct {
	Module   int64  `json:"module"`
	Amount   string `json:"amount"` // as stored; "" = unknown
	Currency string `json:"currency"`
	Low      bool   `json:"low"` // below the module's threshold: the panel would notify the administrator
}

// CheckBalances runs the panel's cron job processing.checkbalance (docs/reference/billmanager.md §11): it starts
// getbalance for every active module that declares it.
func (p *Panel) CheckBalances(ctx context.Context) ([]*Run, error) {
	ids, err := p.ids(ctx, "SELECT id FROM processingmodule WHERE active='on' ORDER BY id")
	if err != nil {
		return nil, err
	}
	var runs []*Run
	for _, id := range ids {
		name, err := p.moduleOf(ctx, id)
		if err != nil {
			return runs, err
		}
		f, err := p.Features(ctx, name)
		if err != nil {
			return runs, err
		}
		if !f.Has("getbalance") {
			continue
		}
		run, err := p.Start(ctx, name, nil, "--command", "getbalance", "--module", strconv.FormatInt(id, 10))
		if err != nil {
			return runs, err
		}
		runs = append(runs, run)
	}
	return runs, nil
}

// Balances returns the balances that modules saved with processing.savebalance, by module.
func (p *Panel) Balances(ctx context.Context) ([]Balance, error) {
	rs, err := p.db.QueryContext(ctx, `SELECT pm.id, pm.balance, pm.balancecurrency, pp.value FROM processingmodule pm
		LEFT JOIN processingparam pp ON pp.processingmodule=pm.id AND pp.intname='threshold' ORDER BY pm.id`)
	if err != nil {
		return nil, err
	}
	defer rs.Close()
	var all []Balance
	for rs.Next() {
		var b Balance
		var amount, currency, threshold sql.NullString
		if err := rs.Scan(&b.Module, &amount, &currency, &threshold); err != nil {
			return nil, err
		}
		b.Amount, b.Currency = amount.String, currency.String
		b.Low = below(b.Amount, threshold.String)
		all = append(all, b)
	}
	return all, rs.Err()
}

func below(amount, threshold string) bool {
	has, known := decimal(amount)
	least, set := decimal(threshold)
	return known && set && has < least
}

// decimal parses a number as the panel's database stores it.
func decimal(text string) (float64, bool) {
	if text == "" || strings.Trim(text, "-.0123456789") != "" {
		return 0, false
	}
	number, err := strconv.ParseFloat(text, 64)
	return number, err == nil
}

// Import submits the panel's form "services import" for one module (docs/reference/billmanager.md §11). search holds
// names, separated by blanks; empty means all.
func (p *Panel) Import(ctx context.Context, module int64, search string) (*Run, error) {
	name, err := p.moduleOf(ctx, module)
	if err != nil {
		return nil, err
	}
	args := []string{"--command", "import", "--module", strconv.FormatInt(module, 10), "--itemtype", "certificate"}
	if search != "" {
		args = append(args, "--searchstring", search)
	}
	return p.Start(ctx, name, nil, args...)
}
