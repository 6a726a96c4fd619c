// Command pmnamecheap is BILLmanager's processing module for the certificates that Namecheap sells.
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
		Name: "pmnamecheap", Version: version, Commit: commit, Trade: trade,
	}, world.Real()))
}
