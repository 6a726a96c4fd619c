// Command complexity finds functions whose cyclomatic complexity is above a limit. The complexity is one, plus one for each
// if, for, case, && and ||, function literals included. The command prints one line per function and exits 1 if it found
// one. It does not measure tests, testdata and the stand-ins.
//
//	complexity -root DIR [-limit 12]
package main

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"pmssl/tools/gofiles"
)

// limit is the highest complexity that CONTRIBUTING.md allows.
const limit = 12

func main() {
	root := flag.String("root", ".", "folder of the repository")
	highest := flag.Int("limit", limit, "highest complexity that is allowed")
	flag.Parse()
	found, err := check(os.DirFS(*root), *highest)
	if err != nil {
		fmt.Fprintln(os.Stderr, "complexity:", err)
		os.Exit(2)
	}
	for _, f := range found {
		fmt.Println(f)
	}
	if len(found) > 0 {
		os.Exit(1)
	}
}

// check measures every Go file of the tree that ships or checks what ships.
func check(tree fs.FS, highest int) ([]function, error) {
	var found []function
	err := gofiles.Walk(tree, skipped, func(name string, source []byte) error {
		all, err := measure(name, source)
		for _, f := range all {
			if f.complexity > highest {
				found = append(found, f)
			}
		}
		return err
	})
	return found, err
}

// skipped reports whether a file or folder is not measured: tests, the stand-ins and what make builds.
func skipped(name string) bool {
	return strings.HasSuffix(name, "_test.go") || name == "internal/sandbox" || name == "bin"
}
