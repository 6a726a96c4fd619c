package acceptance

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/exchange"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/seller"
)

const sandboxAddress = "https://sandbox.example/api"

// sandboxSeller is a seller whose sandbox is at sandboxAddress, for parameters with sandbox=on.
func sandboxSeller() seller.Info {
	return seller.Info{Title: "Shop", Sandbox: func(params map[string]string) (string, error) {
		if params["sandbox"] != "on" {
			return "", fault.Errorf(fault.Value, "sandbox", "not the sandbox")
		}
		return sandboxAddress, nil
	}}
}

// rules ACCEPT-2: which calls an acceptance run may send.
func TestGateLetsThroughOnlyWhatTheRunMayDo(t *testing.T) {
	without := seller.Info{Title: "Billing"}
	reads := exchange.Call{Address: sandboxAddress}
	changes := exchange.Call{Address: sandboxAddress, Changes: true}
	pays := exchange.Call{Address: sandboxAddress, Changes: true, Pays: true}
	elsewhere := exchange.Call{Address: "https://shop.example/api", Changes: true, Pays: true}
	for name, c := range map[string]struct {
		gate gate
		call exchange.Call
		sent bool
	}{
		"a read without --yes":                   {gate{info: sandboxSeller(), reading: true}, reads, true},
		"a change without --yes":                 {gate{info: sandboxSeller(), reading: true}, changes, false},
		"a payment without --yes":                {gate{info: sandboxSeller(), reading: true, spend: true}, pays, false},
		"a change in the sandbox":                {gate{info: sandboxSeller()}, changes, true},
		"a payment in the sandbox":               {gate{info: sandboxSeller()}, pays, true},
		"a payment at another address":           {gate{info: sandboxSeller()}, elsewhere, false},
		"the same with --spend":                  {gate{info: sandboxSeller(), spend: true}, elsewhere, false},
		"a change without a sandbox":             {gate{info: without}, changes, true},
		"a payment without a sandbox":            {gate{info: without}, pays, false},
		"a payment without a sandbox, --spend":   {gate{info: without, spend: true}, pays, true},
		"that without --yes, which only reads":   {gate{info: without, spend: true, reading: true}, pays, false},
		"a read at a seller without a sandbox":   {gate{info: without, reading: true}, reads, true},
		"a change at a seller without a sandbox": {gate{info: without, reading: true}, changes, false},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, c.gate.open(map[string]string{"sandbox": "on"}))
			assert.Equal(t, c.sent, c.gate.allow(c.call) == nil)
		})
	}
}

// rules ACCEPT-2: the parameters are checked at each connection, so that a tick that somebody takes away meanwhile counts.
func TestGateChecksTheParametersOfEachConnection(t *testing.T) {
	g := &gate{info: sandboxSeller()}
	connected := 0
	connect := g.connect(func(map[string]string) (seller.Seller, error) { connected++; return nil, nil })
	_, err := connect(map[string]string{"sandbox": "on"})
	require.NoError(t, err)
	_, err = connect(map[string]string{"sandbox": "off"})
	require.ErrorContains(t, err, "not the sandbox")
	assert.Equal(t, 1, connected)
}

// rules ACCEPT-4: the state is kept whole, and what is no state is an error that says what to do.
func TestStateIsKeptBetweenStarts(t *testing.T) {
	f := filesOf(t.TempDir(), "pmdouble", 42)
	none, err := f.read()
	require.NoError(t, err)
	assert.Nil(t, none)
	s := newState(42, 5, "0123456789abcdef", "2026-08-03")
	s.Stages[1] = StageState{Name: StageOrder, Progress: Waiting, WaitsFor: ForSeller}
	s.Facts["FACT-N1"] = FactState{Verdict: False}
	require.NoError(t, f.write(s))
	again, err := f.read()
	require.NoError(t, err)
	assert.Equal(t, s, again)
	info, err := os.Stat(f.state)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	entries, err := os.ReadDir(filepath.Dir(f.state))
	require.NoError(t, err)
	assert.Len(t, entries, 1, "no other file is left")
	for name, text := range map[string]string{
		"empty": "", "cut off": `{"version":1,`, "of another version": `{"version":9,"stages":[]}`, "without stages": `{"version":1}`,
		"too long": strings.Repeat(" ", maxState+1),
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, os.WriteFile(f.state, []byte(text), 0o600))
			_, err := f.read()
			require.ErrorContains(t, err, "remove the file to begin again")
		})
	}
}

func TestTwoRunsDoNotWorkOnOneWalk(t *testing.T) {
	f := filesOf(t.TempDir(), "pmdouble", 42)
	closing, err := f.lock()
	require.NoError(t, err)
	_, err = f.lock()
	assert.Equal(t, fault.Locked, fault.From(err).Type)
	closing()
	closing, err = f.lock()
	require.NoError(t, err)
	closing()
}

// rules ACCEPT-5: what belongs to somebody is taken out of texts.
func TestRedactorTakesOutWhatBelongsToSomebody(t *testing.T) {
	it := item.Item{Name: "shop.example", AccountName: "Quxley Ltd", Params: map[string]string{"adm_fname": "Zdenka", "approver_method": "auth_dnscname", "custom_order_id": "1234"}}
	r := newRedactor(it, map[string]string{"username": "resell3r", "alter_approver_methods": "on"}, func(text string) string { return strings.ReplaceAll(text, "k3y", "***") }, "salt")
	for text, want := range map[string]string{
		"refuses ZDENKA of quxley ltd":                             "refuses [value] of [value]",
		"item 42 (shop.example): no":                               "item 42 [value] no",
		"www.other.example has no record":                          "[host] has no record",
		"mail to somebody@mail.example, twice":                     "mail to [address] twice",
		"see https://api.example/xml?x=1":                          "see [url]",
		"the file /usr/local/mgr5/var/x":                           "the file [path]",
		"namecheap.ssl.create says 2011301":                        "namecheap.ssl.create says " + r.numbers("2011301"),
		"id 34350001 and 34350001":                                 "id " + r.numbers("34350001") + " and " + r.numbers("34350001"),
		"order 1234 is unpaid":                                     "order [value] is unpaid",
		"the key k3y is wrong":                                     "the key *** is wrong",
		"auth_dnscname for user RESELL3R at 192.0.2.7":             "auth_dnscname for user [value] at 192.0.2.7",
		"certificate.order.param, field csr: 12 of version 6.94.1": "certificate.order.param, field csr: 12 of version 6.94.1",
	} {
		assert.Equal(t, want, r.text(text))
	}
	assert.NotContains(t, r.numbers("34350001"), "34350")
	assert.NotEqual(t, r.numbers("34350001"), redactor{salt: "other"}.numbers("34350001"), "a hash is of one walk")
}

func FuzzRedactorKeepsNoKnownValue(f *testing.F) {
	f.Add("the item of Quxley is for shop.example", "Quxley")
	f.Add("QUXLEY quxley quxleyquxley", "Quxley")
	f.Fuzz(func(t *testing.T, text, value string) {
		value = strings.TrimSpace(value)
		if len(value) < minKnown || strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) || common(value) ||
			strings.Contains("[value][address][url][host][path]***…", strings.ToLower(value)) || strings.ContainsAny(value, "0123456789#,") || strings.Trim(strings.ToLower(value), "abcdef") == "" { // a hash may have that
			return
		}
		out := newRedactor(item.Item{Name: value}, nil, nil, "salt").text(text)
		assert.NotContains(t, strings.ToLower(out), strings.ToLower(value))
		assert.LessOrEqual(t, len(out), maxNote+len("…"))
	})
}

func FuzzState(f *testing.F) {
	f.Add([]byte(`{"version":1,"stages":[{"name":"read","progress":"done"}]}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := parseState(text)
		if err != nil {
			return
		}
		for i, name := range stageNames() {
			assert.Equal(t, name, s.Stages[i].Name)
		}
		assert.NotNil(t, s.Facts)
	})
}

// What was seen as false once stays false, and the note says that it was true before.
func TestAContradictedFactStaysFalse(t *testing.T) {
	w := &walker{run: &item.Run{Recorder: &exchange.Recorder{}, Info: seller.Info{Title: "Namecheap"}, Now: func() time.Time { return time.Date(2026, 8, 3, 10, 0, 0, 0, time.UTC) }}, state: newState(42, 5, "", "2026-08-03")}
	w.item = item.Item{Item: 42, Status: 2}
	w.judge()
	assert.Equal(t, True, w.state.Facts["FACT-P30"].Verdict)
	w.item.Status = 9
	w.judge()
	assert.Equal(t, False, w.state.Facts["FACT-P30"].Verdict)
	assert.Equal(t, "it was seen to be true before", w.state.Facts["FACT-P30"].Note)
	w.item.Status = 2
	w.judge()
	assert.Equal(t, False, w.state.Facts["FACT-P30"].Verdict)
}

// rules ACCEPT-4: a walk goes on only with the account and the module with which it began.
func TestAWalkKeepsItsAccount(t *testing.T) {
	start := func(w *walker, account string) error { return w.open(account) }
	w := &walker{run: &item.Run{Args: item.Args{Yes: true}}, gate: &gate{}, item: item.Item{Item: 42, Module: 5, Params: map[string]string{}}, files: filesOf(t.TempDir(), "pmdouble", 42)}
	require.NoError(t, start(w, "one"))
	assert.False(t, w.state.OwnOrder, "nothing is bought yet")
	assert.Equal(t, 1, w.state.Starts)
	require.NoError(t, start(w, "one"))
	assert.Equal(t, 2, w.state.Starts)
	require.ErrorContains(t, start(w, "another"), "began with another account or module")
	w.item.Module = 6
	require.ErrorContains(t, start(w, "one"), "began with another account or module")
	reading := &walker{run: &item.Run{}, gate: &gate{reading: true}, item: item.Item{Item: 43, Module: 5}, files: filesOf(t.TempDir(), "pmdouble", 43)}
	require.NoError(t, start(reading, "one"))
	none, err := reading.files.read()
	require.NoError(t, err)
	assert.Nil(t, none, "without --yes nothing is kept")
}
