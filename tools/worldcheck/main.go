// Command worldcheck finds what rules ARCH-2, keeps out of the packages below cmd: the process's own standard streams,
// arguments and environment, the wall clock, global loggers, init functions, package-level regular expressions and
// whatever ends the process. It prints one line per violation and exits 1 when there is one.
//
//	worldcheck -root DIR
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

func main() {
	root := flag.String("root", ".", "folder of the repository")
	flag.Parse()
	found, err := check(os.DirFS(*root))
	if err != nil {
		fmt.Fprintln(os.Stderr, "worldcheck:", err)
		os.Exit(2)
	}
	for _, f := range found {
		fmt.Println(f)
	}
	if len(found) > 0 {
		os.Exit(1)
	}
}

// check inspects every Go file of the tree but those that Go itself leaves alone (testdata, names with a dot or an
// underscore in front).
func check(tree fs.FS) ([]finding, error) {
	var found []finding
	files := 0
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name != "." && (leftAlone(name) || path.Base(name) == "testdata") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || leftAlone(name) {
			return nil
		}
		files++
		source, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		more, err := inspect(name, source)
		found = append(found, more...)
		return err
	})
	if err == nil && files == 0 {
		err = errors.New("no Go file found")
	}
	return found, err
}

// leftAlone reports whether Go itself leaves a file or folder of this name alone.
func leftAlone(name string) bool {
	base := path.Base(name)
	return strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_")
}
