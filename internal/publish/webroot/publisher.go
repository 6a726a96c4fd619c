// Package webroot publishes challenges as files below the panel's folder var, from where a web server serves them for every
// site (docs/reference/unattended.md §6). It writes into no site's own folder and follows no symbolic link.
package webroot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"pmssl/internal/plaintext"
	"pmssl/internal/publish"
)

// maxShown is how many bytes of a foreign file an error shows.
const maxShown = 100

type publisher struct {
	block publish.Block
	env   publish.Env
}

var (
	_ publish.Publisher = (*publisher)(nil)
	_ publish.Checker   = (*publisher)(nil)
)

// New makes the publisher of a block of the kind webroot.
func New(b publish.Block, e publish.Env) (publish.Publisher, error) {
	return &publisher{block: b, env: e}, nil
}

// Zone returns the host itself: each host has a folder of its own. A block without zones, or with `*`, is for every host.
func (p *publisher) Zone(_ context.Context, name string) (publish.Zone, bool, error) {
	if !publish.IsHostName(name) {
		return publish.Zone{}, false, fmt.Errorf("%q is not a host name", plaintext.Clip(name, maxShown))
	}
	kept := len(p.block.Zones) == 0 || slices.ContainsFunc(p.block.Zones, func(zone string) bool {
		return zone == "*" || name == zone || publish.Below(name, zone)
	})
	return publish.Zone{Name: name}, kept, nil
}

// Publish writes the file if there is none, or one of the module's own with a value in old.
func (p *publisher) Publish(ctx context.Context, zone string, r publish.Record, old []string) error {
	name, err := r.CheckFile(zone)
	if err != nil {
		return err
	}
	return p.inFolder(ctx, zone, true, func(f *folder) error {
		standing, err := f.read(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		case standing == r.Value:
			return f.publish(name)
		case !slices.Contains(old, standing):
			return conflict(f.path(name), standing)
		}
		return f.write(name, r.Value, p.env.Rand)
	})
}

// Withdraw removes the file if it holds exactly this value, and the folders that are empty then.
func (p *publisher) Withdraw(ctx context.Context, zone string, r publish.Record) error {
	name, err := r.CheckFile(zone)
	if err != nil {
		return err
	}
	return p.inFolder(ctx, zone, false, func(f *folder) error {
		standing, err := f.read(name)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, publish.ErrConflict) || err == nil && standing != r.Value {
			return nil
		}
		if err != nil {
			return err
		}
		return f.remove(name)
	})
}

// Check reports whether Publish would be refused. It changes nothing.
func (p *publisher) Check(_ context.Context, zone string, r publish.Record) error {
	name, err := r.CheckFile(zone)
	if err != nil {
		return err
	}
	f, err := openFolder(p.env.Root, zone, false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.close()
	standing, err := f.read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && standing != r.Value {
		err = conflict(f.path(name), standing)
	}
	return err
}

func conflict(path, standing string) error {
	return fmt.Errorf("%w: %s holds %q", publish.ErrConflict, path, plaintext.Clip(strings.ToValidUTF8(standing, "?"), maxShown))
}

// inFolder opens the host's folder and calls do, while no other process of the module changes the files of any host. What
// runs that were killed left behind is removed first, and folders that are empty afterwards at the end. Without create, a host
// that has no folder is no error, and do is not called.
func (p *publisher) inFolder(ctx context.Context, host string, create bool, do func(f *folder) error) error {
	release, err := lock(ctx, p.env.Root, create)
	if errors.Is(err, fs.ErrNotExist) && !create {
		return nil
	}
	if err != nil {
		return err
	}
	defer release()
	f, err := openFolder(p.env.Root, host, create)
	if f != nil {
		defer f.close()
		defer f.removeEmpty()
	}
	if errors.Is(err, fs.ErrNotExist) && !create {
		return nil
	}
	if err == nil {
		err = f.removeLeftovers()
	}
	if err != nil {
		return err
	}
	return do(f)
}
