package lifecycle

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
)

// SendDVDNS asks the seller to check again what was published for one domain of a waiting order (docs/reference/billmanager.md
// §1.4, feature send_dv_dns). An order with e-mail validation is changed to DNS, if the seller supports that.
func SendDVDNS(ctx context.Context, run *item.Run) (*etree.Document, error) {
	j, err := Begin(ctx, run)
	if err != nil {
		return nil, err
	}
	retrier, ok := j.Seller.(seller.ChallengeRetrier)
	if !ok {
		return nil, item.Unsupported(run, "checking a challenge again")
	}
	id, err := j.waitingID(ctx)
	if err != nil {
		return nil, err
	}
	request, err := j.Request()
	if err != nil {
		return nil, err
	}
	if request.Method == seller.MethodEmail && !j.canChangeMethod() {
		return nil, fault.Errorf(fault.Value, itemparam.Method, "%s is validated by e-mail: there is no DNS record to check, use send_dv_email", j.Item.Label())
	}
	domain, err := j.domainToCheck(request)
	if err != nil {
		return nil, err
	}
	if request.Method == seller.MethodEmail {
		return nil, j.submitMethod(ctx, id, methodWordDNS, j.Item.Params[itemparam.Approver])
	}
	j.Log.ExtInfof("asking %s to check the challenge for %s of id %d again", j.Info.Title, domain, id)
	challenges, err := retrier.RetryChallenge(ctx, id, request, domain)
	if err != nil {
		return nil, err
	}
	return nil, j.saveChallengesAndSync(ctx, id, request, challenges)
}

// SendDVEmail asks the seller to send the approval e-mails again, to the given addresses, and saves these on the item
// (docs/reference/billmanager.md §1.4, feature send_dv_email). The seller decides which addresses may approve a domain (BR
// 3.2.2.4.4). An order with another validation method is changed to e-mail, if the seller supports that.
func SendDVEmail(ctx context.Context, run *item.Run) (*etree.Document, error) {
	emails, err := seller.ParseEmails("emails", run.Args.Emails)
	if err != nil {
		return nil, err
	}
	j, err := Begin(ctx, run)
	if err != nil {
		return nil, err
	}
	sender, ok := j.Seller.(seller.ApprovalSender)
	if !ok {
		return nil, item.Unsupported(run, "sending approval e-mails")
	}
	if err := j.checkEmailAllowed(); err != nil {
		return nil, err
	}
	id, err := j.waitingID(ctx)
	if err != nil {
		return nil, err
	}
	request, err := j.requestWithMethod(j.Item.Params[itemparam.Method], strings.Join(emails, ","))
	switch {
	case err != nil:
		return nil, err
	case request.Method == seller.MethodEmail:
	case j.canChangeMethod():
		return nil, j.submitMethod(ctx, id, methodWordEmail, strings.Join(emails, ","))
	default:
		return nil, fault.Errorf(fault.Value, itemparam.Method, "%s is validated by %s, not by e-mail: there is no approval e-mail to send", j.Item.Label(), request.Method)
	}
	j.Log.ExtInfof("asking %s for approval e-mails about id %d to %s", j.Info.Title, id, strings.Join(emails, ", "))
	if err := sender.SendApproval(ctx, id, request, emails); err != nil {
		return nil, err
	}
	if err := j.SaveParam(ctx, itemparam.Approver, strings.Join(emails, ",")); err != nil {
		return nil, err
	}
	return nil, j.saveChallengesAndSync(ctx, id, request, nil)
}

// waitingID returns the item's newest id; a fault if its order does not wait for domain validation.
func (j *Order) waitingID(ctx context.Context) (int64, error) {
	id := j.ID()
	if id == 0 {
		return 0, fault.Errorf(fault.Missed, itemparam.OrderID, "%s has no order at %s yet: open it first", j.Item.Label(), j.Info.Title)
	}
	status, err := j.Newest(ctx, id)
	if err != nil {
		return 0, err
	}
	if status.State != seller.StateWaiting {
		return 0, fault.Errorf(fault.Value, "status", "%s does not wait for domain validation: %s shows id %d as %s", j.Item.Label(), j.Info.Title, status.ID, status.State)
	}
	return status.ID, nil
}

// domainToCheck returns the domain of the command line in A-labels. It must be a name of the order or one of the domains that
// the client was told to validate.
func (j *Order) domainToCheck(request seller.Request) (string, error) {
	domain, err := pki.ASCIIName("domain", j.Args.Domain)
	if err != nil {
		return "", err
	}
	names := request.AllNames()
	domains := strings.FieldsFunc(j.Item.Params[itemparam.Domains], func(r rune) bool { return r == ',' || r == ' ' })
	if slices.Contains(names, domain) || slices.Contains(names, "*."+domain) || slices.Contains(domains, domain) {
		return domain, nil
	}
	return "", fault.Errorf(fault.Value, "domain", "%s is not a name of item %d, which has %s", pki.DisplayName(domain), j.Item.Item, item.Brief(pki.DisplayNames(names)))
}

// requestWithMethod returns the order's request with another value of approver_method and other approvers.
func (j *Order) requestWithMethod(word, approvers string) (seller.Request, error) {
	product, err := j.Product()
	if err != nil {
		return seller.Request{}, err
	}
	params := maps.Clone(j.Item.Params)
	params[itemparam.Method], params[itemparam.Approver] = word, approvers
	request, err := j.RequestWith(product, params)
	if err != nil {
		return seller.Request{}, err
	}
	if request.Method != seller.MethodEmail {
		return request, nil
	}
	if emails, names := request.Emails, request.AllNames(); len(emails) > 1 && len(emails) != len(names) {
		return seller.Request{}, fault.Errorf(fault.Value, "emails", "%d addresses for %d names: give one, or one for each name, the common name's first", len(emails), len(names))
	}
	return request, nil
}

// saveChallengesAndSync saves the challenges and then applies the seller's status, as sync_item does.
func (j *Order) saveChallengesAndSync(ctx context.Context, id int64, request seller.Request, challenges []seller.Challenge) error {
	if err := j.saveChallenges(ctx, id, request, challenges); err != nil {
		return err
	}
	status, err := j.Newest(ctx, id)
	if err != nil {
		return err
	}
	outcome, err := j.ApplyStatus(ctx, status)
	j.logEnded(outcome)
	return err
}
