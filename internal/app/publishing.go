package app

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

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

// publishing is the run's publish.Service. It is made at its first use, because most commands publish nothing.
type publishing struct {
	invocation *invocation
	made       publish.Service
}

var _ publish.Service = (*publishing)(nil)

// service makes the service. A setting that cannot be read or understood counts as off, with a warning: nothing is
// published then.
func (p *publishing) service() publish.Service {
	if p.made != nil {
		return p.made
	}
	s := p.invocation
	log := s.rootLog.Named("publish")
	o := publish.Options{
		Folder: filepath.Join(s.root, "etc", "pmssl"), Facts: s.panel, Constructors: publishers(),
		Env: publish.Env{Root: s.root, Environ: s.system.Environ, Dial: s.system.Dial, Now: s.system.Now, Sleep: s.system.Sleep, Rand: s.system.Rand,
			Learn: func(secret string) { s.secrets.add([]string{secret}) }, Log: log},
	}
	var err error
	if o.Mode, err = publish.ParseMode(p.setting(publish.SettingMode)); err != nil {
		log.Warningf("%v", err)
	}
	if o.Best, err = publish.ParseMethod(p.setting(publish.SettingMethod)); err != nil {
		log.Warningf("%v", err)
	}
	var observer *observe.Observer // of the run: it remembers what it saw of name servers
	o.Look = func(ctx context.Context, b publish.Block, placed publish.Placement) (publish.Sight, error) {
		server, on, err := item.ParseResolver(p.setting(settingResolver))
		switch {
		case err != nil:
			return publish.Sight{}, err
		case !on || s.system.Dial == nil:
			return publish.Sight{}, fmt.Errorf("%s is off: whether %s is seen cannot be known", settingResolver, placed.Record)
		}
		if observer == nil {
			observer = observe.New(observe.Options{Dial: s.system.Dial, Resolver: server, ResolvConf: s.system.ResolvConf})
		}
		return observer.Look(ctx, b, placed)
	}
	p.made = publish.New(o)
	return p.made
}

// setting reads an option; one that cannot be read is empty, with a warning.
func (p *publishing) setting(name string) string {
	value, err := p.invocation.panel.Setting(context.Background(), name) // a file that is read, nothing to wait for
	if err != nil {
		p.invocation.log.Warningf("the option %s could not be read, its default holds: %v", name, err)
	}
	return value
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
func (p *publishing) Mode() publish.Mode { return p.service().Mode() }

// Best implements publish.Service.
func (p *publishing) Best() bool { return p.service().Best() }

// Place implements publish.Service.
func (p *publishing) Place(ctx context.Context, order publish.Order, records []publish.Record) ([]publish.Placement, error) {
	return p.service().Place(ctx, order, records)
}

// Publish implements publish.Service.
func (p *publishing) Publish(ctx context.Context, order publish.Order, placed publish.Placement, old []string) error {
	return p.service().Publish(ctx, order, placed, old)
}

// Look implements publish.Service.
func (p *publishing) Look(ctx context.Context, placed publish.Placement) (publish.Sight, error) {
	return p.service().Look(ctx, placed)
}

// Withdraw implements publish.Service.
func (p *publishing) Withdraw(ctx context.Context, order publish.Order, placed publish.Placement) error {
	return p.service().Withdraw(ctx, order, placed)
}
