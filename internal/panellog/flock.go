package panellog

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

const (
	lockPatience = 10 * time.Second      // how long a start waits for the others to finish theirs
	lockFirst    = 50 * time.Microsecond // the first wait; a start holds the lock about that long
	lockLongest  = 5 * time.Millisecond
)

// tryLock takes an flock (syscall.LOCK_SH or LOCK_EX) if it is free now. It dies
// with the file's last descriptor, a killed process leaves none behind.
func tryLock(f *os.File, how int) (bool, error) {
	for {
		err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		default:
			return false, fmt.Errorf("lock %s: %w", f.Name(), err)
		}
	}
}

// waitLock takes an flock, waiting a bounded time: a process that is stopped
// while it holds the lock must not hang every command of the host.
func waitLock(f *os.File, how int, sleep func(time.Duration)) error {
	pause := lockFirst
	for waited := time.Duration(0); waited < lockPatience; waited += pause {
		ok, err := tryLock(f, how)
		if ok || err != nil {
			return err
		}
		pause = min(pause*2, lockLongest)
		sleep(pause)
	}
	return fmt.Errorf("lock %s: another process has held it for over %s", f.Name(), lockPatience)
}
