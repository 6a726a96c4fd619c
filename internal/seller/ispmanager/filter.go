package ispmanager

import (
	"context"
	"slices"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/plaintext"
)

const functionFilter = "certificate.filter"

// wholeList returns the list of which somebody will conclude that an order is not there. A filter that was set once in the
// account's web pages stays and cuts the list for us too, and the remote then counts only what is left
// (docs/reference/ispmanager.md §1.4): its form, which changes nothing without sok, shows whether one is set.
func (c *Client) wholeList(ctx context.Context) ([]row, error) {
	reply, err := c.read(ctx, functionFilter, nil)
	if refused := failureIn(err); refused != nil && !refused.shutsOut() {
		c.log.ExtInfof("whether the list at %s is cut by a filter cannot be read: %v", Title, err)
	} else if err != nil {
		return nil, err
	} else if set := filtersIn(formOf(functionFilter, reply)); len(set) > 0 {
		return nil, fault.Errorf(fault.API, functionFilter, "a filter cuts the list of certificates at %s (%s): an order could be missed and made "+
			"a second time; reset it in the account there, and use an account of its own for this panel", Title, strings.Join(set, ", "))
	}
	return c.list(ctx)
}

// filtersIn returns the fields by which the list is cut: columns of the list that have a value in the form.
func filtersIn(f form) []string {
	var set []string
	for _, name := range f.fieldNames() {
		value := f.fields[name]
		if !slices.Contains([]string{"id", "CN", "domain", "name", "remoteid", "item_status", "status", "pricelist", "service_status"}, name) {
			continue
		}
		if value != "" && value != "null" && value != "any" && value != "all" {
			set = append(set, name+" "+plaintext.Clip(remark(value), 60))
		}
	}
	return set
}
