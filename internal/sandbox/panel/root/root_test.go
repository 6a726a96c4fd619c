package root

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// docs/reference/billmanager.md §10: one directive a line, flags, valued options in both spellings, comments.
func TestConfLines(t *testing.T) {
	c := parseConf([]byte("# DBHost no\n\nDBHost localhost\n\tDBPassword  a b#c \nOption EULA\nOption Policy auto\nBefore\t10\nDBHost second\nOption\n"))
	assert.Equal(t, Conf{
		{"DBHost", "localhost"}, {"DBPassword", "a b#c"}, {"EULA", "on"}, {"Policy", "auto"}, {"Before", "10"}, {"DBHost", "second"},
	}, c)
	assert.Equal(t, "second", c.Get("DBHost"), "the last one holds")
	assert.Empty(t, c.Get("nothing"))
}

func TestConfFilesAreReadInOrder(t *testing.T) {
	d := Dir(t.TempDir())
	require.NoError(t, os.MkdirAll(d.Path("etc", "billmgr.conf.d"), 0o755))
	for name, text := range map[string]string{
		"billmgr.conf": "A 1\nB 1\n", "billmgr.conf.d/20.conf": "B 3\n", "billmgr.conf.d/10.conf": "B 2\nC 2\n", "billmgr.conf.d/x.txt": "C 9\n",
	} {
		require.NoError(t, os.WriteFile(d.Path("etc", name), []byte(text), 0o600))
	}
	c, err := d.ReadConf()
	require.NoError(t, err)
	assert.Equal(t, []string{"1", "3", "2"}, []string{c.Get("A"), c.Get("B"), c.Get("C")})
}

func TestDatabaseAddresses(t *testing.T) {
	for dsn, want := range map[string]Database{
		"u:p@unix(/tmp/x.sock)/pmssl_a":    {Host: "localhost", User: "u", Password: "p", Name: "pmssl_a", Socket: "/tmp/x.sock"},
		"u:p@tcp(127.0.0.1:3306)/pmssl_a":  {Host: "127.0.0.1", User: "u", Password: "p", Name: "pmssl_a"},
		"u:p@tcp(127.0.0.1:40000)/pmssl_a": {Host: "127.0.0.1:40000", User: "u", Password: "p", Name: "pmssl_a"},
		"u:p@tcp(db.example)/pmssl_a":      {Host: "db.example", User: "u", Password: "p", Name: "pmssl_a"},
	} {
		got, err := FromDSN(dsn)
		require.NoError(t, err, dsn)
		assert.Equal(t, want, got, dsn)
		back, err := FromDSN(parseConf([]byte(got.conf())).DSN())
		require.NoError(t, err, dsn)
		assert.Equal(t, got, back, "%s: what is written is what mgrctl reads", dsn)
	}
	for _, bad := range []string{"", "u:p@unix(/x)/", "u:p@unix(/x"} {
		_, err := FromDSN(bad)
		assert.Error(t, err, bad)
	}
}

func TestRootIsFoundFromTheProgramsOwnPath(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "etc"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "etc", "billmgr.conf"), nil, 0o600))
	d, err := Find(filepath.Join(dir, "sbin", "mgrctl"))
	require.NoError(t, err)
	assert.Equal(t, Dir(dir), d)
	_, err = Find(filepath.Join(dir, "mgrctl"))
	assert.Error(t, err)
}

func FuzzConf(f *testing.F) {
	f.Add([]byte("Option EULA\nDBHost localhost\n"))
	f.Add([]byte("Option\nOption  \n#\n\x00\t"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, d := range parseConf(text) {
			if d.Name == "" || strings.ContainsAny(d.Name, " \t\n") || strings.Contains(d.Value, "\n") {
				t.Fatalf("directive %q %q", d.Name, d.Value)
			}
		}
	})
}

// The log has one line for each request, from which the request can be read back.
func FuzzRequestLog(f *testing.F) {
	f.Add("pmfake", "value", "a b&c='\n[x]")
	f.Add("a b]", "n=ame", "\x00\xff🔒")
	f.Fuzz(func(t *testing.T, caller, name, value string) {
		if name == "" || name == "func" {
			return
		}
		line := EncodeParams(map[string]string{name: value, "func": "f"})
		if strings.ContainsAny(line, "'\n[] ") {
			t.Fatalf("%q breaks the line", line)
		}
		r, err := parseRequest(encode(caller), line)
		if err != nil || r.Caller != caller || r.Params[name] != value {
			t.Fatalf("%v: %+v of %q %q %q", err, r, caller, name, value)
		}
	})
}
