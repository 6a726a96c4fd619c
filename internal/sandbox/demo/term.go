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

// term is the paid term of the order, as the demo simulates it.
type term struct {
	*environment
	item         int64
	end          time.Time // paid until
	certificates []storedCertificate
	sweeps       int
	mails        int
}

const day = 24 * time.Hour

// runTerm simulates the paid term: it starts the sweep on each day with an event and on every tenth of the other days,
// and does what the mails ask the client to do.
func (s *environment) runTerm(ctx context.Context, item int64) error {
	now, err := s.panel.Item(ctx, item)
	if err != nil {
		return err
	}
	end, err := time.Parse(time.DateOnly, now.Params["paid_until"])
	if err != nil {
		return err
	}
	t := &term{environment: s, item: item, end: end}
	if err := t.recordCertificate(now, orderTime()); err != nil {
		return err
	}
	s.print.heading("Five years in simulated time: `%s --command subscription` as the hourly timer runs it", s.module())
	for date := orderTime().Add(-time.Hour).Add(day); date.Before(end); date = date.Add(day) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := t.runDay(ctx, date); err != nil {
			return fmt.Errorf("on %s: %w", date.Format(time.DateOnly), err)
		}
	}
	return t.printSummary()
}

// runDay simulates one day, if the sweep has something to do or the day is the tenth.
func (t *term) runDay(ctx context.Context, date time.Time) error {
	now, err := t.panel.Item(ctx, t.item)
	if err != nil {
		return err
	}
	waiting := now.Params["service_status"] != "5"
	ordinary := int(date.Sub(orderTime())/day)%10 != 0
	if ordinary && !waiting && !t.isDue(date) {
		return nil
	}
	if err := t.clock.Set(date); err != nil {
		return err
	}
	if waiting { // the client has read the mail and published the value
		if _, err := t.seller.ProveDomain(domain); err != nil {
			return err
		}
	}
	run, err := t.panel.Start(ctx, t.module(), nil, "--command", "subscription")
	if err != nil {
		return err
	}
	t.sweeps++
	if !run.OK() {
		return fmt.Errorf("the sweep failed: %s\n%s", run.Failure(), run.Stdout)
	}
	if now, err = t.panel.Item(ctx, t.item); err != nil {
		return err
	}
	if err := t.printMails(date, run); err != nil {
		return err
	}
	return t.recordCertificate(now, date)
}

// isDue reports whether the certificate has reached its last ten days, or half of its validity if that is later.
func (t *term) isDue(date time.Time) bool {
	leaf := t.certificates[len(t.certificates)-1].leaf
	lead := min(10*day, leaf.NotAfter.Sub(leaf.NotBefore)/2)
	return !date.Before(leaf.NotAfter.Truncate(day).Add(-lead))
}

// recordCertificate records and prints the certificate that the panel stores, if it is new.
func (t *term) recordCertificate(item *panel.Item, date time.Time) error {
	block, _ := pem.Decode(item.Crt)
	if block == nil {
		return errors.New("the panel stores no PEM certificate")
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return err
	}
	if n := len(t.certificates); n > 0 && t.certificates[n-1].leaf.Equal(leaf) {
		return nil
	}
	t.certificates = append(t.certificates, storedCertificate{leaf: leaf, id: item.Params["custom_order_id"], stored: date})
	if n := len(t.certificates); n > 1 {
		t.print.note("%s  certificate %2d stored, ends %s (%s)", date.Format(time.DateOnly), n, leaf.NotAfter.Format(time.DateOnly), item.ExpireDate)
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
		t.mails++
		message, err := mail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			return err
		}
		t.print.note("%s  mail to %s: %s", date.Format(time.DateOnly), message.Header.Get("To"), message.Header.Get("Subject"))
		if t.mails > 1 {
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

// printSummary prints every certificate, and checks that there was no gap and only one payment.
func (t *term) printSummary() error {
	t.print.heading("The term is over: %d certificates, %d sweeps, %d mails", len(t.certificates), t.sweeps, t.mails)
	t.print.line("    n  id        begins      ends        days  stored on   before the end of the previous one")
	for i, c := range t.certificates {
		ahead := ""
		if i > 0 {
			ahead = strconv.Itoa(int(t.certificates[i-1].leaf.NotAfter.Sub(c.stored)/day)) + " days"
		}
		t.print.line(fmt.Sprintf("   %2d  %s  %s  %s  %4d  %s  %s", i+1, c.id, c.leaf.NotBefore.Format(time.DateOnly), c.leaf.NotAfter.Format(time.DateOnly),
			int((c.leaf.NotAfter.Sub(c.leaf.NotBefore)+time.Second+day-1)/day), c.stored.Format(time.DateOnly), ahead))
	}
	if err := t.checkNoGap(); err != nil {
		return err
	}
	t.print.value("gaps", "none from "+t.certificates[0].stored.Format(time.DateOnly)+" to "+t.end.Format(time.DateOnly))
	paid, err := t.onePayment()
	if err != nil {
		return err
	}
	t.print.value("paid", fmt.Sprintf("1 time: %s on %s", paid.amount, paid.at.Format(time.DateOnly)))
	t.print.line("")
	return nil
}

// checkNoGap returns an error unless each certificate was valid when it was stored, was stored before the previous one
// ended, and the last one reaches the end of the term.
func (t *term) checkNoGap() error {
	for i, c := range t.certificates {
		if c.stored.Before(c.leaf.NotBefore) {
			return fmt.Errorf("certificate %d was stored before it was valid", i+1)
		}
		if i > 0 && c.stored.After(t.certificates[i-1].leaf.NotAfter) {
			return fmt.Errorf("nothing valid was in place between %s and %s", t.certificates[i-1].leaf.NotAfter, c.stored)
		}
	}
	if last := t.certificates[len(t.certificates)-1].leaf.NotAfter; last.Before(t.end.Add(-time.Second)) {
		return fmt.Errorf("the last certificate ends %s, before the paid term", last)
	}
	return nil
}
