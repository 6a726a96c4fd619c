package panellog

import (
	"fmt"
	"os"
	"time"

	"pmssl/internal/filelock"
)

const (
	lockPatience = 10 * time.Second      // how long a start waits for the others to finish theirs
	lockFirst    = 50 * time.Microsecond // the first wait; a start holds the lock about that long
	lockLongest  = 5 * time.Millisecond
)

// waitLock takes an flock, waiting a bounded time: a process that is stopped
// while it holds the lock must not hang every command of the host.
func waitLock(f *os.File, mode filelock.Mode, sleep func(time.Duration)) error {
	pause := lockFirst
	for waited := time.Duration(0); waited < lockPatience; waited += pause {
		ok, err := filelock.Try(f, mode)
		if ok || err != nil {
			return err
		}
		pause = min(pause*2, lockLongest)
		sleep(pause)
	}
	return fmt.Errorf("lock %s: another process has held it for over %s", f.Name(), lockPatience)
}
