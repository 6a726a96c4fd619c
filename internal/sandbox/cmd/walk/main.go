// Command walk compares the modules with the model of them: random steps of a provider, the same for a seed each time. It exits with 1
// at the first difference, and shows the steps before it.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"pmssl/internal/sandbox/provider"
	"pmssl/internal/sandbox/walk"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx, os.Args, os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, progress io.Writer) error {
	flags := flag.NewFlagSet("pmssl-walk", flag.ContinueOnError)
	flags.SetOutput(progress)
	self, err := os.Executable()
	if err != nil {
		return err
	}
	seed := flags.Uint64("seed", 1, "decides every step")
	steps := flags.Int("steps", 10_000, "steps of all workers together")
	workers := flags.Int("workers", 1, "walks at the same time, each with a seed of its own that is made from --seed")
	seller := flags.String("seller", "", "one of "+strings.Join(provider.Sellers(), ", ")+"; empty: they alternate")
	engine := flags.String("engine", "mariadb", "database: mariadb or embedded")
	show := flags.Int("show", 30, "steps that a difference shows")
	bin := flags.String("bin", filepath.Dir(self), "folder of the programs that make build, sandbox and simclock have built")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	sellers := provider.Sellers()
	if *seller != "" {
		sellers = []string{*seller}
	}
	result, err := walk.Several(ctx, walk.Options{
		Bin: *bin, Engine: *engine, Seed: *seed, Steps: *steps, Show: *show, Now: time.Now, Random: rand.Reader,
	}, sellers, *workers, progress)
	fmt.Fprintln(out, result)
	return err
}
