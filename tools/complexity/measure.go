package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
)

// function is one function with its complexity.
type function struct {
	file       string
	line       int
	name       string // with its receiver: (*Type).Method
	complexity int
}

func (f function) String() string {
	return fmt.Sprintf("%s:%d: %s has a complexity of %d: split it", f.file, f.line, f.name, f.complexity)
}

// measure returns the functions of a file in the order of the source.
func measure(name string, source []byte) ([]function, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var all []function
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		all = append(all, function{name, files.Position(f.Pos()).Line, nameOf(f), complexity(f)})
	}
	return all, nil
}

// complexity returns the cyclomatic complexity of a function: one, plus one for each branch.
func complexity(f *ast.FuncDecl) int {
	count := 1
	ast.Inspect(f, func(n ast.Node) bool {
		if branches(n) {
			count++
		}
		return true
	})
	return count
}

func branches(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.IfStmt, *ast.ForStmt, *ast.RangeStmt:
		return true
	case *ast.CaseClause:
		return n.List != nil // a default adds no branch
	case *ast.CommClause:
		return n.Comm != nil
	case *ast.BinaryExpr:
		return n.Op == token.LAND || n.Op == token.LOR
	}
	return false
}

func nameOf(f *ast.FuncDecl) string {
	if f.Recv == nil || len(f.Recv.List) == 0 {
		return f.Name.Name
	}
	return "(" + typeName(f.Recv.List[0].Type) + ")." + f.Name.Name
}

func typeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return "*" + typeName(e.X)
	case *ast.IndexExpr:
		return typeName(e.X)
	case *ast.IndexListExpr:
		return typeName(e.X)
	case *ast.Ident:
		return e.Name
	}
	return "?"
}
