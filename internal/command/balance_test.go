package command_test

import (
	"context"
	"testing"

	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/seller"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBalanceOfOneModule(t *testing.T) {
	s := newFixture(t)
	s.args = item.Args{Command: "getbalance", Module: 5}
	doc, err := command.GetBalance(context.Background(), s.env())
	require.NoError(t, err)
	assert.Contains(t, output(t, doc), "<doc><balance>100.00</balance><currency>USD</currency></doc>")
	assert.Equal(t, []string{"savebalance 5 100.00 USD"}, s.panel.calls)
}

// The module of another binary has other parameters, so the error must not report these as missing.
func TestAModuleOfAnotherBinaryIsRefused(t *testing.T) {
	s := newFixture(t)
	s.args = item.Args{Command: "getbalance", Module: 6}
	_, err := command.GetBalance(context.Background(), s.env())
	assert.Equal(t, fault.Value, faultType(t, err))
	assert.Contains(t, err.Error(), "the processing module 6 is none of pmtest; its own are 5")
	assert.Empty(t, s.panel.calls)
}

// docs/reference/billmanager.md §11: without --module all modules of the binary; one that fails does not stop the others.
func TestBalancesOfAllModules(t *testing.T) {
	s := newFixture(t)
	s.args = item.Args{Command: "getbalance"}
	ca := newListedPanel(s)
	ca.modules = []int64{5, 6, 7}
	doc, err := command.GetBalance(context.Background(), s.with(s.seller, ca))
	require.NoError(t, err)
	assert.Contains(t, output(t, doc), `<processingmodule id="6"><balance>100.00</balance><currency>USD</currency></processingmodule>`)
	assert.Equal(t, []string{"savebalance 5 100.00 USD", "savebalance 6 100.00 USD", "savebalance 7 100.00 USD"}, ca.calls)

	ca.calls = nil
	ca.broken[5] = fault.Errorf(fault.DB, "CryptKey", "no key").Retryable()
	ca.fail["savebalance 6"] = fault.Errorf(fault.Panel, "processing.savebalance", "no rights")
	_, err = command.GetBalance(context.Background(), s.with(s.seller, ca))
	failure := fault.From(err)
	require.NotNil(t, failure)
	assert.Equal(t, []string{"savebalance 7 100.00 USD"}, ca.calls)
	assert.Equal(t, fault.DB, failure.Type)
	assert.False(t, failure.Retry, "one of them is not temporary")
	assert.Equal(t, "processing module 5: db (CryptKey): no key; processing module 6: panel (processing.savebalance): no rights", failure.Message)

	ca.modules = nil
	doc, err = command.GetBalance(context.Background(), s.with(s.seller, ca))
	require.NoError(t, err)
	assert.Contains(t, output(t, doc), "<doc/>")
}

func TestBalanceThatCannotBeSaved(t *testing.T) {
	s := newFixture(t)
	s.args = item.Args{Command: "getbalance", Module: 5}
	mute := struct{ seller.Seller }{s.seller}
	_, err := command.GetBalance(context.Background(), s.with(mute, s.panel))
	require.ErrorContains(t, err, "does not support reading the balance")
	s.seller.balance = "much"
	require.Error(t, s.run(command.GetBalance))
	assert.Empty(t, s.panel.calls)
}
