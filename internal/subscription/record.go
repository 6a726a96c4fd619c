package subscription

import (
	"context"
	"time"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/plaintext"
)

// maxRecorded is the length in bytes of an error in the sweep's record.
const maxRecorded = 400

// sweepOnce runs the sweep unless another one runs, and keeps how it ended.
func (s *sweep) sweepOnce(ctx context.Context) error {
	if s.dry {
		return s.run(ctx)
	}
	record := item.SweepRecord{Started: s.Now().UTC()}
	locked, err := s.Panel.LockSweep(ctx)
	switch {
	case err != nil:
	case !locked:
		s.running = true
		return nil
	default:
		err = s.run(ctx)
	}
	if s.Args.Item == 0 {
		s.keepRecord(ctx, record, err)
	}
	return err
}

// keepRecord keeps how the sweep ended, for commands that show it (rules SWEEP-12). A record that cannot be kept is a warning: the
// sweep's work is done.
func (s *sweep) keepRecord(ctx context.Context, record item.SweepRecord, err error) {
	interrupted := err != nil && (item.Interrupted(ctx.Err(), err) || fault.From(err).Type == fault.Interrupted)
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer stop()
	last, _, unread := s.Panel.LastSweep(ctx)
	if unread != nil {
		s.Log.Warningf("%v", unread)
	}
	record.Ended, record.Completed = s.Now().UTC(), last.Completed
	switch {
	case interrupted:
		record.Result = item.SweepInterrupted
	case err != nil:
		record.Result, record.Error = item.SweepFailed, shorten(err.Error())
	default:
		record.Completed = record.Ended
		s.fill(&record)
	}
	if err := s.Panel.SaveSweep(ctx, record); err != nil {
		s.Log.Warningf("%v", err)
	}
}

// recordTime limits the keeping of a record after a sweep that was interrupted.
const recordTime = 5 * time.Second

// fill writes into the record what a sweep did that has worked on every item.
func (s *sweep) fill(record *item.SweepRecord) {
	record.Result = item.SweepOK
	if s.failed > 0 {
		record.Result = item.SweepPartial
	}
	record.Items, record.Due, record.Reissued, record.Notified = s.items, int(s.due.Load()), int(s.reissued.Load()), int(s.notified.Load())
	record.Failed, record.Revoked = s.failed, s.revoked.count()
	if s.watched != nil {
		record.Watched, record.Old = s.watched.looked, s.watched.old()
	}
	for _, row := range s.rows {
		if row.result == resultError && len(record.Failures) < item.MaxSweepFailures {
			record.Failures = append(record.Failures, item.SweepFailure{Item: row.item, Error: shorten(row.reason)})
		}
	}
}

func shorten(text string) string { return plaintext.Clip(plaintext.Line(text), maxRecorded) }
