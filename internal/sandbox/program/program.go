// Package program is the command around a stand-in seller: its options, its addresses and its
// shutdown.
package program

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/spf13/pflag"

	"pmssl/internal/sandbox/ca"
	"pmssl/internal/sandbox/clock"
	"pmssl/internal/sandbox/internet"
	"pmssl/internal/sandbox/loopback"
	"pmssl/internal/sandbox/standin"
)

// Seller is a stand-in seller: its API, its control address, and the CRLs of its authority.
type Seller interface {
	http.Handler
	Control() http.Handler
	Repository() *ca.Repository
}

// Env is what the command gives to a seller.
type Env struct {
	API       net.Addr // where the API is served
	Clock     *clock.Clock
	CA        *ca.Authority
	StateFile string         // "" keeps nothing
	Looker    standin.Looker // nil: the control decides what is proved
}

// Program serves a stand-in seller.
type Program struct {
	Name    string // of the command
	Of      string // the system that the seller stands in for
	Help    string // of the control address
	Path    string // of the API
	Account string // the default account, as the command prints it
	// Flags adds further options; it may be nil.
	Flags func(*pflag.FlagSet)
	// Open creates the seller after the options are parsed.
	Open func(Env) (Seller, error)
}

type options struct {
	listen, control, crl, clock, caDir, caKey, state, internet string
}

func (p Program) parse(args []string, stdout io.Writer) (options, error) {
	var o options
	flags := pflag.NewFlagSet(p.Name, pflag.ContinueOnError)
	flags.StringVar(&o.listen, "listen", "127.0.0.1:0", "loopback address of the API; port 0 takes a free one")
	flags.StringVar(&o.control, "control", "127.0.0.1:0", "loopback address of the control")
	flags.StringVar(&o.crl, "crl", "127.0.0.1:0", "loopback address of the CA's CRLs and certificates, for whoever looks up "+ca.CRLHost)
	flags.StringVar(&o.clock, "clock", "", "file with one RFC 3339 instant that is the time; real time without it")
	flags.StringVar(&o.caDir, "ca", "", "directory that keeps the CA (root.pem, intermediate.pem); in memory without it")
	flags.StringVar(&o.caKey, "ca-key", string(ca.ECDSA), "keys of a new CA: ecdsa or rsa")
	flags.StringVar(&o.state, "state", "", "file that keeps everything over a restart")
	flags.StringVar(&o.internet, "internet", "", "file with the addresses of a simulated Internet (PMSSL_DIAL): the authority looks at challenges there")
	if p.Flags != nil {
		p.Flags(flags)
	}
	flags.Usage = func() {
		fmt.Fprintf(stdout, "%s is a stand-in for %s.\n\n"+
			"It prints its addresses and the default account, and serves until SIGTERM or SIGINT.\n\n%s\n%s", p.Name, p.Of, flags.FlagUsages(), p.Help)
	}
	err := flags.Parse(args)
	if err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return o, err
}

// Run prints the addresses and serves until the context ends. now is the real clock. The error is
// pflag.ErrHelp if the arguments ask for help.
func (p Program) Run(ctx context.Context, args []string, stdout io.Writer, now func() time.Time) error {
	o, err := p.parse(args, stdout)
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
	crl, err := loopback.Listen(o.crl)
	if err != nil {
		return err
	}
	defer crl.Close()
	authority, err := openCA(o)
	if err != nil {
		return err
	}
	looker, err := openLooker(o)
	if err != nil {
		return err
	}
	seller, err := p.Open(Env{API: api.Addr(), Clock: clock.New(now, o.clock), CA: authority, StateFile: o.state, Looker: looker})
	if err != nil {
		return err
	}
	seller.Repository().SetBase("http://" + crl.Addr().String())
	fmt.Fprintf(stdout, "api http://%s%s\n", api.Addr(), p.Path)
	fmt.Fprintf(stdout, "control http://%s\n", control.Addr())
	fmt.Fprintf(stdout, "crl http://%s\n", crl.Addr())
	fmt.Fprintf(stdout, "account %s\n", p.Account)
	return loopback.Serve(ctx, map[net.Listener]http.Handler{api: seller, control: seller.Control(), crl: seller.Repository()})
}

func openCA(o options) (*ca.Authority, error) {
	if o.caDir == "" {
		return ca.New(ca.Algorithm(o.caKey), nil)
	}
	return ca.Open(o.caDir, ca.Algorithm(o.caKey), nil)
}

// openLooker returns the authority's look at a simulated Internet, nil without one.
func openLooker(o options) (standin.Looker, error) {
	if o.internet == "" {
		return nil, nil
	}
	addresses, err := internet.ReadAddresses(o.internet)
	if err != nil {
		return nil, err
	}
	return internet.NewAuthority(addresses), nil
}
