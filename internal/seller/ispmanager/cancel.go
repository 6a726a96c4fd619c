package ispmanager

import (
	"context"

	"pmssl/internal/fault"
	"pmssl/internal/seller/sellerhttp"
)

// Cancel deletes the order at the remote (docs/reference/ispmanager.md §8). An order that no longer exists is no error.
// If the account may not delete it, the fault is of type API with the remote's text.
func (c *Client) Cancel(ctx context.Context, id int64) error {
	function, err := c.find(ctx, deleting())
	if err != nil {
		return err
	}
	params := element(id)
	params.Set("sok", "ok")
	_, err = c.ask(ctx, sellerhttp.Once, function, params)
	if failureIn(err).notFound() {
		return nil
	}
	return err
}

// StopRenewal switches the remote's own renewal of the order off (docs/reference/ispmanager.md §8), because the order
// would be paid twice if both sides renewed it. It sends only that field and required ones. If the renewal is still on
// afterwards, the fault is of type API.
func (c *Client) StopRenewal(ctx context.Context, id int64) error {
	f, err := c.openForm(ctx, functionEdit, element(id))
	if err != nil {
		return err
	}
	if !f.has("autoprolong") {
		return refuseField(f.field("autoprolong"), "the form has no field that switches the renewal off")
	}
	values, err := f.fill(func(one field) (string, bool, error) {
		return offKey(one), one.name == "autoprolong", nil
	})
	if err != nil {
		return err
	}
	for name := range values {
		if name != "autoprolong" && !f.field(name).required {
			values.Del(name)
		}
	}
	values.Set("elid", idText(id))
	values.Set("sok", "ok")
	if _, err := c.ask(ctx, sellerhttp.Once, functionEdit, values); err != nil {
		return err
	}
	after, err := c.read(ctx, functionEdit, element(id))
	if err != nil {
		return err
	}
	if on := after.value("autoprolong"); renews(on) {
		return fault.Errorf(fault.API, "autoprolong", "%s accepted the change and still renews the order %d by itself (%s); switch it off there by hand",
			Title, id, redacted(on))
	}
	return nil
}
