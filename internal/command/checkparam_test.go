package command_test

import (
	"context"
	"testing"

	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/itemparam"

	"github.com/beevik/etree"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFieldsOfTheOrderForm(t *testing.T) {
	wild := newPair(t, "*.example.com").csr
	for _, c := range []struct {
		rule    string
		pairs   []string
		stdin   map[string]string
		object  string // of the fault, empty where all is well
		refused string
	}{
		{rule: "a good field", pairs: []string{"adm_email", "a@example.com"}},
		{rule: "an unknown one", pairs: []string{"colour", "жёлтый"}},
		{rule: "an empty one", pairs: []string{"csr", ""}},
		{rule: "a bad CSR", pairs: []string{"csr", "x"}, object: "csr", refused: "not PEM"},
		{rule: "the second of two", pairs: []string{"adm_email", "a@example.com", "adm_phone", "none"}, object: "adm_phone", refused: "telephone"},
		{rule: "both", pairs: []string{"adm_email", "a", "adm_phone", "none"}, object: "adm_email",
			refused: `value (adm_email): "a" is not an e-mail address; value (adm_phone): "none" is not a telephone number`},
		{rule: "a value without name", pairs: []string{"adm_email"}, object: "argv", refused: "each --param needs one --value"},
		{rule: "a file for a name", pairs: []string{"approver_method", "auth_http"}, stdin: map[string]string{"csr": ""}},
		{rule: "a file for a wildcard CSR", pairs: []string{"approver_method", "auth_http"}, stdin: map[string]string{"csr": wild},
			object: "approver_method", refused: "BR 3.2.2.4.18"},
		{rule: "a file for a further wildcard", pairs: []string{"approver_method", "auth_file"}, stdin: map[string]string{"altname": "a.example.com,*.example.com"},
			object: "approver_method", refused: "BR 3.2.2.4.18"},
		{rule: "a wildcard on the command line", pairs: []string{"approver_method", "auth_http", "CN", "*.example.com"},
			object: "approver_method", refused: "BR 3.2.2.4.18"},
		{rule: "DNS for a wildcard", pairs: []string{"approver_method", "auth_dnscname"}, stdin: map[string]string{"csr": wild}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			s := newFixture(t)
			for i, word := range c.pairs {
				if i%2 == 0 {
					s.args.Params = append(s.args.Params, word)
				} else {
					s.args.Values = append(s.args.Values, word)
				}
			}
			run := s.env()
			if c.stdin != nil {
				run.Doc = etree.NewDocument()
				it := run.Doc.CreateElement("doc").CreateElement("item")
				for name, value := range c.stdin {
					it.CreateElement(name).SetText(value)
				}
			}
			doc, err := command.CheckParam(context.Background(), run)
			assert.Empty(t, s.panel.calls)
			if c.refused == "" {
				require.NoError(t, err)
				assert.Contains(t, output(t, doc), "<doc><ok/></doc>")
				return
			}
			require.ErrorContains(t, err, c.refused)
			assert.Equal(t, fault.Value, fault.From(err).Type)
			assert.Equal(t, c.object, fault.From(err).Object)
		})
	}
}

// The fields may be children of the root.
func TestFieldsWithoutTheItemElement(t *testing.T) {
	s := newFixture(t)
	s.args.Params, s.args.Values = []string{"approver_method"}, []string{"auth_http"}
	run := s.env()
	run.Doc = etree.NewDocument()
	run.Doc.CreateElement("doc").CreateElement("altname").SetText("*.example.com")
	_, err := command.CheckParam(context.Background(), run)
	require.Error(t, err)
}

// In the form of a reissue, names that were not paid for are an error, as in reopen (rules BUY-20).
func TestNamesOfAnExistingItemMustBePaidFor(t *testing.T) {
	many := "a.example.com b.example.com c.example.com"
	for _, c := range []struct {
		rule, param, value string
		ordered            int
		bought             string
		refused            bool
	}{
		{"within the price", "altname", "a.example.com b.example.com", 0, "", false},
		{"without the addon", "altname", many, 0, "", true},
		{"an addon that is none", "altname", many, -1, "", true},
		{"as many as ordered", "altname", many, 3, "", false},
		{"bought at the seller", "altname", many, 0, "1", false},
		{"another field", "adm_email", "a@example.com", 0, "", false},
	} {
		t.Run(c.rule, func(t *testing.T) {
			s := newFixture(t)
			s.panel.order.Template, s.panel.order.SANs = "san_certificate", c.ordered
			if c.bought != "" {
				s.panel.order.Params[itemparam.SANsBought], s.panel.order.Params[itemparam.OrderID] = c.bought, "101"
			}
			s.args.Params, s.args.Values = []string{c.param}, []string{c.value}
			_, err := command.CheckParam(t.Context(), s.env())
			if !c.refused {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, "gave 3 names beside the common name (in the CSR and the list) and the order pays for 2")
		})
	}
	t.Run("an item that cannot be read is not checked", func(t *testing.T) {
		s := newFixture(t)
		s.args.Item = 43
		s.args.Params, s.args.Values = []string{"altname"}, []string{many}
		_, err := command.CheckParam(t.Context(), s.env())
		require.NoError(t, err)
	})
}
