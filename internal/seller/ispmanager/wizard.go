package ispmanager

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/plaintext"
	"pmssl/internal/seller/sellerhttp"
)

// maxSteps bounds a wizard; the longest that is known has five.
const maxSteps = 12

// wizardRun is a way through a wizard of the remote: every step is sent with the parameters of all earlier ones
// (docs/reference/ispmanager.md §1.5, wizard_unavailable).
type wizardRun struct {
	client  *Client
	own     filler
	further func(f form) []string // fields to send although the form does not show them
	carried url.Values
	seen    []string
	wizard  string // what the names of its steps begin with, certificate.order
}

// begin opens the first step.
func (j *wizardRun) begin(ctx context.Context, function string) (form, error) {
	j.wizard = wizardOf(function)
	f, err := j.client.openForm(ctx, function, j.carried)
	if err != nil {
		return form{}, err
	}
	return j.arrive(ctx, f)
}

// arrive follows redirects to the form of a step and fills it; the parameters to submit are then those carried.
func (j *wizardRun) arrive(ctx context.Context, f form) (form, error) {
	for hops := 0; f.redirect() != "" && !f.isForm(); hops++ {
		if hops == maxSteps {
			return form{}, fault.Errorf(fault.API, f.function, "%s redirects from function to function without end", Title)
		}
		j.take(f.target())
		var err error
		if f, err = j.step(ctx, f.redirect()); err != nil {
			return form{}, err
		}
	}
	if err := j.ofWizard(f.function); err != nil {
		return form{}, err
	}
	if slices.Contains(j.seen, f.function) {
		return form{}, fault.Errorf(fault.API, f.function, "%s shows the step %s a second time; steps so far: %s", Title, f.function, strings.Join(j.seen, ", "))
	}
	if len(j.seen) == maxSteps {
		return form{}, fault.Errorf(fault.API, f.function, "%s has more than %d steps: %s", Title, maxSteps, strings.Join(j.seen, ", "))
	}
	j.seen = append(j.seen, f.function)
	if f.value("billorder") != "" {
		return form{}, unclear(fault.Errorf(fault.Unclear, f.function, "the form names the order %s", remark(f.value("billorder"))), "something may have been ordered already")
	}
	values, err := f.fill(j.own, j.further(f)...)
	if err != nil {
		return form{}, err
	}
	maps.Copy(j.carried, values)
	return f, nil
}

// step opens the form of a step that the remote names.
func (j *wizardRun) step(ctx context.Context, function string) (form, error) {
	if err := j.ofWizard(function); err != nil { // before it is asked for: functions on groups act without sok (docs/reference/ispmanager.md §8)
		return form{}, err
	}
	return j.client.openForm(ctx, function, j.carried)
}

// wizardOf returns the part of a step's name that all steps share: certificate.order of certificate.order.csr.
func wizardOf(function string) string {
	parts := strings.SplitN(function, ".", 3)
	return strings.Join(parts[:min(len(parts), 2)], ".")
}

// ofWizard refuses functions that are no steps of the wizard that was begun, or its forms of organisations
// (docs/reference/ispmanager.md §4.3). Another function of certificates may do something at once, and a reissue that goes
// on as an order would buy.
func (j *wizardRun) ofWizard(function string) error {
	if function == j.wizard || strings.HasPrefix(function, j.wizard+".") ||
		strings.HasPrefix(function, "organization.") || strings.HasPrefix(function, "certificate.organization.") {
		return nil
	}
	return fault.Errorf(fault.API, function, "%s goes on with %s, which is not a step of %s", Title, function, j.wizard)
}

// take carries parameters of a redirect that no step has had yet, but no control parameters, no secrets and nothing of
// which we have a value of our own: a redirect does not decide what is bought.
func (j *wizardRun) take(params url.Values) {
	for name, values := range params {
		if !sendable(name) || len(values) == 0 || j.carried.Has(name) {
			continue
		}
		if _, known, err := j.own(field{name: name}); !known && err == nil {
			j.carried.Set(name, values[0])
		}
	}
}

// submission returns the parameters of a step with the control parameters given as name, value pairs.
func (j *wizardRun) submission(controls ...string) url.Values {
	params := maps.Clone(j.carried)
	maps.Copy(params, pairs(controls...))
	return params
}

// next submits a step that does not buy and arrives at the following one.
func (j *wizardRun) next(ctx context.Context, f form) (form, error) {
	reply, err := j.client.call(ctx, sellerhttp.Once, f.function, j.submission("sok", "ok", "snext", "ok"))
	switch {
	case err != nil && certain(err):
		return form{}, faultOf(err)
	case err != nil:
		return form{}, unclear(faultOf(err), "a step of the order has no answer")
	case reply.failure != nil:
		return form{}, reply.failure.fault(f.function)
	}
	if sign := orderSign(reply); sign != "" {
		return form{}, unclear(fault.Errorf(fault.Unclear, f.function, "%s (%s): %s", Title, f.function, sign),
			"a step that should not buy may have ordered something")
	}
	return j.follow(ctx, f, reply)
}

// follow finds the next step in the answer to a submission (docs/reference/ispmanager.md §1.3): a redirect, the form of
// another function, or, where the answer only says ok, the likely name.
func (j *wizardRun) follow(ctx context.Context, f form, reply answer) (form, error) {
	name := reply.redirect()
	if name != "" {
		j.take(reply.target())
	} else if name = formOf("", reply).function; name == "" || name == f.function {
		name = likelyNext(f.function)
	} else if shown := formOf("", reply); shown.meta.present && shown.isForm() {
		return j.arrive(ctx, shown)
	}
	if name == "" {
		return form{}, fault.Errorf(fault.API, f.function, "%s (%s) takes the step and does not say what follows it", Title, f.function)
	}
	following, err := j.step(ctx, name)
	if err != nil {
		return form{}, err
	}
	return j.arrive(ctx, following)
}

// likelyNext returns the step after one whose answer does not say: the documented order has two
// (docs/reference/ispmanager.md §4.1).
func likelyNext(function string) string {
	for _, step := range []string{".csr", ".key"} {
		if base, is := strings.CutSuffix(function, step); is {
			return base + ".param"
		}
	}
	return ""
}

// buys reports whether submitting the form orders: it has the name or a field of the documented last step
// (docs/reference/ispmanager.md §4.1, §11), or its page has the buttons of one (docs/reference/ispmanager.md §1.4).
func (f form) buys() bool {
	for _, name := range []string{"skipbasket", "autoprolong"} {
		_, shown := f.fields[name]
		if _, described := f.meta.fields[name]; shown || described {
			return true
		}
	}
	return strings.HasSuffix(f.function, ".param") || slices.ContainsFunc(f.meta.buttons, func(name string) bool {
		switch name {
		case "finish", "basket", "order", "quickbasket":
			return true
		}
		return false
	})
}

// orderSign returns what in an answer shows that something was ordered; empty if nothing does.
func orderSign(reply answer) string {
	for _, name := range []string{"billorder", "payment_id"} {
		if value := reply.value(name); value != "" {
			return "the answer names the " + name + " " + remark(value)
		}
	}
	if reply.clean() && reply.value("id") != "" && formOf("", reply).function == "" {
		return "the answer names the id " + remark(reply.value("id"))
	}
	if unpaid := paymentSign(reply); unpaid != "" {
		return unpaid
	}
	return ""
}

// paymentSign returns what in an answer sends us to pay; empty if nothing does. Such an ok does not mean that anything is
// paid (docs/reference/ispmanager.md §1.3, §4.5).
func paymentSign(reply answer) string {
	if !reply.ok {
		return ""
	}
	target := strings.ToLower(reply.redirect())
	switch {
	case reply.okType == "url", strings.HasPrefix(reply.okText, "/"):
		return "the answer redirects to a page (" + plaintext.Clip(words(strings.Split(reply.okText, "?")[0]), 100) + ")"
	case strings.HasPrefix(target, "payment"), target == "order", target == "basket", strings.HasPrefix(target, "billorder"):
		return "the answer redirects to " + target
	}
	return ""
}
