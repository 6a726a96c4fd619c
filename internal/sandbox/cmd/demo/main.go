// Command demo plays the life of one certificate through the real module: wizard, order, proof, delivery. It starts its
// own database, panel and seller on loopback and leaves nothing running.
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
	err := demo.Play(ctx, demo.Options{
		Bin:    os.Getenv("PMSSL_BIN"),
		Engine: os.Getenv("DEMO_DB"),
		Out:    os.Stdout,
		Colour: terminal() && os.Getenv("NO_COLOR") == "",
		Now:    time.Now,
		Random: rand.Reader,
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		code = 1
	}
	stop()
	os.Exit(code)
}

// terminal tells whether somebody looks at the output.
func terminal() bool {
	info, err := os.Stdout.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
