package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"pmssl/internal/cabforum"
	"pmssl/internal/item"
	"pmssl/internal/seller"
	"pmssl/internal/xmldoc"

	"github.com/beevik/etree"
)

// Sizes and positions in the picture, in user units (pixels at 1x).
const (
	pictureWidth = 1120.0
	numberEnd    = 54.0 // right borders of the table's columns
	issuedEnd    = 138.0
	expiresEnd   = 224.0
	daysEnd      = 264.0
	plotLeft     = 306.0
	plotRight    = pictureWidth - 32
	capsTop      = 92.0 // the caps' steps
	capsHeight   = 64.0
	rowsTop      = 206.0 // the certificates
	rowHeight    = 22.0
	barHeight    = 12.0
	lineHeight   = 18.0 // of the texts below
)

// pictureStyle has the colours for light and dark. A reader without media queries sees the light ones.
const pictureStyle = `
text{font:12px system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif;fill:#1c2733}
.paper{fill:#ffffff}
.head{font-size:18px;font-weight:600}
.soft{fill:#5b6876}
.halo{paint-order:stroke;stroke:#ffffff;stroke-width:4px;stroke-linejoin:round}
.num{font-variant-numeric:tabular-nums}
.end{text-anchor:end}
.mid{text-anchor:middle}
.zebra{fill:#f3f6f9}
.grid{stroke:#dbe2e9;stroke-width:1}
.step{stroke:#9aa7b4;stroke-width:1;stroke-dasharray:3 3}
.cap{fill:#e3ecf7}
.capline{fill:none;stroke:#4a78b0;stroke-width:1.5}
.used{fill:#2f6db5}
.held{fill:#17457c}
.replaced{fill:#a9c6e8}
.act{stroke:#c2570c;stroke-width:1.5}
.actmark{fill:#c2570c}
.proof{fill:#16803c}
.vet{fill:#8a3ab9}
.gap{fill:#c81e1e}
.today{stroke:#c81e1e;stroke-width:1.5}
.todayword{fill:#c81e1e}
.paid{stroke:#1c2733;stroke-width:1.5}
@media (prefers-color-scheme:dark){
text{fill:#e4eaf1}
.paper{fill:#12171d}
.halo{stroke:#12171d}
.soft{fill:#9dabba}
.zebra{fill:#1a2129}
.grid{stroke:#2b3541}
.step{stroke:#5f6e7e}
.cap{fill:#1d2f45}
.capline{stroke:#6fa3e0}
.used{fill:#5c9be6}
.held{fill:#9cc6fb}
.replaced{fill:#2d4a6e}
.act{stroke:#f08c3c}
.actmark{fill:#f08c3c}
.proof{fill:#4ac279}
.vet{fill:#c486ee}
.gap,.todayword{fill:#ff7b72}
.today{stroke:#ff7b72}
.paid{stroke:#e4eaf1}
}
`

// picture returns the plan as SVG on a time axis: the maximum validity as steps, a row for each certificate with its reissue,
// proofs and vettings, today, and the end of the paid term. It contains no script and no font.
func (o planView) picture() *etree.Document {
	from, to := o.axis()
	p := &picture{planView: o, from: from, to: to, bottom: rowsTop + rowHeight*float64(len(o.Certificates))}
	doc := etree.NewDocument()
	p.node = doc.CreateElement("svg")
	xmldoc.SetAttributes(p.node, "xmlns", "http://www.w3.org/2000/svg", "role", "img", "aria-labelledby", "title desc")
	p.node.CreateElement("style").SetText(pictureStyle)
	p.named("title", strings.TrimSpace(p.title+" "+p.length()))
	p.named("desc", p.totals())
	paper := p.add("rect", "paper", "width", pictureWidth)
	p.heading()
	p.rows()
	p.calendar()
	p.caps()
	for _, c := range p.Certificates {
		p.certificate(c)
	}
	p.markDays()
	p.capLabels()
	height := p.below()
	xmldoc.SetAttributes(paper, "height", number(height))
	xmldoc.SetAttributes(p.node, "width", pictureWidth, "height", number(height), "viewBox", "0 0 "+number(pictureWidth)+" "+number(height))
	return doc
}

// picture is the SVG document while it is drawn.
type picture struct {
	planView
	node     *etree.Element
	from, to cabforum.Date
	bottom   float64 // of the certificates' rows
}

// add draws an element of the class; numbers among the attributes are rounded.
func (p *picture) add(tag, class string, pairs ...any) *etree.Element {
	e := p.node.CreateElement(tag)
	if class != "" {
		e.CreateAttr("class", class)
	}
	for i, value := range pairs {
		if length, ok := value.(float64); ok {
			pairs[i] = number(length)
		}
	}
	xmldoc.SetAttributes(e, pairs...)
	return e
}

func (p *picture) named(tag, text string) {
	e := p.node.CreateElement(tag)
	e.CreateAttr("id", tag)
	e.SetText(text)
}

func (p *picture) text(class string, x, y float64, words string) {
	p.add("text", class, "x", x, "y", y).SetText(words)
}

func (p *picture) line(class string, x1, y1, x2, y2 float64) {
	p.add("line", class, "x1", x1, "y1", y1, "x2", x2, "y2", y2)
}

func (p *picture) bar(class string, x1, x2, y float64) {
	if x2 > x1 {
		p.add("rect", class, "x", x1, "y", y, "width", x2-x1, "height", barHeight)
	}
}

// number writes a length without needless digits.
func number(n float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(n, 'f', 1, 64), ".0")
}

// x returns where a day begins on the time axis.
func (p *picture) x(d cabforum.Date) float64 {
	return plotLeft + (plotRight-plotLeft)*float64(p.from.DaysUntil(d))/float64(p.from.DaysUntil(p.to))
}

func (p *picture) shows(d cabforum.Date) bool { return !d.Before(p.from) && !d.After(p.to) }

// heading writes the title and the totals.
func (p *picture) heading() {
	head, below := p.length(), p.totals()
	if p.title != "" {
		head, below = p.title, p.length()+": "+p.totals()
	}
	p.text("head", 32, 38, head)
	p.text("soft", 32, 60, below)
}

func (p *picture) length() string {
	return fmt.Sprintf("%s from %s, paid until %s", months(p.Term.Months), p.Term.Start, p.PaidUntil)
}

// rows draws the table on the left and the background of the rows.
func (p *picture) rows() {
	for i := range p.Certificates {
		if i%2 == 0 {
			p.add("rect", "zebra", "x", 24.0, "y", rowsTop+rowHeight*float64(i), "width", pictureWidth-48, "height", rowHeight)
		}
	}
	y := rowsTop - 10
	for _, h := range []struct {
		x    float64
		word string
	}{{numberEnd, "#"}, {issuedEnd, "issued"}, {expiresEnd, "expires"}, {daysEnd, "days"}} {
		p.text("soft end", h.x, y, h.word)
	}
	for _, c := range p.Certificates {
		y := p.row(c) + rowHeight/2 + 4
		p.text("num soft end", numberEnd, y, strconv.Itoa(c.N))
		p.text("num end", issuedEnd, y, c.Issued.String())
		p.text("num end", expiresEnd, y, c.Expires.String())
		p.text("num end", daysEnd, y, strconv.Itoa(c.Days))
	}
}

// row returns the top of a certificate's row.
func (p *picture) row(c cabforum.Certificate) float64 { return rowsTop + rowHeight*float64(c.N-1) }

// capStep is a period with the same maximum validity, as far as the picture shows it.
type capStep struct {
	from, to cabforum.Date
	cap      int  // maximum validity in days
	changed  bool // the period begins inside the picture
}

// capSteps returns the maximum validity by day of issue, and the highest one of the picture.
func (p *picture) capSteps() (steps []capStep, highest int) {
	for _, s := range cabforum.Current() {
		on := cabforum.DateOf(s.From)
		switch {
		case !on.After(p.from):
			steps = []capStep{{p.from, p.to, s.Cap, false}}
		case on.Before(p.to):
			steps[len(steps)-1].to = on
			steps = append(steps, capStep{on, p.to, s.Cap, true})
		}
	}
	for _, s := range steps {
		highest = max(highest, s.cap)
	}
	return steps, highest
}

// y returns the vertical position of the step's line.
func (s capStep) y(highest int) float64 {
	return capsTop + capsHeight - (capsHeight-20)*float64(s.cap)/float64(highest)
}

// caps draws the steps of the maximum validity.
func (p *picture) caps() {
	base := capsTop + capsHeight
	p.text("soft end", daysEnd, base-4, "days allowed")
	var outline []string
	steps, highest := p.capSteps()
	for _, s := range steps {
		x1, x2, y := p.x(s.from), p.x(s.to), s.y(highest)
		p.add("rect", "cap", "x", x1, "y", y, "width", x2-x1, "height", base-y)
		outline = append(outline, number(x1)+","+number(y), number(x2)+","+number(y))
		if s.changed {
			p.line("step", x1, capsTop, x1, p.bottom)
		}
	}
	p.add("polyline", "capline", "points", strings.Join(outline, " "))
}

// capLabels writes the labels of the steps. It is called last, so that no line is drawn over them.
func (p *picture) capLabels() {
	steps, highest := p.capSteps()
	for _, s := range steps {
		if label := s.label(p.x(s.to) - p.x(s.from)); label != "" {
			p.text("num halo", p.x(s.from)+6, s.y(highest)-5, label)
		}
	}
}

// label returns the label of the step that fits into the width; empty if none does.
func (s capStep) label(width float64) string {
	switch {
	case width >= 170 && s.changed:
		return fmt.Sprintf("%d days from %s", s.cap, s.from)
	case width >= 60:
		return fmt.Sprintf("%d days", s.cap)
	case width >= 30:
		return strconv.Itoa(s.cap)
	}
	return ""
}

// calendar draws lines and labels for each month, or for each third, sixth or twelfth if they would be too close.
func (p *picture) calendar() {
	every := 1
	for _, wider := range []int{3, 6, 12} {
		if (plotRight-plotLeft)/float64(p.from.DaysUntil(p.to))*30.4*float64(every) < 44 {
			every = wider
		}
	}
	year := 0
	for tick := (cabforum.Date{Year: p.from.Year, Month: p.from.Month, Day: 1}); !tick.After(p.to); tick = tick.AddMonths(1) {
		if tick.Before(p.from) || (int(tick.Month)-1)%every != 0 {
			continue
		}
		x := p.x(tick)
		p.line("grid", x, capsTop+capsHeight, x, p.bottom)
		if x > plotRight-20 {
			continue // the label would be cut off
		}
		p.text("soft", x+4, rowsTop-10, tick.Month.String()[:3])
		if tick.Year != year {
			year = tick.Year
			p.text("num", x+4, rowsTop-26, strconv.Itoa(year))
		}
	}
}

// markDays draws today and the end of the paid term.
func (p *picture) markDays() {
	end := p.x(p.PaidUntil)
	p.line("paid", end, capsTop+capsHeight, end, p.bottom+6)
	p.text("end", end, p.bottom+20, "paid until "+p.PaidUntil.String())
	if !p.shows(p.today) {
		return
	}
	x, side := p.x(p.today), "todayword mid"
	switch {
	case x < plotLeft+60:
		side = "todayword"
	case x > plotRight-60:
		side = "todayword end"
	}
	p.line("today", x, capsTop-6, x, p.bottom)
	p.text(side, x, capsTop-12, "today "+p.today.String())
}

// certificate draws the row of a certificate: the proof and vetting that it needs, its time in use, the time after its reissue,
// and the reissue itself.
func (p *picture) certificate(c cabforum.Certificate) {
	y := p.row(c)
	top, middle := y+(rowHeight-barHeight)/2, y+rowHeight/2
	start, end := p.x(c.Issued), p.x(c.Expires)
	class := "used"
	if c.Held {
		class = "held"
	}
	next := p.x(p.next(c))
	p.bar(class, start, min(next, end), top)
	p.bar("replaced", next, end, top)
	p.bar("gap", end, next, top)
	if !c.ReissueOn.IsZero() {
		p.line("act", next, top-2, next, top+rowHeight)
		p.add("path", "actmark", "d", fmt.Sprintf("M%s %sl-3.5 -5h7z", number(next), number(top-1)))
	}
	if c.DomainValidation == cabforum.ValidationNeeded {
		p.add("circle", "proof", "cx", start-9, "cy", middle, "r", 4.0)
	}
	if c.SubjectValidation == cabforum.ValidationNeeded {
		p.add("rect", "vet", "x", start-24, "y", middle-4, "width", 8.0, "height", 8.0)
	}
}

// next returns the day on which the certificate is replaced, or the end of the term.
func (p *picture) next(c cabforum.Certificate) cabforum.Date {
	if c.ReissueOn.IsZero() {
		return p.PaidUntil
	}
	return c.ReissueOn
}

// gaps reports whether there is a paid day without a certificate.
func (p *picture) gaps() bool {
	return slices.ContainsFunc(p.Certificates, func(c cabforum.Certificate) bool { return c.Expires.Before(p.next(c)) })
}

// below draws the legend and the warnings and returns the height of the picture.
func (p *picture) below() float64 {
	y := p.bottom + 46
	x := 32.0
	for _, k := range p.legend() {
		k.draw(x+7, y-4)
		p.text("soft", x+22, y, k.label)
		x += 22 + 6.6*float64(len(k.label)) + 26
	}
	y += 10
	for _, w := range p.Warnings {
		for i, line := range wrapped(item.DisplayLine(w.Text, item.MaxWarning), 140) {
			y += lineHeight
			if i == 0 {
				p.text("todayword", 34, y, "!")
			}
			p.text("", 54, y, line)
		}
	}
	return y + 28
}

// legendEntry explains one symbol.
type legendEntry struct {
	label string
	draw  func(x, y float64)
}

// legend returns the entries for the symbols in the picture.
func (p *picture) legend() []legendEntry {
	swatch := func(class string) func(x, y float64) {
		return func(x, y float64) {
			p.add("rect", class, "x", x-7, "y", y-barHeight/2, "width", 14.0, "height", barHeight)
		}
	}
	var all []legendEntry
	if p.Certificates[0].Held {
		all = append(all, legendEntry{"in place", swatch("held")})
	}
	if len(p.Certificates) > 1 || !p.Certificates[0].Held {
		all = append(all, legendEntry{"planned", swatch("used")})
	}
	if p.UnusedDays() > 0 {
		all = append(all, legendEntry{"replaced early", swatch("replaced")})
	}
	if p.gaps() {
		all = append(all, legendEntry{"without a certificate", swatch("gap")})
	}
	if p.Reissues() > 0 {
		all = append(all, legendEntry{"reissue", func(x, y float64) {
			p.line("act", x, y-4, x, y+6)
			p.add("path", "actmark", "d", fmt.Sprintf("M%s %sl-3.5 -5h7z", number(x), number(y-3)))
		}})
	}
	all = append(all, legendEntry{"control to be proved", func(x, y float64) { p.add("circle", "proof", "cx", x, "cy", y, "r", 4.0) }})
	if p.level == seller.OV || p.level == seller.EV {
		all = append(all, legendEntry{"organisation to be vetted", func(x, y float64) {
			p.add("rect", "vet", "x", x-4, "y", y-4, "width", 8.0, "height", 8.0)
		}})
	}
	return all
}

// wrapped splits a text between words into lines of at most width characters. A longer word has a line of its own.
func wrapped(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len([]rune(line))+1+len([]rune(word)) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
