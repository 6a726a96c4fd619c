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

// ends are the signals that tell a run to end.
func ends() []os.Signal { return []os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} }

// signalled starts the module and sends it the signal while the seller keeps the nth request that only reads waiting. It
// returns what the module printed. reached is false where the module made no such request; held is true where the signal
// changed nothing: the module waited for the answer, because the read belongs to a purchase, or it was done without it.
func (w *world) signalled(t *testing.T, nth int, end os.Signal, stdin string, args ...string) (stdout string, reached, held bool) {
	t.Helper()
	asked, release, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	w.watch.Store(&watcher{nth: int64(nth), happens: func() { close(asked); <-release },
		meant: func(form url.Values) bool { return !slices.Contains(w.trade.writes, w.shop.step(form)) }})
	defer w.watch.Store(nil)
	process := exec.Command(filepath.Join(w.panel.Root(), "processing", w.trade.module), args...)
	process.Dir, process.Env, process.Stdin = w.panel.Root(), w.environment(), strings.NewReader(stdin)
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

// rules RUN-1: a run that is told to end while it reads from the seller is interrupted, by whatever signal and at whatever
// read: nobody is blamed, no try is used up, nothing is bought, and the next run goes on.
func TestASignalDuringAReadIsNobodysFault(t *testing.T) {
	eachShop(t, func(t *testing.T, at trade) {
		ctx := context.Background()
		w := openWorld(t, at)
		done, err := w.connect(ctx, nil)
		require.NoError(t, err)
		item, _ := w.issued(t)
		_, err = w.panel.DB().ExecContext(ctx, "UPDATE itemparam SET value=? WHERE item=? AND intname='term_start'",
			time.Now().AddDate(-1, 0, 20).Format(time.DateOnly), item) // so that it can be renewed
		require.NoError(t, err)
		for _, row := range []struct {
			name, stdin string
			args        []string
			operation   string // command of the panel's operation for the item
		}{
			{name: "check_connection", stdin: done.Check.Stdin, args: done.Check.Args},
			{name: "getbalance", args: []string{"--command", "getbalance", "--module", strconv.FormatInt(w.module, 10)}},
			{name: "import", args: []string{"--command", "import", "--itemtype", "certificate", "--module", strconv.FormatInt(w.module, 10)}},
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
						concerned := item
						if row.operation == "open" {
							placed := w.place(t, exampleCSR(t))
							concerned, operation = placed.Item, placed.Operation
						} else {
							result, err := w.panel.DB().ExecContext(ctx, "INSERT INTO runningoperation (item, intname) VALUES (?, ?)", item, row.operation)
							require.NoError(t, err)
							operation, err = result.LastInsertId()
							require.NoError(t, err)
						}
						_, err := w.panel.DB().ExecContext(ctx, "UPDATE runningoperation SET trycount=99 WHERE id=?", operation)
						require.NoError(t, err)
						args = []string{"--command", row.operation, "--item", strconv.FormatInt(concerned, 10), "--runningoperation", strconv.FormatInt(operation, 10)}
					}
					stdout, reached, held := w.signalled(t, nth, ends()[nth%len(ends())], row.stdin, args...)
					if !reached {
						break
					}
					at := fmt.Sprintf("read %d, %v", nth, ends()[nth%len(ends())])
					if held {
						assert.NotContains(t, stdout, `type="client"`, at)
						continue
					}
					if assert.Contains(t, stdout, `type="interrupted"`, at) {
						assert.Contains(t, stdout, "ended the run before it was done", at)
					}
					w.nobodyIsBlamed(t, operation, at)
				}
				assert.Greater(t, nth, 1, "the command never asked the seller")
			})
		}
	})
}

// nobodyIsBlamed holds that the panel has no problem and no task, and that the operation is tried again.
func (w *world) nobodyIsBlamed(t *testing.T, operation int64, at string) {
	t.Helper()
	ctx := context.Background()
	problems, err := w.panel.Problems(ctx)
	require.NoError(t, err)
	assert.Empty(t, problems, at)
	tasks, err := w.panel.Tasks(ctx)
	require.NoError(t, err)
	for _, task := range tasks {
		assert.NotEqual(t, operation, task.Operation, at)
	}
	operations, err := w.panel.Operations(ctx)
	require.NoError(t, err)
	for _, o := range operations {
		if o.ID == operation {
			assert.False(t, o.Manual, at)
			assert.Contains(t, o.ErrorXML, `type="interrupted"`, at)
		}
	}
}
