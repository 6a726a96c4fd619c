package namecheap

import (
	"context"
	"strconv"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

const commandReissue = "namecheap.ssl.reissue"

// Reissue asks for another certificate of a paid term (ssl.reissue, docs/reference/namecheap.md §3.8) and returns its id,
// which is a new one (docs/reference/namecheap.md §0.4), and what the client must publish, as it came. It costs nothing and
// is sent exactly once. A fault with Unclear and Retry says that it may have been accepted: everything after the request
// may have left that is not a definite refusal; Successors finds it then. The administrator's address cannot be changed by
// a reissue (docs/reference/namecheap.md §3.8) and is not sent.
func (c *Client) Reissue(ctx context.Context, id int64, r seller.Request) (int64, []seller.Challenge, error) {
	order, err := certification(id, r)
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
	if err := isNew(commandReissue, id, next, result); err != nil {
		return 0, nil, c.reissueFault(ctx, id, err)
	}
	return next, c.published(next, result, r), nil
}

// reissueFault decides whether nothing was asked of the CA for certain.
func (c *Client) reissueFault(ctx context.Context, id int64, err error) *fault.Error {
	f := fault.From(faultOf(err))
	switch {
	case !certain(err):
		return doubtful(err, f.Type, "the certificate "+strconv.FormatInt(id, 10)+" may have been reissued or not")
	case refusedFor(err, statusRefused):
		c.explainStatus(ctx, id, f)
	}
	return f
}

// explainStatus looks why the status of the certificate forbids a reissue: one number stands for all reasons and its texts
// are not resolved (docs/reference/namecheap.md §3.8, §15.9). Where the certificate is not at its end, most likely a
// reissue is under way, and a later run finds that one; of one that is cancelled, refused or expired nothing comes by
// waiting.
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
