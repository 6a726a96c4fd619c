package command

import (
	"context"
	"net/netip"
	"time"

	"github.com/beevik/etree"
)

// Args are the words of the command line that commands look at (billmanager-module-protocol §1.2).
type Args struct {
	Command    string
	Subcommand string
	Item       int64
	Module     int64
	Operation  int64 // running operation, 0 where the panel started none
	Intname    string
	Domain     string
	Lang       string
	ID         string
	None       bool // resolve: nothing was bought
	Yes        bool // resolve: do it
	Level      int
	// Params and Values are the pairs of --param and --value in the order given.
	Params, Values []string
}

// Run is one run of one command: everything that it may look at. Nothing below it reads the world directly.
type Run struct {
	Binary string // name of the program: log, locks, journal
	Args   Args
	// Doc is the document from stdin for commands that read one, nil otherwise; Text is stdin as text (a CSR).
	Doc  *etree.Document
	Text string

	Panel Panel
	Trade Trade
	Log   Log
	Now   func() time.Time
	// Addresses lists this host's own IPv4 addresses.
	Addresses func() ([]netip.Addr, error)
}

// Func is one command. The document is what goes to stdout on success; nil prints nothing.
type Func func(ctx context.Context, run *Run) (*etree.Document, error)
