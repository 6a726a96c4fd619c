// Command pmnamecheap is BILLmanager's processing module for the certificates that Namecheap sells.
package main

import (
	"os"

	"pmssl/cmd/internal/system"
	"pmssl/internal/app"
	"pmssl/internal/seller/namecheap"
)

// Set at build time by -ldflags "-X main.version=… -X main.commit=…".
var version, commit = "unreleased", "unknown commit"

func main() {
	system.Isolate()
	os.Exit(app.Main(app.Program{
		Name: "pmnamecheap", Version: version, Commit: commit, Info: namecheap.Info,
	}, system.Real()))
}
