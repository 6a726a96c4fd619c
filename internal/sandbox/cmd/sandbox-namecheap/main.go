// Command sandbox-namecheap is a stand-in for the SSL API of Namecheap, for
// development and tests. See --help and the documentation of
// pmssl/internal/sandbox/namecheap.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"pmssl/internal/sandbox/namecheap"
	"pmssl/internal/sandbox/program"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, pflag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "sandbox-namecheap:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	var noRateLimit bool
	return program.Program{
		Name: "sandbox-namecheap", Of: "the SSL API of Namecheap", Help: namecheap.ControlHelp, Path: namecheap.Path,
		Account: "user=" + namecheap.DefaultUser + " key=" + namecheap.DefaultKey,
		Flags: func(flags *pflag.FlagSet) {
			flags.BoolVar(&noRateLimit, "no-rate-limit", false, "switch off the limits of 20 calls a minute, 700 an hour, 8000 a day")
		},
		Open: func(w program.Env) (program.Seller, error) { return open(w, noRateLimit) },
	}.Run(ctx, args, stdout, time.Now)
}

func open(w program.Env, noRateLimit bool) (*namecheap.Server, error) {
	account := namecheap.DefaultAccount()
	if host, _, _ := net.SplitHostPort(w.API.String()); host != account.WhiteList[0] {
		account.WhiteList = append(account.WhiteList, host)
	}
	seller, err := namecheap.New(namecheap.Config{Clock: w.Clock, CA: w.CA, StateFile: w.StateFile, Looker: w.Looker, Accounts: []namecheap.Account{account}})
	if err != nil || !noRateLimit {
		return seller, err
	}
	settings := seller.Settings() // those of the state file, if there is one; the flag takes precedence
	settings.RateLimit.Enabled = false
	return seller, seller.SetSettings(settings)
}
