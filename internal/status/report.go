package status

import (
	"context"
	"fmt"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/seller"
	"pmssl/internal/subscription"
	"pmssl/internal/watch"
)

// page is how many items are read by one query.
const page = 500

// maxProblems is how many problems of the report as a whole are listed.
const maxProblems = 20

// Report is what is shown about all items.
type Report struct {
	At       time.Time // UTC
	Binary   string
	Settings cabforum.Settings
	Items    int
	States   map[string]int
	Waits    map[string]int
	// Severities counts the items by severity.
	Severities [Critical + 1]int
	// NextEnd is the earliest end of a certificate that has not ended; zero if there is none.
	NextEnd time.Time
	Modules []Module
	// Sweep is how the last sweep ended; nil if none has left a record.
	Sweep *item.SweepRecord
	// Problems say what could not be read and is missing in the report.
	Problems []string

	rows  sorter
	texts texts
	// longest is the length of the longest id of an item in digits.
	longest int
}

// Module is a processing module of the panel.
type Module struct {
	item.ModuleOverview
	Items  int
	States map[string]int
	// Calls is the use of the account's limits of calls; nil if it has none or it is not known.
	Calls []seller.CallUsage
	Error string // why the module's parameters cannot be read; empty if they can
}

// Read reads what is shown. With --item it reads that item only. Close frees the report.
func Read(ctx context.Context, run *item.Run) (*Report, error) {
	now := run.Now().UTC()
	forecast, err := subscription.NewForecaster(ctx, run)
	if err != nil {
		return nil, err
	}
	r := &Report{
		At: now, Binary: run.Binary, Settings: forecast.Settings(), States: map[string]int{}, Waits: map[string]int{},
		rows: sorter{tempFile: run.TempFile, limit: sortedInMemory}, texts: texts{run.Mask},
	}
	if r.clockWrong() {
		r.note("the time: this host's clock shows " + minute(now) + " UTC, when no certificate of today was issued yet: correct it, nothing below about days is true")
	}
	s := scan{run: run, report: r, classifier: classifier{run: run, forecast: forecast, texts: r.texts, now: now}}
	if err := s.all(ctx); err != nil {
		return nil, joinClose(err, r)
	}
	return r, nil
}

// clockWrong reports whether this host's clock shows a time that is before that of every certificate in use. Then nothing is known of
// their ends.
func (r *Report) clockWrong() bool { return r.At.Before(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)) }

func joinClose(err error, r *Report) error {
	if closed := r.Close(); closed != nil {
		return fmt.Errorf("%w (%w)", err, closed)
	}
	return err
}

// Close frees what the report holds.
func (r *Report) Close() error { return r.rows.close() }

// Each calls the function for the rows, the most urgent first, until it returns false or an error.
func (r *Report) Each(visit func(*Row) (bool, error)) error { return r.rows.each(visit) }

// note adds a problem of the report as a whole.
func (r *Report) note(problem string) {
	if len(r.Problems) < maxProblems {
		r.Problems = append(r.Problems, r.texts.clean(problem, maxError))
	}
}

// count counts a row.
func (r *Report) count(row *Row) {
	r.Items++
	r.longest = max(r.longest, len(id(row.Item)))
	r.States[row.State]++
	r.Waits[row.WaitsFor]++
	r.Severities[row.Severity]++
	if row.Ends.After(r.At) && (r.NextEnd.IsZero() || row.Ends.Before(r.NextEnd)) {
		r.NextEnd = row.Ends
	}
	for i := range r.Modules {
		if r.Modules[i].Module == row.Module {
			r.Modules[i].Items++
			r.Modules[i].States[row.State]++
		}
	}
}

// scan reads the items.
type scan struct {
	run        *item.Run
	report     *Report
	classifier classifier
	work       map[int64]item.OpenWork
	failures   map[int64]string
	looks      *watch.Walk
}

func (s *scan) all(ctx context.Context) error {
	if err := s.modules(ctx); err != nil {
		return err
	}
	work, problems, err := s.run.Panel.OpenWork(ctx)
	if err != nil {
		return err
	}
	s.work = work
	for _, problem := range problems {
		s.report.note(problem)
	}
	s.lastSweep(ctx)
	s.openLooks()
	defer func() { _ = s.looks.Close() }() // it was only read
	return s.items(ctx)
}

// modules reads the processing modules. What is wrong with one of them, such as its encrypted parameters, is shown with it. It comes
// first: the run knows the secrets of the modules from then on, and masks them in every text that follows.
func (s *scan) modules(ctx context.Context) error {
	all, problems, err := s.run.Panel.ModuleOverviews(ctx)
	if err != nil {
		return err
	}
	failed := make([]error, len(all))
	for i, one := range all {
		m := Module{ModuleOverview: one, States: map[string]int{}}
		if m.Calls, failed[i] = s.calls(ctx, one.Module); failed[i] != nil && ctx.Err() != nil {
			return failed[i]
		}
		s.report.Modules = append(s.report.Modules, m)
	}
	clean := s.report.texts.clean
	for i := range s.report.Modules {
		m := &s.report.Modules[i]
		m.Name, m.Balance.Currency = clean(m.Name, maxText), clean(m.Balance.Currency, maxCurrency)
		if failed[i] != nil {
			m.Error = clean(fault.From(failed[i]).Message, maxError)
		}
	}
	for _, problem := range problems {
		s.report.note(problem)
	}
	return nil
}

// calls reads the module's parameters and returns how many calls of its account are used. It connects nothing.
func (s *scan) calls(ctx context.Context, module int64) ([]seller.CallUsage, error) {
	params, err := s.run.Panel.ModuleParams(ctx, module)
	if err != nil {
		return nil, err
	}
	if _, counts := s.run.Info.Prototype.(seller.UsageReporter); !counts {
		return nil, nil
	}
	connected, err := s.run.Info.Connect(params)
	if err != nil {
		return nil, err
	}
	reporter, counts := connected.(seller.UsageReporter)
	if !counts {
		return nil, nil
	}
	return reporter.CallsUsed()
}

// lastSweep reads how the last sweep ended.
func (s *scan) lastSweep(ctx context.Context) {
	record, found, err := s.run.Panel.LastSweep(ctx)
	switch {
	case err != nil:
		s.report.note(fault.From(err).Message)
	case found:
		record.Error = s.report.texts.clean(record.Error, maxError)
		s.report.Sweep = &record
		s.failures = map[int64]string{}
		for _, f := range record.Failures {
			s.failures[f.Item] = f.Error
		}
	}
}

// openLooks opens what earlier sweeps saw at sites.
func (s *scan) openLooks() {
	s.looks = &watch.Walk{}
	if s.run.Watch == nil {
		return
	}
	walker, ok := s.run.Watch(watch.Settings{}).(watch.Walker)
	if !ok {
		return
	}
	walk, err := walker.Walk(s.report.At)
	if err != nil {
		s.report.note(err.Error())
		return
	}
	s.looks = walk
}

// items reads the items page by page.
func (s *scan) items(ctx context.Context) error {
	after, limit, named := int64(0), page, s.run.Args.Item
	if named != 0 {
		after, limit = named-1, 1
	}
	for {
		all, err := s.run.Panel.OverviewItems(ctx, after, limit)
		if err != nil {
			return err
		}
		if named != 0 && (len(all) == 0 || all[0].Item.Item != named) {
			return s.notFound(ctx, named)
		}
		for _, ov := range all {
			if err := s.take(ov); err != nil {
				return err
			}
		}
		if len(all) < limit || named != 0 {
			return nil
		}
		after = all[len(all)-1].Item.Item
	}
}

// take makes the row of one item. A panic while it is read is that item's error.
func (s *scan) take(ov item.OverviewItem) error {
	row := s.recovered(ov)
	s.report.count(&row)
	return s.report.rows.add(row)
}

func (s *scan) recovered(ov item.OverviewItem) (row Row) {
	defer func() {
		if reason := recover(); reason != nil {
			s.run.Log.Errorf("%s: panic: %v", ov.Item.Label(), reason)
			row = Row{
				Item: ov.Item.Item, Module: ov.Item.Module, Domain: s.report.texts.domain(ov.Item.Name), State: StateDamaged, Severity: Critical,
				WaitsFor: WaitsAdministrator, Action: subscription.ForecastNone, Error: "a fault of this program, the log has more",
			}
		}
	}()
	id := ov.Item.Item
	seen, _ := s.looks.Seen(id)
	if seen.Item != id {
		seen = watch.Seen{}
	}
	return s.classifier.row(ov, s.work[id], seen, s.failures[id])
}

// notFound returns why the item of --item is not shown.
func (s *scan) notFound(ctx context.Context, it int64) error {
	order, err := s.run.Panel.LoadItem(ctx, it)
	switch {
	case err != nil:
		return err
	case order.Binary != s.run.Binary:
		return fault.Errorf(fault.Value, "processingmodule", "%s belongs to the module %s, this is %s", order.Label(), order.Binary, s.run.Binary)
	case order.Status == item.ItemDeleted:
		return fault.Errorf(fault.Value, "item", "%s is deleted in the panel: it has no status", order.Label())
	}
	return fault.Errorf(fault.Missed, "item", "%s is not among the items of %s", order.Label(), s.run.Binary)
}
