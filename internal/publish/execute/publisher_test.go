package execute_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/publish"
	"pmssl/internal/publish/execute"
	"pmssl/internal/publish/publishtest"
)

const zone = "example.com"

var (
	cname = publish.Record{Domain: zone, Type: publish.CNAME, Name: "_5d41.www.example.com", Value: "s1.s2.sectigo.com", TTL: 60}
	txt   = publish.Record{Domain: zone, Type: publish.TXT, Name: "_5d41.www.example.com", Value: "a b; $(touch /tmp/x) `c` *"}
)

// hook is a program with its publisher.
type hook struct {
	publish.Publisher
	program string
	seen    *publishtest.Seen
}

// newHook writes a shell script and returns its publisher. DIR in the script is the script's folder.
func newHook(t *testing.T, script string) hook {
	t.Helper()
	dir := folder(t)
	program := filepath.Join(dir, "hook")
	text := "#!/bin/sh\n" + strings.ReplaceAll(script, "DIR", dir) + "\n"
	require.NoError(t, os.WriteFile(program, []byte(text), 0o755))
	require.NoError(t, os.Chmod(program, 0o755))
	return publisherFor(t, program)
}

// folder returns a folder for programs: others cannot write there, whatever the umask is.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o755))
	return dir
}

func publisherFor(t *testing.T, program string) hook {
	t.Helper()
	env, seen := publishtest.Env(t)
	env.Environ = []string{"HOME=/root", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "SECRET=x"}
	p, err := execute.New(publish.Block{Name: "hook", Kind: publish.KindExec, Program: program, Zones: []string{zone}}, env)
	require.NoError(t, err)
	return hook{p, program, seen}
}

// wrote returns what the program wrote into a file of its folder.
func (h hook) wrote(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(filepath.Dir(h.program), name))
	require.NoError(t, err)
	return string(data)
}

func TestTheProgramIsCalledAsLegoCallsIt(t *testing.T) {
	ctx := context.Background()
	h := newHook(t, `{ for word; do printf '<%s>' "$word"; done; echo; } >>DIR/calls`)
	require.NoError(t, h.Publish(ctx, zone, txt, nil))
	require.NoError(t, h.Withdraw(ctx, zone, txt))
	require.NoError(t, h.Publish(ctx, zone, cname, []string{"OLD.sectigo.com", "S1.S2.sectigo.com."}))
	require.NoError(t, h.Withdraw(ctx, zone, cname))
	assert.Equal(t, `<present><_5d41.www.example.com.><a b; $(touch /tmp/x) `+"`c`"+` *>
<cleanup><_5d41.www.example.com.><a b; $(touch /tmp/x) `+"`c`"+` *>
<cleanup><_5d41.www.example.com.><OLD.sectigo.com.>
<present><_5d41.www.example.com.><s1.s2.sectigo.com.>
<cleanup><_5d41.www.example.com.><s1.s2.sectigo.com.>
`, h.wrote(t, "calls"), "the same value in other spelling is no old one")
}

func TestTheProgramFindsNothingElseInItsEnvironment(t *testing.T) {
	h := newHook(t, `/bin/cat /proc/$$/environ >DIR/environ; { pwd; readlink /proc/$$/fd/0; } >DIR/about`)
	require.NoError(t, h.Publisher.(publish.ItemPublisher).ForItem(42).Publish(context.Background(), zone, cname, nil))
	assert.Equal(t, []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "PMSSL_RRTYPE=CNAME", "PMSSL_ZONE=example.com", "PMSSL_ITEM=42"},
		strings.Split(strings.TrimSuffix(h.wrote(t, "environ"), "\x00"), "\x00"))
	assert.Equal(t, []string{"/", "/dev/null"}, strings.Fields(h.wrote(t, "about")), "folder and standard input")
}

func TestAnExitCodeIsAnErrorWithTheLastLineOfStderr(t *testing.T) {
	h := newHook(t, `echo "on stdout"; echo "first line" >&2; printf 'no such \033[31mzone\n\n' >&2; exit 3`)
	err := h.Publish(context.Background(), zone, cname, nil)
	require.EqualError(t, err, h.program+" present _5d41.www.example.com.: exit status 3: no such [31mzone")
	log := h.seen.Text()
	assert.Contains(t, log, "its output: on stdout; its errors: first line no such [31mzone")
	assert.NotContains(t, log, "info:", "what the program says is logged at debug only")
	assert.NotContains(t, log, "warning:")

	h = newHook(t, `[ "$1" = cleanup ] && exit 1; touch DIR/present`)
	require.ErrorContains(t, h.Publish(context.Background(), zone, cname, []string{"old.sectigo.com"}), "wrote nothing to its standard error")
	assert.NoFileExists(t, filepath.Join(filepath.Dir(h.program), "present"), "the old value has to go first")
}

func TestAFloodOfOutputIsCut(t *testing.T) {
	h := newHook(t, `head -c 5000000 /dev/zero | tr '\0' x >&2; echo >&2; head -c 3000000 /dev/urandom; head -c 2000 /dev/zero | tr '\0' y >&2; exit 1`)
	err := h.Publish(context.Background(), zone, cname, nil)
	require.Error(t, err)
	assert.Less(t, len(err.Error()), 800)
	assert.Less(t, len(h.seen.Text()), 4000)
	assert.Contains(t, err.Error(), "yyy…")

	h = newHook(t, `head -c 50000 /dev/zero | tr '\0' x >&2; exit 1`)
	require.ErrorContains(t, h.Publish(context.Background(), zone, cname, nil), "the last line of its standard error is longer than")
}

func TestSecretsInTheOutputAreMasked(t *testing.T) {
	h := newHook(t, `echo "api_key=Planted1"; echo "Authorization: Bearer Planted2aaaaaaaaaaaaaaa" >&2; echo "password: Planted3" >&2; exit 1`)
	err := h.Publish(context.Background(), zone, cname, nil)
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "Planted")
	assert.NotContains(t, h.seen.Text(), "Planted")
}

func TestAProgramThatHangsIsKilledWithWhatItStarted(t *testing.T) {
	h := newHook(t, `sleep 1000 & echo $! >DIR/child; echo $$ >DIR/self; echo waiting >&2; trap '' TERM; sleep 1000`)
	began := time.Now()
	err := execute.WithRunTime(h.Publisher, 500*time.Millisecond).Publish(context.Background(), zone, cname, nil)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "it was ended because it takes longer than 500ms")
	assert.Less(t, time.Since(began), 20*time.Second)
	assertGone(t, h, "self", "child")
}

func TestWhatAProgramLeavesRunningIsKilled(t *testing.T) {
	h := newHook(t, `sleep 1000 & echo $! >DIR/child; exit 0`)
	require.NoError(t, h.Publish(context.Background(), zone, cname, nil), "the child keeps its output open")
	assertGone(t, h, "child")
	h = newHook(t, `sleep 1000 >/dev/null 2>&1 & echo $! >DIR/child; exit 0`)
	require.NoError(t, h.Publish(context.Background(), zone, cname, nil))
	assertGone(t, h, "child")
}

func TestTheEndOfTheRunEndsTheProgram(t *testing.T) {
	h := newHook(t, `echo $$ >DIR/part; mv DIR/part DIR/self; sleep 1000`)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- h.Publish(ctx, zone, cname, nil) }()
	require.Eventually(t, func() bool {
		_, err := os.Stat(filepath.Join(filepath.Dir(h.program), "self"))
		return err == nil
	}, 20*time.Second, 5*time.Millisecond)
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	assertGone(t, h, "self")
}

// assertGone waits until the processes whose numbers the program wrote into files do not run any more.
func assertGone(t *testing.T, h hook, names ...string) {
	t.Helper()
	for _, name := range names {
		pid, err := strconv.Atoi(strings.TrimSpace(h.wrote(t, name)))
		require.NoError(t, err)
		assert.Eventually(t, func() bool { return !runs(pid) }, 10*time.Second, 5*time.Millisecond, "%s still runs", name)
	}
}

// runs reports whether a process runs: a zombie does not.
func runs(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, fields, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(fields, "Z") && !strings.HasPrefix(fields, "X")
}

func TestProgramsThatOthersCouldChangeAreNotRun(t *testing.T) {
	ctx := context.Background()
	dir := folder(t)
	write := func(name string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\ntouch "+dir+"/ran\n"), 0o600))
		require.NoError(t, os.Chmod(path, mode))
		return path
	}
	open := write("open/hook", 0o755)
	require.NoError(t, os.Chmod(filepath.Dir(open), 0o777))
	require.NoError(t, os.Symlink(open, filepath.Join(dir, "link")))
	require.NoError(t, os.Symlink(filepath.Dir(open), filepath.Join(dir, "folder")))
	linked := write("linked", 0o755)
	require.NoError(t, os.Symlink(linked, filepath.Join(filepath.Dir(open), "second")))
	require.NoError(t, os.Symlink("open/second", filepath.Join(dir, "first")))
	require.NoError(t, os.Symlink("../"+filepath.Base(dir)+"/folder", filepath.Join(dir, "outer")))
	require.NoError(t, os.Symlink("loop", filepath.Join(dir, "loop")))
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o755))
	for program, says := range map[string]string{
		"":                                   "is not an absolute path",
		"hook":                               "is not an absolute path",
		"/bin/../bin/true":                   "is not an absolute path",
		filepath.Join(dir, "absent"):         "no such file or directory",
		dir:                                  "is not a file that its owner may execute",
		filepath.Join(dir, "fifo"):           "is not a file that its owner may execute",
		write("plain", 0o644):                "is not a file that its owner may execute",
		write("group", 0o775):                "has the mode 0775",
		write("others", 0o757):               "has the mode 0757",
		open:                                 "others could change it: " + filepath.Dir(open) + " has the mode 0777",
		filepath.Join(dir, "link"):           "has the mode 0777",
		filepath.Join(dir, "folder", "hook"): "has the mode 0777",
		filepath.Join(dir, "first"):          "others could change it: " + filepath.Dir(open) + " has the mode 0777", // in it stands a link to a good program
		filepath.Join(dir, "outer", "hook"):  "others could change it: " + filepath.Dir(open) + " has the mode 0777",
		filepath.Join(dir, "loop"):           "over more than 40 links",
		filepath.Join(linked, "hook"):        "not a directory",
	} {
		h := publisherFor(t, program)
		require.ErrorContains(t, h.Publish(ctx, zone, cname, nil), says, program)
		require.ErrorContains(t, h.Withdraw(ctx, zone, cname), says, program)
		require.ErrorContains(t, h.Publisher.(publish.Checker).Check(ctx, zone, cname), says, program)
	}
	assert.NoFileExists(t, filepath.Join(dir, "ran"))

	good := write("good", 0o700)
	require.NoError(t, os.Symlink(good, filepath.Join(dir, "goodlink")))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "safe"), 0o755))
	require.NoError(t, os.Symlink("../goodlink", filepath.Join(dir, "safe", "again")))
	for _, link := range []string{"goodlink", "safe/again"} {
		require.NoError(t, publisherFor(t, filepath.Join(dir, link)).Publisher.(publish.Checker).Check(ctx, zone, cname))
	}
	assert.NoFileExists(t, filepath.Join(dir, "ran"), "Check runs nothing")
	require.NoError(t, publisherFor(t, filepath.Join(dir, "goodlink")).Publish(ctx, zone, cname, nil))
	assert.FileExists(t, filepath.Join(dir, "ran"))
}

func TestAProgramOfAnotherUserIsNotRun(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file to another user")
	}
	h := newHook(t, "touch DIR/ran")
	require.NoError(t, os.Chown(h.program, 65534, 65534))
	require.ErrorContains(t, h.Publish(context.Background(), zone, cname, nil), h.program+" does not belong to root")
}

func TestAProgramThatCannotBeStartedIsAnError(t *testing.T) {
	h := newHook(t, "")
	require.NoError(t, os.WriteFile(h.program, []byte("#!/nonexistent/interpreter\n"), 0o755))
	require.ErrorContains(t, h.Publish(context.Background(), zone, cname, nil), "no such file or directory")
}

func TestRecordsThatNoSellerAsksForReachNoProgram(t *testing.T) {
	h := newHook(t, "touch DIR/ran")
	for what, change := range map[string]func(r *publish.Record){
		"another zone":   func(r *publish.Record) { r.Name = "_a.example.net" },
		"no label":       func(r *publish.Record) { r.Name = "www.example.com" },
		"an option":      func(r *publish.Record) { r.Name = "-a.example.com" },
		"a line":         func(r *publish.Record) { r.Value = "a\nupdate delete example.com." },
		"a zero byte":    func(r *publish.Record) { r.Value = "a\x00" },
		"a quote":        func(r *publish.Record) { r.Type, r.Value = publish.TXT, `a" "b` },
		"a file":         func(r *publish.Record) { r.Type = publish.File },
		"blanks":         func(r *publish.Record) { r.Value = "a b" },
		"nothing":        func(r *publish.Record) { r.Value = "" },
		"something long": func(r *publish.Record) { r.Type, r.Value = publish.TXT, strings.Repeat("x", 300) },
	} {
		r := cname
		change(&r)
		require.Error(t, h.Publish(context.Background(), zone, r, nil), what)
		require.Error(t, h.Withdraw(context.Background(), zone, r), what)
	}
	require.Error(t, h.Publish(context.Background(), zone, txt, []string{"old\nvalue"}))
	assert.NoFileExists(t, filepath.Join(filepath.Dir(h.program), "ran"))
}

func TestTheZoneIsTheLongestLineOrTheRegistrableDomain(t *testing.T) {
	for _, c := range []struct {
		zones      []string
		name, want string
	}{
		{zones: []string{"example.com"}, name: "_a.www.example.com", want: "example.com"},
		{zones: []string{"example.com", "sub.example.com", "*"}, name: "_a.www.sub.example.com", want: "sub.example.com"},
		{zones: []string{"*", "example.com"}, name: "_a.example.com", want: "example.com"},
		{zones: []string{"*"}, name: "_a.www.example.co.uk", want: "example.co.uk"},
		{zones: []string{"*"}, name: "_a.site.github.io", want: "site.github.io"},
		{zones: []string{"*"}, name: "co.uk"},
		{zones: []string{"example.com"}, name: "_a.notexample.com"},
		{zones: []string{"www.example.com"}, name: "_a.example.com"},
	} {
		p, err := execute.New(publish.Block{Zones: c.zones}, publish.Env{})
		require.NoError(t, err)
		got, kept, err := p.Zone(context.Background(), c.name)
		require.NoError(t, err)
		assert.Equal(t, publish.Zone{Name: c.want}, got, c.name)
		assert.Equal(t, c.want != "", kept, c.name)
	}
	p, err := execute.New(publish.Block{Zones: []string{"*"}}, publish.Env{})
	require.NoError(t, err)
	_, _, err = p.Zone(context.Background(), "_a..example.com")
	require.Error(t, err)
}
