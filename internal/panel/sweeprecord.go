package panel

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"

	"pmssl/internal/fault"
	"pmssl/internal/filelock"
	"pmssl/internal/item"
)

// maxSweepRecord is the longest record that is read, in bytes: item.MaxSweepFailures errors take about half of it.
const maxSweepRecord = 1 << 20

// sweepName returns the path of the record of the last sweep.
func (h *Host) sweepName() string { return h.path(filepath.Join("var", h.o.Binary+".sweep")) }

// LastSweep reads var/<bin>.sweep (rules SWEEP-12); false if it is absent. A file that cannot be used is a fault.
func (h *Host) LastSweep(context.Context) (item.SweepRecord, bool, error) {
	text, err := filelock.ReadRegular(h.sweepName(), maxSweepRecord)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return item.SweepRecord{}, false, nil
	case err != nil:
		return item.SweepRecord{}, false, h.sweepFault("read", err)
	}
	record, err := parseSweepRecord(text)
	if err != nil {
		return item.SweepRecord{}, false, h.sweepFault("read", err)
	}
	return record, true, nil
}

// parseSweepRecord reads the content of the file. A record without times or with an unknown result is an error.
func parseSweepRecord(text []byte) (item.SweepRecord, error) {
	var record item.SweepRecord
	if err := json.Unmarshal(text, &record); err != nil {
		return item.SweepRecord{}, err
	}
	switch record.Result {
	case item.SweepOK, item.SweepPartial, item.SweepFailed, item.SweepInterrupted:
	default:
		return item.SweepRecord{}, errors.New("it has no result that is known")
	}
	if record.Started.IsZero() || record.Ended.IsZero() {
		return item.SweepRecord{}, errors.New("it has no times")
	}
	record.Failures = record.Failures[:min(len(record.Failures), item.MaxSweepFailures)]
	return record, nil
}

// SaveSweep replaces var/<bin>.sweep. Who reads it sees the old record or the new one; only its owner can.
func (h *Host) SaveSweep(_ context.Context, record item.SweepRecord) error {
	record.Error = h.o.Log.Mask(record.Error)
	record.Failures = slices.Clone(record.Failures)
	for i := range record.Failures {
		record.Failures[i].Error = h.o.Log.Mask(record.Failures[i].Error)
	}
	text, err := json.Marshal(record)
	if err != nil {
		return h.sweepFault("written", err)
	}
	if err := filelock.ReplaceFile(h.sweepName(), ownersMode, filelock.Content(append(text, '\n'))); err != nil {
		return h.sweepFault("written", err)
	}
	return nil
}

func (h *Host) sweepFault(what string, err error) error {
	name := h.sweepName()
	return fault.Errorf(fault.Panel, "sweep", "the record of the last sweep %s cannot be %s (%w): %s", name, what, withoutPath(err), fileRemedy(name, err)).Retryable()
}
