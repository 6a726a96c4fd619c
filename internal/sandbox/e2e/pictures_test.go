package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// label is a text of a picture as the browser shows it, in the picture's own units.
type label struct {
	Words  string  `json:"words"`
	Left   float64 `json:"left"`
	Right  float64 `json:"right"`
	Top    float64 `json:"top"`
	Bottom float64 `json:"bottom"`
}

func (l label) overlaps(other label) bool {
	return l.Right > other.Left && other.Right > l.Left && l.Bottom > other.Top && other.Bottom > l.Top
}

// labels returns the texts of the open picture that are shown. Their height is that of the letters, not of the font's line.
func (b *browser) labels() (all []label) {
	b.t.Helper()
	b.run(chromedp.Evaluate(`Array.from(document.querySelectorAll("text")).filter(e => getComputedStyle(e).display !== "none").map(e => {
 const box = e.getBBox(), size = parseFloat(getComputedStyle(e).fontSize), line = parseFloat(e.getAttribute("y"));
 return {words: e.textContent, left: box.x, right: box.x + box.width, top: line - 0.74 * size, bottom: line + 0.2 * size}; })`, &all))
	return all
}

// planPicture writes the plan of a term that begins on 2026-04-02, as the module draws it on 2026-11-22, and returns its path.
func planPicture(t *testing.T, options ...string) string {
	t.Helper()
	folder := t.TempDir()
	clock := filepath.Join(folder, "clock")
	require.NoError(t, os.WriteFile(clock, []byte("2026-11-22T10:00:00Z"), 0o600))
	cmd := exec.Command(built.simclockBinary(namecheapCase()), append([]string{"--command", "plan", "--opendate", "2026-04-02", "--format", "svg"}, options...)...)
	cmd.Env = []string{"PMSSL_CLOCK=" + clock, "MGR5_ROOT=" + folder}
	out, err := cmd.Output()
	require.NoError(t, err)
	path := filepath.Join(folder, "plan.svg")
	require.NoError(t, os.WriteFile(path, out, 0o600))
	return path
}

// The texts of README's pictures and of plans can be read in a browser: none lies on another one or leaves the picture, whether the
// screen is wide or narrow. On a narrow one they are larger.
func TestPicturesAreLegibleInABrowser(t *testing.T) {
	b := startBrowser(t)
	pictures := map[string]string{"five years, validated organisation, lead 20": planPicture(t, "--period", "60", "--before", "20", "--intname", "ev_ssl")}
	for _, months := range []string{"1", "12", "36", "120"} {
		pictures[months+" months"] = planPicture(t, "--period", months)
	}
	for _, name := range []string{"plan", "order"} {
		path, err := filepath.Abs("../../../docs/pictures/" + name + ".svg")
		require.NoError(t, err)
		pictures[name+".svg"] = path
	}
	for name, path := range pictures {
		size := map[int64]float64{}
		for _, width := range []int64{1000, 375} {
			where := fmt.Sprintf("%s, %d pixels wide", name, width)
			b.run(emulation.SetDeviceMetricsOverride(width, 800, 1, false), chromedp.Navigate("file://"+path))
			var picture struct{ Width, Height, Size float64 }
			b.run(chromedp.Evaluate(`({width: document.documentElement.viewBox.baseVal.width, height: document.documentElement.viewBox.baseVal.height,
 size: Math.min(...Array.from(document.querySelectorAll("text")).filter(e => getComputedStyle(e).display !== "none").map(e => parseFloat(getComputedStyle(e).fontSize)))})`, &picture))
			size[width] = picture.Size
			all := b.labels()
			require.Greater(t, len(all), 7, where)
			for i, one := range all {
				assert.True(t, one.Left >= 0 && one.Right <= picture.Width && one.Top >= 0 && one.Bottom <= picture.Height, "%s: %+v leaves the picture", where, one)
				for _, other := range all[:i] {
					if one.overlaps(other) {
						assert.Fail(t, "texts overlap", "%s: %q and %q", where, one.Words, other.Words)
					}
				}
			}
		}
		assert.GreaterOrEqual(t, size[375], size[1000]*1.2, "%s: the texts of narrow screens are larger", name)
		assert.GreaterOrEqual(t, size[1000], 15.0, name)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	assert.Empty(t, b.requests, "a picture asks nothing of any server")
	assert.Empty(t, b.problems)
}
