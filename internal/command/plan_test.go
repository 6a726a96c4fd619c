package command_test

import (
	"context"
	"encoding/xml"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"

	"github.com/beevik/etree"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares a document with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), got, "run go test ./internal/command -update and read the difference")
}

// withoutItem returns a run without a panel: any call to the panel panics.
func withoutItem(opendate, period string) *item.Run {
	return &item.Run{
		Binary: "pmtest", Now: func() time.Time { return time.Date(2026, 11, 22, 23, 59, 0, 0, time.UTC) },
		Args: item.Args{Command: "plan", OpenDate: opendate, Period: period},
		Info: seller.Info{Title: "Seller", Products: products()},
	}
}

// plan runs the command and returns its output.
func plan(t *testing.T, run *item.Run) string {
	t.Helper()
	doc, err := command.Plan(context.Background(), run)
	require.NoError(t, err)
	if run.Print != "" {
		require.Nil(t, doc, "one answer, not two")
		return run.Print
	}
	text, err := doc.WriteToString()
	require.NoError(t, err)
	return text
}

func TestPlanAsText(t *testing.T) {
	run := withoutItem("2026-04-02", "60")
	run.Format = "text"
	text := plan(t, run)
	golden(t, "plan-5y.txt", text)
	lines := strings.Split(strings.TrimSpace(text), "\n")
	assert.Equal(t, []string{"1", "2026-04-02", "2026-10-19", "200", "200", "2026-10-09", "needed"}, strings.Fields(lines[1]))
	assert.True(t, strings.HasSuffix(lines[len(lines)-1], "paid until 2031-04-02"), lines[len(lines)-1])
}

// rules SWEEP-7.
func TestPlanAsXML(t *testing.T) {
	run := withoutItem("2026-04-02", "24")
	run.Args.Intname, run.Args.Before = "ev_ssl", "120"
	text := plan(t, run)
	golden(t, "plan-2y-ev.xml", strings.ReplaceAll(text, "><", ">\n<")+"\n")
	assert.True(t, strings.HasPrefix(text, `<doc><plan opendate="2026-04-02" period="24" paid_until="2028-04-02" lead="120">`+
		`<certificate n="1" issued="2026-04-02" expires="2026-10-19" days="200" cap="200" act="2026-07-11" dcv="needed" sii="needed"/>`), text)
	assert.Contains(t, text, `act="" dcv="`, "the last certificate is not reissued")
	assert.Contains(t, text, `<warning type="lead_cut">`)
	assert.Contains(t, text, `<warning type="vetting_due">`)
}

func TestPlanOfADVProductHasNoVetting(t *testing.T) {
	text := plan(t, withoutItem("2026-04-02", "12"))
	assert.Contains(t, text, `sii="no"`)
	assert.NotContains(t, text, `sii="needed"`)
}

func TestPlanAsPicture(t *testing.T) {
	for years, name := range map[int]string{1: "plan-1y.svg", 2: "plan-2y.svg", 5: "plan-5y.svg"} {
		run := withoutItem("2026-04-02", strconv.Itoa(12*years))
		run.Format = "svg"
		text := plan(t, run)
		golden(t, name, text+"\n")
		assert.NoError(t, xml.Unmarshal([]byte(text), new(struct{ XMLName xml.Name })))
		for _, foreign := range []string{"<script", "href", "url(", "@import", "@font-face", "<image", "onload"} {
			assert.NotContains(t, text, foreign, name)
		}
		assert.Contains(t, text, "prefers-color-scheme:dark")
		assert.Contains(t, text, "today 2026-11-22")
		assert.Contains(t, text, fmt.Sprintf("paid until %d-04-02", 2026+years))
	}
}

// Who does not see the picture can read all of it.
func TestPlanPictureHasATextAlternative(t *testing.T) {
	s := heldFixture(t)
	s.panel.order.Template = "ev_ssl"
	s.args.Format = "svg"
	doc, err := command.Plan(context.Background(), s.env())
	require.NoError(t, err)
	root := doc.Root()
	assert.Equal(t, "img", root.SelectAttrValue("role", ""))
	for attribute, want := range map[string]string{
		"aria-labelledby": "example.com, item 42 2 years from 2026-04-02, paid until 2028-04-02",
		"aria-describedby": "1 certificate in place, 5 reissues, 3 proofs of control, 2 vettings, lead 10 days." +
			" Certificates issued from 2026-04-02 on are valid for at most 200 days and reuse a proof of control for at most 200 days." +
			" Certificates issued from 2027-03-15 on are valid for at most 100 days and reuse a proof of control for at most 100 days." +
			" The certificate in place: issued 2026-04-02, expires 2026-10-17, control to be proved, organisation to be vetted, reissued 2026-10-07." +
			" Reissue 1: issued 2026-10-07, expires 2027-04-25, reissued 2027-04-15." +
			" Reissue 2: issued 2027-04-15, expires 2027-07-24, control to be proved, reissued 2027-07-14." +
			" Reissue 3: issued 2027-07-14, expires 2027-10-22, organisation to be vetted, reissued 2027-10-12." +
			" Reissue 4: issued 2027-10-12, expires 2028-01-20, control to be proved, reissued 2028-01-10." +
			" Reissue 5: issued 2028-01-10, expires 2028-04-02.",
	} {
		e := doc.FindElement("//*[@id='" + root.SelectAttrValue(attribute, "none") + "']")
		require.NotNil(t, e, attribute)
		assert.Equal(t, want, e.Text())
	}
}

func TestPlanPictureNamesTheLimitsOfEachCertificate(t *testing.T) {
	for period, want := range map[string][]string{
		"60": {"200 days", "● 200 days", "100 days from 2027-03-15", "● 100 days", "47 days from 2029-03-15", "● 10 days"},
		"12": {"200 days", "● 200 days", "100 days from 2027-03-15 →", "● 100 days →"}, // its last cell is too small
		"6":  {"200 days", "● 200 days"},
	} {
		run := withoutItem("2026-04-02", period)
		run.Format = "svg"
		doc, err := command.Plan(context.Background(), run)
		require.NoError(t, err)
		var limits []string
		for _, e := range doc.FindElements("//text[@class]") {
			if words := textOf(e); strings.Contains(e.SelectAttrValue("class", ""), "wide") && regexp.MustCompile(`^(● )?\d+ days`).MatchString(words) {
				limits = append(limits, words)
			}
		}
		assert.Equal(t, want, limits, "%s months", period)
	}
}

// Both kinds of texts, those of wide and of narrow screens, name each certificate's day of issue.
func TestPlanPictureNamesEachCertificatesDays(t *testing.T) {
	run := withoutItem("2026-04-02", "60")
	run.Format = "svg"
	doc, err := command.Plan(context.Background(), run)
	require.NoError(t, err)
	words := map[string]string{}
	for _, e := range doc.FindElements("//text") {
		words[strings.Fields(e.SelectAttrValue("class", ""))[0]] += textOf(e) + "\n"
	}
	run.Format = "text"
	rows := strings.Split(plan(t, run), "\n")[1:31]
	for i, row := range rows {
		issued, expires := strings.Fields(row)[1], strings.Fields(row)[2]
		label := fmt.Sprintf("%d\u2002%s – %s\n", i+1, issued, expires)
		if i == 0 {
			label = fmt.Sprintf("1\u2002issued %s, expires %s\n", issued, expires)
		}
		assert.Contains(t, words["wide"], label)
		assert.Contains(t, words["narrow"], issued+"\n")
	}
}

func TestPlanMarksTodayOnlyInsideTheTerm(t *testing.T) {
	for _, start := range []string{"2026-11-23", "2025-11-21"} {
		run := withoutItem(start, "12")
		run.Format = "svg"
		assert.NotContains(t, plan(t, run), ">today ", start)
	}
}

// textOf returns the text of an element and of its children.
func textOf(e *etree.Element) string {
	all := ""
	for _, token := range e.Child {
		switch token := token.(type) {
		case *etree.CharData:
			all += token.Data
		case *etree.Element:
			all += textOf(token)
		}
	}
	return all
}

// box is the area of an element in the picture.
type box struct {
	words, class string
	x1, x2       float64
	top, under   float64
}

func (b box) overlaps(other box) bool {
	return b.x2 > other.x1 && other.x2 > b.x1 && b.under > other.top && other.under > b.top
}

func (b box) is(class string) bool { return slices.Contains(strings.Fields(b.class), class) }

// lengthOf returns a length among the attributes of the element.
func lengthOf(t *testing.T, e *etree.Element, name string) float64 {
	t.Helper()
	n, err := strconv.ParseFloat(e.SelectAttrValue(name, ""), 64)
	require.NoError(t, err, "%s of %s", name, e.Tag)
	return n
}

// dejaVuSans returns the width of one of the font's characters, in multiples of its size.
func dejaVuSans(r rune) float64 {
	for _, row := range []struct {
		characters string
		width      float64
	}{
		{"0123456789", 0.636}, {" ,.", 0.318}, {"-", 0.361}, {"!", 0.401}, {"'", 0.275}, {":", 0.337}, {"–\u2002", 0.5}, {"●", 0.77}, {"→", 0.838},
		{"agbdpqhnu", 0.635}, {"ceo", 0.615}, {"f", 0.352}, {"ijl", 0.278}, {"kvxyz", 0.592}, {"rt", 0.411}, {"s", 0.521}, {"w", 0.818},
	} {
		if strings.ContainsRune(row.characters, r) {
			return row.width
		}
	}
	return 1
}

// textBox returns the area of a text in DejaVu Sans, a wide font.
func textBox(t *testing.T, e *etree.Element) box {
	t.Helper()
	b := box{words: textOf(e), class: e.SelectAttrValue("class", "")}
	size, bold := map[bool]float64{true: 15, false: 20}[b.is("wide")], 1.0
	if b.is("head") {
		size, bold = map[bool]float64{true: 21, false: 25}[b.is("wide")], 1.11
	}
	width := 0.0
	for _, r := range b.words {
		width += dejaVuSans(r) * size * bold
	}
	b.x1 = lengthOf(t, e, "x")
	switch {
	case b.is("end"):
		b.x1 -= width
	case b.is("mid"):
		b.x1 -= width / 2
	}
	b.x2, b.top, b.under = b.x1+width, lengthOf(t, e, "y")-0.74*size, lengthOf(t, e, "y")+0.2*size
	return b
}

// shapeBoxes returns the bars and symbols of a picture.
func shapeBoxes(t *testing.T, doc *etree.Document) (all []box) {
	t.Helper()
	for _, e := range doc.FindElements("//rect") {
		b := box{words: "a bar", class: e.SelectAttrValue("class", ""), x1: lengthOf(t, e, "x"), top: lengthOf(t, e, "y")}
		b.x2, b.under = b.x1+lengthOf(t, e, "width"), b.top+lengthOf(t, e, "height")
		all = append(all, b)
	}
	for _, e := range doc.FindElements("//circle") {
		x, y, r := lengthOf(t, e, "cx"), lengthOf(t, e, "cy"), lengthOf(t, e, "r")
		all = append(all, box{words: "a symbol", class: e.SelectAttrValue("class", ""), x1: x - r, x2: x + r, top: y - r, under: y + r})
	}
	return all
}

// Labels of a picture do not overlap and are inside it, for any term, lead and day.
func TestPlanPicturesLabelsDoNotOverlap(t *testing.T) {
	for _, months := range []string{"1", "3", "10", "12", "13", "20", "24", "31", "36", "60", "120"} {
		for _, lead := range []string{"0", "10", "200"} {
			for _, today := range []string{"2026-04-02", "2026-11-22", "2027-03-10", "2027-03-31"} {
				at, err := cabforum.ParseDate(today)
				require.NoError(t, err)
				run := withoutItem("2026-04-02", months)
				run.Format, run.Args.Before, run.Args.Intname = "svg", lead, "ev_ssl"
				run.Now = at.Midnight
				label := fmt.Sprintf("%s months, lead %s, today %s", months, lead, today)
				doc, err := command.Plan(context.Background(), run)
				require.NoError(t, err)
				requireLegible(t, doc, label)
				if lead != "200" {
					require.Empty(t, doc.FindElements("//text[@class='wide over halo']"), "%s: there is room beside each bar", label)
				}
			}
		}
	}
}

// requireLegible checks the texts of both widths: they are in the picture, and neither on another text nor on a symbol.
func requireLegible(t *testing.T, doc *etree.Document, label string) {
	t.Helper()
	width, height := lengthOf(t, doc.Root(), "width"), lengthOf(t, doc.Root(), "height")
	for layer, other := range map[string]string{"wide": "narrow", "narrow": "wide"} {
		var boxes []box
		for _, e := range doc.FindElements("//text") {
			b := textBox(t, e)
			if !b.is(layer) {
				continue
			}
			require.True(t, b.x1 >= 0 && b.x2 <= width && b.top >= 0 && b.under <= height, "%s: %+v leaves the picture", label, b)
			for _, other := range boxes {
				if b.overlaps(other) {
					require.Fail(t, "texts overlap", "%s: %q and %q", label, b.words, other.words)
				}
			}
			boxes = append(boxes, b)
		}
		require.Greater(t, len(boxes), 8)
		for _, shape := range shapeBoxes(t, doc) {
			if shape.is(other) || shape.is("paper") || shape.is("limit") {
				continue
			}
			for _, b := range boxes {
				if b.overlaps(shape) && !(shape.words == "a bar" && (b.is("inside") || b.is("over"))) {
					require.Fail(t, "a text lies on a shape", "%s: %q on %s of %s", label, b.words, shape.words, shape.class)
				}
			}
		}
	}
}

func TestPlanRefusesBadInput(t *testing.T) {
	for name, row := range map[string]struct {
		args item.Args
		want string
	}{
		"no such date":   {item.Args{OpenDate: "2026-02-30", Period: "12"}, `--opendate "2026-02-30" is not a date of the form YYYY-MM-DD`},
		"no date":        {item.Args{OpenDate: "0000-00-00", Period: "12"}, `--opendate "0000-00-00" is not a date`},
		"no period":      {item.Args{OpenDate: "2026-04-02"}, `--opendate needs --period`},
		"a trial":        {item.Args{OpenDate: "2026-04-02", Period: "-100"}, `--period "-100" is not a number of months between 1 and 120`},
		"too long":       {item.Args{OpenDate: "2026-04-02", Period: "121"}, `--period "121" is not`},
		"years in words": {item.Args{OpenDate: "2026-04-02", Period: "5y"}, `--period "5y" is not`},
		"lead too long":  {item.Args{OpenDate: "2026-04-02", Period: "12", Before: "201"}, `--before "201" is not a number of days between 0 and 200`},
		"lead negative":  {item.Args{OpenDate: "2026-04-02", Period: "12", Before: "-1"}, `--before "-1" is not`},
		"template":       {item.Args{OpenDate: "2026-04-02", Period: "12", Intname: "nope"}, `--intname "nope" is not a product of Seller`},
		"before any cap": {item.Args{OpenDate: "2017-04-02", Period: "12"}, `it starts on 2017-04-02, the schedule of caps on 2018-03-01`},
		"all at once":    {item.Args{OpenDate: "x", Period: "y", Before: "z"}, `--opendate "x" is not a date of the form YYYY-MM-DD; --period "y" is not a number of months between 1 and 120; --before "z" is not`},
		"both":           {item.Args{Item: 42, OpenDate: "2026-04-02", Period: "12"}, `leave them out with --item`},
		"long words":     {item.Args{OpenDate: strings.Repeat("x", 1000), Period: "12"}, `xxx…" is not a date`},
	} {
		t.Run(name, func(t *testing.T) {
			run := withoutItem("", "")
			run.Args = row.args
			doc, err := command.Plan(context.Background(), run)
			require.ErrorContains(t, err, row.want)
			assert.Equal(t, fault.Value, faultType(t, err))
			assert.Nil(t, doc)
			assert.Empty(t, run.Print)
		})
	}
}

// heldFixture returns item 42 with a term of two years from 2026-04-02 and the stored certificate of the documented example.
func heldFixture(t *testing.T) *fixture {
	s := newFixture(t)
	s.args = item.Args{Command: "plan", Item: 42}
	s.at = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	s.panel.order.Period = 24
	s.panel.order.Name = "example.com"
	s.panel.order.Params[itemparam.TermStart] = "2026-04-02"
	s.panel.order.Params[itemparam.ValidationTime] = "2026-04-02T09:00:00Z"
	s.panel.stored = strings.Join(signed(t, s.pair, time.Date(2026, 4, 2, 0, 0, 0, 0, time.UTC), 199), "")
	return s
}

func (s *fixture) plan(t *testing.T) string {
	t.Helper()
	text := plan(t, s.env())
	assert.Empty(t, s.panel.calls, "nothing is changed")
	return text
}

func TestPlanOfAnItemBeginsWithItsCertificate(t *testing.T) {
	s := heldFixture(t)
	text := s.plan(t)
	assert.True(t, strings.HasPrefix(text, `<doc><plan opendate="2026-04-02" period="24" paid_until="2028-04-02" lead="10">`+
		`<certificate n="1" issued="2026-04-02" expires="2026-10-17" days="199" cap="200" act="2026-10-07" dcv="needed" sii="no"/>`+
		`<certificate n="2" issued="2026-10-07" expires="2027-04-25" days="200" cap="200" act="2027-04-15" dcv="reused" sii="no"/>`), text)
	s.args.Format = "text"
	shown := s.plan(t)
	assert.Contains(t, shown, "example.com, item 42: term of 2 years from 2026-04-02, paid until 2028-04-02")
	assert.Contains(t, shown, "\n1 certificate in place, 5 reissues, 3 proofs of control, lead 10 days\n")
	lines := strings.Split(shown, "\n")
	assert.Equal(t, "in place 2026-04-02 2026-10-17", strings.Join(strings.Fields(lines[1])[:4], " "), "how many the term had before it is not known")
	assert.Equal(t, []string{"+1", "2026-10-07"}, strings.Fields(lines[2])[:2])
	s.args.Format = "svg"
	picture := s.plan(t)
	assert.Contains(t, picture, `<tspan class="soft">in place</tspan>`+"\u2002issued 2026-04-02, expires 2026-10-17")
	assert.Contains(t, picture, `<tspan class="soft">+1</tspan>`+"\u20022026-10-07 – 2027-04-25")
}

func TestPlanOfAnItemReadsThePanelsSettings(t *testing.T) {
	s := heldFixture(t)
	s.panel.settings[cabforum.SettingBefore] = "30"
	assert.Contains(t, s.plan(t), `lead="30"><certificate n="1" issued="2026-04-02" expires="2026-10-17" days="199" cap="200" act="2026-09-17"`)
	s.args.Before = "0"
	assert.Contains(t, s.plan(t), `lead="0"`, "--before asks what if")
	s.args.Before = "x"
	_, err := command.Plan(context.Background(), s.env())
	assert.ErrorContains(t, err, `--before "x" is not`)
	s.args.Before = ""
	s.panel.settings[cabforum.SettingBefore], s.panel.settings[cabforum.SettingPolicy] = "soon", "manual"
	text := s.plan(t)
	assert.Contains(t, text, `lead="10"`)
	assert.Contains(t, text, `<warning type="setting">SSLSubscriptionBefore &quot;soon&quot; is not a whole number of days; taken as 10</warning>`)
	assert.Contains(t, text, `<warning type="policy">SSLSubscriptionPolicy is manual: nothing is reissued automatically on the planned days</warning>`)
}

func TestPlanOfAnItemKnowsHowControlWasProved(t *testing.T) {
	s := heldFixture(t)
	s.panel.order.Params[itemparam.Method] = "auth_email"
	s.panel.order.Params[itemparam.TermStart], s.panel.order.Period = "2026-04-02", 36
	assert.Contains(t, s.plan(t), `<warning type="proof_method_ends">validation by e-mail is not allowed from 2028-03-15 on`)
	s.panel.order.Params[itemparam.ValidationMethod] = "DNS"
	assert.NotContains(t, s.plan(t), "proof_method_ends")
	delete(s.panel.order.Params, itemparam.ValidationMethod)
	s.panel.order.Params[itemparam.Method] = "auth_http"
	s.panel.order.Template = "positivessl_wildcard"
	assert.Contains(t, s.plan(t), `<warning type="proof_method_ends">a file cannot validate a wildcard name`)
	s.panel.order.Params[itemparam.Method] = "smoke signals"
	assert.NotContains(t, s.plan(t), "proof_method_ends", "an unknown method gives no warning")
}

// The age of a validation counts from its own day, not from the certificate that reused it.
func TestPlanOfAnItemUsesTheAgeOfItsValidations(t *testing.T) {
	s := heldFixture(t)
	s.panel.order.Template = "ev_ssl"
	s.panel.order.Params[itemparam.TermStart] = "2025-11-30"
	s.panel.order.Params[itemparam.ValidationTime] = "2026-01-01T23:59:59Z"
	text := s.plan(t)
	assert.Contains(t, text, `<certificate n="1" issued="2026-04-02" expires="2026-10-17" days="199" cap="200" act="2026-10-07" dcv="reused" sii="reused"/>`)
	assert.Contains(t, text, `<certificate n="2" issued="2026-10-07" expires="2027-04-25" days="200" cap="200" act="2027-04-15" dcv="needed" sii="reused"/>`)
	assert.Contains(t, text, `dcv="needed" sii="needed"/><certificate n="4"`, "vetted on 2025-11-30, more than 398 days before certificate 3")
}

func TestPlanOfAnItemWithProblems(t *testing.T) {
	t.Run("expired", func(t *testing.T) {
		s := heldFixture(t)
		s.at = time.Date(2026, 12, 24, 8, 0, 0, 0, time.UTC)
		text := s.plan(t)
		assert.Contains(t, text, `act="2026-12-24"`)
		assert.Contains(t, text, `<warning type="expired">`)
		s.args.Format = "svg"
		drawn := s.plan(t)
		assert.Contains(t, drawn, ">without a certificate<")
		assert.Equal(t, 1, strings.Count(drawn, `<rect class="gap"`), "in the row")
		assert.Equal(t, 1, strings.Count(drawn, `<rect class="wide gap"`), "in the legend")
		assert.Equal(t, 1, strings.Count(drawn, `<rect class="narrow gap"`), "in the legend of narrow screens")
	})
	t.Run("the seller's term is shorter", func(t *testing.T) {
		s := heldFixture(t)
		s.args.Format = "svg"
		assert.NotContains(t, s.plan(t), ">without a certificate<")
		s.panel.order.Params[itemparam.TermEnd] = "2028-03-30"
		assert.Contains(t, s.plan(t), ">without a certificate<")
		s.args.Format = "xml"
		assert.Contains(t, s.plan(t), `<warning type="seller_term">the seller&apos;s term ends on 2028-03-30: no certificate covers the last 3 days until 2028-04-02`)
	})
	t.Run("what is stored cannot be read", func(t *testing.T) {
		s := heldFixture(t)
		s.panel.stored = "no certificate"
		text := s.plan(t)
		assert.Contains(t, text, `<certificate n="1" issued="2026-06-01"`, "the next one is issued today")
		assert.Contains(t, text, `<warning type="stored">`)
	})
	t.Run("nothing issued yet", func(t *testing.T) {
		s := heldFixture(t)
		s.panel.stored = ""
		text := s.plan(t)
		assert.Contains(t, text, `<certificate n="1" issued="2026-06-01"`)
		assert.NotContains(t, text, `<warning type="stored">`)
	})
	for name, change := range map[string]func(*fixture){
		"a trial":                     func(s *fixture) { s.panel.order.Period = -100 },
		"a product of another seller": func(s *fixture) { s.panel.order.Template = "nope" },
		"over without a certificate":  func(s *fixture) { s.panel.stored, s.at = "", s.at.AddDate(3, 0, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			s := heldFixture(t)
			change(s)
			_, err := command.Plan(context.Background(), s.env())
			assert.Equal(t, fault.Value, faultType(t, err))
		})
	}
	s := heldFixture(t)
	s.args.Item = 1
	_, err := command.Plan(context.Background(), s.env())
	assert.Equal(t, fault.Missed, faultType(t, err))
}

// The item's name comes from outside: it must not contain control characters for a terminal or break a line or the picture.
func TestPlanShowsAHostileNameHarmlessly(t *testing.T) {
	s := heldFixture(t)
	s.panel.order.Name = "a\x1b[2J\u009b31m\n\tb</text><script>" + strings.Repeat("w", 400) + "\xff"
	s.args.Format = "text"
	text := s.plan(t)
	assert.NotContains(t, text, "\x1b")
	assert.NotContains(t, text, "\u009b")
	lines := strings.Split(strings.TrimSpace(text), "\n")
	assert.Contains(t, lines[len(lines)-1], "paid until 2028-04-02")
	assert.Less(t, len(lines[len(lines)-1]), 400)
	s.args.Format = "svg"
	doc, err := command.Plan(context.Background(), s.env())
	require.NoError(t, err)
	drawn, err := doc.WriteToString()
	require.NoError(t, err)
	assert.NotContains(t, drawn, "<script")
	requireLegible(t, doc, "a hostile name")
}

func FuzzPlan(f *testing.F) {
	for _, seed := range [][3]string{{"2026-04-02", "60", "10"}, {"2028-02-29", "12", "200"}, {"9999-12-31", "120", "0"}, {"x", "-1", ""}, {"0001-01-01", "1", "+5"}} {
		for _, format := range []string{"text", "xml", "svg"} {
			f.Add(seed[0], seed[1], seed[2], format)
		}
	}
	f.Fuzz(func(t *testing.T, opendate, period, before, format string) {
		run := withoutItem(opendate, period)
		run.Args.Before, run.Format = before, format
		doc, err := command.Plan(context.Background(), run)
		if err != nil {
			assert.Equal(t, fault.Value, faultType(t, err))
			return
		}
		assert.Equal(t, format == "text", run.Print != "")
		assert.Equal(t, format != "text", doc != nil)
		if doc != nil {
			text, err := doc.WriteToString()
			require.NoError(t, err)
			assert.NoError(t, xml.Unmarshal([]byte(text), new(struct{ XMLName xml.Name })))
		}
	})
}
