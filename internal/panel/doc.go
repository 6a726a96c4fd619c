// Package panel connects a module to BILLmanager on this host: its settings files, its database, its call-backs through mgrctl and
// its encrypted values. It also keeps the module's own locks and purchase journal.
//
// Everything is lazy: New opens nothing and starts nothing. Settings are read at the first need, the database is opened
// at the first query, mgrctl is started for one call-back at a time.
package panel
