package lifecycle

import (
	"context"
	"strings"

	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"
)

// The words of approver_method that send_dv_dns and send_dv_email stand for (docs/reference/billmanager.md §4.1).
const (
	methodWordDNS   = "auth_dnstxt"
	methodWordEmail = "auth_email"
)

// canChangeMethod reports whether the seller can be asked for another validation method while an order waits.
func (j *Order) canChangeMethod() bool {
	_, can := j.Info.Prototype.(seller.MethodChanger)
	return can
}

// submitMethod changes the validation method of an order that waits. The seller is asked first: where it refuses, the item goes
// on telling its client what holds there.
func (j *Order) submitMethod(ctx context.Context, id int64, word, approvers string) error {
	request, err := j.requestWithMethod(word, approvers)
	if err != nil {
		return err
	}
	return j.changeMethod(ctx, id, word, request)
}

// changeMethod hands the request's validation method to the seller and takes it over: what was to be published for the way
// before proves nothing any more.
func (j *Order) changeMethod(ctx context.Context, id int64, word string, request seller.Request) error {
	changer, can := j.Seller.(seller.MethodChanger)
	if !can {
		return item.Unsupported(j.Run, "changing the validation method")
	}
	j.Log.ExtInfof("asking %s to have id %d proved by %s", j.Info.Title, id, request.Method)
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

// methodChanged reports whether the item asks for another validation method than its order was submitted with, while it
// waits for that proof: the values to publish belong to another way. Sellers that show the values of all ways change none.
func (j *Order) methodChanged() bool {
	if !j.canChangeMethod() || !j.HasStatus(item.ServiceWaiting) && !j.HasStatus(item.ServiceRequested) {
		return false
	}
	if method, err := seller.ParseMethod(j.Item.Params[itemparam.Method]); err != nil {
		return true // what is wrong with it is told
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

// submitChangedMethod hands a validation method that was changed on the item to the seller. An order that does not wait any more
// needs none; its next reissue takes it.
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
