// Package root is the stand-in panel's root directory (what is /usr/local/mgr5 on a real host): its files, its
// settings, its key, its request log and its board of faults. The driver lays it out, mgrctl works on it.
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

// Dir is the path of a panel root, absolute.
type Dir string

// Find returns the root that a program in <root>/sbin belongs to, from its own path. A symbolic link in sbin counts
// as being there: the path as it was called decides, not where the file really is.
func Find(program string) (Dir, error) {
	abs, err := filepath.Abs(program)
	if err != nil {
		return "", fmt.Errorf("own path %q: %w", program, err)
	}
	d := Dir(filepath.Dir(filepath.Dir(abs)))
	if _, err := os.Stat(d.Path("etc", "billmgr.conf")); err != nil {
		return "", fmt.Errorf("%s is no panel root (set MGR5_ROOT): %w", d, err)
	}
	return d, nil
}

// Path joins names to the root.
func (d Dir) Path(names ...string) string {
	return filepath.Join(append([]string{string(d)}, names...)...)
}

// Create makes the folders and the files that a fresh panel has. What exists stays as it is, the database's settings
// excepted: they are written anew.
func (d Dir) Create(db Database, mgrctl string, random io.Reader) error {
	for _, f := range []string{
		"etc/billmgr.conf.d", "etc/xml", "sbin", "processing", "var/logs", "var/sandbox", "tmp",
		"lib/python", "include/php",
	} {
		if err := os.MkdirAll(d.Path(f), 0o755); err != nil {
			return fmt.Errorf("laying out %s: %w", d, err)
		}
	}
	if err := d.createKey(random); err != nil {
		return err
	}
	for name, text := range map[string]string{
		"etc/billmgr.conf": defaultConf, "etc/debug.conf": defaultDebugConf,
	} {
		if err := writeNew(d.Path(name), text); err != nil {
			return err
		}
	}
	// 0600: the file has the database's password in it.
	if err := os.WriteFile(d.Path("etc", "billmgr.conf.d", "db.conf"), []byte(db.conf()), 0o600); err != nil {
		return fmt.Errorf("writing the database settings: %w", err)
	}
	if mgrctl == "" {
		return nil
	}
	return Install(mgrctl, d.Path("sbin", "mgrctl"))
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

// Install copies an executable, mode 0755, by a rename: a running older one is not disturbed.
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

// Clock returns the panel's time: the instant in the settings' clock file, or the real time that is given.
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
		return time.Time{}, fmt.Errorf("clock file %s: one RFC 3339 instant is wanted: %w", s.Clock, err)
	}
	return t, nil
}
