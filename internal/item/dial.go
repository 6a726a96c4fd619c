package item

import (
	"cmp"
	"context"
	"slices"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
)

// Dial connects the seller of a processing module, for commands without an item. It returns fault.Missed if the module does
// not exist and fault.Value if it belongs to another binary.
func Dial(ctx context.Context, run *Run, module int64) (seller.Seller, error) {
	params, err := run.Panel.ModuleParams(ctx, module)
	if err != nil {
		return nil, err
	}
	own, err := run.Panel.Modules(ctx)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(own, module) {
		return nil, fault.Errorf(fault.Value, "module", "the processing module %d is none of %s; its own are %s", module, run.Binary, cmp.Or(FormatIDs(own), "none"))
	}
	return run.Info.Connect(params)
}

// Unsupported returns the fault of a command that the seller does not support. The module's features do not list such a
// command, but somebody may call it.
func Unsupported(run *Run, what string) error {
	return fault.Errorf(fault.Value, "command", "%s does not support %s", run.Info.Title, what)
}
