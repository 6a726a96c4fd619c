package panel_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
)

// rules BUY-14: named locks are local to a node of a Galera cluster, so nothing is bought unless all hosts write to one node.
func TestSingleWriterRefusesAClusterOfSeveralNodes(t *testing.T) {
	for name, row := range map[string]struct {
		query   string // empty: the query is sent to the test's server
		conf    []string
		refused bool
	}{
		"a server without cluster":          {},
		"one node":                          {query: "SELECT 'wsrep_cluster_size', '1'"},
		"a cluster of no nodes":             {query: "SELECT 'wsrep_cluster_size', '0'"},
		"no such row":                       {query: "SELECT 'x', '3' FROM DUAL WHERE 1=0"},
		"three nodes":                       {query: "SELECT 'wsrep_cluster_size', '3'", refused: true},
		"two nodes, upper case":             {query: "SELECT 'WSREP_CLUSTER_SIZE', 2", refused: true},
		"three nodes, one of which writes":  {query: "SELECT 'wsrep_cluster_size', '3'", conf: []string{"SSLDatabaseSingleWriter yes"}},
		"as a flag":                         {query: "SELECT 'wsrep_cluster_size', '3'", conf: []string{"Option SSLDatabaseSingleWriter"}},
		"three nodes, and the option is no": {query: "SELECT 'wsrep_cluster_size', '3'", conf: []string{"SSLDatabaseSingleWriter no"}, refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			database, _ := panelDB(t)
			w := newFixture(t, append(row.conf, "DBHost localhost", "DBUser "+dbUser, "DBPassword "+dbPassword, "DBName "+database, "DBSocket "+mariadb.socket)...)
			if row.query != "" {
				w.SetCluster(row.query)
			}
			err := w.SingleWriter(t.Context())
			if !row.refused {
				require.NoError(t, err)
				return
			}
			require.Error(t, err)
			assert.Equal(t, fault.DB, fault.From(err).Type)
			assert.False(t, fault.From(err).Retry)
			assert.Contains(t, err.Error(), "SSLDatabaseSingleWriter yes")
		})
	}
}
