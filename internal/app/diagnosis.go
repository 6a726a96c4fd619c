package app

import (
	"context"
	"crypto/tls"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"

	"pmssl/etc"
	"pmssl/internal/deliver"
	deliverexecute "pmssl/internal/deliver/execute"
	deliverispmgr "pmssl/internal/deliver/ispmgr"
	"pmssl/internal/dnscheck"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/notify"
	"pmssl/internal/panel"
	"pmssl/internal/publish"
	"pmssl/internal/publish/observe"
	"pmssl/internal/seller"
)

// diagnosis returns what the command doctor works with. Each panel is one of its own, because checks run at once.
func (s *invocation) diagnosis() *item.Diagnosis {
	return &item.Diagnosis{
		Version: s.program.Version, Root: s.root, Host: s.system.Host, Executable: s.system.Executable,
		Manifest: func() []byte { return etc.Manifest(s.program.Name) }, Environ: s.system.Environ, Dial: s.system.Dial, ResolvConf: s.system.ResolvConf,
		Statfs: statfs, Panel: s.ownPanel, Connect: s.connect, Mail: diagnosticMail{s}, Publishing: s.publishingParts, Mask: s.secrets.mask,
	}
}

func statfs(path string) (syscall.Statfs_t, error) {
	var info syscall.Statfs_t
	err := syscall.Statfs(path, &info)
	return info, os.NewSyscallError("statfs", err)
}

// ownPanel returns a panel that nothing else uses.
func (s *invocation) ownPanel() item.DiagnosticPanel { return panel.New(s.panelOptions) }

// setting reads an option with a panel of its own: it reads files only.
func (s *invocation) setting(ctx context.Context, name string) (string, error) {
	own := s.ownPanel()
	defer func() { _ = own.Close() }()
	return own.Setting(ctx, name)
}

// connect returns a seller that sends only what reads.
func (s *invocation) connect(params map[string]string, answered func(date string, state *tls.ConnectionState)) (seller.Seller, error) {
	env := s.sellerEnv
	env.DryRun, env.Answered, env.SellerCA = true, answered, sellerCA(s.root, s.setting)
	return s.program.Info(env).Connect(params)
}

// diagnosticMail checks the mails of the module.
type diagnosticMail struct{ run *invocation }

var _ item.DiagnosticMail = diagnosticMail{}

// mailer returns the module's mailer with its settings.
func (d diagnosticMail) mailer(ctx context.Context) (*notify.Mailer, error) {
	s := d.run
	from, err := s.setting(ctx, item.SettingMailFrom)
	if err != nil {
		return nil, err
	}
	program, err := s.setting(ctx, settingSendmail)
	if err != nil {
		return nil, err
	}
	if program != "" && !filepath.IsAbs(program) {
		return nil, fault.Errorf(fault.Value, settingSendmail, "%s is %q, it must be an absolute path", settingSendmail, clip(program, maxFaultWord))
	}
	return &notify.Mailer{
		From: from, TemplateDir: filepath.Join(s.root, "etc", "pmssl", "templates"), Program: program,
		Now: s.system.Now, Rand: s.system.Rand, Log: s.rootLog.Named("notify"),
	}, nil
}

// Sender implements item.DiagnosticMail.
func (d diagnosticMail) Sender(ctx context.Context) (string, error) {
	m, err := d.mailer(ctx)
	if err != nil {
		return "", err
	}
	return m.Sender()
}

// Transport implements item.DiagnosticMail.
func (d diagnosticMail) Transport(ctx context.Context) (string, error) {
	m, err := d.mailer(ctx)
	if err != nil {
		return "", err
	}
	return m.Transport(ctx)
}

// Templates implements item.DiagnosticMail.
func (d diagnosticMail) Templates(ctx context.Context) (int, []error) {
	m, err := d.mailer(ctx)
	if err != nil {
		return 0, []error{err}
	}
	return m.CheckTemplates()
}

// Test implements item.DiagnosticMail.
func (d diagnosticMail) Test(ctx context.Context, address string) error {
	m, err := d.mailer(ctx)
	if err != nil {
		return err
	}
	return m.Test(ctx, address, d.run.program.Name)
}

// publishingParts returns the configuration of publishers and deliverers, with the facts of the panel. It removes nothing that
// interrupted deliveries have left, as delivering does.
func (s *invocation) publishingParts(facts item.DiagnosticPanel) item.PublishingParts {
	log := s.rootLog.Named("publish")
	env := (&publishing{invocation: s}).env(log)
	env.Learn = func(secret string) { s.rootLog.Secret(secret) } // several checks may learn secrets at once
	folder := filepath.Join(s.root, "etc", "pmssl")
	look := s.lookWith(facts)
	return item.PublishingParts{
		Folder: folder, Env: env, Publishers: publishers(), Deliverers: deliverers(), Look: look,
		Service: func(mode publish.Mode) publish.Service {
			return publish.New(publish.Options{Mode: mode, Folder: folder, Env: env, Facts: facts, Constructors: publishers(), Look: look})
		},
		Deliver: deliver.New(deliver.Options{
			Mode: publish.Dry, Folder: folder, Env: env, Facts: facts, Constructors: deliverers(), Addresses: s.addressesWith(facts),
		}),
	}
}

// deliverers returns the deliverers that this program has, by kind.
func deliverers() map[publish.Kind]deliver.Constructor {
	return map[publish.Kind]deliver.Constructor{publish.KindISPmgr: deliverispmgr.New, publish.KindExec: deliverexecute.New}
}

// resolverWith returns the resolver of the settings; empty for the system's.
func (s *invocation) resolverWith(settings item.Settings) (string, error) {
	value, err := settings.Setting(context.Background(), settingResolver) // reads a file: no context is needed
	if err != nil {
		return "", err
	}
	server, on, err := item.ParseResolver(value)
	if err == nil && (!on || s.system.Dial == nil) {
		err = fault.Errorf(fault.Value, settingResolver, "%s is off: no names are looked up", settingResolver)
	}
	return server, err
}

// lookWith returns what looks at published records.
func (s *invocation) lookWith(settings item.Settings) func(context.Context, publish.Block, publish.Placement) (publish.Sight, error) {
	return func(ctx context.Context, b publish.Block, p publish.Placement) (publish.Sight, error) {
		server, err := s.resolverWith(settings)
		if err != nil {
			return publish.Sight{}, err
		}
		return observe.New(observe.Options{Dial: s.system.Dial, Resolver: server, ResolvConf: s.system.ResolvConf}).Look(ctx, b, p)
	}
}

// addressesWith returns what looks the addresses of a host up; nil if no resolver is to be asked.
func (s *invocation) addressesWith(settings item.Settings) func(context.Context, string) ([]netip.Addr, error) {
	server, err := s.resolverWith(settings)
	if err != nil {
		return nil
	}
	return dnscheck.New(dnscheck.Options{Server: server, Conf: s.system.ResolvConf, Dial: s.system.Dial}).Addresses
}
