package panellog

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"pmssl/internal/filelock"
)

const (
	logMode   = 0o640
	lockMode  = 0o600
	directory = "logs" // under var, as the panel's own archives (section 8.2)
)

// logFile is var/<name>.log, shared by the processes of a host.
//
// lumberjack alone is made for one process: runs in parallel lost 13 % of their
// lines (docs/architecture.md, Measured). What keeps every line here:
//
//   - var/<name>.log.lock is held exclusively while a process starts: look at the
//     size, rotate if it is over the limit, open the log for appending, take a
//     shared lock on the log itself, let go. That takes microseconds. So nobody
//     opens the log while lumberjack renames it and creates (and truncates!) the
//     next one, and nobody is without the shared lock on what he appends to.
//   - Who has the log open while another process rotates keeps appending to the
//     renamed file, which is now an archive. Each entry is one write with O_APPEND.
//   - An archive is packed by who gets the exclusive lock on it, which nobody gets
//     while a process still writes there; then a later process packs it. The packed
//     text goes to a temporary file, is synced, renamed, and only then the plain
//     archive is removed.
//   - A process killed inside a large write, or a disk that was full for a while,
//     leaves half a line. Each write looks at the log's last byte first and starts
//     on a line of its own where that is no newline; what got behind half a line all
//     the same is written again.
//   - A kill at any moment releases the locks. The lock file has content from before
//     a rotation until no plain archive is left: it tells the next start that a
//     rotation may have stopped half-way (finished then), and the end of each run
//     that there is something to pack.
type logFile struct {
	*os.File
	problems []error // about the rotation; the log itself is open

	place logPaths
	now   func() time.Time
	sleep func(time.Duration)
}

// logPaths is where the files of one log are.
type logPaths struct {
	dir  string // var
	name string // <name>.log
}

func (p logPaths) live() string    { return filepath.Join(p.dir, p.name) }
func (p logPaths) lock() string    { return filepath.Join(p.dir, p.name+".lock") }
func (p logPaths) archive() string { return filepath.Join(p.dir, directory) }

// openLogFile opens the log, rotating it first where it is larger than maxSize
// bytes (0 = never). header makes the first line of a log that continues an
// archive. Missing directories are an error, except for var/logs, which only a
// rotation needs.
func openLogFile(path string, maxSize int64, now func() time.Time, sleep func(time.Duration),
	header func(archive string) []byte,
) (*logFile, error) {
	f := &logFile{place: logPaths{dir: filepath.Dir(path), name: filepath.Base(path)}, now: now, sleep: sleep}
	start, err := f.lockStart()
	if err != nil {
		return nil, err
	}
	defer start.Close()
	size, err := regularSize(f.place.live())
	if err != nil {
		return nil, err
	}
	var archive string
	switch pending := pendingSince(start); {
	case maxSize > 0 && size > maxSize:
		archive = f.rotate(start)
	case size <= 0 && pending:
		// A rotation was cut short by a kill, or an administrator emptied the log.
		archive = f.continued()
	}
	if err := f.openLive(); err != nil {
		return nil, err
	}
	// Where the rotation failed, the old log is still there and goes on.
	if size, err := regularSize(path); archive != "" && err == nil && size == 0 {
		if _, err := f.Write(header(archive)); err != nil {
			f.problems = append(f.problems, err)
		}
	}
	return f, nil
}

// lockStart opens and locks the lock file. Closing it lets go.
func (f *logFile) lockStart() (*os.File, error) {
	for {
		lock, err := filelock.OpenRegular(f.place.lock(), os.O_RDWR|os.O_CREATE, lockMode)
		if err != nil {
			return nil, err
		}
		if err := waitLock(lock, filelock.Exclusive, f.sleep); err != nil {
			lock.Close()
			return nil, err
		}
		if filelock.Same(lock, f.place.lock()) {
			return lock, nil
		}
		// Somebody removed the lock file between the two calls; the next one counts.
		lock.Close()
	}
}

// openLive opens the log itself for appending and takes the shared lock.
func (f *logFile) openLive() error {
	path := f.place.live()
	file, err := filelock.OpenRegular(path, os.O_RDWR|os.O_APPEND, 0)
	if errors.Is(err, fs.ErrNotExist) {
		file, err = filelock.OpenRegular(path, os.O_RDWR|os.O_APPEND|os.O_CREATE|os.O_EXCL, logMode)
		if err == nil {
			err = chmodNew(file)
		}
	}
	if err != nil {
		return err
	}
	if err := waitLock(file, filelock.Shared, f.sleep); err != nil {
		file.Close()
		return err
	}
	f.File = file
	return nil
}

// chmodNew sets the mode of a file just created, whatever the umask.
func chmodNew(file *os.File) error {
	if err := file.Chmod(logMode); err != nil {
		file.Close()
		return err
	}
	return nil
}

// Write appends one entry in one write.
func (f *logFile) Write(entry []byte) (int, error) {
	if !endsTorn(f.File) {
		return f.appendLine(entry)
	}
	n, err := f.File.Write(append([]byte{'\n'}, entry...))
	return max(0, n-1), err
}

// appendLine appends one entry to a log that ended in a whole line when it was looked at. A process that was killed inside
// its write since then has left half a line, behind which the entry stands now: it is written once more, on a line of its
// own.
func (f *logFile) appendLine(entry []byte) (int, error) {
	n, err := f.File.Write(entry)
	if err != nil || !f.behindHalfLine(n) {
		return n, err
	}
	_, err = f.File.Write(entry)
	return n, err
}

// behindHalfLine reports whether the n bytes just written do not stand at the start of a line. The kernel appends one write
// after the other, so what stands before them is complete or never will be.
func (f *logFile) behindHalfLine(n int) bool {
	end, err := f.Seek(0, io.SeekCurrent)
	start := end - int64(n)
	if err != nil || start <= 0 {
		return false
	}
	var before [1]byte
	_, err = f.ReadAt(before[:], start-1)
	return err == nil && before[0] != '\n'
}

// tornLooks bounds how often a log that others write to is looked at.
const tornLooks = 5

// endsTorn reports whether the log ends in half a line. Half a line may also be
// seen while another process is in the middle of its write; so the file's mode is
// set to what it is, which waits for that write to end (both take the inode's
// lock), and only a file that did not grow meanwhile is torn.
func endsTorn(file *os.File) bool {
	for range tornLooks {
		fi, err := file.Stat()
		if err != nil || fi.Size() == 0 {
			return false
		}
		var last [1]byte
		if _, err := file.ReadAt(last[:], fi.Size()-1); err != nil || last[0] == '\n' {
			return false
		}
		// Who may write but not set the mode has only the second look.
		_ = file.Chmod(fi.Mode().Perm())
		after, err := file.Stat()
		if err == nil && after.Size() == fi.Size() {
			return true
		}
	}
	return false
}

// Close lets go of the log and packs one archive where one is waiting.
func (f *logFile) Close() error {
	if f.File == nil {
		return nil
	}
	err := f.File.Close()
	f.File = nil
	return errors.Join(err, f.pack())
}

// regularSize returns the size of a file, -1 if it is absent. A
// symbolic link is not followed, for whoever places one would choose which file
// root appends to; a FIFO or device would hang the command or worse.
func regularSize(path string) (int64, error) {
	fi, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return -1, nil
	}
	if err != nil {
		return 0, err
	}
	if !fi.Mode().IsRegular() {
		return 0, &filelock.NotRegularError{Path: path, Type: fi.Mode().Type()}
	}
	return fi.Size(), nil
}
