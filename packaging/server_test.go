package packaging_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// server is a folder that stands for a server with a package manager, and with a panel below /usr/local/mgr5 unless a test
// removes it.
type server struct {
	t    *testing.T
	root string
	kind string // deb or rpm
	// chroot lets dpkg start the scripts of packages in a chroot, as rpm does. There is no dpkg-divert in it.
	chroot bool
}

// onBoth runs a test with dpkg and with rpm.
func onBoth(t *testing.T, test func(t *testing.T, s *server)) {
	needsPackages(t)
	for _, kind := range []string{"deb", "rpm"} {
		t.Run(kind, func(t *testing.T) { test(t, newServer(t, kind)) })
	}
}

// newServer returns a server with what every panel has: the folders of modules and forms, a file of another module, settings and
// what our modules keep.
func newServer(t *testing.T, kind string) *server {
	t.Helper()
	s := &server{t: t, root: t.TempDir(), kind: kind}
	require.NoError(t, os.Chmod(s.root, 0o755))
	for _, folder := range []string{"var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers", "var/lib/rpm", "bin", "tmp", "usr/sbin", "dev"} {
		require.NoError(t, os.MkdirAll(filepath.Join(s.root, folder), 0o755))
	}
	s.put("/var/lib/dpkg/status", "", 0o644)
	if kind == "rpm" { // it starts scripts in a chroot
		s.shell()
		command(t, "rpm", "--root", s.root, "--initdb")
	}
	s.put("/usr/local/mgr5/processing/pmother", "other", 0o755)
	s.put("/usr/local/mgr5/etc/xml/billmgr_mod_pmother.xml", "<mgrdata/>", 0o644)
	s.put("/usr/local/mgr5/etc/billmgr.conf", "DBHost localhost\n", 0o600)
	s.put("/usr/local/mgr5/etc/pmssl/unattended.conf", "allow example.com\n", 0o600)
	s.put("/usr/local/mgr5/etc/pmssl/templates/prove.en.txt", "Subject: edited\n", 0o644)
	s.put("/usr/local/mgr5/var/pmnamecheap.purchases", "a purchase\n", 0o600)
	return s
}

// shell gives the server what scripts need in a chroot.
func (s *server) shell() {
	s.t.Helper()
	busybox, err := exec.LookPath("busybox")
	require.NoError(s.t, err)
	raw, err := os.ReadFile(busybox)
	require.NoError(s.t, err)
	s.put("/bin/busybox", string(raw), 0o755)
	for _, name := range []string{"sh", "cat", "cmp", "cp", "echo", "grep", "ln", "mkdir", "mv", "readlink", "rm", "sha256sum", "true"} {
		require.NoError(s.t, os.Symlink("busybox", filepath.Join(s.root, "bin", name)))
	}
	s.chroot = true
}

// onBothWithSystemd runs a test with dpkg and with rpm on a server with systemd.
func onBothWithSystemd(t *testing.T, test func(t *testing.T, s *server)) {
	onBoth(t, func(t *testing.T, s *server) {
		s.systemd()
		test(t, s)
	})
}

// systemd gives the server a systemctl that notes its calls below /systemd, each with the target of the module's link at that time,
// and an enabled timer, which runs.
func (s *server) systemd() {
	s.t.Helper()
	if !s.chroot {
		s.shell()
	}
	s.put("/bin/systemctl", `#!/bin/sh
[ "$1" != --quiet ] || shift
echo "$1 $2 $(readlink `+program+`)" >>/systemd/calls
case $1 in
is-active) [ -e /systemd/active ] ;;
start) echo >/systemd/active ;;
stop) rm -f /systemd/active ;;
disable) rm -f /systemd/enabled ;;
esac
`, 0o755)
	s.put("/run/systemd/system/timers.target", "", 0o644)
	s.put("/systemd/enabled", "", 0o644)
	s.put("/systemd/active", "", 0o644)
}

// timer returns the states of the timer.
func (s *server) timer() (enabled, active bool) {
	_, err := os.Stat(s.root + "/systemd/enabled")
	_, err2 := os.Stat(s.root + "/systemd/active")
	return err == nil, err2 == nil
}

// obstruct lets the scripts of packages fail where they replace a file: a folder has the name of the new one. The function that it
// returns removes it.
func (s *server) obstruct(path string) (remove func()) {
	s.t.Helper()
	folder := s.root + path + ".pmssl-new"
	put(s.t, folder+"/file", "", 0o644)
	return func() { require.NoError(s.t, os.RemoveAll(folder)) }
}

func (s *server) put(path, content string, mode os.FileMode) {
	s.t.Helper()
	put(s.t, s.root+path, content, mode)
}

func (s *server) show(path string) string { return show(s.t, s.root+path) }

// panel returns the files of the panel.
func (s *server) panel() map[string]string { return files(s.t, s.root+"/usr/local/mgr5") }

// packageFile returns the path of a package for this machine.
func (s *server) packageFile(name, version string) string {
	s.t.Helper()
	arch := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]
	file := fmt.Sprintf("%s-%s-1.%s.rpm", name, version, arch)
	if s.kind == "deb" {
		file = fmt.Sprintf("%s_%s-1_%s.deb", name, version, runtime.GOARCH)
	}
	if name == "pmssl" {
		file = strings.NewReplacer("_"+runtime.GOARCH+".", "_all.", arch+".rpm", "noarch.rpm").Replace(file)
	}
	path := filepath.Join(built, version, file)
	require.FileExists(s.t, path)
	return path
}

// manager returns dpkg or rpm with its options for this server.
func (s *server) manager(args ...string) *exec.Cmd {
	if s.kind == "deb" {
		options := []string{"--root=" + s.root, "--log=" + s.root + "/var/lib/dpkg/log"}
		if !s.chroot {
			options = append(options, "--force-script-chrootless")
		}
		cmd := exec.Command("dpkg", append(options, args...)...)
		cmd.Env = append(os.Environ(), "LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin")
		return cmd
	}
	return exec.Command("rpm", append([]string{"--root", s.root}, args...)...)
}

func (s *server) manage(args ...string) string {
	s.t.Helper()
	out, err := s.manager(args...).CombinedOutput()
	require.NoError(s.t, err, "%s %v\n%s", s.kind, args, out)
	require.NotContains(s.t, string(out), "scriptlet failed")
	return string(out)
}

// install installs, upgrades or downgrades packages: names of ours with a version, or paths of others.
func (s *server) install(version string, names ...string) string {
	s.t.Helper()
	out, err := s.tryInstall(version, names...)
	require.NoError(s.t, err, out)
	require.NotContains(s.t, out, "scriptlet failed")
	return out
}

func (s *server) tryInstall(version string, names ...string) (string, error) {
	s.t.Helper()
	args := []string{"--install"}
	if s.kind == "rpm" {
		args = []string{"--upgrade", "--oldpackage", "--replacepkgs"}
	}
	for _, name := range names {
		if !strings.Contains(name, "/") {
			name = s.packageFile(name, version)
		}
		args = append(args, name)
	}
	out, err := s.manager(args...).CombinedOutput()
	return string(out), err
}

func (s *server) remove(names ...string) string {
	s.t.Helper()
	out, err := s.tryRemove(names...)
	require.NoError(s.t, err, out)
	require.NotContains(s.t, out, "scriptlet failed")
	return out
}

func (s *server) tryRemove(names ...string) (string, error) {
	word := "--remove"
	if s.kind == "rpm" {
		word = "--erase"
	}
	out, err := s.manager(append([]string{word}, names...)...).CombinedOutput()
	return string(out), err
}

// start prepares a program below the server's root, as this server would start it.
func (s *server) start(path string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.SysProcAttr, cmd.Dir, cmd.Env = &syscall.SysProcAttr{Chroot: s.root}, "/", []string{"PATH=/bin"}
	return cmd
}

// version returns what the panel's module answers to --version.
func (s *server) version() string {
	s.t.Helper()
	return s.versionOf(program)
}

func (s *server) versionOf(program string) string {
	s.t.Helper()
	out, err := s.start(program, "--version").CombinedOutput()
	require.NoError(s.t, err, string(out))
	return strings.TrimSpace(string(out))
}

// panelPackage makes a package of the panel, or of a plug-in of the panel, with these files.
func (s *server) panelPackage(name, version string, content map[string]string) string {
	s.t.Helper()
	folder := s.t.TempDir()
	if s.kind == "deb" {
		for path, text := range content {
			put(s.t, folder+"/tree"+path, text, 0o755)
		}
		put(s.t, folder+"/tree/DEBIAN/control", fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: x <x@example.com>\nDescription: x\n", name, version), 0o644)
		command(s.t, "dpkg-deb", "--root-owner-group", "-Znone", "-b", folder+"/tree", folder+"/x.deb")
		return folder + "/x.deb"
	}
	config := fmt.Sprintf("name: %s\narch: all\nversion: %q\nversion_schema: none\nmaintainer: x <x@example.com>\ndescription: x\nrpm: {buildhost: x}\ncontents:\n", name, version)
	for path, text := range content {
		put(s.t, folder+path, text, 0o755)
		config += fmt.Sprintf("- {src: %q, dst: %q, file_info: {mode: 0755, owner: root, group: root}}\n", folder+path, path)
	}
	put(s.t, folder+"/nfpm.yaml", config, 0o644)
	command(s.t, "../bin/tools/nfpm", "package", "-f", folder+"/nfpm.yaml", "-p", "rpm", "-t", folder+"/x.rpm")
	return folder + "/x.rpm"
}
