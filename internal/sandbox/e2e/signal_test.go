package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// terminationSignals returns the signals that end a run.
func terminationSignals() []os.Signal {
	return []os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP}
}

// signalDuringRead starts the module and sends it the signal while the seller delays the answer to the nth request that only
// reads. It returns the module's stdout. reached is false if the module sent no such request. held is true if the signal did
// not interrupt the run: the module waited for the answer, because the read belongs to a purchase, or did not need it.
func (f *fixture) signalDuringRead(t *testing.T, nth int, end os.Signal, stdin string, args ...string) (stdout string, reached, held bool) {
	t.Helper()
	asked, release, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	f.hook.Store(&requestHook{nth: int64(nth), action: func() { close(asked); <-release },
		matches: func(form url.Values) bool { return !slices.Contains(f.seller.openWrites, f.standIn.stepOf(form)) }})
	defer f.hook.Store(nil)
	process := exec.Command(filepath.Join(f.panel.Root(), "processing", f.seller.module), args...)
	process.Dir, process.Env, process.Stdin = f.panel.Root(), f.moduleEnv(), strings.NewReader(stdin)
	var out bytes.Buffer
	process.Stdout = &out
	require.NoError(t, process.Start())
	go func() { _ = process.Wait(); close(done) }()
	select {
	case <-asked:
		reached = true
		require.NoError(t, process.Process.Signal(end))
		select {
		case <-done:
		case <-time.After(time.Second):
			held = true
		}
	case <-done:
	}
	close(release)
	<-done
	return out.String(), reached, held || process.ProcessState.ExitCode() == 0
}

// rules RUN-1: a run that gets a termination signal while it reads from the seller ends with type interrupted, for each signal and
// each read. The panel gets no problem and no task, the operation does not become manual, nothing is bought, and the next run
// continues.
func TestSignalDuringAReadIsReportedAsInterrupted(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		ctx := context.Background()
		f := startFixture(t, seller)
		done, err := f.connect(ctx, nil)
		require.NoError(t, err)
		item, _ := f.issuedItem(t)
		_, err = f.panel.DB().ExecContext(ctx, "UPDATE itemparam SET value=? WHERE item=? AND intname='term_start'",
			time.Now().AddDate(-1, 0, 20).Format(time.DateOnly), item) // so that it can be renewed
		require.NoError(t, err)
		for _, row := range []struct {
			name, stdin string
			args        []string
			operation   string // command of the panel's operation for the item
		}{
			{name: "check_connection", stdin: done.Check.Stdin, args: done.Check.Args},
			{name: "getbalance", args: []string{"--command", "getbalance", "--module", strconv.FormatInt(f.moduleID, 10)}},
			{name: "import", args: []string{"--command", "import", "--itemtype", "certificate", "--module", strconv.FormatInt(f.moduleID, 10)}},
			{name: "sync_item", args: []string{"--command", "sync_item", "--item", strconv.FormatInt(item, 10)}},
			{name: "reopen", operation: "reopen"},
			{name: "prolong", operation: "prolong"},
			{name: "open", operation: "open"},
		} {
			t.Run(row.name, func(t *testing.T) {
				nth := 1
				for ; ; nth++ {
					args, operation := row.args, int64(0)
					if row.operation != "" {
						target := item
						if row.operation == "open" {
							placed := f.place(t, exampleCSR(t))
							target, operation = placed.Item, placed.Operation
						} else {
							result, err := f.panel.DB().ExecContext(ctx, "INSERT INTO runningoperation (item, intname) VALUES (?, ?)", item, row.operation)
							require.NoError(t, err)
							operation, err = result.LastInsertId()
							require.NoError(t, err)
						}
						_, err := f.panel.DB().ExecContext(ctx, "UPDATE runningoperation SET trycount=99 WHERE id=?", operation)
						require.NoError(t, err)
						args = []string{"--command", row.operation, "--item", strconv.FormatInt(target, 10), "--runningoperation", strconv.FormatInt(operation, 10)}
					}
					stdout, reached, held := f.signalDuringRead(t, nth, terminationSignals()[nth%len(terminationSignals())], row.stdin, args...)
					if !reached {
						break
					}
					at := fmt.Sprintf("read %d, %v", nth, terminationSignals()[nth%len(terminationSignals())])
					if held {
						assert.NotContains(t, stdout, `type="client"`, at)
						continue
					}
					if assert.Contains(t, stdout, `type="interrupted"`, at) {
						assert.Contains(t, stdout, "ended the run before it was done", at)
					}
					f.checkNoFailureRecorded(t, operation, at)
				}
				assert.Greater(t, nth, 1, "the command never asked the seller")
			})
		}
	})
}

// checkNoFailureRecorded checks that the panel has no problem and no task for the operation, and that it will run it again.
func (f *fixture) checkNoFailureRecorded(t *testing.T, operation int64, at string) {
	t.Helper()
	ctx := context.Background()
	problems, err := f.panel.Problems(ctx)
	require.NoError(t, err)
	assert.Empty(t, problems, at)
	tasks, err := f.panel.Tasks(ctx)
	require.NoError(t, err)
	for _, task := range tasks {
		assert.NotEqual(t, operation, task.Operation, at)
	}
	operations, err := f.panel.Operations(ctx)
	require.NoError(t, err)
	for _, o := range operations {
		if o.ID == operation {
			assert.False(t, o.Manual, at)
			assert.Contains(t, o.ErrorXML, `type="interrupted"`, at)
		}
	}
}
