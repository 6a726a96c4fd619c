// Command sandbox-web shows the modules in a browser: it starts a hosting provider on this machine with a stand-in panel, both
// modules and their sellers, serves the panel's page on loopback until it is interrupted, and leaves nothing running. PANEL_LISTEN
// is the page's address (127.0.0.1:8086), PMSSL_BIN the folder of the programs, PMSSL_ETC the product's folder etc.
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"pmssl/internal/sandbox/loopback"
	"pmssl/internal/sandbox/panelweb"
	"pmssl/internal/sandbox/provider"
)

func main() {
	// SIGHUP: the terminal was closed.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "sandbox-web:", err)
		os.Exit(1)
	}
}

// hostedZone is the zone that the provider's own name server keeps for the client.
const hostedZone = "example.net"

// run serves the page until ctx ends.
func run(ctx context.Context) (err error) {
	address := cmp.Or(os.Getenv("PANEL_LISTEN"), "127.0.0.1:8086")
	listener, err := loopback.Listen(address)
	if err != nil {
		return fmt.Errorf("PANEL_LISTEN %s: %w", address, err)
	}
	defer listener.Close()
	fmt.Println("starting database, sellers, name servers and panel …")
	p, err := provider.Start(ctx, provider.Options{
		Bin: os.Getenv("PMSSL_BIN"), Etc: os.Getenv("PMSSL_ETC"), Engine: os.Getenv("DEMO_DB"), Start: time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC),
		LookEvery: 5 * time.Minute, Now: time.Now, Random: rand.Reader,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	if err := p.AddSite(hostedZone); err != nil {
		return err
	}
	if _, err := p.Host(ctx, hostedZone); err != nil {
		return err
	}
	page, err := panelweb.New(ctx, p, rand.Text())
	if err != nil {
		return err
	}
	defer page.Close()
	fmt.Printf("the panel is at http://%s/ — Ctrl-C ends it\n", listener.Addr())
	return loopback.Serve(ctx, map[net.Listener]http.Handler{listener: page})
}
