package provider

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"pmssl/internal/sandbox/internet"
	"pmssl/internal/sandbox/issuance"
	"pmssl/internal/sandbox/panel"
)

// HostingFiles are what an administrator writes so that the modules publish challenges in a zone and deliver certificates to its
// sites: the files etc/pmssl/ns1.conf and etc/pmssl/web1.conf.
type HostingFiles struct{ Publisher, Delivery string }

// deployHook is the program of the deploy block: it copies the certificate to where the web server reads it.
const deployHook = `#!/bin/sh
set -eu
site=%s/${RENEWED_LINEAGE##*/}
cp "$RENEWED_LINEAGE/fullchain.pem" "$site/new"
mv "$site/new" "$site/fullchain.pem"
`

// Host makes the provider's own zone of a zone that AddSite has added: it configures a publisher and a delivery, and adds an active
// domain of the client to the panel, which shows that the zone is his. The modules use both while SetUnattended is on.
func (p *Provider) Host(ctx context.Context, zone string) (HostingFiles, error) {
	key, hook := p.etc("pmssl", "ns1.key"), filepath.Join(p.dir, "bin", "deploy-hook")
	files := HostingFiles{
		Publisher: fmt.Sprintf("publisher ns1 dnsupdate\n  server %s\n  key    %s %s\n  zone   %s\n", internet.PrimaryAddress, internet.KeyName, key, zone),
		Delivery: fmt.Sprintf("deploy web1 exec\n  program %s\n  zone    %s\n  check   %s\nallow %s account %d\n", hook, zone, internet.WebAddress, zone,
			p.Panel.Account()),
	}
	if err := os.MkdirAll(p.etc("pmssl"), 0o700); err != nil {
		return files, err
	}
	err := errors.Join(
		os.WriteFile(key, []byte(p.World.Secret+"\n"), 0o600),
		os.WriteFile(p.etc("pmssl", "ns1.conf"), []byte(files.Publisher), 0o600),
		os.WriteFile(p.etc("pmssl", "web1.conf"), []byte(files.Delivery), 0o600),
		os.WriteFile(hook, fmt.Appendf(nil, deployHook, p.Web.dir), 0o700),
	)
	if err != nil {
		return files, err
	}
	p.mu.Lock()
	p.hosted = append(p.hosted, zone)
	p.mu.Unlock()
	return files, p.addDomain(ctx, zone)
}

// Hosts reports whether a name is in a zone of Host. It is safe for concurrent use.
func (p *Provider) Hosts(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Contains(p.hosted, issuance.Registrable(name))
}

// addDomain adds an active domain of the client to the panel.
func (p *Provider) addDomain(ctx context.Context, name string) error {
	tariff, err := p.Panel.AddTariff(ctx, panel.Tariff{ItemType: "domain", Name: "Domain"})
	if err != nil {
		return err
	}
	_, err = p.Panel.DB().ExecContext(ctx, "INSERT INTO item (name, account, pricelist, period, status) VALUES (?, ?, ?, 12, 2)", name, p.Panel.Account(), tariff)
	return err
}

// SetUnattended switches the modules' own publishing and delivery on or off (SSLUnattended).
func (p *Provider) SetUnattended(on bool) error {
	value := map[bool]string{true: "on", false: "off"}[on]
	return p.writeOptions("unattended", "SSLUnattended "+value)
}

// Unattended reports whether the modules publish and deliver by themselves. It is safe for concurrent use.
func (p *Provider) Unattended() bool {
	text, err := os.ReadFile(p.etc("billmgr.conf.d", "unattended.conf"))
	return err == nil && strings.TrimSpace(string(text)) == "SSLUnattended on"
}
