package cert_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"pmssl/internal/cert"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The journal is read by later versions too: its names must not change (contract 3.2).
func TestJournalLineIsThisJSON(t *testing.T) {
	line := cert.Bought{
		Time: time.Date(2026, 4, 2, 14, 7, 33, 0, time.UTC), Item: 42, Kind: cert.KindCreate, ID: 747253,
		Account: "0123456789abcdef", Op: 7,
	}
	text, err := json.Marshal(line)
	require.NoError(t, err)
	assert.Equal(t, `{"time":"2026-04-02T14:07:33Z","item":42,"kind":"create","id":747253,"account":"0123456789abcdef","op":7}`, string(text))
	var back cert.Bought
	require.NoError(t, json.Unmarshal(text, &back))
	assert.Equal(t, line, back)
}

func TestKindsOfPurchaseAreTheWordsOfTheIntent(t *testing.T) {
	assert.Equal(t, []string{"create", "renew", "sans", "order", "prolong"},
		[]string{cert.KindCreate, cert.KindRenew, cert.KindSANs, cert.KindOrder, cert.KindProlong})
}

func TestFaultTextIsTypeObjectAndWords(t *testing.T) {
	assert.EqualError(t, cert.Faultf(cert.FaultValue, "csr", "%d bits", 1024), "value (csr): 1024 bits")
	assert.EqualError(t, cert.Faultf(cert.FaultDB, "", "refused"), "db: refused")
	assert.EqualError(t, &cert.Fault{Type: cert.FaultClient, Err: io.ErrUnexpectedEOF}, "client: unexpected EOF")
	assert.EqualError(t, &cert.Fault{Type: cert.FaultClient}, "client: ")
}

func TestFaultKeepsItsCauses(t *testing.T) {
	one := cert.Faultf(cert.FaultClient, "seller", "no answer: %w", io.EOF)
	assert.ErrorIs(t, one, io.EOF)
	assert.Equal(t, io.EOF, one.Err)
	two := cert.Faultf(cert.FaultClient, "seller", "%w and then %w", io.EOF, io.ErrClosedPipe)
	assert.ErrorIs(t, two, io.EOF)
	assert.ErrorIs(t, two, io.ErrClosedPipe)
	assert.Equal(t, "EOF and then io: read/write on closed pipe", two.Value)
	assert.NoError(t, cert.Faultf(cert.FaultValue, "", "no cause").Unwrap())
}

func TestAgainMarksTheFaultItself(t *testing.T) {
	fault := cert.Faultf(cert.FaultLocked, "item", "busy")
	assert.False(t, fault.Retry)
	assert.Same(t, fault, fault.Again())
	assert.True(t, fault.Retry)
}

func TestFaultOfIsTheOutermost(t *testing.T) {
	assert.Nil(t, cert.FaultOf(nil))

	inner := cert.Faultf(cert.FaultClient, "seller", "no answer")
	assert.Same(t, inner, cert.FaultOf(inner))
	assert.Same(t, inner, cert.FaultOf(fmt.Errorf("syncing 42: %w", inner)))
	assert.Same(t, inner, cert.FaultOf(errors.Join(io.EOF, inner)))

	outer := cert.Faultf(cert.FaultApprover, "", "%w", inner)
	assert.Same(t, outer, cert.FaultOf(fmt.Errorf("approver: %w", outer)))
	assert.ErrorIs(t, outer, inner)

	plain := fmt.Errorf("reading: %w", io.EOF)
	got := cert.FaultOf(plain)
	assert.Equal(t, cert.FaultInternal, got.Type)
	assert.Equal(t, "reading: EOF", got.Value)
	assert.ErrorIs(t, got, io.EOF)

	var none *cert.Fault
	assert.Equal(t, cert.FaultInternal, cert.FaultOf(error(none)).Type, "an error without content is still an error")
}

func TestStates(t *testing.T) {
	for _, c := range []struct {
		state              cert.State
		word               string
		ended, activatable bool
	}{
		{cert.StateUnknown, "unknown", false, false},
		{cert.StateNew, "new", false, true},
		{cert.StateRenewal, "new renewal", false, true},
		{cert.StateWaiting, "waiting", false, false},
		{cert.StateIssued, "issued", false, false},
		{cert.StateReplaced, "replaced", false, false},
		{cert.StateRefused, "refused", true, false},
		{cert.StateCancelled, "cancelled", true, false},
		{cert.StateExpired, "expired", true, false},
		{cert.State(99), "unknown", false, false},
	} {
		assert.Equal(t, c.word, c.state.String())
		assert.Equal(t, c.ended, c.state.Ended(), c.word)
		assert.Equal(t, c.activatable, c.state.Activatable(), c.word)
	}
}

func TestServiceStatusIsThePanelsNumber(t *testing.T) {
	assert.Equal(t, []cert.Service{3, 4, 5, 6}, []cert.Service{cert.ServiceRequested, cert.ServiceWaiting, cert.ServiceIssued, cert.ServiceFailed})
}

func TestLevels(t *testing.T) {
	assert.Equal(t, "DV OV EV unknown level", fmt.Sprint(cert.DV)+" "+fmt.Sprint(cert.OV)+" "+fmt.Sprint(cert.EV)+" "+fmt.Sprint(cert.Level(0)))
}
