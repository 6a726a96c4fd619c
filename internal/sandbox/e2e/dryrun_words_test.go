package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// dryWord is `dry [-module] COMMAND [ARG…]`: it starts a command for the item, or with -module for the module, with --dry-run. The
// script fails if the command calls mgrctl, sends a request that changes something at the seller, or changes a file other than
// the module's log and the counter of its calls.
func dryWord(ts *testscript.TestScript, neg bool, args []string) {
	s := stateOf(ts)
	s.standIn.forgetRequests()
	ts.Check(s.panel.ClearRequests())
	before, err := fingerprints(s.panel.Root(), s.seller.module)
	ts.Check(err)
	words := []string{"--item", ts.Getenv("ITEM"), "--dry-run"}
	if args[0] == "-module" {
		args, words = args[1:], []string{"--dry-run"}
	}
	run, err := s.panel.Start(context.Background(), s.seller.module, nil, append(append([]string{"--command"}, args...), words...)...)
	reportRun(ts, neg, run, err)
	calls, err := s.panel.Requests()
	ts.Check(err)
	for _, call := range calls {
		if call.Caller == s.seller.module {
			ts.Fatalf("a dry run called mgrctl: %s", call.Func)
		}
	}
	for _, line := range s.standIn.requests() {
		if !harmless(line) {
			ts.Fatalf("a dry run sent %s", line)
		}
	}
	after, err := fingerprints(s.panel.Root(), s.seller.module)
	ts.Check(err)
	for path, sum := range after {
		if before[path] != sum {
			ts.Fatalf("a dry run wrote %s", path)
		}
	}
	for path := range before {
		if _, there := after[path]; !there {
			ts.Fatalf("a dry run removed %s", path)
		}
	}
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

// fingerprints returns the SHA-256 in hex of each file under the panel's root, by path, without the files that a dry run may
// write.
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
