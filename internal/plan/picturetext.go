package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"pmssl/internal/cabforum"
	"pmssl/internal/item"
	"pmssl/internal/seller"

	"github.com/beevik/etree"
)

// Sizes of the fonts in user units.
const (
	wideSize, wideHead     = 15.0, 21.0
	narrowSize, narrowHead = 20.0, 25.0
)

// wideTick is the distance from one label of the time axis to the next one, in user units.
const wideTick = 48.0

// texts writes all texts of a picture for one width of the screen.
type texts struct {
	*picture
	layer      string  // class of the elements
	size, head float64 // of the fonts
	line       float64 // distance from one line to the next
	tick       float64 // distance from one label of the time axis to the next
	full       bool    // with all details
}

func wideTexts(p *picture) texts {
	return texts{picture: p, layer: "wide", size: wideSize, head: wideHead, line: 23, tick: wideTick, full: true}
}

func narrowTexts(p *picture) texts {
	return texts{picture: p, layer: "narrow", size: narrowSize, head: narrowHead, line: 28, tick: 62}
}

// write adds a text; each part has a class, which may be empty.
func (t texts) write(class string, x, y float64, parts ...part) *etree.Element {
	e := t.add("text", strings.Join(strings.Fields(t.layer+" "+class), " "), "x", x, "y", y)
	for _, part := range parts {
		if part.class == "" {
			e.CreateText(part.text)
			continue
		}
		span := e.CreateElement("tspan")
		span.CreateAttr("class", part.class)
		span.SetText(part.text)
	}
	return e
}

// part is a piece of a text with a class of its own.
type part struct{ class, text string }

func plain(text string) part { return part{"", text} }

// width returns how much room the parts need.
func (t texts) width(parts ...part) float64 {
	sum := 0.0
	for _, part := range parts {
		sum += textWidth(part.text)
	}
	return sum * t.size
}

// textWidth returns the width of a text in multiples of the font's size. It is that of DejaVu Sans, the widest of the picture's
// fonts, or a little more.
func textWidth(text string) float64 {
	width := 0.0
	for _, r := range text {
		switch {
		case strings.ContainsRune("ijlI'|", r):
			width += 0.3
		case strings.ContainsRune(" .,:;", r):
			width += 0.34
		case strings.ContainsRune("frt-()[]/\\!", r):
			width += 0.42
		case strings.ContainsRune("s–\u2002", r):
			width += 0.53
		case strings.ContainsRune("w+=<>~#●→", r):
			width += 0.85
		case strings.ContainsRune("mMW@%&", r), r > '~':
			width += 1.1
		case r >= 'A' && r <= 'Z':
			width += 0.8
		default:
			width += 0.64
		}
	}
	return width
}

// boldFactor is how much wider bold texts are.
const boldFactor = 1.12

// heading writes the title and the totals and returns the baseline of the last line.
func (t texts) heading() float64 {
	head, lines := t.shortLength(), []string{t.shortTotals()}
	if t.full {
		head, lines = t.length(), []string{t.totals()}
	}
	if t.title != "" {
		head, lines = t.title, append([]string{head}, lines...)
	}
	y := 16.0
	for _, line := range wrapped(head, (plotRight-margin)/t.head/boldFactor) {
		y += t.head + 7
		t.write("head", margin, y, plain(line))
	}
	y += 3
	for _, line := range lines {
		y += t.line
		t.write("soft", margin, y, plain(line))
	}
	return y
}

// shortLength is length in less room.
func (p *picture) shortLength() string {
	return fmt.Sprintf("%s, paid until %s", months(p.Term.Months), p.PaidUntil)
}

// shortTotals is totals in less room.
func (p *picture) shortTotals() string {
	words := []string{p.begins(), counted(p.DomainValidations(), "proof")}
	if p.Certificates[0].Held {
		words[0] = counted(p.Reissues(), "reissue")
	}
	if n := p.Vettings(); n > 0 {
		words = append(words, counted(n, "vetting"))
	}
	return strings.Join(append(words, "lead "+counted(p.Lead, "day")), ", ")
}

// limits writes the limits into their cells, as much as there is room for.
func (t texts) limits() {
	t.write("soft", margin, t.limitsTop-12, plain("Longest validity, and "), proofSign(), plain(" longest reuse of a proof of control"))
	steps := t.steps()
	for i, s := range steps {
		if !t.limit(s, s, "") && i > 0 {
			t.limit(steps[i-1], s, " →")
		}
	}
}

func proofSign() part { return part{"proof", "●"} }

// limit writes the limits of a step into its own cell, or with an arrow at the end of the cell before it. It reports whether there
// is room for the days.
func (t texts) limit(cell, s limitStep, arrow string) bool {
	const padding = 6.0
	left, right := t.cell(cell)
	class, x, room := "", left+padding, right-left-2*padding
	if arrow != "" {
		class, x, room = "end", right-padding, room/2
	}
	days := func(n int) []string { return []string{fmt.Sprintf("%d days", n), strconv.Itoa(n)} }
	validity := days(s.validity)
	if s.changed {
		validity = append([]string{fmt.Sprintf("%d days from %s", s.validity, s.from)}, validity...)
	}
	y := t.limitsTop + limitsHeight/2 - t.line/2 + t.size*0.36
	if !t.widest(class, x, y, room, arrow, validity) {
		return false
	}
	t.widest(class, x, y+t.line, room, arrow, days(s.reuse), proofSign(), plain(" "))
	return true
}

// widest writes the first of the words for which there is room, between the parts before it and the end. It reports whether there
// is room for one.
func (t texts) widest(class string, x, y, room float64, end string, words []string, before ...part) bool {
	for _, word := range words {
		if parts := append(slices.Clip(before), plain(word+end)); t.width(parts...) <= room {
			t.write(class, x, y, parts...)
			return true
		}
	}
	return false
}

// calendar writes the labels of the time axis: the year beside a January, otherwise the month.
func (t texts) calendar() {
	for _, day := range t.ticks(t.tick) {
		class, label := "soft", day.Month.String()[:3]
		if day.Month == 1 {
			class, label = "", strconv.Itoa(day.Year)
		}
		if x := t.x(day) + 4; x+t.width(plain(label)) <= plotRight {
			t.write(class+" halo", x, t.rowsTop-8, plain(label))
		}
	}
}

// days writes the labels of today and of the end of the paid term.
func (t texts) days() {
	y := t.bottom + 12 + t.size
	paid := plain("paid until " + t.PaidUntil.String())
	t.write("end", plotRight, y, paid)
	if !t.shows(t.today) {
		return
	}
	today := plain("today " + t.today.String())
	half := t.width(today) / 2
	x := min(max(t.x(t.today), margin+half), plotRight-t.width(paid)-t.size-half)
	t.write("todayword mid", x, y, today)
}

// certificate writes the dates of a certificate inside its bar or beside it. The first certificate's label explains what the dates
// are, if there is room.
func (t texts) certificate(c cabforum.Certificate) {
	labels := [][]part{{plain(c.Issued.String())}}
	explained := []part{plain("issued " + c.Issued.String())}
	if t.full {
		number := part{"soft", t.number(c)}
		dates := plain(fmt.Sprintf("%s – %s", c.Issued, c.Expires))
		labels = [][]part{{number, plain("\u2002" + dates.text)}, {dates}}
		explained = []part{number, plain(fmt.Sprintf("\u2002issued %s, expires %s", c.Issued, c.Expires))}
	}
	if c.N == 1 {
		labels = append([][]part{explained}, labels...)
	}
	for _, label := range labels {
		if t.placed(c, label) {
			return
		}
	}
	// Neither the bar nor the room beside it is wide enough, so the dates lie on the bar.
	t.write("over halo", t.x(c.Issued)+8, t.baseline(c), labels[len(labels)-1]...)
}

// baseline returns the baseline of texts in the certificate's row.
func (t texts) baseline(c cabforum.Certificate) float64 { return t.row(c) + rowHeight/2 + t.size*0.365 }

// placed writes the label inside the certificate's bar, or on that side of it where more room is, and reports whether it fits.
func (t texts) placed(c cabforum.Certificate, label []part) bool {
	const distance = 8.0
	start, next, end := t.x(c.Issued), t.x(t.next(c)), t.x(c.Expires)
	width, y := t.width(label...), t.baseline(c)
	if width+2*distance <= min(next, end)-start {
		inside := ""
		for _, part := range label {
			inside += part.text
		}
		t.write("inside", start+distance, y, plain(inside))
		return true
	}
	left := start - distance
	if first := symbolsOf(c); first > 0 {
		left -= first + 2
	}
	right := max(next, end) + distance
	if c.ReissueOn.IsZero() {
		right = end + distance
	}
	before, after := left-margin, plotRight-right
	switch {
	case width > max(before, after):
		return false
	case after >= before:
		t.write("halo", right, y, label...)
	default:
		t.write("end halo", left, y, label...)
	}
	return true
}

// below draws the legend and the warnings and returns the baseline of the last line.
func (t texts) below() float64 {
	y := t.bottom + 12 + t.size + t.line + 14
	x := margin
	for _, entry := range t.legend() {
		width := 22 + t.width(plain(entry.label))
		if x > margin && x+width > plotRight {
			x, y = margin, y+t.line
		}
		entry.draw(x+7, y-t.size*0.36)
		t.write("soft", x+22, y, plain(entry.label))
		x += width + t.size
	}
	if len(t.Warnings) > 0 {
		y += 8
	}
	const indent = margin + 22
	for _, warning := range t.Warnings {
		for i, line := range wrapped(item.DisplayLine(warning.Text, item.MaxWarning), (pictureWidth-margin/2-indent)/t.size) {
			y += t.line
			if i == 0 {
				t.write("todayword head", margin+4, y, plain("!"))
			}
			t.write("", indent, y, plain(line))
		}
	}
	return y
}

// legendEntry explains one symbol.
type legendEntry struct {
	label string
	draw  func(x, y float64) // the middle of the symbol
}

// legend returns the entries for the symbols in the picture.
func (t texts) legend() []legendEntry {
	swatch := func(class string) func(x, y float64) {
		return func(x, y float64) { t.bar(t.layer+" "+class, x-7, x+7, y-barHeight/2) }
	}
	var all []legendEntry
	if t.Certificates[0].Held {
		all = append(all, legendEntry{"in place", swatch("held")})
	}
	if len(t.Certificates) > 1 || !t.Certificates[0].Held {
		all = append(all, legendEntry{"planned", swatch("used")})
	}
	if t.UnusedDays() > 0 {
		all = append(all, legendEntry{"unused validity", swatch("unused")})
	}
	if t.gaps() {
		all = append(all, legendEntry{"without a certificate", swatch("gap")})
	}
	if t.Reissues() > 0 {
		all = append(all, legendEntry{"reissue", func(x, y float64) { t.reissue(t.layer, x, y-barHeight/2-3) }})
	}
	all = append(all, legendEntry{"control to be proved", func(x, y float64) { t.proof(t.layer, x, y) }})
	if t.level == seller.OV || t.level == seller.EV {
		all = append(all, legendEntry{"organisation to be vetted", func(x, y float64) { t.vetting(t.layer, x, y) }})
	}
	return all
}

// wrapped splits a text between words into lines of at most the width, in multiples of the font's size. A longer word is split.
func wrapped(text string, width float64) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && textWidth(line+" "+word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		for _, r := range word {
			if textWidth(line+string(r)) > width {
				lines, line = append(lines, line), ""
			}
			line += string(r)
		}
	}
	return append(lines, line)
}
