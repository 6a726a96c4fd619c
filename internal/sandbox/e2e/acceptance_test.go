package e2e

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"pmssl/internal/sandbox/panel"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// acceptanceReport is the part of the report that the tests look at.
type acceptanceReport struct {
	Mode    string
	Sandbox bool
	Starts  int
	Stages  []struct{ Name, Progress, WaitsFor, Until, Note string }
	Facts   []struct{ ID, Verdict, Note string }
}

// stage returns the progress of a stage.
func (r acceptanceReport) stage(name string) string {
	for _, stage := range r.Stages {
		if stage.Name == name {
			return stage.Progress
		}
	}
	return ""
}

// verdict returns what the report says of a fact.
func (r acceptanceReport) verdict(id string) string {
	for _, fact := range r.Facts {
		if fact.ID == id {
			return fact.Verdict
		}
	}
	return ""
}

// acceptanceFixture is a panel whose module is connected to the seller's sandbox, with a placed test item.
type acceptanceFixture struct {
	*fixture
	item int64
}

// startAcceptance connects the module with the tick at Sandbox where there is one, and places an order.
func startAcceptance(t *testing.T, seller sellerCase, settings ...string) *acceptanceFixture {
	t.Helper()
	seller.params = maps.Clone(seller.params) // with a person whose names are no words of a report
	for name, value := range map[string]string{"fname": "Zdenka", "lname": "Quxley", "jtitle": "Beekeeper", "email": "zdenka@quxley.example", "phone": "+4930987654"} {
		if seller.params["adm_"+name] != "" {
			seller.params["adm_"+name], seller.params["tech_"+name] = value, value
		}
	}
	f, err := newFixture(fixtureOptions{dir: t.TempDir(), seller: seller, simulated: true, start: time.Date(2026, 8, 3, 10, 0, 0, 0, time.UTC)})
	require.NoError(t, err)
	t.Cleanup(f.close)
	require.NoError(t, os.WriteFile(filepath.Join(f.panel.Root(), "etc", "debug.conf"), []byte("* 9\n"), 0o644))
	t.Cleanup(func() { f.checkNoSecretLeaked(t) })
	values := map[string]string{}
	if seller.module == "pmnamecheap" {
		values["sandbox"] = "on"
	}
	done, err := f.connect(context.Background(), values)
	require.NoError(t, err)
	require.NotZero(t, done.ID, "the wizard refused: %+v", done)
	for _, setting := range settings {
		name, value, _ := strings.Cut(setting, "=")
		require.NoError(t, f.standIn.setSetting(name, value))
	}
	placed := f.place(t, exampleCSR(t))
	return &acceptanceFixture{f, placed.Item}
}

// accept starts --command acceptance and returns its report; words are further arguments.
func (f *acceptanceFixture) accept(t *testing.T, words ...string) acceptanceReport {
	t.Helper()
	_, err := f.clock.Advance(5 * time.Minute) // the module reads the seller's list of waiting orders again after two minutes
	require.NoError(t, err)
	args := append([]string{"--command", "acceptance", "--module", strconv.FormatInt(f.moduleID, 10), "--item", strconv.FormatInt(f.item, 10), "--format", "json"}, words...)
	run, err := f.panel.Start(context.Background(), f.seller.module, nil, args...)
	require.NoError(t, err)
	var answer struct{ Acceptance acceptanceReport }
	require.NoError(t, json.Unmarshal([]byte(run.Stdout), &answer), "%s\n%s", run.Stdout, run.Stderr)
	return answer.Acceptance
}

// walkOptions returns the options with which a walk may pay.
func (f *acceptanceFixture) walkOptions() []string {
	if f.seller.module == "pmnamecheap" {
		return []string{"--yes"}
	}
	return []string{"--yes", "--spend", f.seller.singleName}
}

// raw starts --command acceptance and returns stdout and the exit code.
func (f *acceptanceFixture) raw(t *testing.T, words ...string) (string, int) {
	t.Helper()
	args := append([]string{"--command", "acceptance", "--module", strconv.FormatInt(f.moduleID, 10), "--item", strconv.FormatInt(f.item, 10)}, words...)
	run, err := f.panel.Start(context.Background(), f.seller.module, nil, args...)
	require.NoError(t, err)
	return run.Stdout, run.ExitCode
}

// progress requires the progress of stages.
func (r acceptanceReport) progress(t *testing.T, want map[string]string) {
	t.Helper()
	for name, progress := range want {
		require.Equal(t, progress, r.stage(name), "stage %s of %+v", name, r.Stages)
	}
}

// liveThrough takes the item through the walk up to the last stage, with what the seller has to do in between, and returns the last
// report. shown is called with each report.
func (f *acceptanceFixture) liveThrough(t *testing.T, shown func(acceptanceReport)) acceptanceReport {
	t.Helper()
	options := f.walkOptions()
	r := f.accept(t, options...)
	shown(r)
	r.progress(t, map[string]string{"order": "done", "issue": "waiting", "reissue": "pending"})
	issue := func() {
		t.Helper()
		require.NoError(t, f.standIn.issue(f.orderIDOf(t, f.item)))
		r = f.accept(t, options...)
		shown(r)
	}
	issue()
	r.progress(t, map[string]string{"issue": "done", "reissue": "waiting"})
	require.Equal(t, 1, f.paymentCount(t))
	_, err := f.clock.Advance(48 * time.Hour)
	require.NoError(t, err)
	r = f.accept(t, options...)
	shown(r)
	r.progress(t, map[string]string{"reissue": "done", "reissued": "waiting"})
	issue()
	r.progress(t, map[string]string{"reissued": "done", "renewal": "waiting"})
	require.Equal(t, 1, f.paymentCount(t))
	require.NoError(t, f.clock.Set(time.Date(2027, 7, 10, 10, 0, 0, 0, time.UTC)))
	r = f.accept(t, options...)
	shown(r)
	r.progress(t, map[string]string{"renewal": "done", "renewed": "waiting"})
	require.Equal(t, 2, f.paymentCount(t))
	issue()
	return r
}

// rules ACCEPT-1: the walk takes a test item through its whole life, in several starts, and pays for what it buys once.
func TestAcceptanceWalksThroughAWholeLife(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startAcceptance(t, seller)
		r := f.liveThrough(t, func(acceptanceReport) {})
		r.progress(t, map[string]string{"renewed": "done", "close": "done"})
		assert.Equal(t, 4, f.itemOf(t, f.item).Status, "the panel has deleted the item")
		assert.Equal(t, 2, f.paymentCount(t))
		again := f.accept(t, f.walkOptions()...)
		assert.Equal(t, r.Starts+1, again.Starts)
		assert.Equal(t, 2, f.paymentCount(t), "a walk that is over buys nothing")
	})
}

// rules ACCEPT-2, CLI-7: without --yes the command only reads.
func TestAcceptanceWithoutYesOnlyReads(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startAcceptance(t, seller)
		before, err := fingerprints(f.panel.Root(), seller.module)
		require.NoError(t, err)
		f.standIn.forgetRequests()
		require.NoError(t, f.panel.ClearRequests())
		r := f.accept(t)
		assert.Equal(t, "plan", r.Mode)
		r.progress(t, map[string]string{"read": "done", "order": "pending", "close": "pending"})
		assert.Zero(t, f.paymentCount(t))
		lines := f.standIn.requests()
		assert.NotEmpty(t, lines)
		for _, line := range lines {
			assert.True(t, harmless(line), line)
		}
		calls, err := f.panel.Requests()
		require.NoError(t, err)
		for _, call := range calls {
			assert.NotEqual(t, seller.module, call.Caller, "it called %s", call.Func)
		}
		after, err := fingerprints(f.panel.Root(), seller.module)
		require.NoError(t, err)
		for path, sum := range after {
			if !strings.HasSuffix(path, ".report") {
				assert.Equal(t, before[path], sum, "it wrote %s", path)
			}
		}
	})
}

// rules ACCEPT-2: at Namecheap it works in the sandbox only, whatever is given.
func TestAcceptancePaysInTheSandboxOnly(t *testing.T) {
	f := startAcceptance(t, namecheapCase())
	for _, words := range [][]string{{}, {"--yes"}, {"--yes", "--spend", "positivessl"}} {
		_, err := f.panel.Mgrctl(context.Background(), "processing.saveparam", "elid="+strconv.FormatInt(f.moduleID, 10), "param=sandbox", "value=off")
		require.NoError(t, err)
		stdout, code := f.raw(t, words...)
		assert.Equal(t, 1, code)
		assert.Contains(t, stdout, `type="value"`)
	}
	_, err := f.panel.Mgrctl(context.Background(), "processing.saveparam", "elid="+strconv.FormatInt(f.moduleID, 10), "param=sandbox", "value=on")
	require.NoError(t, err)
	stdout, code := f.raw(t, "--yes", "--spend", "positivessl")
	assert.Equal(t, 1, code)
	assert.Contains(t, stdout, "--spend is for sellers without a sandbox")
	assert.Zero(t, f.paymentCount(t))
}

// rules ACCEPT-2: at a seller without a sandbox the order is walked through up to the form that pays, unless --spend names the product.
func TestAcceptanceStopsAtTheFormThatPays(t *testing.T) {
	f := startAcceptance(t, ispmgrCase())
	for range 2 {
		r := f.accept(t, "--yes")
		r.progress(t, map[string]string{"read": "done", "order": "waiting", "issue": "pending"})
		for _, line := range f.standIn.requests() {
			assert.False(t, strings.HasPrefix(line, "certificate.order.param") && strings.Contains(line, "sok=ok"), line)
		}
	}
	assert.Zero(t, f.paymentCount(t))
	assert.Empty(t, f.itemOf(t, f.item).Params["custom_order_id"])
	stdout, code := f.raw(t, "--yes", "--spend", "positivessl_wildcard")
	assert.Equal(t, 1, code)
	assert.Contains(t, stdout, "nothing was done")
	assert.Zero(t, f.paymentCount(t))
	r := f.accept(t, "--yes", "--spend", "positivessl")
	r.progress(t, map[string]string{"order": "done", "issue": "waiting"})
	assert.Equal(t, 1, f.paymentCount(t))
}

// rules ACCEPT-1: at a seller without a sandbox an order that the walk has not bought is not touched.
func TestAcceptanceDoesNotTouchAnOrderOfAClient(t *testing.T) {
	f := startAcceptance(t, ispmgrCase())
	item, _ := f.issuedItem(t)
	f.item = item
	paid := f.paymentCount(t)
	f.standIn.forgetRequests()
	r := f.accept(t, "--yes", "--spend", "positivessl")
	r.progress(t, map[string]string{"order": "failed", "reissue": "pending", "close": "pending"})
	for _, line := range f.standIn.requests() {
		assert.True(t, harmless(line), line)
	}
	assert.Equal(t, paid, f.paymentCount(t))
	assert.Equal(t, 2, f.itemOf(t, item).Status)
}

// rules ACCEPT-1: nor is one that the panel buys while the walk waits at the form that pays.
func TestAcceptanceDoesNotTouchAnOrderThatThePanelBuysMeanwhile(t *testing.T) {
	f := startAcceptance(t, ispmgrCase())
	f.accept(t, "--yes").progress(t, map[string]string{"order": "waiting"})
	for _, operation := range f.itemOf(t, f.item).Operations {
		f.finish(t, &panel.OrderResult{Item: f.item, Operation: operation.ID})
	}
	require.Equal(t, 1, f.paymentCount(t))
	require.NoError(t, f.standIn.issue(f.orderIDOf(t, f.item)))
	f.standIn.forgetRequests()
	f.accept(t, "--yes", "--spend", "positivessl").progress(t, map[string]string{"order": "failed", "issue": "pending", "close": "pending"})
	for _, line := range f.standIn.requests() {
		assert.True(t, harmless(line), line)
	}
	assert.Equal(t, 1, f.paymentCount(t))
	assert.Equal(t, 2, f.itemOf(t, f.item).Status)
}

// rules ACCEPT-5: the report in every format, the log's masking aside, has nothing of account, item and client.
func TestAcceptanceReportHasNothingPersonal(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startAcceptance(t, seller)
		personal := append(f.standIn.secrets(), f.personalValues(t)...)
		check := func(text string) {
			for _, value := range personal {
				assert.False(t, strings.Contains(strings.ToLower(text), strings.ToLower(value)), "the report has %q", value)
			}
		}
		f.refuseWith(t, "CN=example.com of Zdenka Quxley, zdenka@quxley.example, +4930987654, at "+f.server.URL+" as "+f.standIn.secrets()[0])
		for _, format := range []string{"text", "xml", "json"} {
			for _, words := range [][]string{nil, f.walkOptions()} {
				file := filepath.Join(t.TempDir(), "report")
				stdout, _ := f.raw(t, append(words, "--format", format, "--report", file)...)
				check(stdout)
				saved, err := os.ReadFile(file)
				require.NoError(t, err)
				check(string(saved))
				if len(words) > 0 && format == "text" {
					assert.Regexp(t, "(?s)order +failed.*(refuses|value).*\\[value\\]", string(saved), "the seller's error is told without these")
				}
			}
			if id := f.itemOf(t, f.item).Params["custom_order_id"]; id != "" {
				personal = append(personal, id)
				f.failNext(t, stepStatus, unhandled)
			}
		}
	})
}

// refuseWith makes the seller refuse the next purchase with a text.
func (f *acceptanceFixture) refuseWith(t *testing.T, text string) {
	t.Helper()
	if f.seller.module == "pmnamecheap" {
		require.NoError(t, f.standIn.addFault("create", "api_error", 1, "2011296", text))
		return
	}
	require.NoError(t, f.standIn.addFault("certificate.order.param!", "error", 1, "value", text))
}

// personalValues returns what a report must not have: names, logins, addresses, contacts.
func (f *acceptanceFixture) personalValues(t *testing.T) []string {
	t.Helper()
	values := []string{"example.com", "example.org", f.server.URL, strings.TrimPrefix(f.server.URL, "http://"), f.panel.Root()}
	for name, value := range f.standIn.connectionParams(f.server.URL) {
		if name != "sandbox" && value != "sandbox" && len(value) > 3 { // the stand-in's user has the name of a word of the report
			values = append(values, value)
		}
	}
	for name, value := range f.itemOf(t, f.item).Params {
		if len(value) > 2 && (strings.HasPrefix(name, "adm_") || strings.HasPrefix(name, "tech_") || strings.HasPrefix(name, "org_") || strings.HasSuffix(name, "_email")) {
			values = append(values, value)
		}
	}
	return values
}

// rules ACCEPT-5: a file that is no report stays.
func TestAcceptanceReportWritesOverNoOtherFile(t *testing.T) {
	f := startAcceptance(t, namecheapCase())
	file := filepath.Join(t.TempDir(), "notes")
	require.NoError(t, os.WriteFile(file, []byte("my notes\n"), 0o600))
	for _, words := range [][]string{{"--report", file}, {"--report", file, "--yes"}} {
		stdout, code := f.raw(t, words...)
		assert.Equal(t, 1, code)
		assert.Contains(t, stdout, "is there and is no report")
		assert.Zero(t, f.paymentCount(t), "it is refused before anything is bought")
	}
	kept, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, "my notes\n", string(kept))
}
