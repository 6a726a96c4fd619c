package panel

import (
	"context"
	"database/sql"
	"strings"

	"pmssl/internal/fault"
)

// settingSingleWriter is the option by which an administrator confirms that all hosts of the panel write to one node of the
// cluster.
const settingSingleWriter = "SSLDatabaseSingleWriter"

// clusterQuery reads the number of nodes of a Galera cluster; another server returns no row, or 0.
const clusterQuery = "SHOW GLOBAL STATUS LIKE 'wsrep_cluster_size'"

// SingleWriter returns a fault of type DB if the database is a Galera cluster of several nodes: GET_LOCK is local to a node, so
// two hosts at two nodes could hold the same lock (rules BUY-14). It returns nil if the administrator has confirmed by
// SSLDatabaseSingleWriter that all hosts of the panel use the same node.
func (h *Host) SingleWriter(ctx context.Context) error {
	status, err := h.pairs(ctx, "wsrep_cluster_size", h.cluster)
	if err != nil {
		return err
	}
	nodes := int64(0)
	for name, value := range status {
		if strings.EqualFold(name, "wsrep_cluster_size") {
			nodes = field{sql.NullString{String: value, Valid: true}}.number()
		}
	}
	if nodes <= 1 {
		return nil
	}
	option, err := h.Setting(ctx, settingSingleWriter)
	if err != nil {
		return err
	}
	switch strings.ToLower(strings.TrimSpace(option)) {
	case "yes", "on", "true", "1":
		return nil
	}
	return fault.Errorf(fault.DB, "wsrep_cluster_size",
		"the panel's database is a Galera cluster of %d nodes, and the locks that keep two runs from paying for the same order are those of one node only: nothing is bought. Let every host of the panel use the same node (no load balancer between them), then set %s yes in etc/billmgr.conf",
		nodes, settingSingleWriter)
}
