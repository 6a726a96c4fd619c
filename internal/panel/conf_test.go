package panel_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/panel"
)

// docs/reference/billmanager.md §10: `Name value`, `Option Name`, `Option Name value`.
func TestSettingsSyntax(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want map[string]string
	}{
		"name and value":                    {"DBHost localhost\nDBName billmgr\n", map[string]string{"DBHost": "localhost", "DBName": "billmgr"}},
		"a flag is on":                      {"Option EULA\n", map[string]string{"EULA": "on"}},
		"an option with a value":            {"Option SSLSubscriptionPolicy auto\n", map[string]string{"SSLSubscriptionPolicy": "auto"}},
		"the last one wins":                 {"A 1\nOption A 2\nA 3\n", map[string]string{"A": "3"}},
		"comments and empty lines":          {"# A 1\n\n   # B 2\n \t\nC 3\n", map[string]string{"C": "3"}},
		"a password may hold a number sign": {"DBPassword a#b # c\n", map[string]string{"DBPassword": "a#b # c"}},
		"CRLF":                              {"DBHost db\r\nDBUser u\r\n", map[string]string{"DBHost": "db", "DBUser": "u"}},
		"blanks around":                     {"  DBHost \t db.example.com  \n DBUser billmgr \n", map[string]string{"DBHost": "db.example.com", "DBUser": "billmgr"}},
		"blanks inside a value stay":        {"From Example Ltd <a@example.com>\n", map[string]string{"From": "Example Ltd <a@example.com>"}},
		"quotes around a value go":          {"A \" x \"\nB 'y'\nC \"\"\nD \"\nE a\"b\n", map[string]string{"A": " x ", "B": "y", "C": "", "D": "\"", "E": "a\"b"}},
		"a name without a value":            {"DBPassword\n", map[string]string{"DBPassword": ""}},
		"an option without a name":          {"Option\nOption \n", map[string]string{}},
		"a comment for an option's name":    {"Option # EULA\n", map[string]string{}},
		"no line end at the end":            {"A 1", map[string]string{"A": "1"}},
		"byte order mark":                   {"\ufeffA 1\n", map[string]string{"A": "1"}},
		"names are taken as written":        {"dbhost x\n", map[string]string{"dbhost": "x"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := map[string]string{}
			panel.ParseConf(c.text, got)
			assert.Equal(t, c.want, got)
		})
	}
}

func FuzzConf(f *testing.F) {
	for _, seed := range []string{"", "DBHost localhost", "Option EULA", "Option A b\r\n", "# x", "\ufeffA 1", "A \"b\"", "\x00 \x00\n\xff \xfe", "Option\t", "Option #", "A\u00a0b c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := map[string]string{}
		panel.ParseConf(text, got)
		for name, value := range got {
			if name == "" || strings.ContainsAny(name, " \t\n") || strings.HasPrefix(name, "#") {
				t.Errorf("name %q", name)
			}
			if strings.Contains(value, "\n") || !strings.Contains(text, value) && value != "on" {
				t.Errorf("value %q is not in the text", value)
			}
		}
	})
}

func TestSettingsOfTheFolderOverrideTheFile(t *testing.T) {
	w := newFixture(t, "SSLSubscriptionPolicy manual", "SSLSubscriptionBefore 5", "Option EULA")
	w.write("etc/billmgr.conf.d/b.conf", "SSLSubscriptionPolicy none\n")
	w.write("etc/billmgr.conf.d/a.conf", "SSLSubscriptionPolicy auto\n")
	w.write("etc/billmgr.conf.d/c.conf.dpkg-old", "SSLSubscriptionPolicy wrong\n")
	for name, want := range map[string]string{"SSLSubscriptionPolicy": "none", "SSLSubscriptionBefore": "5", "EULA": "on", "NotThere": ""} {
		got, err := w.Setting(t.Context(), name)
		require.NoError(t, err)
		assert.Equal(t, want, got, name)
	}
	assert.Empty(t, w.calls(), "the files are read directly, without a call of mgrctl")
}

func TestSettingsWithoutFiles(t *testing.T) {
	w := newFixture(t)
	require.NoError(t, os.RemoveAll(filepath.Join(w.root, "etc")))
	got, err := w.Setting(t.Context(), "SSLSubscriptionPolicy")
	require.NoError(t, err)
	assert.Empty(t, got)
}

func TestUnreadableSettingsAreAFault(t *testing.T) {
	for name, break_ := range map[string]func(t *testing.T, path string){
		"too long": func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path, make([]byte, 1<<20+1), 0o600))
		},
		"a FIFO": func(t *testing.T, path string) {
			require.NoError(t, os.Remove(path))
			require.NoError(t, syscall.Mkfifo(path, 0o600))
		},
		"a folder": func(t *testing.T, path string) {
			require.NoError(t, os.Remove(path))
			require.NoError(t, os.Mkdir(path, 0o700))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFixture(t)
			break_(t, filepath.Join(w.root, "etc/billmgr.conf"))
			_, err := w.Setting(t.Context(), "DBHost")
			require.Error(t, err)
			assert.Equal(t, fault.Panel, fault.From(err).Type)
			assert.Contains(t, err.Error(), "billmgr.conf")
		})
	}
}

func TestDoNothingFileIsFound(t *testing.T) {
	w := newFixture(t)
	assert.False(t, w.DoNothing())
	w.write("etc/billmgr.DoNothing", "")
	assert.True(t, w.DoNothing())
}
