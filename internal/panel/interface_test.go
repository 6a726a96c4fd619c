package panel_test

import (
	"pmssl/internal/command"
	"pmssl/internal/panel"
)

var _ command.Panel = (*panel.Host)(nil)
