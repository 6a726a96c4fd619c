// Command directions checks that packages import only what docs/architecture.md allows, and that the product's commands do
// not link the stand-ins or the conformance suite. It prints one line per violation and exits 1 if it found one.
//
//	directions -root DIR
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	root := flag.String("root", ".", "folder of the product's go.mod")
	flag.Parse()
	found, err := check(*root)
	if err != nil {
		fmt.Fprintln(os.Stderr, "directions:", err)
		os.Exit(2)
	}
	for _, line := range found {
		fmt.Println(line)
	}
	if len(found) > 0 {
		os.Exit(1)
	}
}

func check(root string) ([]string, error) {
	std, err := goList(root, "std")
	if err != nil {
		return nil, err
	}
	standard := map[string]bool{}
	for path := range strings.FieldsSeq(string(std)) {
		standard[path] = true
	}
	var packages []pkg
	for _, dir := range []string{root, filepath.Join(root, sandbox)} {
		found, err := list(dir)
		if err != nil {
			return nil, err
		}
		packages = append(packages, found...)
	}
	if len(packages) == 0 {
		return nil, errors.New("no package found below " + root)
	}
	lines := violations(packages, func(path string) bool { return standard[path] || path == "C" })
	commands, err := filepath.Glob(filepath.Join(root, "cmd", "*", "*.go"))
	if err != nil || len(commands) == 0 {
		return lines, err
	}
	deps, err := goList(root, "-deps", "./cmd/...")
	if err != nil {
		return nil, err
	}
	return append(lines, shipped(strings.Fields(string(deps)))...), nil
}

// list returns the packages of the module at dir; none if dir has no go.mod.
func list(dir string) ([]pkg, error) {
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	out, err := goList(dir, "-e", "-json=ImportPath,Imports,TestImports,XTestImports,Error", "./...")
	if err != nil {
		return nil, err
	}
	return decode(bytes.NewReader(out))
}

func decode(r io.Reader) ([]pkg, error) {
	var packages []pkg
	for d := json.NewDecoder(r); ; {
		var p pkg
		switch err := d.Decode(&p); {
		case errors.Is(err, io.EOF):
			return packages, nil
		case err != nil:
			return nil, fmt.Errorf("reading the answer of go list: %w", err)
		}
		packages = append(packages, p)
	}
}

func goList(dir string, words ...string) ([]byte, error) {
	cmd := exec.Command("go", append([]string{"list"}, words...)...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list %s in %s: %w: %s", strings.Join(words, " "), dir, err, bytes.TrimSpace(stderr.Bytes()))
	}
	return out, nil
}
