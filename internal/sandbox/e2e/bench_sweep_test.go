package e2e

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"pmssl/internal/sandbox/engine"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// The largest size of the benchmarks' panels, how many of its items are due, and the limits for the sweep's own work.
const (
	benchItems    = 100_000
	benchDueOf    = 500 // one item of so many is due
	benchTime     = 2 * time.Second
	benchCallback = 2 * time.Millisecond // processor time for starting one call-back and reading its answer
	benchMemory   = 40 << 20             // bytes of resident memory, which does not grow with the items that are not due
)

// benchSizes returns the numbers of items that are measured; SWEEP_ITEMS names another one.
func benchSizes(b *testing.B) []int {
	b.Helper()
	if named := os.Getenv("SWEEP_ITEMS"); named != "" {
		n, err := strconv.Atoi(named)
		require.NoError(b, err)
		return []int{n}
	}
	return []int{1_000, 10_000, benchItems}
}

// BenchmarkSweep measures the product's binary on panels of 1,000 to 100,000 items, with a journal of as many purchases, of which one
// in 500 is due; make bench runs it. The sweep's own work is everything but the seller's answers and the panel's call-backs. With
// --dry-run (find the items, read each, parse its certificate, decide) it is measured in wall time. Without --dry-run it is
// the processor time of the sweep's process alone, without its child processes.
func BenchmarkSweep(b *testing.B) {
	if built.server.Kind() != engine.MariaDB {
		b.Skip("the figures are about MariaDB")
	}
	for _, items := range benchSizes(b) {
		b.Run(fmt.Sprintf("items=%d", items), func(b *testing.B) { benchSweep(b, items) })
	}
}

// sizeDatabase gives the database server the memory that one of a panel of so many items has: its tables fit in. That of the tests has
// 64 MiB. Nothing waits for the disk while the items are made.
func (f *simulatedFixture) sizeDatabase(b *testing.B, items int) {
	b.Helper()
	f.sql(b, fmt.Sprintf("SET GLOBAL innodb_buffer_pool_size=%d", max(1<<30, items*bytesOfItem)))
	f.sql(b, "SET GLOBAL innodb_flush_log_at_trx_commit=0")
}

// bytesOfItem is more than an item takes in the tables of the benchmarks, with its parameters and its certificate.
const bytesOfItem = 8 << 10

// benchSweep measures a panel of so many items. The limits are those of the usual sizes.
func benchSweep(b *testing.B, items int) {
	f := startSimulated(b, namecheapCase(), firstOrders)
	f.sizeDatabase(b, items)
	due := items / benchDueOf
	f.addItems(b, items, due)
	query := f.sweepQuery(b, due)
	f.setTime(b, "2026-10-07")

	b.Run("dry-run", func(b *testing.B) {
		b.Logf("%d items, %d of them due, found by one query: %s", items, due, strings.Join(strings.Fields(query), " "))
		f.explain(b, query)
		for b.Loop() {
			fastest := measurement{wall: time.Hour}
			for range 3 { // the fastest of three, because other processes of the machine disturb the measurement
				m := f.measure(b, "--dry-run")
				require.Equal(b, [2]int{items, due}, [2]int{m.doc.Items, m.doc.Due})
				if m.wall < fastest.wall {
					fastest = m
				}
			}
			fastest.report(b)
			fastest.checkLimits(b, items, "all of it", fastest.wall, benchTime)
		}
	})
	b.Run("apply", func(b *testing.B) {
		done := false
		for b.Loop() {
			if done {
				continue // nothing is due after the first sweep
			}
			done = true
			m := f.measure(b)
			require.Equal(b, [3]int{due, due, 0}, [3]int{m.doc.Due, m.doc.Reissued, m.doc.Failed})
			calls, err := f.panel.Requests()
			require.NoError(b, err)
			b.Logf("%s in all, of which the seller took %s; %d call-backs; the sweep's own process worked %s", m.wall.Round(time.Millisecond), m.seller.Round(time.Millisecond), len(calls), m.processor)
			m.report(b)
			m.checkLimits(b, items, "the sweep's own process", m.processor, benchTime+time.Duration(len(calls))*benchCallback)
		}
	})
}

// How long the answers of the benchmark of a slow panel and a slow seller take.
const (
	slowItems    = 200
	slowCallback = 50 * time.Millisecond
	slowAnswer   = 200 * time.Millisecond
)

// BenchmarkSweepOfSlowAnswers measures a sweep over 200 items that are due, while each call-back of the panel takes 50 ms and each
// answer of the seller 200 ms. If SWEEP_BEFORE names a folder with the programs of another version (make build simclock there),
// that version is measured before, with the same items a season earlier; the sweep has to take a quarter of its time at most.
func BenchmarkSweepOfSlowAnswers(b *testing.B) {
	if built.server.Kind() != engine.MariaDB {
		b.Skip("the figures are about MariaDB")
	}
	f := startSimulated(b, namecheapCase(), firstOrders)
	var first int64
	for n := range slowItems {
		if item := f.storedItem(b, site(n), 60); n == 0 {
			first = item
		}
	}
	settings, err := f.panel.Settings()
	require.NoError(b, err)
	settings.Delay = slowCallback.String()
	require.NoError(b, f.panel.SetSettings(settings))
	f.sellerDelay.Store(int64(slowAnswer))

	measured := func(b *testing.B, program string) time.Duration {
		b.Helper()
		f.setTime(b, f.leaf(b, first).NotAfter.AddDate(0, 0, -9).Format(time.DateOnly))
		m := f.measureProgram(b, program, nil)
		require.Equal(b, [3]int{slowItems, slowItems, 0}, [3]int{m.doc.Due, m.doc.Reissued, m.doc.Failed})
		calls, err := f.panel.Requests()
		require.NoError(b, err)
		b.Logf("%s; %d call-backs; the seller's answers took %s", m.wall.Round(time.Millisecond), len(calls), m.seller.Round(time.Millisecond))
		m.report(b)
		return m.wall
	}
	var before time.Duration
	b.Run("before", func(b *testing.B) {
		bin := os.Getenv("SWEEP_BEFORE")
		if bin == "" {
			b.Skip("SWEEP_BEFORE names no folder with the programs of another version")
		}
		for b.Loop() {
			before = measured(b, filepath.Join(bin, "simclock", f.seller.module))
		}
	})
	b.Run("now", func(b *testing.B) {
		for b.Loop() {
			now := measured(b, f.installed())
			if before > 0 {
				b.ReportMetric(float64(before)/float64(now), "times-faster")
				require.LessOrEqual(b, now, before/4)
			}
		}
	})
}

// measurement holds the document and the cost of one sweep.
type measurement struct {
	doc       sweepResult
	wall      time.Duration
	seller    time.Duration // time that the seller spent on its answers
	processor time.Duration // processor time of the sweep's process alone
	memory    int64         // maximum resident memory in bytes
}

// report reports the figures, and logs them: those of a benchmark that fails are not shown.
func (m measurement) report(b *testing.B) {
	b.Helper()
	b.Logf("wall time %s, processor time %s, %d MiB", m.wall.Round(time.Millisecond), m.processor, m.memory>>20)
	b.ReportMetric(float64(m.wall.Milliseconds()), "wall-ms")
	b.ReportMetric(float64(m.processor.Milliseconds()), "processor-ms")
	b.ReportMetric(float64(m.memory)/(1<<20), "MiB")
	assert.Positive(b, m.memory)
}

// checkLimits checks the figures against the limits, which are those of at most benchItems items.
func (m measurement) checkLimits(b *testing.B, items int, what string, took, most time.Duration) {
	b.Helper()
	if items > benchItems {
		return
	}
	assert.LessOrEqual(b, took, most, what)
	assert.LessOrEqual(b, m.memory, int64(benchMemory), "bytes of resident memory")
}

// measure runs one sweep and returns its measurement.
func (f *simulatedFixture) measure(b *testing.B, args ...string) measurement {
	b.Helper()
	return f.measureWith(b, nil, args...)
}

// measureWith is measure with further variables in the environment.
func (f *simulatedFixture) measureWith(b *testing.B, env []string, args ...string) measurement {
	b.Helper()
	return f.measureProgram(b, f.installed(), env, args...)
}

// installed returns the path of the module that the panel has installed.
func (f *simulatedFixture) installed() string {
	return filepath.Join(f.panel.Root(), "processing", f.seller.module)
}

// measureProgram is measureWith for a program.
func (f *simulatedFixture) measureProgram(b *testing.B, program string, env []string, args ...string) measurement {
	b.Helper()
	process := exec.Command(program, append([]string{"--command", "subscription"}, args...)...)
	process.Dir = f.panel.Root()
	process.Env = append(append(f.moduleEnv(), "PMSSL_CLOCK="+filepath.Join(f.dir, "clock")), env...)
	var stdout, stderr bytes.Buffer
	process.Stdout, process.Stderr = &stdout, &stderr
	f.answerTime.Store(0)
	require.NoError(b, f.panel.ClearRequests())
	began := time.Now()
	require.NoError(b, process.Start())
	ended, memory := make(chan struct{}), make(chan int64)
	go func() { memory <- maxResident(process.Process.Pid, ended) }()
	processor := processorTime(b, process.Process.Pid)
	close(ended)
	m := measurement{wall: time.Since(began), seller: time.Duration(f.answerTime.Load()), processor: processor, memory: <-memory}
	err := process.Wait()
	require.NoError(b, err, "%s\n%s", stdout.String(), stderr.String())
	var doc struct {
		Subscription sweepResult `xml:"subscription"`
	}
	require.NoError(b, xml.Unmarshal(stdout.Bytes(), &doc))
	m.doc = doc.Subscription
	return m
}

// maxResident polls the process until it has ended and returns its maximum resident memory in bytes. The kernel's figure after
// the end is not used, because it includes the parent process before exec.
func maxResident(pid int, ended <-chan struct{}) int64 {
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	var most int64
	for {
		raw, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		_, line, _ := strings.Cut(string(raw), "\nVmHWM:")
		line, _, _ = strings.Cut(line, " kB")
		if n, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64); err == nil {
			most = max(most, n<<10)
		}
		select {
		case <-ended:
			return most
		case <-look.C:
		}
	}
}

// processorTime waits until the process has ended and returns the processor time that it used, without its child processes. It
// reads /proc/PID/stat, which exists until the process is reaped.
func processorTime(b *testing.B, pid int) time.Duration {
	b.Helper()
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			require.NoError(b, err)
			break
		}
	}
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	require.NoError(b, err)
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:])) // the third field and the following ones (proc_pid_stat(5))
	var ticks int64
	for _, field := range fields[11:13] { // utime and stime
		n, err := strconv.ParseInt(field, 10, 64)
		require.NoError(b, err)
		ticks += n
	}
	const perSecond = 100 // USER_HZ on every Linux platform that Go supports
	return time.Duration(ticks) * time.Second / perSecond
}

// addItems fills the panel with real orders that are due, and with copies of one of them that are not due. The journal has a
// purchase for each.
func (f *simulatedFixture) addItems(b *testing.B, items, due int) {
	b.Helper()
	first := f.storedItem(b, "site1.example.com", 60)
	for n := 2; n <= due; n++ {
		f.storedItem(b, fmt.Sprintf("site%d.example.com", n), 60)
	}
	for _, statement := range []string{
		`INSERT INTO item (id, name, account, pricelist, processingmodule, period, status, createdate, opendate, expiredate, currency, cost, autosuspend, employeesuspend, abusesuspend)
		 SELECT seq, CONCAT('crowd', seq, '.example.net'), i.account, i.pricelist, i.processingmodule, i.period, i.status, i.createdate, i.opendate, i.expiredate, i.currency, 0, 'off', 'off', 'off'
		 FROM item i JOIN seq_%[2]d_to_%[3]d WHERE i.id=%[1]d`,
		`INSERT INTO itemparam (item, intname, value)
		 SELECT seq, p.intname, CASE p.intname
		  WHEN 'certificate_expiredate' THEN DATE_ADD('2026-10-18', INTERVAL seq %% 180 DAY)
		  WHEN 'custom_order_id' THEN 50000000+seq WHEN 'lineage' THEN 50000000+seq ELSE p.value END
		 FROM seq_%[2]d_to_%[3]d JOIN itemparam p WHERE p.item=%[1]d`,
		`INSERT INTO certificate (item, pkey, csr, crt)
		 SELECT seq, c.pkey, c.csr, c.crt FROM seq_%[2]d_to_%[3]d JOIN certificate c WHERE c.item=%[1]d`,
	} {
		f.sql(b, fmt.Sprintf(statement, first, due+1, items))
	}
	f.sql(b, "ANALYZE TABLE item, itemparam, certificate")
	f.addJournalLines(b, items, due)
}

// addJournalLines adds the purchase of each copied item to the journal.
func (f *simulatedFixture) addJournalLines(b *testing.B, items, due int) {
	b.Helper()
	name := filepath.Join(f.panel.Root(), "var", f.seller.module+".purchases")
	raw, err := os.ReadFile(name)
	require.NoError(b, err)
	first, _, _ := bytes.Cut(raw, []byte("\n"))
	whose := regexp.MustCompile(`"item":[0-9]+,"kind":"([a-z]+)","id":[0-9]+,`) // a line in the form in which the module writes it
	require.Regexp(b, whose, string(first))
	for n := due + 1; n <= items; n++ {
		raw = append(append(raw, whose.ReplaceAll(first, fmt.Appendf(nil, `"item":%d,"kind":"$1","id":%d,`, n, 50000000+n))...), '\n')
	}
	require.NoError(b, os.WriteFile(name, raw, 0o600))
}

// sweepQuery returns the one query with which a sweep finds the due items, as the database server logged it.
func (f *simulatedFixture) sweepQuery(b *testing.B, due int) string {
	b.Helper()
	f.sql(b, "SET GLOBAL log_output='TABLE'")
	f.sql(b, "TRUNCATE mysql.general_log") // of another size
	f.sql(b, "SET GLOBAL general_log=ON")
	doc := f.sweep(b, "--dry-run", "--date", "2026-10-07")
	f.sql(b, "SET GLOBAL general_log=OFF")
	require.Equal(b, due, doc.Due)
	rows, err := f.panel.DB().Query("SELECT argument FROM mysql.general_log WHERE command_type IN ('Query', 'Execute') AND argument LIKE '%certificate_expiredate%'")
	require.NoError(b, err)
	defer rows.Close()
	var found []string
	for rows.Next() {
		var statement string
		require.NoError(b, rows.Scan(&statement))
		if !strings.Contains(statement, "general_log") {
			found = append(found, statement)
		}
	}
	require.NoError(b, rows.Err())
	require.Len(b, found, 1, "one query for all items")
	return found[0]
}

// explain logs how the database executes the query.
func (f *simulatedFixture) explain(b *testing.B, query string) {
	b.Helper()
	rows, err := f.panel.DB().QueryContext(context.Background(), "EXPLAIN "+query)
	require.NoError(b, err)
	defer rows.Close()
	columns, err := rows.Columns()
	require.NoError(b, err)
	b.Logf("EXPLAIN: %s", strings.Join(columns, " | "))
	for rows.Next() {
		row, into := make([]*string, len(columns)), make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		require.NoError(b, rows.Scan(into...))
		var words []string
		for _, value := range row {
			if value == nil {
				words = append(words, "-")
				continue
			}
			words = append(words, *value)
		}
		b.Logf("EXPLAIN: %s", strings.Join(words, " | "))
	}
	require.NoError(b, rows.Err())
}
