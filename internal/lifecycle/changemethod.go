package lifecycle

import (
	"context"
	"strings"

	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"
)

// The values of approver_method for send_dv_dns and send_dv_email (docs/reference/billmanager.md §4.1).
const (
	methodWordDNS   = "auth_dnstxt"
	methodWordEmail = "auth_email"
)

// canChangeMethod reports whether the seller can change the validation method of a waiting order.
func (j *Order) canChangeMethod() bool {
	_, can := j.Info.Prototype.(seller.MethodChanger)
	return can
}

// submitMethod changes the validation method of a waiting order at the seller. The item is changed only after the seller has
// accepted, so that the client sees what is valid at the seller.
func (j *Order) submitMethod(ctx context.Context, id int64, word, approvers string) error {
	request, err := j.requestWithMethod(word, approvers)
	if err != nil {
		return err
	}
	return j.changeMethod(ctx, id, word, request)
}

// changeMethod submits the request's validation method to the seller and then saves it. It deletes the challenges of the
// previous method.
func (j *Order) changeMethod(ctx context.Context, id int64, word string, request seller.Request) error {
	changer, can := j.Seller.(seller.MethodChanger)
	if !can {
		return item.Unsupported(j.Run, "changing the validation method")
	}
	j.Log.ExtInfof("asking %s to validate id %d by %s", j.Info.Title, id, request.Method)
	challenges, err := changer.ChangeMethod(ctx, id, request)
	if j.Dry != nil {
		return j.Dry.Stop(err, item.DryChangeMethod, "id", id, "names", strings.Join(request.AllNames(), " "), "proof", request.Method)
	}
	if err != nil {
		return err
	}
	if err := j.dropChallenges(ctx); err != nil {
		return err
	}
	for _, p := range []struct{ name, value string }{
		{itemparam.Method, word}, {itemparam.Approver, request.Params[itemparam.Approver]},
	} {
		if err := j.SaveParam(ctx, p.name, p.value); err != nil {
			return err
		}
	}
	return j.saveChallengesAndSync(ctx, id, request, challenges)
}

// methodChanged reports whether the item has another validation method than its waiting order: then the saved challenges belong
// to another method. It returns false for a seller that cannot change the method.
func (j *Order) methodChanged() bool {
	if !j.canChangeMethod() || !j.HasStatus(item.ServiceWaiting) && !j.HasStatus(item.ServiceRequested) {
		return false
	}
	if method, err := seller.ParseMethod(j.Item.Params[itemparam.Method]); err != nil {
		return true // submitChangedMethod reports what is wrong with it
	} else if method != seller.MethodEmail && j.Item.Params[j.ChallengeParam()] == "" {
		return true
	}
	return len(j.otherChallenges()) > 0
}

// submitMethodIfChanged calls submitChangedMethod if the validation method was changed.
func (j *Order) submitMethodIfChanged(ctx context.Context) error {
	if !j.methodChanged() {
		return nil
	}
	return j.submitChangedMethod(ctx)
}

// submitChangedMethod submits a validation method that was changed on the item. If the order does not wait any more, nothing is
// sent; its next reissue uses the new method.
func (j *Order) submitChangedMethod(ctx context.Context) error {
	request, err := j.Request()
	if err != nil {
		return err
	}
	if request.Method == seller.MethodEmail {
		if err := j.checkEmailAllowed(); err != nil {
			return err
		}
	}
	status, err := j.Newest(ctx, j.ID())
	if err != nil {
		return err
	}
	if status.State != seller.StateWaiting {
		j.Log.ExtInfof("id %d is %s, its next reissue uses the new validation method", status.ID, status.State)
		return nil
	}
	return j.changeMethod(ctx, status.ID, j.Item.Params[itemparam.Method], request)
}
