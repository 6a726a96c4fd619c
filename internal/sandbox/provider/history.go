package provider

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"slices"
	"time"

	"pmssl/internal/sandbox/panel"
)

// Stored is one certificate that the panel has stored for an item.
type Stored struct {
	Leaf *x509.Certificate
	ID   string // of the order at the seller
	At   time.Time
}

// Days returns the days of validity; a day that has begun counts.
func (s Stored) Days() int {
	return int((s.Leaf.NotAfter.Sub(s.Leaf.NotBefore) + time.Second + day - 1) / day)
}

// Looks counts the handshakes with the site of an item, and those that showed no valid certificate.
type Looks struct{ Count, Gaps int }

// Leaf returns the certificate that the panel stores for an item.
func Leaf(item *panel.Item) (*x509.Certificate, error) {
	block, _ := pem.Decode(item.Crt)
	if block == nil {
		return nil, errors.New("the panel stores no PEM certificate")
	}
	return x509.ParseCertificate(block.Bytes)
}

// History returns the certificates that the panel has stored for an item, oldest first. It is safe for concurrent use.
func (p *Provider) History(id int64) []Stored {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.history[id])
}

// Looks returns what was seen at the site of an item on the days that Advance has simulated. It is safe for concurrent use.
func (p *Provider) Looks(id int64) Looks {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l := p.looks[id]; l != nil {
		return *l
	}
	return Looks{}
}

// record adds the certificate of an item to its history, if it is new.
func (p *Provider) record(ctx context.Context, id int64) error {
	item, err := p.Panel.Item(ctx, id)
	if err != nil || len(item.Crt) == 0 {
		return err
	}
	now, err := p.Now()
	if err != nil {
		return err
	}
	_, err = p.Record(item, now)
	return err
}

func (p *Provider) recordAll(ctx context.Context) error {
	items, err := p.Items(ctx)
	for _, item := range items {
		err = errors.Join(err, p.record(ctx, item.ID))
	}
	return err
}

// Record adds the certificate that the panel stores for an item to its history, and reports whether it was new.
func (p *Provider) Record(item *panel.Item, at time.Time) (added bool, err error) {
	leaf, err := Leaf(item)
	if err != nil {
		return false, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	past := p.history[item.ID]
	if len(past) > 0 && past[len(past)-1].Leaf.Equal(leaf) {
		return false, nil
	}
	p.history[item.ID] = append(past, Stored{Leaf: leaf, ID: item.Params["custom_order_id"], At: at})
	return true, nil
}

// Look visits the site of an item, counts the handshake, and counts a gap unless it shows a certificate that is valid now.
func (p *Provider) Look(ctx context.Context, item *panel.Item) (*x509.Certificate, error) {
	shown, err := p.Visit(ctx, item)
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.looks[item.ID]
	if l == nil {
		l = &Looks{}
		p.looks[item.ID] = l
	}
	l.Count++
	if err != nil {
		l.Gaps++
	}
	return shown, err
}

// siteOf returns a name of an item that a visitor can open: a wildcard's is one below it.
func siteOf(item *panel.Item) string {
	if above, is := cutWildcard(item.Name); is {
		return "www." + above
	}
	return item.Name
}
