package command_test

import (
	"context"
	"crypto/x509"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"pmssl/internal/command"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/lifecycle"
	"pmssl/internal/seller"
	"pmssl/internal/watch"
	"pmssl/internal/watch/crl"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fakeLists is a crl.Service in memory: the one list of the CA.
type fakeLists struct {
	t       *testing.T
	now     func() time.Time
	entries []crl.Entry
	failure *crl.Failure // why the list cannot be fetched
	unknown bool         // nor read from a copy
	broken  error        // of opening the folder

	asked    int
	urls     []string          // that were asked, in order
	anyURL   bool              // others than listURL may be
	issuer   *x509.Certificate // that leaves name
	issuers  int               // how often it was asked for
	serials  int               // of all questions
	readOnly bool
	closed   []bool
}

var _ crl.Service = (*fakeLists)(nil)

func (f *fakeLists) Sort([]crl.Query) {}

func (f *fakeLists) Ask(_ context.Context, q crl.Query) (crl.Answer, error) {
	f.asked++
	f.serials += len(q.Serials)
	f.urls = append(f.urls, q.URL)
	if !f.anyURL {
		assert.Equal(f.t, listURL, q.URL)
	}
	assert.Equal(f.t, "Test Issuer", q.Issuer.Subject.CommonName)
	answer := crl.Answer{Known: !f.unknown, Failure: f.failure, ThisUpdate: f.now(), NextUpdate: f.now().AddDate(0, 0, 7)}
	for _, e := range f.entries {
		if answer.Known && slices.Contains(q.Serials, e.Serial) {
			answer.Revoked = append(answer.Revoked, e)
		}
	}
	return answer, nil
}

func (f *fakeLists) Issuer(_ context.Context, leaf *x509.Certificate) (*x509.Certificate, error) {
	f.issuers++
	if f.issuer == nil || leaf.CheckSignatureFrom(f.issuer) != nil {
		return nil, f.failure
	}
	return f.issuer, nil
}

func (f *fakeLists) Close(all bool, queries []crl.Query) error {
	f.closed = append(f.closed, all)
	return nil
}

// noticingSeller is a fakeSeller whose reissues are among the panel's calls, before and after the seller carried them out. So a run
// can be killed there.
type noticingSeller struct {
	*fakeSeller
	s *revocation
}

func (n noticingSeller) Reissue(ctx context.Context, id int64, r seller.Request) (int64, []seller.Challenge, error) {
	if err := n.s.panel.call("reissue"); err != nil {
		return 0, nil, err
	}
	id, challenges, err := n.fakeSeller.Reissue(ctx, id, r)
	n.s.taken = append(n.s.taken, n.s.param(itemparam.Serial))
	if n.s.then != nil {
		n.s.then()
	}
	return id, challenges, errors.Join(err, n.s.panel.call("reissued"))
}

// revocation is an item with a certificate in place that its CA may revoke. Nothing answers at its site.
type revocation struct {
	*watching
	lists *fakeLists
	taken []string // serials in place when the seller took a reissue
	then  func()   // after the seller took a reissue
	more  func(run *item.Run)
}

// revocationFixture returns an item whose certificate ends in 100 days.
func revocationFixture(t *testing.T) *revocation {
	t.Helper()
	return revocationOf(t, watchFixture(t, 100))
}

func revocationOf(t *testing.T, w *watching) *revocation {
	t.Helper()
	w.sites.served = ""
	r := &revocation{watching: w}
	r.lists = &fakeLists{t: t, now: func() time.Time { return r.at }}
	return r
}

func (r *revocation) env() *item.Run {
	run := r.watching.env()
	run.CRLs = func(_ watch.Settings, readOnly bool) (crl.Service, error) {
		r.lists.readOnly = readOnly
		return r.lists, r.lists.broken
	}
	if r.remote == nil {
		own := noticingSeller{r.seller, r}
		run.Info.Prototype = own
		run.Info.Connect = func(map[string]string) (seller.Seller, error) { return own, nil }
	}
	if r.more != nil {
		r.more(run)
	}
	return run
}

func (r *revocation) sweep(t *testing.T) (doc string, failed bool) {
	t.Helper()
	run := r.env()
	answer, err := command.Subscription(context.Background(), run)
	require.NoError(t, err)
	return output(t, answer), run.Failed
}

// trySweep runs a sweep and returns its error.
func (r *revocation) trySweep() error {
	_, err := command.Subscription(context.Background(), r.env())
	return err
}

// sweeps runs a sweep every hour for so long.
func (r *revocation) sweeps(t *testing.T, d time.Duration) {
	t.Helper()
	r.sweepsEach(t, time.Hour, int(d/time.Hour))
}

// sweepsEach runs n sweeps, each so long after the one before.
func (r *revocation) sweepsEach(t *testing.T, d time.Duration, n int) {
	t.Helper()
	for range n {
		r.at = r.at.Add(d)
		r.sweep(t)
	}
}

// revoke puts the certificate in place on its list.
func (r *revocation) revoke(reason crl.Reason) string {
	serial := r.param(itemparam.Serial)
	r.put(serial, reason)
	return serial
}

// put puts a certificate on the list, or changes its reason.
func (r *revocation) put(serial string, reason crl.Reason) {
	e := crl.Entry{Serial: serial, Reason: reason, Date: r.at.Add(-time.Minute).UTC().Truncate(time.Second)}
	if at := slices.IndexFunc(r.lists.entries, func(e crl.Entry) bool { return e.Serial == serial }); at >= 0 {
		r.lists.entries[at] = e
		return
	}
	r.lists.entries = append(r.lists.entries, e)
}

// issue has the seller issue the newest id, with the end of the first certificate.
func (r *revocation) issue(t *testing.T) {
	t.Helper()
	ends := time.Date(2026, 10, 18, 0, 0, 0, 0, time.UTC)
	r.seller.issue(t, r.seller.next, r.pair, r.at, int(ends.Sub(r.at).Hours()/24))
}

// issueAtOnce has the seller issue each reissue at once.
func (r *revocation) issueAtOnce(t *testing.T) { r.then = func() { r.issue(t) } }

func (r *revocation) known() lifecycle.Revocation {
	return lifecycle.ParseRevocation(r.param(itemparam.Revocation))
}

// mails returns the kinds of the notices, each with what has to be done.
func (r *revocation) mails() []string {
	var all []string
	for _, n := range r.mailer.notices {
		all = append(all, strings.TrimSpace(n.Kind+" "+n.Revoked.Next))
	}
	return all
}

// openTasks returns the texts of the tasks that are open.
func (r *revocation) openTasks() []string {
	var open []string
	for i, task := range r.panel.tasks {
		if !strings.HasSuffix(task, " closed") {
			open = append(open, r.panel.texts[i])
		}
	}
	return open
}

// killed runs f and ends it without a trace before the nth call-back; false if f has fewer. Whatever f does to tidy up after that does
// not reach the panel.
func (p *fakePanel) killed(n int, f func()) (happened bool) {
	calls := 0
	p.before = func(string) {
		if calls++; calls >= n {
			happened = true
			runtime.Goexit()
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
	p.before = nil
	return happened
}
