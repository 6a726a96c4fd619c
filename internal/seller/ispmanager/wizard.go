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

// maxSteps is how many steps a wizard may have; the longest known one has five.
const maxSteps = 12

// wizardRun is a walk through a wizard of the remote. Each step is sent with the parameters of all earlier ones
// (docs/reference/ispmanager.md §1.5, wizard_unavailable).
type wizardRun struct {
	client  *Client
	own     filler
	further func(f form) []string // fields to send although the form does not show them
	carried url.Values            // parameters of the steps so far
	seen    []string              // functions of the steps so far
	wizard  string                // common beginning of the names of its steps, such as certificate.order
}

// begin opens the first step.
func (j *wizardRun) begin(ctx context.Context, function string) (form, error) {
	j.wizard = wizardOf(function)
	f, err := j.client.openForm(ctx, function, j.carried)
	if err != nil {
		return form{}, err
	}
	return j.enter(ctx, f)
}

// enter follows redirects to the form of a step and fills it. carried then has the parameters to submit.
func (j *wizardRun) enter(ctx context.Context, f form) (form, error) {
	for hops := 0; f.redirect() != "" && !f.isForm(); hops++ {
		if hops == maxSteps {
			return form{}, fault.Errorf(fault.API, f.function, "%s redirects from function to function endlessly", Title)
		}
		j.carry(f.target())
		var err error
		if f, err = j.openStep(ctx, f.redirect()); err != nil {
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
		return form{}, markUnknown(fault.Errorf(fault.Unclear, f.function, "the form names the order %s", redacted(f.value("billorder"))), "something may have been ordered already")
	}
	values, err := f.fill(j.own, j.further(f)...)
	if err != nil {
		return form{}, err
	}
	maps.Copy(j.carried, values)
	return f, nil
}

// openStep opens the form of a step that the remote names.
func (j *wizardRun) openStep(ctx context.Context, function string) (form, error) {
	if err := j.ofWizard(function); err != nil { // checked before the request, because functions on groups act without sok (docs/reference/ispmanager.md §8)
		return form{}, err
	}
	return j.client.openForm(ctx, function, j.carried)
}

// wizardOf returns the part of a step's name that all steps share: certificate.order for certificate.order.csr.
func wizardOf(function string) string {
	parts := strings.SplitN(function, ".", 3)
	return strings.Join(parts[:min(len(parts), 2)], ".")
}

// ofWizard refuses functions that are neither steps of this wizard nor its forms of organisations
// (docs/reference/ispmanager.md §4.3). Another function may act at once, and a reissue that continued as an order would
// buy.
func (j *wizardRun) ofWizard(function string) error {
	if function == j.wizard || strings.HasPrefix(function, j.wizard+".") ||
		strings.HasPrefix(function, "organization.") || strings.HasPrefix(function, "certificate.organization.") {
		return nil
	}
	return fault.Errorf(fault.API, function, "%s continues with %s, which is not a step of %s", Title, function, j.wizard)
}

// carry adds the parameters of a redirect that no step has set yet, except control parameters, secrets and those for
// which we have a value: a redirect must not decide what is bought.
func (j *wizardRun) carry(params url.Values) {
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

// next submits a step that does not pay and enters the next one.
func (j *wizardRun) next(ctx context.Context, f form) (form, error) {
	reply, err := j.client.call(ctx, sellerhttp.Once, f.function, j.submission("sok", "ok", "snext", "ok"))
	switch {
	case err != nil && notSent(err):
		return form{}, faultOf(err)
	case err != nil:
		return form{}, markUnknown(faultOf(err), "a step of the order has no answer")
	case reply.failure != nil:
		return form{}, reply.failure.fault(f.function)
	}
	if sign := orderSign(reply); sign != "" {
		return form{}, markUnknown(fault.Errorf(fault.Unclear, f.function, "%s (%s): %s", Title, f.function, sign),
			"a step that should not buy may have ordered something")
	}
	return j.follow(ctx, f, reply)
}

// follow enters the next step that the answer to a submission leads to (docs/reference/ispmanager.md §1.3): a redirect,
// the form of another function, or the likely name if the answer is only an ok.
func (j *wizardRun) follow(ctx context.Context, f form, reply answer) (form, error) {
	name := reply.redirect()
	if name != "" {
		j.carry(reply.target())
	} else if name = formOf("", reply).function; name == "" || name == f.function {
		name = likelyNext(f.function)
	} else if shown := formOf("", reply); shown.meta.present && shown.isForm() {
		return j.enter(ctx, shown)
	}
	if name == "" {
		return form{}, fault.Errorf(fault.API, f.function, "%s (%s) accepts the step and does not say which one is next", Title, f.function)
	}
	following, err := j.openStep(ctx, name)
	if err != nil {
		return form{}, err
	}
	return j.enter(ctx, following)
}

// likelyNext returns the step after one whose answer does not name it: the documented order has two steps
// (docs/reference/ispmanager.md §4.1).
func likelyNext(function string) string {
	for _, step := range []string{".csr", ".key"} {
		if base, is := strings.CutSuffix(function, step); is {
			return base + ".param"
		}
	}
	return ""
}

// buys reports whether submitting the form pays: it has the name or a field of the documented last step
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

// orderSign returns which part of an answer shows that something was ordered; empty if none does.
func orderSign(reply answer) string {
	for _, name := range []string{"billorder", "payment_id"} {
		if value := reply.value(name); value != "" {
			return "the answer names the " + name + " " + redacted(value)
		}
	}
	if reply.done() && reply.value("id") != "" && formOf("", reply).function == "" {
		return "the answer names the id " + redacted(reply.value("id"))
	}
	if unpaid := paymentSign(reply); unpaid != "" {
		return unpaid
	}
	return ""
}

// paymentSign returns which part of an answer leads to a payment; empty if none does. Such an ok does not mean that
// anything is paid (docs/reference/ispmanager.md §1.3, §4.5).
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
