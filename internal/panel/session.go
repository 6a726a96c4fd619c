package panel

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// sessionSettings returns the statements that set up a session for the module's queries and locks (rules PANEL-7). The server's
// defaults and its init_connect are made for other programs and may be anything.
//
//   - ROLLBACK ends a transaction that init_connect opened; without autocommit every SELECT would read the snapshot of the
//     first one, and never see an intent that the panel saved later;
//   - READ COMMITTED does not read a value that the panel may still roll back;
//   - an empty sql_mode gives quotes, ||, blanks at the end of CHAR columns and GROUP BY the same meaning in every release;
//   - the time zone is UTC (rules TIME-1); the panel's dates are DATE columns, which have no zone;
//   - the number of rows has no limit;
//   - utf8mb4 is the encoding in which the driver puts values into a query (dsn), with one collation for comparisons;
//   - USE selects the database of DBName, if init_connect selected another one.
func sessionSettings(database string) []string {
	return []string{
		"ROLLBACK",
		"SET NAMES utf8mb4 COLLATE " + collation,
		"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
		"SET SESSION autocommit=1, sql_mode='', time_zone='+00:00', sql_select_limit=9223372036854775807",
		"USE `" + strings.ReplaceAll(database, "`", "``") + "`",
	}
}

// collation is the session's collation: the driver sets it when it connects, and sessionSettings again after init_connect.
const collation = "utf8mb4_general_ci"

// timeoutStatements returns the statements that keep the server from ending a query or an idle connection before this module's own
// limits; the locks would be lost with the connection. A server that does not know one of them refuses it, which is ignored.
func timeoutStatements() []string {
	return []string{
		"SET SESSION max_join_size=18446744073709551615",
		"SET SESSION wait_timeout=28800", // a purchase can take longer than the idle timeout of some servers
		"SET SESSION max_statement_time=0",
		"SET SESSION max_execution_time=0",
	}
}

// prepare makes the session independent of the server's defaults. An error names the statement that failed.
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
