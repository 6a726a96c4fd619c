package command

import (
	"context"
	"maps"
	"slices"
	"strings"

	"pmssl/internal/cert"

	"github.com/beevik/etree"
)

// SendDVDNS asks the seller to look once more at what was published for one domain of an order that waits for proof
// (billmanager-module-protocol §1.4, feature send_dv_dns). An order that was handed in for proof by e-mail is proved by DNS from
// then on, where the seller can change that.
func SendDVDNS(ctx context.Context, run *Run) (*etree.Document, error) {
	j, err := begin(ctx, run)
	if err != nil {
		return nil, err
	}
	retrier, ok := j.seller.(ProofRetrier)
	if !ok {
		return nil, unable(run, "looks at a proof again")
	}
	id, err := j.waiting(ctx)
	if err != nil {
		return nil, err
	}
	request, err := j.request()
	if err != nil {
		return nil, err
	}
	if request.Method == cert.MethodEmail && !j.changesProof() {
		return nil, cert.Faultf(cert.FaultValue, cert.ParamMethod, "item %d is proved by e-mail: there is no record to look at, use send_dv_email", j.order.Item)
	}
	domain, err := j.provable(request)
	if err != nil {
		return nil, err
	}
	if request.Method == cert.MethodEmail {
		return nil, j.proveBy(ctx, id, wordDNS, j.order.Params[cert.ParamApprover])
	}
	j.Log.ExtInfof("item %d: asking %s to look at the proof for %s of id %d again", j.order.Item, j.Trade.Title, domain, id)
	proofs, err := retrier.RetryProof(ctx, id, request, domain)
	if err != nil {
		return nil, err
	}
	return nil, j.afterRepeat(ctx, id, request, proofs)
}

// SendDVEmail has the letters to approvers sent again, to the addresses given, and keeps those as the order's
// (billmanager-module-protocol §1.4, feature send_dv_email). Which addresses may approve a domain is for the seller to say
// (BR 3.2.2.4.4). An order that was handed in for another way is proved by e-mail from then on, where the seller can change
// that.
func SendDVEmail(ctx context.Context, run *Run) (*etree.Document, error) {
	emails, err := cert.ParseEmails("emails", run.Args.Emails)
	if err != nil {
		return nil, err
	}
	j, err := begin(ctx, run)
	if err != nil {
		return nil, err
	}
	sender, ok := j.seller.(ApprovalSender)
	if !ok {
		return nil, unable(run, "sends letters to approvers")
	}
	if err := j.emailAllowed(); err != nil {
		return nil, err
	}
	id, err := j.waiting(ctx)
	if err != nil {
		return nil, err
	}
	request, err := j.requestTo(j.order.Params[cert.ParamMethod], strings.Join(emails, ","))
	switch {
	case err != nil:
		return nil, err
	case request.Method == cert.MethodEmail:
	case j.changesProof():
		return nil, j.proveBy(ctx, id, wordEmail, strings.Join(emails, ","))
	default:
		return nil, cert.Faultf(cert.FaultValue, cert.ParamMethod, "item %d is proved by %s, not by e-mail: there is no letter to send", j.order.Item, request.Method)
	}
	j.Log.ExtInfof("item %d: asking %s for letters about id %d to %s", j.order.Item, j.Trade.Title, id, strings.Join(emails, ", "))
	if err := sender.SendApproval(ctx, id, request, emails); err != nil {
		return nil, err
	}
	if err := j.save(ctx, cert.ParamApprover, strings.Join(emails, ",")); err != nil {
		return nil, err
	}
	return nil, j.afterRepeat(ctx, id, request, nil)
}

// waiting is the item's newest id, provided that its order waits for proof.
func (j *job) waiting(ctx context.Context) (int64, error) {
	id := j.id()
	if id == 0 {
		return 0, cert.Faultf(cert.FaultMissed, cert.ParamOrderID, "item %d has no order at %s yet: open it first", j.order.Item, j.Trade.Title)
	}
	report, err := j.newest(ctx, id)
	if err != nil {
		return 0, err
	}
	if report.State != cert.StateWaiting {
		return 0, cert.Faultf(cert.FaultValue, "status", "item %d does not wait for proof: %s shows id %d as %s", j.order.Item, j.Trade.Title, report.ID, report.State)
	}
	return report.ID, nil
}

// provable is the domain of the command line, which has to be a name of the order or one that the client was told to
// prove.
func (j *job) provable(request cert.Request) (string, error) {
	domain, err := cert.AsciiName("domain", j.Args.Domain)
	if err != nil {
		return "", err
	}
	names := request.AllNames()
	told := strings.FieldsFunc(j.order.Params[cert.ParamDomains], func(r rune) bool { return r == ',' || r == ' ' })
	if slices.Contains(names, domain) || slices.Contains(names, "*."+domain) || slices.Contains(told, domain) {
		return domain, nil
	}
	return "", cert.Faultf(cert.FaultValue, "domain", "%s is not a name of item %d, which has %s", cert.ShownName(domain), j.order.Item, brief(cert.ShownNames(names)))
}

// requestTo is the order's request with another way of proof, as approver_method has it, and other approvers.
func (j *job) requestTo(word, approvers string) (cert.Request, error) {
	product, err := j.product()
	if err != nil {
		return cert.Request{}, err
	}
	params := maps.Clone(j.order.Params)
	params[cert.ParamMethod], params[cert.ParamApprover] = word, approvers
	request, err := j.requestWith(product, params)
	if err != nil {
		return cert.Request{}, err
	}
	if request.Method != cert.MethodEmail {
		return request, nil
	}
	if emails, names := request.Emails, request.AllNames(); len(emails) > 1 && len(emails) != len(names) {
		return cert.Request{}, cert.Faultf(cert.FaultValue, "emails", "%d addresses for %d names: give one, or one for each name, the common name's first", len(emails), len(names))
	}
	return request, nil
}

// afterRepeat saves what is to be published now and takes over what the seller says of the order, as sync_item does.
func (j *job) afterRepeat(ctx context.Context, id int64, request cert.Request, proofs []cert.Proof) error {
	if err := j.saveProofs(ctx, id, request, proofs); err != nil {
		return err
	}
	report, err := j.newest(ctx, id)
	if err != nil {
		return err
	}
	ended, err := j.judge(ctx, report)
	j.logEnded(ended)
	return err
}
