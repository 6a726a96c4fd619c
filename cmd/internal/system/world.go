// Package world is the real world for the binaries: the one place under which the operating system is looked at. What it
// hands over is a module.System.
package system

import (
	"context"
	"crypto/rand"
	mathrand "math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"time"

	"pmssl/internal/app"
)

// Real is this process and its host. It changes how the process takes signals: SIGTERM, SIGINT and SIGHUP no longer end it
// but come out of World.Signals, and SIGPIPE only makes the write fail. A child process still starts with the usual
// dispositions, which is why SIGPIPE is caught and dropped instead of being ignored.
func Real() app.System {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	ends := make(chan os.Signal, 1)
	for _, end := range []os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		if !signal.Ignored(end) { // as under nohup
			signal.Notify(ends, end)
		}
	}
	return app.System{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Getenv: os.LookupEnv, Environ: childEnvironment(),
		Now: clock(), Sleep: sleep, Jitter: mathrand.Float64, Rand: rand.Reader,
		PID: os.Getpid(), Addresses: addresses, Dial: new(net.Dialer).DialContext, ResolvConf: "/etc/resolv.conf", Signals: ends,
		Terminal: terminal(os.Stdout), StderrTerminal: terminal(os.Stderr), Exit: os.Exit,
	}
}

// terminal reports whether a person reads what is written to the file: whether it is a character device.
func terminal(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// sleep waits for the time or the end of the context, whichever comes first; the latter is its error.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// addresses lists the IPv4 addresses of this host's interfaces, loopback included, in the kernel's order.
func addresses() ([]netip.Addr, error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	var found []netip.Addr
	for _, a := range all {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil && prefix.Addr().Unmap().Is4() {
			found = append(found, prefix.Addr().Unmap())
		}
	}
	return found, nil
}
