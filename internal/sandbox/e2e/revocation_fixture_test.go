package e2e

import (
	"context"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/ca"
	"pmssl/internal/sandbox/internet"
)

// revoke makes the CA revoke the newest leaf of an item's order by itself.
func (f *unattendedFixture) revoke(t testing.TB, item int64, reason ca.Reason) {
	t.Helper()
	orders := f.ordersFor(t, f.leaf(t, item).DNSNames[0])
	require.NotEmpty(t, orders.ids)
	require.NoError(t, f.standIn.Revoke(orders.ids[len(orders.ids)-1], string(reason)))
}

// spoilCRLs makes all CRLs of the CA wrong; the zero value makes them right again.
func (f *unattendedFixture) spoilCRLs(t testing.TB, fault ca.Fault) {
	t.Helper()
	require.NoError(t, f.standIn.Repository().SetFault(fault))
}

// crlOf returns the CRL that a leaf names, as who looks it up in the simulated Internet gets it.
func (f *unattendedFixture) crlOf(t *testing.T, leaf *x509.Certificate) ([]byte, error) {
	t.Helper()
	where, err := url.Parse(leaf.CRLDistributionPoints[0])
	require.NoError(t, err)
	dial := f.world.From("the module")
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return dial(ctx, network, net.JoinHostPort(internet.CAAddress, "80"))
	}}}
	answer, err := client.Get(where.String())
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	return io.ReadAll(answer.Body)
}

// What the product is tested against: a leaf that it stored is on the list that the leaf names.
func TestUnattendedFixtureServesCRLs(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startUnattended(t, seller, firstOrders)
		item := f.unattendedItem(t, "example.com", 12)
		leaf := f.leaf(t, item)
		f.revoke(t, item, ca.KeyCompromise)
		content, err := f.crlOf(t, leaf)
		require.NoError(t, err)
		list, err := x509.ParseRevocationList(content)
		require.NoError(t, err)
		require.Len(t, list.RevokedCertificateEntries, 1)
		assert.Equal(t, leaf.SerialNumber, list.RevokedCertificateEntries[0].SerialNumber)
		now, err := f.clock.Now()
		require.NoError(t, err)
		assert.Equal(t, now, list.ThisUpdate)

		f.spoilCRLs(t, ca.Fault{Kind: ca.FaultUnreachable})
		_, err = f.crlOf(t, leaf)
		require.Error(t, err)
		assert.NotEmpty(t, f.standIn.Repository().Requests())
	})
}
