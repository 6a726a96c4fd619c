package panel_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/xml"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"pmssl/internal/sandbox/engine"
	"pmssl/internal/sandbox/panel"
	"pmssl/internal/sandbox/panel/root"
)

// behave changes the behaviour of the fake module from now on.
func behave(t *testing.T, p *panel.Panel, word string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(p.Root(), "var", "behaviour"), []byte(word), 0o600))
}

// failing returns an item whose open failed in the way that the word names.
func failing(t *testing.T, p *panel.Panel, word string) *panel.OrderResult {
	t.Helper()
	tariff, err := p.AddTariff(t.Context(), panel.Tariff{Name: "T", IntName: "fake_dv", Modules: []int64{connected(t, p)}})
	require.NoError(t, err)
	o, err := p.Place(t.Context(), panel.Order{Tariff: tariff, Period: 12, CSR: csr(t)})
	require.NoError(t, err)
	behave(t, p, word)
	o.Open, err = p.RunOperation(t.Context(), o.Operation)
	require.NoError(t, err)
	return o
}

// docs/reference/billmanager.md §14.5: failure keeps the operation, trycount goes up, re-runs go on, errors are history;
// manual stops them.
func TestFailedOperationIsRunAgainUntilManual(t *testing.T) {
	on(t, func(t *testing.T, p *panel.Panel) {
		o := failing(t, p, "error")
		require.False(t, o.Open.OK())
		assert.Equal(t, 1, o.Open.ExitCode)
		assert.Equal(t, &panel.ErrorNode{Type: "api_error", Object: "ca", Value: "no money",
			Params: map[string]string{"value": "no money"}}, o.Open.Error)

		runs, err := p.RunPending(t.Context())
		require.NoError(t, err)
		require.Len(t, runs, 1)
		i, err := p.Item(t.Context(), o.Item)
		require.NoError(t, err)
		assert.Equal(t, 5, i.Status)
		require.Len(t, i.Operations, 1)
		assert.Equal(t, 2, i.Operations[0].TryCount)
		assert.Contains(t, i.Operations[0].ErrorXML, "no money")
		assert.Len(t, i.Errors, 2)

		_, err = p.Mgrctl(t.Context(), "runningoperation.setmanual", "elid=1")
		require.NoError(t, err)
		runs, err = p.RunPending(t.Context())
		require.NoError(t, err)
		assert.Empty(t, runs)

		behave(t, p, "")
		_, err = p.Mgrctl(t.Context(), "runningoperation.start", "elid=1")
		require.NoError(t, err)
		runs, err = p.RunPending(t.Context())
		require.NoError(t, err)
		require.Len(t, runs, 1)
		assert.True(t, runs[0].OK(), runs[0].Failure())
		i, err = p.Item(t.Context(), o.Item)
		require.NoError(t, err)
		assert.Equal(t, 2, i.Status)
		assert.Empty(t, i.Operations)
		assert.Len(t, i.Errors, 2, "history outlives the operation")
	})
}

func TestResultsThatThePanelTreatsAsFailures(t *testing.T) {
	for word, want := range map[string]struct {
		exit int
		typ  string
	}{"error": {1, "api_error"}, "error0": {0, "api_error"}, "exit": {3, ""}} {
		t.Run(word, func(t *testing.T) {
			p := fresh(t, servers(t)[engine.Embedded])
			o := failing(t, p, word)
			assert.False(t, o.Open.OK())
			assert.NotEmpty(t, o.Open.Failure())
			assert.Equal(t, want.exit, o.Open.ExitCode)
			if want.typ == "" {
				assert.Nil(t, o.Open.Error)
			} else {
				assert.Equal(t, want.typ, o.Open.Error.Type)
			}
		})
	}
}

func TestEndingContextKillsTheModule(t *testing.T) {
	p := fresh(t, servers(t)[engine.Embedded])
	tariff, err := p.AddTariff(t.Context(), panel.Tariff{Name: "T", IntName: "fake_dv", Modules: []int64{connected(t, p)}})
	require.NoError(t, err)
	o, err := p.Place(t.Context(), panel.Order{Tariff: tariff, Period: 12, CSR: csr(t)})
	require.NoError(t, err)
	behave(t, p, "hang")
	// The module opens the pipe when it runs: reading it to its end waits for that moment, however slow the machine is.
	pipe := filepath.Join(p.Root(), "var", "started")
	require.NoError(t, unix.Mkfifo(pipe, 0o600))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	type result struct {
		run *panel.Run
		err error
	}
	ended := make(chan result, 1)
	go func() {
		run, err := p.RunOperation(ctx, o.Operation)
		ended <- result{run, err}
	}()
	_, err = os.ReadFile(pipe)
	require.NoError(t, err)
	cancel()
	r := <-ended
	require.NoError(t, r.err)
	assert.Equal(t, "killed", r.run.Signal)
	assert.Equal(t, -1, r.run.ExitCode)
	assert.False(t, r.run.OK())
	i, err := p.Item(t.Context(), o.Item)
	require.NoError(t, err)
	assert.Equal(t, 1, i.Operations[0].TryCount, "the try counts from its start")
}

func TestWizard(t *testing.T) {
	on(t, func(t *testing.T, p *panel.Panel) {
		module(t, p)
		ctx := t.Context()
		c, err := p.Connect(ctx, "pmfake.sh", panel.Connection{Params: map[string]string{"url": "u", "password": "wrong"}})
		require.NoError(t, err)
		assert.Zero(t, c.ID)
		require.NotNil(t, c.Check)
		assert.Equal(t, "invalid_login_or_passwd", c.Check.Error.Type)
		assert.Contains(t, c.Tune.Stdout, "<url>u</url>", "the form carries the current values")
		assert.Equal(t, "0\n", query(t, p.DB(), "SELECT COUNT(*) FROM processingmodule"), "nothing is saved")

		_, err = p.Connect(ctx, "pmfake.sh", panel.Connection{Params: map[string]string{"surprise": "u"}})
		assert.ErrorContains(t, err, "surprise")

		c, err = p.Connect(ctx, "pmfake.sh", panel.Connection{
			Params: map[string]string{"url": "<u&>", "password": "right"}, Threshold: "5", OrderPriority: 7,
		})
		require.NoError(t, err)
		require.NotZero(t, c.ID)
		assert.Contains(t, c.Check.Stdin, "<processingmodule><id>")
		assert.Contains(t, c.Check.Stdin, "<password>right</password><threshold></threshold><url>&lt;u&amp;&gt;</url>")
		assert.Equal(t, "pmfake.sh | pmfake.sh | on | 7\n",
			query(t, p.DB(), "SELECT name, module, active, orderpriority FROM processingmodule"))
		assert.Equal(t, "limit | 20\nthreshold | 5\nurl | <u&>\n",
			query(t, p.DB(), "SELECT intname, value FROM processingparam ORDER BY intname"))
		assert.NotContains(t, query(t, p.DB(), "SELECT intname, value FROM processingcryptedparam"), "right")
	})
}

// docs/reference/billmanager.md §14.2: a module whose features fail is unusable; a good answer is cached.
func TestFeaturesAreCachedAndFailuresAreNot(t *testing.T) {
	p := fresh(t, servers(t)[engine.Embedded])
	module(t, p)
	behave(t, p, "error")
	_, err := p.Features(t.Context(), "pmfake.sh")
	require.ErrorContains(t, err, "unusable")
	behave(t, p, "")
	f, err := p.Features(t.Context(), "pmfake.sh")
	require.NoError(t, err)
	assert.Equal(t, []string{"certificate"}, f.ItemTypes)
	assert.True(t, f.Has("approver"))
	old, ok := f.Template("fake_old")
	assert.True(t, ok, "an older module's template has a name and no id")
	assert.Equal(t, "fake_old", old.ID)
	behave(t, p, "error")
	_, err = p.Features(t.Context(), "pmfake.sh")
	assert.NoError(t, err)
}

func TestOrderFormIsRefused(t *testing.T) {
	p := fresh(t, servers(t)[engine.Embedded])
	tariff, err := p.AddTariff(t.Context(), panel.Tariff{Name: "T", IntName: "fake_dv", Modules: []int64{connected(t, p)}})
	require.NoError(t, err)
	o, err := p.Order(t.Context(), panel.Order{
		Tariff: tariff, Period: 12, CSR: csr(t), Params: map[string]string{"adm_email": "bad"},
	})
	require.NoError(t, err)
	assert.Zero(t, o.Item)
	assert.Nil(t, o.Open)
	require.Len(t, o.CheckParams, 1, "fields are asked in the order of their names, the first refusal ends it")
	assert.Equal(t, []string{"--command", "check_param", "--item", "0", "--param", "adm_email", "--value", "bad"},
		o.CheckParams[0].Args)
	assert.Equal(t, "0\n", query(t, p.DB(), "SELECT COUNT(*) FROM item"))
}

func TestSeveralModulesAreChosenByGetSuitableModule(t *testing.T) {
	p := fresh(t, servers(t)[engine.Embedded])
	one, two := connected(t, p), connected(t, p)
	tariff, err := p.AddTariff(t.Context(), panel.Tariff{Name: "T", IntName: "fake_dv", Modules: []int64{one, two}})
	require.NoError(t, err)
	o, err := p.Place(t.Context(), panel.Order{Tariff: tariff, Period: 12, CSR: csr(t)})
	require.NoError(t, err)
	require.NotNil(t, o.Suitable)
	assert.Contains(t, o.Suitable.Stdin, "<pricelist>1</pricelist>")
	i, err := p.Item(t.Context(), o.Item)
	require.NoError(t, err)
	assert.Equal(t, two, i.Module)
}

func TestEachCommandOfAnItem(t *testing.T) {
	on(t, func(t *testing.T, p *panel.Panel) {
		ctx := t.Context()
		o := ordered(t, p, map[string]string{"altname": "www.example.com"})
		require.True(t, o.Open.OK(), o.Open.Failure())
		for _, c := range []struct {
			command string
			status  int
			expire  string
		}{
			{"suspend", 3, "2027-11-22"}, {"resume", 2, "2027-11-22"}, {"prolong", 2, "2028-11-22"},
			{"setparam", 2, "2028-11-22"}, {"close", 4, "2028-11-22"},
		} {
			_, run, err := p.Operate(ctx, o.Item, c.command)
			require.NoError(t, err)
			require.True(t, run.OK(), run.Failure())
			i, err := p.Item(ctx, o.Item)
			require.NoError(t, err)
			assert.Equal(t, c.status, i.Status, c.command)
			assert.Equal(t, c.expire, i.ExpireDate, c.command)
			assert.Empty(t, i.Operations, c.command)
		}
		run, err := p.Sync(ctx, o.Item)
		require.NoError(t, err)
		assert.True(t, run.OK())
		run, err = p.CancelProlong(ctx, o.Item)
		require.NoError(t, err)
		assert.True(t, run.OK())
		_, _, err = p.Operate(ctx, 99, "suspend")
		assert.ErrorIs(t, err, sql.ErrNoRows)
	})
}

// docs/reference/billmanager.md §1.3: at reopen the new CSR and names are already stored, the previous names are in
// old_altname.
func TestReissueStoresBeforeItRuns(t *testing.T) {
	on(t, func(t *testing.T, p *panel.Panel) {
		o := ordered(t, p, map[string]string{"altname": "www.example.com"})
		_, run, err := p.Reissue(t.Context(), o.Item, "new csr", "new key", []string{"a.example", "b.example"})
		require.NoError(t, err)
		assert.True(t, run.OK(), run.Failure())
		assert.Equal(t, "reopen", run.Args[1])
		i, err := p.Item(t.Context(), o.Item)
		require.NoError(t, err)
		assert.Equal(t, "www.example.com", i.Params["old_altname"])
		assert.Equal(t, "a.example b.example", i.Params["altname"])
		assert.Equal(t, "new csr", i.CSR)
		assert.Equal(t, "new key", i.Key)

		_, _, err = p.Reissue(t.Context(), o.Item, "", "", nil)
		require.NoError(t, err)
		i, err = p.Item(t.Context(), o.Item)
		require.NoError(t, err)
		assert.Equal(t, "a.example b.example", i.Params["altname"])
		assert.Equal(t, "new csr", i.CSR)
	})
}

// docs/reference/billmanager.md §7: what the administrator's form stores encrypted is what a module decrypts with the
// panel's key.
func TestCryptedParameters(t *testing.T) {
	on(t, func(t *testing.T, p *panel.Panel) {
		tariff, err := p.AddTariff(t.Context(), panel.Tariff{Name: "T", IntName: "fake_dv", Modules: []int64{connected(t, p)}})
		require.NoError(t, err)
		o, err := p.Place(t.Context(), panel.Order{Tariff: tariff, Period: 12, CSR: csr(t), Crypted: map[string]string{"pin": "1234"}})
		require.NoError(t, err)
		run, err := p.Mgrctl(t.Context(), "service.saveparam", "sok=ok", "elid=1", "name=token", "value=geheim", "crypted=on")
		require.NoError(t, err)
		require.True(t, run.OK(), run.Failure())
		i, err := p.Item(t.Context(), o.Item)
		require.NoError(t, err)
		assert.Equal(t, map[string]string{"pin": "1234", "token": "geheim"}, i.Crypted)

		run, err = p.Mgrctl(t.Context(), "service.saveparam", "sok=ok", "elid=1", "name=big", "crypted=on",
			"value="+strings.Repeat("x", 246))
		require.NoError(t, err)
		assert.False(t, run.OK(), "RSA-2048 holds 245 bytes")
		run, err = p.Mgrctl(t.Context(), "service.saveparam", "sok=ok", "elid=1", "name=big", "crypted=on",
			"value="+strings.Repeat("x", 245))
		require.NoError(t, err)
		assert.True(t, run.OK(), run.Failure())
	})
}

// docs/reference/billmanager.md §4: the number of names ordered, in rules PANEL-1's form.
func TestNumberOfSANs(t *testing.T) {
	const count = `SELECT IFNULL(SUM(IF(ap.addontype=2, IFNULL(a.addonlimit,ap.addonlimit)+IFNULL(a.intvalue,0),
		CONVERT(ei.intname,UNSIGNED))),0)
		FROM item i JOIN pricelist p ON p.id=i.pricelist LEFT JOIN pricelist ap ON ap.parent=p.id
		JOIN item a ON a.parent=i.id AND a.pricelist=ap.id JOIN itemtype it ON it.id=ap.itemtype
		LEFT JOIN enumerationitem ei ON ei.id=a.enumerationitem WHERE i.id=? AND it.intname='altname' AND a.status<>4`
	cases := map[string]struct {
		addon *panel.SANAddon
		extra int
		want  int
	}{
		"no addon":            {nil, 0, 0},
		"included and bought": {&panel.SANAddon{Included: 2, Max: 10}, 3, 5},
		"enumeration":         {&panel.SANAddon{Enum: []int{5, 10, 25}}, 10, 10},
		"no child item":       {&panel.SANAddon{Included: 2, Max: 10}, -1, 0},
	}
	on(t, func(t *testing.T, p *panel.Panel) {
		id := connected(t, p)
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				tariff, err := p.AddTariff(t.Context(), panel.Tariff{Name: "T", IntName: "fake_dv", Modules: []int64{id}, SANs: c.addon})
				require.NoError(t, err)
				o, err := p.Place(t.Context(), panel.Order{
					Tariff: tariff, Period: 12, CSR: csr(t), SkipForms: true, ExtraSANs: c.extra,
				})
				require.NoError(t, err)
				var n int
				require.NoError(t, p.DB().QueryRowContext(t.Context(), count, o.Item).Scan(&n))
				assert.Equal(t, c.want, n)
			})
		}
	})
}

func TestStoredCertificateFollowsTheSetting(t *testing.T) {
	on(t, func(t *testing.T, p *panel.Panel) {
		place(t, p)
		for store, want := range map[string]string{
			root.StorePEM: pemText, root.StoreBase64: zipText(t), root.StoreZIP: "PK\x03\x04", root.StoreRefuse: "",
		} {
			_, err := p.DB().ExecContext(t.Context(), "UPDATE certificate SET crt=NULL")
			require.NoError(t, err)
			require.NoError(t, p.SetSettings(panel.Settings{CrtStore: store}))
			run, err := p.Mgrctl(t.Context(), "certificate.save", "elid=1", "crt_type=zip", "crt="+zipText(t))
			require.NoError(t, err)
			assert.Equal(t, store != root.StoreRefuse, run.OK(), store)
			i, err := p.Item(t.Context(), 1)
			require.NoError(t, err)
			if store == root.StoreZIP {
				assert.True(t, strings.HasPrefix(string(i.Crt), want), store)
			} else {
				assert.Equal(t, want, string(i.Crt), store)
			}
		}
		assert.Error(t, p.SetSettings(panel.Settings{CrtStore: "stone"}))
	})
}

func TestSeveralParametersOfOneCallFollowTheSetting(t *testing.T) {
	on(t, func(t *testing.T, p *panel.Panel) {
		place(t, p)
		before, err := p.Item(t.Context(), 1)
		require.NoError(t, err)
		for save, want := range map[string]map[string]string{
			root.SaveAll:    {"z_first": "1", "m_second": "a=b", "a_third": "3"},
			root.SaveFirst:  {"z_first": "1"},
			root.SaveLast:   {"a_third": "3"},
			root.SaveRefuse: {},
		} {
			require.NoError(t, p.SetSettings(panel.Settings{SaveParams: save}))
			run, err := p.Mgrctl(t.Context(), "service.saveparam", "sok=ok", "elid=1", "z_first=1", "m_second=a=b", "a_third=3", "crypted=off")
			require.NoError(t, err)
			assert.Equal(t, save != root.SaveRefuse, run.OK(), save)
			i, err := p.Item(t.Context(), 1)
			require.NoError(t, err)
			maps.DeleteFunc(i.Params, func(name, _ string) bool { _, there := before.Params[name]; return there })
			assert.Equal(t, want, i.Params, save)
			_, err = p.DB().ExecContext(t.Context(), "DELETE FROM itemparam WHERE intname IN ('z_first', 'm_second', 'a_third')")
			require.NoError(t, err)
			run, err = p.Mgrctl(t.Context(), "service.saveparam", "sok=ok", "elid=1", "alone=1", "crypted=off")
			require.NoError(t, err)
			assert.True(t, run.OK(), "one parameter is taken by every panel")
			_, err = p.DB().ExecContext(t.Context(), "DELETE FROM itemparam WHERE intname='alone'")
			require.NoError(t, err)
		}
		assert.Error(t, p.SetSettings(panel.Settings{SaveParams: "some"}))
	})
}

func TestExitCodeOfAnErrorDocumentFollowsTheSetting(t *testing.T) {
	p := fresh(t, servers(t)[engine.Embedded])
	for _, code := range []int{0, 1} {
		require.NoError(t, p.SetSettings(panel.Settings{StructuredErrorExit: code}))
		run, err := p.Mgrctl(t.Context(), "service.setstatus", "elid=404", "service_status=3")
		require.NoError(t, err)
		assert.Equal(t, code, run.ExitCode)
		assert.Equal(t, "missed", run.Error.Type)
		assert.Equal(t, "404", run.Error.Value)
	}
}

func TestFaults(t *testing.T) {
	type outcome struct {
		ok     bool
		exit   int
		status string // service_status afterwards
	}
	cases := map[string]struct {
		fault panel.Fault
		want  outcome
		check func(t *testing.T, r *panel.Run)
	}{
		"an error document, nothing done": {panel.Fault{Kind: root.FaultError, Type: "db", Value: "gone"}, outcome{false, 0, ""},
			func(t *testing.T, r *panel.Run) { assert.Equal(t, "gone", r.Error.Value) }},
		"done, but an error document": {panel.Fault{Kind: root.FaultErrorAfter}, outcome{false, 0, "3"}, nil},
		"exit code alone":             {panel.Fault{Kind: root.FaultExit, Exit: 7}, outcome{false, 7, ""}, nil},
		"done, unreadable answer": {panel.Fault{Kind: root.FaultGarbage}, outcome{true, 0, "3"},
			func(t *testing.T, r *panel.Run) { assert.NotContains(t, r.Stdout, "</doc>") }},
		"done, empty answer": {panel.Fault{Kind: root.FaultEmpty}, outcome{true, 0, "3"},
			func(t *testing.T, r *panel.Run) { assert.Empty(t, r.Stdout) }},
		"panel not running": {panel.Fault{Kind: root.FaultDown}, outcome{false, 1, ""},
			func(t *testing.T, r *panel.Run) { assert.Contains(t, r.Stderr, "Value: 'billmgr'") }},
	}
	p := fresh(t, servers(t)[engine.Embedded])
	place(t, p)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, p.SetParams(t.Context(), 1, map[string]string{"service_status": ""}))
			c.fault.Func, c.fault.Times = "service.setstatus", 1
			require.NoError(t, p.SetFaults(c.fault))
			run, err := p.Mgrctl(t.Context(), "service.setstatus", "elid=1", "service_status=3")
			require.NoError(t, err)
			i, err := p.Item(t.Context(), 1)
			require.NoError(t, err)
			assert.Equal(t, c.want, outcome{run.OK(), run.ExitCode, i.Params["service_status"]})
			if c.check != nil {
				c.check(t, run)
			}
			run, err = p.Mgrctl(t.Context(), "service.setstatus", "elid=1", "service_status=4")
			require.NoError(t, err)
			assert.True(t, run.OK(), "it strikes once: %s", run.Failure())
		})
	}
}

func TestFaultsAreCountedSkippedAndBoundToACaller(t *testing.T) {
	p := fresh(t, servers(t)[engine.Embedded])
	place(t, p)
	ok := func() bool {
		run, err := p.Mgrctl(t.Context(), "task.gettype", "operation=open")
		require.NoError(t, err)
		return run.OK()
	}
	require.NoError(t, p.SetFaults(panel.Fault{Func: "*", Kind: root.FaultError, Skip: 1, Times: 2}))
	assert.Equal(t, []bool{true, false, false, true}, []bool{ok(), ok(), ok(), ok()})
	require.NoError(t, p.SetFaults(panel.Fault{Func: "task.gettype", Kind: root.FaultError, Caller: "someone"}))
	assert.True(t, ok())
	require.NoError(t, p.SetFaults(panel.Fault{Func: "task.gettype", Kind: root.FaultError}))
	assert.Equal(t, []bool{false, false}, []bool{ok(), ok()}, "no count: until it is cleared")
	require.NoError(t, p.SetFaults())
	assert.True(t, ok())
	assert.Error(t, p.SetFaults(panel.Fault{Func: "a", Kind: "earthquake"}))
	assert.Error(t, p.SetFaults(panel.Fault{Kind: root.FaultError}))
}

func TestHangingCallWaitsToBeKilled(t *testing.T) {
	for kind, want := range map[string]string{root.FaultHang: "", root.FaultHangAfter: "3"} {
		p := fresh(t, servers(t)[engine.Embedded])
		place(t, p)
		require.NoError(t, p.SetFaults(panel.Fault{Func: "service.setstatus", Kind: kind}))
		cmd := exec.Command(filepath.Join(p.Root(), "sbin", "mgrctl"), "service.setstatus", "elid=1", "service_status=3")
		stderr, err := cmd.StderrPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		line, err := bufio.NewReader(stderr).ReadString('\n')
		require.NoError(t, err)
		assert.Equal(t, "fault: hanging\n", line)
		require.NoError(t, cmd.Process.Kill())
		assert.Error(t, cmd.Wait())
		i, err := p.Item(t.Context(), 1)
		require.NoError(t, err)
		assert.Equal(t, want, i.Params["service_status"], kind)
	}
}

// docs/reference/billmanager.md §8.1: the panel's native line, parameters URL-encoded and sorted, the caller in the place
// of the address.
func TestRequestLogLine(t *testing.T) {
	p := fresh(t, servers(t)[engine.Embedded])
	place(t, p)
	call(t, p, "mgrctl -m billmgr -o xml service.saveparam sok=ok elid=1 name=ns_update_error 'value=a b&c='")
	text, err := os.ReadFile(filepath.Join(p.Root(), "var", "billmgr.log"))
	require.NoError(t, err)
	assert.Regexp(t, regexp.MustCompile(`^Nov 22 10:00:00 \[\d+:1\] core_module \x1b\[1;32mINFO Request \[pmfake.sh\]\[root\] `+
		regexp.QuoteMeta(`'elid=1&func=service.saveparam&name=ns%5Fupdate%5Ferror&out=xml&sok=ok&value=a%20b%26c%3D'`)+
		`\x1b\[0m\n$`), string(text))
	all, err := p.Requests()
	require.NoError(t, err)
	require.Len(t, all, 1)
	assert.Equal(t, "a b&c=", all[0].Params["value"])
	require.NoError(t, p.ClearRequests())
	all, err = p.Requests()
	require.NoError(t, err)
	assert.Empty(t, all)
}

// LIB reads paramlist as bjson, one parameter an element (docs/reference/billmanager.md §5.1).
func TestParamlistNamesTheDatabase(t *testing.T) {
	p := fresh(t, servers(t)[engine.Embedded])
	for _, f := range []string{"paramlist", "otparamlist"} {
		out := call(t, p, "mgrctl -m billmgr "+f+" out=bjson")
		assert.Contains(t, out, `{"elem":[{"CryptKey":"etc/billmgr.pem"}`)
		assert.Contains(t, out, `{"DBHost":"localhost"}`)
		assert.Contains(t, out, `{"EULA":"on"}`)
		assert.Contains(t, out, servers(t)[engine.Embedded].Password())
	}
	out := call(t, p, "mgrctl -m billmgr -o xml paramlist")
	assert.Contains(t, out, "<elem><CryptKey>etc/billmgr.pem</CryptKey></elem>")
}

func TestForeignDatabaseIsRefused(t *testing.T) {
	for kind, s := range servers(t) {
		t.Run(string(kind), func(t *testing.T) {
			dsn, err := s.CreateDatabase(t.Context(), "precious")
			require.NoError(t, err)
			db, err := sql.Open("mysql", dsn)
			require.NoError(t, err)
			defer db.Close()
			_, err = db.ExecContext(t.Context(), "CREATE TABLE client (id INT PRIMARY KEY)")
			require.NoError(t, err)
			dir := filepath.Join(t.TempDir(), "mgr5")
			_, err = panel.Open(t.Context(), panel.Config{Root: dir, DSN: dsn, Now: time.Now, Random: rand.Reader})
			require.ErrorIs(t, err, panel.ErrNotEmpty)
			assert.NotContains(t, err.Error(), s.Password())
			assert.NoDirExists(t, dir, "the root is not touched either")
			assert.Equal(t, "client\n", query(t, db, "SHOW TABLES"))
		})
	}
}

func TestOpenContinuesWithAnEarlierRoot(t *testing.T) {
	on(t, func(t *testing.T, p *panel.Panel) {
		o := ordered(t, p, nil)
		key, err := os.ReadFile(filepath.Join(p.Root(), "etc", "billmgr.pem"))
		require.NoError(t, err)
		conf, err := root.Dir(p.Root()).ReadConf()
		require.NoError(t, err)
		again, err := panel.Open(t.Context(), panel.Config{
			Root: p.Root(), DSN: conf.DSN(), Mgrctl: shared.mgrctl, Now: time.Now, Random: rand.Reader,
		})
		require.NoError(t, err)
		defer again.Close()
		same, err := os.ReadFile(filepath.Join(p.Root(), "etc", "billmgr.pem"))
		require.NoError(t, err)
		assert.Equal(t, key, same)
		i, err := again.Item(t.Context(), o.Item)
		require.NoError(t, err)
		assert.Equal(t, 2, i.Status)
		now, err := again.Now()
		require.NoError(t, err)
		assert.Equal(t, start, now.Format(time.RFC3339), "the clock stays")
	})
}

func TestRootHasWhatAPanelHas(t *testing.T) {
	p := fresh(t, servers(t)[engine.Embedded])
	for _, f := range []string{
		"etc/billmgr.conf", "etc/billmgr.conf.d/db.conf", "etc/billmgr.pem", "etc/debug.conf", "sbin/mgrctl",
	} {
		assert.FileExists(t, filepath.Join(p.Root(), f))
	}
	for _, f := range []string{"processing", "var/logs", "etc/xml", "tmp"} {
		assert.DirExists(t, filepath.Join(p.Root(), f))
	}
	for f, mode := range map[string]os.FileMode{
		"etc/billmgr.conf.d/db.conf": 0o600, "etc/billmgr.pem": 0o600, "sbin/mgrctl": 0o755,
	} {
		st, err := os.Stat(filepath.Join(p.Root(), f))
		require.NoError(t, err)
		assert.Equal(t, mode, st.Mode().Perm(), f)
	}
}

func TestClockMoves(t *testing.T) {
	p := fresh(t, servers(t)[engine.Embedded])
	at := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
	require.NoError(t, p.SetClock(at))
	now, err := p.Now()
	require.NoError(t, err)
	assert.Equal(t, at, now)
	o := ordered(t, p, nil)
	i, err := p.Item(t.Context(), o.Item)
	require.NoError(t, err)
	assert.Equal(t, "2031-02-03", i.OpenDate, "mgrctl reads the same clock")
}

func TestInstallRefusesInvalidFileNames(t *testing.T) {
	p := fresh(t, servers(t)[engine.Embedded])
	for _, name := range []string{"", "../etc/x", "a/b", ".hidden"} {
		assert.Error(t, p.Install(name, "testdata/module.sh"), name)
	}
	assert.Error(t, p.Install("pmfake.sh", "testdata/nothing"))
}

// An error is found whatever else the document contains, and no text makes the reader panic.
func FuzzErrorOfStdout(f *testing.F) {
	for _, s := range []string{
		"", "<doc/>", `<doc><error type="a" object="b"><param name="value">v</param></error></doc>`,
		"<error", "<doc><error type='x'", "\x00\xff", strings.Repeat("<a>", 1000), "]]>", "a & b",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		panel.ErrorOf(s)
		var text bytes.Buffer
		if err := xml.EscapeText(&text, []byte(s)); err != nil {
			t.Fatal(err)
		}
		n := panel.ErrorOf("<doc><log>" + text.String() + `</log><error type="planted"/></doc>`)
		if n == nil || n.Type != "planted" {
			t.Fatalf("%+v beside %q", n, s)
		}
	})
}

// Modules of ISPsystem read a field of the wizard without checking that it exists (docs/reference/billmanager.md §1.3:
// every param of features), so an empty field is sent too.
func TestCheckConnectionGetsEveryDeclaredField(t *testing.T) {
	on(t, func(t *testing.T, p *panel.Panel) {
		module(t, p)
		c, err := p.Connect(t.Context(), "pmfake.sh", panel.Connection{Params: map[string]string{"password": "right"}})
		require.NoError(t, err)
		require.NotNil(t, c.Check)
		var doc struct {
			Module struct {
				Fields []struct {
					XMLName xml.Name
					Text    string `xml:",chardata"`
				} `xml:",any"`
			} `xml:"processingmodule"`
		}
		require.NoError(t, xml.Unmarshal([]byte(c.Check.Stdin), &doc))
		got := map[string]string{}
		for _, f := range doc.Module.Fields {
			got[f.XMLName.Local] = f.Text
		}
		assert.Equal(t, map[string]string{
			"id": strconv.FormatInt(c.ID, 10), "password": "right", "threshold": "", "url": "",
		}, got)
	})
}

func TestOutermostErrorCounts(t *testing.T) {
	n := panel.ErrorOf(`<doc><processingmodule><error type="inner"/></processingmodule><error type="outer" value="v"/></doc>`)
	require.NotNil(t, n)
	assert.Equal(t, "outer", n.Type)
	assert.Equal(t, "v", n.Value)
	assert.Nil(t, panel.ErrorOf("<doc><ok/></doc>"))
	assert.Nil(t, panel.ErrorOf(""))
	assert.NotNil(t, panel.ErrorOf(`<doc><error type="x"`))
}
