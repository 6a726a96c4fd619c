package panellog

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"pmssl/internal/filelock"
)

// packRetry is the time after a failure (a full disk) in which packing is not tried again; otherwise every command would try it.
const packRetry = 10 * time.Minute

// errInUse means that another process still writes to the archive, packs it, or has packed it since the directory was read.
var errInUse = errors.New("in use by another process")

// pack packs the oldest archive that no process writes to, and clears the pending marker if no archive is left. It packs
// only one, so that a command does not spend minutes on it.
func (f *logFile) pack() error {
	due, err := f.packDue()
	if err != nil || !due {
		return err
	}
	err = f.packOldest()
	return errors.Join(err, f.updateMarker(err != nil))
}

// packDue reports whether the lock file says that an archive is to be packed now.
func (f *logFile) packDue() (bool, error) {
	fi, err := os.Lstat(f.place.lock())
	if err != nil || fi.Size() == 0 || !fi.Mode().IsRegular() {
		return false, nil
	}
	text, err := os.ReadFile(f.place.lock())
	if err != nil {
		return false, err
	}
	// A content that is not a time counts as due.
	after, _ := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return f.now().Unix() >= after, nil
}

// packOldest packs the oldest plain archive that is not in use.
func (f *logFile) packOldest() error {
	for _, a := range f.archives() {
		if a.packed {
			continue
		}
		err := packArchive(a.path)
		if errors.Is(err, errInUse) {
			continue
		}
		if err != nil {
			return fmt.Errorf("pack %s: %w", a.path, err)
		}
		return nil
	}
	return nil
}

// updateMarker renews or clears the pending marker in the lock file, under its lock. failed says that packing failed.
func (f *logFile) updateMarker(failed bool) error {
	start, err := f.lockStart()
	if err != nil {
		return err
	}
	defer start.Close()
	if failed {
		return setPending(start, f.now().Add(packRetry))
	}
	f.takeBackups()
	for _, a := range f.archives() {
		if !a.packed {
			return nil
		}
	}
	if len(f.backups()) > 0 {
		return nil
	}
	return start.Truncate(0)
}

// packArchive packs one archive under its exclusive lock. A kill at any moment leaves the plain archive, the complete packed
// one, or both.
func packArchive(path string) error {
	plain, err := filelock.OpenRegular(path, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return errInUse
	}
	if err != nil {
		return err
	}
	defer plain.Close()
	free, err := filelock.Try(plain, filelock.Exclusive)
	if err != nil {
		return err
	}
	if !free || !filelock.Same(plain, path) {
		return errInUse
	}
	half := path + halfSuffix
	if err := compress(plain, half); err != nil {
		return errors.Join(err, os.Remove(half))
	}
	if err := os.Rename(half, path+packedSuffix); err != nil {
		return err
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return err
	}
	return os.Remove(path)
}

// compress writes a gzip of plain and syncs it. It replaces a file that a killed process left: the archive's lock excludes
// that another process is writing it.
func compress(plain *os.File, to string) (err error) {
	if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	out, err := filelock.OpenRegular(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, logMode)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if err := out.Chmod(logMode); err != nil {
		return err
	}
	zip := gzip.NewWriter(out)
	if _, err := io.Copy(zip, plain); err != nil {
		return err
	}
	if err := zip.Close(); err != nil {
		return err
	}
	return out.Sync()
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// hasPending reports whether the lock file has the pending marker.
func hasPending(start *os.File) bool {
	fi, err := start.Stat()
	return err == nil && fi.Size() > 0
}

// setPending writes the pending marker: the Unix time before which packing is not tried, 0 for at once. The caller holds the
// lock of the lock file.
func setPending(start *os.File, after time.Time) error {
	var seconds int64
	if !after.IsZero() {
		seconds = after.Unix()
	}
	marker := strconv.FormatInt(seconds, 10) + "\n"
	// Not truncated first: on a full disk the old marker stays.
	if _, err := start.WriteAt([]byte(marker), 0); err != nil {
		return err
	}
	return start.Truncate(int64(len(marker)))
}
