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

// Program has what differs between the binaries.
type Program struct {
	Name    string // file name of the binary, as in processingmodule.module: log, locks and journal carry it
	Version string // for --version
	Commit  string // for --version
	// Info returns the description of the seller. It opens nothing, because `features` uses it too.
	Info func(seller.Env) seller.Info
}

// System is the operating system for this package and those below, which use no other access to it.
type System struct {
	Args           []string // without the program's own name
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) (string, bool)
	Environ        []string // of child processes, NAME=value
	Now            func() time.Time
	Sleep          func(context.Context, time.Duration) error // returns early with the context's error
	// RealSleep is as Sleep, in real time also in a build whose time is simulated: it limits the process itself, not its work.
	RealSleep func(context.Context, time.Duration) error
	Jitter    func() float64 // in [0,1)
	Rand      io.Reader
	PID       int
	Addresses func() ([]netip.Addr, error) // this host's own IPv4 addresses
	// Dial opens connections to DNS servers, as net.Dialer.DialContext does; nil if no DNS names are looked up.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// ResolvConf is the path of the system's resolv.conf(5).
	ResolvConf string
	// Host is the root directory of this host's own files, which doctor looks at: "/".
	Host string
	// Executable returns the path of the running program.
	Executable func() string
	// Terminal, StdinTerminal and StderrTerminal report whether Stdout, Stdin and Stderr are terminals.
	Terminal, StdinTerminal, StderrTerminal bool
	// CatchSignals keeps SIGPIPE from ending the process from now on: the write fails. If the command waits for something, it returns
	// what receives SIGTERM, SIGINT and SIGHUP from now on, else nil, and these end the process. nil if signals are not handled.
	CatchSignals func(waits bool) <-chan os.Signal
	// Exit ends the process at once. The watchdog calls it if a run does not end by itself some time after its deadline or a
	// signal; nil disables the watchdog.
	Exit func(code int)
}
