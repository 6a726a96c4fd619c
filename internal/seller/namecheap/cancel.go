package namecheap

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

const commandRevoke = "namecheap.ssl.revokecertificate"

// wrongSelection is the error "Wrong SSL certificate selection. The type provided is not supported by command."
// (docs/reference/namecheap.md §3.11).
const wrongSelection = 2011300

// maxLineage is how many reissues of one order are followed at most. Five years of the shortest certificates have fewer.
const maxLineage = 100

// Cancel ends the order of the certificate as far as Namecheap's API can: it revokes only certificates that a reissue replaced
// (ssl.revokecertificate, docs/reference/namecheap.md §3.11). Cancel revokes each replaced id, from the given one to the
// newest. If the newest certificate has ended already, there is no error. Otherwise only Namecheap's support can end the
// order: the fault, of type api_error and without Retry, says what to ask the support for and which revocations were
// refused.
func (c *Client) Cancel(ctx context.Context, id int64) error {
	var refused []string
	for seen := map[int64]bool{}; !seen[id] && len(seen) < maxLineage; {
		seen[id] = true
		found, err := c.details(ctx, id)
		if err != nil {
			return err
		}
		if found.State == seller.StateReplaced {
			why, err := c.revoke(ctx, found)
			if err != nil {
				return err
			}
			refused = append(refused, why...)
			if found.ReplacedBy != 0 {
				id = found.ReplacedBy
				continue
			}
		}
		return found.supportRequest(refused, c.access.userName)
	}
	return fault.Errorf(fault.Client, commandInfo, "%s's answers on what replaced the certificate %d do not end; check the order in its web pages", Title, id)
}

// Revoke revokes one certificate that a reissue replaced (ssl.revokecertificate, docs/reference/namecheap.md §3.11). If the
// certificate is not replaced (no request is sent then) or Namecheap refuses, the fault is of type API.
func (c *Client) Revoke(ctx context.Context, id int64) error {
	found, err := c.details(ctx, id)
	if err != nil {
		return err
	}
	if found.State != seller.StateReplaced {
		return fault.Errorf(fault.API, commandRevoke, "%s revokes replaced certificates only, and the status of %d is %s", Title, id, found.StatusText)
	}
	refused, err := c.revoke(ctx, found)
	if err != nil || len(refused) == 0 {
		return err
	}
	return fault.Errorf(fault.API, commandRevoke, "ask %s's support for the account %s to %s", Title, c.access.userName, strings.Join(refused, "; and to "))
}

// orderDetails is a certificate with the numbers that Namecheap's support asks for.
type orderDetails struct {
	seller.OrderStatus
	order    string // Namecheap's own order number
	provider string // the CA's order number
}

func (c *Client) details(ctx context.Context, id int64) (orderDetails, error) {
	result, err := c.ask(ctx, sellerhttp.Read, "SSLGetInfoResult", commandInfo, "CertificateID", strconv.FormatInt(id, 10))
	if err != nil {
		return orderDetails{}, err
	}
	details := result.Child("CertificateDetails")
	h := orderDetails{order: words(result.Attr("OrderId")), provider: words(result.Child("Provider").Child("OrderID").Text())}
	h.ID, h.State, h.StatusText = id, stateOf(result.Attr("Status")), stateWords(result)
	h.Type, h.CommonName = words(result.Attr("Type")), strings.ToLower(words(details.Child("CommonName").Text()))
	if by := seller.ParseID(result.Attr("ReplacedBy")); by != id {
		h.ReplacedBy = by
	}
	return h, nil
}

// revoke revokes one replaced certificate. If Namecheap refuses, refused says what to ask its support for. The request names
// the certificate's own product and, if that is not supported, the product's other names: the documentation has Comodo's
// names only.
func (c *Client) revoke(ctx context.Context, h orderDetails) (refused []string, err error) {
	names := []string{h.Type}
	if p, own, known := productNamed(h.Type); known {
		names = append([]string{own}, without(p.Names, own)...)
	}
	for _, name := range names {
		var result *sellerhttp.Element
		result, err = c.ask(ctx, sellerhttp.Once, "RevokeCertificateResult", commandRevoke,
			"CertificateID", strconv.FormatInt(h.ID, 10), "CertificateType", name)
		if err == nil {
			if err = c.checkAccepted(result, commandRevoke, h.ID); err == nil {
				c.log.Infof("%s revokes the replaced certificate %d: %s", Title, h.ID, words(result.Child("Description").Text()))
				return nil, nil
			}
		}
		if !refusedWith(err, wrongSelection) {
			break
		}
	}
	failure := fault.From(err)
	if failure.Type != fault.API || failure.Retry {
		return nil, failure
	}
	return []string{fmt.Sprintf("revoke the replaced certificate %d (not done through the API: %s)", h.ID, failure.Message)}, nil
}

func without(names []string, name string) []string {
	var rest []string
	for _, one := range names {
		if one != name {
			rest = append(rest, one)
		}
	}
	return rest
}

// supportRequest returns the fault that tells the administrator what to ask Namecheap's support for; nil if the order
// has ended and all revocations were accepted. A replaced certificate whose replacement is not known does not count as
// ended: another certificate of the order may be valid.
func (h orderDetails) supportRequest(refused []string, user string) error {
	var asks []string
	if h.State != seller.StateCancelled && h.State != seller.StateExpired {
		var text strings.Builder
		fmt.Fprintf(&text, "cancel the certificate %d", h.ID)
		h.describe(&text)
		asks = append(asks, text.String()+" and revoke what was issued for it")
	}
	asks = append(asks, refused...)
	if len(asks) == 0 {
		return nil
	}
	return fault.Errorf(fault.API, commandRevoke, "%s ends no order through its API; ask its support for the account %s to %s",
		Title, user, strings.Join(asks, "; and to "))
}

func (h orderDetails) describe(text *strings.Builder) {
	var facts []string
	for _, fact := range []struct{ name, value string }{
		{"provider order", h.provider}, {"Namecheap order", h.order}, {"product", h.Type}, {"for", h.CommonName}, {"with the status", h.StatusText},
	} {
		if !noID(fact.value) {
			facts = append(facts, fact.name+" "+fact.value)
		}
	}
	if len(facts) > 0 {
		text.WriteString(" (" + strings.Join(facts, ", ") + ")")
	}
}
