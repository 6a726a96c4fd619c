package main

import (
	"fmt"
	"slices"
	"strings"
)

// pkg is the part of the output of `go list -json` about one package that is used here.
type pkg struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
	Error        *struct{ Err string }
}

// violations returns one line for each import that the table does not allow, sorted. standard reports whether an import path
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
	entry, known := entryOf(from)
	if !known {
		return []string{fmt.Sprintf("%s is not in tools/directions/table.go: add it with the packages that it may import", from)}
	}
	var found []string
	for _, path := range p.Imports {
		if why := refused(entry, path, standard); why != "" {
			found = append(found, fmt.Sprintf("%s imports %s: %s", from, path, why))
		}
	}
	// Tests may import any package of their module: a compile-time check of an interface needs the package that defines it.
	// Only the rule about the stand-ins applies to them too.
	for _, path := range slices.Concat(p.TestImports, p.XTestImports) {
		if why := acrossModules(entry, path); why != "" {
			found = append(found, fmt.Sprintf("%s imports %s in a test: %s", from, path, why))
		}
	}
	return found
}

func refused(entry, path string, standard func(string) bool) string {
	if why := acrossModules(entry, path); why != "" {
		return why
	}
	to, ours := folder(path)
	if !ours {
		if slices.Contains(standardOnly, entry) && !standard(path) {
			return entry + " imports the standard library only"
		}
		return ""
	}
	target, _ := entryOf(to)
	if target == entry || slices.Contains(allowed[entry], target) {
		return ""
	}
	if len(allowed[entry]) == 0 {
		return entry + " imports no other package of this module (tools/directions/table.go)"
	}
	return fmt.Sprintf("%s may import %s (tools/directions/table.go)", entry, strings.Join(allowed[entry], ", "))
}

func acrossModules(entry, path string) string {
	to, ours := folder(path)
	if !ours {
		return ""
	}
	target, _ := entryOf(to)
	switch {
	case target == sandbox && entry != sandbox:
		return "nothing that ships imports the stand-ins"
	case entry == sandbox && target != sandbox:
		return "the stand-ins import nothing of the product"
	}
	return ""
}

// shipped returns one line for each dependency of the product's commands that must not be linked into them.
func shipped(deps []string) []string {
	var found []string
	for _, path := range deps {
		to, ours := folder(path)
		switch {
		case ours && within(to, sandbox):
			found = append(found, fmt.Sprintf("cmd depends on %s: nothing that ships imports the stand-ins", path))
		case ours && slices.ContainsFunc(testsOnly, func(entry string) bool { return within(to, entry) }):
			found = append(found, fmt.Sprintf("cmd depends on %s: only tests import it", path))
		}
	}
	return found
}

// folder returns a package's folder below the module's root; false for packages of other modules. It accepts the form
// "path [path.test]" in which go list prints test variants.
func folder(path string) (string, bool) {
	path, _, _ = strings.Cut(path, " ")
	if path == module {
		return ".", true
	}
	return strings.CutPrefix(path, module+"/")
}

// entryOf returns the longest entry of the table that contains the folder; false if none does.
func entryOf(dir string) (string, bool) {
	longest := ""
	for entry := range allowed {
		if within(dir, entry) && len(entry) > len(longest) {
			longest = entry
		}
	}
	return longest, longest != ""
}

func within(dir, entry string) bool { return dir == entry || strings.HasPrefix(dir, entry+"/") }
