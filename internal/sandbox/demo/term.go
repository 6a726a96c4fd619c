package demo

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"pmssl/internal/sandbox/panel"
)

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
	domain     string
	item       int64
	unattended bool
	mails      int
	byHand     int // how often the client installed a certificate
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
	if err := t.Clock.Set(date); err != nil {
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
		busy = busy || t.IsBusy(now, date)
		if now.Params["service_status"] == "5" || o.unattended {
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
		if _, err := t.look(ctx, o, date); err != nil {
			return err
		}
	}
	return nil
}

// look visits the site of an order at the time of the clock, counts a gap unless it shows a certificate that is valid then, and
// returns what it shows.
func (t *term) look(ctx context.Context, o *siteTerm, at time.Time) (shown *x509.Certificate, err error) {
	item, err := t.panel.Item(ctx, o.item)
	if err != nil {
		return nil, err
	}
	shown, gap := t.Look(ctx, item)
	if gap != nil {
		t.print.note("%s  %s: nothing valid at the TLS port: %v", at.Format(time.DateOnly), o.domain, gap)
	}
	return shown, nil
}

// lookAndInstall looks at the site of an order at the beginning of a day. If it does not show the certificate that was stored on an
// earlier day, the client installs it by hand.
func (t *term) lookAndInstall(ctx context.Context, o *siteTerm, date time.Time) error {
	shown, err := t.look(ctx, o, date)
	if err != nil {
		return err
	}
	past := t.History(o.item)
	if shown.Equal(past[len(past)-1].Leaf) {
		return nil
	}
	o.byHand++
	return t.Install(ctx, o.item)
}

// sweep runs the subscription command and records what came of it.
func (t *term) sweep(ctx context.Context, date time.Time) error {
	run, err := t.Sweep(ctx, t.module())
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

// recordCertificate records and prints the certificate that the panel stores, if it is new.
func (t *term) recordCertificate(o *siteTerm, item *panel.Item, date time.Time) error {
	added, err := t.Record(item, date)
	if err != nil || !added {
		return err
	}
	past := t.History(o.item)
	if n := len(past); n > 1 {
		t.print.note("%s  %s: certificate %2d stored, ends %s (%s)", date.Format(time.DateOnly), o.domain, n, past[n-1].Leaf.NotAfter.Format(time.DateOnly), item.ExpireDate)
	}
	return nil
}

// printMails prints the subject of the mails that were sent, and the whole text of the first one.
func (t *term) printMails(date time.Time, run *panel.Run) error {
	all, err := t.Letters()
	if err != nil {
		return err
	}
	for _, letter := range all[t.letters:] {
		t.letters++
		t.print.note("%s  mail to %s: %s", date.Format(time.DateOnly), letter.To, letter.Subject)
		if first := t.countMail(letter.Subject); first {
			t.print.run(run)
			t.print.value("text of the mail", letter.Text)
		}
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
		t.print.line("   " + t.print.paint(bold, fmt.Sprintf("%s, %s: %d certificates, %d letters", o.domain, way, len(t.History(o.item)), o.mails)))
		t.printCertificates(o)
		if err := t.checkNoGap(o); err != nil {
			return fmt.Errorf("%s: %w", o.domain, err)
		}
		t.print.value("gaps in the panel", "none from "+t.History(o.item)[0].At.Format(time.DateOnly)+" to "+t.end.Format(time.DateOnly))
		t.print.value("gaps at the TLS port", fmt.Sprintf("%d, seen in %d handshakes", t.Looks(o.item).Gaps, t.Looks(o.item).Count))
	}
	paid, err := t.payments(len(t.orders))
	if err != nil {
		return err
	}
	t.print.line("")
	for i, o := range t.orders {
		t.print.value("paid for "+o.domain, fmt.Sprintf("1 time: %s on %s", paid[i].Amount, paid[i].At.Format(time.DateOnly)))
	}
	if err := t.checkUnattended(ctx); err != nil {
		return err
	}
	for _, o := range t.orders {
		words := "the client publishes and installs: %d letters with a DNS record each, %d installs by hand, %d gaps at the TLS port"
		if o.unattended {
			words = "unattended: %d letters, %d installs by hand, %d gaps at the TLS port, 0 tasks, 0 records left"
		}
		t.print.line(t.print.paint(bold, "   "+fmt.Sprintf(words, o.mails, o.byHand, t.Looks(o.item).Gaps)))
	}
	t.print.line("")
	return nil
}

func (t *term) printCertificates(o *siteTerm) {
	t.print.line("    n  id        begins      ends        days  stored on   before the end of the previous one")
	past := t.History(o.item)
	for i, c := range past {
		ahead := ""
		if i > 0 {
			ahead = strconv.Itoa(int(past[i-1].Leaf.NotAfter.Sub(c.At)/day)) + " days"
		}
		t.print.line(fmt.Sprintf("   %2d  %s  %s  %s  %4d  %s  %s", i+1, c.ID, c.Leaf.NotBefore.Format(time.DateOnly), c.Leaf.NotAfter.Format(time.DateOnly),
			c.Days(), c.At.Format(time.DateOnly), ahead))
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
		case t.Looks(o.item).Gaps > 0:
			return fmt.Errorf("%s: %d of %d handshakes showed no valid certificate", o.domain, t.Looks(o.item).Gaps, t.Looks(o.item).Count)
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
	for _, zone := range s.World.Zones() {
		all.WriteString(zone.Dump())
	}
	return all.String()
}

// checkNoGap returns an error unless each certificate was valid when it was stored, was stored before the previous one
// ended, and the last one reaches the end of the term.
func (t *term) checkNoGap(o *siteTerm) error {
	past := t.History(o.item)
	for i, c := range past {
		if c.At.Before(c.Leaf.NotBefore) {
			return fmt.Errorf("certificate %d was stored before it was valid", i+1)
		}
		if i > 0 && c.At.After(past[i-1].Leaf.NotAfter) {
			return fmt.Errorf("nothing valid was in place between %s and %s", past[i-1].Leaf.NotAfter, c.At)
		}
	}
	if last := past[len(past)-1].Leaf.NotAfter; last.Before(t.end.Add(-time.Second)) {
		return fmt.Errorf("the last certificate ends %s, before the paid term", last)
	}
	return nil
}
