// Package execute delivers certificates by a program of the administrator, called as certbot calls its deploy hooks: with
// RENEWED_LINEAGE and RENEWED_DOMAINS (docs/reference/unattended.md §7).
package execute

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"pmssl/internal/deliver"
	"pmssl/internal/plaintext"
	"pmssl/internal/program"
	"pmssl/internal/publish"
)

// live is the folder between that of the item and that of the certificate. Hooks of certbot take the last part of the path for the
// certificate's name, and some look for live above it.
const live = "live"

type deliverer struct {
	block   publish.Deploy
	env     publish.Env
	runTime time.Duration
}

var _ deliver.Checker = (*deliverer)(nil)

// New makes the deliverer of a block of the kind exec.
func New(d publish.Deploy, e publish.Env) (deliver.Deliverer, error) {
	return &deliverer{block: d, env: e, runTime: deliver.ProgramTime}, nil
}

// Site returns the host name itself, without an owner: the program cannot be asked.
func (d *deliverer) Site(_ context.Context, name string) (deliver.Site, bool, error) {
	if !publish.IsHostName(name) {
		return deliver.Site{}, false, fmt.Errorf("%q is not a host name", plaintext.Clip(name, 300))
	}
	return deliver.Site{Name: name}, true, nil
}

// Check reports whether the program may be run.
func (d *deliverer) Check(context.Context, []deliver.Site) error {
	return program.Check(d.block.Program)
}

// Deliver writes the certificate into a folder of the item, calls the program and removes the folder. Whatever the program did
// before, it may be called again.
func (d *deliverer) Deliver(ctx context.Context, order deliver.Order, sites []deliver.Site, c deliver.Certificate) (err error) {
	if err := program.Check(d.block.Program); err != nil {
		return err
	}
	files, err := d.files(ctx, c)
	if err != nil {
		return err
	}
	names := ownNames(c.Names, sites)
	lineage, err := lineageName(names)
	if err != nil {
		return err
	}
	f, err := makeFolder(ctx, d.env.Root, order.Item)
	if err != nil {
		return err
	}
	defer func() {
		if left := f.remove(); left != nil {
			err = errors.Join(err, fmt.Errorf("%s could not be removed: %w", f.path, left))
		}
	}()
	for _, file := range files {
		if err := f.write(filepath.Join(live, lineage, file.name), file.content); err != nil {
			return fmt.Errorf("%s: %w", f.path, err)
		}
	}
	c.Names = names
	return d.call(ctx, order, filepath.Join(f.path, live, lineage), c, secrets(files))
}

type file struct{ name, content string }

// privateKey is the name of the file with the private key.
const privateKey = "privkey.pem"

// secrets returns the private key among the files.
func secrets(files []file) []string {
	for _, file := range files {
		if file.name == privateKey {
			return []string{file.content}
		}
	}
	return nil
}

// files returns the files of certbot's folder live/NAME. The private key is among them if the block says so. Without it the program is
// not called: hooks copy one file after the other, and would leave a server with a certificate and another one's key.
func (d *deliverer) files(ctx context.Context, c deliver.Certificate) ([]file, error) {
	leaf, chain := lines(c.Leaf), lines(c.Chain)
	all := []file{{"cert.pem", leaf}, {"chain.pem", chain}, {"fullchain.pem", leaf + chain}}
	if !d.block.Key {
		return all, nil
	}
	key := ""
	if c.Key != nil {
		var err error
		if key, err = c.Key(ctx); err != nil {
			return nil, fmt.Errorf("the private key cannot be read: %w", err)
		}
	}
	if key = lines(key); key == "" {
		return nil, fmt.Errorf("%w: block %s says `key yes`, and the billing panel holds no private key of certificate %s: %s is not called",
			deliver.ErrByHand, d.block.Name, c.Serial, d.block.Program)
	}
	return append(all, file{privateKey, key}), nil
}

// lines returns a PEM text that ends with one line end; nothing for nothing.
func lines(text string) string {
	if text = strings.TrimSpace(text); text == "" {
		return ""
	}
	return text + "\n"
}

// ownNames returns those names of the certificate whose sites are the client's own. The program does not hear of the others: it would
// put the certificate on them.
func ownNames(names []string, sites []deliver.Site) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return !slices.ContainsFunc(sites, func(s deliver.Site) bool { return s.Name == strings.TrimPrefix(name, "*.") })
	})
}

// lineageName returns the name of the folder, as certbot chooses it: the first of the names without "*.". All names are
// checked, because they become part of a path and of the environment.
func lineageName(names []string) (string, error) {
	for _, name := range names {
		if !publish.IsHostName(strings.TrimPrefix(name, "*.")) {
			return "", fmt.Errorf("%q is not a host name", plaintext.Clip(name, 300))
		}
	}
	if len(names) == 0 {
		return "", errors.New("the certificate has no name of these sites")
	}
	return strings.TrimPrefix(names[0], "*."), nil
}

// call runs the program.
func (d *deliverer) call(run context.Context, order deliver.Order, lineage string, c deliver.Certificate, secrets []string) error {
	ctx, cancel := context.WithTimeout(run, d.runTime)
	defer cancel()
	began := d.env.Now()
	out := program.Run(ctx, program.Command{Program: d.block.Program, Secrets: secrets, Root: d.env.Root, Environ: append(program.Path(d.env.Environ),
		"RENEWED_LINEAGE="+lineage, "RENEWED_DOMAINS="+strings.Join(c.Names, " "), "PMSSL_ITEM="+strconv.FormatInt(order.Item, 10))})
	d.env.Log.Debugf("deploy %s: %s for certificate %s ended after %d ms (%v); its output: %s; its errors: %s", d.block.Name, d.block.Program, c.Serial,
		d.env.Now().Sub(began).Milliseconds(), out.Err, out.Output(), out.Errors())
	if out.Err == nil {
		return nil
	}
	if over := run.Err(); over != nil { // a run may have less time left than a program may take
		return fmt.Errorf("%s: it was ended with the time of the run: %w", d.block.Program, over)
	}
	return fmt.Errorf("%s: %w: %s", d.block.Program, out.Reason(ctx, d.runTime), out.LastError())
}
