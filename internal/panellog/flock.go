package panellog

import (
	"fmt"
	"os"
	"time"

	"pmssl/internal/filelock"
)

const (
	lockTimeout = 10 * time.Second      // how long a process waits for the lock
	lockFirst   = 50 * time.Microsecond // the first pause; a starting process holds the lock about that long
	lockLongest = 5 * time.Millisecond  // the longest pause
)

// waitLock takes the lock of a file. It returns an error after lockTimeout: a process that was stopped while it holds the
// lock must not block every command of the host.
func waitLock(f *os.File, mode filelock.Mode, sleep func(time.Duration)) error {
	pause := lockFirst
	for waited := time.Duration(0); waited < lockTimeout; waited += pause {
		ok, err := filelock.Try(f, mode)
		if ok || err != nil {
			return err
		}
		pause = min(pause*2, lockLongest)
		sleep(pause)
	}
	return fmt.Errorf("lock %s: another process has held it for over %s", f.Name(), lockTimeout)
}
