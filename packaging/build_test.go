// Package packaging_test installs, upgrades and removes the packages with real dpkg and rpm in folders that stand for a
// server with a panel. The tests that need root, dpkg, rpm and a static busybox run if PMSSL_PACKAGE_TESTS is set, as
// `make test` sets it; then a missing program is a failure.
package packaging_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Versions of the packages that the tests install. The first is built for all machines, as `make packages` does.
const older, newer = "1.0.0", "1.1.0~rc.1+3.gabcdef0"

// built is the folder with the packages; empty if the tests that need them do not run. TestMain sets it.
var built string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if os.Getenv("PMSSL_PACKAGE_TESTS") == "" {
		fmt.Println("packaging: PMSSL_PACKAGE_TESTS is not set: no package is built or installed")
		return m.Run()
	}
	folder, err := os.MkdirTemp("", "pmssl-packages-")
	if err == nil {
		defer os.RemoveAll(folder)
		err = buildPackages(folder)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "packaging:", err)
		return 1
	}
	built = folder
	return m.Run()
}

func buildPackages(folder string) error {
	if os.Getuid() != 0 {
		return fmt.Errorf("root is needed: dpkg and rpm change owners, rpm uses chroot")
	}
	for _, program := range []string{"dpkg", "dpkg-deb", "dpkg-divert", "rpm", "busybox", "make"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%w: install dpkg, rpm, busybox-static and make", err)
		}
	}
	for version, arches := range map[string]string{older: "amd64 arm64", newer: runtime.GOARCH} {
		if out, err := script("packages.sh", version, arches, filepath.Join(folder, version)); err != nil {
			return fmt.Errorf("packages.sh: %w\n%s", err, out)
		}
	}
	return nil
}

// script runs one of the scripts that make packages and tarballs.
func script(name, version, arches, folder string) (string, error) {
	cmd := exec.Command("../scripts/"+name, folder)
	cmd.Env = append(os.Environ(), "VERSION="+version, "COMMIT=c0ffee", "SOURCE_DATE_EPOCH=1790000000", "ARCHES="+arches)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// needsPackages skips a test if no packages were built.
func needsPackages(t *testing.T) {
	t.Helper()
	if built == "" {
		t.Skip("PMSSL_PACKAGE_TESTS is not set")
	}
}

// files returns what is below a folder, by path: the content of a file, "-> " and the target of a link, "/" for a folder.
func files(t *testing.T, folder string) map[string]string {
	t.Helper()
	got := map[string]string{}
	require.NoError(t, filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err != nil || path == folder {
			return err
		}
		got[strings.TrimPrefix(path, folder+"/")] = show(t, path)
		return nil
	}))
	return got
}

// show returns a file in the form of files; "" if it is missing.
func show(t *testing.T, path string) string {
	t.Helper()
	info, err := os.Lstat(path)
	switch {
	case os.IsNotExist(err):
		return ""
	case err == nil && info.IsDir():
		return "/"
	case err == nil && info.Mode()&os.ModeSymlink != 0:
		target, err := os.Readlink(path)
		require.NoError(t, err)
		return "-> " + target
	}
	require.NoError(t, err)
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(content)
}

// put writes a file and the folders above it.
func put(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(content), mode))
}

// command runs a program, which must succeed, and returns its output.
func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	require.NoError(t, err, "%s %v\n%s", name, args, out)
	return string(out)
}
