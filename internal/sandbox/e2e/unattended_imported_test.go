package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rules IMPORT-3: an item that was imported, without CSR and validation method, is reissued twice without the client: the CSR is the
// seller's, and the challenges are published.
func TestUnattendedImported(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startUnattended(t, seller, firstOrders)
		before := f.dumps()
		item := f.unattendedItem(t, "example.com", 60)
		f.sql(t, "UPDATE certificate SET csr='' WHERE item=?", item)
		f.sql(t, `DELETE FROM itemparam WHERE item=? AND intname IN ('approver_method', 'auth_dnscname_value', 'auth_dnstxt_value', 'domains_list',
			'request_mark', 'certificate_key', 'certificate_names', 'dcv_time', 'dcv_method')`, item)
		key := f.leaf(t, item).RawSubjectPublicKeyInfo
		for range 2 {
			old := f.leaf(t, item)
			require.NoError(t, f.clock.Set(old.NotAfter.AddDate(0, 0, -9)))
			doc := f.sweep(t)
			require.Zero(t, doc.Failed, "%+v\n%s", doc, f.logTail(t))
			f.sweepHourly(t, item, 12)
			renewed := f.leaf(t, item)
			assert.True(t, renewed.NotAfter.After(old.NotAfter.Add(24*time.Hour)))
			assert.Equal(t, key, renewed.RawSubjectPublicKeyInfo)
			assert.Equal(t, old.DNSNames, renewed.DNSNames)
		}
		assert.NotEmpty(t, f.itemOf(t, item).Params["imported_csr"])
		f.checkQuiet(t, item, before)
		f.checkOnlyOwnRecords(t, "example.com")
	})
}
