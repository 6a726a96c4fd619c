// Command sandbox-ispmgr is a stand-in for ISPmanager's billing, for
// development and tests. See --help and the documentation of
// pmssl/internal/sandbox/ispmgr.
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
	"pmssl/internal/sandbox/ispmgr"
	"pmssl/internal/sandbox/loopback"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, pflag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "sandbox-ispmgr:", err)
		os.Exit(1)
	}
}

type options struct {
	listen, control, clock, caDir, caKey, state string
}

func parse(args []string, stdout io.Writer) (options, error) {
	var o options
	flags := pflag.NewFlagSet("sandbox-ispmgr", pflag.ContinueOnError)
	flags.StringVar(&o.listen, "listen", "127.0.0.1:0", "loopback address of the API; port 0 takes a free one")
	flags.StringVar(&o.control, "control", "127.0.0.1:0", "loopback address of the control")
	flags.StringVar(&o.clock, "clock", "", "file with one RFC 3339 instant that is the time; real time without it")
	flags.StringVar(&o.caDir, "ca", "", "directory that keeps the CA (root.pem, intermediate.pem); in memory without it")
	flags.StringVar(&o.caKey, "ca-key", string(ca.ECDSA), "keys of a new CA: ecdsa or rsa")
	flags.StringVar(&o.state, "state", "", "file that keeps everything over a restart")
	flags.Usage = func() {
		fmt.Fprintf(stdout, "sandbox-ispmgr is a stand-in for ISPmanager's billing (BILLmanager).\n\n"+
			"It prints its addresses and the default account, and serves until SIGTERM or SIGINT.\n\n%s\n%s", flags.FlagUsages(), ispmgr.ControlHelp)
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
	standIn, err := newStandIn(o)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "api http://%s%s\n", api.Addr(), ispmgr.Path)
	fmt.Fprintf(stdout, "control http://%s\n", control.Addr())
	fmt.Fprintf(stdout, "account user=%s password=%s\n", ispmgr.DefaultUser, ispmgr.DefaultPassword)
	return loopback.Serve(ctx, map[net.Listener]http.Handler{api: standIn, control: standIn.Control()})
}

func newStandIn(o options) (*ispmgr.Server, error) {
	config := ispmgr.Config{Clock: ispmgr.NewClock(time.Now, o.clock), StateFile: o.state}
	var err error
	if o.caDir != "" {
		config.CA, err = ca.Open(o.caDir, ca.Algorithm(o.caKey), nil)
	} else {
		config.CA, err = ca.New(ca.Algorithm(o.caKey), nil)
	}
	if err != nil {
		return nil, err
	}
	return ispmgr.New(config)
}
