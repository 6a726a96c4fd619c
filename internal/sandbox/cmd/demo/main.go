// Command demo plays the life of one certificate through the real modules: wizard, order, proof, delivery, and the reissues of
// the paid years. Its words name the sellers whose stories are told (namecheap, ispmgr), all where none is named. It starts
// its own database, panel and seller on loopback and leaves nothing running.
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
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := 0
	sellers := os.Args[1:]
	if len(sellers) == 0 {
		sellers = demo.Sellers()
	}
	for _, seller := range sellers {
		if err := play(ctx, seller); err != nil {
			fmt.Fprintf(os.Stderr, "demo of %s: %v\n", seller, err)
			code = 1
			break
		}
	}
	stop()
	os.Exit(code)
}

func play(ctx context.Context, seller string) error {
	return demo.Play(ctx, demo.Options{
		Bin:    os.Getenv("PMSSL_BIN"),
		Seller: seller,
		Engine: os.Getenv("DEMO_DB"),
		Out:    os.Stdout,
		Colour: terminal() && os.Getenv("NO_COLOR") == "",
		Now:    time.Now,
		Random: rand.Reader,
	})
}

// terminal reports whether somebody looks at the output.
func terminal() bool {
	info, err := os.Stdout.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
