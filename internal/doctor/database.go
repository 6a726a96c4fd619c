package doctor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"pmssl/internal/item"
)

func databaseChecks() []Check {
	return []Check{
		{ID: "database", Group: "Database and panel", Title: "database", Needs: []string{"root"}, Limit: panelLimit, run: withPanel(checkDatabase),
			About: "The panel's database accepts a connection with the panel's own settings. The line names address or socket and why it is used."},
		{ID: "tables", Group: "Database and panel", Title: "tables", Needs: []string{"database"}, Limit: panelLimit, run: withPanel(checkTables),
			About: "The database has every table and column that the module reads."},
		{ID: "session", Group: "Database and panel", Title: "database session", Needs: []string{"database"}, Limit: panelLimit, run: withPanel(checkSession),
			About: "The settings of the session are those that the module sets, and all queries reach one session: with a proxy that shares connections the module's locks would protect nothing."},
		{ID: "single_writer", Group: "Database and panel", Title: "one database node", Needs: []string{"database"}, Limit: panelLimit, run: withPanel(checkSingleWriter),
			About: "The database is not a Galera cluster of several nodes, or `SSLDatabaseSingleWriter` says that all hosts use one of them. Otherwise the module buys nothing."},
		{ID: "mgrctl", Group: "Database and panel", Title: "panel answers", Needs: []string{"root"}, Limit: panelLimit, run: withPanel(checkMgrctl),
			About: "`sbin/mgrctl -m billmgr paramlist` answers, within 2 seconds; more is a warning. Every change that the module makes in the panel is such a call."},
		{ID: "crypt_key", Group: "Database and panel", Title: "module parameters", Needs: []string{"database"}, Limit: panelLimit, run: withPanel(checkCryptKey),
			About: "The panel has a processing module of this program, and its encrypted parameters can be decrypted with the panel's key (`CryptKey`). A module that is switched off in the panel and has no items is examined, here and at the seller, with `--module` only."},
	}
}

func checkDatabase(ctx context.Context, _ *examination, p item.DiagnosticPanel) []Finding {
	state, err := p.DatabaseState(ctx)
	if err != nil {
		return []Finding{because("check DBHost, DBUser, DBPassword, DBName and DBSocket in etc/billmgr.conf, and systemctl status mariadb mysql", err)}
	}
	secure := ""
	if state.TLS {
		secure = ", TLS"
	}
	return []Finding{passed("%s%s, version %s (%s)", state.Address, secure, state.Version, state.Why)}
}

func checkTables(ctx context.Context, _ *examination, p item.DiagnosticPanel) []Finding {
	missing, err := p.MissingColumns(ctx)
	mend := "check DBName in etc/billmgr.conf; if it is right, update the panel (an older panel has fewer columns), or restore its database"
	switch {
	case err != nil:
		return []Finding{because(mend, err)}
	case len(missing) > 0:
		return []Finding{failed(mend, "the database has no %s", strings.Join(missing, ", "))}
	}
	return []Finding{passed("all tables and columns that the module reads are there")}
}

func checkSession(ctx context.Context, _ *examination, p item.DiagnosticPanel) []Finding {
	wrong, err := p.SessionDeviations(ctx)
	mend := "connect to the database server itself, without a proxy that shares connections: set DBHost or DBSocket in etc/billmgr.conf"
	switch {
	case err != nil:
		return []Finding{because(mend, err)}
	case len(wrong) > 0:
		return []Finding{failed(mend, "%s", strings.Join(wrong, "; "))}
	}
	return []Finding{passed("as the module has set it")}
}

func checkSingleWriter(ctx context.Context, _ *examination, p item.DiagnosticPanel) []Finding {
	if err := p.SingleWriter(ctx); err != nil {
		return []Finding{because("let all hosts of the panel use one node, then write into etc/billmgr.conf: SSLDatabaseSingleWriter yes", err)}
	}
	return []Finding{passed("no cluster of several nodes, or SSLDatabaseSingleWriter is set")}
}

// slowAnswer is the time of a call of the panel from which on it is a warning: people wait for ten such calls at most.
const slowAnswer = 2 * time.Second

func checkMgrctl(ctx context.Context, x *examination, p item.DiagnosticPanel) []Finding {
	began := x.o.Now()
	err := p.Answer(ctx)
	took := x.o.Now().Sub(began)
	shown := x.o.Root + "/sbin/mgrctl -m billmgr paramlist"
	switch {
	case ctx.Err() != nil:
		return []Finding{failed("run "+shown+" and read "+x.o.Root+"/var/billmgr.log", "no answer within %s", panelLimit)}
	case err != nil:
		return []Finding{because("run "+shown+" and read "+x.o.Root+"/var/billmgr.log", err)}
	case took > slowAnswer:
		return []Finding{warned("look at the load of this host (top) and at "+x.o.Root+"/var/billmgr.log", "the panel answers after %d ms", took.Milliseconds())}
	}
	return []Finding{passed("after %d ms", took.Milliseconds())}
}

func checkCryptKey(ctx context.Context, x *examination, p item.DiagnosticPanel) []Finding {
	modules, idle, err := x.modules(ctx, p)
	if err != nil {
		return []Finding{because("give --module the id of a processing module of "+x.o.Binary+", or leave it out", err)}
	}
	if len(modules)+len(idle) == 0 {
		return []Finding{failed("add one in the panel: Processing modules, Add, "+x.o.Info.Title, "the panel has no processing module of %s", x.o.Binary)}
	}
	var found []Finding
	for _, id := range idle {
		found = append(found, notUsed(ctx, p, id))
	}
	if len(modules) == 0 {
		found = append(found, warned("switch one on in the list of the processing modules in the panel", "every processing module of %s is switched off: nothing can be ordered", x.o.Binary))
	}
	path, err := p.CryptKey(ctx)
	if err != nil {
		found = append(found, because("put the key back from a backup, or correct CryptKey in etc/billmgr.conf", err))
	}
	for _, id := range modules {
		name, err := p.ModuleName(ctx, id)
		if err != nil {
			found = append(found, because(fmt.Sprintf("use the id of a processing module of %s: %v", x.o.Binary, modules), err))
			continue
		}
		if _, err := p.ModuleParams(ctx, id); err != nil {
			found = append(found, because("enter the parameter again in the module's form (Processing modules, Edit), or restore the key", err))
			continue
		}
		found = append(found, passed("%s: decrypted with %s", moduleTitle(id, name), path))
	}
	return found
}
