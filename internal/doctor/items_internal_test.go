package doctor

import (
	"context"
	"net"
	"net/netip"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/item"
)

func TestASiteWithoutPublicAddressesIsNotInOrder(t *testing.T) {
	x := &examination{o: Options{Diagnosis: item.Diagnosis{Dial: func(context.Context, string, string) (net.Conn, error) {
		t.Error("an address was dialled")
		return nil, os.ErrClosed
	}}}}
	found := x.served(t.Context(), "shop.example.com", []netip.Addr{netip.MustParseAddr("10.0.0.1")}, "01")
	require.Len(t, found, 1)
	assert.Equal(t, Unchecked, found[0].Outcome)
	assert.Contains(t, found[0].Text, "shop.example.com has no public address")
}

// rules ARCH-13
func TestAPanicAtOneAddressIsAFaultOfItsCheck(t *testing.T) {
	x := &examination{o: Options{Binary: "pmtest", Diagnosis: item.Diagnosis{Dial: func(context.Context, string, string) (net.Conn, error) {
		panic("planted")
	}}}}
	check := fixed("site")
	check.run = func(ctx context.Context, x *examination) []Finding {
		return x.served(ctx, "shop.example.com", []netip.Addr{netip.MustParseAddr("192.0.2.80")}, "01")
	}
	found := x.attempt(t.Context(), check)
	require.Len(t, found, 1)
	assert.Equal(t, Failed, found[0].Outcome)
	assert.Equal(t, "a fault of this program in the check site: planted", found[0].Text)
	lines := Report{Results: []Result{{Check: check, Outcome: Failed, Findings: found}}}.Problems()
	require.Len(t, lines, 1)
	assert.Contains(t, lines[0], "items_internal_test.go", "the log has the stack of the goroutine")
}
