package e2e

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"pmssl/internal/sandbox/engine"
	"pmssl/internal/sandbox/namecheap"
	"pmssl/internal/sandbox/panel"

	"github.com/stretchr/testify/require"
)

// firstID is the id of the first certificate that a new seller sells.
const firstID = 34350001

// pausedWorld is a connected world whose time stands still until its clock is moved.
func pausedWorld(t *testing.T, start time.Time) *world {
	t.Helper()
	w, err := newWorld(worldOptions{dir: t.TempDir(), binary: built.simclock, simulated: true, start: start})
	require.NoError(t, err)
	t.Cleanup(w.close)
	done, err := w.connect(context.Background(), connection())
	require.NoError(t, err)
	require.NotZero(t, done.ID, "the wizard refused: %+v", done)
	return w
}

// cutsConnections and renamesTables are what the embedded engine cannot do: it has no KILL for another client's
// connection, and after RENAME TABLE it finds rows no more by their index.
const (
	cutsConnections = "end a connection of another client"
	renamesTables   = "find rows after a table was renamed"
)

// needsMariaDB skips where only the embedded engine is at hand and the test needs what it cannot do.
func needsMariaDB(t *testing.T, what string) {
	t.Helper()
	if kind := built.server.Kind(); kind != engine.MariaDB {
		t.Skipf("the %s engine cannot %s: this was not looked at", kind, what)
	}
}

// attempt starts a placed order's running operation once.
func (w *world) attempt(t *testing.T, placed *panel.Ordered) *panel.Run {
	t.Helper()
	run, err := w.panel.RunOperation(context.Background(), placed.Operation)
	require.NoError(t, err)
	return run
}

// complete is attempt with a good end.
func (w *world) complete(t *testing.T, placed *panel.Ordered) {
	t.Helper()
	run := w.attempt(t, placed)
	require.True(t, run.OK(), run.Failure())
}

func (w *world) syncItem(t *testing.T, item int64) *panel.Run {
	t.Helper()
	run, err := w.panel.Sync(context.Background(), item)
	require.NoError(t, err)
	return run
}

// resolve starts --command resolve for the item with further words.
func (w *world) resolve(t *testing.T, item int64, words ...string) *panel.Run {
	t.Helper()
	run, err := w.panel.Start(context.Background(), module, nil, append([]string{"--command", "resolve", "--item", strconv.FormatInt(item, 10)}, words...)...)
	require.NoError(t, err)
	return run
}

func (w *world) itemOf(t testing.TB, item int64) *panel.Item {
	t.Helper()
	it, err := w.panel.Item(context.Background(), item)
	require.NoError(t, err)
	return it
}

// payments is how often the seller was paid.
func (w *world) payments(t testing.TB) int {
	t.Helper()
	state, err := w.seller.State()
	require.NoError(t, err)
	return len(state.Charges)
}

// disturb breaks the next request of a command at the seller.
func (w *world) disturb(t testing.TB, command, kind string) {
	t.Helper()
	_, err := w.seller.AddFault(namecheap.Fault{Command: command, Kind: kind, Times: 1})
	require.NoError(t, err)
}

// lose is an order whose purchase ends as kind says: the run fails and the item keeps its intent.
func (w *world) lose(t *testing.T, kind string) *panel.Ordered {
	t.Helper()
	placed := w.place(t, exampleCSR(t))
	w.disturb(t, "create", kind)
	run := w.attempt(t, placed)
	require.Contains(t, run.Stdout, `type="unclear_purchase"`)
	return placed
}

// issued is an order with its certificate in place, and its id at the seller.
func (w *world) issued(t *testing.T) (item, id int64) {
	t.Helper()
	placed := w.place(t, exampleCSR(t))
	w.complete(t, placed)
	id, err := strconv.ParseInt(w.itemOf(t, placed.Item).Params["custom_order_id"], 10, 64)
	require.NoError(t, err)
	require.NoError(t, w.seller.Issue(id))
	run := w.syncItem(t, placed.Item)
	require.True(t, run.OK(), run.Failure())
	require.Equal(t, "5", w.itemOf(t, placed.Item).Params["service_status"])
	return placed.Item, id
}

// shop is what somebody does at the seller with the same account, without the panel.
func (w *world) shop(t *testing.T, command string, values url.Values) string {
	t.Helper()
	values.Set("Command", command)
	values.Set("ApiUser", namecheap.DefaultUser)
	values.Set("UserName", namecheap.DefaultUser)
	values.Set("ApiKey", namecheap.DefaultKey)
	values.Set("ClientIp", "127.0.0.1")
	answer, err := http.PostForm(w.server.URL+namecheap.Path, values)
	require.NoError(t, err)
	defer func() { require.NoError(t, answer.Body.Close()) }()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Contains(t, string(body), `Status="OK"`)
	return string(body)
}

// shopBuys pays for a certificate that no item knows.
func (w *world) shopBuys(t *testing.T) {
	t.Helper()
	w.shop(t, "namecheap.ssl.create", url.Values{"Type": {"PositiveSSL"}, "Years": {"1"}})
}

// shopReissues asks for a reissue with the item's own CSR and returns its id.
func (w *world) shopReissues(t *testing.T, id int64) int64 {
	t.Helper()
	answer := w.shop(t, "namecheap.ssl.reissue", url.Values{
		"CertificateID": {strconv.FormatInt(id, 10)}, "CSR": {exampleCSR(t)}, "WebServerType": {"other"}, "DNSDCValidation": {"true"},
	})
	_, rest, _ := strings.Cut(answer, `<SSLReissueResult ID="`)
	text, _, _ := strings.Cut(rest, `"`)
	next, err := strconv.ParseInt(text, 10, 64)
	require.NoError(t, err, answer)
	return next
}
