// Command complexity finds functions with too many branches: their cyclomatic complexity (one, and one more for each if,
// for, case, && and ||, those of function literals included) must not pass the limit. It prints one line per function and
// exits 1 when there is one. Tests, testdata and the stand-ins are not measured.
//
//	complexity -root DIR [-limit 12]
package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
)

// limit is the highest complexity that docs/architecture.md allows.
const limit = 12

func main() {
	root := flag.String("root", ".", "folder of the repository")
	most := flag.Int("limit", limit, "highest complexity that is allowed")
	flag.Parse()
	found, err := check(os.DirFS(*root), *most)
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
func check(tree fs.FS, most int) ([]function, error) {
	var found []function
	files := 0
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if skipped(name) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		files++
		source, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		all, err := measure(name, source)
		for _, f := range all {
			if f.complexity > most {
				found = append(found, f)
			}
		}
		return err
	})
	if err == nil && files == 0 {
		err = errors.New("no Go file found")
	}
	return found, err
}

// skipped reports whether nothing below the folder is measured: what Go leaves alone, test helpers and the stand-ins.
func skipped(folder string) bool {
	base := path.Base(folder)
	hidden := folder != "." && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_"))
	return hidden || base == "testdata" || folder == "internal/sandbox" || folder == "bin"
}
