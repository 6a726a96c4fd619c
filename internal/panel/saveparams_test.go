package panel_test

import (
	"database/sql"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/panel"
)

// saving is a panel that stores what service.saveparam gives it.
type saving struct {
	*fixture
	db  *sql.DB
	dsn string
}

// newSaving returns a panel that takes all, first or last of several parameters of one call, or refuses such a call.
func newSaving(t *testing.T, takes string) *saving {
	t.Helper()
	w, db := withDB(t)
	var name string
	require.NoError(t, db.QueryRow("SELECT DATABASE()").Scan(&name))
	s := &saving{w, db, dsn(mariadb.socket, name)}
	s.behave("service.saveparam", s.takes(takes))
	return s
}

func (s *saving) takes(what string) step { return step{Stdout: okAnswer, Takes: what, DSN: s.dsn} }

// stored returns the item's parameters.
func (s *saving) stored(t *testing.T, params []item.Param) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, p := range params {
		if value, there, err := s.Param(t.Context(), 42, p.Name); assert.NoError(t, err) && there {
			all[p.Name] = value
		}
	}
	return all
}

// newCalls returns the calls of mgrctl that do makes.
func (s *saving) newCalls(do func()) []string {
	before := len(s.callLines())
	do()
	return s.callLines()[before:]
}

func valuesOf(params []item.Param) map[string]string {
	all := map[string]string{}
	for _, p := range params {
		all[p.Name] = p.Value
	}
	return all
}

// formsFile is where it is remembered that the panel takes one parameter at a time.
func (s *saving) formsFile() string { return filepath.Join(s.root, "var", binary+".callforms") }

func threeParams(value string) []item.Param {
	return []item.Param{{Name: "lineage", Value: value}, {Name: "term_start", Value: value + "\n a=b & <c>  "}, {Name: "term_months", Value: value}}
}

// rules PANEL-14: what belongs together is saved by one call. What the panel did not take is saved by calls of its own, and from then on
// each parameter is, in this run and in the next ones, until a panel that may have been updated is tried again.
func TestParametersThatBelongTogetherAreSavedByOneCall(t *testing.T) {
	for takes, row := range map[string]struct{ first, then int }{
		"all": {1, 1}, "first": {3, 3}, "last": {3, 3}, "refuse": {4, 3},
	} {
		t.Run(takes, func(t *testing.T) {
			s := newSaving(t, takes)
			save := func(h *panel.Host, value string) []string {
				return s.newCalls(func() { require.NoError(t, h.SaveParams(t.Context(), 42, threeParams(value))) })
			}
			calls := save(s.Host, "1")
			assert.Len(t, calls, row.first)
			assert.Equal(t, "service.saveparam sok=ok elid=42 lineage=1 term_start=1\n a=b & <c>   term_months=1 crypted=off", calls[0])
			assert.Equal(t, valuesOf(threeParams("1")), s.stored(t, threeParams("1")))

			assert.Len(t, save(s.Host, "2"), row.then, "the run remembers")
			next := s.host()
			defer next.Close()
			assert.Len(t, save(next, "3"), row.then, "the next run does")
			assert.Equal(t, valuesOf(threeParams("3")), s.stored(t, threeParams("3")))

			s.now = s.now.AddDate(0, 0, 30)
			s.behave("service.saveparam", s.takes("all"))
			later := s.host()
			defer later.Close()
			assert.Len(t, save(later, "4"), 1, "the panel may have been updated")
			assert.Equal(t, valuesOf(threeParams("4")), s.stored(t, threeParams("4")))
		})
	}
}

// rules PANEL-14: the file only saves calls. Whatever is there in its place, and whether it can be written or not, the parameters are
// saved.
func TestTheFileOfCallFormsDecidesNothing(t *testing.T) {
	for name, row := range map[string]struct {
		place func(t *testing.T, s *saving)
		calls int
	}{
		"absent":  {func(*testing.T, *saving) {}, 3},
		"damaged": {func(t *testing.T, s *saving) { s.write("var/"+binary+".callforms", `{"one_at_a_time":{"service.save`) }, 3},
		"another": {func(t *testing.T, s *saving) {
			s.write("var/"+binary+".callforms", `{"one_at_a_time":{"other":"2026-05-07T15:00:00Z"}}`)
		}, 3},
		"too long": {func(t *testing.T, s *saving) { s.write("var/"+binary+".callforms", strings.Repeat(" ", 5000)) }, 3},
		"from later": {func(t *testing.T, s *saving) {
			s.write("var/"+binary+".callforms", `{"one_at_a_time":{"service.saveparam":"2036-05-07T15:00:00Z"}}`)
		}, 3},
		"a folder": {func(t *testing.T, s *saving) { require.NoError(t, os.Mkdir(s.formsFile(), 0o700)) }, 3},
		"a link":   {func(t *testing.T, s *saving) { require.NoError(t, os.Symlink("/dev/zero", s.formsFile())) }, 3},
		"of last day": {func(t *testing.T, s *saving) {
			s.write("var/"+binary+".callforms", `{"one_at_a_time":{"service.saveparam":"2026-05-06T15:00:00Z"}}`)
		}, 3},
		"of 30 days": {func(t *testing.T, s *saving) {
			s.write("var/"+binary+".callforms", `{"one_at_a_time":{"service.saveparam":"2026-04-07T15:00:00Z"}}`)
		}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSaving(t, "first")
			row.place(t, s)
			calls := s.newCalls(func() { require.NoError(t, s.SaveParams(t.Context(), 42, threeParams("1"))) })
			assert.Len(t, calls, row.calls)
			assert.Equal(t, name == "of last day", strings.Contains(calls[0], "name="), "one that is known is not tried")
			assert.Equal(t, valuesOf(threeParams("1")), s.stored(t, threeParams("1")))
		})
	}
}

// rules PANEL-14: what form B could garble gets a call of form A on every panel.
func TestParametersThatOneCallCouldGarbleAreSavedAlone(t *testing.T) {
	long := strings.Repeat("-----BEGIN CERTIFICATE-----\n", 1000)
	params := []item.Param{
		{Name: "term_start", Value: "2026-05-07"}, {Name: "elid", Value: "43"}, {Name: "value", Value: "x"}, {Name: "auth=_value", Value: "y"},
		{Name: "Auth_Value", Value: "z"}, {Name: "rotated_csr", Value: long}, {Name: "imported_csr", Value: long}, {Name: "term_months", Value: " 12 "},
	}
	s := newSaving(t, "all")
	calls := s.newCalls(func() { require.NoError(t, s.SaveParams(t.Context(), 42, params)) })
	assert.Equal(t, valuesOf(params), s.stored(t, params))
	require.Len(t, calls, 6)
	assert.Contains(t, calls[0], "term_start=2026-05-07")
	assert.Contains(t, calls[0], "term_months= 12 ")
	for _, alone := range calls[1:] {
		assert.Contains(t, alone, "name=")
	}
	_, err := os.Stat(s.formsFile())
	assert.ErrorIs(t, err, os.ErrNotExist, "the panel takes several")
}

// rules PANEL-14: a call without a usable answer may have saved any of them: the database says which.
func TestAFailedCallForSeveralParameters(t *testing.T) {
	for name, row := range map[string]struct {
		steps    func(s *saving) []step
		calls    int
		fails    bool
		remember bool
	}{
		"saved, and no answer": {func(s *saving) []step { return []step{{Takes: "all", DSN: s.dsn}} }, 1, false, false},
		"saved, and refused": {func(s *saving) []step {
			return []step{{Takes: "all", DSN: s.dsn, Stdout: refusalXML("db", "", "", "lost")}}
		}, 1, false, false},
		"an exit code alone":             {func(s *saving) []step { return []step{{Code: 1}, s.takes("all")} }, 4, false, true},
		"refused, and each refused too":  {func(*saving) []step { return []step{{Stdout: refusalXML("access", "", "", "no rights")}} }, 2, true, false},
		"the panel does not run":         {func(*saving) []step { return []step{notRunning} }, 60, true, false},
		"accepted, and nothing is saved": {func(*saving) []step { return []step{{Stdout: okAnswer}} }, 4, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSaving(t, "all")
			s.behave("service.saveparam", row.steps(s)...)
			calls := s.newCalls(func() {
				err := s.SaveParams(t.Context(), 42, threeParams("1"))
				assert.Equal(t, row.fails, err != nil, "%v", err)
				if err != nil {
					assert.Equal(t, fault.Panel, fault.From(err).Type)
				}
			})
			assert.Len(t, calls, row.calls)
			_, err := os.Stat(s.formsFile())
			assert.Equal(t, row.remember, err == nil)
		})
	}
}

// A value that the panel keeps in another form says nothing about calls for several parameters.
func TestAValueThatThePanelChangesIsNotTheCallsFault(t *testing.T) {
	s := newSaving(t, "all")
	run(t, s.db, "CREATE TRIGGER trims BEFORE INSERT ON itemparam FOR EACH ROW SET NEW.value=TRIM(NEW.value)")
	for n := range 2 {
		calls := s.newCalls(func() { require.NoError(t, s.SaveParams(t.Context(), 42, threeParams(strings.Repeat("1", n+1)))) })
		assert.Len(t, calls, 2, "the call for all, and one for the value that is not there")
	}
	_, err := os.Stat(s.formsFile())
	assert.ErrorIs(t, err, os.ErrNotExist)
}

func TestTheFileOfCallFormsIsReadableByItsOwnerOnly(t *testing.T) {
	s := newSaving(t, "last")
	require.NoError(t, s.SaveParams(t.Context(), 42, threeParams("1")))
	info, err := os.Stat(s.formsFile())
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode())
	text, err := os.ReadFile(s.formsFile())
	require.NoError(t, err)
	forms, err := panel.ParseForms(text)
	require.NoError(t, err)
	assert.Equal(t, []string{"service.saveparam"}, slices.Collect(maps.Keys(forms.OneAtATime)))
	assert.Equal(t, s.now, forms.OneAtATime["service.saveparam"].In(time.UTC))
}

func FuzzParseForms(f *testing.F) {
	f.Add([]byte(`{"one_at_a_time":{"service.saveparam":"2026-05-07T15:07:16Z"}}`))
	f.Add([]byte(`{"one_at_a_time":null}`))
	f.Add([]byte("\x00"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if forms, err := panel.ParseForms(text); err != nil {
			assert.Empty(t, forms.OneAtATime)
		}
	})
}
