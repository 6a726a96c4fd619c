package app

import (
	"context"
	"path/filepath"

	"pmssl/internal/deliver"
	deliverexecute "pmssl/internal/deliver/execute"
	"pmssl/internal/publish"
)

// deliverShare is the part of the time of a command for one item that deliveries may take; the sweep has its own measure. What there
// is no time for is left to the next sweep.
const deliverShare = 5

// delivering is the run's deliver.Service. It is made at its first use, because most commands deliver nothing. If its options cannot
// be read, nothing is delivered: every call fails in a way that passes by itself.
type delivering struct {
	publishing *publishing // reads the options
	made       deliver.Service
	unread     error // why the options could not be read
}

var _ deliver.Service = (*delivering)(nil)

// newDelivering returns the service, with the time limit of a command for one item. A command for many items limits each of them
// itself.
func newDelivering(s *invocation, panel *watchedPanel) deliver.Service {
	service := &delivering{publishing: &publishing{invocation: s, panel: panel}}
	if s.row.deadline >= sweepTime {
		return service
	}
	return deliver.Limit(service, deliver.NewBudget(s.system.Now, s.row.deadline/deliverShare))
}

// service returns the service. An option with an unknown value counts as not set; publishing warns of it.
func (d *delivering) service() (deliver.Service, error) {
	if d.made != nil || d.unread != nil {
		return d.made, d.unread
	}
	s := d.publishing.invocation
	log := s.rootLog.Named("deliver")
	var value string
	if value, d.unread = d.publishing.setting(publish.SettingMode); d.unread != nil {
		return nil, d.unread
	}
	mode, _ := publish.ParseMode(value)
	deliverexecute.RemoveLeftovers(s.root, log)
	d.made = deliver.New(deliver.Options{
		Mode: mode, Folder: filepath.Join(s.root, "etc", "pmssl"), Env: d.publishing.env(log), Facts: d.publishing.panel,
		Constructors: deliverers(),
		Addresses:    d.publishing.addresses(),
	})
	return d.made, nil
}

// Mode implements deliver.Service.
func (d *delivering) Mode() publish.Mode {
	service, err := d.service()
	if err != nil {
		return publish.On // so that Targets says why
	}
	return service.Mode()
}

// Configured implements deliver.Service.
func (d *delivering) Configured() bool {
	service, err := d.service()
	return err != nil || service.Configured()
}

// Possible implements deliver.Service.
func (d *delivering) Possible(ctx context.Context, order deliver.Order, names []string) bool {
	service, err := d.service()
	return err != nil || service.Possible(ctx, order, names)
}

// Targets implements deliver.Service.
func (d *delivering) Targets(ctx context.Context, order deliver.Order, names []string) ([]deliver.Target, []deliver.Reason, error) {
	service, err := d.service()
	if err != nil {
		return nil, nil, err
	}
	return service.Targets(ctx, order, names)
}

// Deliver implements deliver.Service.
func (d *delivering) Deliver(ctx context.Context, order deliver.Order, target deliver.Target, c deliver.Certificate) error {
	service, err := d.service()
	if err != nil {
		return err
	}
	return service.Deliver(ctx, order, target, c)
}

// CheckKey implements deliver.Service.
func (d *delivering) CheckKey(ctx context.Context, order deliver.Order, target deliver.Target, names []string) error {
	service, err := d.service()
	if err != nil {
		return err
	}
	return service.CheckKey(ctx, order, target, names)
}

// Seen implements deliver.Service.
func (d *delivering) Seen(ctx context.Context, target deliver.Target, serial string) (deliver.Sight, error) {
	service, err := d.service()
	if err != nil {
		return deliver.Sight{}, err
	}
	return service.Seen(ctx, target, serial)
}
