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
	directory = "logs" // under var, as for the panel's own archives (docs/reference/billmanager.md §8.2)
)

// logFile is var/<name>.log, which the processes of a host share.
//
// lumberjack is made for one process: parallel runs lost 13 % of their lines (docs/architecture.md, Measured). Here no line
// is lost, because:
//
//   - A starting process holds var/<name>.log.lock exclusively while it checks the size, rotates the log if it is over the
//     limit, opens it for appending and takes a shared lock on it. That takes microseconds. So no process opens the log
//     while lumberjack renames it and creates (and truncates!) the next one, and every process has the shared lock of the
//     file that it appends to.
//   - A process that has the log open while another one rotates it goes on appending to the renamed file, which is now an
//     archive. Each entry is one write with O_APPEND.
//   - An archive is packed under an exclusive lock, which no process gets while another one still writes there; a later
//     process packs it then. The packed text is written to a temporary file, synced and renamed, and then the plain archive
//     is removed.
//   - A process that is killed inside a large write, or a full disk, leaves an incomplete line. Each write checks the log's
//     last byte first, and begins with a newline if that is none; an entry that was still written behind an incomplete line
//     is written again.
//   - A kill at any moment releases the locks. The lock file has content from before a rotation until no plain archive is
//     left. By that the next start knows that a rotation may be unfinished, and finishes it, and the end of each run knows
//     that there is an archive to pack.
type logFile struct {
	*os.File
	problems []error // about the rotation; the log itself is open

	place logPaths
	now   func() time.Time
	sleep func(time.Duration)
}

// logPaths are the paths of one log's files.
type logPaths struct {
	dir  string // var
	name string // <name>.log
}

func (p logPaths) live() string    { return filepath.Join(p.dir, p.name) }
func (p logPaths) lock() string    { return filepath.Join(p.dir, p.name+".lock") }
func (p logPaths) archive() string { return filepath.Join(p.dir, directory) }

// openLogFile opens the log. It rotates the log first if it is larger than maxSize bytes (0 = never). header returns the
// first line of a log that continues an archive. Missing directories are an error, except for var/logs, which only a
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
	switch pending := hasPending(start); {
	case maxSize > 0 && size > maxSize:
		archive = f.rotate(start)
	case size <= 0 && pending:
		// A kill interrupted a rotation, or an administrator emptied the log.
		archive = f.continued()
	}
	if err := f.openLive(); err != nil {
		return nil, err
	}
	// If the rotation failed, the old log is still there and is continued.
	if size, err := regularSize(path); archive != "" && err == nil && size == 0 {
		if _, err := f.Write(header(archive)); err != nil {
			f.problems = append(f.problems, err)
		}
	}
	return f, nil
}

// lockStart opens and locks the lock file. Closing it releases the lock.
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
		// Somebody removed the lock file between the two calls; it is opened again.
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

// appendLine appends one entry to a log that ended with a newline when it was checked. If a process was killed inside its
// write since then, the entry is behind an incomplete line and is written again, on a line of its own.
func (f *logFile) appendLine(entry []byte) (int, error) {
	n, err := f.File.Write(entry)
	if err != nil || !f.behindHalfLine(n) {
		return n, err
	}
	_, err = f.File.Write(entry)
	return n, err
}

// behindHalfLine reports whether the n bytes just written do not begin a line. The kernel appends one write after the other,
// so the text before them will not be completed later.
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

// tornChecks is the number of times that endsTorn checks a log which other processes write to.
const tornChecks = 5

// endsTorn reports whether the log ends inside a line. While another process is in the middle of its write, the log may look like
// that too. So endsTorn sets the file's mode to its present value, which waits for that write (both take the inode's lock), and
// returns true only if the file did not grow.
func endsTorn(file *os.File) bool {
	for range tornChecks {
		fi, err := file.Stat()
		if err != nil || fi.Size() == 0 {
			return false
		}
		var last [1]byte
		if _, err := file.ReadAt(last[:], fi.Size()-1); err != nil || last[0] == '\n' {
			return false
		}
		// A process that may not set the mode only has the second check of the size.
		_ = file.Chmod(fi.Mode().Perm())
		after, err := file.Stat()
		if err == nil && after.Size() == fi.Size() {
			return true
		}
	}
	return false
}

// Close closes the log and packs one archive if one is waiting.
func (f *logFile) Close() error {
	if f.File == nil {
		return nil
	}
	err := f.File.Close()
	f.File = nil
	return errors.Join(err, f.pack())
}

// regularSize returns the size of a file in bytes, -1 if it is absent. It refuses a symbolic link, with which an attacker
// would choose the file that root appends to, and a FIFO or device, which could block the command.
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
