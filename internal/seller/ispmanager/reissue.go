package ispmanager

import (
	"context"
	"slices"

	"pmssl/internal/fault"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

// Reissue asks for another certificate of a paid term (docs/reference/ispmanager.md §7). The remote reissues in place: the
// id stays. It costs nothing and each of its steps is sent exactly once. A fault with Unclear and Retry says that it may
// have been accepted.
func (c *Client) Reissue(ctx context.Context, id int64, r seller.Request) (int64, []seller.Challenge, error) {
	function, err := c.find(ctx, reissuing())
	if err != nil {
		return 0, nil, err
	}
	fill := filling{request: r}
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

// reissue submits one step; done where the remote took it as the last one.
func (j *wizardRun) reissue(ctx context.Context, f form, fill filling) (next form, done bool, err error) {
	if j.carried.Get("csr") == "" || generates(choice{key: j.carried.Get("crt_type")}) {
		return form{}, false, refuseField(f.field("csr"), "the reissue does not take a CSR of our own; nothing was asked for")
	}
	controls := []string{"sok", "ok", "snext", "ok"}
	if slices.Contains(f.meta.buttons, "finish") {
		controls = append(controls, "clicked_button", "finish")
	}
	reply, err := j.client.call(ctx, sellerhttp.Once, f.function, j.submission(controls...))
	switch {
	case err != nil && certain(err):
		return form{}, false, faultOf(err)
	case err != nil:
		return j.doubt(ctx, fill, faultOf(err))
	case reply.failure.definite():
		return form{}, false, reply.failure.fault(f.function)
	case reply.failure != nil:
		return j.doubt(ctx, fill, reply.failure.fault(f.function))
	case reply.finishes(f.function):
		return form{}, true, nil
	case paymentSign(reply) != "", j.leaves(reply):
		failure := fault.Errorf(fault.Client, f.function, "%s (%s) answers %s", Title, f.function, reply.classify())
		return j.doubt(ctx, fill, failure)
	}
	next, err = j.follow(ctx, f, reply)
	return next, false, err
}

// leaves reports whether the answer is no step of the wizard and sends the client somewhere else.
func (j *wizardRun) leaves(reply answer) bool {
	return j.ofWizard(reply.redirect()) != nil && !reply.isForm() && reply.nested == nil
}

// doubt looks whether the remote works on a reissue for our key after an answer that does not say; done where it does.
func (j *wizardRun) doubt(ctx context.Context, fill filling, why error) (next form, done bool, err error) {
	id := seller.ParseID(j.carried.Get("elid"))
	failure := unclear(why, "the certificate "+idText(id)+" may have been reissued or not")
	s, err := j.client.sheet(ctx, id)
	if err != nil {
		return form{}, false, failure
	}
	csr, err := pki.ReadCSR(s.form.value("csr"))
	if err == nil && s.underWay() && fill.request.CSR.SameKey(csr.PublicKey) {
		j.client.log.ExtInfof("%s works on the reissue of %d although its answer was not clear: %v", Title, id, why)
		return form{}, true, nil
	}
	return form{}, false, failure
}
