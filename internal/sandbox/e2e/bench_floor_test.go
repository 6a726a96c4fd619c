package e2e

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"pmssl/internal/sandbox/engine"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	// floorTimes is how many times the time of the floor sync_item may take at most.
	floorTimes = 1.5
	// floorRuns is how often each program is started for a median.
	floorRuns = 200
)

// BenchmarkSyncAgainstFloor compares sync_item of a waiting item with the floor: a Go program (sandbox-floor) that sends the same
// statements to the same database, makes the same calls of the seller by TLS, starts mgrctl as often, and does nothing else. What the
// floor has to do is recorded from a run of the module. The floor decrypts the seller's password with the panel's key, as everything
// must that makes the call; how it is without that is reported beside. All take turns, and the medians are compared.
//
// "list read" is a sync that reads the list of waiting orders, "list kept" one within two minutes of another.
func BenchmarkSyncAgainstFloor(b *testing.B) {
	if built.server.Kind() != engine.MariaDB {
		b.Skip("the figures are about MariaDB")
	}
	floor := buildFloor(b)
	for _, seller := range sellerCases() {
		for _, kept := range []bool{false, true} {
			name := seller.module + "/list read"
			if kept {
				name = seller.module + "/list kept"
			}
			b.Run(name, func(b *testing.B) {
				s := startTimedSync(b, seller, kept)
				plan := s.record(b)
				for b.Loop() {
					s.compare(b, floor, plan)
				}
			})
		}
	}
}

// buildFloor builds sandbox-floor as the modules are built.
func buildFloor(b *testing.B) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "sandbox-floor")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-tags", "nethttpomithttp2", "-ldflags", "-s -w", "-o", path, "./cmd/sandbox-floor")
	build.Dir, build.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(b, err, "%s", out)
	return installedCopy(b, path)
}

// timedSync is a panel with one waiting item whose seller answers by TLS.
type timedSync struct {
	*fixture
	item     int64
	kept     bool // the list of waiting orders is not read again
	server   *httptest.Server
	ca       string
	mu       sync.Mutex
	requests []floorRequest
	first    func() // called at the first request
}

// floorRequest and floorPlan are what sandbox-floor reads.
type floorRequest struct {
	URL  string `json:"url"`
	Body string `json:"body"`
}

type floorPlan struct {
	DSN        string         `json:"dsn"`
	Statements []string       `json:"statements"`
	Key        string         `json:"key"`
	Encrypted  []string       `json:"encrypted"`
	CA         string         `json:"ca"`
	Requests   []floorRequest `json:"requests"`
	Before     int            `json:"before"`
	Calls      [][]string     `json:"calls"`
}

// startTimedSync places an order that waits for its validation. The log has the level of a panel in use.
func startTimedSync(b *testing.B, seller sellerCase, kept bool) *timedSync {
	b.Helper()
	s := &timedSync{fixture: startConnected(b, fixtureOptions{dir: b.TempDir(), seller: seller}), kept: kept}
	require.NoError(b, os.Remove(filepath.Join(s.panel.Root(), "etc", "debug.conf")))
	behaviour := s.standIn.behaviour()
	behaviour.issuesAtOnce = false
	require.NoError(b, s.standIn.setBehaviour(behaviour))
	placed := s.place(b, exampleCSR(b))
	s.complete(b, placed)
	s.item = placed.Item
	handler := s.intercept(s.standIn)
	s.server = httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		s.note(s.server.URL+r.URL.String(), string(body))
		handler.ServeHTTP(rw, r)
	}))
	b.Cleanup(s.server.Close)
	s.ca = filepath.Join(b.TempDir(), "ca.pem")
	require.NoError(b, os.WriteFile(s.ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.server.Certificate().Raw}), 0o600))
	s.setOptions(b, "SSLSellerCA "+s.ca)
	s.useSellerAddress(b, s.server.URL)
	return s
}

func (s *timedSync) note(url, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.requests) == 0 && s.first != nil {
		s.first()
	}
	s.requests = append(s.requests, floorRequest{url, body})
}

// sync runs sync_item once and returns what it took.
func (s *timedSync) sync(b *testing.B) processCost {
	b.Helper()
	if !s.kept {
		s.forgetWaiting(b)
	}
	program := filepath.Join(s.panel.Root(), "processing", s.seller.module)
	cmd := exec.Command(program, "--command", "sync_item", "--item", strconv.FormatInt(s.item, 10))
	cmd.Dir, cmd.Env = s.panel.Root(), append([]string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "MGR5_ROOT=" + s.panel.Root()}, s.standIn.moduleEnv(s.server.URL)...)
	return commandCost(b, cmd)
}

// forgetWaiting removes the list of waiting orders that an earlier run has kept.
func (s *timedSync) forgetWaiting(b *testing.B) {
	b.Helper()
	lists, err := filepath.Glob(filepath.Join(s.panel.Root(), "var", s.seller.module+".waiting.*"))
	require.NoError(b, err)
	for _, list := range lists {
		require.NoError(b, os.Remove(list))
	}
}

// record runs the module once and writes down what it did.
func (s *timedSync) record(b *testing.B) floorPlan {
	b.Helper()
	s.sync(b) // the first run at this address reads what later ones know
	plan := floorPlan{DSN: s.config.DSN, CA: s.ca}
	log := s.logStatements(b)
	s.mu.Lock()
	s.requests = nil
	s.first = func() {
		sent, _ := log.all()
		plan.Before = len(sent)
	}
	s.mu.Unlock()
	require.NoError(b, s.panel.ClearRequests())
	s.sync(b)
	plan.Statements, _ = log.all()
	require.NotEmpty(b, plan.Statements)
	plan.Requests = s.requests
	plan.Key, plan.Encrypted = s.encrypted(b)
	s.first = nil
	calls, err := s.panel.Requests()
	require.NoError(b, err)
	for _, call := range calls {
		plan.Calls = append(plan.Calls, append([]string{filepath.Join(s.panel.Root(), "sbin", "mgrctl")}, strings.Split(call.Raw, "&")...))
	}
	require.NoError(b, os.Remove(filepath.Join(s.panel.Root(), "etc", "billmgr.conf.d", "statements.conf")))
	b.Logf("%d statements, %d of them before %d requests, %d calls of mgrctl", len(plan.Statements), plan.Before, len(plan.Requests), len(plan.Calls))
	return plan
}

// encrypted returns the panel's key, and what it keeps encrypted of the processing module.
func (s *timedSync) encrypted(b *testing.B) (key string, values []string) {
	b.Helper()
	keys, err := filepath.Glob(filepath.Join(s.panel.Root(), "etc", "*.pem"))
	require.NoError(b, err)
	require.Len(b, keys, 1)
	rows, err := s.panel.DB().QueryContext(b.Context(), "SELECT value FROM processingcryptedparam WHERE processingmodule=? AND value<>''", s.moduleID)
	require.NoError(b, err)
	defer rows.Close()
	for rows.Next() {
		var value string
		require.NoError(b, rows.Scan(&value))
		values = append(values, value)
	}
	require.NoError(b, rows.Err())
	return keys[0], values
}

// compare runs the module and the floor in turns, and the floor without the decryption.
func (s *timedSync) compare(b *testing.B, floor string, plan floorPlan) {
	b.Helper()
	bare := plan
	bare.Encrypted = nil
	files := [2]string{writePlan(b, plan), writePlan(b, bare)}
	var module []processCost
	var floors [2][]processCost
	for range floorRuns {
		module = append(module, s.sync(b))
		for i, file := range files {
			cmd := exec.Command(floor, file)
			cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
			floors[i] = append(floors[i], commandCost(b, cmd))
		}
	}
	wall := medianCost(module).wall
	b.ReportMetric(float64(wall)/float64(medianCost(floors[1]).wall), "times-without-decryption")
	reportPair(b, "floor", floors[0], "sync", module)
	assert.LessOrEqual(b, float64(wall)/float64(medianCost(floors[0]).wall), floorTimes)
}

// writePlan writes a plan into a file of the benchmark.
func writePlan(b *testing.B, plan floorPlan) string {
	b.Helper()
	text, err := json.Marshal(plan)
	require.NoError(b, err)
	file := filepath.Join(b.TempDir(), "plan")
	require.NoError(b, os.WriteFile(file, text, 0o600))
	return file
}

// reportPair reports the medians and quartiles of two programs, and how many times the first the second takes.
func reportPair(b *testing.B, base string, first []processCost, name string, second []processCost) {
	b.Helper()
	for _, one := range []struct {
		name string
		all  []processCost
	}{{base, first}, {name, second}} {
		wall := func(c processCost) time.Duration { return c.wall }
		b.ReportMetric(float64(median(one.all, wall).Microseconds()), one.name+"-µs")
		b.ReportMetric(float64(quantile(one.all, wall, 4).Microseconds()), one.name+"-q1-µs")
		b.ReportMetric(float64(quantile(one.all, wall, -4).Microseconds()), one.name+"-q3-µs")
		b.ReportMetric(float64(medianCost(one.all).cpu.Microseconds()), one.name+"-cpu-µs")
		b.Logf("%s: %v, quartiles %v and %v, processor %v, %d page faults", one.name, median(one.all, wall), quantile(one.all, wall, 4), quantile(one.all, wall, -4),
			medianCost(one.all).cpu, medianCost(one.all).faults)
	}
	b.Logf("%s takes %.2f times %s, %.2f of the processor time", name, float64(medianCost(second).wall)/float64(medianCost(first).wall), base,
		float64(medianCost(second).cpu)/float64(medianCost(first).cpu))
	b.ReportMetric(float64(medianCost(second).wall)/float64(medianCost(first).wall), "times")
	b.ReportMetric(float64(medianCost(second).cpu)/float64(medianCost(first).cpu), "cpu-times")
}
