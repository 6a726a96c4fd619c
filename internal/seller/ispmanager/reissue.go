package ispmanager

import (
	"context"
	"slices"

	"pmssl/internal/fault"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

// Reissue requests another certificate of a paid term (docs/reference/ispmanager.md §7). The remote reissues in place:
// the id stays. It costs nothing, and each step is sent exactly once. A fault with OutcomeUnknown and Retry says that
// it may have been accepted.
func (c *Client) Reissue(ctx context.Context, id int64, r seller.Request) (int64, []seller.Challenge, error) {
	function, err := c.find(ctx, reissuing())
	if err != nil {
		return 0, nil, err
	}
	fill := orderValues{request: r}
	j := wizardRun{client: c, carried: element(id)}
	j.own = func(f field) (string, bool, error) {
		if f.name == "elid" {
			return idText(id), true, nil
		}
		return fill.value(f)
	}
	j.further = fill.furtherApprovers
	f, err := j.begin(ctx, function)
	for done := false; err == nil && !done; {
		f, done, err = j.reissue(ctx, f, fill)
	}
	if err != nil {
		return 0, nil, err
	}
	challenges, err := c.Challenges(ctx, id, r)
	if err != nil {
		c.log.ExtInfof("what is to be published for the reissue of %d could not be read yet: %v", id, err)
	}
	return id, challenges, nil
}

// reissue submits one step. done says that the remote accepted it as the last one.
func (j *wizardRun) reissue(ctx context.Context, f form, fill orderValues) (next form, done bool, err error) {
	if j.carried.Get("csr") == "" || generates(choice{key: j.carried.Get("crt_type")}) {
		return form{}, false, refuseField(f.field("csr"), "the form of the reissue takes no CSR; nothing was requested")
	}
	controls := []string{"sok", "ok", "snext", "ok"}
	if slices.Contains(f.meta.buttons, "finish") {
		controls = append(controls, "clicked_button", "finish")
	}
	reply, err := j.client.call(ctx, sellerhttp.Once, f.function, j.submission(controls...))
	switch {
	case err != nil && notSent(err):
		return form{}, false, faultOf(err)
	case err != nil:
		return j.checkReissue(ctx, fill, faultOf(err))
	case reply.failure.definite():
		return form{}, false, reply.failure.fault(f.function)
	case reply.failure != nil:
		return j.checkReissue(ctx, fill, reply.failure.fault(f.function))
	case reply.finishes(f.function):
		return form{}, true, nil
	case paymentSign(reply) != "", j.leavesWizard(reply):
		failure := fault.Errorf(fault.Client, f.function, "%s (%s) answers %s", Title, f.function, reply.summary())
		return j.checkReissue(ctx, fill, failure)
	}
	next, err = j.follow(ctx, f, reply)
	return next, false, err
}

// leavesWizard reports whether the answer leads out of the wizard.
func (j *wizardRun) leavesWizard(reply answer) bool {
	return j.ofWizard(reply.redirect()) != nil && !reply.isForm() && reply.nested == nil
}

// checkReissue reads, after an unclear answer, whether the remote works on a reissue for our key; done says that it
// does.
func (j *wizardRun) checkReissue(ctx context.Context, fill orderValues, why error) (next form, done bool, err error) {
	id := seller.ParseID(j.carried.Get("elid"))
	failure := markUnknown(why, "the certificate "+idText(id)+" may have been reissued or not")
	page, err := j.client.orderPage(ctx, id)
	if err != nil {
		return form{}, false, failure
	}
	csr, err := pki.ReadCSR(page.form.value("csr"))
	if err == nil && page.underWay() && fill.request.CSR.SameKey(csr.PublicKey) {
		j.client.log.ExtInfof("%s works on the reissue of %d although its answer was unclear: %v", Title, id, why)
		return form{}, true, nil
	}
	return form{}, false, failure
}
