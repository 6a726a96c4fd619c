// The tests of this file are about docs/pictures and the pages that show them.

package scripts_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Limits of docs/pictures in bytes: of everything in it, and of one SVG.
const (
	maxPictures = 2 << 20
	maxSVG      = 64 << 10
)

// shown is a picture on a page.
type shown struct {
	page string
	file string // from the repository's root
	alt  string // text alternative
}

// picturesOf returns the pictures of a page: those in Markdown, and HTML's img with the sources for other colours beside it.
func picturesOf(name, page string) (all []shown) {
	page = regexp.MustCompile("(?s)```.*?```").ReplaceAllString(page, "")
	add := func(target, alt string) {
		if !strings.Contains(target, "://") {
			all = append(all, shown{name, filepath.ToSlash(filepath.Join(filepath.Dir(name), target)), strings.Join(strings.Fields(alt), " ")})
		}
	}
	for _, match := range regexp.MustCompile(`!\[([^\]]*)\]\(([^) ]+)[^)]*\)`).FindAllStringSubmatch(page, -1) {
		add(match[2], match[1])
	}
	tag := regexp.MustCompile(`(?s)<(img|source)\b[^>]*>`)
	attribute := func(text, name string) string {
		match := regexp.MustCompile(`(?s)\b` + name + `="([^"]*)"`).FindStringSubmatch(text)
		if match == nil {
			return ""
		}
		return match[1]
	}
	for _, group := range regexp.MustCompile(`(?s)<picture\b.*?</picture>|<img\b[^>]*>`).FindAllString(page, -1) {
		alt := attribute(regexp.MustCompile(`(?s)<img\b[^>]*>`).FindString(group), "alt")
		for _, one := range tag.FindAllString(group, -1) {
			for _, source := range append(strings.Split(attribute(one, "srcset"), ","), attribute(one, "src")) {
				if fields := strings.Fields(source); len(fields) > 0 {
					add(fields[0], alt)
				}
			}
		}
	}
	return all
}

func TestPicturesOfAPageAreFound(t *testing.T) {
	for name, row := range map[string]struct {
		page string
		want []shown
	}{
		"in Markdown":    {"a ![A plan](pictures/plan.svg)\n![B](../b.png \"title\")", []shown{{"docs/a.md", "docs/pictures/plan.svg", "A plan"}, {"docs/a.md", "b.png", "B"}}},
		"over two lines": {"![A\nplan](x.svg)", []shown{{"docs/a.md", "docs/x.svg", "A plan"}}},
		"without a text": {"![](x.png)", []shown{{"docs/a.md", "docs/x.png", ""}}},
		"as a link":      {"[![A](x.png)](y.md)", []shown{{"docs/a.md", "docs/x.png", "A"}}},
		"in HTML":        {`<img src="x.png" alt="A">`, []shown{{"docs/a.md", "docs/x.png", "A"}}},
		"for light and dark": {"<picture>\n<source media=\"(prefers-color-scheme: dark)\" srcset=\"d.png, e.png 2x\">\n<img alt=\"A\" src=\"x.png\">\n</picture>",
			[]shown{{"docs/a.md", "docs/d.png", "A"}, {"docs/a.md", "docs/e.png", "A"}, {"docs/a.md", "docs/x.png", "A"}}},
		"elsewhere":     {"![A](https://example.com/x.png)", nil},
		"in an example": {"```\n![A](x.png)\n```", nil},
		"a link only":   {"[A](x.png)", nil},
	} {
		assert.Equal(t, row.want, picturesOf("docs/a.md", row.page), name)
	}
}

// pictureFiles returns the files in docs/pictures by their path from the repository's root.
func pictureFiles(t *testing.T) map[string][]byte {
	t.Helper()
	entries, err := os.ReadDir("../docs/pictures")
	require.NoError(t, err)
	all := map[string][]byte{}
	for _, entry := range entries {
		raw, err := os.ReadFile("../docs/pictures/" + entry.Name())
		require.NoError(t, err)
		all["docs/pictures/"+entry.Name()] = raw
	}
	return all
}

func TestPicturesOfPagesExistAndHaveATextAlternative(t *testing.T) {
	files, used := pictureFiles(t), map[string]bool{}
	for name, page := range pages(t) {
		for _, picture := range picturesOf(name, page) {
			assert.Contains(t, files, picture.file, "%s shows a picture that docs/pictures does not have", name)
			assert.Greater(t, len(picture.alt), 20, "%s: the text alternative of %s says what it shows", name, picture.file)
			used[picture.file] = true
		}
	}
	for file := range files {
		assert.True(t, used[file], "%s is on no page", file)
	}
	assert.True(t, used["docs/pictures/plan.svg"] && used["docs/pictures/order.svg"])
}

func TestPicturesAreSmallAndOfKnownKinds(t *testing.T) {
	sum := 0
	for name, raw := range pictureFiles(t) {
		sum += len(raw)
		switch filepath.Ext(name) {
		case ".svg":
			assert.LessOrEqual(t, len(raw), maxSVG, name)
		case ".png":
			_, err := png.DecodeConfig(bytes.NewReader(raw))
			assert.NoError(t, err, name)
		default:
			t.Errorf("%s is neither SVG nor PNG", name)
		}
	}
	assert.LessOrEqual(t, sum, maxPictures, "all pictures together")
}

// svgPicture is what the tests look at in an SVG.
type svgPicture struct {
	attributes  map[string]string // of its root
	title, desc string
	style       string
	texts       map[string][]string // by class
}

// readSVG reads an SVG and refuses whatever loads or runs something: a picture is shown on other people's pages.
func readSVG(t *testing.T, name string, raw []byte) svgPicture {
	t.Helper()
	p := svgPicture{attributes: map[string]string{}, texts: map[string][]string{}}
	known := map[string]bool{}
	for _, tag := range []string{"svg", "title", "desc", "style", "rect", "line", "path", "circle", "text", "tspan"} {
		known[tag] = true
	}
	decoder := xml.NewDecoder(bytes.NewReader(raw))
	var open []xml.StartElement
	text := ""
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err, name)
		switch token := token.(type) {
		case xml.Directive:
			t.Errorf("%s has a document type or another directive", name)
		case xml.StartElement:
			assert.True(t, known[token.Name.Local] && token.Name.Space == "http://www.w3.org/2000/svg", "%s: <%s> of %q", name, token.Name.Local, token.Name.Space)
			for _, a := range token.Attr {
				assert.NotRegexp(t, `(?i)^(on|href|src)`, a.Name.Local, name)
				assert.NotContains(t, strings.ToLower(a.Value), "url(", name)
				if len(open) == 0 {
					p.attributes[a.Name.Local] = a.Value
				}
			}
			if token.Name.Local != "tspan" {
				text = ""
			}
			open = append(open, token.Copy())
		case xml.CharData:
			text += string(token)
		case xml.EndElement:
			p.note(open[len(open)-1], text)
			open = open[:len(open)-1]
		}
	}
	assert.NotRegexp(t, `(?i)url\(|@import|@font-face|javascript:`, p.style, name)
	return p
}

// note keeps the text of an element that ends.
func (p *svgPicture) note(e xml.StartElement, text string) {
	switch e.Name.Local {
	case "title":
		p.title = text
	case "desc":
		p.desc = text
	case "style":
		p.style = text
	case "text":
		class := ""
		for _, a := range e.Attr {
			if a.Name.Local == "class" {
				class = a.Value
			}
		}
		p.texts[class] = append(p.texts[class], text)
	}
}

// A picture in SVG is shown as an image: it needs a size, a text alternative of its own, and colours for light and dark. It is read
// at a telephone's width too.
func TestSVGsStandAlone(t *testing.T) {
	for name, raw := range pictureFiles(t) {
		if filepath.Ext(name) != ".svg" {
			continue
		}
		p := readSVG(t, name, raw)
		assert.Equal(t, "img", p.attributes["role"], name)
		assert.Equal(t, "title", p.attributes["aria-labelledby"], name)
		assert.Equal(t, "desc", p.attributes["aria-describedby"], name)
		assert.NotEmpty(t, p.title, name)
		assert.Greater(t, len(p.desc), 100, name)
		assert.Equal(t, "0 0 "+p.attributes["width"]+" "+p.attributes["height"], p.attributes["viewBox"], name)
		width, err := strconv.ParseFloat(p.attributes["width"], 64)
		require.NoError(t, err, name)
		assert.LessOrEqual(t, width, 1000.0, "%s: wider pictures are made smaller by the page", name)
		assert.Contains(t, p.style, "prefers-color-scheme:dark", name)
		assert.Contains(t, p.style, "max-width:", "%s: its texts are larger on narrow screens", name)
	}
}

// The numbers in the text alternative of README are those of the picture, which the module makes.
func TestTextAlternativeOfThePlanHasThePicturesNumbers(t *testing.T) {
	p := readSVG(t, "plan.svg", pictureFiles(t)["docs/pictures/plan.svg"])
	for _, picture := range picturesOf("README.md", pages(t)["README.md"]) {
		if picture.file != "docs/pictures/plan.svg" {
			continue
		}
		totals, _, found := strings.Cut(p.desc, ".")
		require.True(t, found)
		numbers := words(`(\d+ [a-z]+)`, totals)
		require.Greater(t, len(numbers), 2)
		for _, number := range append(numbers, words(`(\d{4}-\d\d-\d\d)`, p.title)...) {
			assert.Contains(t, picture.alt, number)
		}
		return
	}
	t.Error("README does not show docs/pictures/plan.svg")
}

func TestCommandsOfTheOrdersWayExist(t *testing.T) {
	p := readSVG(t, "order.svg", pictureFiles(t)["docs/pictures/order.svg"])
	commands := words("(?m)^\\| `([a-z_]+)` \\|", pages(t)["docs/commands.md"]) // made from the command table
	assert.Equal(t, []string{"check_param", "open", "sync_item", "reopen", "prolong"}, p.texts["command"])
	for _, command := range p.texts["command"] {
		assert.Contains(t, commands, command)
		assert.Contains(t, p.desc, command)
	}
}

// README opens with the pictures.
func TestREADMEOpensWithThePictures(t *testing.T) {
	opening, _, found := strings.Cut(pages(t)["README.md"], "\n## ")
	require.True(t, found)
	var files []string
	for _, picture := range picturesOf("README.md", opening) {
		files = append(files, picture.file)
	}
	require.GreaterOrEqual(t, len(files), 2)
	assert.Equal(t, []string{"docs/pictures/plan.svg", "docs/pictures/order.svg"}, files[:2])
}

// stylesOf returns fill and stroke of each class of a picture, in light and in dark.
func stylesOf(t *testing.T, style string) (light, dark map[string]string) {
	t.Helper()
	day, night, found := strings.Cut(style, "@media (prefers-color-scheme:dark){")
	require.True(t, found)
	colours := func(css string) map[string]string {
		all := map[string]string{}
		for _, rule := range regexp.MustCompile(`(?m)^([a-z.,]+)\{([^}]*)\}`).FindAllStringSubmatch(css, -1) {
			for _, class := range strings.Split(rule[1], ",") {
				for _, colour := range regexp.MustCompile(`(fill|stroke):(#[0-9a-f]{6})`).FindAllStringSubmatch(rule[2], -1) {
					all[class+" "+colour[1]] = colour[2]
				}
			}
		}
		return all
	}
	return colours(day), colours(night)
}

// contrast returns the contrast of two colours (WCAG 2.2, relative luminance).
func contrast(t *testing.T, one, other string) float64 {
	t.Helper()
	luminance := func(colour string) float64 {
		n, err := strconv.ParseUint(strings.TrimPrefix(colour, "#"), 16, 32)
		require.NoError(t, err, colour)
		part := func(shift int) float64 {
			c := float64(n>>shift&0xff) / 255
			if c <= 0.04045 {
				return c / 12.92
			}
			return math.Pow((c+0.055)/1.055, 2.4)
		}
		return 0.2126*part(16) + 0.7152*part(8) + 0.0722*part(0)
	}
	a, b := luminance(one)+0.05, luminance(other)+0.05
	return max(a, b) / min(a, b)
}

// WCAG 2.2 AA: 4.5 for texts, 3 for what is to be recognised.
func TestSVGsHaveEnoughContrastInLightAndDark(t *testing.T) {
	type row struct {
		shown, on string
		least     float64
	}
	files := pictureFiles(t)
	for name, rows := range map[string][]row{
		"docs/pictures/plan.svg": {
			{"text fill", ".paper fill", 4.5}, {"text fill", ".limit fill", 4.5}, {".soft fill", ".paper fill", 4.5}, {".todayword fill", ".paper fill", 4.5},
			{".inside fill", ".used fill", 4.5}, {".inside fill", ".held fill", 4.5},
			{".used fill", ".paper fill", 3}, {".held fill", ".paper fill", 3}, {".unused stroke", ".paper fill", 3}, {".unused stroke", ".unused fill", 3}, {".gap fill", ".paper fill", 3},
			{".act stroke", ".paper fill", 3}, {".actmark fill", ".paper fill", 3}, {".proof fill", ".paper fill", 3}, {".proof fill", ".limit fill", 3}, {".vet fill", ".paper fill", 3},
			{".step stroke", ".paper fill", 3}, {".today stroke", ".paper fill", 3}, {".paid stroke", ".paper fill", 3},
		},
		"docs/pictures/order.svg": {
			{"text fill", ".section fill", 4.5}, {".soft fill", ".section fill", 4.5}, {".handword fill", ".section fill", 4.5}, {".autoword fill", ".section fill", 4.5},
			{".actorword fill", ".actor fill", 4.5}, {".actor fill", ".paper fill", 3},
			{".always stroke", ".section fill", 3}, {".hand stroke", ".section fill", 3}, {".auto stroke", ".section fill", 3},
			{".tip fill", ".section fill", 3}, {".tip.hand fill", ".section fill", 3}, {".tip.auto fill", ".section fill", 3},
		},
	} {
		light, dark := stylesOf(t, readSVG(t, name, files[name]).style)
		for scheme, colours := range map[string]map[string]string{"light": light, "dark": dark} {
			for _, row := range rows {
				require.NotEmpty(t, colours[row.shown], "%s, %s: %s", name, scheme, row.shown)
				require.NotEmpty(t, colours[row.on], "%s, %s: %s", name, scheme, row.on)
				assert.GreaterOrEqual(t, contrast(t, colours[row.shown], colours[row.on]), row.least, "%s, %s: %s on %s", name, scheme, row.shown, row.on)
			}
		}
	}
}

// What surrounds a text has the colour of what lies behind it: it hides the lines there.
func TestTextsOfSVGsHideTheLinesBehindThem(t *testing.T) {
	files := pictureFiles(t)
	for name, row := range map[string]struct{ around, behind string }{
		"docs/pictures/plan.svg": {".halo stroke", ".paper fill"}, "docs/pictures/order.svg": {"text stroke", ".section fill"},
	} {
		light, dark := stylesOf(t, readSVG(t, name, files[name]).style)
		for _, colours := range []map[string]string{light, dark} {
			require.NotEmpty(t, colours[row.around], name)
			assert.Equal(t, colours[row.behind], colours[row.around], name)
		}
	}
}
