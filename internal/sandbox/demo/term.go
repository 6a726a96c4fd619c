package demo

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"pmssl/internal/sandbox/panel"
)

// storedCertificate is one certificate that the panel stored during the term.
type storedCertificate struct {
	leaf   *x509.Certificate
	id     string
	stored time.Time
}

// term is the paid term of both orders, as the demo simulates it.
type term struct {
	*environment
	end    time.Time   // paid until
	orders []*siteTerm // the one that is validated by the client first
	zones  string      // of the provider, before the term
	sweeps int
}

// siteTerm is the paid term of one order.
type siteTerm struct {
	domain       string
	item         int64
	unattended   bool
	certificates []storedCertificate
	mails        int
	looks, gaps  int // handshakes with the site, and those that showed no valid certificate
	byHand       int // how often the client installed a certificate
}

const day = 24 * time.Hour

// runTerm simulates the paid term: it starts the sweep on each day with an event and on every tenth of the other days,
// and does what the mails ask the client to do. Both sites are looked at each day.
func (s *environment) runTerm(ctx context.Context, item, hosted int64) error {
	t := &term{environment: s, zones: s.dumpZones(), orders: []*siteTerm{
		{domain: domain, item: item, byHand: 1}, {domain: hostedDomain, item: hosted, unattended: true},
	}}
	for _, o := range t.orders {
		now, err := s.panel.Item(ctx, o.item)
		if err != nil {
			return err
		}
		if t.end, err = time.Parse(time.DateOnly, now.Params["paid_until"]); err != nil {
			return err
		}
		if err := t.recordCertificate(o, now, orderTime()); err != nil {
			return err
		}
	}
	end := t.end
	s.print.heading("Five years in simulated time: `%s --command subscription` as the hourly timer runs it", s.module())
	for date := orderTime().Add(-time.Hour).Add(day); date.Before(end); date = date.Add(day) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := t.runDay(ctx, date); err != nil {
			return fmt.Errorf("on %s: %w", date.Format(time.DateOnly), err)
		}
	}
	return t.printSummary(ctx)
}

// runDay simulates one day. It sweeps if there is something to do or the day is the tenth.
func (t *term) runDay(ctx context.Context, date time.Time) error {
	if err := t.clock.Set(date); err != nil {
		return err
	}
	busy := int(date.Sub(orderTime())/day)%10 == 0
	for _, o := range t.orders {
		if err := t.lookAndInstall(ctx, o, date); err != nil {
			return err
		}
		now, err := t.panel.Item(ctx, o.item)
		if err != nil {
			return err
		}
		waiting := now.Params["service_status"] != "5"
		busy = busy || waiting || o.isDue(date) || now.Params["delivery"] != ""
		if !waiting || o.unattended {
			continue
		}
		// the client has read the mail and published the value
		if _, err := t.seller.ProveDomain(o.domain); err != nil {
			return err
		}
	}
	if !busy {
		return nil
	}
	if err := t.sweep(ctx, date); err != nil {
		return err
	}
	for _, o := range t.orders {
		t.look(ctx, o, date)
	}
	return nil
}

// sweep runs the subscription command and records what came of it.
func (t *term) sweep(ctx context.Context, date time.Time) error {
	run, err := t.panel.Start(ctx, t.module(), nil, "--command", "subscription")
	if err != nil {
		return err
	}
	t.sweeps++
	if !run.OK() {
		return fmt.Errorf("the sweep failed: %s\n%s", run.Failure(), run.Stdout)
	}
	if err := t.printMails(date, run); err != nil {
		return err
	}
	for _, o := range t.orders {
		now, err := t.panel.Item(ctx, o.item)
		if err != nil {
			return err
		}
		if err := t.recordCertificate(o, now, date); err != nil {
			return err
		}
	}
	return nil
}

// isDue reports whether the certificate has reached its last ten days, or half of its validity if that is later.
func (o *siteTerm) isDue(date time.Time) bool {
	leaf := o.certificates[len(o.certificates)-1].leaf
	lead := min(10*day, leaf.NotAfter.Sub(leaf.NotBefore)/2)
	return !date.Before(leaf.NotAfter.Truncate(day).Add(-lead))
}

// recordCertificate records and prints the certificate that the panel stores, if it is new.
func (t *term) recordCertificate(o *siteTerm, item *panel.Item, date time.Time) error {
	block, _ := pem.Decode(item.Crt)
	if block == nil {
		return errors.New("the panel stores no PEM certificate")
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return err
	}
	if n := len(o.certificates); n > 0 && o.certificates[n-1].leaf.Equal(leaf) {
		return nil
	}
	o.certificates = append(o.certificates, storedCertificate{leaf: leaf, id: item.Params["custom_order_id"], stored: date})
	if n := len(o.certificates); n > 1 {
		t.print.note("%s  %s: certificate %2d stored, ends %s (%s)", date.Format(time.DateOnly), o.domain, n, leaf.NotAfter.Format(time.DateOnly), item.ExpireDate)
	}
	return nil
}

// printMails prints the subject of the mails that were sent, and the whole text of the first one.
func (t *term) printMails(date time.Time, run *panel.Run) error {
	files, err := filepath.Glob(filepath.Join(t.outbox, "*"))
	if err != nil {
		return err
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := os.Remove(file); err != nil {
			return err
		}
		message, err := mail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			return err
		}
		subject := message.Header.Get("Subject")
		t.print.note("%s  mail to %s: %s", date.Format(time.DateOnly), message.Header.Get("To"), subject)
		first := t.countMail(subject)
		if !first {
			continue
		}
		body, err := io.ReadAll(quotedprintable.NewReader(message.Body))
		if err != nil {
			return err
		}
		t.print.run(run)
		t.print.value("text of the mail", strings.ReplaceAll(string(body), "\r", ""))
	}
	return nil
}

// countMail counts a mail for the order that its subject names, and reports whether it is the first one.
func (t *term) countMail(subject string) (first bool) {
	mails := 0
	for _, o := range t.orders {
		mails += o.mails
		if strings.Contains(subject, o.domain) {
			o.mails++
		}
	}
	return mails == 0
}

// printSummary prints every certificate, and checks that there was no gap, one payment for each order, and nothing to do for anybody
// about the domain whose challenges the module published and whose certificates it delivered.
func (t *term) printSummary(ctx context.Context) error {
	t.print.heading("The term is over: %d sweeps", t.sweeps)
	for _, o := range t.orders {
		way := "the client publishes"
		if o.unattended {
			way = "unattended"
		}
		t.print.line("")
		t.print.line("   " + t.print.paint(bold, fmt.Sprintf("%s, %s: %d certificates, %d letters", o.domain, way, len(o.certificates), o.mails)))
		t.printCertificates(o)
		if err := t.checkNoGap(o); err != nil {
			return fmt.Errorf("%s: %w", o.domain, err)
		}
		t.print.value("gaps in the panel", "none from "+o.certificates[0].stored.Format(time.DateOnly)+" to "+t.end.Format(time.DateOnly))
		t.print.value("gaps at the TLS port", fmt.Sprintf("%d, seen in %d handshakes", o.gaps, o.looks))
	}
	paid, err := t.payments(len(t.orders))
	if err != nil {
		return err
	}
	t.print.line("")
	for i, o := range t.orders {
		t.print.value("paid for "+o.domain, fmt.Sprintf("1 time: %s on %s", paid[i].amount, paid[i].at.Format(time.DateOnly)))
	}
	if err := t.checkUnattended(ctx); err != nil {
		return err
	}
	for _, o := range t.orders {
		words := "the client publishes and installs: %d letters with a DNS record each, %d installs by hand, %d gaps at the TLS port"
		if o.unattended {
			words = "unattended: %d letters, %d installs by hand, %d gaps at the TLS port, 0 tasks, 0 records left"
		}
		t.print.line(t.print.paint(bold, "   "+fmt.Sprintf(words, o.mails, o.byHand, o.gaps)))
	}
	t.print.line("")
	return nil
}

func (t *term) printCertificates(o *siteTerm) {
	t.print.line("    n  id        begins      ends        days  stored on   before the end of the previous one")
	for i, c := range o.certificates {
		ahead := ""
		if i > 0 {
			ahead = strconv.Itoa(int(o.certificates[i-1].leaf.NotAfter.Sub(c.stored)/day)) + " days"
		}
		t.print.line(fmt.Sprintf("   %2d  %s  %s  %s  %4d  %s  %s", i+1, c.id, c.leaf.NotBefore.Format(time.DateOnly), c.leaf.NotAfter.Format(time.DateOnly),
			int((c.leaf.NotAfter.Sub(c.leaf.NotBefore)+time.Second+day-1)/day), c.stored.Format(time.DateOnly), ahead))
	}
}

// checkUnattended returns an error if a site had a gap, or if anybody had to do anything about the orders whose challenges the module
// published, or if something is left of publishing or delivery.
func (t *term) checkUnattended(ctx context.Context) error {
	for _, o := range t.orders {
		item, err := t.panel.Item(ctx, o.item)
		switch {
		case err != nil:
			return err
		case o.gaps > 0:
			return fmt.Errorf("%s: %d of %d handshakes showed no valid certificate", o.domain, o.gaps, o.looks)
		case !o.unattended:
		case o.mails > 0 || o.byHand > 0 || len(item.Tasks) > 0:
			return fmt.Errorf("%s: %d mails, %d installs by hand, %d tasks", o.domain, o.mails, o.byHand, len(item.Tasks))
		case item.Params["challenges_published"] != "" || t.dumpZones() != t.zones:
			return fmt.Errorf("%s: records are left", o.domain)
		case item.Params["delivery"] != "" || item.Params["deployed_serial"] != item.Params["certificate_serial"]:
			return fmt.Errorf("%s: certificate %s is not delivered", o.domain, item.Params["certificate_serial"])
		case !strings.Contains(item.Params["site_watch"], `"outcome":"current"`):
			return fmt.Errorf("%s: the module saw another certificate on the site: %s", o.domain, item.Params["site_watch"])
		}
	}
	left, err := os.ReadDir(filepath.Join(t.panel.Root(), "var", "pmssl-deploy"))
	if err == nil && len(left) > 0 {
		err = fmt.Errorf("%d folders of deliveries are left", len(left))
	}
	return err
}

// dumpZones returns the records of all zones of the provider.
func (s *environment) dumpZones() string {
	var all strings.Builder
	for _, zone := range s.world.Zones() {
		all.WriteString(zone.Dump())
	}
	return all.String()
}

// checkNoGap returns an error unless each certificate was valid when it was stored, was stored before the previous one
// ended, and the last one reaches the end of the term.
func (t *term) checkNoGap(o *siteTerm) error {
	for i, c := range o.certificates {
		if c.stored.Before(c.leaf.NotBefore) {
			return fmt.Errorf("certificate %d was stored before it was valid", i+1)
		}
		if i > 0 && c.stored.After(o.certificates[i-1].leaf.NotAfter) {
			return fmt.Errorf("nothing valid was in place between %s and %s", o.certificates[i-1].leaf.NotAfter, c.stored)
		}
	}
	if last := o.certificates[len(o.certificates)-1].leaf.NotAfter; last.Before(t.end.Add(-time.Second)) {
		return fmt.Errorf("the last certificate ends %s, before the paid term", last)
	}
	return nil
}
