package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// guard is what a file of the installation has to be.
type guard struct {
	pattern string // below the panel's root, with the wildcards of filepath.Match
	// forbidden are the bits of the mode that it must not have, mode the one to give it.
	forbidden, mode fs.FileMode
	why             string
}

// guards lists the files of the module, and those of the panel that hold its secrets.
func guards(binary string) []guard {
	const others, secret = 0o022, 0o077
	private := "its content is secret, or decides what is paid or published"
	return []guard{
		{"processing/" + binary, others, 0o755, "who can change it runs programs as root"},
		{"etc/xml/billmgr_mod_" + binary + ".xml", others, 0o644, "it is a part of the panel"},
		{"etc/billmgr.conf", others, 0o640, "it has the settings of the panel"},
		{"etc/billmgr.conf.d/*.conf", others, 0o640, "it has settings of the panel"},
		{"etc/billmgr.pem", 0o027, 0o600, "it decrypts the passwords that the panel keeps"},
		{"etc/pmssl", others, 0o700, "its files decide whose names are published"},
		{"etc/pmssl/*.conf", 0o177, 0o600, private},
		{"etc/pmssl/templates", others, 0o755, "clients get its texts"},
		{"etc/pmssl/templates/*.txt", others, 0o644, "clients get its text"},
		{"var/" + binary + ".log", 0o027, 0o640, "it names clients"},
		{"var/" + binary + ".purchases", secret, 0o600, private},
		{"var/" + binary + ".watch", secret, 0o600, private},
		{"var/" + binary + ".sweep", secret, 0o600, private},
		{"var/" + binary + ".probe", secret, 0o600, private},
		{"var/" + binary + ".callforms", secret, 0o600, "it decides how the module calls the panel"},
		{"var/" + binary + ".calls.*", secret, 0o600, private},
		{"var/" + binary + ".crl", secret, 0o700, private},
		{"var/pmssl-keys", secret, 0o700, "it holds private keys"},
		{"var/pmssl-keys/*", secret, 0o600, "it is a private key"},
	}
}

// checkPermissions looks at owners and modes.
func checkPermissions(_ context.Context, x *examination) []Finding {
	var found []Finding
	seen := 0
	for _, g := range guards(x.o.Binary) {
		paths, err := filepath.Glob(filepath.Join(x.o.Root, g.pattern))
		if err != nil { // the root has a character of patterns, and nothing is found below it
			paths = []string{filepath.Join(x.o.Root, g.pattern)}
		}
		for _, path := range paths {
			info, err := os.Stat(path) // the package's links lead to the files that count
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				found = append(found, unusable(err, "check the disk and the rights of the folders above it", "%s cannot be examined: %v", path, bare(err)))
				continue
			}
			seen++
			found = append(found, g.check(path, info)...)
		}
	}
	found = append(found, readableChallenges(x)...)
	if len(found) == 0 {
		return []Finding{passed("%d files and folders are root's alone as far as they have to be", seen)}
	}
	return found
}

// check returns what is wrong with one file.
func (g guard) check(path string, info fs.FileInfo) []Finding {
	var found []Finding
	if owner := ownerOf(info); owner != 0 && owner != os.Geteuid() {
		found = append(found, failed("chown root:root "+shellWord(path), "%s belongs to user %d: %s", path, owner, g.why))
	}
	if mode := info.Mode().Perm(); mode&0o007 != 0 && strings.HasPrefix(g.pattern, "etc/billmgr.conf") && hasPassword(path) {
		return append(found, failed("chmod 600 "+shellWord(path), "%s has the mode %04o, and the database's password in it: others can read it", path, mode))
	}
	if mode := info.Mode().Perm(); mode&g.forbidden != 0 {
		found = append(found, failed(fmt.Sprintf("chmod %o %s", g.mode, shellWord(path)), "%s has the mode %04o: %s", path, mode, g.why))
	}
	return found
}

// readableChallenges reports a folder of challenges that a web server cannot reach.
func readableChallenges(x *examination) []Finding {
	folder := filepath.Join(x.o.Root, "var/pmssl-challenges")
	if _, err := os.Stat(folder); err != nil {
		return nil // no publisher of the kind webroot has written anything
	}
	var found []Finding
	for _, path := range []string{folder, filepath.Dir(folder), x.o.Root} {
		info, err := os.Stat(path)
		if err == nil && info.Mode().Perm()&0o001 == 0 {
			found = append(found, failed("chmod o+x "+shellWord(path), "%s has the mode %04o: a web server cannot serve challenges below it", path, info.Mode().Perm()))
		}
	}
	slices.Reverse(found) // the outermost first
	return found
}

// maxConf is how much of a settings file is read, in bytes.
const maxConf = 1 << 20

// hasPassword reports whether a settings file sets the database's password.
func hasPassword(path string) bool {
	text, err := readSome(path, maxConf)
	return err == nil && (strings.Contains(string(text), "DBPassword ") || strings.Contains(string(text), "DBPassword\t"))
}
