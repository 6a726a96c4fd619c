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

// held is one certificate that the panel stored in the course of the term.
type held struct {
	leaf   *x509.Certificate
	id     string
	stored time.Time
}

// term is the story of the paid years.
type term struct {
	*stage
	item         int64
	end          time.Time // paid until
	certificates []held
	sweeps       int
	letters      int
}

const day = 24 * time.Hour

// years plays the whole paid term in simulated time: the sweep runs on each day that has an event and on every tenth of
// the others, and the client does what the letters ask for.
func (s *stage) years(ctx context.Context, item int64) error {
	now, err := s.panel.Item(ctx, item)
	if err != nil {
		return err
	}
	end, err := time.Parse(time.DateOnly, now.Params["paid_until"])
	if err != nil {
		return err
	}
	t := &term{stage: s, item: item, end: end}
	if err := t.look(now, opening()); err != nil {
		return err
	}
	s.tell.chapter("Five years in simulated time: `%s --command subscription` as the hourly timer runs it", s.module())
	for date := opening().Add(-time.Hour).Add(day); date.Before(end); date = date.Add(day) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := t.live(ctx, date); err != nil {
			return fmt.Errorf("on %s: %w", date.Format(time.DateOnly), err)
		}
	}
	return t.account()
}

// live is one day: a sweep where there is something to see.
func (t *term) live(ctx context.Context, date time.Time) error {
	now, err := t.panel.Item(ctx, t.item)
	if err != nil {
		return err
	}
	waiting := now.Params["service_status"] != "5"
	ordinary := int(date.Sub(opening())/day)%10 != 0
	if ordinary && !waiting && !t.eventful(date) {
		return nil
	}
	if err := t.clock.Set(date); err != nil {
		return err
	}
	if waiting { // the client has read the letter and published the value
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
	if err := t.post(date, run); err != nil {
		return err
	}
	return t.look(now, date)
}

// eventful reports whether the certificate in place reaches its last ten days, or half of its life where that is later.
func (t *term) eventful(date time.Time) bool {
	leaf := t.certificates[len(t.certificates)-1].leaf
	lead := min(10*day, leaf.NotAfter.Sub(leaf.NotBefore)/2)
	return !date.Before(leaf.NotAfter.Truncate(day).Add(-lead))
}

// look notes a new certificate.
func (t *term) look(item *panel.Item, date time.Time) error {
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
	t.certificates = append(t.certificates, held{leaf: leaf, id: item.Params["custom_order_id"], stored: date})
	if n := len(t.certificates); n > 1 {
		t.tell.note("%s  certificate %2d stored, ends %s (%s)", date.Format(time.DateOnly), n, leaf.NotAfter.Format(time.DateOnly), item.ExpireDate)
	}
	return nil
}

// post reads the letters that went out, and shows the first one.
func (t *term) post(date time.Time, run *panel.Run) error {
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
		t.letters++
		letter, err := mail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			return err
		}
		t.tell.note("%s  letter to %s: %s", date.Format(time.DateOnly), letter.Header.Get("To"), letter.Header.Get("Subject"))
		if t.letters > 1 {
			continue
		}
		body, err := io.ReadAll(quotedprintable.NewReader(letter.Body))
		if err != nil {
			return err
		}
		t.tell.run(run)
		t.tell.value("the letter says", strings.ReplaceAll(string(body), "\r", ""))
	}
	return nil
}

// account returns the end of the story: every certificate, no gap, one payment.
func (t *term) account() error {
	t.tell.chapter("The term is over: %d certificates, %d sweeps, %d letters", len(t.certificates), t.sweeps, t.letters)
	t.tell.line("    n  id        begins      ends        days  stored on   before the old one ended")
	for i, c := range t.certificates {
		ahead := ""
		if i > 0 {
			ahead = strconv.Itoa(int(t.certificates[i-1].leaf.NotAfter.Sub(c.stored)/day)) + " days"
		}
		t.tell.line(fmt.Sprintf("   %2d  %s  %s  %s  %4d  %s  %s", i+1, c.id, c.leaf.NotBefore.Format(time.DateOnly), c.leaf.NotAfter.Format(time.DateOnly),
			int((c.leaf.NotAfter.Sub(c.leaf.NotBefore)+time.Second+day-1)/day), c.stored.Format(time.DateOnly), ahead))
	}
	if err := t.gapless(); err != nil {
		return err
	}
	t.tell.value("without a certificate", "not a second from "+t.certificates[0].stored.Format(time.DateOnly)+" to "+t.end.Format(time.DateOnly))
	paid, err := t.onePayment()
	if err != nil {
		return err
	}
	t.tell.value("paid", fmt.Sprintf("1 time: %s on %s", paid.amount, paid.at.Format(time.DateOnly)))
	t.tell.line("")
	return nil
}

// gapless holds the certificates against the term: each was valid when it was stored, stored before the one in place ended,
// and the last one reaches the end.
func (t *term) gapless() error {
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
