package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"pmssl/internal/cabforum"
	"pmssl/internal/xmldoc"

	"github.com/beevik/etree"
)

// Sizes and positions in the picture, in user units (pixels at 1x).
const (
	pictureWidth = 760.0
	margin       = 20.0 // of the texts
	plotLeft     = 52.0 // the first day; left of it is room for the symbols of the first certificate
	plotRight    = pictureWidth - margin
	limitsHeight = 56.0 // of the limits' cells
	rowHeight    = 21.0 // of a certificate
	barHeight    = 15.0
)

// narrowWidth is the width in pixels up to which the picture shows its narrow texts. Shown smaller, the wide ones would be less
// than 11 pixels high.
const narrowWidth = 560

// pictureStyle returns the fonts, and the colours for light and dark. A reader without media queries sees the light ones, and the
// wide texts.
func pictureStyle() string {
	return fmt.Sprintf(`
text{font-family:system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif;fill:#1c2733;font-variant-numeric:tabular-nums}
.wide{font-size:%gpx}
.narrow{font-size:%gpx;display:none}
.wide.head{font-size:%gpx}
.narrow.head{font-size:%gpx}
@media (max-width:%dpx){.wide{display:none}.narrow{display:inline}}
.head{font-weight:600}
.paper{fill:#ffffff}
.soft{fill:#56626f}
.halo{paint-order:stroke;stroke:#ffffff;stroke-width:4px;stroke-linejoin:round}
.end{text-anchor:end}
.mid{text-anchor:middle}
.grid{stroke:#dbe2e9;stroke-width:1}
.step{stroke:#7b8896;stroke-width:1;stroke-dasharray:3 3}
.limit{fill:#e3ecf7}
.used{fill:#2f6db5}
.held{fill:#17457c}
.inside{fill:#ffffff}
.unused{fill:#d6e4f5;stroke:#2f6db5;stroke-width:1}
.act{stroke:#c2570c;stroke-width:1.5}
.actmark{fill:#c2570c}
.proof{fill:#14703a}
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
.grid{stroke:#2b3541}
.step{stroke:#6b7a8a}
.limit{fill:#1d2f45}
.used{fill:#5c9be6}
.held{fill:#a8cdfb}
.inside{fill:#0b1017}
.unused{fill:#20344f;stroke:#5c9be6}
.act{stroke:#f08c3c}
.actmark{fill:#f08c3c}
.proof{fill:#4ac279}
.vet{fill:#c486ee}
.gap,.todayword{fill:#ff7b72}
.today{stroke:#ff7b72}
.paid{stroke:#e4eaf1}
}
`, wideSize, narrowSize, wideHead, narrowHead, narrowWidth)
}

// picture returns the plan as SVG on a time axis: the limits as cells, a bar for each certificate with its dates, its reissue, and
// the proof and vetting that it needs, today, and the end of the paid term. It contains no script, no font and no reference. All
// texts are there twice: small with all details, and large with fewer ones for narrow screens.
func (o planView) picture() *etree.Document {
	doc := etree.NewDocument()
	p := &picture{planView: o, node: doc.CreateElement("svg")}
	p.from, p.to = o.axis()
	xmldoc.SetAttributes(p.node, "xmlns", "http://www.w3.org/2000/svg", "role", "img", "aria-labelledby", "title", "aria-describedby", "desc")
	p.node.CreateElement("style").SetText(pictureStyle())
	p.named("title", strings.TrimSpace(p.title+" "+p.length()))
	p.named("desc", p.description())
	paper := p.add("rect", "paper", "x", 0.0, "y", 0.0, "width", pictureWidth)
	wide, narrow := wideTexts(p), narrowTexts(p)

	p.limitsTop = max(wide.heading(), narrow.heading()) + 50
	p.rowsTop = p.limitsTop + limitsHeight + 36
	p.bottom = p.rowsTop + rowHeight*float64(len(p.Certificates))
	p.limits()
	p.calendar()
	p.markDays()
	for _, c := range p.Certificates {
		p.certificate(c)
	}
	height := 0.0
	for _, t := range []texts{wide, narrow} {
		t.limits()
		t.calendar()
		t.days()
		for _, c := range p.Certificates {
			t.certificate(c)
		}
		height = max(height, t.below()+margin)
	}
	p.node.CreateText("\n")
	xmldoc.SetAttributes(paper, "height", number(height))
	xmldoc.SetAttributes(p.node, "width", pictureWidth, "height", number(height), "viewBox", "0 0 "+number(pictureWidth)+" "+number(height))
	return doc
}

// picture is the SVG document while it is drawn.
type picture struct {
	planView
	node      *etree.Element
	from, to  cabforum.Date
	limitsTop float64 // of the limits' cells
	rowsTop   float64 // of the certificates
	bottom    float64
}

// add draws an element of the class on a line of its own; numbers among the attributes are rounded.
func (p *picture) add(tag, class string, pairs ...any) *etree.Element {
	p.node.CreateText("\n")
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
	p.add(tag, "", "id", tag).SetText(text)
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

func (p *picture) length() string {
	return fmt.Sprintf("%s from %s, paid until %s", months(p.Term.Months), p.Term.Start, p.PaidUntil)
}

// description returns the whole picture as text for those who do not see it.
func (p *picture) description() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s.", p.totals())
	for _, s := range p.steps() {
		fmt.Fprintf(&b, " Certificates issued from %s on are valid for at most %d days and reuse a proof of control for at most %d days.", s.from, s.validity, s.reuse)
	}
	for _, c := range p.Certificates {
		fmt.Fprintf(&b, " %s: issued %s, expires %s", capital(p.Name(c)), c.Issued, c.Expires)
		for _, part := range []struct {
			shown bool
			text  string
		}{
			{c.DomainValidation == cabforum.ValidationNeeded, "control to be proved"},
			{c.SubjectValidation == cabforum.ValidationNeeded, "organisation to be vetted"},
			{!c.ReissueOn.IsZero(), "reissued " + c.ReissueOn.String()},
		} {
			if part.shown {
				b.WriteString(", " + part.text)
			}
		}
		b.WriteString(".")
	}
	return b.String()
}

// capital returns a text that begins a sentence.
func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// row returns the top of a certificate's row.
func (p *picture) row(c cabforum.Certificate) float64 { return p.rowsTop + rowHeight*float64(c.N-1) }

// limitStep is a period with the same limits, as far as the picture shows it.
type limitStep struct {
	from, to        cabforum.Date
	validity, reuse int  // in days
	changed         bool // the period begins inside the picture
}

// steps returns the limits by day of issue.
func (p *picture) steps() (steps []limitStep) {
	for _, s := range cabforum.Current() {
		on := cabforum.DateOf(s.From)
		switch {
		case !on.After(p.from):
			steps = []limitStep{{p.from, p.to, s.Cap, s.Reuse, false}}
		case on.Before(p.to):
			steps[len(steps)-1].to = on
			steps = append(steps, limitStep{on, p.to, s.Cap, s.Reuse, true})
		}
	}
	return steps
}

// cell returns the left and right border of the step's cell.
func (p *picture) cell(s limitStep) (left, right float64) {
	if s.changed {
		return p.x(s.from) + 2, p.x(s.to)
	}
	return p.x(s.from), p.x(s.to)
}

// limits draws a cell for each step of the limits, and a line where a step begins.
func (p *picture) limits() {
	for _, s := range p.steps() {
		left, right := p.cell(s)
		p.add("rect", "limit", "x", left, "y", p.limitsTop, "width", max(0, right-left), "height", limitsHeight, "rx", 3)
		if s.changed {
			x := p.x(s.from)
			p.line("step", x, p.limitsTop, x, p.bottom)
		}
	}
}

// ticks returns the first days of months, or of each third, sixth or twelfth month if they would be closer than the distance.
func (p *picture) ticks(distance float64) (days []cabforum.Date) {
	every := 1
	for _, wider := range []int{3, 6, 12} {
		if (plotRight-plotLeft)/float64(p.from.DaysUntil(p.to))*30.4*float64(every) < distance {
			every = wider
		}
	}
	for day := (cabforum.Date{Year: p.from.Year, Month: p.from.Month, Day: 1}); !day.After(p.to); day = day.AddMonths(1) {
		if !day.Before(p.from) && (int(day.Month)-1)%every == 0 {
			days = append(days, day)
		}
	}
	return days
}

// calendar draws the lines of the time axis.
func (p *picture) calendar() {
	for _, day := range p.ticks(wideTick) {
		x := p.x(day)
		p.line("grid", x, p.limitsTop+limitsHeight+10, x, p.bottom)
	}
}

// markDays draws today and the end of the paid term.
func (p *picture) markDays() {
	end := p.x(p.PaidUntil)
	p.line("paid", end, p.limitsTop+limitsHeight, end, p.bottom+8)
	if p.shows(p.today) {
		x := p.x(p.today)
		p.line("today", x, p.limitsTop+limitsHeight, x, p.bottom+8)
	}
}

// certificate draws the row of a certificate: the proof and vetting that it needs, its time in use, the validity that is left when
// it is replaced, and the reissue itself.
func (p *picture) certificate(c cabforum.Certificate) {
	top := p.row(c) + (rowHeight-barHeight)/2
	start, next, end := p.x(c.Issued), p.x(p.next(c)), p.x(c.Expires)
	class := "used"
	if c.Held {
		class = "held"
	}
	p.bar("unused", next, end, top)
	p.bar(class, start, min(next, end), top)
	p.bar("gap", end, next, top)
	if !c.ReissueOn.IsZero() {
		p.reissue("", next, top)
	}
	middle := p.row(c) + rowHeight/2
	if c.DomainValidation == cabforum.ValidationNeeded {
		p.proof("", start-symbolDistance, middle)
	}
	if c.SubjectValidation == cabforum.ValidationNeeded {
		p.vetting("", start-symbolsOf(c), middle)
	}
}

// symbolDistance is the distance of the first symbol from a bar, and of the second from the first.
const symbolDistance = 11.0

// symbolsOf returns how far the symbols of a certificate reach to the left of its bar; 0 if it has none.
func symbolsOf(c cabforum.Certificate) float64 {
	distance := 0.0
	for _, validation := range []cabforum.Validation{c.DomainValidation, c.SubjectValidation} {
		if validation == cabforum.ValidationNeeded {
			distance += symbolDistance
		}
	}
	return distance
}

// reissue draws the symbol of a reissue: a line across the bar whose top is given, and an arrow to the next bar.
func (p *picture) reissue(layer string, x, top float64) {
	p.line(strings.TrimSpace(layer+" act"), x, top, x, top+barHeight)
	p.add("path", strings.TrimSpace(layer+" actmark"), "d", fmt.Sprintf("M%s %sh8l-4 6z", number(x-4), number(top+barHeight)))
}

func (p *picture) proof(layer string, x, y float64) {
	p.add("circle", strings.TrimSpace(layer+" proof"), "cx", x, "cy", y, "r", 4.5)
}

func (p *picture) vetting(layer string, x, y float64) {
	p.add("rect", strings.TrimSpace(layer+" vet"), "x", x-4, "y", y-4, "width", 8.0, "height", 8.0)
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
