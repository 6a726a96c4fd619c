package ispmanager

import (
	"context"
	"slices"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/plaintext"
)

const functionFilter = "certificate.filter"

// wholeList returns the list for a caller that concludes from it that an order does not exist. A filter that was set
// once in the account's web pages also applies to this client, and the remote then counts only the rows that are left
// (docs/reference/ispmanager.md §1.4). The filter's form shows whether one is set; without sok it changes nothing.
func (c *Client) wholeList(ctx context.Context) ([]row, error) {
	reply, err := c.read(ctx, functionFilter, nil)
	if refused := failureIn(err); refused != nil && !refused.refusesAccess() {
		c.log.ExtInfof("whether a filter is set for the list at %s cannot be read: %v", Title, err)
	} else if err != nil {
		return nil, err
	} else if set := filtersIn(formOf(functionFilter, reply)); len(set) > 0 {
		return nil, fault.Errorf(fault.API, functionFilter, "a filter hides orders in the list of certificates at %s (%s): an order could be missed and made "+
			"a second time; reset the filter in the account there, and use an account of its own for this panel", Title, strings.Join(set, ", "))
	}
	return c.list(ctx)
}

// filtersIn returns the columns of the list that have a value in the filter's form.
func filtersIn(f form) []string {
	var set []string
	for _, name := range f.fieldNames() {
		value := f.fields[name]
		if !slices.Contains([]string{"id", "CN", "domain", "name", "remoteid", "item_status", "status", "pricelist", "service_status"}, name) {
			continue
		}
		if value != "" && value != "null" && value != "any" && value != "all" {
			set = append(set, name+" "+plaintext.Clip(redacted(value), 60))
		}
	}
	return set
}
