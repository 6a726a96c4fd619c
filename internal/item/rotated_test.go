package item_test

import (
	"crypto"
	"crypto/ecdsa"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/pki/pkitest"
)

// rules PARAM-37: later versions read it too.
func TestRotatedCSRIsThisJSON(t *testing.T) {
	for want, r := range map[string]item.RotatedCSR{
		`{"from":"aa","csr":"PEM","key":"bb","serial":"2a"}`:              {From: "aa", CSR: "PEM", Key: "bb", Serial: "2a"},
		`{"key":"bb","serial":"2a","gave_up":"refused"}`:                  {Key: "bb", Serial: "2a", GaveUp: "refused"},
		`{"key":"","serial":"","failed":"2026-05-07T15:07:16Z","task":7}`: {Failed: time.Date(2026, 5, 7, 15, 7, 16, 0, time.UTC), Task: 7},
	} {
		text, err := json.Marshal(r)
		require.NoError(t, err)
		assert.Equal(t, want, string(text))
		back, there := item.Item{Params: map[string]string{itemparam.RotatedCSR: want}}.Rotated()
		assert.True(t, there)
		assert.Equal(t, r, back)
	}
	_, there := item.Item{Params: map[string]string{itemparam.RotatedCSR: "x"}}.Rotated()
	assert.False(t, there)
}

// rules ROTATE-3: when the CSR for a new key takes the place of the panel's.
func TestWhenTheCSRForANewKeyCounts(t *testing.T) {
	old, next := pkitest.NewKey(t), pkitest.NewKey(t)
	panel := pkitest.CSRFor(t, old, "example.com").PEM
	made := pkitest.CSRFor(t, next, "example.com")
	root := pkitest.NewRoot(t, "Root")
	leaf := func(key *ecdsa.PrivateKey) string {
		return pkitest.PEM(root.Leaf(t, crypto.PublicKey(&key.PublicKey), []string{"example.com"}))
	}
	for name, c := range map[string]struct {
		change func(it *item.Item, r *item.RotatedCSR)
		counts bool
	}{
		"a reissue with it is asked for": {counts: true},
		"the stored certificate is for it": {counts: true, change: func(it *item.Item, _ *item.RotatedCSR) {
			delete(it.Params, itemparam.ReissueOf)
			it.Stored = leaf(next)
		}},
		"the panel's text looks another way": {counts: true, change: func(it *item.Item, _ *item.RotatedCSR) {
			it.CSR = strings.ReplaceAll(it.CSR, "\n", "\r\n")
		}},
		"it was only made":             {change: func(it *item.Item, _ *item.RotatedCSR) { delete(it.Params, itemparam.ReissueOf) }},
		"a reissue with the panel's":   {change: func(it *item.Item, _ *item.RotatedCSR) { it.Params[itemparam.ReissueOf] = `{"id":1,"request":"aa"}` }},
		"the client gave another":      {change: func(it *item.Item, _ *item.RotatedCSR) { it.CSR = pkitest.CSRFor(t, old, "example.com").PEM }},
		"the panel has it already":     {change: func(it *item.Item, _ *item.RotatedCSR) { it.CSR = made.PEM }},
		"the file is missing":          {change: func(it *item.Item, _ *item.RotatedCSR) { it.HeldKey = "" }},
		"the file has another key":     {change: func(it *item.Item, _ *item.RotatedCSR) { it.HeldKey = pkitest.CSRFor(t, old, "example.com").KeyHash() }},
		"the file cannot be read":      {change: func(it *item.Item, _ *item.RotatedCSR) { it.HeldKeyProblem = "it is damaged" }},
		"it was given up":              {change: func(_ *item.Item, r *item.RotatedCSR) { r.From, r.CSR, r.GaveUp = "", "", "refused" }},
		"its CSR is damaged":           {change: func(_ *item.Item, r *item.RotatedCSR) { r.CSR = r.CSR[:100] }},
		"its key is another CSR's":     {change: func(it *item.Item, r *item.RotatedCSR) { r.Key, it.HeldKey = "aa", "aa" }},
		"the parameter cannot be read": {change: nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := item.RotatedCSR{From: pki.CSRHash(panel), CSR: made.PEM, Key: made.KeyHash(), Serial: "2a"}
			it := item.Item{Item: 42, CSR: panel, Stored: leaf(old), HeldKey: made.KeyHash(),
				Params: map[string]string{itemparam.ReissueOf: `{"id":1,"request":"aa","csr":"` + pki.CSRHash(made.PEM) + `"}`}}
			if c.change != nil {
				c.change(&it, &r)
			}
			raw, err := json.Marshal(r)
			require.NoError(t, err)
			it.Params[itemparam.RotatedCSR] = string(raw)
			if name == "the parameter cannot be read" {
				it.Params[itemparam.RotatedCSR] = "x"
			}
			want := it.CSR
			if c.counts {
				want = made.PEM
			}
			assert.Equal(t, want, it.RequestCSR())
			j := item.NewHandle(&item.Run{}, it)
			assert.Equal(t, want, j.Item.CSR)
			assert.Equal(t, it.CSR, j.PanelCSR)
			assert.Equal(t, j.Item.CSR, j.Item.RequestCSR(), "asked again it is the same")
		})
	}
}
