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
)

// The rate limiter's file: eight bytes that name the format, then for each call the instant at which it was counted, in
// microseconds since 1970 UTC, eight bytes big-endian, ascending. A process that dies while writing leaves at most a
// fraction of an instant at the end, which is cut off.
const (
	ledgerHeader = "pmcalls1"
	instantSize  = 8
	// maxLedger is never reached: pruning starts long before, and the day's limit is at most MaxLimit.
	maxLedger = 4 * MaxLimit * instantSize
	// spare is how many bytes of passed instants may gather before the file is written anew.
	spare = 4 << 10
)

// ledger is the open and locked file.
type ledger struct {
	file *os.File
	end  int64
}

// openLedger opens and locks the file. What is not a regular file (a link, a pipe) is replaced. An error means that the
// file cannot be used; a *Error that the lock was not free in time.
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

// openReplacing opens the file; what is not a regular one is replaced.
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

// lock waits for the file no longer than the context lives. The lock ends with the file, which is closed on an error.
func lock(ctx context.Context, file *os.File) error {
	err := filelock.Wait(ctx, file, filelock.Exclusive)
	if err == nil || ctx.Err() == nil || !errors.Is(err, ctx.Err()) {
		return err
	}
	if failure := ended(ctx, err, false); failure != nil {
		return failure
	}
	return &Error{Kind: Exhausted, Text: "another process holds the file " + file.Name(), Err: err}
}

func (l *ledger) close() { _ = l.file.Close() }

// read returns the instants of the last span, ascending. Instants in the future were written before the clock was set back:
// they count as now and age from here, or they would lock everybody out until the clock has caught up. A file that is
// not ours is emptied, and the complaint says why.
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

// parseLedger reads the file's content; the complaint says what is wrong with one that is not ours. An empty file is new.
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

// recent keeps the instants of the last span, ascending; moved tells that some were not in their place.
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
		slices.SortFunc(taken, time.Time.Compare)
		moved = true
	}
	return taken, moved
}

// rewrite puts the instants to the front and cuts off the rest. A process that dies between the two leaves instants twice:
// too many are counted then, never too few.
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
