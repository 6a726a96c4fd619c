package e2e

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"pmssl/internal/sandbox/engine"

	"github.com/stretchr/testify/require"
)

// statusMemory is the most resident memory that status may use, in bytes, however many items there are.
const statusMemory = 160 << 20

// BenchmarkStatus measures the formats of status on a panel of STATUS_ITEMS items (a number; without it the benchmark is skipped,
// because a million items take minutes to make and gigabytes of disk).
func BenchmarkStatus(b *testing.B) {
	items, err := strconv.Atoi(os.Getenv("STATUS_ITEMS"))
	if err != nil || built.server.Kind() != engine.MariaDB {
		b.Skip("STATUS_ITEMS is not a number, or the database is not MariaDB")
	}
	f := startSimulated(b, namecheapCase(), firstOrders)
	f.sizeDatabase(b, items)
	f.addStatusItems(b, items)
	f.setTime(b, "2026-10-07")
	for _, format := range []string{"text", "json", "xml", "prometheus", "html", "check"} {
		b.Run(format, func(b *testing.B) {
			for b.Loop() {
				m, length := f.measureStatus(b, format)
				b.ReportMetric(float64(m.wall.Milliseconds()), "wall-ms")
				b.ReportMetric(float64(m.processor.Milliseconds()), "processor-ms")
				b.ReportMetric(float64(m.memory)/(1<<20), "MiB")
				b.ReportMetric(float64(length)/(1<<20), "MiB-answer")
				require.LessOrEqual(b, m.memory, int64(statusMemory))
			}
		})
	}
}

// addStatusItems fills the panel with copies of a stored item, whose certificates have other ends in the parameter only.
func (f *simulatedFixture) addStatusItems(b *testing.B, items int) {
	b.Helper()
	first := f.storedItem(b, "site1.example.com", 60)
	const part = 50_000
	for begin := 2; begin <= items; begin += part {
		end := min(items, begin+part-1)
		for _, statement := range []string{
			`INSERT INTO item (id, name, account, pricelist, processingmodule, period, status, createdate, opendate, expiredate, currency, cost, autosuspend, employeesuspend, abusesuspend)
			 SELECT seq, CONCAT('crowd', seq, '.example.net'), i.account, i.pricelist, i.processingmodule, i.period, i.status, i.createdate, i.opendate, i.expiredate, i.currency, 0, 'off', 'off', 'off'
			 FROM item i JOIN seq_%[2]d_to_%[3]d WHERE i.id=%[1]d`,
			`INSERT INTO itemparam (item, intname, value)
			 SELECT seq, p.intname, CASE p.intname WHEN 'custom_order_id' THEN 50000000+seq WHEN 'lineage' THEN 50000000+seq ELSE p.value END
			 FROM seq_%[2]d_to_%[3]d JOIN itemparam p WHERE p.item=%[1]d
			 AND p.intname IN ('custom_order_id', 'lineage', 'certificate_expiredate', 'certificate_serial', 'service_status', 'term_start', 'term_months', 'approver_method', 'domains_list', 'altname')`,
			`INSERT INTO certificate (item, csr, crt) SELECT seq, c.csr, c.crt FROM seq_%[2]d_to_%[3]d JOIN certificate c WHERE c.item=%[1]d`,
		} {
			f.sql(b, fmt.Sprintf(statement, first, begin, end))
		}
	}
	f.sql(b, "ANALYZE TABLE item, itemparam, certificate")
}

// measureStatus runs status once. It returns the length of its answer too.
func (f *simulatedFixture) measureStatus(b *testing.B, format string) (measurement, int64) {
	b.Helper()
	args := []string{"--command", "status", "--format", format}
	if format == "check" {
		args = []string{"--command", "status", "--check"}
	}
	process := exec.Command(filepath.Join(f.panel.Root(), "processing", f.seller.module), args...)
	process.Dir = f.panel.Root()
	process.Env = append(f.moduleEnv(), "PMSSL_CLOCK="+filepath.Join(f.dir, "clock"))
	var stderr bytes.Buffer
	answer := &counter{}
	process.Stdout, process.Stderr = answer, &stderr
	began := time.Now()
	require.NoError(b, process.Start())
	ended, memory := make(chan struct{}), make(chan int64)
	go func() { memory <- maxResident(process.Process.Pid, ended) }()
	processor := processorTime(b, process.Process.Pid)
	close(ended)
	m := measurement{wall: time.Since(began), processor: processor, memory: <-memory}
	err := process.Wait()
	if format != "check" {
		require.NoError(b, err, stderr.String())
	}
	return m, answer.bytes
}

// counter counts what is written to it.
type counter struct{ bytes int64 }

// Write implements io.Writer.
func (c *counter) Write(text []byte) (int, error) {
	c.bytes += int64(len(text))
	return io.Discard.Write(text)
}
