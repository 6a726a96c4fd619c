package status

import (
	"bufio"
	"crypto/sha256"
	_ "embed" // the page's parts
	"encoding/base64"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/template"
	"text/template/parse"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/item"
	"pmssl/internal/plaintext"
)

// MaxHTML is how many items the page has: the most urgent ones (rules STATUS-9).
const MaxHTML = 5000

// maxErrorLine is the length in bytes from which an error is shown by its beginning until it is opened.
const maxErrorLine = 140

//go:embed page/page.html
var pageHTML string

//go:embed page/page.css
var pageCSS string

//go:embed page/page.js
var pageJS string

// verbatim is a part of the page that is written as it is. Every other value is escaped.
type verbatim string

// htmlPage is what the template shows.
type htmlPage struct {
	Policy                            string // Content-Security-Policy
	Style, Script                     verbatim
	Report                            *Report
	Sweep                             string
	Critical, Warning, LeftOut, Limit int
	States, Waits                     []htmlCount
	Columns                           []htmlColumn
	Rows                              []htmlRow
}

type htmlCount struct {
	Name string
	N    int
}

// htmlColumn is a column of the items. Key names the data attribute that it is sorted by; empty if it is not sorted.
type htmlColumn struct{ Title, Key string }

type htmlRow struct {
	Item                     int64
	Domain, Product, Lineage string
	// Error is the error, or its beginning; then More is all of it.
	Error, More                          string
	State, Severity, WaitsFor            string
	Fine                                 bool
	Ends, PaidUntil, Action, Day, Reason string
	Site, Looked, Place                  string
	Line                                 *htmlLine
}

// htmlLine is the picture of a term: 200 units wide.
type htmlLine struct{ X, Width, Today, Text string }

// WriteHTML writes the report as one page without references: style and script are part of it, and its policy allows nothing else.
func (r *Report) WriteHTML(to io.Writer) error {
	page, err := r.page()
	if err != nil {
		return err
	}
	t, err := pageTemplate()
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(to, 64<<10)
	if err := t.Execute(out, page); err != nil {
		return err
	}
	return out.Flush()
}

func (r *Report) page() (htmlPage, error) {
	page := htmlPage{
		Policy: contentPolicy(pageCSS, pageJS), Style: verbatim(pageCSS), Script: verbatim(pageJS), Report: r, Sweep: r.sweepLine(),
		Critical: r.Severities[Critical], Warning: r.Severities[Warning], LeftOut: max(0, r.Items-MaxHTML), Limit: MaxHTML,
		States: htmlCounts(r.States, States()), Waits: htmlCounts(r.Waits, Waits()),
		Columns: []htmlColumn{
			{"Domain", "domain"}, {"State", "state"}, {"Waited for", "waits"}, {"Ends", "ends"}, {"Paid until", "paid"},
			{"Next action", "day"}, {"Site serves", "site"}, {Title: "Term"},
		},
	}
	err := r.firstRows(MaxHTML, func(row *Row) { page.Rows = append(page.Rows, r.htmlRow(row)) })
	return page, err
}

// pageFuncs are the functions of the template, besides escapeFunc.
func pageFuncs() map[string]any {
	return map[string]any{"instant": instant, "minute": minute, "plural": plural}
}

// pageTemplate returns the template of the page. It escapes every value between tags and inside double quotes; the page has no
// other places for values. html/template, which knows all places, makes its tables whenever the program starts: a test compares.
func pageTemplate() (*template.Template, error) {
	t, err := template.New("page").Funcs(pageFuncs()).Funcs(template.FuncMap{escapeFunc: escaper()}).Parse(pageHTML)
	if err != nil {
		return nil, err
	}
	escapeActions(t.Root)
	return t, nil
}

// escapeFunc is the name of the function that the values of all actions are passed through.
const escapeFunc = "escape"

// escaper returns the function that escapes a value for HTML, as html/template does.
func escaper() func(value any) string {
	special := strings.NewReplacer("\x00", "\uFFFD", `"`, "&#34;", "&", "&amp;", "'", "&#39;", "+", "&#43;", "<", "&lt;", ">", "&gt;")
	return func(value any) string {
		if own, is := value.(verbatim); is {
			return string(own)
		}
		return special.Replace(fmt.Sprint(value))
	}
}

// escapeActions appends escapeFunc to each action of a template that writes a value.
func escapeActions(list *parse.ListNode) {
	if list == nil {
		return
	}
	for _, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.ActionNode:
			if len(n.Pipe.Decl) == 0 {
				name := parse.NewIdentifier(escapeFunc).SetPos(n.Pos)
				n.Pipe.Cmds = append(n.Pipe.Cmds, &parse.CommandNode{NodeType: parse.NodeCommand, Args: []parse.Node{name}})
			}
		case *parse.IfNode:
			escapeActions(n.List)
			escapeActions(n.ElseList)
		case *parse.RangeNode:
			escapeActions(n.List)
			escapeActions(n.ElseList)
		case *parse.WithNode:
			escapeActions(n.List)
			escapeActions(n.ElseList)
		}
	}
}

// contentPolicy allows the page's own style and script and nothing else (CSP Level 3).
func contentPolicy(style, script string) string {
	hash := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return fmt.Sprintf("default-src 'none'; style-src %s; script-src %s; base-uri 'none'; form-action 'none'", hash(style), hash(script))
}

func htmlCounts(counts map[string]int, names []string) []htmlCount {
	var all []htmlCount
	for _, name := range names {
		if n := counts[name]; n > 0 {
			all = append(all, htmlCount{name, n})
		}
	}
	return all
}

func (r *Report) htmlRow(row *Row) htmlRow {
	one := htmlRow{
		Item: row.Item, Domain: row.Domain, Product: row.Product, Lineage: item.FormatIDs(row.Lineage), Error: row.Error,
		State: row.State, Severity: row.Severity.String(), WaitsFor: row.WaitsFor, Fine: row.State == StateOK,
		Ends: row.ends().String(), PaidUntil: row.PaidUntil.String(), Action: row.Action, Day: row.Day.String(), Reason: row.Reason,
		Site: row.Served, Looked: row.looked(), Place: row.Place, Line: row.line(r.At),
	}
	if len(row.Error) > maxErrorLine {
		one.Error, one.More = plaintext.Clip(row.Error, maxErrorLine), row.Error
	}
	return one
}

// line returns the picture of the row's term; nil if the term is not known.
func (r *Row) line(now time.Time) *htmlLine {
	if r.TermStart.IsZero() || !r.TermStart.Before(r.PaidUntil) {
		return nil
	}
	const width = 200
	begin := r.TermStart.Midnight()
	whole := r.PaidUntil.Midnight().Sub(begin).Seconds()
	place := func(at time.Time) float64 { return min(width, max(0, width*at.Sub(begin).Seconds()/whole)) }
	number := func(x float64) string { return strconv.FormatFloat(x, 'f', 1, 64) }
	line := &htmlLine{Today: number(place(now)), Text: fmt.Sprintf("Term from %s to %s", r.TermStart, r.PaidUntil)}
	if !r.Ends.IsZero() {
		x := place(r.Begins)
		line.X, line.Width = number(x), number(max(2, place(r.Ends)-x))
		line.Text += fmt.Sprintf("; certificate from %s to %s", cabforum.DateOf(r.Begins), r.ends())
	}
	return line
}

func minute(at time.Time) string { return at.UTC().Format("2006-01-02 15:04") }
