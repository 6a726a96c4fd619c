// Package root is the stand-in panel's root directory (what is /usr/local/mgr5 on a real host): its files,
// settings, key, request log and active faults. The panel creates it, and mgrctl works on it.
package root

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Dir is the absolute path of a panel root.
type Dir string

// Find returns the root of a program in <root>/sbin, from the program's own path. For a symbolic link in sbin the path
// of the link counts.
func Find(program string) (Dir, error) {
	abs, err := filepath.Abs(program)
	if err != nil {
		return "", fmt.Errorf("own path %q: %w", program, err)
	}
	d := Dir(filepath.Dir(filepath.Dir(abs)))
	if _, err := os.Stat(d.Path("etc", "billmgr.conf")); err != nil {
		return "", fmt.Errorf("%s is not a panel root (set MGR5_ROOT): %w", d, err)
	}
	return d, nil
}

// Path joins names to the root.
func (d Dir) Path(names ...string) string {
	return filepath.Join(append([]string{string(d)}, names...)...)
}

// Parts are what a fresh panel is given.
type Parts struct {
	// Mgrctl is the program for sbin/mgrctl; empty for none.
	Mgrctl string
	// Link makes sbin/mgrctl a hard link, as InstallProgram does.
	Link bool
	// Key is the content of etc/billmgr.pem; nil for a new key.
	Key []byte
}

// Create creates the folders and files of a fresh panel. It keeps existing files, except the database settings, which
// it replaces.
func (d Dir) Create(db Database, parts Parts, random io.Reader) error {
	for _, f := range []string{
		"etc/billmgr.conf.d", "etc/xml", "sbin", "processing", "var/logs", "var/sandbox", "tmp",
		"lib/python", "include/php",
	} {
		if err := os.MkdirAll(d.Path(f), 0o755); err != nil {
			return fmt.Errorf("creating %s: %w", d, err)
		}
	}
	if err := d.createKey(parts.Key, random); err != nil {
		return err
	}
	for name, text := range map[string]string{
		"etc/billmgr.conf": defaultConf, "etc/debug.conf": defaultDebugConf,
	} {
		if err := writeNew(d.Path(name), text); err != nil {
			return err
		}
	}
	// 0600: the file contains the password of the database.
	if err := os.WriteFile(d.Path("etc", "billmgr.conf.d", "db.conf"), []byte(db.conf()), 0o600); err != nil {
		return fmt.Errorf("writing the database settings: %w", err)
	}
	if parts.Mgrctl == "" {
		return nil
	}
	return d.InstallProgram(parts.Mgrctl, parts.Link, "sbin", "mgrctl")
}

// InstallProgram installs an executable in the root: a copy, or with link a hard link if both are in one filesystem and nothing is in its place.
func (d Dir) InstallProgram(from string, link bool, names ...string) error {
	to := d.Path(names...)
	if link && os.Link(from, to) == nil {
		return nil
	}
	return Install(from, to)
}

// defaultConf is etc/billmgr.conf (docs/reference/billmanager.md §10: one directive a line, "Name value" and flags "Option
// Name").
const defaultConf = `CryptKey etc/billmgr.pem
Option EULA
DefaultLang en
`

// defaultDebugConf is BILLmanager's own etc/debug.conf (docs/reference/billmanager.md §8.2).
const defaultDebugConf = `* 6
*.db 6
*.core 4
*.conn 4
*.merge 4
*.xmli 4
*.cache 4
*.longtask 4
`

func writeNew(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// Install copies an executable with mode 0755 and replaces an older one by a rename, which does not disturb a running
// process.
func Install(from, to string) error {
	src, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("installing %s: %w", filepath.Base(to), err)
	}
	defer src.Close()
	tmp, err := os.CreateTemp(filepath.Dir(to), ".install-*")
	if err != nil {
		return fmt.Errorf("installing %s: %w", to, err)
	}
	_, err = io.Copy(tmp, src)
	err = errors.Join(err, tmp.Chmod(0o755), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), to)
	}
	if err != nil {
		return fmt.Errorf("installing %s: %w", to, errors.Join(err, os.Remove(tmp.Name())))
	}
	return nil
}

// Clock returns the panel's time: the instant in the settings' clock file, or real() if there is none.
func (d Dir) Clock(s Settings, real func() time.Time) (time.Time, error) {
	if s.Clock == "" {
		return real(), nil
	}
	text, err := os.ReadFile(s.Clock)
	if errors.Is(err, os.ErrNotExist) {
		return real(), nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("reading the clock: %w", err)
	}
	t, err := time.Parse(time.RFC3339, strings.TrimSpace(string(text)))
	if err != nil {
		return time.Time{}, fmt.Errorf("clock file %s must hold one RFC 3339 instant: %w", s.Clock, err)
	}
	return t, nil
}
