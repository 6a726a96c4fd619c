// Package e2e runs the real binaries as the panel would run them: against the stand-in panel with a private MariaDB
// (or the embedded engine), and a stand-in seller over a real socket. The cases are scripts in testdata/cases at the
// repository's root; docs/testing.md explains their words.
package e2e
