package namecheap

import (
	"context"
	"strconv"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

const commandReissue = "namecheap.ssl.reissue"

// Reissue requests another certificate of a paid term (ssl.reissue, docs/reference/namecheap.md §3.8). It returns the
// id, which is a new one (docs/reference/namecheap.md §0.4), and the challenges as received. It costs nothing and is
// sent exactly once. A fault with OutcomeUnknown and Retry says that it may have been accepted, because the request may
// have left this host and there is no definite refusal; FindReissues then finds the reissue. A reissue cannot change
// the administrator's address (docs/reference/namecheap.md §3.8), so it is not sent.
func (c *Client) Reissue(ctx context.Context, id int64, r seller.Request) (int64, []seller.Challenge, error) {
	order, err := certificateParams(id, r)
	if err != nil {
		return 0, nil, err
	}
	reply, err := c.call(ctx, sellerhttp.Once, commandReissue, order...)
	if err != nil {
		return 0, nil, c.reissueFault(ctx, id, err)
	}
	result := reply.result("SSLReissueResult")
	if result == nil {
		result = reply.result("SSLActivateResult") // as the documentation shows it (docs/reference/namecheap.md §3.8)
	}
	next := seller.ParseID(result.Attr("ID"))
	if err := checkNewID(commandReissue, id, next, result); err != nil {
		return 0, nil, c.reissueFault(ctx, id, err)
	}
	return next, c.publishable(next, result, r), nil
}

// reissueFault returns the fault of an error of Reissue. It says whether the reissue was certainly not requested from
// the CA.
func (c *Client) reissueFault(ctx context.Context, id int64, err error) *fault.Error {
	f := fault.From(faultOf(err))
	switch {
	case !notExecuted(err):
		return unknownOutcome(err, f.Type, "the certificate "+strconv.FormatInt(id, 10)+" may have been reissued or not")
	case refusedWith(err, statusRefused):
		c.explainStatus(ctx, id, f)
	}
	return f
}

// explainStatus adds to the fault why the certificate's status forbids a reissue: one error number stands for all
// reasons, and its texts are not known (docs/reference/namecheap.md §3.8, §15.9). If the certificate has not ended,
// most likely a reissue is in progress and a later run finds it, so the fault gets Retry. A certificate that is
// cancelled, refused or expired stays so.
func (c *Client) explainStatus(ctx context.Context, id int64, f *fault.Error) {
	status, err := c.OrderStatus(ctx, id)
	if err != nil {
		f.Retry = true
		c.log.Warningf("why %s does not reissue the certificate %d could not be read: %v", Title, id, err)
		return
	}
	f.Message += "; " + Title + " shows the certificate " + strconv.FormatInt(id, 10) + " as " + status.StatusText
	switch {
	case status.State == seller.StateReplaced && status.ReplacedBy != 0:
		f.Message += ", replaced by " + strconv.FormatInt(status.ReplacedBy, 10)
	case status.State == seller.StateIssued:
		f.Message += ": a reissue of it is probably under way already"
	}
	f.Retry = !status.State.Ended()
}
