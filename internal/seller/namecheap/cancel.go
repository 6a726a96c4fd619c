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

// wrongSelection is "Wrong SSL certificate selection. The type provided is not supported by command."
// (docs/reference/namecheap.md §3.11).
const wrongSelection = 2011300

// maxLineage bounds how many reissues of one order are followed: more than five years of the shortest certificates have.
const maxLineage = 100

// Cancel ends the order of the certificate as far as Namecheap's API goes, which is not far: it revokes certificates that a
// reissue replaced, and nothing else (ssl.revokecertificate, docs/reference/namecheap.md §3.11). So a replaced id is
// revoked, and then the id that replaced it is looked at, down to the newest one. Where that one has ended already, nothing
// is left to do and there is no error. Where it has not, only Namecheap's support ends the order: the fault, of type
// api_error and without Retry, says word by word what has to be asked for and which revocations were refused.
func (c *Client) Cancel(ctx context.Context, id int64) error {
	var refused []string
	for seen := map[int64]bool{}; !seen[id] && len(seen) < maxLineage; {
		seen[id] = true
		found, err := c.orderAt(ctx, id)
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
		return found.atSupport(refused, c.access.userName)
	}
	return fault.Errorf(fault.Client, commandInfo, "%s's answers on what replaced the certificate %d come to no end; look at the order there", Title, id)
}

// Revoke revokes one certificate that a reissue replaced (ssl.revokecertificate, docs/reference/namecheap.md §3.11), and
// nothing else: API without a request where the certificate is not replaced, and where Namecheap refuses.
func (c *Client) Revoke(ctx context.Context, id int64) error {
	found, err := c.orderAt(ctx, id)
	if err != nil {
		return err
	}
	if found.State != seller.StateReplaced {
		return fault.Errorf(fault.API, commandRevoke, "%s revokes replaced certificates only, and %d stands as %s", Title, id, found.StatusText)
	}
	refused, err := c.revoke(ctx, found)
	if err != nil || len(refused) == 0 {
		return err
	}
	return fault.Errorf(fault.API, commandRevoke, "ask %s's support for the account %s to %s", Title, c.access.userName, strings.Join(refused, "; and to "))
}

// heldOrder is a certificate with what support asks for.
type heldOrder struct {
	seller.OrderStatus
	order    string // Namecheap's own order number
	provider string // the CA's
}

func (c *Client) orderAt(ctx context.Context, id int64) (heldOrder, error) {
	result, err := c.ask(ctx, sellerhttp.Read, "SSLGetInfoResult", commandInfo, "CertificateID", strconv.FormatInt(id, 10))
	if err != nil {
		return heldOrder{}, err
	}
	details := result.Child("CertificateDetails")
	h := heldOrder{order: words(result.Attr("OrderId")), provider: words(result.Child("Provider").Child("OrderID").Text())}
	h.ID, h.State, h.StatusText = id, stateOf(result.Attr("Status")), stateWords(result)
	h.Type, h.CommonName = words(result.Attr("Type")), strings.ToLower(words(details.Child("CommonName").Text()))
	if by := seller.ParseID(result.Attr("ReplacedBy")); by != id {
		h.ReplacedBy = by
	}
	return h, nil
}

// revoke revokes one replaced certificate, and says why where Namecheap refuses. Its type is asked for under the
// certificate's own name and, where that is not supported, under the product's other names: the page still speaks of Comodo
// only.
func (c *Client) revoke(ctx context.Context, h heldOrder) (refused []string, err error) {
	names := []string{h.Type}
	if p, own, known := productNamed(h.Type); known {
		names = append([]string{own}, without(p.Names, own)...)
	}
	for _, name := range names {
		var result *sellerhttp.Element
		result, err = c.ask(ctx, sellerhttp.Once, "RevokeCertificateResult", commandRevoke,
			"CertificateID", strconv.FormatInt(h.ID, 10), "CertificateType", name)
		if err == nil {
			if err = c.accepted(result, commandRevoke, h.ID); err == nil {
				c.log.Infof("%s revokes the replaced certificate %d: %s", Title, h.ID, words(result.Child("Description").Text()))
				return nil, nil
			}
		}
		if !refusedFor(err, wrongSelection) {
			break
		}
	}
	failure := fault.From(err)
	if failure.Type != fault.API || failure.Retry {
		return nil, failure
	}
	return []string{fmt.Sprintf("revoke the replaced certificate %d (asked for it, %s)", h.ID, failure.Message)}, nil
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

// atSupport returns what is left for Namecheap's support: nothing of an order that has ended with all its revocations
// accepted. An id that was replaced by nobody knows what is no end: something of the order may still be valid.
func (h heldOrder) atSupport(refused []string, user string) error {
	var asks []string
	if h.State != seller.StateCancelled && h.State != seller.StateExpired {
		var text strings.Builder
		fmt.Fprintf(&text, "cancel the certificate %d", h.ID)
		h.described(&text)
		asks = append(asks, text.String()+" and revoke what was issued for it")
	}
	asks = append(asks, refused...)
	if len(asks) == 0 {
		return nil
	}
	return fault.Errorf(fault.API, commandRevoke, "%s ends no order through its API; ask its support for the account %s to %s",
		Title, user, strings.Join(asks, "; and to "))
}

func (h heldOrder) described(text *strings.Builder) {
	var facts []string
	for _, fact := range []struct{ name, value string }{
		{"provider order", h.provider}, {"Namecheap order", h.order}, {"product", h.Type}, {"for", h.CommonName}, {"which stands as", h.StatusText},
	} {
		if !noID(fact.value) {
			facts = append(facts, fact.name+" "+fact.value)
		}
	}
	if len(facts) > 0 {
		text.WriteString(" (" + strings.Join(facts, ", ") + ")")
	}
}
