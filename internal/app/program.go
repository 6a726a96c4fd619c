package app

import (
	"context"
	"io"
	"net"
	"net/netip"
	"os"
	"time"

	"pmssl/internal/seller"
)

// Program is what differs between the binaries.
type Program struct {
	Name    string // file name of the binary, as in processingmodule.module: log, locks and journal carry it
	Version string // for --version
	Commit  string // for --version
	// Info makes what is fixed about the seller. It opens nothing: `features` calls it too.
	Info func(seller.Env) seller.Info
}

// System is everything outside the program. Nothing here or below looks past it.
type System struct {
	Args           []string // without the program's own name
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) (string, bool)
	Environ        []string // of child processes, NAME=value: nothing of whoever started us
	Now            func() time.Time
	Sleep          func(context.Context, time.Duration) error // ends early with the context's error
	Jitter         func() float64                             // in [0,1)
	Rand           io.Reader
	PID            int
	Addresses      func() ([]netip.Addr, error) // this host's own IPv4 addresses
	// Dial opens connections to DNS servers, as net.Dialer.DialContext does; nil where names are not to be looked up.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// ResolvConf is the path of the system's resolv.conf(5).
	ResolvConf string
	Terminal   bool // a person reads Stdout
	// StderrTerminal says that a person reads Stderr.
	StderrTerminal bool
	// Signals brings SIGTERM, SIGINT and SIGHUP; nil if nobody sends any. SIGPIPE must already be ignored.
	Signals <-chan os.Signal
	// Exit ends the process at once. It is called where a run does not end by itself, some time after its deadline or a
	// signal; nil if nothing may do that.
	Exit func(code int)
}
