// Package demo shows what `make demo` prints: the life of one order with a module, a panel, a seller and a database,
// all on this machine.
package demo

import (
	"context"
	"errors"
	"io"
	"time"

	"pmssl/internal/sandbox/panel"
	"pmssl/internal/sandbox/provider"
)

// Options are the settings of the demo and what it needs of the operating system.
type Options struct {
	Bin    string // folder with the modules and sandbox-mgrctl
	Seller string // one of provider.Sellers
	Engine string // embedded (default) or mariadb
	Out    io.Writer
	Colour bool
	Now    func() time.Time
	Random io.Reader
}

// orderTime is the time of the order: the documented example, a five-year order of 2026-04-02.
func orderTime() time.Time { return time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC) }

// environment is the provider of the demo, with what the demo needs to know of it.
type environment struct {
	*provider.Provider
	panel   *panel.Panel
	seller  provider.Seller
	options Options
	tariff  int64 // of the certificates
	print   *printer
	letters int // that were printed
}

// setUp starts database, seller and panel in a folder of their own, and adds the sites of the client.
func setUp(ctx context.Context, o Options) (*environment, error) {
	started, err := provider.Start(ctx, provider.Options{
		Bin: o.Bin, Sellers: []string{o.Seller}, Engine: o.Engine, Start: orderTime(), Now: o.Now, Random: o.Random,
	})
	if err != nil {
		return nil, err
	}
	s := &environment{Provider: started, panel: started.Panel, seller: started.Sellers[0], options: o, print: &printer{out: o.Out, colour: o.Colour}}
	s.print.note("database: %s, private to this demo", s.Engine)
	s.print.note("seller: a stand-in for %s at %s, with a certification authority of its own", s.seller.Title(), s.seller.Address())
	for _, site := range []string{domain, hostedDomain} {
		if err := s.AddSite(site); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

// module returns the file name of the module.
func (s *environment) module() string { return s.seller.Module() }
