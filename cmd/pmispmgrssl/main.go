// Command pmispmgrssl is BILLmanager's processing module for the certificates that ISPmanager's own billing sells.
package main

import (
	"os"

	"pmssl/cmd/internal/system"
	"pmssl/internal/app"
	"pmssl/internal/seller/ispmanager"
)

// Set at build time by -ldflags "-X main.version=… -X main.commit=…".
var version, commit = "unreleased", "unknown commit"

func main() {
	system.Isolate()
	os.Exit(app.Main(app.Program{
		Name: "pmispmgrssl", Version: version, Commit: commit, Info: ispmanager.Info,
	}, system.Real()))
}
