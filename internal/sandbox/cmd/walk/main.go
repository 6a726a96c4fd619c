// Command walk compares the modules with a model of them: random steps of a provider, the same ones for the same seed. It writes a line
// for each 1,000 steps to stderr and the figures to stdout, and exits with 1 at the first difference, with the steps before it.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"pmssl/internal/sandbox/walk"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	c, err := walk.ParseFlags(os.Args[1:], filepath.Dir(self), os.Stderr)
	if err != nil {
		return err
	}
	c.Now, c.Random = time.Now, rand.Reader
	summary, err := walk.Several(ctx, c.Options, c.Sellers, c.Workers, os.Stderr)
	fmt.Println(summary)
	return err
}
