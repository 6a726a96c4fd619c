package command

import (
	"pmssl/internal/item"
)

// WithDryPanel calls f with the panel of a dry run.
func WithDryPanel(run *item.Run, f func(item.Panel)) {
	if err := run.BeginDryRun(); err != nil {
		panic(err)
	}
	f(run.Panel)
}
