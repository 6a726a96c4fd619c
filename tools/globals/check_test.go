package main

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestGlobalsBelowCmdAreFound(t *testing.T) {
	for name, c := range map[string]struct{ file, source, want string }{
		"standard output":            {"internal/x/x.go", `import "os"; func f() { os.Stdout.Close() }`, "os.Stdout below cmd"},
		"under another name":         {"internal/x/x.go", `import host "os"; var a = host.Args`, "host.Args below cmd"},
		"with a dot":                 {"internal/x/x.go", `import . "os"`, "imported with a dot"},
		"the clock as a value":       {"internal/x/x.go", `import "time"; var now = time.Now`, "time.Now below cmd"},
		"the clock, hidden":          {"internal/x/x.go", `import "time"; func f(t time.Time) any { return time.Since(t) }`, "time.Since below cmd"},
		"environment":                {"internal/x/x.go", `import "os"; func f() { os.Getenv("A") }`, "os.Getenv below cmd"},
		"global logger":              {"internal/x/x.go", `import "log"; func f() { log.Print() }`, "log.Print below cmd"},
		"a logger that exits":        {"internal/x/x.go", `func f(l interface{ Fatal(string) }) { l.Fatal("") }`, "Fatal ends the process"},
		"init":                       {"internal/x/x.go", `func init() {}`, "func init"},
		"package-level regexp":       {"internal/x/x.go", `import "regexp"; var r = regexp.MustCompile("a")`, "package-level regexp.MustCompile"},
		"the stand-ins' packages":    {"internal/sandbox/x/x.go", `import "os"; func f() { os.Exit(1) }`, "os.Exit below cmd"},
		"the stand-ins' mains":       {"internal/sandbox/cmd/x/main.go", `import "os"; func main() { os.Exit(1) }`, ""},
		"beside a stand-in's main":   {"internal/sandbox/cmd/x/y/y.go", `import "os"; func F() { os.Exit(1) }`, "os.Exit below cmd"},
		"cmd":                        {"cmd/x/main.go", `import "os"; func main() { os.Exit(1) }`, ""},
		"tests":                      {"internal/x/x_test.go", `import "time"; var now = time.Now()`, ""},
		"a package for tests":        {"internal/x/xtest/x.go", `import "time"; var now = time.Now()`, ""},
		"a regexp inside a function": {"internal/x/x.go", `import ("regexp"; "sync"); var r = sync.OnceValue(func() any { return regexp.MustCompile("a") })`, ""},
		"the clock as a field":       {"internal/x/x.go", `import "time"; type t struct{ Now func() time.Time }`, ""},
		"a method called init":       {"internal/x/x.go", `type t struct{}; func (t) init() {}`, ""},
		"a local variable os":        {"internal/x/x.go", `type w struct{ Stdout int }; func f(os w) int { return os.Stdout }`, ""},
		"a goroutine":                {"internal/x/x.go", `func f() { go f() }`, "go: a panic there ends the process"},
		"a group of goroutines":      {"internal/x/x.go", `import "sync"; var g sync.WaitGroup`, "sync.WaitGroup: a panic there"},
		"goroutines that recover":    {"internal/parallel/x.go", `func f() { go f() }`, ""},
		"a stand-in's goroutine":     {"internal/sandbox/x/x.go", `func f() { go f() }`, ""},
		"a goroutine of a test":      {"internal/x/x_test.go", `func f() { go f() }`, ""},
		"unfinished work":            {"internal/x/x_test.go", "// TO" + "DO: later\n", "finish it"},
		"a word that contains it":    {"internal/x/x.go", "// MAS" + "TODON\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			pkg := "p"
			if strings.Contains(c.file, "xtest/") {
				pkg = "xtest"
			}
			if strings.HasSuffix(c.file, "main.go") {
				pkg = "main"
			}
			found, err := inspect(c.file, []byte("package "+pkg+"\n"+c.source+"\n"))
			require.NoError(t, err)
			if c.want == "" {
				assert.Empty(t, found)
				return
			}
			require.Len(t, found, 1)
			assert.Contains(t, found[0].String(), c.want)
			assert.True(t, strings.HasPrefix(found[0].String(), c.file+":2: "), found[0].String())
		})
	}
}

func TestMainHasAtMost30Lines(t *testing.T) {
	source := "package main\n\n// comment\n" + strings.Repeat("var _ = 1\n", 29)
	found, err := inspect("cmd/pmx/main.go", []byte(source))
	require.NoError(t, err)
	assert.Empty(t, found)
	found, err = inspect("cmd/pmx/main.go", []byte(source+"var _ = 1\n"))
	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.Contains(t, found[0].String(), "31 lines of code")
}

func TestEveryFileIsChecked(t *testing.T) {
	bad := &fstest.MapFile{Data: []byte("package p\nfunc init() {}\n")}
	found, err := check(fstest.MapFS{
		"internal/a/a.go":          bad,
		"internal/a/testdata/a.go": bad,
		".git/a.go":                bad,
		"internal/a/note.txt":      bad,
	})
	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.Equal(t, "internal/a/a.go:2: func init: registration and state come in as fields", found[0].String())

	_, err = check(fstest.MapFS{})
	assert.Error(t, err, "an empty tree is a wrong -root, not a clean one")
	_, err = check(fstest.MapFS{"a.go": {Data: []byte("no go")}})
	assert.Error(t, err)
}
