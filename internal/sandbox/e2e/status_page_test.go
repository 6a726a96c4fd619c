package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pageItems is how many items the page of the tests has: more than it shows at once.
const pageItems = 600

// hostileNames are names of items that would be markup or script if the page did not escape them.
func hostileNames() []string {
	return []string{
		`<script>document.title='broken'</script>`, `"><img src="http://192.0.2.1/x" onerror="document.title='broken'">`, `</table></main><h1>broken</h1>`,
		`' onfocus='document.title="broken"`, "\u202egnp.elpmaxe", `<svg onload=document.title='broken'>`, `{{.Report}}`, `javascript:document.title='broken'`,
	}
}

// statusPage fills a panel and returns the path of its page.
func statusPage(t *testing.T) string {
	t.Helper()
	f := startSimulated(t, namecheapCase(), firstOrders)
	first := f.storedItem(t, "site1.example.com", 60)
	f.storedItem(t, "site2.example.com", 12)
	names := hostileNames()
	for n := 3; n <= pageItems; n++ {
		name := fmt.Sprintf("crowd%d.example.net", n)
		if at := n - 3; at < len(names) {
			name = names[at]
		}
		f.sql(t, `INSERT INTO item (id, name, account, pricelist, processingmodule, period, status, opendate, autosuspend, employeesuspend, abusesuspend)
 SELECT ?, ?, account, pricelist, processingmodule, 12, 2, opendate, 'off', 'off', 'off' FROM item WHERE id=?`, n, name, first)
		f.sql(t, `INSERT INTO itemparam (item, intname, value) SELECT ?, intname, value FROM itemparam WHERE item=? AND intname IN ('certificate_expiredate', 'certificate_serial', 'service_status', 'lineage')`, n, first)
		f.sql(t, `INSERT INTO certificate (item, crt) SELECT ?, crt FROM certificate WHERE item=?`, n, first)
	}
	f.setParam(t, 9, "service_status", "4")
	f.setParam(t, 10, "term_months", `<b onclick="x">`)
	f.setTime(t, "2026-10-12")
	run := f.runModule(t, "--command", "status", "--format", "html")
	require.Empty(t, run.Stderr)
	path := filepath.Join(t.TempDir(), "status.html")
	require.NoError(t, os.WriteFile(path, []byte(run.Stdout), 0o600))
	return path
}

// browser is a headless Chromium with what it did.
type browser struct {
	ctx context.Context
	t   *testing.T

	mu       sync.Mutex
	requests map[network.RequestID]string // beside the page itself
	blocked  []string                     // of them, by the page's policy
	outside  []string                     // addresses of requests that would have left this machine
	problems []string                     // errors, warnings and violations of the page's policy
}

// startBrowser starts Chromium. Continuous integration has one; elsewhere the test is skipped without it.
func startBrowser(t *testing.T) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil && os.Getenv("CI") == "" {
		t.Skip("chromium is not installed")
	}
	require.NoError(t, err)
	profile, err := os.MkdirTemp("", "pmssl-chromium-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(profile) }) // a process of the browser may end later than the others
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.UserDataDir(profile))
	allocated, stop := chromedp.NewExecAllocator(context.Background(), options...) // t.Context ends before the clean-up
	t.Cleanup(stop)
	ctx, end := chromedp.NewContext(allocated)
	t.Cleanup(end)
	t.Cleanup(func() { _ = chromedp.Cancel(ctx) }) // it waits until the browser has ended
	ctx, expire := context.WithTimeout(ctx, 30*time.Minute)
	t.Cleanup(expire)
	b := &browser{ctx: ctx, t: t, requests: map[network.RequestID]string{}}
	chromedp.ListenTarget(ctx, b.listen)
	b.run(network.Enable(), log.Enable(), runtime.Enable(), accessibility.Enable())
	return b
}

func (b *browser) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if !isHere(e.Request.URL) {
			b.outside = append(b.outside, e.Request.URL)
		}
		if e.Type != network.ResourceTypeDocument {
			b.requests[e.RequestID] = e.Request.URL
		}
	case *network.EventLoadingFailed:
		if e.BlockedReason == network.BlockedReasonCsp {
			b.blocked = append(b.blocked, b.requests[e.RequestID])
			delete(b.requests, e.RequestID)
		}
	case *log.EventEntryAdded:
		if e.Entry.Level != log.LevelInfo && e.Entry.Level != log.LevelVerbose { // such as that the focus was somewhere already
			b.problems = append(b.problems, e.Entry.Text)
		}
	case *runtime.EventExceptionThrown:
		b.problems = append(b.problems, e.ExceptionDetails.Error())
	case *runtime.EventConsoleAPICalled:
		b.problems = append(b.problems, "console: "+string(e.Type))
	}
}

func (b *browser) run(actions ...chromedp.Action) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Run(b.ctx, actions...))
}

// text returns the value of a JavaScript expression.
func (b *browser) text(expression string) (value string) {
	b.t.Helper()
	b.run(chromedp.Evaluate("String("+expression+")", &value))
	return value
}

// names returns the domains that are shown, in their order.
func (b *browser) names(limit int) (all []string) {
	b.t.Helper()
	b.run(chromedp.Evaluate(fmt.Sprintf(`Array.from(document.querySelectorAll("#items tbody tr")).slice(0, %d).map(r => r.dataset.domain)`, limit), &all))
	return all
}

// enter puts a value into a field as a person does.
func enter(id, value string) chromedp.Action {
	quoted, _ := json.Marshal(value) // a string always can be
	return chromedp.Evaluate(fmt.Sprintf(`{const f = document.getElementById(%q); f.value = %s; f.dispatchEvent(new Event("input"));}`, id, quoted), nil)
}

// screenshot keeps a picture in the folder of STATUS_SHOTS, to look at.
func (b *browser) screenshot(name string) {
	b.t.Helper()
	folder := os.Getenv("STATUS_SHOTS")
	if folder == "" {
		return
	}
	var picture []byte
	b.run(chromedp.CaptureScreenshot(&picture))
	require.NoError(b.t, os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o600))
}

// rules STATUS-9: the page works in a browser, asks nothing of any server, and runs nothing that came from outside.
func TestStatusPageInABrowser(t *testing.T) {
	b := startBrowser(t)
	page := statusPage(t)
	b.run(emulation.SetDeviceMetricsOverride(1280, 1000, 1, false), chromedp.Navigate("file://"+page), chromedp.WaitVisible("#shown", chromedp.ByID))
	assert.Equal(t, "250 of 600 matching items shown, 600 in this page", b.text(`document.getElementById("shown").textContent`))
	assert.Equal(t, "pmnamecheap: certificates", b.text("document.title"), "no script of a name has run")
	assert.Equal(t, "1", b.text(`document.querySelectorAll("h1").length`))
	assert.Equal(t, "0", b.text(`document.querySelectorAll("img, iframe, object, link, form").length`))
	shown := b.names(10)
	for _, name := range hostileNames() {
		if name != "\u202egnp.elpmaxe" {
			b.run(enter("text", name))
			assert.Contains(t, b.names(5), name)
		}
	}
	b.run(enter("text", ""))
	assert.Equal(t, shown, b.names(10), "the order is that of urgency again")
	b.screenshot("desktop-light")

	t.Run("its policy stops what it does not know", func(t *testing.T) {
		before := len(b.problems)
		b.run(chromedp.Evaluate(`{const s = document.createElement("script"); s.textContent = "document.title='broken'"; document.body.appendChild(s);
 const i = document.createElement("img"); i.src = "http://127.0.0.1:9/x"; document.body.appendChild(i); i.remove(); s.remove();}`, nil))
		assert.Equal(t, "pmnamecheap: certificates", b.text("document.title"))
		b.mu.Lock()
		defer b.mu.Unlock()
		assert.GreaterOrEqual(t, len(b.problems), before+2, "the policy was violated and said so")
		assert.Equal(t, []string{"http://127.0.0.1:9/x"}, b.blocked)
		b.problems = b.problems[:before]
	})
	t.Run("filters", func(t *testing.T) {
		b.run(enter("state", "damaged"))
		assert.Equal(t, "1 of 1 matching items shown, 600 in this page", b.text(`document.getElementById("shown").textContent`))
		b.run(enter("waits", "client"))
		assert.Equal(t, "false", b.text(`document.getElementById("nothing").hidden`), "it says that no item matches")
		b.run(enter("state", ""), enter("waits", ""))
	})
	t.Run("keyboard alone", func(t *testing.T) {
		b.run(chromedp.Focus("#sort", chromedp.ByID), chromedp.KeyEvent(kb.Tab)) // the region that scrolls
		b.run(chromedp.KeyEvent(kb.Tab))
		assert.Equal(t, "Domain", b.text("document.activeElement.textContent"))
		b.run(chromedp.KeyEvent(kb.Enter))
		assert.Equal(t, "ascending", b.text(`document.querySelector("th[data-key=domain]").getAttribute("aria-sort")`))
		sorted := b.names(250)
		assert.True(t, slices.IsSorted(sorted), sorted[:5])
		b.run(chromedp.KeyEvent(" "))
		assert.Equal(t, "descending", b.text(`document.querySelector("th[data-key=domain]").getAttribute("aria-sort")`))
		b.run(chromedp.Focus("#more", chromedp.ByID), chromedp.KeyEvent(kb.Enter))
		assert.Equal(t, "500 of 600 matching items shown, 600 in this page", b.text(`document.getElementById("shown").textContent`))
		assert.Equal(t, "TR", b.text("document.activeElement.tagName"), "the first new row has the focus")
		b.run(enter("sort", ""))
		assert.Equal(t, shown, b.names(10))
	})
	t.Run("what a screen reader gets", func(t *testing.T) { checkAccessible(t, b) })
	t.Run("phone", func(t *testing.T) {
		b.run(emulation.SetDeviceMetricsOverride(390, 844, 2, true))
		assert.Equal(t, "true", b.text("document.documentElement.scrollWidth <= 390"), "nothing is wider than the screen")
		checkAccessible(t, b)
		b.screenshot("phone-light")
		b.run(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}))
		b.screenshot("phone-dark")
		b.run(emulation.SetDeviceMetricsOverride(1280, 1000, 1, false))
		b.screenshot("desktop-dark")
		assert.Equal(t, "rgb(20, 23, 27)", b.text(`getComputedStyle(document.body).backgroundColor`))
	})
	b.mu.Lock()
	defer b.mu.Unlock()
	assert.Empty(t, b.requests, "the page asks nothing of any server")
	assert.Empty(t, b.problems)
}

// checkAccessible checks the tree that assistive technology reads: a table with a name, headings of columns and rows, named controls,
// and texts for pictures.
func checkAccessible(t *testing.T, b *browser) {
	t.Helper()
	type value struct {
		Value any `json:"value"`
	}
	var tree struct { // a newer browser has properties that the package of the protocol does not know
		Nodes []struct {
			Ignored bool  `json:"ignored"`
			Role    value `json:"role"`
			Name    value `json:"name"`
		} `json:"nodes"`
	}
	b.run(chromedp.ActionFunc(func(ctx context.Context) error {
		return cdp.Execute(ctx, accessibility.CommandGetFullAXTree, nil, &tree)
	}))
	named := map[string][]string{}
	for _, n := range tree.Nodes {
		if role, is := n.Role.Value.(string); is && !n.Ignored {
			name, _ := n.Name.Value.(string)
			named[role] = append(named[role], name)
		}
	}
	assert.Contains(t, named["table"], "Items, the most urgent first")
	assert.Contains(t, named["heading"], "Items, the most urgent first")
	assert.GreaterOrEqual(t, len(named["row"]), 250)
	assert.GreaterOrEqual(t, len(named["rowheader"]), 250)
	for role, least := range map[string]int{"searchbox": 1, "combobox": 3, "image": 1, "region": 1} {
		assert.GreaterOrEqual(t, len(named[role]), least, role)
		for _, name := range named[role] {
			assert.NotEmpty(t, name, role)
		}
	}
	assert.True(t, slices.ContainsFunc(named["image"], func(name string) bool {
		return strings.HasPrefix(name, "Term from 2026-04-02 to 2027-04-02; certificate from 2026-04-02 to 2026-10-17")
	}), "the picture of a term says it in words")
}
