// Package system gives the programs access to the operating system. No other package of the product reads the process's
// arguments, environment, clock or standard streams: they get them in an app.System.
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
	"unsafe"

	"pmssl/internal/app"
)

// Real returns the System of this process and its host.
func Real() app.System {
	return app.System{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Getenv: os.LookupEnv, Environ: childEnvironment(),
		Now: clock(), Sleep: sleeper(), RealSleep: sleep, Jitter: mathrand.Float64, Rand: rand.Reader,
		PID: os.Getpid(), Addresses: addresses, Dial: dialer(), ResolvConf: "/etc/resolv.conf", CatchSignals: catchSignals,
		Host: host(), Executable: executable,
		Terminal: terminal(os.Stdout), StdinTerminal: terminal(os.Stdin), StderrTerminal: terminal(os.Stderr), Exit: os.Exit,
	}
}

// catchSignals is app.System.CatchSignals. SIGPIPE is caught and dropped, not ignored, so that a child process starts with its
// default handling; a command that does not wait has no child process, and nothing has to run for what is ignored.
func catchSignals(waits bool) <-chan os.Signal {
	if !waits {
		signal.Ignore(syscall.SIGPIPE)
		return nil
	}
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	ends := make(chan os.Signal, 1)
	for _, end := range []os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		if !signal.Ignored(end) { // as under nohup
			signal.Notify(ends, end)
		}
	}
	return ends
}

// executable returns the path of this program; that of the running process if the file was replaced or cannot be named.
func executable() string {
	path, err := os.Executable()
	if err != nil {
		return "/proc/self/exe"
	}
	if _, err := os.Stat(path); err != nil {
		return "/proc/self/exe"
	}
	return path
}

type (
	sleepFunc func(ctx context.Context, d time.Duration) error
	dialFunc  func(ctx context.Context, network, address string) (net.Conn, error)
)

// terminal reports whether the file is a terminal: whether it has terminal settings (tcgetattr(3)). Another character device, such
// as /dev/null, has none.
func terminal(file *os.File) bool {
	var settings syscall.Termios
	_, _, failed := syscall.Syscall(syscall.SYS_IOCTL, file.Fd(), syscall.TCGETS, uintptr(unsafe.Pointer(&settings)))
	return failed == 0
}

// sleep waits for d. If the context ends first, it returns the context's error.
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

// addresses returns the IPv4 addresses of this host's interfaces, loopback included, in the kernel's order.
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
