package panelweb

import (
	"context"
	"crypto/x509"
	"time"

	"pmssl/internal/sandbox/panel"
	"pmssl/internal/sandbox/panel/manifest"
	"pmssl/internal/sandbox/provider"
)

// Provider is the hosting provider that the page shows. The methods that change something are called one at a time.
type Provider interface {
	Time
	Connections
	Shop
	Items
	Client
	Reports
}

// Time is the simulated time.
type Time interface {
	Now() (time.Time, error)
	Advance(ctx context.Context, s provider.Span, progress func(done int)) error
	Unattended() bool
	SetUnattended(on bool) error
}

// Connections are the modules and their connections to sellers.
type Connections interface {
	Installed() []string
	Manifest(module string) (*manifest.Manifest, error)
	Modules(ctx context.Context) ([]panel.Module, error)
	ModuleParam(ctx context.Context, id int64, name string) (string, error)
	Tune(ctx context.Context, module string, values map[string]string) (provider.Choices, error)
	Connect(ctx context.Context, module string, c panel.Connection) (*panel.ConnectResult, error)
	RightValues(module string, wrong bool) (map[string]string, error)
	SellerFault(module string) provider.Fault
	SetSellerFault(module string, f provider.Fault) error
	Payments(module string) ([]provider.Payment, error)
}

// Shop is what a client orders with.
type Shop interface {
	Tariffs(ctx context.Context) ([]panel.ListedTariff, error)
	Features(ctx context.Context, module string) (*panel.Features, error)
	AddSite(names ...string) error
	NewCSR(newKey bool, names ...string) (string, error)
	Approvers(ctx context.Context, module int64, csr, template string, names ...string) (*panel.Run, error)
	Order(ctx context.Context, o panel.Order) (*panel.OrderResult, error)
}

// Items are the certificates of the panel.
type Items interface {
	Items(ctx context.Context) ([]*panel.Item, error)
	Item(ctx context.Context, id int64) (*panel.Item, error)
	History(id int64) []provider.Stored
	Looks(id int64) provider.Looks
	Sync(ctx context.Context, id int64) (*panel.Run, error)
	Reissue(ctx context.Context, id int64, newKey bool) (*panel.Run, error)
	Renew(ctx context.Context, id int64) (*panel.Run, error)
	CloseItem(ctx context.Context, id int64) (*panel.Run, error)
	RetryOperation(ctx context.Context, operation int64) (*panel.Run, error)
	DeleteOperation(ctx context.Context, operation int64) error
}

// Client is what the client does outside of the panel.
type Client interface {
	Prove(ctx context.Context, id int64) error
	Install(ctx context.Context, id int64) error
	Visit(ctx context.Context, item *panel.Item) (*x509.Certificate, error)
	Hosts(name string) bool
	SetLanguage(ctx context.Context, lang string) error
	Letters() ([]provider.Letter, error)
}

// Reports are what the panel and the modules say about their work.
type Reports interface {
	Operations(ctx context.Context) ([]panel.Operation, error)
	Status(ctx context.Context, module string) (provider.Report, error)
	StatusPage(ctx context.Context, module string) (string, error)
	Plan(ctx context.Context, item int64, format string) (string, error)
	Doctor(ctx context.Context, module string) (string, error)
	LogTail(module string, n int, keep func(provider.LogLine) bool) ([]provider.LogLine, error)
}

var _ Provider = (*provider.Provider)(nil)
