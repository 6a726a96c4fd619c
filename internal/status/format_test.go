package status_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"
	"pmssl/internal/status"
	"pmssl/internal/terminal"
)

func TestMain(m *testing.M) {
	flag.Bool("update", false, "write the golden files anew")
	flag.Parse()
	os.Exit(m.Run())
}

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if flag.Lookup("update").Value.String() == "true" {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
}

// sample is a panel with items of several states, and what else a report shows.
func sample(t *testing.T) *fixture {
	t.Helper()
	f := newFixture(t)
	f.issued(1, 150)
	f.issued(2, 5).Item.Params[itemparam.ServiceStatus] = "4"
	f.issued(3, -2).Item.Params[itemparam.ReissueTried] = "2026-09-25T00:00:00Z 5"
	f.issued(4, 100).Item.Name = "münchen.example"
	f.items = append(f.items, item.OverviewItem{Item: item.Item{Item: 12345678, Name: strings.Repeat("long-", 11) + "name.example", Module: 6, Template: "other", Status: 1, Params: map[string]string{}}})
	f.modules = []item.ModuleOverview{
		{Module: 5, Name: "Our seller", Active: true, Balance: item.BalanceRecord{Module: 5, At: now().Add(-3 * time.Hour), Amount: 12.5, Currency: "USD"}},
		{Module: 6, Name: "", Active: false},
	}
	f.seller.used = []seller.CallUsage{{Span: "minute", Used: 1, Limit: 20}, {Span: "day", Used: 4000, Limit: 8000}}
	f.record = &item.SweepRecord{Started: now().Add(-time.Hour), Ended: now().Add(-59 * time.Minute), Completed: now().Add(-59 * time.Minute), Result: item.SweepPartial,
		Items: 4, Due: 1, Failed: 1, Failures: []item.SweepFailure{{Item: 3, Error: "api_error (reissue): Seller refused: 2011296 CSR is not valid for this product, and " + strings.Repeat("so on, ", 20)}}}
	f.problems = []string{"the panel's database: no table task"}
	return f
}

func written(t *testing.T, write func(io.Writer) error) string {
	t.Helper()
	var text bytes.Buffer
	require.NoError(t, write(&text))
	return text.String()
}

func TestFormats(t *testing.T) {
	f := sample(t)
	r := f.read()
	text := written(t, func(to io.Writer) error { return r.WriteText(to, terminal.Styles{}) })
	golden(t, "report.txt", text)
	for _, line := range strings.Split(text, "\n") {
		assert.LessOrEqual(t, terminal.Width(line), terminal.MaxWidth, line)
	}
	golden(t, "report.json", written(t, r.WriteJSON))
	golden(t, "report.xml", written(t, r.WriteXML))
	golden(t, "report.prom", written(t, r.WritePrometheus))
	coloured := written(t, func(to io.Writer) error { return r.WriteText(to, terminal.NewStyles(true)) })
	assert.Contains(t, coloured, "\x1b[31mexpired\x1b[0m")
	assert.Equal(t, text, regexp.MustCompile("\x1b\\[[0-9]*m").ReplaceAllString(coloured, ""))
}

func TestJSONIsOneObject(t *testing.T) {
	for name, f := range map[string]*fixture{"items": sample(t), "no items": newFixture(t)} {
		text := written(t, f.read().WriteJSON)
		var answer struct {
			Count int `json:"count"`
			Items []struct {
				Item int64 `json:"item"`
			} `json:"items"`
		}
		require.NoError(t, json.Unmarshal([]byte(text), &answer), name)
		assert.Len(t, answer.Items, answer.Count, name)
	}
}

// hostile are texts that break out of one of the formats.
func hostile() []string {
	return []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `'"&<>`, "a\nb", "a\x1b[2Jb", "\u202egnp.exe", `\"} 9`, "x | y=1", "-->", "]]>", "{{.}}", "javascript:alert(1)", "\xff\xfe", "\x00",
		strings.Repeat("w", 5000), "</style><script>x</script>", "`${x}`",
	}
}

// Names, products and errors come from outside.
func TestHostileTextsBreakNoFormat(t *testing.T) {
	f := newFixture(t)
	for n, text := range hostile() {
		it := f.issued(int64(n+1), 100)
		it.Item.Name, it.Item.Template, it.Problem = text, text, fault.Errorf(fault.DB, "item", "%s", text)
	}
	f.modules = []item.ModuleOverview{{Module: 5, Name: strings.Join(hostile(), ""), Active: true, Balance: item.BalanceRecord{At: now(), Currency: `"}<b>`}}}
	f.params = errors.New(strings.Join(hostile(), ""))
	f.record = &item.SweepRecord{Started: now(), Ended: now(), Result: item.SweepFailed, Error: strings.Join(hostile(), "")}
	f.problems = hostile()
	r := f.read()

	text := written(t, func(to io.Writer) error { return r.WriteText(to, terminal.Styles{}) })
	for _, line := range strings.Split(text, "\n") {
		assert.NotContains(t, line, "\x1b")
		assert.NotContains(t, line, "\u202e")
		assert.LessOrEqual(t, terminal.Width(line), terminal.MaxWidth, line)
	}
	assert.True(t, json.Valid([]byte(written(t, r.WriteJSON))))

	decoder := xml.NewDecoder(strings.NewReader(written(t, r.WriteXML)))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		if start, is := token.(xml.StartElement); is {
			assert.Contains(t, []string{"doc", "status", "count", "sweep", "module", "problem", "balance", "calls", "item"}, start.Name.Local)
		}
	}
	conforming(t, written(t, r.WritePrometheus))

	page := written(t, r.WriteHTML)
	assert.NotContains(t, page, "<script>alert")
	assert.NotContains(t, page, "<img")
	assert.Equal(t, 1, strings.Count(page, "<script>"))
	assert.Equal(t, 1, strings.Count(page, "</style>"))

	line, _, err := r.Check(false)
	require.NoError(t, err)
	assert.Equal(t, 1, strings.Count(line, "\n"))
	assert.Equal(t, 1, strings.Count(line, "|"))
}

// conforming checks Prometheus's text format 0.0.4 as a parser does: names, labels, values, one TYPE before the samples of a family
// that stand together, no sample twice.
func conforming(t *testing.T, text string) {
	t.Helper()
	require.True(t, strings.HasSuffix(text, "\n"))
	sample := regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*)\} (\S+)$`)
	family, types, samples := "", map[string]bool{}, map[string]bool{}
	for n, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if words := strings.SplitN(line, " ", 4); words[0] == "#" {
			if words[1] == "TYPE" {
				require.Equal(t, "gauge", words[3])
				require.False(t, types[words[2]], "line %d: a second TYPE of %s", n, words[2])
				family, types[words[2]] = words[2], true
			}
			continue
		}
		found := sample.FindStringSubmatch(line)
		require.NotNil(t, found, "line %d: %s", n, line)
		require.Equal(t, family, found[1], "line %d", n)
		_, err := strconv.ParseFloat(found[3], 64)
		require.NoError(t, err)
		key := found[1] + "{" + found[2]
		require.False(t, samples[key], "twice: %s", key)
		samples[key] = true
	}
}

func TestMetricsConform(t *testing.T) { conforming(t, written(t, sample(t).read().WritePrometheus)) }

// rules STATUS-7
func TestSeriesAreBounded(t *testing.T) {
	f := newFixture(t)
	f.issued(1, 100)
	for id := int64(2); id <= status.MaxSeries+3; id++ {
		f.items = append(f.items, item.OverviewItem{Item: item.Item{Item: id, Module: 5, Status: 1, Params: map[string]string{}}})
	}
	text := written(t, f.read().WritePrometheus)
	assert.Equal(t, status.MaxSeries, strings.Count(text, "\npmssl_item_state{"))
	assert.Contains(t, text, `pmssl_items_without_series{binary="pmtest"} 3`)
	assert.Contains(t, text, `pmssl_items{binary="pmtest",module="5",state="ordered"} 50002`)
}

// rules STATUS-9
func TestPageHasTheMostUrgentItems(t *testing.T) {
	f := newFixture(t)
	for id := int64(1); id <= status.MaxHTML+2; id++ {
		f.items = append(f.items, item.OverviewItem{Item: item.Item{Item: id, Module: 5, Name: fmt.Sprintf("i%d.example", id), Status: 1, Params: map[string]string{}}})
	}
	page := written(t, f.read().WriteHTML)
	assert.Equal(t, status.MaxHTML, strings.Count(page, "<tr role=\"row\" class="))
	assert.Contains(t, page, "2 more are left out")
	assert.NotContains(t, page, "i5001.example")
}

// rules STATUS-9: nothing is asked of any server.
func TestPageRefersToNothing(t *testing.T) {
	page := written(t, sample(t).read().WriteHTML)
	assert.NotRegexp(t, `(?i)https?://|src=|@import|url\(`, page)
	assert.Contains(t, page, `content="default-src &#39;none&#39;; style-src &#39;sha256-`)
	for _, href := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		assert.True(t, strings.HasPrefix(href[1], "#"), href[1])
	}
	assert.NotRegexp(t, ` style="| on[a-z]+="`, page)
}

// rules STATUS-8
func TestCheckIsAMonitoringPlugin(t *testing.T) {
	at := func(age time.Duration) *item.SweepRecord {
		return &item.SweepRecord{Started: now().Add(-age), Ended: now().Add(-age), Completed: now().Add(-age), Result: item.SweepOK}
	}
	for _, c := range []struct {
		name  string
		begin func(f *fixture)
		item  int64
		code  status.Severity
		begun string
		has   string
	}{
		{name: "all is well", begin: func(f *fixture) { f.issued(1, 100); f.record = at(time.Hour) }, begun: "OK - pmtest: 1 item | items=1;;;0 critical=0;;0;0 warning=0;0;;0 "},
		{name: "no items", begin: func(f *fixture) { f.record = at(time.Hour) }, begun: "OK - pmtest: 0 items | "},
		{name: "an item is expired", begin: func(f *fixture) { f.issued(1, 100); f.issued(2, -1); f.record = at(0) }, code: status.Critical,
			begun: "CRITICAL - pmtest: 2 items, 1 critical, item 2 (item2.example) expired | "},
		{name: "an item waits in its last week", begin: func(f *fixture) { f.issued(1, 5).Item.Params[itemparam.ServiceStatus] = "4"; f.record = at(0) }, code: status.Warning,
			begun: "WARNING - pmtest: 1 item, 1 warning, item 1 (item1.example) waiting, waits for client | "},
		{name: "no sweep", begin: func(f *fixture) { f.issued(1, 100) }, code: status.Warning, has: "no sweep has left a record"},
		{name: "a late sweep", begin: func(f *fixture) { f.issued(1, 100); f.record = at(4 * time.Hour) }, code: status.Warning, has: "the last complete sweep ended 4h0m0s ago"},
		{name: "no sweep for a day", begin: func(f *fixture) { f.issued(1, 100); f.record = at(25 * time.Hour) }, code: status.Critical, has: "ended 25h0m0s ago"},
		{name: "a sweep in the future", begin: func(f *fixture) { f.issued(1, 100); f.record = at(-time.Hour) }, code: status.Warning, has: "the last complete sweep ended in the future, at 2026-10-01 10:00 UTC: correct the clock"},
		{name: "a clock that is a little late", begin: func(f *fixture) { f.record = at(-time.Minute) }, begun: "OK - pmtest: 0 items | "},
		{name: "no sweep for a day, one item", begin: func(f *fixture) { f.issued(1, 100); f.record = at(25 * time.Hour) }, item: 1, begun: "OK - pmtest: 1 item | "},
		{name: "a problem", begin: func(f *fixture) { f.issued(1, 100); f.record, f.problems = at(0), []string{"no table task"} }, code: status.Warning, has: "not read: no table task"},
		{name: "balances", begin: func(f *fixture) { f.record, f.unread = at(0), []string{"no balances"} }, code: status.Warning, has: "not read: no balances"},
		{name: "a module", begin: func(f *fixture) { f.issued(1, 100); f.record, f.params = at(0), errors.New("no key") }, code: status.Warning, has: "module 5: no key"},
		{name: "the module of one item", begin: func(f *fixture) { f.issued(1, 100); f.record, f.params = at(0), errors.New("no key") }, item: 1, code: status.Warning, has: "module 5: no key"},
		{name: "another module than that of one item", begin: func(f *fixture) {
			f.issued(1, 100)
			f.record, f.params, f.modules = at(0), errors.New("no key"), []item.ModuleOverview{{Module: 6, Name: "Other"}}
		}, item: 1, begun: "OK - pmtest: 1 item | "},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			c.begin(f)
			f.args.Item = c.item
			line, code, err := f.read().Check(c.item != 0)
			require.NoError(t, err)
			assert.Equal(t, c.code, code)
			assert.True(t, strings.HasPrefix(line, c.begun), line)
			assert.Contains(t, line, c.has)
		})
	}
}
