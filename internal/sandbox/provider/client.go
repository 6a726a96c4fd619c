package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"pmssl/internal/sandbox/issuance"
	"pmssl/internal/sandbox/panel"
	"pmssl/internal/sandbox/standin"
)

// betweenSyncs is the time from what a client publishes to the next look at it. The modules cache the seller's list for two minutes.
const betweenSyncs = 10 * time.Minute

// Methods by which a client proves control of his names, as the panel calls them (item parameter approver_method).
const (
	MethodEmail = "auth_email"
	MethodCNAME = "auth_dnscname"
	MethodTXT   = "auth_dnstxt"
	MethodFile  = "auth_http"
)

// Challenge is one thing that the client publishes.
type Challenge struct {
	Name  string // of the record, or the URL of the file
	Type  string // CNAME, TXT, or "" for a file
	Value string // of the record, or the content of the file
}

// Challenges returns what the client of an item has to publish, in the form in which the panel shows it. An order that is validated by
// e-mail has none.
func Challenges(item *panel.Item) []Challenge {
	method := item.Params["approver_method"]
	text := item.Params[method+"_value"]
	if method == MethodFile {
		url, content, _ := strings.Cut(text, "\n")
		if url == "" {
			return nil
		}
		return []Challenge{{Name: url, Value: content}}
	}
	var all []Challenge
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) >= 3 {
			all = append(all, Challenge{Name: fields[0], Type: fields[1], Value: strings.Join(fields[2:], " ")})
		}
	}
	return all
}

// Waiting reports whether an item waits for its certificate at the seller.
func Waiting(item *panel.Item) bool {
	return slices.Contains([]string{"3", "4"}, item.Params["service_status"])
}

// Prove does what the client of a waiting item is asked for: he publishes the records or the file, or follows the link in the mail of
// the certification authority. Ten minutes pass, in which the authority sees it.
func (p *Provider) Prove(ctx context.Context, id int64) error {
	item, err := p.Panel.Item(ctx, id)
	if err != nil {
		return err
	}
	if !Waiting(item) {
		return fmt.Errorf("item %d (%s) does not wait for anything that the client publishes", id, item.Name)
	}
	if err := p.prove(ctx, item); err != nil {
		return fmt.Errorf("item %d (%s): %w", id, item.Name, err)
	}
	_, err = p.Clock.Advance(betweenSyncs)
	return err
}

func (p *Provider) prove(ctx context.Context, item *panel.Item) error {
	switch item.Params["approver_method"] {
	case MethodCNAME, MethodTXT, MethodFile:
		challenges := Challenges(item)
		if len(challenges) == 0 {
			return errors.New("the seller has not said yet what to publish: synchronise the item first")
		}
		return p.publish(challenges)
	}
	module, err := p.Panel.ItemModule(ctx, item.ID)
	if err != nil {
		return err
	}
	seller, err := p.Seller(module)
	if err != nil {
		return err
	}
	for name := range strings.SplitSeq(item.Params["domains_list"], ",") {
		if _, err := seller.ProveDomain(name); err != nil && !errors.Is(err, standin.ErrUnknown) {
			return err
		}
	}
	return nil
}

// publish adds records to their zones, and files to the web server.
func (p *Provider) publish(challenges []Challenge) error {
	for _, c := range challenges {
		if c.Type == "" {
			p.Web.publish(c.Name, c.Value)
			continue
		}
		zone := p.World.Zone(issuance.Registrable(c.Name))
		if zone == nil {
			return fmt.Errorf("no name server has a zone for %s", c.Name)
		}
		value := strings.TrimSuffix(c.Value, ".") + "."
		if c.Type == "TXT" {
			value = fmt.Sprintf("%q", c.Value)
		}
		if err := zone.Add(fmt.Sprintf("%s. 60 %s %s\n", strings.TrimSuffix(c.Name, "."), c.Type, value)); err != nil {
			return err
		}
	}
	return nil
}

// Install puts the certificate of an item in place on its site, as the client does by hand.
func (p *Provider) Install(ctx context.Context, id int64) error {
	item, err := p.Panel.Item(ctx, id)
	if err != nil {
		return err
	}
	if len(item.Crt) == 0 {
		return fmt.Errorf("item %d (%s) has no certificate yet", id, item.Name)
	}
	return p.Web.Install(item.Name, item.Crt)
}

// Sync lets the panel synchronise an item.
func (p *Provider) Sync(ctx context.Context, id int64) (*panel.Run, error) {
	return recorded(ctx, p, id, func() (*panel.Run, error) { return p.Panel.Sync(ctx, id) })
}

// Reissue presses the client's button for another certificate of the paid term: for the present key, or with newKey for another one
// that the site gets.
func (p *Provider) Reissue(ctx context.Context, id int64, newKey bool) (*panel.Run, error) {
	return recorded(ctx, p, id, func() (*panel.Run, error) {
		csr := ""
		if newKey {
			item, err := p.Panel.Item(ctx, id)
			if err != nil {
				return nil, err
			}
			names := csrNames(item.CSR)
			if len(names) == 0 {
				return nil, fmt.Errorf("item %d (%s) has no CSR that names a site", id, item.Name)
			}
			if csr, err = p.NewCSR(true, names...); err != nil {
				return nil, err
			}
		}
		_, run, err := p.Panel.Reissue(ctx, id, csr, "", nil)
		return run, err
	})
}

// Renew lets the client pay for the next term.
func (p *Provider) Renew(ctx context.Context, id int64) (*panel.Run, error) {
	return recorded(ctx, p, id, func() (*panel.Run, error) { return p.operate(ctx, id, "prolong") })
}

// CloseItem lets the panel delete an item.
func (p *Provider) CloseItem(ctx context.Context, id int64) (*panel.Run, error) {
	return p.operate(ctx, id, "close")
}

func (p *Provider) operate(ctx context.Context, id int64, command string) (*panel.Run, error) {
	_, run, err := p.Panel.Operate(ctx, id, command)
	return run, err
}

// RetryOperation runs a running operation once more.
func (p *Provider) RetryOperation(ctx context.Context, operation int64) (*panel.Run, error) {
	run, err := p.Panel.RunOperation(ctx, operation)
	if err != nil {
		return nil, err
	}
	return run, p.recordAll(ctx)
}

// DeleteOperation deletes a running operation and the administrator's tasks about it.
func (p *Provider) DeleteOperation(ctx context.Context, operation int64) error {
	tasks, err := p.Panel.Tasks(ctx)
	if err != nil {
		return err
	}
	calls := [][]string{{"runningoperation.delete", fmt.Sprintf("elid=%d", operation), "sok=ok"}}
	for _, task := range tasks {
		if task.Operation == operation {
			calls = append(calls, []string{"task.delete", fmt.Sprintf("elid=%d", task.ID), "sok=ok"})
		}
	}
	for _, call := range calls {
		run, err := p.Panel.Mgrctl(ctx, call...)
		if err != nil {
			return err
		}
		if !run.OK() {
			return fmt.Errorf("%s: %s", call[0], run.Failure())
		}
	}
	return nil
}

// Order places a client's order and runs its open. Sites for the names of its CSR are added first. With an error there is a result if
// the order was placed.
func (p *Provider) Order(ctx context.Context, o panel.Order) (*panel.OrderResult, error) {
	if names := csrNames(o.CSR); len(names) > 0 {
		if err := p.AddSite(append(names, o.AltNames...)...); err != nil {
			return nil, err
		}
	}
	done, err := p.Panel.Order(ctx, o)
	if err != nil || done.Item == 0 {
		return done, err
	}
	if err := p.record(ctx, done.Item); err != nil {
		return done, err
	}
	_, err = p.Panel.CheckBalances(ctx)
	return done, err
}

// recorded does something with an item and records the certificate that came of it.
func recorded(ctx context.Context, p *Provider, id int64, do func() (*panel.Run, error)) (*panel.Run, error) {
	run, err := do()
	if err != nil {
		return nil, err
	}
	return run, p.record(ctx, id)
}
