package provider

import (
	"context"
	"fmt"
	"os"

	"pmssl/internal/sandbox/panel"
	"pmssl/internal/sandbox/panel/manifest"
)

// Installed returns the file names of the modules that are installed.
func (p *Provider) Installed() []string {
	var all []string
	for _, s := range p.Sellers {
		all = append(all, s.Module())
	}
	return all
}

// Manifest returns the installed manifest of a module. It reads it once. It is safe for concurrent use.
func (p *Provider) Manifest(module string) (*manifest.Manifest, error) {
	if _, err := p.Seller(module); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if known := p.manifests[module]; known != nil {
		return known, nil
	}
	text, err := os.ReadFile(p.etc("xml", "billmgr_mod_"+module+".xml"))
	if err != nil {
		return nil, err
	}
	m, err := manifest.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", module, err)
	}
	p.manifests[module] = m
	return m, nil
}

// Features returns what a module can do.
func (p *Provider) Features(ctx context.Context, module string) (*panel.Features, error) {
	return p.Panel.Features(ctx, module)
}

// Modules returns the connected modules.
func (p *Provider) Modules(ctx context.Context) ([]panel.Module, error) { return p.Panel.Modules(ctx) }

// ModuleParam returns a parameter of a connected module that is not encrypted, "" if it has none of that name.
func (p *Provider) ModuleParam(ctx context.Context, id int64, name string) (string, error) {
	return p.Panel.ModuleParam(ctx, id, name)
}

// Tariffs returns the tariffs of certificates.
func (p *Provider) Tariffs(ctx context.Context) ([]panel.ListedTariff, error) {
	return p.Panel.Tariffs(ctx)
}

// Approvers asks a module for the addresses that may approve names, with a CSR.
func (p *Provider) Approvers(ctx context.Context, module int64, csr, template string, names ...string) (*panel.Run, error) {
	return p.Panel.Approver(ctx, module, csr, template, names...)
}

// Item returns an item. The error wraps sql.ErrNoRows if it does not exist.
func (p *Provider) Item(ctx context.Context, id int64) (*panel.Item, error) {
	return p.Panel.Item(ctx, id)
}

// Operations returns the running operations.
func (p *Provider) Operations(ctx context.Context) ([]panel.Operation, error) {
	return p.Panel.Operations(ctx)
}

// SetLanguage sets the language in which the client gets letters.
func (p *Provider) SetLanguage(ctx context.Context, lang string) error {
	return p.Panel.SetLanguage(ctx, lang)
}

// RightValues returns the values of a module's connection form with which it is accepted, or refused if wrong is true.
func (p *Provider) RightValues(module string, wrong bool) (map[string]string, error) {
	seller, err := p.Seller(module)
	if err != nil {
		return nil, err
	}
	return seller.Connection(wrong), nil
}

// SellerFault returns what goes wrong at the seller of a module. It is safe for concurrent use.
func (p *Provider) SellerFault(module string) Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	seller, err := p.Seller(module)
	if err != nil {
		return NoFault
	}
	return seller.Fault()
}

// SetSellerFault changes what goes wrong at the seller of a module. It is safe for concurrent use.
func (p *Provider) SetSellerFault(module string, f Fault) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	seller, err := p.Seller(module)
	if err != nil {
		return err
	}
	return seller.SetFault(f)
}

// Payments returns the payments to the seller of a module, oldest first.
func (p *Provider) Payments(module string) ([]Payment, error) {
	seller, err := p.Seller(module)
	if err != nil {
		return nil, err
	}
	return seller.Payments()
}
