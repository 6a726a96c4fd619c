package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"pmssl/internal/filelock"
	"pmssl/internal/item"
	"pmssl/internal/pki"
	"pmssl/internal/publish"
)

// probed is a record that a probe writes, as var/NAME.probe holds it from before it is written until after it was removed.
type probed struct {
	Order     publish.Order     `json:"order"`
	Placement publish.Placement `json:"placement"`
	At        time.Time         `json:"at"`
}

const maxProbeFile = 256 << 10

// readProbe returns what earlier probes have written and not removed.
func (x *examination) readProbe() ([]probed, error) {
	text, err := readSome(x.probeFile(), maxProbeFile)
	if isAbsent(err) {
		return nil, nil
	}
	var left []probed
	if err == nil {
		left, err = parseProbe(text)
	}
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", x.probeFile(), err)
	}
	return left, nil
}

// maxProbed is how many records a file of probes may name.
const maxProbed = 100

// parseProbe reads the content of the file.
func parseProbe(text []byte) ([]probed, error) {
	var left []probed
	if err := json.Unmarshal(text, &left); err != nil {
		return nil, err
	}
	if len(left) > maxProbed {
		return nil, fmt.Errorf("it names %d records, at most %d are expected", len(left), maxProbed)
	}
	return left, nil
}

// saveProbe replaces the file; an empty list removes it. The file is on the disk before it returns.
func (x *examination) saveProbe(left []probed) error {
	path := x.probeFile()
	if len(left) == 0 {
		if err := os.Remove(path); err != nil && !isAbsent(err) {
			return err
		}
		return nil
	}
	text, err := json.Marshal(left)
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".") // with the mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // fails once it was renamed
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

// removeLimit bounds the removal of a test record, which goes on after the check's own limit and after a signal.
const removeLimit = 45 * time.Second

// checkProbe writes a record or file, looks for it and removes it. What a killed probe has left is removed first.
func checkProbe(ctx context.Context, x *examination, p item.DiagnosticPanel) []Finding {
	if x.o.Protect != nil { // what is written is removed before a signal or the deadline ends the process
		x.o.Protect(true)
		defer x.o.Protect(false)
	}
	unlock, busy := x.lockProbes()
	if busy != nil {
		return []Finding{*busy}
	}
	defer unlock()
	s, parts := x.target(), x.o.Publishing(p)
	service := parts.Service(publish.On)
	left, err := x.readProbe()
	if err != nil {
		return []Finding{because("read it, remove the records that it names by hand, then remove the file", err)}
	}
	var found []Finding
	for _, one := range slices.Clone(left) {
		f, gone := x.remove(ctx, service, one)
		found = append(found, f)
		if gone {
			left = slices.DeleteFunc(left, func(other probed) bool { return other.Placement == one.Placement })
		}
	}
	if err := x.saveProbe(left); err != nil {
		return append(found, because("make var writable", err))
	}
	return append(found, x.probe(ctx, service, parts, s, left)...)
}

// lockProbes keeps other probes of this host away until unlock is called; the finding is why this one cannot be made. The lock is
// that of the folder var, so that no file of its own is needed.
func (x *examination) lockProbes() (unlock func(), busy *Finding) {
	folder, err := os.Open(filepath.Dir(x.probeFile()))
	free := false
	if err == nil {
		if free, err = filelock.Try(folder, filelock.Exclusive); err == nil && free {
			return func() { _ = folder.Close() }, nil // it was only locked
		}
		_ = folder.Close()
	}
	f := unchecked("nothing was written: another probe runs on this host")
	if err != nil {
		f = because("see the message: a probe needs the lock of this folder", err)
	}
	return nil, &f
}

// probe writes one record or file for the first name of the item.
func (x *examination) probe(ctx context.Context, service publish.Service, parts item.PublishingParts, s *subject, left []probed) []Finding {
	random, err := x.o.Random()
	if err != nil {
		return []Finding{unchecked("%v", err)}
	}
	name := s.hosts()[0]
	placed, err := service.Place(ctx, s.order, []publish.Record{recordFor(s.kind, name, random)})
	if err != nil {
		return []Finding{failed(placeMend(err), "nothing was written: %s", message(err))}
	}
	one := probed{Order: s.order, Placement: placed[0], At: x.o.Now().UTC()}
	if err := x.saveProbe(append(left, one)); err != nil {
		return []Finding{because("make var writable", fmt.Errorf("nothing was written, because %s cannot be: %w", x.probeFile(), err))}
	}
	var found []Finding
	if err := service.Publish(ctx, one.Order, one.Placement, nil); err != nil {
		found = append(found, failed(placeMend(err), "%v", err))
	} else {
		found = append(found, x.seen(ctx, parts, one))
	}
	f, gone := x.remove(ctx, service, one) // also after a write that failed: it may have been carried out
	if gone {
		if err := x.saveProbe(left); err != nil {
			found = append(found, because("remove "+x.probeFile(), err))
		}
	}
	return append(found, f)
}

// seen waits until the record is seen where a CA looks.
func (x *examination) seen(ctx context.Context, parts item.PublishingParts, one probed) Finding {
	shown := pki.DisplayName(one.Placement.Record.Domain)
	var block publish.Block
	if c, wrong := config(parts); wrong == nil {
		at := slices.IndexFunc(c.Publishers, func(b publish.Block) bool { return b.Name == one.Placement.Publisher })
		if at >= 0 {
			block = c.Publishers[at]
		}
	}
	why := ""
	for _, pause := range []time.Duration{0, time.Second, 4 * time.Second, 10 * time.Second, 20 * time.Second} {
		if pause > 0 && parts.Env.Sleep(ctx, pause) != nil {
			break
		}
		sight, err := parts.Look(ctx, block, one.Placement)
		if err != nil {
			return unchecked("%s: written; whether it is seen is not known: %v", shown, err)
		}
		if why = sight.Why; sight.Seen {
			return passed("%s: %s was written and is seen where a CA looks", shown, one.Placement.Record)
		}
		if sight.HostGone {
			break
		}
	}
	return failed("let all name servers, or all addresses of the site, show what the publisher writes (transfers, caches, proxies)", "%s: written, and not seen: %s", shown, why)
}

// isTest reports whether a record is of those that probes write.
func isTest(r publish.Record) bool {
	if r.Type == publish.File {
		return strings.Contains(r.Path, "/"+testLabel)
	}
	return strings.HasPrefix(r.Name, testLabel)
}

// remove removes a test record, whatever became of the check's context.
func (x *examination) remove(ctx context.Context, service publish.Service, one probed) (f Finding, gone bool) {
	if !isTest(one.Placement.Record) {
		return failed("remove "+x.probeFile()+" if nobody but root can write it, and find out who has written it", "%s names %s, which is no test record: it is left alone", x.probeFile(), one.Placement.Record), false
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeLimit)
	defer cancel()
	if err := service.Withdraw(ctx, one.Order, one.Placement); err != nil {
		return failed(fmt.Sprintf("%s --command doctor --item %d --probe tries again; by hand: remove %s in zone %s", x.o.Binary, one.Order.Item, one.Placement.Record, one.Placement.Zone), "%v", err), false
	}
	return passed("%s was removed", one.Placement.Record), true
}
