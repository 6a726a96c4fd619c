package panel

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// sessionSettings returns the statements that give a new session what our queries and locks rely on (rules PANEL-7). The
// server's own defaults and its init_connect may say anything: they are made for other programs.
//
//   - ROLLBACK ends a transaction that init_connect opened; without autocommit every SELECT would go on reading from the
//     first one's snapshot, and an intent that the panel has saved would never be seen;
//   - READ COMMITTED: a value that the panel takes back later is not read;
//   - no sql_mode: quotes, ||, blanks at the end of CHAR columns and GROUP BY mean what they mean in every release;
//   - UTC (rules TIME-1); the panel's dates are DATE columns, which have no zone;
//   - no limit on rows;
//   - utf8mb4, for which the driver puts values into a query (dsn), and one collation for comparisons with our values;
//   - the database of DBName, should init_connect have chosen another.
func sessionSettings(database string) []string {
	return []string{
		"ROLLBACK",
		"SET NAMES utf8mb4 COLLATE " + collation,
		"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
		"SET SESSION autocommit=1, sql_mode='', time_zone='+00:00', sql_select_limit=9223372036854775807",
		"USE `" + strings.ReplaceAll(database, "`", "``") + "`",
	}
}

// collation is that of the session: what the driver asks for when it connects, and again after init_connect.
const collation = "utf8mb4_general_ci"

// timeoutStatements returns the statements that keep the server from ending a query or a silent connection before our own limits
// do; locks go with the connection. A server that does not know one of them is none the worse for it.
func timeoutStatements() []string {
	return []string{
		"SET SESSION max_join_size=18446744073709551615",
		"SET SESSION wait_timeout=28800", // a purchase waits longer for its seller than some servers for a query
		"SET SESSION max_statement_time=0",
		"SET SESSION max_execution_time=0",
	}
}

// prepare makes the session independent of the server's defaults. It returns the statement that failed with the error.
func (h *Host) prepare(ctx context.Context, conn *sql.Conn, name string) error {
	for _, statement := range sessionSettings(name) {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("the session cannot be prepared (%s): %w", statement, err)
		}
	}
	for _, statement := range timeoutStatements() {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			h.o.Log.Named("db").Tracef("%s: %v", statement, err)
			if connectionLost(err) {
				return fmt.Errorf("the session cannot be prepared (%s): %w", statement, err)
			}
		}
	}
	return nil
}
