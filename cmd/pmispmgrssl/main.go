// Command pmispmgrssl is BILLmanager's processing module for the certificates that ISPmanager's own billing sells.
package main

import (
	"os"

	"pmssl/cmd/internal/world"
	"pmssl/internal/module"
)

// Set at build time by -ldflags "-X main.version=… -X main.commit=…".
var version, commit = "unreleased", "unknown commit"

func main() {
	world.Isolate()
	os.Exit(module.Main(module.Program{
		Name: "pmispmgrssl", Version: version, Commit: commit, Trade: trade,
	}, world.Real()))
}
