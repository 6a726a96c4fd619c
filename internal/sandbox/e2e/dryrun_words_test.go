package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
)

// dryWord is `dry [-module] COMMAND [ARG…]`: it starts a command for the item, or with -module for the module, with --dry-run. The
// script fails if the command calls mgrctl, sends a request that changes something at the seller, or changes a file other than
// the module's log and the counter of its calls.
func dryWord(ts *testscript.TestScript, neg bool, args []string) {
	words := []string{"--item", ts.Getenv("ITEM"), "--dry-run"}
	if args[0] == "-module" {
		args, words = args[1:], []string{"--dry-run"}
	}
	startUnchanged(ts, neg, append(append([]string{"--command"}, args...), words...))
}

// readsWord is `reads [-seller] ARG…`: it starts the binary with these arguments. The script fails if it calls mgrctl, changes a file
// other than the module's log and the counter of its calls, or sends the seller anything; with -seller, anything that changes
// something there.
func readsWord(ts *testscript.TestScript, neg bool, args []string) {
	asks := args[0] == "-seller"
	if asks {
		args = args[1:]
	}
	requests := startUnchanged(ts, neg, args)
	if len(requests) > 0 && !asks {
		ts.Fatalf("a command that only reads the panel sent %s", requests[0])
	}
}

// startUnchanged starts the binary, and fails the script if that calls mgrctl, sends a request that changes something, or changes a
// file. It returns the requests that were sent.
func startUnchanged(ts *testscript.TestScript, neg bool, words []string) []string {
	s := stateOf(ts)
	s.standIn.forgetRequests()
	ts.Check(s.panel.ClearRequests())
	before, err := fingerprints(s.panel.Root(), s.seller.module)
	ts.Check(err)
	run, err := s.panel.Start(context.Background(), s.seller.module, nil, words...)
	reportRun(ts, neg, run, err)
	calls, err := s.panel.Requests()
	ts.Check(err)
	for _, call := range calls {
		if call.Caller == s.seller.module {
			ts.Fatalf("%q called mgrctl: %s", words, call.Func)
		}
	}
	requests := s.standIn.requests()
	for _, line := range requests {
		if !harmless(line) {
			ts.Fatalf("%q sent %s", words, line)
		}
	}
	after, err := fingerprints(s.panel.Root(), s.seller.module)
	ts.Check(err)
	for path, sum := range after {
		if before[path] != sum {
			ts.Fatalf("%q wrote %s", words, path)
		}
	}
	for path := range before {
		if _, there := after[path]; !there {
			ts.Fatalf("%q removed %s", words, path)
		}
	}
	return requests
}

// harmless reports whether a request to either seller only reads.
func harmless(line string) bool {
	command, _, _ := strings.Cut(line, " ")
	for _, reading := range []string{".getList", ".getInfo", ".getPricing", ".getBalances", ".getApproverEmailList"} {
		if strings.HasSuffix(command, reading) {
			return true
		}
	}
	return !strings.HasPrefix(command, "namecheap.") && !strings.Contains(line, "sok=") && !strings.Contains(line, "clicked_button=")
}

// programSize is the size, in bytes, above which a file is a program: its modification time says whether it was written.
const programSize = 1 << 20

// fingerprints returns the SHA-256 in hex of each file under the panel's root, of programs inode and time, by path, without the files that
// a dry run may write.
func fingerprints(root, module string) (map[string]string, error) {
	all := map[string]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !entry.Type().IsRegular() {
			return err
		}
		name := filepath.Base(path)
		if name == module+".log" || name == module+".log.lock" || strings.HasPrefix(name, module+".calls.") {
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); ok && info.Size() > programSize {
			all[path] = fmt.Sprint(stat.Ino, info.Size(), stat.Mtim)
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		all[path] = hex.EncodeToString(sum[:])
		return nil
	})
	return all, err
}
