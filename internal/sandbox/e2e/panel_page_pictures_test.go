package e2e

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/provider"
)

// Sizes of the pictures: their width in pixels, and the limit of a file in bytes.
const (
	pictureWidth   = 1200
	maxPictureSize = 200 << 10
)

// playedDays is how many days pass before the pictures of certificates in use: about half of a term of five years.
const playedDays = 870

// TestPicturesOfThePanelPage plays a scenario on the page and writes pictures of it into the folder PICTURES (`make pictures`).
func TestPicturesOfThePanelPage(t *testing.T) {
	folder := os.Getenv("PICTURES")
	if folder == "" {
		t.Skip("PICTURES names no folder; make pictures sets it")
	}
	require.NoError(t, os.MkdirAll(folder, 0o755))
	p := startPanelPage(t)
	p.run(emulation.SetDeviceMetricsOverride(pictureWidth, 800, 1, false))
	take := func(name, last string) { p.picture(filepath.Join(folder, name+".png"), last) }

	p.open("/?lang=es")
	p.connect("pmnamecheap", "wrong")
	take("refused-key", "form .buttons")
	p.open("/?lang=ru")
	p.open("/modules/pmispmgrssl/add?fill=right")
	take("connection", "form .buttons")
	p.open("/?lang=en")
	p.connect("pmnamecheap", "right")
	p.connect("pmispmgrssl", "right")
	p.open("/")
	p.press(`button[name=on][value=on]`)
	p.open("/order")
	take("order-form", "form .buttons")
	p.order("pmnamecheap", hostedSite, 60)
	foreign := p.order("pmispmgrssl", foreignSite, 36)
	p.open(foreign)
	take("challenge", "section .buttons")
	p.act("prove")
	p.act("sync")
	p.act("install")
	require.NoError(t, p.provider.Advance(p.ctx, provider.Span{Days: playedDays, Fast: true, ClientActs: true}, func(int) {}))
	require.NoError(t, p.provider.Advance(p.ctx, provider.Span{Days: p.daysToLetters(3), Fast: true}, func(int) {}))
	p.order("pmispmgrssl", "blog.example.org", 12)
	p.open("/")
	take("overview", "footer")
	p.dark(true)
	p.open("/")
	take("overview-dark", "footer")
	p.open("/status/pmnamecheap")
	take("status", "body")
	p.dark(false)
	p.open("/certificates")
	take("certificates", "footer")
	p.open("/certificates/2")
	take("certificate", ".picture")
	p.open("/letters")
	p.run(p.click(".letter summary"))
	take("letters", ".letter:nth-of-type(4)")
	p.open("/log?module=pmnamecheap&level=INFO&item=2")
	take("log", ".log li:nth-child(14)")
	p.checkQuiet()
}

// daysToLetters returns in how many days the certificate of an item has a week left: its reissue waits for its client then, who was
// written to.
func (p *panelPage) daysToLetters(item int64) int {
	p.t.Helper()
	past := p.provider.History(item)
	require.NotEmpty(p.t, past)
	now, err := p.provider.Now()
	require.NoError(p.t, err)
	const lead = 7 * 24 * time.Hour
	return int(past[len(past)-1].Leaf.NotAfter.Sub(now)-lead) / int(24*time.Hour)
}

// dark switches between the colours for a dark and for a light screen.
func (p *panelPage) dark(on bool) {
	scheme := map[bool]string{true: "dark", false: "light"}[on]
	p.run(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}))
}

// picture writes the page from its top to the end of an element as a PNG with a palette.
func (p *panelPage) picture(file, last string) {
	p.t.Helper()
	var bottom float64
	p.run(chromedp.Evaluate(`{const all = document.querySelectorAll(`+"`"+last+"`"+`); Math.ceil(all[0].getBoundingClientRect().bottom + scrollY)}`, &bottom))
	var raw []byte
	p.run(chromedp.Evaluate("document.activeElement?.blur()", nil), chromedp.ActionFunc(func(ctx context.Context) (err error) {
		raw, err = page.CaptureScreenshot().WithCaptureBeyondViewport(true).WithClip(&page.Viewport{Width: pictureWidth, Height: bottom + 20, Scale: 1}).Do(ctx)
		return err
	}))
	full, err := png.Decode(bytes.NewReader(raw))
	require.NoError(p.t, err)
	var small bytes.Buffer
	require.NoError(p.t, (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&small, withPalette(full)))
	assert.Less(p.t, small.Len(), maxPictureSize, file)
	require.NoError(p.t, os.WriteFile(file, small.Bytes(), 0o644))
}

// maxColours is how many colours a palette of PNG has.
const maxColours = 256

// withPalette returns an image with its most frequent colours, but none that the eye takes for a more frequent one: a rare colour that
// stands out is kept. Every other one becomes the nearest of them.
func withPalette(full image.Image) *image.Paletted {
	bounds := full.Bounds()
	counts := map[color.RGBA]int{}
	at := func(x, y int) color.RGBA { return color.RGBAModel.Convert(full.At(x, y)).(color.RGBA) }
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			counts[at(x, y)]++
		}
	}
	var colours []color.RGBA
	for c := range counts {
		colours = append(colours, c)
	}
	slices.SortFunc(colours, func(a, b color.RGBA) int {
		if counts[a] != counts[b] {
			return counts[b] - counts[a]
		}
		return bytes.Compare([]byte{a.R, a.G, a.B}, []byte{b.R, b.G, b.B})
	})
	var palette color.Palette
	for _, c := range colours {
		if len(palette) < maxColours && !slices.ContainsFunc(palette, func(taken color.Color) bool { return alike(c, taken.(color.RGBA)) }) {
			palette = append(palette, c)
		}
	}
	index := map[color.RGBA]uint8{}
	for _, c := range colours {
		index[c] = uint8(palette.Index(c) & math.MaxUint8)
	}
	small := image.NewPaletted(bounds, palette)
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			small.SetColorIndex(x, y, index[at(x, y)])
		}
	}
	return small
}

// alike reports whether the eye takes a colour for another one.
func alike(a, b color.RGBA) bool {
	distance := 0
	for _, pair := range [][2]uint8{{a.R, b.R}, {a.G, b.G}, {a.B, b.B}} {
		distance += max(int(pair[0])-int(pair[1]), int(pair[1])-int(pair[0]))
	}
	return distance < 6
}
