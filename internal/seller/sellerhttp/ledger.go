package sellerhttp

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"pmssl/internal/filelock"
	"pmssl/internal/sorting"
)

// The rate limiter's file: eight bytes that name the format, then for each call the time at which it was counted, in
// microseconds since 1970 UTC, eight bytes big-endian, ascending. If a process dies while it writes, a part of one entry may
// remain at the end; it is cut off.
const (
	ledgerHeader = "pmcalls1"
	instantSize  = 8
	// maxLedger is more than the file can have: old entries are removed long before, and the day's limit is at most MaxLimit.
	maxLedger = 4 * MaxLimit * instantSize
	// spare is how many bytes of old entries may gather before the file is rewritten.
	spare = 4 << 10
)

// ledger is the open and locked file.
type ledger struct {
	file *os.File
	end  int64
}

// openLedger opens and locks the file. Something that is not a regular file (a link, a pipe) is replaced. A *Error means that
// the lock was not free in time, any other error that the file cannot be used.
func openLedger(ctx context.Context, path string) (*ledger, error) {
	file, err := openReplacing(path)
	if err != nil {
		return nil, err
	}
	if err := lock(ctx, file); err != nil {
		return nil, err
	}
	return &ledger{file: file}, nil
}

// readLedger returns the times in the file of calls without changing it; none if there is no file.
func readLedger(path string) ([]time.Time, error) {
	file, err := filelock.OpenRegular(path, os.O_RDONLY, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("opening the file of calls: %w", err)
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxLedger+1))
	if err != nil {
		return nil, fmt.Errorf("reading the file of calls: %w", err)
	}
	all, problem := parseLedger(content)
	if problem != "" {
		return nil, fmt.Errorf("the file of calls %s is not used as it is: %s", path, problem)
	}
	return all, nil
}

// openReplacing opens or creates the file, and replaces something that is not a regular file.
func openReplacing(path string) (*os.File, error) {
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("%s is not a regular file and cannot be replaced: %w", path, err)
		}
	}
	file, err := filelock.OpenRegular(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the file of calls: %w", err)
	}
	info, err := file.Stat()
	if err == nil && info.Mode().Perm() != 0o600 {
		err = file.Chmod(0o600)
	}
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("the file of calls %s cannot be used: %w", path, err)
	}
	return file, nil
}

// lock waits for the file's lock until the context ends. The lock ends when the file is closed; on an error it is closed.
func lock(ctx context.Context, file *os.File) error {
	err := filelock.Wait(ctx, file, filelock.Exclusive)
	if err == nil || ctx.Err() == nil || !errors.Is(err, ctx.Err()) {
		return err
	}
	if failure := interrupted(ctx, err, false); failure != nil {
		return failure
	}
	return &Error{Kind: Exhausted, Text: "another process has locked the file " + file.Name(), Err: err}
}

func (l *ledger) close() { _ = l.file.Close() }

// read returns the times of the calls in the last span, ascending. Times in the future were written before the clock was set
// back; they count as now, because otherwise no call would be possible until the clock has caught up. A file of another
// format is emptied, and the second result says why.
func (l *ledger) read(now time.Time, span time.Duration) ([]time.Time, string, error) {
	content, err := io.ReadAll(io.LimitReader(l.file, maxLedger+1))
	if err != nil {
		return nil, "", fmt.Errorf("reading the file of calls: %w", err)
	}
	all, problem := parseLedger(content)
	taken, moved := recent(all, now, span)
	l.end = int64(len(ledgerHeader) + instantSize*len(all))
	stale := instantSize * (len(all) - len(taken))
	if problem != "" || len(content) == 0 || moved || stale > spare || l.end != int64(len(content)) {
		return taken, problem, l.rewrite(taken)
	}
	return taken, "", nil
}

// parseLedger reads the file's content. The second result says why it is not a file of calls; an empty file is one.
func parseLedger(content []byte) ([]time.Time, string) {
	switch {
	case len(content) == 0:
		return nil, ""
	case len(content) > maxLedger:
		return nil, "it is too large"
	case len(content) < len(ledgerHeader) || string(content[:len(ledgerHeader)]) != ledgerHeader:
		return nil, "it is not a file of calls"
	}
	body := content[len(ledgerHeader):]
	instants := make([]time.Time, 0, len(body)/instantSize)
	for len(body) >= instantSize {
		instants = append(instants, time.UnixMicro(int64(binary.BigEndian.Uint64(body))))
		body = body[instantSize:]
	}
	return instants, ""
}

// recent returns the times in the last span, ascending. moved says that some were in the future or out of order.
func recent(all []time.Time, now time.Time, span time.Duration) (taken []time.Time, moved bool) {
	for _, at := range all {
		if at.After(now) {
			at, moved = now, true
		}
		if now.Sub(at) < span {
			taken = append(taken, at)
		}
	}
	if !slices.IsSortedFunc(taken, time.Time.Compare) {
		sorting.Func(taken, time.Time.Compare)
		moved = true
	}
	return taken, moved
}

// rewrite writes the times at the beginning and cuts off the rest. If the process dies in between, some calls are counted
// twice, but none is missing.
func (l *ledger) rewrite(taken []time.Time) error {
	content := []byte(ledgerHeader)
	for _, at := range taken {
		content = binary.BigEndian.AppendUint64(content, uint64(at.UnixMicro()))
	}
	if _, err := l.file.WriteAt(content, 0); err != nil {
		return fmt.Errorf("writing the file of calls: %w", err)
	}
	l.end = int64(len(content))
	if err := l.file.Truncate(l.end); err != nil {
		return fmt.Errorf("shortening the file of calls: %w", err)
	}
	return nil
}

// append counts one more call.
func (l *ledger) append(at time.Time) error {
	instant := binary.BigEndian.AppendUint64(nil, uint64(at.UnixMicro()))
	if _, err := l.file.WriteAt(instant, l.end); err != nil {
		return fmt.Errorf("writing the file of calls: %w", err)
	}
	return nil
}
