// Command globals finds uses of process-wide state below cmd (rules ARCH-2): the standard streams, the arguments and the
// environment of the process, the wall clock, global loggers, init functions, package-level regular expressions and calls
// that end the process. It also finds comments that mark unfinished work, and a main.go that is more than wiring. It prints
// one line per violation and exits 1 if it found one.
//
//	globals -root DIR
package main

import (
	"flag"
	"fmt"
	"io/fs"
	"os"

	"pmssl/tools/gofiles"
)

func main() {
	root := flag.String("root", ".", "folder of the repository")
	flag.Parse()
	found, err := check(os.DirFS(*root))
	if err != nil {
		fmt.Fprintln(os.Stderr, "globals:", err)
		os.Exit(2)
	}
	for _, f := range found {
		fmt.Println(f)
	}
	if len(found) > 0 {
		os.Exit(1)
	}
}

// check inspects every Go file of the tree.
func check(tree fs.FS) ([]finding, error) {
	var found []finding
	err := gofiles.Walk(tree, nil, func(name string, source []byte) error {
		more, err := inspect(name, source)
		found = append(found, more...)
		return err
	})
	return found, err
}
