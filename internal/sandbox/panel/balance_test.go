package panel_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/panel"
)

// docs/reference/billmanager.md §11: the cron job starts each module, which calls processing.savebalance.
func TestCronJobStartsGetbalance(t *testing.T) {
	on(t, func(t *testing.T, p *panel.Panel) {
		one := connected(t, p)
		two, err := p.Connect(t.Context(), "pmfake.sh", panel.Connection{
			Params: map[string]string{"password": "right"}, Threshold: "20"})
		require.NoError(t, err)
		known, err := p.Balances(t.Context())
		require.NoError(t, err)
		assert.Equal(t, []panel.Balance{{Module: one}, {Module: two.ID}}, known, "nobody has told yet")

		runs, err := p.CheckBalances(t.Context())
		require.NoError(t, err)
		require.Len(t, runs, 2)
		assert.Equal(t, []string{"--command", "getbalance", "--module", "1"}, runs[0].Args)
		known, err = p.Balances(t.Context())
		require.NoError(t, err)
		assert.Equal(t, []panel.Balance{
			{Module: one, Amount: "12.5000", Currency: "USD"}, {Module: two.ID, Amount: "12.5000", Currency: "USD", Low: true},
		}, known)
	})
}

func TestImportFormCreatesAService(t *testing.T) {
	on(t, func(t *testing.T, p *panel.Panel) {
		module := connected(t, p)
		_, err := p.AddTariff(t.Context(), panel.Tariff{Name: "T", IntName: "fake_dv", Modules: []int64{module}})
		require.NoError(t, err)
		run, err := p.Import(t.Context(), module, "example.org")
		require.NoError(t, err)
		require.True(t, run.OK(), run.Failure())
		assert.Equal(t, []string{"--command", "import", "--module", "1", "--itemtype", "certificate", "--searchstring", "example.org"}, run.Args)
		item, err := p.Item(t.Context(), 1)
		require.NoError(t, err)
		assert.Equal(t, "example.org", item.Name)
		assert.Equal(t, 2, item.Status)
		assert.Equal(t, "77", item.Params["custom_order_id"], "any item parameter may come with the import")
		run, err = p.Import(t.Context(), module, "")
		require.NoError(t, err)
		assert.NotContains(t, run.Args, "--searchstring")
	})
}
