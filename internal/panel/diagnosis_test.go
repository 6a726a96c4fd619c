package panel_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/panel"
)

func TestSettingLinesHaveFileAndNumber(t *testing.T) {
	w := newFixture(t, "# comment", "DBPassword Planted-db-password-9", "", "SSLSubscriptionExpiredate term")
	w.write("etc/billmgr.conf.d/x.conf", "Option Flag\n")
	lines, warnings, err := w.SettingLines(t.Context())
	require.NoError(t, err)
	assert.Empty(t, warnings)
	main, more := filepath.Join(w.root, "etc/billmgr.conf"), filepath.Join(w.root, "etc/billmgr.conf.d/x.conf")
	assert.Equal(t, []item.SettingLine{
		{Name: "DBPassword", Value: "", File: main, Line: 2}, {Name: "SSLSubscriptionExpiredate", Value: "term", File: main, Line: 4},
		{Name: "Flag", Value: "on", File: more, Line: 1},
	}, lines, "the password is left out")
	require.NoError(t, os.Remove(main))
	_, warnings, err = w.host().SettingLines(t.Context())
	require.NoError(t, err)
	require.Len(t, warnings, 1)
	assert.Contains(t, warnings[0], "billmgr.conf does not exist")
}

func TestDatabaseState(t *testing.T) {
	w, _ := withDB(t)
	state, err := w.DatabaseState(t.Context())
	require.NoError(t, err)
	assert.NotEmpty(t, state.Version)
	assert.Equal(t, "DBSocket names it", state.Why)
	assert.Contains(t, state.Address, "(database pmssl_panel_")
	wrong, err := w.SessionDeviations(t.Context())
	require.NoError(t, err)
	assert.Empty(t, wrong)
}

func TestMissingTablesAndColumnsAreNamed(t *testing.T) {
	w, db := withDB(t)
	missing, err := w.MissingColumns(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"project", "user"}, missing, "what the schema of these tests leaves out")
	for _, statement := range []string{"ALTER TABLE itemparam DROP COLUMN value", "DROP TABLE task"} {
		_, err := db.Exec(statement)
		require.NoError(t, err)
	}
	missing, err = w.MissingColumns(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"itemparam.value", "project", "task", "user"}, missing)
}

// Every table of a query, and every column with the name of its table in front, is in the list that MissingColumns asks for.
func TestTheListOfColumnsHasThoseOfEveryQuery(t *testing.T) {
	known := panel.UsedColumns()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	seen := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			expr, ok := n.(*ast.BasicLit)
			if !ok || expr.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(expr.Value)
			require.NoError(t, err)
			for _, match := range regexp.MustCompile("\\b(?:FROM|JOIN|UPDATE) `?([a-z][a-z0-9_]*)`?(?: ([a-z]+)\\b)?").FindAllStringSubmatch(text, -1) {
				table, alias := match[1], match[2]
				columns, there := known[table]
				assert.True(t, there, "%s: table %s", name, table)
				seen++
				if alias == "" || alias == "o" && name == "diagnosis.go" { // the columns of o are inferred, and may be missing
					continue
				}
				for _, column := range regexp.MustCompile(`\b`+alias+`\.([a-z]+)\b`).FindAllStringSubmatch(text, -1) {
					assert.Contains(t, columns, column[1], "%s: %s.%s", name, table, column[1])
				}
			}
			return true
		})
	}
	assert.Greater(t, seen, 25)
}

func TestWhatIsStuckIsListed(t *testing.T) {
	w, db := withDB(t)
	for _, statement := range []string{
		"DELETE FROM task", "DELETE FROM runningoperation",
		"INSERT INTO processingmodule (id, name, module, active) VALUES (901, 'own', '" + binary + "', 'on'), (902, 'other', 'pmother', 'on')",
		"INSERT INTO item (id, name, account, pricelist, processingmodule, status) VALUES (9001, 'a.example', 1, 1, 901, 2), (9002, 'b.example', 1, 1, 902, 2), (9003, 'c.example', 1, 1, 901, 4), (9004, 'd.example', 1, 1, 901, NULL)",
		"INSERT INTO itemparam (item, intname, value) VALUES (9001, 'purchase_intent', '{}'), (9002, 'purchase_intent', '{}'), (9003, 'purchase_intent', '{}'), (9004, 'purchase_intent', '{}'), (9001, 'delivery', 'x')",
		"INSERT INTO runningoperation (id, item, trycount) VALUES (71, 9001, 10), (72, 9001, 9), (73, 9002, 10)",
		"INSERT INTO task (id, item, type, status) VALUES (81, 9001, 'open', 0), (82, 9001, 'open', 2), (83, 9002, 'open', 0)",
	} {
		_, err := db.Exec(statement)
		require.NoError(t, err, statement)
	}
	flagged, err := w.FlaggedItems(t.Context(), []string{"purchase_intent"}, 10)
	require.NoError(t, err)
	assert.Equal(t, []item.FlaggedItem{
		{Item: 9001, Name: "a.example", Param: "purchase_intent", Value: "{}"}, {Item: 9004, Name: "d.example", Param: "purchase_intent", Value: "{}"},
	}, flagged, "of this binary, and not deleted")
	manual, err := w.ManualOperations(t.Context(), 10)
	require.NoError(t, err)
	assert.Equal(t, []item.ManualOperation{{ID: 71, Item: 9001, Name: "a.example", Tries: 10}}, manual, "without the column manual")
	for _, statement := range []string{
		"ALTER TABLE runningoperation ADD COLUMN intname VARCHAR(64), ADD COLUMN manual VARCHAR(3)",
		"UPDATE runningoperation SET intname='open', manual='on' WHERE id=72",
	} {
		_, err := db.Exec(statement)
		require.NoError(t, err, statement)
	}
	manual, err = w.ManualOperations(t.Context(), 10)
	require.NoError(t, err)
	assert.Equal(t, []item.ManualOperation{{ID: 72, Item: 9001, Command: "open", Name: "a.example", Tries: 9}}, manual)
	open, err := w.OpenTasks(t.Context(), 10)
	require.NoError(t, err)
	assert.Equal(t, []item.TaskOfItem{{ID: 81, Item: 9001, Kind: "open", Name: "a.example"}}, open)
}

func TestAModuleWithoutUseIsIdle(t *testing.T) {
	w, db := withDB(t)
	for _, statement := range []string{
		"DELETE FROM processingmodule",
		"INSERT INTO processingmodule (id, name, module, active) VALUES (901, 'on', '" + binary + "', 'on'), (902, 'off', '" + binary + "', 'off'), " +
			"(903, 'off, with an item', '" + binary + "', 'off'), (904, 'off, with a deleted item', '" + binary + "', 'off'), (905, 'other', 'pmother', 'off'), (906, 'never on', '" + binary + "', NULL)",
		"INSERT INTO item (id, name, account, pricelist, processingmodule, status) VALUES (9001, 'a.example', 1, 1, 903, 3), (9002, 'b.example', 1, 1, 903, 2), (9003, 'c.example', 1, 1, 904, 4)",
	} {
		_, err := db.Exec(statement)
		require.NoError(t, err, statement)
	}
	idle, err := w.IdleModules(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []int64{902, 904, 906}, idle)
}

func TestTheLastLookIsTheNewestOfTheModulesItems(t *testing.T) {
	w, db := withDB(t)
	last, err := w.LastLook(t.Context())
	require.NoError(t, err)
	assert.True(t, last.IsZero(), "no sweep has looked at a site")
	ahead := w.now.AddDate(0, 0, 1).UTC().Format(time.RFC3339)
	for _, statement := range []string{
		"INSERT INTO processingmodule (id, name, module, active) VALUES (901, 'own', '" + binary + "', 'on'), (902, 'other', 'pmother', 'on')",
		"INSERT INTO item (id, name, account, pricelist, processingmodule, status) VALUES (9001, 'a.example', 1, 1, 901, 2), (9002, 'b.example', 1, 1, 901, 2), (9003, 'c.example', 1, 1, 902, 2), " +
			"(9004, 'd.example', 1, 1, 901, 2), (9005, 'e.example', 1, 1, 901, 2)",
		`INSERT INTO itemparam (item, intname, value) VALUES (9001, 'site_watch', '{"outcome":"current","since":"2020-01-02T03:04:05Z"}'), (9002, 'site_watch', '{"outcome":"old","since":"2020-01-03T03:04:05Z"}'),
 (9003, 'site_watch', '{"since":"2020-05-01T00:00:00Z"}'), (9004, 'site_watch', 'nonsense'), (9005, 'site_watch', '{"since":"` + ahead + `"}')`,
	} {
		_, err := db.Exec(statement)
		require.NoError(t, err, statement)
	}
	last, err = w.LastLook(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "2020-01-03T03:04:05Z", last.UTC().Format(time.RFC3339), "not another module's, and not one in the future")
}

func TestDamagedLinesOfTheJournalAreNamed(t *testing.T) {
	w := newFixture(t)
	good, damage, err := w.DamagedJournal(t.Context())
	require.NoError(t, err)
	assert.Zero(t, good+len(damage), "a journal that does not exist has none")
	w.write("var/"+binary+".purchases", `{"item":1,"id":2}`+"\nnonsense\n")
	good, damage, err = w.DamagedJournal(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, good)
	require.Len(t, damage, 1)
	assert.ErrorContains(t, damage[0], "line 2 is not a purchase")
}

// A line that is being written looks like a damaged one.
func TestTheJournalIsExaminedUnderItsLock(t *testing.T) {
	w := newFixture(t)
	w.write("var/"+binary+".purchases", `{"item":1,"id":2}`+"\n"+`{"item":3,`)
	path := filepath.Join(w.root, "var", binary+".purchases")
	other, err := os.Open(path)
	require.NoError(t, err)
	defer other.Close()
	require.NoError(t, syscall.Flock(int(other.Fd()), syscall.LOCK_EX))
	_, damage, err := w.DamagedJournal(t.Context())
	assert.Empty(t, damage)
	require.Error(t, err)
	assert.Equal(t, fault.Locked, fault.From(err).Type)
	assert.ErrorContains(t, err, "another process holds it")
	require.NoError(t, os.WriteFile(path, []byte(`{"item":1,"id":2}`+"\n"+`{"item":3,"id":4}`+"\n"), 0o600))
	require.NoError(t, syscall.Flock(int(other.Fd()), syscall.LOCK_UN))
	good, damage, err := w.DamagedJournal(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 2, good)
	assert.Empty(t, damage)
}

func TestOnlyTheFirstDamagedLinesAreNamed(t *testing.T) {
	w := newFixture(t)
	w.write("var/"+binary+".purchases", strings.Repeat("x\n", 100_000))
	_, damage, err := w.DamagedJournal(t.Context())
	require.NoError(t, err)
	require.Len(t, damage, 1001)
	assert.ErrorContains(t, damage[1000], "99000 more lines are no purchases")
}

func TestTheAnswerOfThePanelIsThatOfParamlist(t *testing.T) {
	w := newFixture(t)
	require.NoError(t, w.Answer(t.Context()))
	assert.Equal(t, []string{"paramlist"}, w.callLines())
	w.behave("paramlist", step{Stdout: refusalXML("client", "open", "billmgr", "no"), Code: 1})
	require.Error(t, w.Answer(t.Context()))
	assert.Len(t, w.calls(), 2, "asked once more, and not for a minute")
}
