package e2e

import (
	"context"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"pmssl/internal/sandbox/panel"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// factCase is a behaviour of a stand-in, and what an acceptance run says of facts then.
type factCase struct {
	seller   func() sellerCase
	settings []string // NAME=JSON of the stand-in seller
	panel    func(*panel.Settings)
	template string // of the tariff; the seller's singleName if empty
	method   string // approver_method; DNS if empty
	until    string // the stage up to which the walk goes: order, issue, reissue, reissued, close
	prepare  func(t *testing.T, f *acceptanceFixture)
	facts    map[string]string
}

// Facts that nobody has confirmed, with stand-ins that behave as it is assumed and the other way.
func factCases() map[string]factCase {
	nc, isp := namecheapCase, ispmgrCase
	return map[string]factCase{
		"documented names are taken":      {seller: nc, settings: []string{`product_names="documented"`}, template: "standard_ssl", until: "order", facts: map[string]string{"FACT-N4": "true", "FACT-N5": "not seen"}},
		"documented names are refused":    {seller: nc, settings: []string{`product_names="suffixed"`}, template: "standard_ssl", until: "order", facts: map[string]string{"FACT-N4": "false", "FACT-N7": "true"}},
		"the id is on the result":         {seller: nc, settings: []string{`flat_create=true`}, until: "order", facts: map[string]string{"FACT-N6": "false", "FACT-N5": "true"}},
		"e-mail without values":           {seller: nc, settings: []string{`email_blocks=false`}, method: "auth_email", until: "order", facts: map[string]string{"FACT-N8": "true", "FACT-N16": "not seen"}},
		"an address is required":          {seller: nc, settings: []string{`admin_email_required=true`}, until: "order", facts: map[string]string{"FACT-N9": "false"}},
		"names are counted as included":   {seller: nc, settings: []string{`sans_count="included"`}, template: "positivessl_multi_domain", until: "order", facts: map[string]string{"FACT-N10": "true"}},
		"names are counted as purchased":  {seller: nc, settings: []string{`sans_count="purchased"`}, template: "positivessl_multi_domain", until: "order", facts: map[string]string{"FACT-N10": "false"}},
		"no attributes beyond the docs":   {seller: nc, settings: []string{`undocumented=false`}, until: "issue", facts: map[string]string{"FACT-N11": "false", "FACT-N12": "false", "FACT-N29": "not seen"}},
		"Expires is the end of the term":  {seller: nc, settings: []string{`expires="term"`}, until: "issue", facts: map[string]string{"FACT-N15": "false", "FACT-N14": "true", "FACT-C1": "true", "FACT-C2": "true"}},
		"another suffix":                  {seller: nc, settings: []string{`dcv_suffix_comodo="ca.example"`, `dcv_suffix_sslcom="ca.example"`}, until: "order", facts: map[string]string{"FACT-N17": "false", "FACT-N16": "true", "FACT-N18": "true"}},
		"short certificates":              {seller: nc, settings: []string{`leaf_days=90`}, until: "issue", facts: map[string]string{"FACT-C1": "true", "FACT-C2": "false"}},
		"too long certificates":           {seller: nc, settings: []string{`leaf_days=230`}, until: "issue", facts: map[string]string{"FACT-C1": "false", "FACT-C2": "true"}},
		"replaced at the issue":           {seller: nc, settings: []string{`replaced_at="issue"`}, until: "reissued", facts: map[string]string{"FACT-N27": "false", "FACT-N28": "true", "FACT-N29": "true", "FACT-N33": "true", "FACT-N24": "true"}},
		"validations are reused":          {seller: nc, settings: []string{`reuse_validation=true`}, until: "reissue", prepare: proveFirst, facts: map[string]string{"FACT-N30": "false"}},
		"an id expires with its leaf":     {seller: nc, settings: []string{`expired_at="leaf"`}, until: "issue", prepare: outliveTheLeaf, facts: map[string]string{"FACT-N32": "false"}},
		"an id lives as long as its term": {seller: nc, settings: []string{`expired_at="term"`}, until: "issue", prepare: outliveTheLeaf, facts: map[string]string{"FACT-N32": "true"}},
		"renewal around the leaf's end":   {seller: nc, settings: []string{`renew_window_from="leaf"`, `leaf_days=20`}, until: "renewal", facts: map[string]string{"FACT-N34": "false"}},
		"the panel stores a ZIP":          {seller: nc, panel: func(s *panel.Settings) { s.CrtStore = "zip" }, until: "issue", facts: map[string]string{"FACT-P4": "false"}},

		"no price list":               {seller: isp, until: "plan", prepare: func(t *testing.T, f *acceptanceFixture) { refuseFunction(t, f, "pricelist.export") }, facts: map[string]string{"FACT-I6": "false", "FACT-I1": "true"}},
		"whoami is refused":           {seller: isp, until: "plan", prepare: func(t *testing.T, f *acceptanceFixture) { refuseFunction(t, f, "whoami") }, facts: map[string]string{"FACT-I1": "false"}},
		"the toolbar in devel alone":  {seller: isp, settings: []string{`metadata="devel"`}, until: "plan", facts: map[string]string{"FACT-I9": "false", "FACT-I37": "true"}},
		"another field of the method": {seller: isp, settings: []string{`field_names={"approver_method":"dcv"}`}, until: "order", facts: map[string]string{"FACT-I13": "false"}},
		"e-mail alone":                {seller: isp, settings: []string{`methods=["auth_email"]`}, until: "order", facts: map[string]string{"FACT-I14": "false", "FACT-I13": "true"}},
		"no id in the answer":         {seller: isp, settings: []string{`order_answer="none"`}, until: "order", facts: map[string]string{"FACT-I18": "false", "FACT-I17": "true", "FACT-I21": "true"}},
		"no references":               {seller: isp, settings: []string{`hide_remoteid=true`}, until: "order", facts: map[string]string{"FACT-I21": "false"}},
		"no statuses":                 {seller: isp, settings: []string{`service_status_in_list=false`, `service_status_in_edit=false`}, until: "issue", facts: map[string]string{"FACT-I22": "false", "FACT-I23": "false", "FACT-I24": "true"}},
		"the certificate as a file":   {seller: isp, settings: []string{`certificate_in="download"`}, until: "issue", facts: map[string]string{"FACT-I25": "false", "FACT-I30": "true"}},
		"a chain":                     {seller: isp, settings: []string{`certificate_form="chain"`}, until: "issue", facts: map[string]string{"FACT-I26": "true", "FACT-I25": "true"}},
		"a leaf alone":                {seller: isp, settings: []string{`certificate_form="leaf"`}, until: "issue", facts: map[string]string{"FACT-I26": "false"}},
		"no values to publish":        {seller: isp, settings: []string{`hide_challenges=true`}, until: "order", facts: map[string]string{"FACT-I27": "false"}},
		"expiredate of the leaf":      {seller: isp, settings: []string{`expires="leaf"`}, until: "issue", facts: map[string]string{"FACT-I29": "true"}},
		"expiredate of the term":      {seller: isp, settings: []string{`expires="term"`}, until: "issue", facts: map[string]string{"FACT-I29": "false"}},
		"other names of functions": {seller: isp, settings: []string{`functions={"csr":"certificate.order.csr","param":"certificate.order.param","reissue":"certificate.newreissue","download":"certificate.getfile","delete":"certificate.deleteorder","resend_dns":"certificate.checkdns","resend_email":"certificate.mailagain","approver":"certificate.approverlist"}`, `certificate_in="download"`},
			until: "reissued", facts: map[string]string{"FACT-I30": "false", "FACT-I31": "false", "FACT-I37": "false", "FACT-I39": "false", "FACT-I40": "false", "FACT-I41": "false", "FACT-I32": "not seen"}},
	}
}

// proveFirst validates the domain, for which the CA issues the certificate.
func proveFirst(t *testing.T, f *acceptanceFixture) {
	require.NoError(t, f.standIn.prove("example.com"))
}

// outliveTheLeaf moves the clock behind the end of the first certificate, inside of its term.
func outliveTheLeaf(t *testing.T, f *acceptanceFixture) {
	t.Helper()
	require.NoError(t, f.clock.Set(time.Date(2027, 3, 20, 10, 0, 0, 0, time.UTC)))
}

// refuseFunction makes the billing refuse a function from now on.
func refuseFunction(t *testing.T, f *acceptanceFixture, name string) {
	t.Helper()
	require.NoError(t, f.standIn.addFault(name, "error", 0, "access", "Access denied"))
}

// rules ACCEPT-6: each fact is reported as the stand-in behaves.
func TestAcceptanceReportsFactsAsTheyAre(t *testing.T) {
	for name, c := range factCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := startAcceptanceFor(t, c)
			r := f.goUntil(t, c)
			for id, verdict := range c.facts {
				assert.Equal(t, verdict, r.verdict(id), "%s: %+v", id, r.Stages)
			}
		})
	}
}

// startAcceptanceFor places the item of a case.
func startAcceptanceFor(t *testing.T, c factCase) *acceptanceFixture {
	t.Helper()
	seller := c.seller()
	if c.template != "" {
		seller.singleName = c.template
	}
	f := startAcceptance(t, seller, c.settings...)
	if c.method != "" {
		require.NoError(t, f.panel.SetParams(context.Background(), f.item, map[string]string{"approver_method": c.method, "approver_email": "admin@example.com"}))
	}
	if c.panel != nil {
		settings, err := f.panel.Settings()
		require.NoError(t, err)
		c.panel(&settings)
		require.NoError(t, f.panel.SetSettings(settings))
	}
	return f
}

// goUntil starts the walk of a case as often as its stage needs.
func (f *acceptanceFixture) goUntil(t *testing.T, c factCase) acceptanceReport {
	t.Helper()
	options := f.walkOptions()
	if c.until == "plan" {
		if c.prepare != nil {
			c.prepare(t, f)
		}
		return f.accept(t)
	}
	r := f.accept(t, options...)
	if c.until == "order" {
		return r
	}
	if c.until == "reissue" && c.prepare != nil {
		c.prepare(t, f)
	} else {
		require.NoError(t, f.standIn.issue(f.orderIDOf(t, f.item)))
	}
	r = f.accept(t, options...)
	if c.until == "issue" {
		if c.prepare != nil {
			c.prepare(t, f)
			r = f.accept(t, options...)
		}
		return r
	}
	_, err := f.clock.Advance(48 * time.Hour)
	require.NoError(t, err)
	r = f.accept(t, options...)
	if c.until == "reissue" {
		return r
	}
	if r.stage("reissued") == "waiting" {
		require.NoError(t, f.standIn.issue(f.orderIDOf(t, f.item)))
		r = f.accept(t, options...)
	}
	if c.until == "renewal" {
		require.NoError(t, f.clock.Set(time.Date(2027, 7, 10, 10, 0, 0, 0, time.UTC)))
		r = f.accept(t, options...)
	}
	return r
}

// rules ACCEPT-1, BUY-1: a walk that is killed at any request that buys or changes something pays once, and goes on.
func TestAcceptanceKilledPaysOnce(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		for _, s := range append(append([]step{}, seller.openWrites...), stepStatus, stepReissue, stepRenew) {
			for moment, place := range map[string]func(*fixture, step, func()){"before": (*fixture).beforeRequest, "after": (*fixture).afterRequest} {
				t.Run(moment+" "+string(s), func(t *testing.T) {
					f := startAcceptance(t, seller)
					want := f.killedAt(t, s, place)
					assert.Equal(t, want, f.paymentCount(t))
				})
			}
		}
	})
}

// killedAt takes the walk to the request, kills it there, and lets it go on to the stage after it. It returns how many payments
// there must be.
func (f *acceptanceFixture) killedAt(t *testing.T, s step, place func(*fixture, step, func())) int {
	t.Helper()
	options := f.walkOptions()
	if s == stepReissue || s == stepRenew {
		f.accept(t, options...)
		require.NoError(t, f.standIn.issue(f.orderIDOf(t, f.item)))
		f.accept(t, options...)
		_, err := f.clock.Advance(48 * time.Hour)
		require.NoError(t, err)
	}
	if s == stepRenew {
		f.accept(t, options...)
		require.NoError(t, f.standIn.issue(f.orderIDOf(t, f.item)))
		f.accept(t, options...)
		require.NoError(t, f.clock.Set(time.Date(2027, 7, 10, 10, 0, 0, 0, time.UTC)))
	}
	f.kill(t, s, place)
	stage, want := "order", 1
	switch s {
	case stepReissue:
		stage = "reissue"
	case stepRenew:
		stage, want = "renewal", 2
	}
	var r acceptanceReport
	for range 6 {
		_, err := f.clock.Advance(15 * time.Minute) // a purchase without an answer is looked up for ten minutes
		require.NoError(t, err)
		if r = f.accept(t, options...); r.stage(stage) == "done" {
			return want
		}
	}
	require.Fail(t, "the walk does not go on", "%+v", r.Stages)
	return want
}

// kill starts a run and kills it at the request.
func (f *acceptanceFixture) kill(t *testing.T, s step, place func(*fixture, step, func())) {
	t.Helper()
	reached, dead, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	place(f.fixture, s, func() {
		close(reached)
		<-dead
	})
	args := append([]string{"--command", "acceptance", "--module", strconv.FormatInt(f.moduleID, 10), "--item", strconv.FormatInt(f.item, 10)}, f.walkOptions()...)
	process := exec.Command(filepath.Join(f.panel.Root(), "processing", f.seller.module), args...)
	process.Dir, process.Env = f.panel.Root(), append(f.moduleEnv(), "PMSSL_CLOCK="+f.config.Clock)
	require.NoError(t, process.Start())
	go func() {
		_ = process.Wait() // the error is the kill
		close(ended)
	}()
	select {
	case <-reached:
	case <-ended:
		require.Fail(t, "the run ended without the step")
	}
	require.NoError(t, process.Process.Kill())
	<-ended
	close(dead)
	f.activeRequests.Wait()
}
