package command

import (
	"context"

	"pmssl/internal/cert"
)

// dial connects the seller of a processing module, for commands that concern no item.
func dial(ctx context.Context, run *Run, module int64) (Seller, error) {
	params, err := run.Panel.ModuleParams(ctx, module)
	if err != nil {
		return nil, err
	}
	return run.Trade.Connect(params)
}

// unable is the fault of a command that the seller has no power for. Its features do not name the command: somebody
// called it all the same.
func unable(run *Run, what string) error {
	return cert.Faultf(cert.FaultValue, "command", "%s has no function that %s", run.Trade.Title, what)
}
