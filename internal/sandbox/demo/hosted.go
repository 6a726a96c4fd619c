package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"pmssl/internal/sandbox/internet"
	"pmssl/internal/sandbox/panel"
)

// orderHosted lets the module publish challenges in the client's zone on the provider's name server and deliver certificates to the
// provider's web server, and orders a certificate for hostedDomain. It returns the id of the item.
func (s *environment) orderHosted(ctx context.Context, module int64) (int64, error) {
	s.print.heading("The provider lets the module publish and deliver by itself: a name server with dynamic updates, a web server, %s", hostedDomain)
	_, zone, _ := strings.Cut(hostedDomain, ".")
	if err := errors.Join(s.configurePublisher(zone), s.configureDelivery(zone)); err != nil {
		return 0, err
	}
	if err := s.addDomain(ctx, zone); err != nil {
		return 0, err
	}
	item, err := s.place(ctx, module, hostedDomain)
	if err != nil {
		return 0, err
	}
	if item.Params["service_status"] != "5" {
		return 0, errors.New("the certificate was not issued at once")
	}
	for _, change := range s.world.Zone(zone).Changes() {
		verb := "removed from the zone"
		if change.Added {
			verb = "added to the zone"
		}
		s.print.value(verb, change.Record)
	}
	shown, err := s.visit(ctx, hostedDomain)
	if err != nil {
		return 0, err
	}
	s.print.value("the site shows", fmt.Sprintf("certificate %x, valid until %s", shown.SerialNumber, shown.NotAfter.Format(time.DateOnly)))
	s.print.value("service status", "5, issued: nobody had to do anything")
	return item.ID, s.panel.ClearRequests()
}

// configurePublisher writes what an administrator writes: a publisher for the zone, the secret of its key, and SSLUnattended.
func (s *environment) configurePublisher(zone string) error {
	etc := filepath.Join(s.panel.Root(), "etc")
	key := filepath.Join(etc, "pmssl", "ns1.key")
	text := fmt.Sprintf("publisher ns1 dnsupdate\n  server %s\n  key    %s %s\n  zone   %s\n", internet.PrimaryAddress, internet.KeyName, key, zone)
	s.print.value("etc/pmssl/ns1.conf", strings.ReplaceAll(text, etc, "/usr/local/mgr5/etc"))
	s.print.value("etc/billmgr.conf", "SSLUnattended on")
	if err := os.MkdirAll(filepath.Join(etc, "pmssl"), 0o700); err != nil {
		return err
	}
	for name, content := range map[string]string{
		key: s.world.Secret + "\n", filepath.Join(etc, "pmssl", "ns1.conf"): text, filepath.Join(etc, "billmgr.conf.d", "unattended.conf"): "SSLUnattended on\n",
	} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// addDomain adds an active domain of the client to the panel: it shows that the zone is his own.
func (s *environment) addDomain(ctx context.Context, name string) error {
	tariff, err := s.panel.AddTariff(ctx, panel.Tariff{ItemType: "domain", Name: "Domain"})
	if err != nil {
		return err
	}
	_, err = s.panel.DB().ExecContext(ctx, "INSERT INTO item (name, account, pricelist, period, status) VALUES (?, ?, ?, 12, 2)", name, s.panel.Account(), tariff)
	return err
}
