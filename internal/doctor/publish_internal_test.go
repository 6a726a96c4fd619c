package doctor

import (
	"context"
	"crypto/tls"
	"testing"

	"github.com/stretchr/testify/assert"

	"pmssl/internal/item"
	"pmssl/internal/publish"
	"pmssl/internal/seller"
)

// two is a panel with two processing modules.
type two struct{ item.DiagnosticPanel }

func (two) Modules(context.Context) ([]int64, error)          { return []int64{1, 2}, nil }
func (two) IdleModules(context.Context) ([]int64, error)      { return nil, nil }
func (two) ModuleName(context.Context, int64) (string, error) { return "", nil }
func (two) ModuleParams(context.Context, int64) (map[string]string, error) {
	return map[string]string{}, nil
}

// A server that does not answer takes the time of the check. What was not asked meanwhile is not to be mended.
func TestWhatWasNotAskedIsNoCross(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	x := &examination{o: Options{
		Info: seller.Info{Account: func(map[string]string) string { return "" }},
		Diagnosis: item.Diagnosis{Connect: func(map[string]string, func(string, *tls.ConnectionState)) (seller.Seller, error) {
			return nil, context.Canceled
		}},
	}}
	assert.Equal(t, Unchecked, x.checkPublisher(ctx, item.PublishingParts{}, publish.Block{Name: "ns1"}).Outcome)
	assert.Equal(t, Unchecked, checkDeliverer(ctx, item.PublishingParts{}, publish.Deploy{Name: "web"}).Outcome)
	assert.Equal(t, Unchecked, Worst(checkConnection(ctx, x, two{})))
	assert.Equal(t, Failed, x.checkPublisher(t.Context(), item.PublishingParts{}, publish.Block{Name: "ns1"}).Outcome)
}
