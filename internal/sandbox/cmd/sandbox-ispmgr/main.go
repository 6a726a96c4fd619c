// Command sandbox-ispmgr is a stand-in for ISPmanager's billing, for
// development and tests. See --help and the documentation of
// pmssl/internal/sandbox/ispmgr.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"pmssl/internal/sandbox/ispmgr"
	"pmssl/internal/sandbox/program"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, pflag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "sandbox-ispmgr:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	return program.Program{
		Name: "sandbox-ispmgr", Of: "ISPmanager's billing (BILLmanager)", Help: ispmgr.ControlHelp, Path: ispmgr.Path,
		Account: "user=" + ispmgr.DefaultUser + " password=" + ispmgr.DefaultPassword,
		Open: func(w program.Env) (program.Seller, error) {
			return ispmgr.New(ispmgr.Config{Clock: w.Clock, CA: w.CA, StateFile: w.StateFile, Looker: w.Looker})
		},
	}.Run(ctx, args, stdout, time.Now)
}
