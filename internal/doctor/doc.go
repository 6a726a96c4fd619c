// Package doctor examines an installation of the module: host, panel, database, seller, mails, sweep, publishers. The checks are a
// table (Checks); Examine runs them, and Text and Document show what they found. Nothing is bought, sent to clients or changed;
// the exceptions are named in docs/doctor.md.
package doctor
