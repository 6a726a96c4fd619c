package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
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
