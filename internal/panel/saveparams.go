package panel

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"pmssl/internal/fault"
	"pmssl/internal/item"
)

// maxTogether is how many bytes of parameters one call saves: a panel may have a limit for the whole of a call.
const maxTogether = 32 << 10

// SaveParams saves parameters in plain text, with one call if the panel takes several of them in one (rules PANEL-14): by form B of
// service.saveparam, `<param>=<value>`, which BILLmanager's own library uses with one parameter (docs/reference/billmanager.md §5.2).
// Whether a panel takes more is not known: what the database does not hold afterwards is written by a call of its own, and a panel that
// needs those gets no other ones for a while. Parameters that form B may garble are written by form A in any case.
func (h *Host) SaveParams(ctx context.Context, id int64, params []item.Param) error {
	together, single := separate(params)
	if len(together) < 2 || h.savesOneAtATime() {
		return h.saveEach(ctx, id, params)
	}
	left, err := h.saveTogether(ctx, id, together)
	if err != nil {
		return err
	}
	if err := h.saveEach(ctx, id, append(left, single...)); err != nil || len(left) == 0 {
		return err
	}
	// A value that is still another one is not the call's fault: the panel or its database changes it.
	if again, err := h.unsaved(ctx, id, left); err != nil || len(again) > 0 {
		return err
	}
	h.log.ExtInfof("item %d: the panel did not take %d parameters in one call, each gets a call of its own from now on", id, len(together))
	h.rememberOneAtATime()
	return nil
}

// saveTogether sends one call with all of the parameters and returns those that the database does not hold after it. A call that the
// panel refused, or whose answer cannot be read, may have saved any of them.
func (h *Host) saveTogether(ctx context.Context, id int64, params []item.Param) ([]item.Param, error) {
	c := callback{name: "service.saveparam", repeat: true, params: []pair{sok(), itemElement(id)}}
	for _, p := range params {
		c.params = append(c.params, pair{p.Name, p.Value})
	}
	c.params = append(c.params, pair{"crypted", "off"})
	failed := h.ask(ctx, c)
	if ctx.Err() != nil || errors.Is(failed, errUnanswered) || errors.Is(failed, errNoMgrctl) || failed != nil && fault.From(failed).Type == fault.Interrupted {
		return nil, failed // a call for each would not reach the panel either
	}
	left, err := h.unsaved(ctx, id, params)
	if err == nil && failed != nil {
		h.log.Warningf("item %d: %d of %d parameters were saved by one call: %v", id, len(params)-len(left), len(params), failed)
	}
	return left, err
}

// unsaved returns those of the parameters that the database does not hold with their values.
func (h *Host) unsaved(ctx context.Context, id int64, params []item.Param) ([]item.Param, error) {
	held, err := h.pairs(ctx, "itemparam", "SELECT intname, value FROM itemparam WHERE item=?", id)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(params), func(p item.Param) bool { return held[p.Name] == p.Value }), nil
}

// saveEach saves each of the parameters by a call of its own.
func (h *Host) saveEach(ctx context.Context, id int64, params []item.Param) error {
	for _, p := range params {
		if err := h.SaveParam(ctx, id, p.Name, p.Value); err != nil {
			return err
		}
	}
	return nil
}

// separate returns the parameters that one call may save, and the others.
func separate(params []item.Param) (together, single []item.Param) {
	size := 0
	for _, p := range params {
		length := len(p.Name) + len(p.Value)
		if !fitsFormB(p) || size+length > maxTogether {
			single = append(single, p)
			continue
		}
		size += length
		together = append(together, p)
	}
	return together, single
}

// fitsFormB reports whether form B can save a parameter: its name is one that is no word of the call itself, and its value is neither
// empty, which deletes, nor one that mgrctl cannot be given.
func fitsFormB(p item.Param) bool {
	return isParamName(p.Name) && p.Value != "" && utf8.ValidString(p.Value) && !strings.ContainsRune(p.Value, 0)
}

// isParamName reports whether a name is made of lower-case letters, digits and underscores, with an underscore in it: none of the panel's
// own words of a call is known to be so, but for those named here.
func isParamName(name string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789_"
	return name == "lineage" || strings.Contains(name, "_") && strings.Trim(name, letters) == "" && !slices.Contains([]string{"clicked_button", "progress_id"}, name)
}
