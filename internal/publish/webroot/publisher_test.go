package webroot_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/filelock"
	"pmssl/internal/publish"
	"pmssl/internal/publish/publishtest"
	"pmssl/internal/publish/webroot"
)

const host = "example.com"

// panel is a panel's folder with a publisher.
type panel struct {
	publish.Publisher
	root string
	env  publish.Env
}

func newPanel(t *testing.T, change ...func(e *publish.Env)) panel {
	t.Helper()
	env, _ := publishtest.Env(t)
	require.NoError(t, os.Mkdir(filepath.Join(env.Root, "var"), 0o755))
	for _, do := range change {
		do(&env)
	}
	p, err := webroot.New(publish.Block{Name: "web7", Kind: publish.KindWebroot}, env)
	require.NoError(t, err)
	return panel{p, env.Root, env}
}

// at returns a path below the folder of all hosts.
func (p panel) at(words ...string) string {
	return filepath.Join(append([]string{p.root, "var", "pmssl-challenges"}, words...)...)
}

// put writes a file as somebody else does.
func (p panel) put(t *testing.T, name, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
	require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
}

// tree lists everything below the folder of all hosts with its mode, files with their content.
func (p panel) tree(t *testing.T) []string {
	t.Helper()
	var all []string
	require.NoError(t, filepath.WalkDir(p.at(), func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == p.at() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		line := strings.TrimPrefix(name, p.at()+"/") + " " + info.Mode().String()
		if entry.Type().IsRegular() {
			data, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			line += " " + string(data)
		}
		all = append(all, line)
		return nil
	}))
	return all
}

func TestAFileIsWrittenAndRemovedWithItsFolders(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o077))
	ctx, p, r := context.Background(), newPanel(t), challenge(host, "A.txt")
	for range 2 {
		require.NoError(t, p.Check(ctx, r))
		require.NoError(t, p.Publish(ctx, host, r, nil))
		want := []string{
			"example.com drwxr-xr-x", "example.com/.well-known drwxr-xr-x", "example.com/.well-known/pki-validation drwxr-xr-x",
			"example.com/.well-known/pki-validation/A.txt -rw-r--r-- " + body,
		}
		assert.Equal(t, want, p.tree(t))
		before, err := os.Stat(p.at(host, r.Path))
		require.NoError(t, err)
		require.NoError(t, p.Publish(ctx, host, r, nil), "published already")
		after, err := os.Stat(p.at(host, r.Path))
		require.NoError(t, err)
		assert.True(t, os.SameFile(before, after), "nothing is written again")

		require.NoError(t, p.Withdraw(ctx, host, r))
		assert.Empty(t, p.tree(t))
		require.NoError(t, p.Withdraw(ctx, host, r), "withdrawn already")
	}
}

// Check asks the publisher whether it would write.
func (p panel) Check(ctx context.Context, r publish.Record) error {
	return p.Publisher.(publish.Checker).Check(ctx, r.Name, r)
}

func TestWithoutFoldersThereIsNothingToWithdraw(t *testing.T) {
	p := newPanel(t)
	require.NoError(t, p.Withdraw(context.Background(), host, challenge(host, "A.txt")))
	assert.NoDirExists(t, p.at(), "nothing is made for it")
	require.NoError(t, p.Check(context.Background(), challenge(host, "A.txt")))
	assert.NoDirExists(t, p.at())
}

func TestForeignFilesStay(t *testing.T) {
	ctx, p, r := context.Background(), newPanel(t), challenge(host, "A.txt")
	for name, text := range map[string]string{"other text": "foreign", "nothing": "", "more than a challenge has": strings.Repeat("x", 20<<10)} {
		p.put(t, p.at(host, r.Path), text)
		require.ErrorIs(t, p.Check(ctx, r), publish.ErrConflict, name)
		require.ErrorIs(t, p.Publish(ctx, host, r, []string{"another"}), publish.ErrConflict, name)
		require.NoError(t, p.Withdraw(ctx, host, r), name)
		data, err := os.ReadFile(p.at(host, r.Path))
		require.NoError(t, err)
		assert.Equal(t, text, string(data), name)
	}
	require.ErrorContains(t, func() error { p.put(t, p.at(host, r.Path), "foreign\n\xff"); return p.Check(ctx, r) }(), `holds "foreign\n?"`)
}

func TestOwnOldFilesAreReplaced(t *testing.T) {
	ctx, p, r := context.Background(), newPanel(t), challenge(host, "A.txt")
	require.NoError(t, p.Publish(ctx, host, r, nil))
	second := r
	second.Value = "new\nsectigo.com"
	require.ErrorIs(t, p.Publish(ctx, host, second, nil), publish.ErrConflict)
	require.NoError(t, p.Publish(ctx, host, second, []string{"older", body}))
	require.NoError(t, p.Withdraw(ctx, host, r), "the old value is gone")
	data, err := os.ReadFile(p.at(host, r.Path))
	require.NoError(t, err)
	assert.Equal(t, second.Value, string(data))
	require.NoError(t, p.Withdraw(ctx, host, second))
	assert.Empty(t, p.tree(t))
}

func TestOtherFilesOfTheHostKeepItsFolders(t *testing.T) {
	ctx, p, r := context.Background(), newPanel(t), challenge(host, "A.txt")
	p.put(t, p.at(host, path, "B.txt"), "another order's")
	require.NoError(t, p.Publish(ctx, host, r, nil))
	require.NoError(t, p.Withdraw(ctx, host, r))
	assert.FileExists(t, p.at(host, path, "B.txt"))
	assert.NoFileExists(t, p.at(host, r.Path))
}

func TestHostileHostsAndFilesAreRefused(t *testing.T) {
	ctx, p := context.Background(), newPanel(t)
	outside := filepath.Join(p.root, "var", "A.txt")
	for _, name := range []string{
		"", ".", "..", "../..", "example.com/..", "../example.com", "/etc", "example.com\x00", "EXAMPLE.com", "Example.com", "example..com",
		".example.com", "example.com.", "*.example.com", "exa mple.com", "exämple.com", "com\n.example", "localhost", strings.Repeat("a", 64) + ".com",
		strings.Repeat("a.", 127) + "com", "exam_ple/.com", "%2e%2e",
	} {
		r := challenge(name, "A.txt")
		require.Error(t, p.Check(ctx, r), "%q", name)
		require.Error(t, p.Publish(ctx, name, r, nil), "%q", name)
		require.Error(t, p.Withdraw(ctx, name, r), "%q", name)
	}
	for _, file := range []string{
		"", ".txt", "..", "../A.txt", "a/A.txt", "A.txt/", "A.txt\x00", "A.html", "A.TXT", "A.txt.php", ".htaccess", "A.php", "a b.txt", "A.txt\n", "ä.txt",
		strings.Repeat("a", 201) + ".txt",
	} {
		r := challenge(host, file)
		require.Error(t, p.Publish(ctx, host, r, nil), "%q", file)
		require.Error(t, p.Withdraw(ctx, host, r), "%q", file)
	}
	for what, change := range map[string]func(r *publish.Record){
		"another path":    func(r *publish.Record) { r.Path = "/A.txt" },
		"a path upwards":  func(r *publish.Record) { r.Path = "/.well-known/pki-validation/../../A.txt" },
		"another host":    func(r *publish.Record) { r.Name = "www.example.com" },
		"a DNS record":    func(r *publish.Record) { r.Type = publish.TXT },
		"no content":      func(r *publish.Record) { r.Value = "" },
		"too much":        func(r *publish.Record) { r.Value = strings.Repeat("x", 9000) },
		"a zero byte":     func(r *publish.Record) { r.Value = "a\x00" },
		"other alphabets": func(r *publish.Record) { r.Value = "ж" },
	} {
		r := challenge(host, "A.txt")
		change(&r)
		require.Error(t, p.Publish(ctx, host, r, nil), what)
	}
	assert.NoFileExists(t, outside)
	assert.NoDirExists(t, p.at(), "nothing was made")
}

func TestSymbolicLinksAreNotFollowed(t *testing.T) {
	ctx, r := context.Background(), challenge(host, "A.txt")
	for _, link := range []string{"", host, host + "/.well-known", host + "/.well-known/pki-validation", host + r.Path} {
		for _, inside := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s inside %v", link, inside), func(t *testing.T) {
				p := newPanel(t)
				target := t.TempDir()
				if inside {
					target = p.at("other.example")
				}
				p.put(t, filepath.Join(target, "A.txt"), body)
				p.put(t, filepath.Join(target, r.Path), body)
				place := p.at(link)
				if link == "" {
					target = t.TempDir()
					require.NoError(t, os.RemoveAll(place))
				}
				require.NoError(t, os.MkdirAll(filepath.Dir(place), 0o755))
				if link == host+r.Path {
					target = filepath.Join(target, "A.txt")
				}
				require.NoError(t, os.Symlink(target, place))
				err := p.Publish(ctx, host, r, []string{body})
				require.Error(t, err)
				require.Error(t, p.Check(ctx, r))
				if link == host+r.Path {
					require.ErrorIs(t, err, publish.ErrConflict)
					require.NoError(t, p.Withdraw(ctx, host, r), "its value does not stand there")
				} else {
					require.ErrorContains(t, err, "links are not followed")
					require.Error(t, p.Withdraw(ctx, host, r))
				}
				found, err := os.Readlink(place)
				require.NoError(t, err, "the link stays")
				assert.Equal(t, target, found)
				if link != "" && link != host+r.Path {
					assert.FileExists(t, filepath.Join(target, "A.txt"))
					assert.FileExists(t, filepath.Join(target, r.Path))
				}
			})
		}
	}
}

func TestThePanelsFolderForDataMayBeALink(t *testing.T) {
	ctx, p, r := context.Background(), newPanel(t), challenge(host, "A.txt")
	require.NoError(t, os.Remove(filepath.Join(p.root, "var")))
	require.Error(t, p.Publish(ctx, host, r, nil), "without it nothing is written")
	elsewhere := t.TempDir()
	require.NoError(t, os.Symlink(elsewhere, filepath.Join(p.root, "var")))
	require.NoError(t, p.Publish(ctx, host, r, nil))
	assert.FileExists(t, filepath.Join(elsewhere, "pmssl-challenges", host, r.Path))
}

func TestOtherThingsInTheFilesPlaceAreAConflict(t *testing.T) {
	ctx, r := context.Background(), challenge(host, "A.txt")
	for name, make := range map[string]func(path string) error{
		"a folder": func(path string) error { return os.Mkdir(path, 0o755) },
		"a FIFO":   func(path string) error { return syscall.Mkfifo(path, 0o644) },
	} {
		p := newPanel(t)
		require.NoError(t, os.MkdirAll(p.at(host, path), 0o755))
		require.NoError(t, make(p.at(host, r.Path)))
		require.ErrorIs(t, p.Publish(ctx, host, r, nil), publish.ErrConflict, name)
		require.NoError(t, p.Withdraw(ctx, host, r), name)
		_, err := os.Lstat(p.at(host, r.Path))
		require.NoError(t, err, "it stays")
	}
}

func TestLeftoversOfAKilledRunAreRemoved(t *testing.T) {
	ctx, r := context.Background(), challenge(host, "A.txt")
	for name, do := range map[string]func(p panel) error{
		"publish":  func(p panel) error { return p.Publish(ctx, host, r, nil) },
		"withdraw": func(p panel) error { return p.Withdraw(ctx, host, r) },
	} {
		p := newPanel(t)
		p.put(t, p.at(host, path, ".pmssl-0123456789abcdef.tmp"), "half")
		require.NoError(t, do(p), name)
		assert.NoFileExists(t, p.at(host, path, ".pmssl-0123456789abcdef.tmp"), name)
		require.NoError(t, p.Withdraw(ctx, host, r))
		assert.Empty(t, p.tree(t), name)
	}
}

func TestAFailureLeavesNothingBehind(t *testing.T) {
	p := newPanel(t, func(e *publish.Env) { e.Rand = iotest.ErrReader(os.ErrPermission) })
	require.ErrorIs(t, p.Publish(context.Background(), host, challenge(host, "A.txt"), nil), os.ErrPermission)
	assert.Empty(t, p.tree(t))
}

func TestFoldersOfOtherUsersAreNotUsed(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a folder to another user")
	}
	ctx, p, r := context.Background(), newPanel(t), challenge(host, "A.txt")
	require.NoError(t, os.MkdirAll(p.at(host), 0o755))
	require.NoError(t, os.Chown(p.at(host), 65534, 65534))
	require.ErrorContains(t, p.Publish(ctx, host, r, nil), "run chown root:root "+p.at(host))
	assert.NoFileExists(t, p.at(host, r.Path))
}

func TestRunsDoNotDisturbEachOther(t *testing.T) {
	ctx, p := context.Background(), newPanel(t)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			r := challenge(host, fmt.Sprintf("%d.txt", i))
			for range 10 {
				assert.NoError(t, p.Publish(ctx, host, r, nil))
				assert.NoError(t, p.Withdraw(ctx, host, r))
			}
		})
	}
	all.Wait()
	assert.Empty(t, p.tree(t))
}

func TestALockedFolderIsWaitedForUntilTheRunEnds(t *testing.T) {
	p := newPanel(t)
	require.NoError(t, os.Mkdir(p.at(), 0o755))
	folder, err := os.Open(p.at())
	require.NoError(t, err)
	defer folder.Close()
	taken, err := filelock.Try(folder, filelock.Exclusive)
	require.NoError(t, err)
	require.True(t, taken)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, p.Publish(ctx, host, challenge(host, "A.txt"), nil), context.Canceled)
	assert.Empty(t, p.tree(t))
}

func TestTheZoneOfAFileIsItsHost(t *testing.T) {
	for _, c := range []struct {
		zones []string
		name  string
		kept  bool
	}{
		{nil, "www.example.com", true},
		{[]string{"*"}, "www.example.com", true},
		{[]string{"example.com"}, "www.example.com", true},
		{[]string{"example.com"}, "example.com", true},
		{[]string{"example.com"}, "notexample.com", false},
		{[]string{"www.example.com"}, "example.com", false},
	} {
		p, err := webroot.New(publish.Block{Zones: c.zones}, publish.Env{})
		require.NoError(t, err)
		zone, kept, err := p.Zone(context.Background(), c.name)
		require.NoError(t, err)
		assert.Equal(t, c.kept, kept, "%v %s", c.zones, c.name)
		assert.Equal(t, publish.Zone{Name: c.name}, zone)
	}
	p, err := webroot.New(publish.Block{}, publish.Env{})
	require.NoError(t, err)
	for _, name := range []string{"", "..", "a/b.example", "EXAMPLE.com", "a\x00.example"} {
		_, kept, err := p.Zone(context.Background(), name)
		require.Error(t, err)
		assert.False(t, kept)
	}
}

// FuzzFilesStayInTheirFolder checks that no host and no path leads out of the host's own folder.
func FuzzFilesStayInTheirFolder(f *testing.F) {
	f.Add("example.com", path+"A.txt", body)
	f.Add("../example.com", path+"../A.txt", body)
	f.Fuzz(func(t *testing.T, name, file, value string) {
		ctx, p := context.Background(), newPanel(t)
		r := publish.Record{Domain: name, Type: publish.File, Name: name, Path: file, Value: value}
		if p.Publish(ctx, name, r, nil) != nil {
			assert.NoDirExists(t, p.at())
			return
		}
		assert.Equal(t, []string{
			name + " drwxr-xr-x", name + "/.well-known drwxr-xr-x", name + "/.well-known/pki-validation drwxr-xr-x", name + file + " -rw-r--r-- " + value,
		}, p.tree(t))
		require.NoError(t, p.Withdraw(ctx, name, r))
		assert.Empty(t, p.tree(t))
		entries, err := os.ReadDir(p.root)
		require.NoError(t, err)
		assert.Len(t, entries, 1, "nothing but var")
	})
}
