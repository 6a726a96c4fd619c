package e2e

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/panelweb"
	"pmssl/internal/sandbox/provider"
)

// Names that the form of the page suggests: in a zone of the provider, and in one of another provider.
const (
	hostedSite  = "shop.example.net"
	foreignSite = "shop.example.com"
)

// panelPage is the page of the stand-in panel in a browser, with a provider of its own.
type panelPage struct {
	*browser
	provider *provider.Provider
	url      string
	loaded   chan struct{} // holds a value if a page was loaded since the last one was taken
}

// startPanelPage starts a provider on the embedded engine, with both modules, and opens its page in a window of 1280 by 900 pixels.
func startPanelPage(t *testing.T) *panelPage {
	t.Helper()
	b := startBrowser(t)
	p, err := provider.Start(b.ctx, provider.Options{
		Bin: built.bin, Etc: "../../../etc", Start: time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC), LookEvery: 5 * time.Minute, Now: time.Now, Random: rand.Reader,
	})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, p.Close()) })
	require.NoError(t, p.AddSite("example.net"))
	_, err = p.Host(b.ctx, "example.net")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(b.ctx)
	page, err := panelweb.New(ctx, p, rand.Text())
	require.NoError(t, err)
	server := httptest.NewServer(page)
	t.Cleanup(func() { server.Close(); stop(); page.Close() })
	b.run(emulation.SetDeviceMetricsOverride(1280, 900, 1, false))
	shown := &panelPage{browser: b, provider: p, url: server.URL, loaded: make(chan struct{}, 1)}
	chromedp.ListenTarget(b.ctx, func(event any) {
		if _, is := event.(*cdppage.EventLoadEventFired); is {
			select {
			case shown.loaded <- struct{}{}:
			default:
			}
		}
	})
	return shown
}

// open opens a page.
func (p *panelPage) open(path string) {
	p.t.Helper()
	p.follow(chromedp.Navigate(p.url + path))
}

// follow does what opens another page, and waits for that page.
func (p *panelPage) follow(actions ...chromedp.Action) {
	p.t.Helper()
	answer, err := chromedp.RunResponse(p.ctx, actions...)
	require.NoError(p.t, err)
	require.Less(p.t, answer.Status, int64(400), "%s: %s", answer.URL, p.main())
}

// press presses a button or follows a link that opens another page.
func (p *panelPage) press(selector string) {
	p.t.Helper()
	p.follow(p.click(selector))
}

// waitForFocus waits until the element that the page asks to have the focus has it: the browser gives it with the first picture that it
// draws, which may come after the page is loaded.
func (p *panelPage) waitForFocus() {
	p.t.Helper()
	p.run(chromedp.Poll(`document.activeElement?.hasAttribute("autofocus")`, nil))
}

// click is the click on an element. A page is complete when it is shown, so it is not waited for.
func (p *panelPage) click(selector string) chromedp.Action {
	p.t.Helper()
	require.Equal(p.t, "true", p.text(fmt.Sprintf("document.querySelector(%q) !== null", selector)), "%s has no %s", p.text("location.pathname"), selector)
	return chromedp.Click(selector, chromedp.ByQuery)
}

// speak chooses the language of the page.
func (p *panelPage) speak(lang string) {
	p.t.Helper()
	p.press(`.languages a[lang=` + lang + `]`)
	require.Equal(p.t, lang, p.text("document.documentElement.lang"))
}

// main returns the text of the page's content as it is shown.
func (p *panelPage) main() string { return p.text(`document.querySelector("main").innerText`) }

// textOf returns the text of the first element that a selector finds, "" if there is none.
func (p *panelPage) textOf(selector string) string {
	p.t.Helper()
	return p.text(fmt.Sprintf(`document.querySelector(%q)?.innerText ?? ""`, selector))
}

// succeeded checks that the page says that what was done has succeeded.
func (p *panelPage) succeeded() {
	p.t.Helper()
	require.NotEmpty(p.t, p.textOf("main > .note.good"), p.main())
}

// connect fills the form of a module with right values, or with a wrong key or password, and submits it.
func (p *panelPage) connect(module, values string) {
	p.t.Helper()
	p.open("/modules/" + module + "/add")
	p.press(`a[href$="fill=` + values + `"]`)
	p.press("form .primary")
}

// order fills both steps of the order form and returns the path of the page that follows.
func (p *panelPage) order(module, domain string, months int) string {
	p.t.Helper()
	p.open("/order")
	title := map[string]string{"pmnamecheap": "Namecheap", "pmispmgrssl": "Ispmanager"}[module]
	p.run(chromedp.Evaluate(fmt.Sprintf(`{const s = document.getElementById("tariff");
 s.value = Array.from(s.options).find(o => o.text.startsWith("PositiveSSL (DV) ·") && o.text.includes(%q)).value;}`, title), nil),
		chromedp.SetValue("#months", fmt.Sprint(months), chromedp.ByQuery))
	if domain == hostedSite || domain == foreignSite {
		p.run(p.click(fmt.Sprintf(`input[name=domain][value=%q]`, domain)))
	} else {
		p.run(p.click(`input[name=domain][value=own]`), chromedp.SendKeys("#own", domain, chromedp.ByQuery))
	}
	p.press("form .primary")
	p.run(p.click(`input[name=approver_method][value=auth_dnstxt]`))
	p.press("form .primary")
	return p.text("location.pathname")
}

// act presses a button of an item, which has to succeed.
func (p *panelPage) act(action string) {
	p.t.Helper()
	p.press(fmt.Sprintf(`main button[name=action][value=%q]`, action))
	p.succeeded()
}

// advance lets days pass at high speed and waits for the page that says so.
func (p *panelPage) advance(days int, clientActs bool) {
	p.t.Helper()
	p.open("/")
	if clientActs {
		p.run(p.click("input[name=client]"))
	}
	p.press(fmt.Sprintf(`button[name=days][value="%d"]`, days))
	p.waitForDays()
	p.succeeded()
}

// waitForDays waits until the page of progress, which asks again each second, has led to another one.
func (p *panelPage) waitForDays() {
	p.t.Helper()
	for {
		var path string
		err := chromedp.Run(p.ctx, chromedp.Evaluate("location.pathname", &path))
		if err == nil && path != "/progress" {
			return
		}
		select { // an error: the page was being replaced
		case <-p.loaded:
		case <-p.ctx.Done():
			require.NoError(p.t, p.ctx.Err(), "the days have not passed")
		}
	}
}

// checkQuiet checks that nothing left this machine and that the browser had nothing to complain of.
func (p *panelPage) checkQuiet() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	assert.Empty(p.t, p.outside, "requests to other machines")
	assert.Empty(p.t, p.blocked, "requests that the page's policy has stopped")
	assert.Empty(p.t, p.problems)
}

// isHere reports whether a request of the browser stays on this machine.
func isHere(url string) bool {
	return strings.HasPrefix(url, "http://127.0.0.1:") || strings.HasPrefix(url, "file:") || strings.HasPrefix(url, "data:") || strings.HasPrefix(url, "about:")
}
