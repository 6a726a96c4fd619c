// Command demo shows the life of one certificate with the real modules: wizard, order, validation, delivery, and the reissues
// of the paid years. Its arguments are the sellers to show (namecheap, ispmgr); the default is all. It starts its own
// database, panel and seller on loopback and leaves nothing running.
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"pmssl/internal/sandbox/demo"
	"pmssl/internal/sandbox/provider"
)

func main() {
	// SIGHUP: the terminal was closed.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	code := 0
	sellers := os.Args[1:]
	if len(sellers) == 0 {
		sellers = provider.Sellers()
	}
	for _, seller := range sellers {
		if err := show(ctx, seller); err != nil {
			fmt.Fprintf(os.Stderr, "demo of %s: %v\n", seller, err)
			code = 1
			break
		}
	}
	stop()
	os.Exit(code)
}

func show(ctx context.Context, seller string) error {
	return demo.Run(ctx, demo.Options{
		Bin:    os.Getenv("PMSSL_BIN"),
		Seller: seller,
		Engine: os.Getenv("DEMO_DB"),
		Out:    os.Stdout,
		Colour: terminal() && os.Getenv("NO_COLOR") == "",
		Now:    time.Now,
		Random: rand.Reader,
	})
}

// terminal reports whether stdout is a terminal.
func terminal() bool {
	info, err := os.Stdout.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
