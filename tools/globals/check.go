package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// injected maps an import path to its names that read or change the state of the process: below cmd their values come in as
// fields (rules ARCH-2). "*" stands for every name of the package.
var injected = map[string][]string{
	"log":      {"*"},
	"log/slog": {"Default", "SetDefault", "Debug", "Info", "Warn", "Error", "Log"},
	"os": {
		"Args", "Stdin", "Stdout", "Stderr", "Exit",
		"Getenv", "LookupEnv", "Environ", "ExpandEnv", "Setenv", "Unsetenv", "Clearenv", "Chdir",
	},
	"syscall": {"Exit", "Getenv", "Setenv"},
	"time":    {"Now", "Since", "Until"},
}

// fatal lists the methods of loggers that end the process, which only main may do.
var fatal = []string{"Fatal", "Fatalf", "Fatalln", "Fatalw", "Panicf", "Panicw"}

// wiringLines limits the lines of a command's main.go, without comments and blank lines.
const wiringLines = 30

// finding is one violation.
type finding struct {
	pos  token.Position
	text string
}

// String returns the finding as "file:line: text", as compilers print it.
func (f finding) String() string {
	return fmt.Sprintf("%s:%d: %s", filepath.ToSlash(f.pos.Filename), f.pos.Line, f.text)
}

// inspect checks one Go file; name is its path below the repository, with slashes.
func inspect(name string, source []byte) ([]finding, error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	c := &checker{set: set, names: map[string][]string{}}
	c.unfinished(file)
	switch {
	case strings.HasSuffix(name, "_test.go"), servesTests(file.Name.Name):
	case mayUseGlobals(name, file.Name.Name):
		if strings.HasPrefix(name, "cmd/") && path.Base(name) == "main.go" {
			c.wiring(source, name)
		}
	default:
		c.imports(file)
		c.declarations(file)
		ast.Inspect(file, c.uses)
		if !startsGoroutines(name) {
			c.goroutines(file)
		}
	}
	return c.found, nil
}

// servesTests reports whether only tests use a package: its name ends with "test", as that of httptest does.
// tools/directions checks that no program links it.
func servesTests(packageName string) bool { return strings.HasSuffix(packageName, "test") }

// mayUseGlobals reports whether a file may use process-wide state: those in cmd and in the main packages of the development
// tools may.
func mayUseGlobals(name, packageName string) bool {
	return strings.HasPrefix(name, "cmd/") || packageName == "main" &&
		(strings.HasPrefix(name, "internal/sandbox/cmd/") || strings.HasPrefix(name, "tools/"))
}

// startsGoroutines reports whether a file may start goroutines itself: those of internal/parallel, whose goroutines do not end the
// process (rules ARCH-13), of internal/filelock, whose goroutines make one system call, and what does not ship.
func startsGoroutines(name string) bool {
	return slices.ContainsFunc([]string{"internal/parallel/", "internal/filelock/", "internal/sandbox/", "tools/"}, func(folder string) bool {
		return strings.HasPrefix(name, folder)
	})
}

type checker struct {
	set   *token.FileSet
	names map[string][]string // name of the import in this file -> forbidden names in it
	found []finding
}

func (c *checker) report(pos token.Pos, format string, args ...any) {
	c.found = append(c.found, finding{c.set.Position(pos), fmt.Sprintf(format, args...)})
}

func (c *checker) imports(file *ast.File) {
	for _, spec := range file.Imports {
		from, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // the parser accepts string literals only
		}
		names, watched := injected[from]
		if !watched && from != "regexp" {
			continue
		}
		local := path.Base(from)
		if spec.Name != nil {
			local = spec.Name.Name
		}
		if local == "." {
			c.report(spec.Pos(), "%s is imported with a dot: its names cannot be followed", from)
			continue
		}
		c.names[local] = names
		if from == "regexp" {
			c.packageLevelRegexp(file, local)
		}
	}
}

// packageLevelRegexp finds expressions that are compiled at each start of the program, used or not (rules ARCH-2).
func (c *checker) packageLevelRegexp(file *ast.File, local string) {
	for _, decl := range file.Decls {
		vars, ok := decl.(*ast.GenDecl)
		if !ok || vars.Tok != token.VAR {
			continue
		}
		ast.Inspect(vars, func(n ast.Node) bool {
			if _, isFunc := n.(*ast.FuncLit); isFunc {
				return false // runs when it is called: sync.OnceValue and the like
			}
			if s, ok := n.(*ast.SelectorExpr); ok && isIdent(s.X, local) && strings.HasPrefix(s.Sel.Name, "MustCompile") {
				c.report(s.Pos(), "package-level regexp.%s: compile it where it is needed", s.Sel.Name)
			}
			return true
		})
	}
}

// goroutines finds goroutines whose panic would end the process.
func (c *checker) goroutines(file *ast.File) {
	const mend = "a panic there ends the process without an answer, use internal/parallel"
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			c.report(n.Pos(), "go: %s", mend)
		case *ast.SelectorExpr:
			if isIdent(n.X, "sync") && n.Sel.Name == "WaitGroup" {
				c.report(n.Pos(), "sync.WaitGroup: %s", mend)
			}
		}
		return true
	})
}

func (c *checker) declarations(file *ast.File) {
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
			c.report(f.Pos(), "func init: registration and state come in as fields")
		}
	}
}

func (c *checker) uses(n ast.Node) bool {
	s, ok := n.(*ast.SelectorExpr)
	if !ok {
		return true
	}
	x, isIdentifier := s.X.(*ast.Ident)
	if isIdentifier {
		if names := c.names[x.Name]; slices.Contains(names, s.Sel.Name) || slices.Contains(names, "*") {
			c.report(s.Pos(), "%s.%s below cmd: take it from a field, main injects it", x.Name, s.Sel.Name)
			return true
		}
	}
	if slices.Contains(fatal, s.Sel.Name) {
		c.report(s.Pos(), "%s ends the process: only main does that, return an error", s.Sel.Name)
	}
	return true
}

// unfinished finds comments that mark unfinished work. The words are put together here so that this file does not find
// itself.
func (c *checker) unfinished(file *ast.File) {
	words := []string{"TO" + "DO", "FIX" + "ME", "XX" + "X"}
	for _, group := range file.Comments {
		for _, comment := range group.List {
			for _, word := range words {
				if hasWord(comment.Text, word) {
					c.report(comment.Pos(), "%s: finish it, or open an issue", word)
				}
			}
		}
	}
}

func hasWord(text, word string) bool {
	return slices.Contains(strings.FieldsFunc(text, func(r rune) bool {
		return r < 'A' || r > 'Z' && r < 'a' || r > 'z'
	}), word)
}

func (c *checker) wiring(source []byte, name string) {
	lines := 0
	for line := range strings.Lines(string(source)) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "//") {
			lines++
		}
	}
	if lines > wiringLines {
		c.found = append(c.found, finding{
			token.Position{Filename: name, Line: 1},
			fmt.Sprintf("%d lines of code: main is wiring, at most %d", lines, wiringLines),
		})
	}
}

func isIdent(x ast.Expr, name string) bool {
	id, ok := x.(*ast.Ident)
	return ok && id.Name == name
}
