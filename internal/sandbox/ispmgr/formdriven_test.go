package ispmgr_test

import (
	"fmt"
	"net/url"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/ispmgr"
	"pmssl/internal/sandbox/standin/standintest"
)

// formClient orders by the forms alone: it replaces some values of a form with its own, keeps the
// others, and continues where the answer leads (docs/reference/ispmanager.md §15).
type formClient struct {
	*standIn
	own     map[string]string
	visited []string
}

// formOf returns the form that an answer leads to.
func (c *formClient) formOf(r standintest.Node) (function string, form standintest.Node) {
	c.t.Helper()
	if nested := r.All("doc"); len(nested) > 0 {
		return nested[0].Attr("func"), nested[0]
	}
	if target := r.Text("ok"); target != "" {
		query, err := url.ParseQuery(target)
		require.NoError(c.t, err)
		pairs := []string{}
		for name := range query {
			if name != "func" {
				pairs = append(pairs, name, query.Get(name))
			}
		}
		return query.Get("func"), c.ok(query.Get("func"), pairs...).root
	}
	return r.Attr("func"), r
}

func (c *formClient) filled(form standintest.Node) []string {
	var pairs []string
	for _, child := range form.Children {
		name := child.XMLName.Local
		if len(child.Children) > 0 || slices.Contains([]string{"slist", "metadata", "tparams", "saved_filters"}, name) {
			continue
		}
		value, known := c.own[name]
		if !known {
			value = child.Text()
		}
		if keys := keysOf(form, name); keys != nil && value == "" {
			value = keys[0]
		}
		pairs = append(pairs, name, value)
	}
	return pairs
}

// order goes from the price list to the last step and returns its answer.
func (c *formClient) order(pricelist string) standintest.Node {
	c.t.Helper()
	r := c.ok("certificate.order", "pricelist", pricelist, "period", "12", "sok", "ok").root
	for range 6 {
		function, form := c.formOf(r)
		c.visited = append(c.visited, function)
		pairs := append(c.filled(form), "sok", "ok", "snext", "ok", "skipbasket", "on", "clicked_button", "finish")
		r = c.ok(function, pairs...).root
		if r.Text("id") != "" {
			return r
		}
	}
	require.Fail(c.t, "no end of the wizard", c.visited)
	return standintest.Node{}
}

// Every shape of the wizard can be completed by its forms alone, and buys once.
func TestWizardIsCompletedByItsForms(t *testing.T) {
	for _, way := range []string{ispmgr.NextForm, ispmgr.NextNested, ispmgr.NextRedirect} {
		for _, pricelist := range []string{"3033", "2026"} {
			for _, further := range []bool{false, true} {
				t.Run(fmt.Sprint(way, pricelist, further), func(t *testing.T) {
					s := newStandIn(t, func(c *ispmgr.Settings) {
						c.WizardNext, c.ContactsStep, c.OrganizationStep = way, further, further
						c.Functions.CSR, c.Functions.Param = "certificate.order.one", "certificate.order.last"
						c.ExtraFields = []ispmgr.ExtraField{{Function: "certificate.order.last", Name: "server", Required: true, Options: []string{"nginx", "iis"}}}
					})
					client := &formClient{standIn: s, own: map[string]string{"crt_type": "exists", "csr": standintest.CSR(t, "example.com"), "autoprolong": "null", "approver_method": "auth_http"}}
					for _, name := range []string{"fname", "lname", "email", "phone"} {
						client.own["adm_"+name], client.own["tech_"+name] = "a@b", "a@b"
					}
					for _, name := range []string{"name", "address", "city", "postcode", "phone"} {
						client.own["org_"+name] = "Doe"
					}
					id := client.order(pricelist).Text("id")
					assert.Len(t, s.Charges(), 1)
					bought := s.certificate(id)
					assert.Equal(t, "null auth_http example.com", bought.AutoProlong+" "+bought.Method+" "+bought.CommonName)
					assert.Empty(t, bought.Key)
					assert.Equal(t, further, slices.Contains(client.visited, "certificate.order.contacts"))
					assert.Equal(t, further && pricelist == "2026", slices.Contains(client.visited, "certificate.order.organization"))
				})
			}
		}
	}
}

// A reissue by its form alone; the client adds only the CSR.
func TestAReissueCanBeDrivenByItsForm(t *testing.T) {
	s := newStandIn(t)
	id := s.issued("example.com")
	csr := standintest.CSR(t, "example.com")
	client := &formClient{standIn: s, own: map[string]string{"crt_type": "exists", "csr": csr}}
	form := s.ok("certificate.reissue", "elid", id).root
	s.ok("certificate.reissue", append(client.filled(form), "sok", "ok")...)
	require.NoError(t, s.Issue(standintest.Number(t, id)))
	assert.Len(t, s.certificate(id).Serials, 2)
	assert.Equal(t, "auth_dnscname", s.certificate(id).Method)
}
