// Package panel is the host of a processing module: BILLmanager's settings files, its database, its call-backs through
// mgrctl, its encrypted values, and what this product keeps on the host itself — locks and the purchase journal.
//
// Everything is lazy: New opens nothing and starts nothing. Settings are read at the first need, the database is opened
// at the first query, mgrctl is started for one call-back at a time.
package panel
