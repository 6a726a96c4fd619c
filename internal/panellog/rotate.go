package panellog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"gopkg.in/natefinch/lumberjack.v2"
)

const (
	archiveStamp   = "20060102150405"
	packedSuffix   = ".gz"
	halfSuffix     = ".gz.tmp"                 // a packed archive that is being written
	backupStamp    = "2006-01-02T15-04-05.000" // in the names that lumberjack gives
	archiveDirMode = 0o750
)

// rotate moves the log to an archive and returns the name that the archive will have when it is packed, such as
// "var/logs/pmnamecheap.log.20260507150716.1.gz". The caller holds the lock of the lock file. Errors are added to
// f.problems; the log is opened all the same.
func (f *logFile) rotate(start *os.File) string {
	if err := setPending(start, time.Time{}); err != nil {
		f.addProblem("mark the rotation", err)
		return ""
	}
	// A backup that an earlier rotation left is archived first: lumberjack overwrites a file of the same name.
	f.takeBackups()
	mode := os.FileMode(logMode)
	if fi, err := os.Lstat(f.place.live()); err == nil {
		mode = fi.Mode().Perm()&logMode | lockMode // an administrator may have set a stricter one
	}
	// Only Rotate is called and nothing is written through lumberjack, so MaxSize has no effect.
	lj := &lumberjack.Logger{Filename: f.place.live()}
	if err := errors.Join(lj.Rotate(), lj.Close()); err != nil {
		f.addProblem("rotate", err)
	}
	if size, err := regularSize(f.place.live()); err == nil && size >= 0 {
		if err := os.Chmod(f.place.live(), mode); err != nil {
			f.addProblem("set the mode of", err)
		}
	}
	return f.continued()
}

// continued finishes a rotation: it gives lumberjack's backup an archive's name. It returns the newest archive's name; empty
// if there is none.
func (f *logFile) continued() string {
	f.takeBackups()
	var newest archive
	for _, a := range f.archives() {
		if newest.less(a) {
			newest = a
		}
	}
	if newest.path == "" {
		return ""
	}
	rel, err := filepath.Rel(filepath.Dir(f.place.dir), newest.path)
	if err != nil {
		rel = newest.path
	}
	return rel + packedSuffix
}

// addProblem adds a problem with the log, for the log.
func (f *logFile) addProblem(what string, err error) {
	f.problems = append(f.problems, fmt.Errorf("could not %s %s: %w", what, f.place.live(), err))
}

// takeBackups gives every backup of lumberjack an archive's name. The caller holds the lock of the lock file, so no two processes
// choose the same name.
func (f *logFile) takeBackups() {
	for _, backup := range f.backups() {
		if err := f.archiveBackup(backup); err != nil {
			f.addProblem("archive", err)
		}
	}
}

// backups returns the paths of lumberjack's backups of this log.
func (f *logFile) backups() []string {
	prefix := strings.TrimSuffix(f.place.name, filepath.Ext(f.place.name)) + "-"
	var paths []string
	for _, name := range names(f.place.dir) {
		stamp, ok := strings.CutPrefix(strings.TrimSuffix(name, ".log"), prefix)
		if !ok || !strings.HasSuffix(name, ".log") {
			continue
		}
		if _, err := time.Parse(backupStamp, stamp); err == nil {
			paths = append(paths, filepath.Join(f.place.dir, name))
		}
	}
	return paths
}

// archiveBackup renames a backup into var/logs; within var if that fails, because the directory cannot be created or is on
// another file system.
func (f *logFile) archiveBackup(backup string) error {
	dir := f.place.archive()
	if err := os.Mkdir(dir, archiveDirMode); err == nil {
		// Mkdir applied the umask.
		_ = os.Chmod(dir, archiveDirMode)
	}
	stamp := f.now().Format(archiveStamp)
	name := f.freeName(stamp)
	err := os.Rename(backup, filepath.Join(dir, name))
	if err == nil {
		return nil
	}
	if err2 := os.Rename(backup, filepath.Join(f.place.dir, name)); err2 != nil {
		return errors.Join(err, err2)
	}
	return fmt.Errorf("the archive stays beside the log: %w", err)
}

// freeName returns <name>.log.<stamp>.<n> with the smallest n that no archive has.
func (f *logFile) freeName(stamp string) string {
	for n := 1; ; n++ {
		name := fmt.Sprintf("%s.%s.%d", f.place.name, stamp, n)
		if !f.exists(name) && !f.exists(name+packedSuffix) {
			return name
		}
	}
}

func (f *logFile) exists(name string) bool {
	for _, dir := range f.archiveDirs() {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}

func (f *logFile) archiveDirs() []string { return []string{f.place.archive(), f.place.dir} }

// archive is one rotated log, path without .gz.
type archive struct {
	path   string
	stamp  string
	n      int
	packed bool // only the .gz is there
}

func (a archive) less(b archive) bool {
	if a.stamp != b.stamp {
		return a.stamp < b.stamp
	}
	return a.n < b.n
}

// archives lists the archives of this log, oldest first.
func (f *logFile) archives() []archive {
	var found []archive
	for _, dir := range f.archiveDirs() {
		for _, name := range names(dir) {
			if a, ok := parseArchive(f.place.name, name); ok {
				a.path = filepath.Join(dir, strings.TrimSuffix(name, packedSuffix))
				found = append(found, a)
			}
		}
	}
	sort.Slice(found, func(i, j int) bool { return found[i].less(found[j]) })
	return found
}

// parseArchive reads <log>.<YYYYMMDDhhmmss>.<n>[.gz].
func parseArchive(log, name string) (archive, bool) {
	rest, ok := strings.CutPrefix(name, log+".")
	if !ok {
		return archive{}, false
	}
	var a archive
	rest, a.packed = strings.CutSuffix(rest, packedSuffix)
	stamp, number, ok := strings.Cut(rest, ".")
	if !ok || !digits(stamp) || len(stamp) != len(archiveStamp) || !digits(number) {
		return archive{}, false
	}
	if _, err := fmt.Sscanf(number, "%d", &a.n); err != nil {
		return archive{}, false
	}
	a.stamp = stamp
	return a, true
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// names returns the names in a directory; none if it cannot be read.
func names(dir string) []string {
	d, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer d.Close()
	list, _ := d.Readdirnames(-1)
	return list
}
