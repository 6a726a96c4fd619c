package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/item"
	"pmssl/internal/seller"
)

// withModules is a panel with processing modules, some of them idle, whose parameters cannot be read.
type withModules struct {
	item.DiagnosticPanel
	own, idle []int64
	read      []int64 // whose parameters were asked for
}

func (p *withModules) Modules(context.Context) ([]int64, error)          { return slices.Clone(p.own), nil }
func (p *withModules) IdleModules(context.Context) ([]int64, error)      { return p.idle, nil }
func (p *withModules) ModuleName(context.Context, int64) (string, error) { return "old", nil }
func (p *withModules) CryptKey(context.Context) (string, error)          { return "/key", nil }
func (p *withModules) ModuleParams(_ context.Context, id int64) (map[string]string, error) {
	p.read = append(p.read, id)
	return nil, errors.New("they cannot be decrypted")
}

// A module that was put out of use may have a wrong password for ever.
func TestAnIdleModuleIsNotExamined(t *testing.T) {
	for _, row := range []struct {
		name      string
		own, idle []int64
		module    int64
		key       Outcome // of the check of parameters
		read      []int64
	}{
		{name: "one of two is idle", own: []int64{5, 6}, idle: []int64{6}, key: Failed, read: []int64{5}},
		{name: "all are idle", own: []int64{5, 6}, idle: []int64{5, 6}, key: Warned},
		{name: "there is none", key: Failed},
		{name: "it is asked for", own: []int64{5, 6}, idle: []int64{6}, module: 6, key: Failed, read: []int64{6}},
	} {
		t.Run(row.name, func(t *testing.T) {
			x := &examination{o: Options{Binary: "pmtest", Module: row.module, Info: seller.Info{Title: "Seller"}, Diagnosis: item.Diagnosis{
				Connect: func(map[string]string, func(string, *tls.ConnectionState)) (seller.Seller, error) {
					t.Error("a seller was asked")
					return nil, errors.New("no")
				}}}}
			p := &withModules{own: row.own, idle: row.idle}
			found := checkCryptKey(t.Context(), x, p)
			assert.Equal(t, row.key, Worst(found), "%v", found)
			assert.Equal(t, row.read, p.read)
			p.read = nil
			found = checkConnection(t.Context(), x, p)
			assert.LessOrEqual(t, Worst(found), Unchecked, "%v", found)
			assert.Equal(t, row.read, p.read)
			if row.module == 0 && len(row.idle) > 0 {
				require.NotEmpty(t, found)
				assert.Contains(t, found[0].Text, "module ")
				assert.Contains(t, found[0].Text, "(old) is switched off in the panel and has no items")
			}
			checkLimits(t.Context(), x, p)
			assert.Subset(t, append(row.read, row.read...), p.read)
		})
	}
}
