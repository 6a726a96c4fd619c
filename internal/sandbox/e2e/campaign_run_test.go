package e2e

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pmssl/internal/sandbox/panel"
	"pmssl/internal/sandbox/syscalls"

	"github.com/stretchr/testify/require"
)

// campaignCommand is a command that campaigns disturb.
type campaignCommand struct {
	name string
	// at says at which sellers it exists; nil: at all.
	at func(sellerCase) bool
	// start starts a panel; the victims of one panel are prepared one after the other, before the first command.
	start   func(t *testing.T, seller sellerCase) *victims
	prepare func(t *testing.T, v *victims, domain string) int64 // an item, 0 if the command makes it
	ready   func(t *testing.T, v *victims)                      // what happens when all are prepared; nil for nothing
	command func(t *testing.T, v *victims, one victim) *panel.Run
	// settle is what panel, client and administrator do after the command, whether it was disturbed or not. It returns the item.
	settle func(t *testing.T, v *victims, one victim) int64
	// payments are those of the command, whatever disturbs it.
	payments int
	// perPanel is the number of victims of one panel.
	perPanel int
}

// victims are the items of one panel.
type victims struct {
	*simulatedFixture
	unattended *unattendedFixture // nil: the clients publish and install by themselves
	server     *deliveryServer
	zones      map[string]string // as they were before the first order
	only       int64             // the item of all victims
	asked      []step            // requests of an undisturbed run to the seller
}

// victim is one item.
type victim struct {
	domain string
	item   int64
}

// settled is what is compared at the end of a victim's command.
type settled struct {
	params    map[string]string
	status    int
	requested int // certificates, by the command and what followed
	tasks     []panel.Task
}

// traced makes modules of the panel run under the tracer, which disturbs one at a call, and returns the function that reads the result.
func (f *fixture) traced(t *testing.T, d syscalls.Disturbance) (result func() syscalls.Result) {
	t.Helper()
	report := filepath.Join(t.TempDir(), "calls")
	d.Ignore = f.seller.module + ".log"
	f.panel.SetTracer(d.Words(built.bin, report)...)
	return func() syscalls.Result {
		f.panel.SetTracer()
		r, err := syscalls.TakeResult(report)
		require.NoError(t, err)
		return r
	}
}

// hashes are those of keys and requests, which are other ones on each panel.
var hashes = regexp.MustCompile(`^[0-9a-f]{64}$`)

// state returns what is compared of an item for whose domain so many certificates had been requested before.
func (v *victims) state(t *testing.T, one victim, requested int) settled {
	t.Helper()
	it := v.itemOf(t, one.item)
	require.Empty(t, it.Operations, "item %d", one.item)
	params := maps.Clone(it.Params)
	// How often a reissue was tried, and whether a mail was sent, is not known after a kill. The seller gives a product different names
	// (docs/reference/namecheap.md §3.3), and a proof of control lasts for some certificates.
	maps.DeleteFunc(params, func(name, _ string) bool {
		return strings.HasPrefix(name, "told_") || slices.Contains([]string{"reissue_tried", "delivered_type", "dcv_time"}, name)
	})
	// A task about an operation is the administrator's: he ends it when he has run the operation again.
	tasks := slices.DeleteFunc(slices.Clone(it.Tasks), func(task panel.Task) bool { return task.Operation != 0 })
	for name, value := range params {
		params[name] = hashes.ReplaceAllString(strings.ReplaceAll(value, one.domain, "DOMAIN"), "HASH")
	}
	return settled{params: params, status: it.Status, requested: v.requestedCertificates(t, one.domain) - requested, tasks: tasks}
}

// leftUndone are the tasks that tell an administrator what a disturbance has kept from being done.
var leftUndone = regexp.MustCompile(`the purchase journal .* cannot be written .* The next run of this item adds the line to the journal|` +
	`its order .* (was not|could not be) cancelled`)

func withoutLeftUndone(tasks []panel.Task) []panel.Task {
	return slices.DeleteFunc(slices.Clone(tasks), func(task panel.Task) bool { return leftUndone.MatchString(task.Params["params"]) })
}

// undisturbed holds the states of two items whose commands were not killed: values in which they differ are those of each item alone.
type undisturbed struct {
	first, second settled
	tells         bool // as in campaign
	calls         []syscalls.Call
}

// check compares the state of a victim.
func (u undisturbed) check(t *testing.T, got settled, at string) {
	t.Helper()
	require.Equal(t, u.first.requested, got.requested, "certificates requested, %s", at)
	require.Equal(t, u.first.status, got.status, at)
	tasks := u.first.tasks
	if u.tells {
		require.LessOrEqual(t, len(got.tasks), len(tasks)+1, "tasks, %s", at)
		got.tasks, tasks = withoutLeftUndone(got.tasks), withoutLeftUndone(tasks)
	}
	require.Len(t, got.tasks, len(tasks), "tasks, %s", at)
	want := maps.Clone(u.first.params)
	if u.second.params == nil { // a run that saw another time may have refused a certificate, which the next one stored
		for _, name := range []string{"refused_serial", "reissue_of"} {
			delete(want, name)
			delete(got.params, name)
		}
	}
	for name, value := range want {
		if u.second.params[name] != value {
			want[name] = "set"
			if got.params[name] != "" {
				got.params[name] = "set"
			}
		}
	}
	require.Equal(t, want, got.params, at)
}

// disturbance is what happens to one run of a command.
type disturbance struct {
	kind string // for the report
	text string // where and how
	// arm makes it happen at the next run. The function that it returns ends it, and reports whether it has happened.
	arm func(t *testing.T, v *victims) (end func(run *panel.Run) (hit bool))
}

// campaign disturbs a command at a seller again and again.
type campaign struct {
	name  string
	count int // disturbances of the command
	// moments returns the disturbances, given the calls of an undisturbed run.
	moments func(t *testing.T, v *victims, calls []syscalls.Call, n int) []disturbance
	// otherValues says that parameters may have other values than after an undisturbed run.
	otherValues bool
	// tells says that the administrator may have a task more, about what the disturbance has kept from being done: a line that is missing
	// in the journal, an order whose cancellation has no answer.
	tells bool
}

// run disturbs the commands of all sellers.
func (c campaign) run(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		for _, s := range campaignCommands() {
			if s.at != nil && !s.at(seller) {
				continue
			}
			t.Run(s.name, func(t *testing.T) { s.disturb(t, seller, c) })
		}
	})
}

// disturb runs the command for as many items as it is disturbed.
func (s campaignCommand) disturb(t *testing.T, seller sellerCase, c campaign) {
	t.Helper()
	part := campaignPart{Campaign: c.name, Part: s.name, Seller: seller.module, Seed: campaignNumber(t, campaignSeed, 1)}
	left := make([]disturbance, c.count)
	var usual undisturbed
	for first := true; first || len(left) > 0; first = false {
		t.Run("panel", func(t *testing.T) {
			count := min(len(left), s.perPanel)
			if first {
				count += 2
			}
			v, all := s.prepared(t, seller, count)
			if first {
				usual, all = s.undisturbed(t, v, all)
				usual.tells = c.tells
				if c.otherValues {
					usual.second.params = nil
				}
				part.Calls, left = len(usual.calls), c.moments(t, v, usual.calls, c.count)
			}
			for _, one := range all {
				s.once(t, v, one, left[0], usual, &part)
				left = left[1:]
			}
		})
		if t.Failed() {
			return
		}
	}
	require.NotZero(t, part.Done, "nothing was disturbed: the test shows nothing")
	part.report(t)
}

// prepared starts a panel with n victims.
func (s campaignCommand) prepared(t *testing.T, seller sellerCase, n int) (*victims, []victim) {
	t.Helper()
	v := s.start(t, seller)
	var all []victim
	for i := range n {
		one := victim{domain: "k" + strconv.Itoa(i+1) + ".example.com"}
		if v.unattended != nil {
			one.domain = "example.com"
		}
		one.item = s.prepare(t, v, one.domain)
		all = append(all, one)
	}
	if s.ready != nil {
		s.ready(t, v)
	}
	return v, all
}

// undisturbed runs the command for two items and returns the other ones.
func (s campaignCommand) undisturbed(t *testing.T, v *victims, all []victim) (usual undisturbed, rest []victim) {
	t.Helper()
	for i, state := range []*settled{&usual.first, &usual.second} {
		one := all[i]
		payments, requested := v.paymentCount(t), v.requestedCertificates(t, one.domain)
		v.requestCounts.forget()
		result := v.traced(t, syscalls.Disturbance{})
		run := s.command(t, v, one)
		usual.calls, v.asked = result().Calls, v.knownSteps()
		require.True(t, run.OK(), "%s\n%s", run.Failure(), run.Stdout)
		one.item = s.settle(t, v, one)
		require.Equal(t, s.payments, v.paymentCount(t)-payments, "payments of %s", s.name)
		*state = v.state(t, one, requested)
	}
	return usual, all[2:]
}

// knownSteps returns the requests that were made of those that can be made to fail.
func (v *victims) knownSteps() (all []step) {
	for s := range v.requestCounts.all() {
		if s != stepOther && v.standIn.failNext(s, dropBefore) == nil {
			all = append(all, s)
		}
	}
	v.standIn.clearFaults()
	slices.Sort(all)
	return all
}

// once disturbs the command for one item and checks what becomes of the item.
func (s campaignCommand) once(t *testing.T, v *victims, one victim, d disturbance, usual undisturbed, part *campaignPart) {
	t.Helper()
	at := s.name + " of " + one.domain + ", " + d.text
	payments, requested := v.paymentCount(t), v.requestedCertificates(t, one.domain)
	end := d.arm(t, v)
	run := s.command(t, v, one)
	switch {
	case end(run):
		part.count(d.kind)
	default:
		require.True(t, run.OK(), "%s: %s\n%s", at, run.Failure(), run.Stdout)
		part.Missed++
	}
	v.activeRequests.Wait()
	t.Log(at)
	one.item = s.settle(t, v, one)
	require.Equal(t, s.payments, v.paymentCount(t)-payments, "payments, %s", at)
	usual.check(t, v.state(t, one, requested), at)
}

// issue makes the authority issue the certificate of an item whose client has proved control, if it waits for that.
func (v *victims) issue(t *testing.T, item int64) {
	t.Helper()
	waiting, err := v.standIn.countWaiting()
	require.NoError(t, err)
	if waiting > 0 {
		_ = v.standIn.issue(v.orderIDOf(t, item)) // the error is that another order waits, and this one is issued
	}
}

// settle runs the operations of an item until they have ended, lets a waiting order be issued, and has it stored. So do a panel and its
// client.
func (v *victims) settle(t *testing.T, item int64, domain string) {
	t.Helper()
	for _, o := range v.itemOf(t, item).Operations {
		v.finishLater(t, &panel.OrderResult{Item: item, Operation: o.ID})
	}
	for range 4 {
		switch v.itemOf(t, item).Params["service_status"] {
		case "5":
			return
		case "4": // the client sees what he has to publish
			v.issue(t, item)
		}
		v.passes(t, 10*time.Minute)
		run, err := v.panel.Sync(context.Background(), item)
		require.NoError(t, err)
		require.True(t, run.OK(), run.Failure())
	}
	require.Equal(t, "5", v.itemOf(t, item).Params["service_status"], "%s is not stored", domain)
}

// finishLater runs an operation until it succeeds, eleven minutes after each attempt that fails. If the panel has given up, the
// administrator starts it.
func (v *victims) finishLater(t *testing.T, o *panel.OrderResult) {
	t.Helper()
	var last *panel.Run
	for range 5 {
		if len(v.itemOf(t, o.Item).Operations) == 0 {
			return // a call-back of the disturbed module has ended the operation meanwhile
		}
		run, err := v.panel.RunOperation(context.Background(), o.Operation)
		if errors.Is(err, sql.ErrNoRows) {
			return // right now
		}
		require.NoError(t, err)
		if run.OK() {
			return
		}
		last = run
		v.passes(t, 11*time.Minute)
	}
	require.Fail(t, "the operation never ends", "item %d: %s", o.Item, last.Failure())
}
