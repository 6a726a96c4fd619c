package demo

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// orderHosted lets the module publish challenges in the client's zone on the provider's name server and deliver certificates to the
// provider's web server, and orders a certificate for hostedDomain. It returns the id of the item.
func (s *environment) orderHosted(ctx context.Context, module int64) (int64, error) {
	s.print.heading("The provider lets the module publish and deliver by itself: a name server with dynamic updates, a web server, %s", hostedDomain)
	_, zone, _ := strings.Cut(hostedDomain, ".")
	files, err := s.Host(ctx, zone)
	if err := errors.Join(err, s.SetUnattended(true)); err != nil {
		return 0, err
	}
	s.print.value("etc/pmssl/ns1.conf", strings.ReplaceAll(files.Publisher, filepath.Join(s.panel.Root(), "etc"), "/usr/local/mgr5/etc"))
	s.print.value("etc/billmgr.conf", "SSLUnattended on")
	s.print.value("etc/pmssl/web1.conf", files.Delivery)
	item, err := s.place(ctx, module, hostedDomain)
	if err != nil {
		return 0, err
	}
	if item.Params["service_status"] != "5" {
		return 0, errors.New("the certificate was not issued at once")
	}
	for _, change := range s.World.Zone(zone).Changes() {
		verb := "removed from the zone"
		if change.Added {
			verb = "added to the zone"
		}
		s.print.value(verb, change.Record)
	}
	shown, err := s.VisitSite(ctx, hostedDomain)
	if err != nil {
		return 0, err
	}
	s.print.value("the site shows", fmt.Sprintf("certificate %x, valid until %s", shown.SerialNumber, shown.NotAfter.Format(time.DateOnly)))
	s.print.value("service status", "5, issued: nobody had to do anything")
	return item.ID, s.panel.ClearRequests()
}
