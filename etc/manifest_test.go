// Package etc_test holds the manifests and samples of this folder against the programs that they belong to.
package etc_test

import (
	"encoding/xml"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"image"
	"image/png"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/panellog"
	"pmssl/internal/seller"
	"pmssl/internal/seller/ispmanager"
	"pmssl/internal/seller/namecheap"
)

// manifest is a file of etc/xml as far as it is looked at here (docs/reference/billmanager.md §9).
type manifest struct {
	XMLName xml.Name `xml:"mgrdata"`
	Plugin  struct {
		Name  string `xml:"name,attr"`
		Group string `xml:"group"`
		Types []struct {
			Name string `xml:"name,attr"`
		} `xml:"params>type"`
	} `xml:"plugin"`
	Forms []struct {
		Name  string `xml:"name,attr"`
		Type  string `xml:"type,attr"`
		Pages []struct {
			Name   string  `xml:"name,attr"`
			Fields []field `xml:"field"`
		} `xml:"form>page"`
	} `xml:"metadata"`
	Languages []struct {
		Name   string `xml:"name,attr"`
		Groups []struct {
			Name  string `xml:"name,attr"`
			Texts []struct {
				Name string `xml:"name,attr"`
				Text string `xml:",chardata"`
			} `xml:"msg"`
		} `xml:"messages"`
	} `xml:"lang"`
}

type field struct {
	Name     string `xml:"name,attr"`
	Controls []struct {
		XMLName xml.Name
		Name    string `xml:"name,attr"`
		Type    string `xml:"type,attr"`
	} `xml:",any"`
}

// modules are the binaries and what their manifests have to fit. Info reads nothing of an empty Env: products that a seller
// keeps in a file are the known ones.
func modules() map[string]fits {
	return map[string]fits{
		"pmnamecheap": fitsOf(namecheap.Info(seller.Env{}), true),
		"pmispmgrssl": fitsOf(ispmanager.Info(seller.Env{}), false),
	}
}

// fits is what a binary asks of its manifest: the connection parameters and whether they are stored encrypted, the
// templates, the custom parameters with their defaults.
type fits struct {
	title    string // the seller's name for people
	secret   map[string]bool
	products map[string]bool
	custom   map[string]string
	// organisation: orders ask for fields that the panel does not have.
	organisation bool
}

func fitsOf(info seller.Info, organisation bool) fits {
	f := fits{title: info.Title, organisation: organisation, secret: map[string]bool{}, products: map[string]bool{}, custom: map[string]string{}}
	for _, p := range info.Params {
		f.secret[p.Name] = p.Crypted
	}
	for _, p := range info.Products {
		f.products[p.ID] = true
	}
	for _, p := range info.CustomParams {
		f.custom[p.Name] = p.Default
	}
	return f
}

// each runs a test for every module.
func each(t *testing.T, test func(t *testing.T, module string, f fits)) {
	t.Helper()
	for module, f := range modules() {
		t.Run(module, func(t *testing.T) { test(t, module, f) })
	}
}

func TestEveryProgramAndManifestIsInModules(t *testing.T) {
	known := slices.Sorted(maps.Keys(modules()))
	manifests, err := filepath.Glob("xml/billmgr_mod_*.xml")
	require.NoError(t, err)
	programs, err := filepath.Glob("../cmd/*/main.go")
	require.NoError(t, err)
	var ofManifests, ofPrograms []string
	for _, path := range manifests {
		ofManifests = append(ofManifests, strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), "billmgr_mod_"), ".xml"))
	}
	for _, path := range programs {
		ofPrograms = append(ofPrograms, filepath.Base(filepath.Dir(path)))
	}
	assert.ElementsMatch(t, known, ofManifests)
	assert.ElementsMatch(t, known, ofPrograms)
}

// othersTypes returns the error types that the panel and other modules use (docs/reference/billmanager.md §6): a text of
// ours in the messages msgerror, which hold for the whole panel, would take the place of theirs in every form.
func othersTypes() []string {
	panel := []string{"auth", "client", "db", "exists", "internal", "limit", "locked", "missed", "process", "value", "xml"}
	modules := []string{"api_error", "approver", "invalid_login_or_passwd", "no_suitable_module", "unsupported_module", "wrong_panel_info"}
	return append(panel, modules...)
}

func read(t *testing.T, module string) manifest {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("xml", "billmgr_mod_"+module+".xml"))
	require.NoError(t, err)
	var m manifest
	require.NoError(t, xml.Unmarshal(raw, &m))
	return m
}

// texts is language -> messages -> msg -> text; a text that is there twice fails.
func texts(t *testing.T, m manifest) map[string]map[string]map[string]string {
	t.Helper()
	all := map[string]map[string]map[string]string{}
	for _, language := range m.Languages {
		require.NotContains(t, all, language.Name, "one lang element for each language")
		groups := map[string]map[string]string{}
		for _, group := range language.Groups {
			require.NotContains(t, groups, group.Name, language.Name)
			rows := map[string]string{}
			for _, row := range group.Texts {
				require.NotContains(t, rows, row.Name, "%s %s", language.Name, group.Name)
				rows[row.Name] = row.Text
			}
			groups[group.Name] = rows
		}
		all[language.Name] = groups
	}
	return all
}

func keys[V any](m map[string]V) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// faultTypes are the values of the constants of internal/fault: what the module can print as an error's type.
func faultTypes(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../internal/fault/fault.go", nil, 0)
	require.NoError(t, err)
	var types []string
	for _, decl := range file.Decls {
		constants, ok := decl.(*ast.GenDecl)
		if !ok || constants.Tok != token.CONST {
			continue
		}
		for _, spec := range constants.Specs {
			row := spec.(*ast.ValueSpec)
			for i, name := range row.Names {
				if strings.HasPrefix(name.Name, "Object") {
					continue
				}
				require.Len(t, row.Values, len(row.Names), name.Name)
				literal, ok := row.Values[i].(*ast.BasicLit)
				require.True(t, ok, "%s is not a literal", name.Name)
				value, err := strconv.Unquote(literal.Value)
				require.NoError(t, err)
				types = append(types, value)
			}
		}
	}
	slices.Sort(types)
	require.Greater(t, len(types), 10, "the constants were not found")
	return slices.Compact(types)
}

func TestManifestIsWellFormedAndHasNoDTD(t *testing.T) {
	files, err := filepath.Glob("xml/*.xml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, name := range files {
		f, err := os.Open(name)
		require.NoError(t, err)
		for d := xml.NewDecoder(f); ; {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err, name)
			_, dtd := token.(xml.Directive)
			assert.False(t, dtd, name)
		}
		require.NoError(t, f.Close())
	}
}

func TestManifestNamesTheModule(t *testing.T) {
	each(t, func(t *testing.T, module string, _ fits) {
		m := read(t, module)
		assert.Equal(t, module, m.Plugin.Name)
		assert.Equal(t, "processing_module", m.Plugin.Group)
		require.Len(t, m.Plugin.Types, 1)
		assert.Equal(t, "certificate", m.Plugin.Types[0].Name)
		for language, groups := range texts(t, m) {
			assert.Equal(t, []string{"module_" + module, module}, keys(groups["label_processing_modules"]), language)
			assert.Equal(t, []string{"desc_full_" + module, "desc_short_" + module, "price_" + module}, keys(groups["plugin"]), language)
		}
	})
}

// docs/reference/billmanager.md §9.1: titles are those of the panel's documentation.
func TestTitlesAreThoseOfThePanelsDocumentation(t *testing.T) {
	for module, want := range map[string]struct {
		title  string
		fields map[string]string // in English
	}{
		"pmnamecheap": {"Namecheap", map[string]string{"username": "Username", "api_user": "API user", "api_key": "API key", "client_ip": "BILLmanager IP", "sandbox": "Sandbox"}},
		"pmispmgrssl": {"Ispmanager (SSL)", map[string]string{"url": "URL ispmanager", "username": "User name", "password": "Password"}},
	} {
		all := texts(t, read(t, module))
		for language, groups := range all {
			for _, name := range []string{module, "module_" + module} {
				assert.Equal(t, want.title, groups["label_processing_modules"][name], language)
			}
			assert.Equal(t, want.title, groups["plugin"]["desc_short_"+module], language)
		}
		for name, title := range want.fields {
			assert.Equal(t, title, all["en"]["processing.edit."+module][name], name)
		}
	}
}

// docs/reference/billmanager.md §9: a logo is a PNG of the size that the panel's own have, with transparent corners.
func TestLogosAreSquareAndTransparentAtTheCorners(t *testing.T) {
	for _, module := range []string{"pmnamecheap", "pmispmgrssl"} {
		file, err := os.Open(filepath.Join("logos", module+".png"))
		require.NoError(t, err)
		picture, err := png.Decode(file)
		require.NoError(t, err)
		require.NoError(t, file.Close())
		assert.Equal(t, image.Rect(0, 0, 460, 460), picture.Bounds(), module)
		_, _, _, corner := picture.At(0, 0).RGBA()
		_, _, _, middle := picture.At(230, 230).RGBA()
		assert.Zero(t, corner, module)
		assert.Equal(t, uint32(0xffff), middle, module)
	}
}

// fields are those of the page "connect": the other pages are the panel's (docs/reference/billmanager.md §9).
func fields(t *testing.T, module string, m manifest) []field {
	t.Helper()
	require.NotEmpty(t, m.Forms)
	assert.Equal(t, "processing.edit."+module, m.Forms[0].Name)
	assert.Equal(t, "form", m.Forms[0].Type)
	require.Len(t, m.Forms[0].Pages, 1)
	assert.Equal(t, "connect", m.Forms[0].Pages[0].Name)
	return m.Forms[0].Pages[0].Fields
}

// organisation are the fields that orders of OV and EV ask for beside the panel's own (docs/reference/billmanager.md §9).
func organisation(t *testing.T, module string, m manifest) []field {
	t.Helper()
	require.Len(t, m.Forms, 2)
	assert.Equal(t, "organization."+module, m.Forms[1].Name)
	require.Len(t, m.Forms[1].Pages, 1)
	assert.Equal(t, "org_fields", m.Forms[1].Pages[0].Name)
	return m.Forms[1].Pages[0].Fields
}

func TestEveryFieldHasOneControlATitleAndAHint(t *testing.T) {
	each(t, func(t *testing.T, module string, f fits) {
		m := read(t, module)
		all := texts(t, m)
		forms := map[string][]field{"processing.edit." + module: fields(t, module, m)}
		if f.organisation {
			forms["organization."+module] = organisation(t, module, m)
		}
		for form, fields := range forms {
			require.NotEmpty(t, fields, form)
			for _, one := range fields {
				require.Len(t, one.Controls, 1, one.Name)
				assert.Equal(t, one.Name, one.Controls[0].Name)
				for language, groups := range all {
					rows := groups[form]
					assert.NotEmpty(t, rows[one.Name], "%s: title of %s", language, one.Name)
					assert.NotEmpty(t, rows["hint_"+one.Name], "%s: hint of %s", language, one.Name)
				}
			}
		}
	})
}

// Each of them goes to the seller with a certificate of extended validation; a value that nobody looks at is not asked for.
func TestEveryFieldOfTheOrganisationIsUsed(t *testing.T) {
	p, found := seller.FindProduct(namecheap.Products(), "ev_ssl")
	require.True(t, found)
	complete := map[string]string{"org_name": "x", "org_address": "x", "org_city": "x", "org_state": "x", "org_country": "DE", "org_postcode": "10115", "org_incorporation_country": "DE"}
	require.NoError(t, (&namecheap.Client{}).ValidateOrder(seller.Request{Product: p, Method: seller.MethodDNS, Params: complete}))
	for _, f := range organisation(t, "pmnamecheap", read(t, "pmnamecheap")) {
		params := maps.Clone(complete)
		params[f.Name] = "имя"
		err := (&namecheap.Client{}).ValidateOrder(seller.Request{Product: p, Method: seller.MethodDNS, Params: params})
		require.Error(t, err, f.Name)
		assert.Equal(t, f.Name, fault.From(err).Object)
	}
}

func TestEveryLanguageHasTheSameTexts(t *testing.T) {
	each(t, func(t *testing.T, module string, _ fits) {
		all := texts(t, read(t, module))
		assert.Equal(t, []string{"en", "es", "ru"}, keys(all))
		for language, groups := range all {
			assert.Equal(t, keys(all["en"]), keys(groups), language)
			for group, rows := range groups {
				assert.Equal(t, keys(all["en"][group]), keys(rows), "%s %s", language, group)
				for name, text := range rows {
					assert.NotEmpty(t, text, "%s %s %s", language, group, name)
					assert.Equal(t, strings.TrimSpace(text), text, "%s %s %s", language, group, name)
				}
			}
		}
	})
}

func TestRussianTextsAreRussian(t *testing.T) {
	each(t, func(t *testing.T, module string, _ fits) {
		cyrillic := func(text string) bool {
			return strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Cyrillic, r) })
		}
		for language, groups := range texts(t, read(t, module)) {
			for group, rows := range groups {
				if group == "pricelist.certificate" || group == "label_processing_modules" {
					continue // brands
				}
				for name, text := range rows {
					if name == "desc_short_"+module || module == "pmispmgrssl" && name == "url" {
						continue // brands too: "URL ispmanager"
					}
					assert.Equal(t, language == "ru", cyrillic(text), "%s %s %s: %s", language, group, name, text)
				}
			}
		}
	})
}

func TestEveryErrorTypeHasAText(t *testing.T) {
	each(t, func(t *testing.T, module string, _ fits) {
		types := faultTypes(t)
		for language, groups := range texts(t, read(t, module)) {
			assert.Equal(t, types, errorTypes(groups["processing.edit."+module]), "%s: the form", language)
			ours := slices.DeleteFunc(slices.Clone(types), func(kind string) bool { return slices.Contains(othersTypes(), kind) })
			assert.Equal(t, ours, errorTypes(groups["msgerror"]), "%s: the whole panel", language)
		}
	})
}

func errorTypes(rows map[string]string) []string {
	var types []string
	for _, name := range keys(rows) {
		if kind, ok := strings.CutPrefix(name, "msg_error_"); ok {
			types = append(types, kind)
		}
	}
	return types
}

// "Orden" is an order given, not a command of the module, and período has one spelling in the texts of this product.
func TestSpanishTextsUseTheProductsWords(t *testing.T) {
	each(t, func(t *testing.T, module string, _ fits) {
		for group, rows := range texts(t, read(t, module))["es"] {
			for name, text := range rows {
				assert.NotRegexp(t, `(?i)\b(orden|órdenes|periodos?)\b`, text, "%s %s", group, name)
			}
		}
	})
}

// The panel's own page "settings" asks for threshold (docs/reference/billmanager.md §2, §9).
func TestTheFormAsksForTheParametersOfFeatures(t *testing.T) {
	each(t, func(t *testing.T, module string, f fits) {
		delete(f.secret, "threshold")
		asked := map[string]bool{}
		for _, one := range fields(t, module, read(t, module)) {
			require.Len(t, one.Controls, 1, one.Name)
			asked[one.Name] = one.Controls[0].Type == "password"
		}
		assert.Equal(t, f.secret, asked, "parameter -> asked for as a password, stored encrypted")
	})
}

func TestEveryProductAndCustomParameterHasATitle(t *testing.T) {
	each(t, func(t *testing.T, module string, f fits) {
		for language, groups := range texts(t, read(t, module)) {
			assert.Equal(t, keys(f.products), keys(groups["pricelist.certificate"]), language)
			titles := groups["processing.customparam.names."+module]
			assert.Equal(t, keys(f.custom), keys(titles), language)
			for name, value := range f.custom {
				assert.Contains(t, titles[name], value, "%s: the title of %s tells the default", language, name)
			}
		}
	})
}

// Messages without a module in their name are the whole panel's: what two manifests say of the same thing is the same, or it
// would depend on the order in which the panel reads them.
func TestManifestsDoNotContradictEachOther(t *testing.T) {
	said := map[string]string{}
	for module := range modules() {
		for language, groups := range texts(t, read(t, module)) {
			for _, group := range []string{"msgerror", "pricelist.certificate"} {
				for name, text := range groups[group] {
					key := language + " " + group + " " + name
					if other, known := said[key]; known {
						assert.Equal(t, other, text, key)
					}
					said[key] = text
				}
			}
		}
	}
}

// The module's error document always has the parameter value; a placeholder without parameter would be shown as it is.
func TestErrorTextsUseThePlaceholderThatIsAlwaysThere(t *testing.T) {
	each(t, func(t *testing.T, module string, _ fits) {
		placeholder := regexp.MustCompile(`__\w+?__`)
		for language, groups := range texts(t, read(t, module)) {
			for group, rows := range groups {
				for name, text := range rows {
					want := []string(nil)
					if strings.HasPrefix(name, "msg_error_") {
						want = []string{"__value__"}
					}
					assert.Equal(t, want, placeholder.FindAllString(text, -1), "%s %s %s", language, group, name)
				}
			}
		}
	})
}

// Texts of msgerror are shared by every module of the panel.
func TestTextsForTheWholePanelNameNoSeller(t *testing.T) {
	each(t, func(t *testing.T, module string, _ fits) {
		for language, groups := range texts(t, read(t, module)) {
			for name, text := range groups["msgerror"] {
				for _, other := range modules() {
					assert.NotRegexp(t, "(?i)"+regexp.QuoteMeta(other.title), text, "%s %s", language, name)
				}
			}
		}
	})
}

// A manifest that was copied from another module's says nothing of that module or its seller.
func TestManifestNamesNoOtherModule(t *testing.T) {
	each(t, func(t *testing.T, module string, _ fits) {
		for language, groups := range texts(t, read(t, module)) {
			for other, its := range modules() {
				if other == module {
					continue
				}
				for group, rows := range groups {
					for name, text := range rows {
						assert.NotRegexp(t, "(?i)"+regexp.QuoteMeta(its.title)+"|"+other, text, "%s %s %s", language, group, name)
					}
				}
			}
		}
	})
}

func TestSampleOfDebugConfIsUnderstood(t *testing.T) {
	sample, err := os.ReadFile("samples/debug.conf")
	require.NoError(t, err)
	root := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(root, "etc"), 0o755))
	require.NoError(t, os.MkdirAll(filepath.Join(root, "var"), 0o755))
	// The lines that are switched off in the sample have to be good as well.
	on := regexp.MustCompile(`(?m)^#(SET|\w+\.\*) `).ReplaceAll(sample, []byte("$1 "))
	require.NotEqual(t, string(sample), string(on))
	for name, text := range map[string][]byte{"as it is": sample, "all lines on": on} {
		require.NoError(t, os.WriteFile(filepath.Join(root, "etc", "debug.conf"), text, 0o644))
		var stderr strings.Builder
		log := panellog.Open(panellog.Options{
			Name: "pmnamecheap", Root: root, Stderr: &stderr, PID: 1, Location: time.UTC,
			Now: func() time.Time { return time.Date(2026, 4, 2, 0, 0, 0, 0, time.UTC) },
		})
		level := panellog.Debug
		if name == "all lines on" {
			level = panellog.Ext
		}
		assert.True(t, log.Enabled(level), name)
		assert.Empty(t, log.Tail(10), "%s: no line of the sample is complained about", name)
		require.NoError(t, log.Close())
		assert.Empty(t, stderr.String())
	}
}
