// Package gofiles reads the Go files of a source tree, for the checks that inspect each of them.
package gofiles

import (
	"errors"
	"io/fs"
	"path"
	"strings"
)

// Walk calls visit with the path below the tree's root and the content of each Go file. It leaves out what the go command
// ignores (folders named testdata, names that begin with a dot or an underscore) and the files and folders that skip
// selects; a nil skip selects none. It returns the first error of visit. A tree in which no file is visited is an error:
// the root is probably wrong.
func Walk(tree fs.FS, skip func(name string) bool, visit func(name string, source []byte) error) error {
	visited := false
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name == ".":
			return nil
		case ignored(name) || skip != nil && skip(name):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		visited = true
		source, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		return visit(name, source)
	})
	if err == nil && !visited {
		return errors.New("no Go file found")
	}
	return err
}

// ignored reports whether the go command ignores a file or folder of this name.
func ignored(name string) bool {
	base := path.Base(name)
	return strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata"
}
