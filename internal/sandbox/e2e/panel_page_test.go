package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A provider's administrator and his client do on the page what they do in the panel, with both modules. The journeys follow each other at
// one provider: each begins where the one before it has ended.
func TestPanelPageInABrowser(t *testing.T) {
	p := startPanelPage(t)
	for _, journey := range []struct {
		name string
		do   func(t *testing.T, p *panelPage)
	}{
		{"a wrong key is refused in the words of the manifest", refuseWrongKeys},
		{"the right one is accepted", connectModules},
		{"the client confirms his domain, installs, and asks for a reissue a season later", orderByHand},
		{"an order that the seller refuses is repaired and run again", repairOrder},
		{"a term is played to its end without the client", playTerm},
		{"each page speaks each language and fits a narrow window", readPages},
		{"the keyboard reaches what the mouse does", useKeyboard},
		{"nothing keeps people from reading and using a page, in light or dark", findBarriers},
	} {
		passed := t.Run(journey.name, func(t *testing.T) {
			p.t = t
			defer func() { p.t = nil }()
			journey.do(t, p)
			p.checkQuiet()
		})
		require.True(t, passed, "the next journeys begin where this one ends")
	}
}

func refuseWrongKeys(t *testing.T, p *panelPage) {
	p.open("/")
	for _, lang := range []string{"en", "ru", "es"} {
		p.speak(lang)
		for _, module := range p.provider.Installed() {
			m, err := p.provider.Manifest(module)
			require.NoError(t, err)
			words, there := m.Message(lang, "processing.edit."+module, "msg_error_invalid_login_or_passwd")
			require.True(t, there)
			words, _, _ = strings.Cut(words, "__value__")
			p.connect(module, "wrong")
			assert.Equal(t, "/modules/"+module+"/add", p.text("location.pathname"))
			assert.Contains(t, p.textOf("#form-error"), words, "%s in %s", module, lang)
			p.waitForFocus()
			assert.Contains(t, p.text(`document.activeElement.getAttribute("aria-describedby")`), "form-error", "the field that is wrong has the focus")
		}
	}
	p.speak("en")
}

func connectModules(t *testing.T, p *panelPage) {
	for _, module := range p.provider.Installed() {
		p.connect(module, "right")
		p.succeeded()
		assert.Equal(t, "/modules", p.text("location.pathname"))
	}
}

// orderByHand orders a certificate for a domain that another provider keeps.
func orderByHand(t *testing.T, p *panelPage) {
	path := p.order("pmispmgrssl", foreignSite, 24)
	p.succeeded()
	record := p.textOf("#publish ~ .scroll tbody")
	assert.Contains(t, record, foreignSite)
	assert.Contains(t, record, "TXT")
	assert.Equal(t, "waiting", p.textOf("h1 .badge"))
	p.act("prove")
	p.act("sync")
	assert.Empty(t, p.textOf("#publish"), "nothing is to be published any more")
	p.act("install")
	assert.Contains(t, p.textOf("[aria-labelledby=site]"), "serves the certificate in the panel")
	for range 3 {
		p.advance(30, false)
	}
	p.open(path)
	assert.Equal(t, "1", p.rows("lineage"))
	p.act("reissue")
	if p.textOf("#publish") != "" {
		p.act("prove")
		p.act("sync")
	}
	assert.Equal(t, "2", p.rows("lineage"), p.main())
	assert.Contains(t, p.textOf("[aria-labelledby=site]"), "serves another certificate", "the client has not installed it yet")
	p.act("install")
	assert.Contains(t, p.textOf("[aria-labelledby=site]"), "serves the certificate in the panel")
}

// rows returns how many rows the table of a section has.
func (p *panelPage) rows(section string) string {
	p.t.Helper()
	return p.text(fmt.Sprintf(`document.querySelectorAll("[aria-labelledby=%s] tbody tr").length`, section))
}

// setFault chooses what goes wrong at the seller of a module.
func (p *panelPage) setFault(module, fault string) {
	p.t.Helper()
	p.open("/")
	p.run(chromedp.SetValue("#fault-"+module, fault, chromedp.ByQuery))
	p.press(fmt.Sprintf("form[action='/modules/%s/fault'] button", module))
	p.succeeded()
}

// repairOrder orders a certificate for a domain of the provider, at a seller that refuses orders, with unattended reissue.
func repairOrder(t *testing.T, p *panelPage) {
	p.open("/")
	p.press("button[name=on][value=on]")
	p.succeeded()
	p.setFault("pmnamecheap", "order")
	path := p.order("pmnamecheap", hostedSite, 12)
	assert.Contains(t, p.textOf("main > .note.bad"), "the requested SSL type has been discontinued", "the seller's words are shown")
	assert.Equal(t, "1", p.rows("operations"))
	p.open("/operations")
	assert.Contains(t, p.main(), "the requested SSL type has been discontinued")
	p.press("button[value=retry]")
	assert.NotEmpty(t, p.textOf("main > .note.bad"), "it is refused again")
	p.setFault("pmnamecheap", "")
	p.open("/operations")
	p.press("button[value=retry]")
	p.succeeded()
	assert.Contains(t, p.main(), "No operation is open.")
	p.open(path)
	assert.NotContains(t, p.main(), "discontinued")
	payments, err := p.provider.Payments("pmnamecheap")
	require.NoError(t, err)
	assert.Len(t, payments, 1, "it is paid for once")
}

// playTerm plays the term of repairOrder until its last week.
func playTerm(t *testing.T, p *panelPage) {
	p.advance(365, true)
	p.open("/certificates")
	path := p.text(fmt.Sprintf(`Array.from(document.querySelectorAll("tbody a")).find(a => a.textContent === %q).pathname`, hostedSite))
	p.open(path)
	site := p.textOf("[aria-labelledby=site]")
	assert.Contains(t, site, "without a valid certificate: 0")
	assert.NotContains(t, site, "Visits on the simulated days: 0")
	assert.GreaterOrEqual(t, p.rows("lineage"), "2", "one certificate is not valid for a year")
	letters := p.text(`Array.from(document.querySelectorAll("[aria-labelledby=letters] summary")).map(s => s.innerText).join("; ")`)
	assert.Empty(t, letters, "the client was asked for nothing")
	assert.Equal(t, "true", p.text(`document.querySelector(".picture img").naturalWidth > 0`), "the plan's picture is shown")
}

// pagesToRead are paths of pages that journeys have filled.
func pagesToRead() []string {
	return []string{"/", "/certificates", "/certificates/2", "/order", "/modules", "/modules/pmnamecheap/add", "/operations", "/letters", "/log", "/diagnostics", "/status/pmnamecheap"}
}

// readPages reads the headings of the pages in each language, in a narrow window.
func readPages(t *testing.T, p *panelPage) {
	headings := func() (all []string) {
		p.run(chromedp.Evaluate(`Array.from(document.querySelectorAll("h1, h2, h3")).map(h => { const c = h.cloneNode(true); c.querySelectorAll("code").forEach(e => e.remove()); return c.textContent.trim(); })`, &all))
		return all
	}
	// These are the same in each language: names of domains and of sellers.
	names := []string{hostedSite, foreignSite, "Namecheap", "Ispmanager (SSL)"}
	english := map[string][]string{}
	p.run(emulation.SetDeviceMetricsOverride(360, 740, 2, true))
	for _, lang := range []string{"en", "ru", "es"} {
		p.open("/")
		p.speak(lang)
		for _, path := range pagesToRead() {
			p.open(path)
			assert.Equal(t, "true", p.text("document.documentElement.scrollWidth <= 360"), "%s in %s is wider than the window", path, lang)
			if strings.HasPrefix(path, "/status/") {
				continue // the page of the module is in English
			}
			assert.Equal(t, lang, p.text("document.documentElement.lang"), path)
			if lang == "en" {
				english[path] = headings()
				continue
			}
			for i, heading := range headings() {
				if !slices.Contains(names, heading) {
					assert.NotEqual(t, at(english[path], i), heading, "%s in %s", path, lang)
				}
			}
		}
	}
	p.run(emulation.SetDeviceMetricsOverride(1280, 900, 1, false))
	p.open("/") // the page of the module has no choice of languages
	p.speak("en")
}

// at returns an element of a list, "" behind its end.
func at(all []string, i int) string {
	if i >= len(all) {
		return ""
	}
	return all[i]
}

// focused describes the element with the focus: its id, address or name.
func (p *panelPage) focused() string {
	p.t.Helper()
	return p.text(`(e => e.id || e.getAttribute("href") || e.getAttribute("name") || e.tagName)(document.activeElement)`)
}

func useKeyboard(t *testing.T, p *panelPage) {
	p.open("/order")
	p.run(chromedp.KeyEvent(kb.Tab))
	require.Equal(t, "#main", p.focused(), "the link to the content comes first")
	assert.Equal(t, "true", p.text("document.activeElement.getBoundingClientRect().left >= 0"), "it is seen while it has the focus")
	p.run(chromedp.KeyEvent(kb.Enter), chromedp.KeyEvent(kb.Tab))
	assert.Equal(t, "tariff", p.focused(), "the form follows the link")
	var order []string
	for range 30 {
		outline := p.text("getComputedStyle(document.activeElement).outlineStyle")
		assert.NotEqual(t, "none", outline, "the focus on %s is seen", p.focused())
		order = append(order, p.focused())
		if p.text(`document.activeElement.matches("form .primary")`) == "true" {
			break
		}
		p.run(chromedp.KeyEvent(kb.Tab))
	}
	assert.Equal(t, []string{"tariff", "months", "domain", "own", "more", "csr", "pem", "BUTTON"}, order)
	p.follow(chromedp.KeyEvent(kb.Enter))
	assert.Contains(t, p.text("location.pathname"), "/order/")
	assert.NotEmpty(t, p.textOf("input[name=approver_method] + span"), "the second step is shown")
}
