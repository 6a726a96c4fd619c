// The tests of this file compare README and docs with the programs that they describe.

package scripts_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pages returns the content of README and docs by their path from the repository's root.
func pages(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../docs/*.md")
	require.NoError(t, err)
	all := map[string]string{}
	for _, file := range append(files, "../README.md", "../CONTRIBUTING.md", "../CHANGELOG.md", "../SECURITY.md") {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		name, err := filepath.Rel("..", file)
		require.NoError(t, err)
		all[name] = string(raw)
	}
	require.Contains(t, all, "docs/settings.md")
	require.Greater(t, len(all), 8)
	return all
}

// words returns the matches of the pattern's first group in the text, each once, sorted.
func words(pattern, text string) []string {
	found := map[string]bool{}
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		found[match[1]] = true
	}
	return slices.Sorted(maps.Keys(found))
}

// cells returns the first column of the tables below a heading.
func cells(t *testing.T, page, heading string) []string {
	t.Helper()
	_, rest, found := strings.Cut(page, heading+"\n")
	require.True(t, found, heading)
	if at := strings.Index(rest, "\n#"); at >= 0 {
		rest = rest[:at]
	}
	return words("(?m)^\\| (`[^|]*) \\|", strings.ReplaceAll(rest, `\|`, "/"))
}

// literals returns the string literals in Go files that match the pattern.
func literals(t *testing.T, glob, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(glob)
	require.NoError(t, err)
	require.NotEmpty(t, files, glob)
	found := map[string]bool{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		inspect(t, name, func(n ast.Node) {
			literal, ok := n.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				return
			}
			value, err := strconv.Unquote(literal.Value)
			require.NoError(t, err)
			if regexp.MustCompile("^(?:" + pattern + ")$").MatchString(value) {
				found[value] = true
			}
		})
	}
	return slices.Sorted(maps.Keys(found))
}

// inspect calls visit with each node of a Go file.
func inspect(t *testing.T, name string, visit func(ast.Node)) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
	require.NoError(t, err)
	ast.Inspect(file, func(n ast.Node) bool {
		visit(n)
		return true
	})
}

func TestLinksBetweenPagesResolve(t *testing.T) {
	for name, page := range pages(t) {
		links := words(`\]\(([^)]+)\)`, page) // pictures in Markdown among them
		for _, link := range append(links, words(`(?s)<(?:a|img)\s[^>]*?(?:href|src)="([^"]+)"`, page)...) {
			if strings.Contains(link, "://") {
				continue
			}
			file, section, _ := strings.Cut(link, "#")
			target := filepath.Join("..", filepath.Dir(name), file)
			if file == "" {
				target = filepath.Join("..", name)
			}
			_, err := os.Stat(target)
			if !assert.NoError(t, err, "%s links to %s", name, link) || section == "" {
				continue
			}
			raw, err := os.ReadFile(target)
			require.NoError(t, err)
			assert.Contains(t, anchors(string(raw)), section, "%s links to %s", name, link)
		}
	}
}

// anchors returns the link targets of the headings of a page: lower case, hyphens for blanks, no other punctuation.
func anchors(page string) []string {
	var names []string
	for _, heading := range words(`(?m)^#+ (.+)$`, page) {
		name := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(heading), "")
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	return names
}

func TestMakeTargetsThatPagesNameExist(t *testing.T) {
	makefile, err := os.ReadFile("../Makefile")
	require.NoError(t, err)
	targets := words(`(?m)^([a-z-]+):`, string(makefile))
	for _, target := range []string{"demo", "test", "install", "install-systemd"} {
		assert.Contains(t, pages(t)["README.md"], "make "+target)
	}
	for name, page := range pages(t) {
		named := append(words("`(?:[A-Z_]+=\\S+ )?make ([a-z-]+)", page), words(`(?m)^make ([a-z-]+)`, page)...)
		for _, target := range named {
			assert.Contains(t, targets, target, "%s names make %s", name, target)
		}
	}
}

func TestCommandsAndOptionsThatPagesNameExist(t *testing.T) {
	commands := words("(?m)^\\| `([a-z_]+)` \\|", pages(t)["docs/commands.md"]) // made from the command table
	require.NotEmpty(t, commands)
	options := words("(?m)^\\| `--([a-z-]+)", pages(t)["docs/commands.md"])
	for name, page := range pages(t) {
		for _, command := range words(`--command ([a-z_]+)`, page) {
			assert.Contains(t, commands, command, "%s names the command %s", name, command)
		}
		for line := range strings.Lines(page) {
			if !strings.Contains(line, "pmnamecheap --command") {
				continue
			}
			for _, option := range words(`--([a-z-]+)`, line) {
				assert.Contains(t, options, option, "%s: %s", name, line)
			}
		}
	}
}

// faultTypes returns the types that an error document can have.
func faultTypes(t *testing.T) []string {
	t.Helper()
	var types []string
	inspect(t, "../internal/fault/fault.go", func(n ast.Node) {
		row, ok := n.(*ast.ValueSpec)
		if !ok || len(row.Values) != 1 || strings.HasPrefix(row.Names[0].Name, "Object") {
			return
		}
		value, err := strconv.Unquote(row.Values[0].(*ast.BasicLit).Value)
		require.NoError(t, err)
		types = append(types, value)
	})
	require.Greater(t, len(types), 10)
	return types
}

func TestTroubleshootingNamesEveryErrorTypeAndNoOther(t *testing.T) {
	page := pages(t)["docs/troubleshooting.md"]
	named := append(cells(t, page, `## "Failed to establish a connection": what check_connection says`), cells(t, page, "## An order does not move")...)
	listed := words("`([a-z_]+)`", strings.Join(named, " "))
	types := faultTypes(t)
	slices.Sort(types)
	assert.Equal(t, types, listed)
}

func TestOptionsOfTheSettingsAreAllExplained(t *testing.T) {
	options := ourOptions(t, `SSLSubscription\w+`)
	require.Len(t, options, 6)
	all := pages(t)
	assert.Equal(t, options, words("`(SSLSubscription\\w+)`", strings.Join(cells(t, all["docs/subscription.md"], "## Options"), " ")))
	for _, option := range options {
		assert.Contains(t, all["README.md"], "`"+option)
	}
	assert.Equal(t, options, words("`(SSL\\w+)`", strings.Join(cells(t, all["docs/settings.md"], "## Subscriptions"), " ")))
	others := ourOptions(t, `SSL\w+`)
	others = slices.DeleteFunc(others, func(option string) bool { return slices.Contains(options, option) })
	require.NotEmpty(t, others)
	var documented []string // options in docs/settings.md that are not about subscriptions
	for _, heading := range []string{"## Unattended reissue", "## DNS", "## A database that accepts TLS connections only", "## Several hosts, several database nodes", "## Certificates, proxies and programs"} {
		documented = append(documented, cells(t, all["docs/settings.md"], heading)...)
	}
	assert.Equal(t, others, words("`(SSL\\w+)`", strings.Join(documented, " ")), "options that are not about subscriptions")
	options = slices.Sorted(slices.Values(append(options, others...)))
	unattended := slices.DeleteFunc(slices.Clone(others), func(option string) bool {
		return !strings.HasPrefix(option, "SSLUnattended") && option != "SSLRotateKey"
	})
	assert.Equal(t, unattended, words("`(SSL\\w+)`", strings.Join(cells(t, all["docs/unattended.md"], "## Set it up"), " ")))
	for name, page := range all {
		for _, option := range words("`(SSL[A-Z]\\w+)", page) {
			assert.Contains(t, options, option, name)
		}
		for _, option := range words(`(SSLSubscription\w+)`, page) {
			assert.Contains(t, options, option, name)
		}
	}
	sample, err := os.ReadFile("../etc/samples/billmgr.conf")
	require.NoError(t, err)
	assert.Equal(t, options, words(`(?m)^#(SSL\w+) \S`, string(sample)), "each has a commented-out line")
}

// ourOptions returns the options of etc/billmgr.conf in the program that match the pattern.
func ourOptions(t *testing.T, pattern string) []string {
	t.Helper()
	var options []string
	for _, folder := range []string{"app", "cabforum", "command", "item", "lifecycle", "panel", "plan", "publish", "purchase", "subscription", "watch"} {
		options = append(options, literals(t, "../internal/"+folder+"/*.go", pattern)...)
	}
	slices.Sort(options)
	return slices.Compact(options)
}

func TestEveryReasonOfTheSweepIsExplained(t *testing.T) {
	page := pages(t)["docs/subscription.md"]
	inspect(t, "../internal/cabforum/due.go", func(n ast.Node) {
		row, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(row.Names[0].Name, "Reason") {
			return
		}
		reason, err := strconv.Unquote(row.Values[0].(*ast.BasicLit).Value)
		require.NoError(t, err)
		assert.Contains(t, page, "`"+reason+"`")
	})
}

// Each piece between the ellipses of a text in these tables stands in one text of the program.
func TestLogTextsThatPagesExplainAreTheProgramsOwn(t *testing.T) {
	texts := sourceTexts(t, "../internal/publish", "../internal/deliver", "../internal/program", "../internal/ispapi", "../internal/lifecycle", "../internal/app",
		"../internal/item", "../internal/panel", "../internal/subscription")
	all := pages(t)
	var rows []string
	for _, heading := range []string{
		"### In the configuration", "### When certificates are delivered", "### When keys are changed", "### In the ownership rule", "### At the name server", "### At a panel, in files and programs",
		"### Between the record and the certificate", "### When records are removed",
	} {
		found := firstColumn(t, all["docs/unattended.md"], heading)
		require.NotEmpty(t, found, heading)
		rows = append(rows, found...)
	}
	rows = append(rows, firstColumn(t, all["docs/troubleshooting.md"], "## Challenges are not published")...)
	for _, row := range rows {
		known := slices.ContainsFunc(texts, func(text string) bool { return holdsInOrder(text, strings.Split(row, "…")) })
		assert.True(t, known, "no text of the program has %q", row)
	}
}

// firstColumn returns the first cells of the table below a heading, without its head.
func firstColumn(t *testing.T, page, heading string) []string {
	t.Helper()
	_, rest, found := strings.Cut(page, heading+"\n")
	require.True(t, found, heading)
	if at := strings.Index(rest, "\n#"); at >= 0 {
		rest = rest[:at]
	}
	_, rest, found = strings.Cut(rest, "|---|---|\n")
	require.True(t, found, heading)
	return words(`(?m)^\| (.*?) \|`, rest)
}

func holdsInOrder(text string, pieces []string) bool {
	for _, piece := range pieces {
		_, after, found := strings.Cut(text, strings.Trim(piece, " ()"))
		if !found {
			return false
		}
		text = after
	}
	return true
}

// sourceTexts returns the string literals of the Go files below folders, those that + joins as one.
func sourceTexts(t *testing.T, folders ...string) []string {
	t.Helper()
	var texts []string
	for _, folder := range folders {
		require.NoError(t, filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
			if err == nil && filepath.Ext(name) == ".go" && !strings.HasSuffix(name, "_test.go") {
				inspect(t, name, func(n ast.Node) {
					if expr, ok := n.(ast.Expr); ok {
						texts = append(texts, joined(expr))
					}
				})
			}
			return err
		}))
	}
	require.NotEmpty(t, texts)
	return texts
}

// joined returns the text of a string literal or of literals joined by +; of other operands it has none.
func joined(expr ast.Expr) string {
	switch e := expr.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); err == nil && e.Kind == token.STRING {
			return text
		}
	case *ast.BinaryExpr:
		return joined(e.X) + joined(e.Y)
	}
	return ""
}

func TestParametersOfTheItemAreExplained(t *testing.T) {
	page := pages(t)["docs/subscription.md"]
	explained := words("`([a-z_]+)`", strings.Join(cells(t, page, "## What is kept on the item"), " "))
	// The rules name each parameter that the module writes.
	rules, _, found := strings.Cut(pages(t)["docs/rules.md"], "## Time")
	require.True(t, found)
	written := append(words("`([a-z_]+)`", rules), "altname", "old_altname", "service_status") // read only
	inspect(t, "../internal/itemparam/itemparam.go", func(n ast.Node) {
		row, ok := n.(*ast.ValueSpec)
		if !ok || len(row.Values) != 1 {
			return
		}
		name, err := strconv.Unquote(row.Values[0].(*ast.BasicLit).Value)
		require.NoError(t, err)
		assert.Contains(t, written, name, "docs/rules.md, table of the item parameters")
		switch name {
		case "approver_method", "approver_email", "altname", "old_altname", "service_status": // the panel's own
		default:
			assert.Contains(t, explained, name)
		}
	})
}

func TestEveryMethodOfTheAPIIsListed(t *testing.T) {
	used := literals(t, "../internal/seller/namecheap/*.go", `namecheap\.(ssl|users)\.\w+`)
	require.Greater(t, len(used), 5)
	assert.Equal(t, used, words("`(namecheap\\.\\S+)`", strings.Join(cells(t, pages(t)["docs/namecheap.md"], "## What the module calls, and how sure it is"), " ")))
}

func TestGuideToASellerNamesEveryOptionalInterfaceAndNoOther(t *testing.T) {
	var defined []string
	inspect(t, "../internal/seller/seller.go", func(n ast.Node) {
		row, ok := n.(*ast.TypeSpec)
		if !ok || row.Name.Name == "Seller" {
			return
		}
		if _, ok := row.Type.(*ast.InterfaceType); ok {
			defined = append(defined, row.Name.Name)
		}
	})
	require.Greater(t, len(defined), 10)
	slices.Sort(defined)
	page := pages(t)["docs/add-a-seller.md"]
	assert.Equal(t, defined, words("`(\\w+)`", strings.Join(cells(t, page, "## 6. The optional interfaces"), " ")))
}

// exportedNames are the exported names that the Go files of the folders declare: types, fields, methods, functions, constants.
func exportedNames(t *testing.T, folders ...string) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, folder := range folders {
		files, err := filepath.Glob("../internal/" + folder + "/*.go")
		require.NoError(t, err)
		require.NotEmpty(t, files, folder)
		for _, name := range files {
			inspect(t, name, func(n ast.Node) {
				switch n := n.(type) {
				case *ast.TypeSpec:
					names[n.Name.Name] = true
				case *ast.FuncDecl:
					names[n.Name.Name] = true
				case *ast.ValueSpec:
					for _, one := range n.Names {
						names[one.Name] = true
					}
				case *ast.Field:
					for _, one := range n.Names {
						names[one.Name] = true
					}
				}
			})
		}
	}
	return names
}

func TestGoNamesOfTheGuideToASellerExist(t *testing.T) {
	known := exportedNames(t, "seller", "seller/sellerhttp", "seller/sellertest", "fault", "cabforum", "plaintext", "panellog")
	page := pages(t)["docs/add-a-seller.md"]
	named := words("`[*]?((?:[a-z]+\\.)?[A-Z][A-Za-z]+(?:\\.[A-Z][A-Za-z]+)*)(?:\\([a-z]*\\))?`", page)
	require.Greater(t, len(named), 60)
	for _, name := range named {
		for _, part := range strings.Split(name, ".") {
			switch part {
			case "CNAME", "TXT", "SSLSellerCA", "Valid":
			default:
				assert.True(t, known[part] || part == strings.ToLower(part), "docs/add-a-seller.md names %s", name)
			}
		}
	}
}

func TestEveryWordOfTheCasesIsExplained(t *testing.T) {
	files, err := filepath.Glob("../internal/sandbox/e2e/*_test.go")
	require.NoError(t, err)
	var all []string
	for _, name := range files {
		inspect(t, name, func(n ast.Node) {
			table, ok := n.(*ast.CompositeLit)
			if !ok || !isWords(table.Type) {
				return
			}
			for _, row := range table.Elts {
				word, err := strconv.Unquote(row.(*ast.KeyValueExpr).Key.(*ast.BasicLit).Value)
				require.NoError(t, err)
				all = append(all, word)
			}
		})
	}
	require.Greater(t, len(all), 15)
	slices.Sort(all)
	assert.Equal(t, all, words("`(\\w+)[ `]", strings.Join(cells(t, pages(t)["docs/testing.md"], "## Cases"), " ")))
}

// isWords reports whether the type is map[string]func(*testscript.TestScript, …).
func isWords(t ast.Expr) bool {
	table, ok := t.(*ast.MapType)
	if !ok {
		return false
	}
	word, ok := table.Value.(*ast.FuncType)
	if !ok || len(word.Params.List) == 0 {
		return false
	}
	pointer, ok := word.Params.List[0].Type.(*ast.StarExpr)
	if !ok {
		return false
	}
	name, ok := pointer.X.(*ast.SelectorExpr)
	return ok && name.Sel.Name == "TestScript"
}

func TestDependenciesAreListedWithTheirReason(t *testing.T) {
	_, tables, found := strings.Cut(pages(t)["CONTRIBUTING.md"], "## Dependencies")
	require.True(t, found)
	for _, file := range []string{"../go.mod", "../internal/sandbox/go.mod"} {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		for line := range strings.Lines(string(raw)) {
			fields := strings.Fields(line)
			if len(fields) != 2 || !strings.Contains(fields[0], ".") || strings.HasPrefix(fields[0], "//") {
				continue // what has a comment is indirect
			}
			assert.Contains(t, tables, fields[0], file)
		}
	}
}
