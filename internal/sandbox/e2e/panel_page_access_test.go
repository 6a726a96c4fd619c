package e2e

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
)

// barriers is a script that returns what keeps people from reading or using the page that is shown. It computes the contrast of each
// text with what lies behind it, and of the borders of fields and buttons (WCAG 2.2, 1.4.3 and 1.4.11), and checks names, headings,
// references and sizes (1.1.1, 1.3.1, 2.4.6, 2.5.8, 4.1.2).
const barriers = `(() => {
  const found = [];
  const complain = (e, what) => found.push(what + ": <" + e.tagName.toLowerCase() + (e.className ? " class=" + (e.className.baseVal ?? e.className) : "") + "> " + (e.textContent || "").trim().slice(0, 40));
  const colour = text => { const n = text.match(/[\d.]+/g).map(Number); return { r: n[0], g: n[1], b: n[2], a: n.length > 3 ? n[3] : 1 }; };
  const over = (top, under) => ({ r: top.r * top.a + under.r * (1 - top.a), g: top.g * top.a + under.g * (1 - top.a), b: top.b * top.a + under.b * (1 - top.a), a: 1 });
  const back = e => {
    const layers = [];
    for (let at = e; at; at = at.parentElement) {
      const c = colour(getComputedStyle(at).backgroundColor);
      layers.push(c);
      if (c.a === 1) { break; }
    }
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    return layers.reduceRight((under, top) => over(top, under), dark ? { r: 18, g: 18, b: 18, a: 1 } : { r: 255, g: 255, b: 255, a: 1 });
  };
  const luminance = c => [[c.r, 0.2126], [c.g, 0.7152], [c.b, 0.0722]].reduce((sum, [v, weight]) => { v /= 255; return sum + weight * (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); }, 0);
  const contrast = (a, b) => { const x = luminance(a) + 0.05, y = luminance(b) + 0.05; return Math.max(x, y) / Math.min(x, y); };
  const seen = e => e.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) && e.getBoundingClientRect().width > 1;
  const readable = e => {
    const style = getComputedStyle(e), size = parseFloat(style.fontSize), large = size >= 24 || size >= 18.66 && style.fontWeight >= 700;
    const ratio = contrast(over(colour(style.color), back(e)), back(e));
    if (ratio < (large ? 3 : 4.5)) { complain(e, "contrast of the text " + ratio.toFixed(2)); }
  };
  const all = selector => Array.from(document.querySelectorAll(selector));
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const e = texts.currentNode.parentElement;
    if (texts.currentNode.data.trim() && seen(e) && !e.closest("svg, option, script, style, progress")) { readable(e); }
  }
  all("input:not([type=hidden]), select, textarea, button, .button").filter(seen).forEach(e => {
    readable(e);
    const border = getComputedStyle(e), filled = contrast(back(e), back(e.parentElement)) >= 3;
    if (!e.matches("[type=checkbox], [type=radio], thead button") && !filled && contrast(over(colour(border.borderTopColor), back(e.parentElement)), back(e.parentElement)) < 3) { complain(e, "contrast of the border"); }
    const area = (e.labels?.[0]?.querySelector("input") === e ? e.labels[0] : e).getBoundingClientRect();
    if (area.height < 24 || area.width < 24) { complain(e, "smaller than 24 pixels"); }
  });
  all("input:not([type=hidden]), select, textarea").forEach(e => { if (!e.labels.length && !e.getAttribute("aria-label")) { complain(e, "no label"); } });
  all("a, button, summary").forEach(e => { if (!e.textContent.trim() && !e.getAttribute("aria-label") && !e.querySelector("img[alt]:not([alt=''])")) { complain(e, "no name"); } });
  all("img:not([alt])").forEach(e => complain(e, "no text alternative"));
  all("table").forEach(e => { if (!e.caption && !e.getAttribute("aria-label") && !e.getAttribute("aria-labelledby")) { complain(e, "no caption"); } });
  all("[tabindex='0']").forEach(e => { if (!e.getAttribute("aria-label") && !e.getAttribute("aria-labelledby")) { complain(e, "no name in the order of the keyboard"); } });
  all("[aria-labelledby], [aria-describedby]").forEach(e => ["aria-labelledby", "aria-describedby"].forEach(a => (e.getAttribute(a) || "").split(" ").filter(Boolean).forEach(id => { if (!document.getElementById(id)) { complain(e, a + " names " + id); } })));
  const ids = all("[id]").map(e => e.id);
  ids.filter((id, i) => ids.indexOf(id) !== i).forEach(id => found.push("two elements have the id " + id));
  if (all("h1").length !== 1 || all("main").length !== 1) { found.push("not one h1 and one main"); }
  all("h1, h2, h3, h4").reduce((above, h) => { const level = Number(h.tagName[1]); if (level > above + 1) { complain(h, "a level of headings is left out"); } return level; }, 0);
  if (!document.title || !document.documentElement.lang) { found.push("no title or language"); }
  return found;
})()`

// checkBarriers checks the page that is shown.
func (p *panelPage) checkBarriers(where string) {
	p.t.Helper()
	var found []string
	p.run(chromedp.Evaluate(barriers, &found))
	assert.Empty(p.t, found, where)
}

// findBarriers looks at each page in light and in dark colours, at forms that were refused too.
func findBarriers(t *testing.T, p *panelPage) {
	for _, dark := range []bool{false, true} {
		p.dark(dark)
		for _, path := range pagesToRead() {
			p.open(path)
			p.checkBarriers(path)
		}
		p.connect("pmnamecheap", "wrong")
		p.checkBarriers("a refused connection")
		p.open("/order")
		p.run(chromedp.Evaluate(`document.querySelector("#own").value = "bad_name"; document.querySelector("input[name=domain][value=own]").checked = true`, nil))
		p.press("form .primary")
		p.checkBarriers("a refused order")
		p.waitForFocus()
		assert.Equal(t, "own", p.focused(), "the field that is wrong has the focus")
	}
	p.dark(false)
	p.open("/certificates/2")
	p.act("sync")
	p.waitForFocus()
	assert.Equal(t, "true", p.text(`document.activeElement.matches("main > .note[role=status]")`), "what came of it has the focus")
	assert.Contains(t, p.text("document.title"), "Done")
}
