package app

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"time"

	"pmssl/internal/dnscheck"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/publish"
	"pmssl/internal/publish/dnsupdate"
	"pmssl/internal/publish/execute"
	"pmssl/internal/publish/ispmgr"
	"pmssl/internal/publish/observe"
	"pmssl/internal/publish/powerdns"
	"pmssl/internal/publish/webroot"
)

// commandWait is how long a command for one item waits for challenges and certificates in all; the sweep has its own
// measure. The first half leaves a minute for the certificate (item.Waits.TakeSpare).
const commandWait = 140 * time.Second

// publishShare is the part of a command's time that publishers, and looks at what is published, may take in all: 18 of the
// sweep's 55 minutes. The rest is for the certificates that are due, and for mails.
const publishShare = 3

// settingResolver is the option of etc/billmgr.conf with the resolver that names are looked up at.
const settingResolver = "SSLResolver"

// publishing is the run's publish.Service. It is made at its first use, because most commands publish nothing. If its options
// cannot be read, nothing is published and nothing removed: every call fails in a way that passes by itself.
type publishing struct {
	invocation *invocation
	panel      *watchedPanel // of the options, and of what shows whose a name is
	made       publish.Service
	unread     error // why the options could not be read
}

var _ publish.Service = (*publishing)(nil)

// service returns the service. An option with an unknown value counts as not set, with a warning.
func (p *publishing) service() (publish.Service, error) {
	if p.made != nil || p.unread != nil {
		return p.made, p.unread
	}
	s := p.invocation
	log := s.rootLog.Named("publish")
	o := publish.Options{
		Folder: filepath.Join(s.root, "etc", "pmssl"), Facts: p.panel, Constructors: publishers(), Look: p.look(),
		Env: p.env(log),
	}
	var mode, method string
	if mode, p.unread = p.setting(publish.SettingMode); p.unread != nil {
		return nil, p.unread
	}
	if method, p.unread = p.setting(publish.SettingMethod); p.unread != nil {
		return nil, p.unread
	}
	var err error
	if o.Mode, err = publish.ParseMode(mode); err != nil {
		log.Warningf("%v", err)
	}
	if o.Best, err = publish.ParseMethod(method); err != nil {
		log.Warningf("%v", err)
	}
	p.made = publish.New(o)
	return p.made, nil
}

// env returns what publishers and deliverers may use of the outside.
func (p *publishing) env(log publish.Log) publish.Env {
	s := p.invocation
	return publish.Env{Root: s.root, Environ: s.system.Environ, Dial: s.system.Dial, Now: s.system.Now, Sleep: s.system.Sleep, Rand: s.system.Rand,
		Learn: func(secret string) { s.secrets.add([]string{secret}) }, Log: log}
}

// setting reads an option.
func (p *publishing) setting(name string) (string, error) {
	value, err := p.panel.Setting(context.Background(), name) // a file that is read, nothing to wait for
	if err != nil {
		return "", fault.Errorf(fault.Panel, name, "the option %s could not be read: %w", name, err).Retryable()
	}
	return value, nil
}

// look returns what looks at published records. It remembers over the run what it saw of name servers.
func (p *publishing) look() func(context.Context, publish.Block, publish.Placement) (publish.Sight, error) {
	var observer *observe.Observer
	return func(ctx context.Context, b publish.Block, placed publish.Placement) (publish.Sight, error) {
		server, err := p.resolver()
		if err != nil {
			return publish.Sight{}, err
		}
		if observer == nil {
			system := p.invocation.system
			observer = observe.New(observe.Options{Dial: system.Dial, Resolver: server, ResolvConf: system.ResolvConf})
		}
		return observer.Look(ctx, b, placed)
	}
}

// resolver returns the resolver at which published records are looked up, host:port; empty for the system's. Without one
// nothing is published: whether it is seen could not be known.
func (p *publishing) resolver() (string, error) {
	value, err := p.setting(settingResolver)
	if err != nil {
		return "", err
	}
	server, on, err := item.ParseResolver(value)
	switch {
	case err != nil:
		return "", err
	case !on || p.invocation.system.Dial == nil:
		return "", fmt.Errorf("%s is off: whether a challenge is seen could not be known", settingResolver)
	}
	return server, nil
}

// addresses returns what looks the addresses of a host up; nil if no resolver is to be asked.
func (p *publishing) addresses() func(context.Context, string) ([]netip.Addr, error) {
	server, err := p.resolver()
	if err != nil {
		return nil
	}
	system := p.invocation.system
	return dnscheck.New(dnscheck.Options{Server: server, Conf: system.ResolvConf, Dial: system.Dial}).Addresses
}

// publishers returns the publishers that this program has, by kind.
func publishers() map[publish.Kind]publish.Constructor {
	return map[publish.Kind]publish.Constructor{
		publish.KindDNSUpdate: dnsupdate.New,
		publish.KindPowerDNS:  powerdns.New,
		publish.KindWebroot:   webroot.New,
		publish.KindExec:      execute.New,
		publish.KindISPmgr:    ispmgr.New,
	}
}

// Mode implements publish.Service.
func (p *publishing) Mode() publish.Mode {
	service, err := p.service()
	if err != nil {
		return publish.On // so that Place says why
	}
	return service.Mode()
}

// Best implements publish.Service.
func (p *publishing) Best() bool {
	service, err := p.service()
	return err == nil && service.Best()
}

// Place implements publish.Service.
func (p *publishing) Place(ctx context.Context, order publish.Order, records []publish.Record) ([]publish.Placement, error) {
	service, err := p.service()
	if err != nil {
		return nil, err
	}
	if _, err := p.resolver(); err != nil {
		return nil, err
	}
	return service.Place(ctx, order, records)
}

// Publish implements publish.Service.
func (p *publishing) Publish(ctx context.Context, order publish.Order, placed publish.Placement, old []string) error {
	service, err := p.service()
	if err != nil {
		return err
	}
	return service.Publish(ctx, order, placed, old)
}

// Look implements publish.Service.
func (p *publishing) Look(ctx context.Context, placed publish.Placement) (publish.Sight, error) {
	service, err := p.service()
	if err != nil {
		return publish.Sight{}, err
	}
	return service.Look(ctx, placed)
}

// Withdraw implements publish.Service.
func (p *publishing) Withdraw(ctx context.Context, order publish.Order, placed publish.Placement) error {
	service, err := p.service()
	if err != nil {
		return err
	}
	return service.Withdraw(ctx, order, placed)
}
