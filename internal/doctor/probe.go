package doctor

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
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

// probeUnread returns the finding about a file of probes that cannot be read.
func probeUnread(err error) Finding {
	return because("read it, remove the records that it names by hand, then remove the file", err)
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

// saveProbe replaces the file; an empty list removes it. The file and its name are on the disk before it returns: a record is written
// only after that.
func (x *examination) saveProbe(left []probed) error {
	path := x.probeFile()
	if len(left) == 0 {
		err := os.Remove(path)
		if isAbsent(err) {
			return nil
		}
		return cmp.Or(err, x.syncFolder(filepath.Dir(path)))
	}
	text, err := json.Marshal(left)
	if err != nil {
		return err
	}
	unfinished := path + ".new" // one name, so that a killed probe leaves no other; probes exclude each other
	if err := os.Remove(unfinished); err != nil && !isAbsent(err) {
		return err
	}
	file, err := os.OpenFile(unfinished, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer os.Remove(unfinished) // fails once it was renamed
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
	return cmp.Or(os.Rename(unfinished, path), x.syncFolder(filepath.Dir(path)))
}

// syncFolder writes the names of a folder to the disk.
func (x *examination) syncFolder(path string) error {
	if x.synced != nil {
		return x.synced(path)
	}
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
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
		return []Finding{probeUnread(err)}
	}
	found, left := x.removeLeft(ctx, service, p, left)
	if err := x.saveProbe(left); err != nil {
		return append(found, because("make var writable", err))
	}
	if ctx.Err() != nil {
		return append(found, unchecked("nothing was written: the time of this check is over"))
	}
	return append(found, x.probe(ctx, service, parts, s, left)...)
}

// removeLeft removes what earlier probes have left, and returns what still stands. It ends with the check: what it does not come to
// stays in the file.
func (x *examination) removeLeft(ctx context.Context, service publish.Service, p item.DiagnosticPanel, left []probed) (found []Finding, still []probed) {
	for _, one := range left {
		if ctx.Err() != nil {
			found, still = append(found, unchecked("%s is left for the next probe", one.Placement.Record)), append(still, one)
			continue
		}
		f, gone := x.remove(ctx, service, one)
		if errors.Is(f.err, publish.ErrNoPublisher) {
			f, gone = x.abandoned(ctx, p, one)
		}
		if found = append(found, f.Finding); !gone {
			still = append(still, one)
		}
	}
	return found, still
}

// abandoned returns whether a record whose publisher is not configured any more is gone: only a person can remove it, and what is gone is
// forgotten.
func (x *examination) abandoned(ctx context.Context, p item.DiagnosticPanel, one probed) (removal, bool) {
	r, name := one.Placement.Record, one.Placement.Publisher
	why := x.stands(ctx, p, one)
	if why == "" {
		return removal{Finding: passed("%s is gone, and forgotten: its publisher %s is not configured any more", r, name)}, true
	}
	return removal{Finding: failed(fmt.Sprintf("remove %s in zone %s by hand, then run %s --command doctor --item %d --probe; or remove %s once it is gone",
		r, one.Placement.Zone, x.o.Binary, x.o.Item, x.probeFile()), "the publisher %s of %s is not configured any more, and %s", name, r, why)}, false
}

// stands returns why a record may still stand; empty if it is certainly gone.
func (x *examination) stands(ctx context.Context, p item.DiagnosticPanel, one probed) string {
	r := one.Placement.Record
	if r.Type == publish.File {
		path := filepath.Join(x.o.Root, "var/pmssl-challenges", r.Name, r.Path)
		if _, err := os.Lstat(path); !isAbsent(err) {
			return path + " stands"
		}
		return ""
	}
	resolver, unknown := x.resolver(ctx, p)
	if unknown != nil {
		return unknown.Text
	}
	return recordStands(ctx, resolver, one.Placement)
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
		return []Finding{notWritten(ctx, err)}
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
	// Whatever became of the check's context, and also after a write that failed: it may have been carried out.
	f, gone := x.remove(context.WithoutCancel(ctx), service, one)
	if gone {
		if err := x.saveProbe(left); err != nil {
			found = append(found, because("remove "+x.probeFile(), err))
		}
	}
	return append(found, f.Finding)
}

// notWritten returns the finding about a probe whose record has no place. Without a publisher there is nothing to try.
func notWritten(ctx context.Context, err error) Finding {
	f := notPlaced(ctx, err)
	f.Text, f.Outcome = "nothing was written: "+f.Text, max(f.Outcome, Unchecked)
	return f
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

// removal is what became of the removal of a test record.
type removal struct {
	Finding
	err error
}

// remove removes a test record.
func (x *examination) remove(ctx context.Context, service publish.Service, one probed) (f removal, gone bool) {
	if !isTest(one.Placement.Record) {
		return removal{Finding: failed("remove "+x.probeFile()+" if nobody but root can write it, and find out who has written it",
			"%s names %s, which is no test record: it is left alone", x.probeFile(), one.Placement.Record)}, false
	}
	ctx, cancel := context.WithTimeout(ctx, removeLimit)
	defer cancel()
	if err := service.Withdraw(ctx, one.Order, one.Placement); err != nil {
		mend := fmt.Sprintf("%s --command doctor --item %d --probe tries again; by hand: remove %s in zone %s", x.o.Binary, one.Order.Item, one.Placement.Record, one.Placement.Zone)
		return removal{failed(mend, "%v", err), err}, false
	}
	return removal{Finding: passed("%s was removed", one.Placement.Record)}, true
}
