package main

import (
	"fmt"
	"slices"
	"strings"
)

// pkg is what `go list -json` tells about one package.
type pkg struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
	Error        *struct{ Err string }
}

// violations compares the packages with the table, in the order of their paths. standard tells whether an import path
// belongs to the standard library.
func violations(packages []pkg, standard func(string) bool) []string {
	var found []string
	for _, p := range packages {
		found = append(found, inPackage(p, standard)...)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func inPackage(p pkg, standard func(string) bool) []string {
	from, ok := folder(p.ImportPath)
	if !ok {
		return nil
	}
	if p.Error != nil {
		return []string{fmt.Sprintf("%s cannot be listed: %s", from, strings.TrimSpace(p.Error.Err))}
	}
	room, known := roomOf(from)
	if !known {
		return []string{fmt.Sprintf("%s is in no room of tools/directions/table.go: add its room with the rooms that it may import", from)}
	}
	var found []string
	for _, path := range p.Imports {
		if why := refused(room, path, standard); why != "" {
			found = append(found, fmt.Sprintf("%s imports %s: %s", from, path, why))
		}
	}
	// Tests may look at any room (a compile-time check of an interface needs its owner); only the wall around the
	// stand-ins holds for them too.
	for _, path := range slices.Concat(p.TestImports, p.XTestImports) {
		if why := acrossTheWall(room, path); why != "" {
			found = append(found, fmt.Sprintf("%s imports %s in a test: %s", from, path, why))
		}
	}
	return found
}

func refused(room, path string, standard func(string) bool) string {
	if why := acrossTheWall(room, path); why != "" {
		return why
	}
	to, ours := folder(path)
	if !ours {
		if slices.Contains(standardOnly, room) && !standard(path) {
			return room + " imports the standard library only"
		}
		return ""
	}
	target, _ := roomOf(to)
	if target == room || slices.Contains(allowed[room], target) {
		return ""
	}
	if len(allowed[room]) == 0 {
		return room + " imports no other room"
	}
	return fmt.Sprintf("%s may import %s", room, strings.Join(allowed[room], ", "))
}

func acrossTheWall(room, path string) string {
	to, ours := folder(path)
	if !ours {
		return ""
	}
	target, _ := roomOf(to)
	switch {
	case target == sandbox && room != sandbox:
		return "nothing that ships imports the stand-ins"
	case room == sandbox && target != sandbox:
		return "the stand-ins import nothing of the product"
	}
	return ""
}

// shipped names the packages among the dependencies of the product's commands that must not be linked into them.
func shipped(deps []string) []string {
	var found []string
	for _, path := range deps {
		if to, ours := folder(path); ours && within(to, sandbox) {
			found = append(found, fmt.Sprintf("cmd depends on %s: nothing that ships imports the stand-ins", path))
		}
	}
	return found
}

// folder is a package's folder below the module's root; false for packages of other modules. Test variants that go
// list prints as "path [path.test]" are cut to their path.
func folder(path string) (string, bool) {
	path, _, _ = strings.Cut(path, " ")
	if path == module {
		return ".", true
	}
	return strings.CutPrefix(path, module+"/")
}

// roomOf is the table's entry that holds the folder.
func roomOf(dir string) (string, bool) {
	for room := range allowed {
		if within(dir, room) {
			return room, true
		}
	}
	return "", false
}

func within(dir, room string) bool { return dir == room || strings.HasPrefix(dir, room+"/") }
