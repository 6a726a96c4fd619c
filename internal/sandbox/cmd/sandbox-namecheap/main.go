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
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"pmssl/internal/sandbox/ca"
	"pmssl/internal/sandbox/loopback"
	"pmssl/internal/sandbox/namecheap"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, pflag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "sandbox-namecheap:", err)
		os.Exit(1)
	}
}

type options struct {
	listen, control, clock, caDir, caKey, state string
	noRateLimit                                 bool
}

func parse(args []string, stdout io.Writer) (options, error) {
	var o options
	flags := pflag.NewFlagSet("sandbox-namecheap", pflag.ContinueOnError)
	flags.StringVar(&o.listen, "listen", "127.0.0.1:0", "loopback address of the API; port 0 takes a free one")
	flags.StringVar(&o.control, "control", "127.0.0.1:0", "loopback address of the control")
	flags.StringVar(&o.clock, "clock", "", "file with one RFC 3339 instant that is the time; real time without it")
	flags.StringVar(&o.caDir, "ca", "", "directory that keeps the CA (root.pem, intermediate.pem); in memory without it")
	flags.StringVar(&o.caKey, "ca-key", string(ca.ECDSA), "keys of a new CA: ecdsa or rsa")
	flags.StringVar(&o.state, "state", "", "file that keeps everything over a restart")
	flags.BoolVar(&o.noRateLimit, "no-rate-limit", false, "switch off the limits of 20 calls a minute, 700 an hour, 8000 a day")
	flags.Usage = func() {
		fmt.Fprintf(stdout, "sandbox-namecheap is a stand-in for the SSL API of Namecheap.\n\n"+
			"It prints its addresses and the default account, and serves until SIGTERM or SIGINT.\n\n%s\n%s", flags.FlagUsages(), namecheap.ControlHelp)
	}
	err := flags.Parse(args)
	if err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return o, err
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	o, err := parse(args, stdout)
	if err != nil {
		return err
	}
	api, err := loopback.Listen(o.listen)
	if err != nil {
		return err
	}
	defer api.Close()
	control, err := loopback.Listen(o.control)
	if err != nil {
		return err
	}
	defer control.Close()
	standIn, err := newStandIn(o, api)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "api http://%s%s\n", api.Addr(), namecheap.Path)
	fmt.Fprintf(stdout, "control http://%s\n", control.Addr())
	fmt.Fprintf(stdout, "account user=%s key=%s\n", namecheap.DefaultUser, namecheap.DefaultKey)
	return loopback.Serve(ctx, map[net.Listener]http.Handler{api: standIn, control: standIn.Control()})
}

func newStandIn(o options, api net.Listener) (*namecheap.Server, error) {
	settings := namecheap.DefaultSettings()
	settings.RateLimit.Enabled = !o.noRateLimit
	account := namecheap.DefaultAccount()
	if host, _, _ := net.SplitHostPort(api.Addr().String()); host != account.WhiteList[0] {
		account.WhiteList = append(account.WhiteList, host)
	}
	config := namecheap.Config{
		Clock: namecheap.NewClock(time.Now, o.clock), Settings: &settings, Accounts: []namecheap.Account{account}, StateFile: o.state,
	}
	if o.caDir != "" {
		authority, err := ca.Open(o.caDir, ca.Algorithm(o.caKey), nil)
		if err != nil {
			return nil, err
		}
		config.CA = authority
	} else {
		authority, err := ca.New(ca.Algorithm(o.caKey), nil)
		if err != nil {
			return nil, err
		}
		config.CA = authority
	}
	standIn, err := namecheap.New(config)
	if err != nil || !o.noRateLimit {
		return standIn, err
	}
	// The settings of a state file went before those of the configuration.
	settings = standIn.Settings()
	settings.RateLimit.Enabled = false
	return standIn, standIn.SetSettings(settings)
}
