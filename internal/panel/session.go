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
//   - READ COMMITTED does not read a value that the panel may still roll back. The variable with the isolation level has another
//     name in MySQL 8 than in MariaDB and MySQL 5.6, so it has a statement of its own;
//   - sessionVariables;
//   - USE selects the database of DBName, if init_connect selected another one.
//
// Each statement is a round trip in each run of the program, so what can be set together is set together.
func sessionSettings(database string) []string {
	return []string{
		"ROLLBACK",
		"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
		sessionVariables,
		"USE `" + strings.ReplaceAll(database, "`", "``") + "`",
	}
}

// sessionVariables sets the variables that every query relies on:
//
//   - utf8mb4 is the encoding in which the driver puts values into a query (dsn), with one collation for comparisons;
//   - an empty sql_mode gives quotes, ||, blanks at the end of CHAR columns and GROUP BY the same meaning in every release;
//   - the time zone is UTC (rules TIME-1); the panel's dates are DATE columns, which have no zone;
//   - the number of rows has no limit.
const sessionVariables = "SET NAMES utf8mb4 COLLATE " + collation +
	", SESSION autocommit=1, sql_mode='', time_zone='+00:00', sql_select_limit=9223372036854775807"

// collation is the session's collation: the driver sets it when it connects, and sessionVariables again after init_connect.
const collation = "utf8mb4_general_ci"

// sessionTimeouts sets the variables that keep the server from ending a query or an idle connection before this module's own limits;
// the locks would be lost with the connection. The comments are code for MariaDB (M!), which has max_statement_time, and for MySQL from
// 5.7.8 on, which has max_execution_time; MariaDB does not read the latter.
const sessionTimeouts = "SET SESSION max_join_size=18446744073709551615, wait_timeout=28800" +
	" /*M!100101 , max_statement_time=0 */ /*!50708 , max_execution_time=0 */"

// timeoutStatements returns what sessionTimeouts sets, one by one, for a server that refuses it. The server refuses those that it
// does not know, which is ignored.
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
	for _, statement := range append([]string{sessionTimeouts}, timeoutStatements()...) {
		_, err := conn.ExecContext(ctx, statement)
		switch {
		case err == nil && statement == sessionTimeouts:
			return nil
		case err == nil:
			continue
		case connectionLost(err):
			return fmt.Errorf("the session cannot be prepared (%s): %w", statement, err)
		}
		h.o.Log.Named("db").Tracef("%s: %v", statement, err)
	}
	return nil
}
