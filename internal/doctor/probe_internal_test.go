package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/filelock"
	"pmssl/internal/item"
	"pmssl/internal/publish"
)

// A probe that could not be made has removed nothing.
func TestWhatAnEarlierProbeLeftIsNoTickDuringAProbe(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(root, "var"), 0o700))
	x := &examination{o: Options{Binary: "pmtest", Probe: true, Diagnosis: item.Diagnosis{Root: root}}}
	assert.Equal(t, Passed, Worst(checkLeftovers(t.Context(), x)))
	text, err := json.Marshal([]probed{{Placement: publish.Placement{Zone: "example.com", Record: recordFor(publish.CNAME, "shop.example.com", "0")}}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(x.probeFile(), text, 0o600))
	found := checkLeftovers(t.Context(), x)
	assert.Equal(t, Unchecked, Worst(found))
	assert.Contains(t, found[0].Text, "_pmssl-test0.shop.example.com")
}

// What an earlier probe has left goes although the item of this one has no publisher.
func TestAProbeDoesNotNeedThePublisherOfItsItem(t *testing.T) {
	for _, c := range Checks() {
		if c.ID == "item_probe" {
			assert.NotContains(t, c.Needs, "item_publisher")
			assert.Subset(t, c.After, []string{"item_publisher", "leftovers"})
		}
	}
}

// The record of a probe that runs is in the file too, and is no leftover. Two would also replace each other's file.
func TestTwoProbesDoNotRunAtOnce(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(root, "var"), 0o700))
	x := &examination{o: Options{Binary: "pmtest", Probe: true, Diagnosis: item.Diagnosis{Root: root}}}
	text := []byte(`[{"placement":{"Publisher":"ns1","Zone":"example.com","Record":{"type":"CNAME","name":"_pmssl-test0.example.com"}}}]`)
	require.NoError(t, os.WriteFile(x.probeFile(), text, 0o600))
	other, err := os.Open(filepath.Join(root, "var"))
	require.NoError(t, err)
	free, err := filelock.Try(other, filelock.Exclusive)
	require.NoError(t, err)
	require.True(t, free)
	found := checkProbe(t.Context(), x, nil)
	require.Len(t, found, 1)
	assert.Equal(t, Unchecked, found[0].Outcome)
	assert.Contains(t, found[0].Text, "another probe")
	left, err := os.ReadFile(x.probeFile())
	require.NoError(t, err)
	assert.Equal(t, string(text), string(left), "the other probe's record stays known")
	require.NoError(t, other.Close())
	ended, f := x.lockProbes()
	require.Nil(t, f, "the lock ends with the other probe")
	ended()
}

// fakeService is a publish.Service that has no place, and withdraws with an error.
type fakeService struct {
	publish.Service
	place, withdraw error
	withdrawn       []string
	each            func() // called by Withdraw
}

func (f *fakeService) Place(context.Context, publish.Order, []publish.Record) ([]publish.Placement, error) {
	return nil, f.place
}

func (f *fakeService) Withdraw(ctx context.Context, _ publish.Order, p publish.Placement) error {
	f.withdrawn = append(f.withdrawn, p.Record.Name)
	if f.each != nil {
		f.each()
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return f.withdraw
}

// errGone is the error of a record whose publisher is not configured any more.
var errGone = fmt.Errorf("no publisher ns1 stands there any more: %w", publish.ErrNoPublisher)

// probing returns an examination whose last probe has left records of ns1.
func probing(t *testing.T, service *fakeService, records ...publish.Record) *examination {
	t.Helper()
	root := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(root, "var"), 0o700))
	x := &examination{
		subject: &subject{names: []string{"shop.example.com"}, kind: publish.CNAME},
		o: Options{Binary: "pmtest", Item: 42, Probe: true, Now: func() time.Time { return noon }, Random: func() (string, error) { return "0f", nil },
			Diagnosis: item.Diagnosis{Root: root, Publishing: func(item.DiagnosticPanel) item.PublishingParts {
				return item.PublishingParts{Service: func(publish.Mode) publish.Service { return service }}
			}}},
	}
	var left []probed
	for _, r := range records {
		left = append(left, probed{Order: publish.Order{Item: 42}, Placement: publish.Placement{Publisher: "ns1", Zone: "example.com", Record: r}})
	}
	require.NoError(t, x.saveProbe(left))
	return x
}

// What a probe has left is forgotten once it is gone, although nobody can remove it any more.
func TestARecordWhosePublisherIsGoneIsForgottenOnceItIsRemovedByHand(t *testing.T) {
	r := recordFor(publish.CNAME, "shop.example.com", "0f")
	f := exampleZone(t, r.Name+". CNAME "+r.Value+".")
	x := probing(t, &fakeService{place: errGone, withdraw: errGone}, r)
	x.o.Dial = f.dial
	found := checkProbe(t.Context(), x, resolving{})
	require.Len(t, found, 2)
	assert.Equal(t, Failed, found[0].Outcome)
	assert.Contains(t, found[0].Text, "the publisher ns1 of "+r.String()+" is not configured any more, and a.example.com (192.0.2.53): it has the record")
	assert.Contains(t, found[0].Mend, "remove "+r.String()+" in zone example.com by hand, then run pmtest --command doctor --item 42 --probe; or remove "+x.probeFile())
	assert.Equal(t, Unchecked, found[1].Outcome, "without a publisher there is nothing to probe: %s", found[1].Text)
	assert.FileExists(t, x.probeFile())

	x.o.Dial = exampleZone(t).dial
	found = checkProbe(t.Context(), x, resolving{})
	assert.Equal(t, Passed, found[0].Outcome, "%v", found)
	assert.Contains(t, found[0].Text, "is gone, and forgotten")
	assert.NoFileExists(t, x.probeFile())
}

func TestAFileWhosePublisherIsGoneIsForgottenOnceItIsRemovedByHand(t *testing.T) {
	r := recordFor(publish.File, "shop.example.com", "0f")
	x := probing(t, &fakeService{place: errGone, withdraw: errGone}, r)
	path := filepath.Join(x.o.Root, "var/pmssl-challenges/shop.example.com", r.Path)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	found := checkProbe(t.Context(), x, resolving{})
	assert.Equal(t, Failed, found[0].Outcome)
	assert.Contains(t, found[0].Text, path+" stands")
	require.NoError(t, os.Remove(path))
	found = checkProbe(t.Context(), x, resolving{})
	assert.Equal(t, Passed, found[0].Outcome, "%v", found)
	assert.NoFileExists(t, x.probeFile())
}

// A server that does not answer may still have the record.
func TestAPublisherThatFailsKeepsItsRecordKnown(t *testing.T) {
	x := probing(t, &fakeService{place: errGone, withdraw: errors.New("no answer")}, recordFor(publish.CNAME, "shop.example.com", "0f"))
	x.o.Dial = exampleZone(t).dial
	found := checkProbe(t.Context(), x, resolving{})
	assert.Equal(t, Failed, Worst(found))
	assert.FileExists(t, x.probeFile())
}

// The removal of many records would take hours: it ends with the check, and nothing new is written then.
func TestTheRemovalOfLeftRecordsEndsWithTheCheck(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var records []publish.Record
	for i := range maxProbed {
		records = append(records, recordFor(publish.CNAME, "shop.example.com", fmt.Sprint(i)))
	}
	service := &fakeService{place: errors.New("asked")}
	service.each = func() {
		if len(service.withdrawn) == 3 {
			cancel()
		}
	}
	x := probing(t, service, records...)
	found := checkProbe(ctx, x, resolving{})
	assert.Len(t, service.withdrawn, 3)
	assert.Contains(t, found[len(found)-1].Text, "nothing was written: the time of this check is over")
	left, err := x.readProbe()
	require.NoError(t, err)
	assert.Len(t, left, maxProbed-2)
}

// A record is written only once its name is certainly on the disk.
func TestTheFolderOfTheProbeFileIsSynced(t *testing.T) {
	x := probing(t, &fakeService{})
	var seen []bool
	x.synced = func(folder string) error {
		assert.Equal(t, filepath.Dir(x.probeFile()), folder)
		_, err := os.Stat(x.probeFile())
		seen = append(seen, err == nil)
		return nil
	}
	left := []probed{{Placement: publish.Placement{Zone: "example.com"}}}
	require.NoError(t, x.saveProbe(left))
	require.NoError(t, x.saveProbe(nil))
	assert.Equal(t, []bool{true, false}, seen, "after the name was written, and after it was removed")
	x.synced = func(string) error { return errors.New("the disk fails") }
	assert.Error(t, x.saveProbe(left))
}

// A probe that was killed while it wrote the file is no obstacle, and leaves one name at most.
func TestAProbeFileThatWasNotFinishedIsReplaced(t *testing.T) {
	x := probing(t, &fakeService{})
	require.NoError(t, os.WriteFile(x.probeFile()+".new", []byte("[{"), 0o600))
	require.NoError(t, x.saveProbe([]probed{{Placement: publish.Placement{Zone: "example.com"}}}))
	left, err := x.readProbe()
	require.NoError(t, err)
	assert.Len(t, left, 1)
	entries, err := os.ReadDir(filepath.Dir(x.probeFile()))
	require.NoError(t, err)
	assert.Len(t, entries, 1)
	info, err := entries[0].Info()
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

// Names that no publisher is for are the client's own affair.
func TestWhatNoPublisherIsForIsNoCross(t *testing.T) {
	x := probing(t, &fakeService{})
	name := x.subject.names[0]
	for _, row := range []struct {
		name string
		err  error
		want Outcome
	}{
		{name: "no publisher", err: &publish.Refusal{Reasons: []publish.Reason{{Domain: name, Err: errGone}}}, want: Passed},
		{name: "not asked", err: fmt.Errorf("ns1 %w", publish.ErrNotAsked), want: Unchecked},
		{name: "no database", err: fault.Errorf(fault.DB, "item", "no database"), want: Unchecked},
		{name: "another client's name", err: publish.ErrNotOwner, want: Failed},
		{name: "refused", err: publish.ErrDenied, want: Failed},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := x.placeFor(t.Context(), &fakeService{place: row.err}, x.subject, name)
			assert.Equal(t, row.want, f.Outcome, f.Text)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			assert.LessOrEqual(t, x.placeFor(ctx, &fakeService{place: row.err}, x.subject, name).Outcome, Unchecked)
		})
	}
}
