package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func std(path string) bool { return !strings.Contains(path, ".") && !strings.HasPrefix(path, module) }

func TestImportsPointOneWay(t *testing.T) {
	for name, c := range map[string]struct {
		from, to string
		want     string // empty: allowed
	}{
		"cmd wires a seller":               {"cmd/pmnamecheap", "internal/seller/namecheap", ""},
		"cmd starts the app":               {"cmd/pmnamecheap", "internal/app", ""},
		"cmd does not reach past app":      {"cmd/pmnamecheap", "internal/panel", "cmd may import"},
		"mains share their system":         {"cmd/pmnamecheap", "cmd/internal/system", ""},
		"app wires the panel":              {"internal/app", "internal/panel", ""},
		"app wires dnscheck":               {"internal/app", "internal/dnscheck", ""},
		"command asks an interface of DNS": {"internal/command", "internal/dnscheck", "internal/command may import"},
		"dnscheck imports no package":      {"internal/dnscheck", "internal/pki", "internal/dnscheck imports no other package"},
		"app knows no seller client":       {"internal/app", "internal/seller/namecheap", "internal/app may import"},
		"command knows the seller types":   {"internal/command", "internal/seller", ""},
		"command knows no panel":           {"internal/command", "internal/panel", "internal/command may import"},
		"command knows no seller":          {"internal/command", "internal/seller/namecheap", "internal/command may import"},
		"panel does not call back up":      {"internal/panel", "internal/command", "internal/panel may import"},
		"sellers share their transport":    {"internal/seller/namecheap", "internal/seller/sellerhttp", ""},
		"sellers do not know each other":   {"internal/seller/ispmanager", "internal/seller/namecheap", "internal/seller/ispmanager may import"},
		"a seller does not call up":        {"internal/seller/namecheap", "internal/app", "internal/seller/namecheap may import"},
		"a leaf imports no package":        {"internal/dnscheck", "internal/pki", "internal/dnscheck imports no other package"},
		"pki counts days":                  {"internal/pki", "internal/cabforum", ""},
		"purchase does not call up":        {"internal/purchase", "internal/lifecycle", "internal/purchase may import"},
		"lifecycle buys by purchase":       {"internal/lifecycle", "internal/purchase", ""},
		"the sweep uses lifecycle":         {"internal/subscription", "internal/lifecycle", ""},
		"item knows no engine":             {"internal/item", "internal/purchase", "internal/item may import"},
		"pki does no I/O by the panel":     {"internal/pki", "internal/panel", "internal/pki may import"},
		"a folder of the same entry":       {"internal/panel", "internal/panel/conf", ""},
		"a neighbour with a longer name":   {"internal/pkistore", "internal/pki", "is not in"},
		"the product and the stand-ins":    {"internal/app", "internal/sandbox/panel", "nothing that ships"},
		"a seller and the suite":           {"internal/seller/namecheap", "internal/seller/sellertest", "may import"},
		"the stand-ins and the product":    {"internal/sandbox/panel", "internal/pki", "nothing of the product"},
		"the stand-ins among themselves":   {"internal/sandbox/e2e", "internal/sandbox/panel", ""},
		"a package that is not listed":     {"internal/util", "internal/pki", "is not in"},
	} {
		t.Run(name, func(t *testing.T) {
			got := violations([]pkg{{ImportPath: module + "/" + c.from, Imports: []string{module + "/" + c.to}}}, std)
			if c.want == "" {
				assert.Empty(t, got)
				return
			}
			require.Len(t, got, 1)
			assert.Contains(t, got[0], c.want)
			assert.True(t, strings.HasPrefix(got[0], c.from), "the line begins with the importing package: %s", got[0])
		})
	}
}

func TestCabforumImportsTheStandardLibraryOnly(t *testing.T) {
	of := func(imports ...string) []string {
		return violations([]pkg{{ImportPath: "pmssl/internal/cabforum", Imports: imports}}, std)
	}
	assert.Empty(t, of("time", "encoding/json"))
	assert.Len(t, of("golang.org/x/net/idna"), 1)
}

func TestTestsMayImportAnyPackageButTheStandIns(t *testing.T) {
	of := func(p pkg) []string { return violations([]pkg{p}, std) }
	assert.Empty(t, of(pkg{ImportPath: "pmssl/internal/panel", XTestImports: []string{"pmssl/internal/command"}}))
	assert.Len(t, of(pkg{ImportPath: "pmssl/internal/panel", XTestImports: []string{"pmssl/internal/sandbox/engine"}}), 1)
	assert.Len(t, of(pkg{ImportPath: "pmssl/internal/sandbox/e2e", TestImports: []string{"pmssl/internal/pki"}}), 1)
}

func TestNothingOfTheStandInsShips(t *testing.T) {
	assert.Empty(t, shipped([]string{"fmt", "pmssl/internal/pki", "example.org/internal/sandbox"}))
	assert.Len(t, shipped([]string{"fmt", "pmssl/internal/sandbox/ca", "pmssl/internal/sandbox"}), 2)
	assert.Len(t, shipped([]string{"pmssl/internal/seller", "pmssl/internal/seller/sellertest", "pmssl/internal/publish/publishtest"}), 2)
}

func TestAPackageThatCannotBeListedIsReported(t *testing.T) {
	packages, err := decode(strings.NewReader(`{"ImportPath":"pmssl/internal/pki","Error":{"Err":"expected 'package'\n"}}{"ImportPath":"pmssl/cmd/x"}`))
	require.NoError(t, err)
	assert.Equal(t, []string{"internal/pki cannot be listed: expected 'package'"}, violations(packages, std))
	_, err = decode(strings.NewReader(`{"ImportPath":`))
	assert.Error(t, err)
}

func TestTheTableHasNoCircle(t *testing.T) {
	var walk func(entry string, way []string)
	walk = func(entry string, way []string) {
		require.False(t, slices.Contains(way, entry), "%v leads back to %s", way, entry)
		for _, next := range allowed[entry] {
			assert.Contains(t, allowed, next)
			walk(next, append(slices.Clone(way), entry))
		}
	}
	for entry := range allowed {
		walk(entry, nil)
	}
}
