package panel_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
)

// docs/reference/billmanager.md §5.2: dropparam, then saveparam without a value if the parameter still exists.
func TestDropParamTriesBothWays(t *testing.T) {
	const drop, save = "service.dropparam sok=ok elid=42 name=org_name", "service.saveparam sok=ok elid=42 name=org_name"
	for name, c := range map[string]struct {
		dropDoes, saveDoes bool
		drop               step
		want               []string
		fails              string
	}{
		"the panel drops it":           {true, false, step{Stdout: okAnswer}, []string{drop}, ""},
		"dropparam does nothing":       {false, true, step{Stdout: okAnswer}, []string{drop, save}, ""},
		"dropparam is not known":       {false, true, step{Stdout: refusalXML("missed", "func", "service.dropparam", "no such function")}, []string{drop, save}, ""},
		"dropped in spite of an error": {true, false, step{Stdout: refusalXML("x", "", "", "")}, []string{drop}, ""},
		"neither does it":              {false, false, step{Stdout: okAnswer}, []string{drop, save}, "still has the parameter org_name"},
		"neither does it, one refuses": {false, false, step{Stdout: refusalXML("access", "", "", "Not enough rights")}, []string{drop, save}, "Not enough rights"},
	} {
		t.Run(name, func(t *testing.T) {
			w, db := samplePanel(t)
			var database string
			require.NoError(t, db.QueryRow("SELECT DATABASE()").Scan(&database))
			change := func(does bool, s step) step {
				if does {
					s.DSN, s.SQL = dsn(mariadb.socket, database), "DELETE FROM itemparam WHERE item=42 AND intname='org_name'"
				}
				return s
			}
			w.behave("service.dropparam", change(c.dropDoes, c.drop))
			w.behave("service.saveparam", change(c.saveDoes, step{Stdout: okAnswer}))
			err := w.DropParam(t.Context(), 42, "org_name")
			assert.Equal(t, c.want, w.callLines())
			if c.fails == "" {
				assert.NoError(t, err)
				return
			}
			require.Error(t, err)
			assert.Equal(t, fault.Panel, fault.From(err).Type)
			assert.Contains(t, err.Error(), c.fails)
		})
	}
}

func TestDropParamWithoutAPanelEndsAfterOneMinute(t *testing.T) {
	w, _ := samplePanel(t)
	w.behave("service.dropparam", notRunning)
	assert.Equal(t, fault.Panel, faultType(w.DropParam(t.Context(), 42, "org_name")))
	assert.Len(t, w.sleeps, 59)
	assert.Equal(t, 1, strings.Count(w.logged(), "LOST"))
}

func TestDropParamWithoutMgrctlEndsAtOnce(t *testing.T) {
	w, _ := samplePanel(t)
	require.NoError(t, os.Remove(filepath.Join(w.root, "sbin/mgrctl")))
	assert.Equal(t, fault.Panel, faultType(w.DropParam(t.Context(), 42, "org_name")))
	assert.Empty(t, w.sleeps)
	assert.Equal(t, 1, strings.Count(w.logged(), "LOST"), "the second way is not tried")
}

func TestDropParamOfAnAbsentParameterSendsNothing(t *testing.T) {
	w, _ := samplePanel(t)
	require.NoError(t, w.DropParam(t.Context(), 42, "purchase_intent"))
	require.NoError(t, w.SaveParam(t.Context(), 42, "empty", ""), "saving an empty value deletes")
	assert.Empty(t, w.calls())
}

func TestTriesReadsStartsAndTasks(t *testing.T) {
	w, db := samplePanel(t)
	run(t, db, "INSERT INTO runningoperation (id, item, trycount) VALUES (7, 42, 10), (8, 42, NULL); INSERT INTO task (runningoperation, item) VALUES (7, 42), (7, 42), (9, 42)")
	tries, tasks, err := w.Tries(t.Context(), 7)
	require.NoError(t, err)
	assert.Equal(t, []int{10, 2}, []int{tries, tasks})
	tries, tasks, err = w.Tries(t.Context(), 8)
	require.NoError(t, err)
	assert.Equal(t, []int{0, 0}, []int{tries, tasks})
	_, _, err = w.Tries(t.Context(), 404)
	assert.Equal(t, fault.Missed, faultType(err))
}

// docs/reference/billmanager.md §1.6, but the type of the task is read before re-runs are stopped; an operation gets one task.
func TestEscalateOpensOneTaskForAnOperation(t *testing.T) {
	const (
		manual = "runningoperation.setmanual elid=7 sok=ok"
		kind   = "task.gettype operation=open item=42"
		task   = "task.edit item=42 sok=ok runningoperation=7 type=open_certificate params=look here"
		bare   = "task.edit item=42 sok=ok type=open_certificate params=look here"
	)
	for name, c := range map[string]struct {
		before    string
		operation int64
		kind      string
		want      []string
	}{
		"an operation without a task":             {"SELECT 1", 7, "open_certificate", []string{kind, manual, task}},
		"an operation with a task":                {"INSERT INTO task (runningoperation, item, type, status) VALUES (7, 42, 'x', 2)", 7, "open_certificate", []string{manual}},
		"a command without a task type":           {"SELECT 1", 7, "", []string{kind, manual}},
		"no operation":                            {"INSERT INTO task (item, type, status) VALUES (42, 'other', 0), (43, 'open_certificate', 0)", 0, "open_certificate", []string{kind, bare}},
		"no operation, an open task of the kind":  {"INSERT INTO task (item, type, status) VALUES (42, 'open_certificate', 1)", 0, "open_certificate", []string{kind}},
		"no operation, a closed task of the kind": {"INSERT INTO task (item, type, status) VALUES (42, 'open_certificate', 2)", 0, "open_certificate", []string{kind, bare}},
	} {
		t.Run(name, func(t *testing.T) {
			w, db := samplePanel(t)
			run(t, db, c.before)
			w.behave("task.gettype", step{Stdout: "<doc><task_type>" + c.kind + "</task_type></doc>"})
			require.NoError(t, w.Escalate(t.Context(), 42, c.operation, "open", "look here"))
			assert.Equal(t, c.want, w.callLines())
		})
	}
}

// rules STORE-8: the newest open task of the item and type is found, and can be deleted.
func TestAnOpenTaskIsFoundAndClosed(t *testing.T) {
	w, db := samplePanel(t)
	w.behave("task.gettype", step{Stdout: "<doc><task_type>open_certificate</task_type></doc>"})
	found, err := w.OpenTask(t.Context(), 42, "open")
	require.NoError(t, err)
	assert.Zero(t, found)
	run(t, db, "INSERT INTO task (id, item, type, status) VALUES (5, 42, 'open_certificate', 0), (6, 42, 'open_certificate', 1), "+
		"(7, 42, 'open_certificate', 2), (8, 42, 'other', 0), (9, 43, 'open_certificate', 0)")
	found, err = w.OpenTask(t.Context(), 42, "open")
	require.NoError(t, err)
	assert.Equal(t, int64(6), found)
	require.NoError(t, w.CloseTask(t.Context(), found))
	require.NoError(t, w.CloseTask(t.Context(), 404), "one that is absent already")
	const kind = "task.gettype operation=open item=42"
	assert.Equal(t, []string{kind, kind, "task.delete elid=6 sok=ok"}, w.callLines())
	t.Run("a command without a task type has none", func(t *testing.T) {
		w, _ := samplePanel(t)
		w.behave("task.gettype", step{Stdout: "<doc><task_type/></doc>"})
		found, err := w.OpenTask(t.Context(), 42, "open")
		require.NoError(t, err)
		assert.Zero(t, found)
	})
}

// An operation without re-runs and without a task would never be noticed.
func TestReRunsAreNotStoppedWithoutATypeOfTask(t *testing.T) {
	w, _ := samplePanel(t)
	w.behave("task.gettype", notRunning, notRunning, step{Stdout: refusalXML("access", "", "", "Not enough rights")})
	err := w.Escalate(t.Context(), 42, 7, "open", "look here")
	require.Error(t, err)
	assert.Contains(t, err.Error(), "Not enough rights")
	const kind = "task.gettype operation=open item=42"
	assert.Equal(t, []string{kind, kind, kind}, w.callLines(), "the call is repeated while the panel does not answer, and nothing else is called")
}

func TestLongTaskTextsAreCut(t *testing.T) {
	w := newFixture(t)
	require.NoError(t, w.EditTask(t.Context(), 42, 7, "x", strings.Repeat("ж", 100<<10)))
	last := w.calls()[0].Args[5]
	assert.Less(t, len(last), 66<<10)
	assert.True(t, strings.HasSuffix(last, "ж…"))
}
