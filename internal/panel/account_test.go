package panel_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/seller"
)

// docs/reference/billmanager.md §11: the call-backs for balances and imported services.
func TestBalanceIsSentAsAPlainDecimal(t *testing.T) {
	w := newFixture(t)
	require.NoError(t, w.SaveBalance(t.Context(), 5, seller.Money{Amount: 1234567.5, Text: "1,234,567.50", Currency: "USD"}))
	require.NoError(t, w.SaveBalance(t.Context(), 6, seller.Money{Amount: -0.004}))
	assert.Equal(t, []string{
		"processing.savebalance processingmodule=5 balance=1234567.50 currency=USD sok=ok",
		"processing.savebalance processingmodule=6 balance=-0.00 sok=ok",
	}, w.callLines())
}

func TestImportReturnsTheNewItemsID(t *testing.T) {
	w := newFixture(t)
	w.behave("processing.import.service", step{Stdout: "<doc><service_id>1001</service_id><ok/></doc>"})
	id, err := w.ImportService(t.Context(), item.Import{
		Module: 5, Template: "positivessl", Name: "example.com", RemoteID: "77", Status: 2, Service: item.ServiceIssued, Months: 24,
		Expires: cabforum.Date{Year: 2026, Month: 10, Day: 19}, Params: map[string]string{"lineage": "76 77", "custom_order_id": "77"},
	})
	require.NoError(t, err)
	assert.EqualValues(t, 1001, id)
	_, err = w.ImportService(t.Context(), item.Import{Module: 5, Template: "t", Name: "example.org", Status: 2, Service: item.ServiceIssued})
	require.NoError(t, err)
	calls := w.calls()
	assert.Equal(t, []string{"processing.import.service", "sok=ok", "module=5", "import_itemtype_intname=certificate",
		"import_pricelist_intname=positivessl", "import_service_name=example.com", "status=2", "service_status=5",
		"import_remote_id=77", "period=24", "expiredate=2026-10-19", "custom_order_id=77", "lineage=76 77"}, calls[0].Args)
	assert.Equal(t, []string{"processing.import.service", "sok=ok", "module=5", "import_itemtype_intname=certificate",
		"import_pricelist_intname=t", "import_service_name=example.org", "status=2", "service_status=5"}, calls[1].Args,
		"unknown parameters are not sent")
}

func TestImportWithoutAServiceIDIsAFault(t *testing.T) {
	for name, answer := range map[string]string{
		"none": okAnswer, "no number": "<doc><service_id>new</service_id></doc>", "zero": "<doc><service_id>0</service_id></doc>",
		"refused": refusalXML("value", "import_pricelist_intname", "x", "No such tariff"),
	} {
		w := newFixture(t)
		w.behave("processing.import.service", step{Stdout: answer})
		id, err := w.ImportService(t.Context(), item.Import{Module: 5, Template: "t", Name: "example.com"})
		require.Error(t, err, name)
		assert.Zero(t, id, name)
		assert.Equal(t, fault.Panel, fault.From(err).Type, name)
		assert.Len(t, w.calls(), 1, "%s: a call that may have created an item is not repeated", name)
	}
}
