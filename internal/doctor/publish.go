package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"pmssl/internal/deliver"
	"pmssl/internal/item"
	"pmssl/internal/publish"
)

func publishChecks() []Check {
	return []Check{
		{ID: "publishers", Group: "Publishing and delivery", Title: "publishers", Needs: []string{"root"}, Limit: remoteLimit, run: withPanel(checkPublishers),
			About: "The files `etc/pmssl/*.conf` can be read and have no mistake. Each publisher is asked for the zones that its block names, whether it would take a challenge there: by a dynamic update whose condition keeps it from changing anything, by GET, by reading the panel's form, or by looking at the program. A block with `zone *` alone names no zone that could be asked for: use `--item`."},
		{ID: "deliverers", Group: "Publishing and delivery", Title: "deliverers", Needs: []string{"root"}, After: []string{"publishers"}, Limit: remoteLimit, run: withPanel(checkDeliverers),
			About: "Each `deploy` block: the hosting panel accepts the login, or the program can be run. Nothing is delivered."},
		{ID: "leftovers", Group: "Publishing and delivery", Title: "test records", Needs: []string{"root"}, Limit: hostLimit, run: checkLeftovers,
			About: "No record of a `--probe` that was killed is left. `var/NAME.probe` names what such a run has written; the next `--probe` removes it first. If its publisher is not configured any more, it is to be removed by hand, and the next `--probe` forgets it."},
	}
}

// testLabel begins the names of what a probe writes.
const testLabel = "_pmssl-test"

// config reads the configuration of publishers and deliverers. The finding says what is wrong with it.
func config(parts item.PublishingParts) (publish.Config, *Finding) {
	files, err := publish.ReadFiles(parts.Folder)
	var c publish.Config
	if err == nil {
		c, err = publish.Load(files)
	}
	if err == nil {
		return c, nil
	}
	f := because("correct the file and line that the message names (docs/unattended.md); until then nothing is published or delivered", err)
	return c, &f
}

func checkPublishers(ctx context.Context, x *examination, p item.DiagnosticPanel) []Finding {
	parts := x.o.Publishing(p)
	c, wrong := config(parts)
	if wrong != nil {
		return []Finding{*wrong}
	}
	value, err := p.Setting(ctx, publish.SettingMode)
	if err != nil {
		return []Finding{unchecked("%s", message(err))}
	}
	mode, _ := publish.ParseMode(value) // the check of the settings says what is wrong with it
	switch {
	case len(c.Publishers) == 0 && mode == publish.Off:
		return []Finding{passed("%s is off, and no publisher is configured: clients publish challenges", publish.SettingMode)}
	case len(c.Publishers) == 0:
		return []Finding{failed("write a publisher block into "+parts.Folder+"/NAME.conf (samples are in etc/samples/pmssl), or set "+publish.SettingMode+" off",
			"%s is %s, and no publisher is configured", publish.SettingMode, value)}
	}
	var found []Finding
	if mode == publish.Off {
		found = append(found, warned("write into etc/billmgr.conf: "+publish.SettingMode+" dry, read the log of a sweep, then: "+publish.SettingMode+" on",
			"%d publishers are configured, and %s is off: nothing is published", len(c.Publishers), publish.SettingMode))
	}
	for _, b := range c.Publishers {
		found = append(found, x.checkPublisher(ctx, parts, b))
	}
	return found
}

// checkPublisher asks a publisher for the zones that its block names.
func (x *examination) checkPublisher(ctx context.Context, parts item.PublishingParts, b publish.Block) Finding {
	title := fmt.Sprintf("publisher %s (%s)", b.Name, b.Kind)
	if ctx.Err() != nil {
		return notAsked(title)
	}
	mend := "correct the block at " + b.Pos + ", or the server (docs/unattended.md explains the messages)"
	constructor := parts.Publishers[b.Kind]
	if constructor == nil {
		return failed(mend, "%s: this program has no publisher of this kind", title)
	}
	made, err := constructor(b, parts.Env)
	if err != nil {
		return failed(mend, "%s: %v", title, err)
	}
	var asked []string
	for _, zone := range b.Zones {
		if zone == "*" {
			continue
		}
		if f := x.checkZone(ctx, made, b, zone); f != nil {
			f.Text, f.Mend = title+": "+f.Text, mend
			return *f
		}
		asked = append(asked, zone)
	}
	if b.Kind == publish.KindExec && len(asked) == 0 {
		if f := x.checkZone(ctx, made, b, "example.com"); f != nil {
			f.Text, f.Mend = title+": "+f.Text, mend
			return *f
		}
	}
	if len(asked) == 0 {
		return passed("%s: its block names no zone to ask for; --item N asks for the names of an item", title)
	}
	return passed("%s takes challenges in %s", title, some(asked))
}

// checkZone asks whether the publisher has the zone and would take a record in it; nil if it would.
func (x *examination) checkZone(ctx context.Context, made publish.Publisher, b publish.Block, name string) *Finding {
	zone, kept, err := made.Zone(ctx, name)
	switch {
	case err != nil:
		f := failed("", "%v", err)
		return &f
	case !kept:
		f := failed("", "it has no zone for %s", name)
		return &f
	}
	checker, can := made.(publish.Checker)
	if !can {
		return nil
	}
	r, err := x.testRecord(b, name)
	if err == nil {
		err = checker.Check(ctx, zone.Name, r)
	}
	if err != nil {
		f := failed("", "it would refuse a challenge for %s: %v", name, err)
		return &f
	}
	return nil
}

// testRecord returns a challenge for the name, with a random name, of the first kind that the block takes.
func (x *examination) testRecord(b publish.Block, name string) (publish.Record, error) {
	random, err := x.o.Random()
	if err != nil {
		return publish.Record{}, err
	}
	kind := publish.File
	if len(b.Types) > 0 {
		kind = b.Types[0]
	}
	return recordFor(kind, name, random), nil
}

func recordFor(kind publish.Type, name, random string) publish.Record {
	r := publish.Record{Domain: name, Type: kind, Name: testLabel + random + "." + name, Value: random + ".pmssl-test.invalid"}
	if kind == publish.File {
		r.Name, r.Path, r.Value = name, "/.well-known/pki-validation/"+testLabel+random+".txt", "pmssl-test "+random+"\n"
	}
	return r
}

func checkDeliverers(ctx context.Context, x *examination, p item.DiagnosticPanel) []Finding {
	parts := x.o.Publishing(p)
	c, wrong := config(parts)
	switch {
	case wrong != nil:
		return []Finding{unchecked("the configuration of %s cannot be used", parts.Folder)}
	case len(c.Deploys) == 0:
		return []Finding{passed("no deploy block is configured: clients install certificates")}
	}
	var found []Finding
	for _, d := range c.Deploys {
		found = append(found, checkDeliverer(ctx, parts, d))
	}
	return found
}

// checkDeliverer asks a deliverer for a site, which shows whether its server answers and accepts the login.
func checkDeliverer(ctx context.Context, parts item.PublishingParts, d publish.Deploy) Finding {
	title := fmt.Sprintf("deploy %s (%s)", d.Name, d.Kind)
	if ctx.Err() != nil {
		return notAsked(title)
	}
	mend := "correct the block at " + d.Pos + ", or the server (docs/unattended.md explains the messages)"
	constructor := parts.Deliverers[d.Kind]
	if constructor == nil {
		return failed(mend, "%s: this program delivers nothing in this way", title)
	}
	made, err := constructor(d, parts.Env)
	if err != nil {
		return failed(mend, "%s: %v", title, err)
	}
	name := "pmssl-test.invalid"
	for _, zone := range d.Zones {
		if zone != "*" {
			name = zone
			break
		}
	}
	site, kept, err := made.Site(ctx, name)
	if err == nil && kept {
		if checker, can := made.(deliver.Checker); can {
			err = checker.Check(ctx, []deliver.Site{site})
		}
	}
	if err != nil {
		return failed(mend, "%s: %v", title, err)
	}
	return passed("%s answers", title)
}

func (x *examination) probeFile() string { return filepath.Join(x.o.Root, "var", x.o.Binary+".probe") }

func checkLeftovers(_ context.Context, x *examination) []Finding {
	left, err := x.readProbe()
	switch {
	case err != nil:
		return []Finding{probeUnread(err)}
	case len(left) == 0:
		return []Finding{passed("none is left")}
	}
	var names []string
	for _, one := range left {
		names = append(names, one.Placement.Record.String())
	}
	if x.o.Probe {
		return []Finding{unchecked("the probe removes first what an earlier one has left: %s", strings.Join(names, ", "))}
	}
	mend := fmt.Sprintf("%s --command doctor --item %d --probe (or with another item) removes it, or says what is left to do by hand", x.o.Binary, left[0].Order.Item)
	return []Finding{failed(mend, "a test record of a probe that was killed may still stand: %s", strings.Join(names, ", "))}
}

// isAbsent reports whether a file does not exist.
func isAbsent(err error) bool { return errors.Is(err, os.ErrNotExist) }
