package execute_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/deliver"
	"pmssl/internal/deliver/execute"
	"pmssl/internal/filelock"
	"pmssl/internal/publish"
	"pmssl/internal/publish/publishtest"
)

const (
	leafPEM  = "-----BEGIN CERTIFICATE-----\nbGVhZg==\n-----END CERTIFICATE-----"
	chainPEM = "-----BEGIN CERTIFICATE-----\naW50ZXJtZWRpYXRl\n-----END CERTIFICATE-----\n"
	keyPEM   = "-----BEGIN PRIVATE KEY-----\nUGxhbnRlZA==\n-----END PRIVATE KEY-----\n"
)

var order = deliver.Order{Item: 42, Account: 77}

// hook is a program with its deliverer, below a panel's folder of its own.
type hook struct {
	deliver.Deliverer
	dir, program, root string
	seen               *publishtest.Seen
}

// newHook writes a shell script and returns its deliverer. DIR in the script is the script's folder.
func newHook(t *testing.T, script string, change func(d *publish.Deploy)) hook {
	t.Helper()
	dir, root := folder(t), folder(t)
	require.NoError(t, os.Mkdir(filepath.Join(root, "var"), 0o755))
	program := filepath.Join(dir, "hook")
	require.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\n"+strings.ReplaceAll(script, "DIR", dir)+"\n"), 0o600))
	require.NoError(t, os.Chmod(program, 0o755))
	env, seen := publishtest.Env(t)
	env.Root, env.Environ = root, []string{"HOME=/root", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "SECRET=x"}
	block := publish.Deploy{Name: "lb1", Kind: publish.KindExec, Program: program, Zones: []string{"example.com"}}
	if change != nil {
		change(&block)
	}
	d, err := execute.New(block, env)
	require.NoError(t, err)
	return hook{d, dir, program, root, seen}
}

// folder returns a folder that others cannot write, whatever the umask is.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o755))
	return dir
}

func withKey(d *publish.Deploy) { d.Key = true }

func certificate() deliver.Certificate {
	return deliver.Certificate{Serial: "0a1b", Leaf: leafPEM, Chain: chainPEM, Names: []string{"*.example.com", "example.com"},
		Key: func(context.Context) (string, error) { return keyPEM, nil }}
}

// sitesOf returns a site for each name of the certificate.
func sitesOf(c deliver.Certificate) []deliver.Site {
	var all []deliver.Site
	for _, name := range c.Names {
		all = append(all, deliver.Site{Name: strings.TrimPrefix(name, "*.")})
	}
	return all
}

// wrote returns what the program wrote into a file of its folder.
func (h hook) wrote(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(h.dir, name))
	require.NoError(t, err)
	return string(data)
}

// assertNothingLeft fails if a file of the delivery stays.
func (h hook) assertNothingLeft(t *testing.T) {
	t.Helper()
	left, err := os.ReadDir(filepath.Join(h.root, "var", "pmssl-deploy"))
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestTheProgramIsCalledAsCertbotCallsIt(t *testing.T) {
	h := newHook(t, `set -e
printf '%s' "$#" >DIR/args
cp -rp "$RENEWED_LINEAGE" DIR/copy
(cd "$RENEWED_LINEAGE" && pwd && stat -c '%a %F %n' . .. ../.. *) >DIR/modes
/bin/cat /proc/$$/environ >DIR/environ; { pwd; readlink /proc/$$/fd/0; } >DIR/about`, nil)
	require.NoError(t, h.Deliver(t.Context(), order, sitesOf(certificate()), certificate()))
	lineage := filepath.Join(h.root, "var/pmssl-deploy/42/live/example.com")
	assert.Equal(t, []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "RENEWED_LINEAGE=" + lineage, "RENEWED_DOMAINS=*.example.com example.com", "PMSSL_ITEM=42"},
		strings.Split(strings.TrimSuffix(h.wrote(t, "environ"), "\x00"), "\x00"))
	assert.Equal(t, "0", h.wrote(t, "args"))
	assert.Equal(t, []string{"/", "/dev/null"}, strings.Fields(h.wrote(t, "about")), "folder and standard input")
	assert.Equal(t, lineage+`
700 directory .
700 directory ..
700 directory ../..
600 regular file cert.pem
600 regular file chain.pem
600 regular file fullchain.pem
`, h.wrote(t, "modes"), "no private key without `key yes`")
	assert.Equal(t, leafPEM+"\n", h.wrote(t, "copy/cert.pem"))
	assert.Equal(t, chainPEM, h.wrote(t, "copy/chain.pem"))
	assert.Equal(t, leafPEM+"\n"+chainPEM, h.wrote(t, "copy/fullchain.pem"))
	h.assertNothingLeft(t)
}

func TestTheKeyGoesAlongOnlyWhereTheBlockSaysSo(t *testing.T) {
	h := newHook(t, `cp "$RENEWED_LINEAGE/privkey.pem" DIR/ && stat -c %a "$RENEWED_LINEAGE/privkey.pem" >DIR/mode`, withKey)
	require.NoError(t, h.Deliver(t.Context(), order, sitesOf(certificate()), certificate()))
	assert.Equal(t, keyPEM, h.wrote(t, "privkey.pem"))
	assert.Equal(t, "600\n", h.wrote(t, "mode"))
	h.assertNothingLeft(t)
	assert.NotContains(t, h.seen.Text(), "UGxhbnRlZA")

	c := certificate()
	c.Key = func(context.Context) (string, error) { return "", errors.New("the database is away") }
	require.ErrorContains(t, h.Deliver(t.Context(), order, sitesOf(c), c), "the database is away")

	h = newHook(t, `ls "$RENEWED_LINEAGE" >DIR/files`, nil)
	c.Key = func(context.Context) (string, error) {
		t.Error("the key is read without `key yes`")
		return keyPEM, nil
	}
	require.NoError(t, h.Deliver(t.Context(), order, sitesOf(c), c))
	c.Key, c.Chain = nil, ""
	h = newHook(t, `ls "$RENEWED_LINEAGE" >DIR/files; cp "$RENEWED_LINEAGE/fullchain.pem" DIR/`, nil)
	require.NoError(t, h.Deliver(t.Context(), order, sitesOf(c), c))
	assert.Equal(t, "cert.pem\nchain.pem\nfullchain.pem\n", h.wrote(t, "files"))
	assert.Equal(t, leafPEM+"\n", h.wrote(t, "fullchain.pem"))
}

// A hook that wants the key and finds none may copy the certificate first, and leave a server whose key does not fit.
func TestAProgramThatIsToHaveTheKeyIsNotCalledWithoutIt(t *testing.T) {
	for name, key := range map[string]func(context.Context) (string, error){
		"the panel holds none": func(context.Context) (string, error) { return "", nil },
		"blanks":               func(context.Context) (string, error) { return " \n", nil },
		"none is offered":      nil,
	} {
		t.Run(name, func(t *testing.T) {
			h := newHook(t, `: >DIR/called`, withKey)
			c := certificate()
			c.Key = key
			err := h.Deliver(t.Context(), order, sitesOf(c), c)
			require.ErrorIs(t, err, deliver.ErrByHand, "trying again brings no key")
			require.ErrorContains(t, err, "the billing panel holds no private key of certificate 0a1b")
			assert.NoFileExists(t, filepath.Join(h.dir, "called"))
		})
	}
}

func TestFilesAreRemovedHoweverTheProgramEnds(t *testing.T) {
	for name, c := range map[string]struct{ script, says string }{
		"failed":        {script: `echo "first" >&2; echo "no such server" >&2; exit 3`, says: "exit status 3: no such server"},
		"killed itself": {script: `kill -9 $$`, says: "signal: killed"},
		"removed them":  {script: `rm -r "$RENEWED_LINEAGE"`},
		"added some":    {script: `umask 0; mkdir -p "$RENEWED_LINEAGE/a/b" && touch "$RENEWED_LINEAGE/a/b/c" "$RENEWED_LINEAGE/../x" && ln -s / "$RENEWED_LINEAGE/root"`},
		"hung":          {script: `sleep 1000 & echo $! >DIR/child; echo $$ >DIR/self; trap '' TERM; sleep 1000`, says: "it was ended because it takes longer than 500ms"},
		"forked":        {script: `sleep 1000 & echo $! >DIR/child; exit 0`},
		"kept open":     {script: `(exec 3<"$RENEWED_LINEAGE/privkey.pem"; sleep 1000) & echo $! >DIR/child; exit 0`},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHook(t, c.script, withKey)
			d := h.Deliverer
			if name == "hung" {
				d = execute.WithRunTime(d, 500*time.Millisecond)
			}
			err := d.Deliver(t.Context(), order, sitesOf(certificate()), certificate())
			if c.says == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, h.program+": ")
				require.ErrorContains(t, err, c.says)
			}
			assert.Equal(t, name == "hung", errors.Is(err, context.DeadlineExceeded))
			h.assertNothingLeft(t)
			h.assertGone(t, "self", "child")
		})
	}
}

// assertGone waits until the processes whose numbers the program wrote into files do not run any more.
func (h hook) assertGone(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(h.dir, name))
		if os.IsNotExist(err) {
			continue
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
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

func TestTheEndOfTheRunEndsTheProgram(t *testing.T) {
	h := newHook(t, `echo $$ >DIR/part; mv DIR/part DIR/self; sleep 1000`, nil)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- h.Deliver(ctx, order, sitesOf(certificate()), certificate()) }()
	require.Eventually(t, func() bool {
		_, err := os.Stat(filepath.Join(h.dir, "self"))
		return err == nil
	}, 20*time.Second, 5*time.Millisecond)
	cancel()
	err := <-done
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "it was ended with the time of the run", "not: it takes longer than 2 minutes")
	h.assertGone(t, "self")
	h.assertNothingLeft(t)
}

func TestSecretsInTheOutputAreMasked(t *testing.T) {
	h := newHook(t, `cat "$RENEWED_LINEAGE/privkey.pem" >&2; cat "$RENEWED_LINEAGE/privkey.pem"; echo "api_key=Planted1" >&2; exit 1`, withKey)
	err := h.Deliver(t.Context(), order, sitesOf(certificate()), certificate())
	require.Error(t, err)
	for _, text := range []string{err.Error(), h.seen.Text()} {
		assert.NotContains(t, text, "Planted1")
		assert.NotContains(t, text, "UGxhbnRlZA")
	}
}

// rules DELIVER-1: hooks put the certificate on each site of which they get the name.
func TestTheProgramHearsOfTheClientsOwnSitesOnly(t *testing.T) {
	h := newHook(t, `printf '%s\n' "$RENEWED_DOMAINS" "$RENEWED_LINEAGE" >DIR/heard`, nil)
	c := certificate()
	c.Names = []string{"other.example.net", "*.example.com", "www.example.net", "example.com", "www.example.com"}
	require.NoError(t, h.Deliver(t.Context(), order, []deliver.Site{{Name: "example.com"}}, c))
	assert.Equal(t, "*.example.com example.com\n"+filepath.Join(h.root, "var/pmssl-deploy/42/live/example.com")+"\n", h.wrote(t, "heard"))
	require.ErrorContains(t, h.Deliver(t.Context(), order, []deliver.Site{{Name: "example.org"}}, c), "no name of these sites")
}

// A hook may print any piece of the key, and the text about it is cut.
func TestNoLineOfTheKeyIsShownInWholeOrInPart(t *testing.T) {
	line := strings.Repeat("Zmlyc3QgbGluZQ1a", 4)
	key := "-----BEGIN PRIVATE KEY-----\n" + strings.Repeat("c29tZXRoaW5nIGVs", 4) + "\n" + line + "\nbGFzdCBsaW5lIG9m\n-----END PRIVATE KEY-----\n"
	for name, script := range map[string]string{
		"a line of its body":           `sed -n 3p "$RENEWED_LINEAGE/privkey.pem" >&2; exit 1`,
		"its last line":                `sed -n 4p "$RENEWED_LINEAGE/privkey.pem" >&2; exit 1`,
		"where the error text is cut":  `printf "%0260d" 0 >&2; sed -n 3p "$RENEWED_LINEAGE/privkey.pem" >&2; exit 1`,
		"where the text of log is cut": `printf "%0970d" 0; sed -n 3p "$RENEWED_LINEAGE/privkey.pem"; exit 1`,
	} {
		t.Run(name, func(t *testing.T) {
			h := newHook(t, script, withKey)
			c := certificate()
			c.Key = func(context.Context) (string, error) { return key, nil }
			err := h.Deliver(t.Context(), order, sitesOf(c), c)
			require.Error(t, err)
			for _, text := range []string{err.Error(), h.seen.Text()} {
				assert.NotContains(t, text, "Zmlyc3Q")
				assert.NotContains(t, text, "bGFzdCBsaW5l")
			}
		})
	}
}

func TestAFloodOfOutputIsCut(t *testing.T) {
	h := newHook(t, `head -c 5000000 /dev/zero | tr '\0' x >&2; head -c 3000000 /dev/urandom; exit 1`, nil)
	err := h.Deliver(t.Context(), order, sitesOf(certificate()), certificate())
	require.Error(t, err)
	assert.Less(t, len(err.Error()), 800)
	assert.Less(t, len(h.seen.Text()), 4000)
}

func TestAProgramThatOthersCouldChangeIsNotRun(t *testing.T) {
	h := newHook(t, `touch DIR/ran`, nil)
	require.NoError(t, h.Deliverer.(deliver.Checker).Check(t.Context(), nil))
	require.NoError(t, os.Chmod(h.program, 0o777))
	require.ErrorContains(t, h.Deliver(t.Context(), order, sitesOf(certificate()), certificate()), "has the mode 0777")
	require.ErrorContains(t, h.Deliverer.(deliver.Checker).Check(t.Context(), nil), "has the mode 0777")
	assert.NoFileExists(t, filepath.Join(h.dir, "ran"))
	assert.NoDirExists(t, filepath.Join(h.root, "var/pmssl-deploy"), "the key is written nowhere")
}

func TestNamesThatAreNoHostsReachNoProgram(t *testing.T) {
	h := newHook(t, `touch DIR/ran`, nil)
	for _, names := range [][]string{nil, {"../../etc"}, {"a/b.example.com"}, {"example.com", "b.example.com\nX=1"}, {"*.*.example.com"}, {""}, {"-x y.example.com"}} {
		c := certificate()
		c.Names = names
		require.Error(t, h.Deliver(t.Context(), order, sitesOf(c), c), "%q", names)
	}
	_, _, err := h.Site(t.Context(), "a b")
	require.Error(t, err)
	site, kept, err := h.Site(t.Context(), "www.example.com")
	require.NoError(t, err)
	assert.True(t, kept)
	assert.Equal(t, deliver.Site{Name: "www.example.com"}, site, "whose it is is not known")
	assert.NoFileExists(t, filepath.Join(h.dir, "ran"))
}

// leave makes the files that a killed run leaves.
func (h hook) leave(t *testing.T, item string) string {
	t.Helper()
	dir := filepath.Join(h.root, "var/pmssl-deploy", item)
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "live/example.org"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "live/example.org/privkey.pem"), []byte("old"), 0o600))
	return dir
}

func TestWhatAKilledRunLeftIsRemoved(t *testing.T) {
	h := newHook(t, `ls -R "$RENEWED_LINEAGE/../.." >DIR/files`, nil)
	h.leave(t, "42")
	other := h.leave(t, "43")
	require.NoError(t, h.Deliver(t.Context(), order, sitesOf(certificate()), certificate()))
	assert.NotContains(t, h.wrote(t, "files"), "example.org", "the item's own leftovers go before its next delivery")
	assert.DirExists(t, other)

	held, err := os.Open(h.leave(t, "44")) // another process delivers
	require.NoError(t, err)
	defer held.Close()
	free, err := filelock.Try(held, filelock.Exclusive)
	require.NoError(t, err)
	require.True(t, free)
	require.NoError(t, os.WriteFile(filepath.Join(h.root, "var/pmssl-deploy/stray"), nil, 0o600))
	outside := filepath.Join(folder(t), "kept")
	require.NoError(t, os.WriteFile(outside, nil, 0o600))
	require.NoError(t, os.Symlink(filepath.Dir(outside), filepath.Join(h.root, "var/pmssl-deploy/45")))
	execute.RemoveLeftovers(h.root, h.seen)
	left, err := os.ReadDir(filepath.Join(h.root, "var/pmssl-deploy"))
	require.NoError(t, err)
	require.Len(t, left, 1)
	assert.Equal(t, "44", left[0].Name())
	assert.FileExists(t, outside, "links are not followed")
	assert.Contains(t, h.seen.Text(), other+" is removed: the run that made it was killed")

	err = h.Deliver(t.Context(), deliver.Order{Item: 44}, sitesOf(certificate()), certificate())
	require.ErrorContains(t, err, "another process of the module delivers this item's certificate now")
	assert.FileExists(t, filepath.Join(h.root, "var/pmssl-deploy/44/live/example.org/privkey.pem"))
}

func TestWithoutDeliveriesNothingIsMade(t *testing.T) {
	h := newHook(t, "", nil)
	execute.RemoveLeftovers(h.root, h.seen)
	execute.RemoveLeftovers(filepath.Join(h.root, "absent"), h.seen)
	assert.NoDirExists(t, filepath.Join(h.root, "var/pmssl-deploy"))
	assert.Empty(t, h.seen.Text())
}

func TestAFolderThatSomebodyElseMadeIsNotUsed(t *testing.T) {
	h := newHook(t, "touch DIR/ran", withKey)
	elsewhere := folder(t)
	path := filepath.Join(h.root, "var/pmssl-deploy")
	require.NoError(t, os.Symlink(elsewhere, path))
	require.ErrorContains(t, h.Deliver(t.Context(), order, sitesOf(certificate()), certificate()), "links are not followed")
	execute.RemoveLeftovers(h.root, h.seen)
	assert.Contains(t, h.seen.Text(), "warning: ")
	require.NoError(t, os.Remove(path))

	require.NoError(t, os.Mkdir(path, 0o700))
	require.NoError(t, os.Chmod(path, 0o777))
	require.NoError(t, h.Deliver(t.Context(), order, sitesOf(certificate()), certificate()))
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o700), info.Mode().Perm(), "nobody else reads there")

	if os.Geteuid() == 0 {
		require.NoError(t, os.Chown(path, 65534, 65534))
		require.ErrorContains(t, h.Deliver(t.Context(), order, sitesOf(certificate()), certificate()), "is not a folder of root")
	}
}
