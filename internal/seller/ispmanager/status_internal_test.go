package ispmanager

import (
	"testing"

	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func statusOf(t *testing.T, fields string) (itemStatus, int) {
	t.Helper()
	root, err := sellerhttp.ParseXML([]byte("<elem>" + fields + "</elem>"))
	require.NoError(t, err)
	return itemStatusOf(root), serviceStatusOf(root.Child("service_status").Text())
}

func TestStatusesInEveryEncoding(t *testing.T) {
	for fields, want := range map[string]seller.State{
		`<item_status orig="1">Ordered</item_status>`:                                      seller.StateUnpaid,
		`<item_status>1</item_status>`:                                                     seller.StateUnpaid,
		`<item_status>Ordered</item_status><status>1</status>`:                             seller.StateUnpaid,
		`<item_status>x</item_status><item_real_status>4</item_real_status>`:               seller.StateCancelled,
		`<status orig="4">Deleted</status>`:                                                seller.StateCancelled,
		`<item_status orig="5">Processing</item_status>`:                                   seller.StateWaiting,
		`<item_status>item_status_5_reopen</item_status>`:                                  seller.StateWaiting,
		`<item_status>item_status_5_open</item_status><service_status>5</service_status>`:  seller.StateWaiting,
		`<item_status orig="2">Active</item_status>`:                                       seller.StateWaiting,
		`<item_status orig="2">Active</item_status><service_status>5</service_status>`:     seller.StateIssued,
		`<item_status orig="2">Active</item_status><service_status>3</service_status>`:     seller.StateWaiting,
		`<item_status orig="5">P</item_status><service_status orig="4">w</service_status>`: seller.StateWaiting,
		`<item_status>item_status_3_autosuspend</item_status>`:                             seller.StateWaiting,
		`<item_status orig="3">Suspended</item_status><service_status>5</service_status>`:  seller.StateIssued,
		`<item_status orig="2">Active</item_status><service_status>6</service_status>`:     seller.StateRefused,
		`<item_status orig="1">Ordered</item_status><service_status>6</service_status>`:    seller.StateUnpaid,
		`<item_status orig="4">Deleted</item_status><service_status>5</service_status>`:    seller.StateCancelled,
		`<item_status orig="5" color="x">Processing</item_status><status>5</status>`:       seller.StateWaiting,
		`<item_status>item_status_4</item_status>`:                                         seller.StateCancelled,
		``:                                      seller.StateUnknown,
		`<item_status>odd</item_status>`:        seller.StateUnknown,
		`<item_status>20260712</item_status>`:   seller.StateUnknown,
		`<service_status>5</service_status>`:    seller.StateIssued,
		`<service_status>2026</service_status>`: seller.StateUnknown,
	} {
		it, service := statusOf(t, fields)
		assert.Equal(t, want, stateOf(it, service), fields)
	}
}

func TestStateWords(t *testing.T) {
	it, service := statusOf(t, `<item_status orig="5">Processing</item_status><item_real_status>item_status_5_reopen</item_real_status><service_status>4</service_status>`)
	assert.Equal(t, "Processing (reopen), service_status 4", stateWords(it, service))
	it, service = statusOf(t, `<service_status>4</service_status>`)
	assert.Equal(t, "service_status 4", stateWords(it, service))
}

func FuzzStatus(f *testing.F) {
	for _, seed := range []string{"", "1", "item_status_5_open", "Active", "5_", "99999999999999999999", "4 deleted", "-1"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, text, service string) {
		number, rest := firstNumber(text)
		require.GreaterOrEqual(t, number, 0)
		require.LessOrEqual(t, len(rest), len(text))
		require.LessOrEqual(t, serviceStatusOf(service), serviceFailed)
		state := stateOf(itemStatus{number: number, task: rest}, serviceStatusOf(service))
		require.NotEqual(t, seller.StateNew, state)
	})
}
