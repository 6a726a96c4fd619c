package acceptance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"pmssl/internal/fault"
	"pmssl/internal/filelock"
	"pmssl/internal/item"
	"pmssl/internal/terminal"
	"pmssl/internal/xmldoc"
)

// Report is what an acceptance run answers. It has nothing of the account, the item and its client, and can be passed on (rules
// ACCEPT-5).
type Report struct {
	Seller  string       `json:"seller"`
	Mode    string       `json:"mode"`    // walk, or plan without --yes
	Sandbox bool         `json:"sandbox"` // the seller has one, and the module is connected to it
	Product string       `json:"product"` // empty if it is none that this program knows
	Program string       `json:"program"`
	System  string       `json:"system"`
	Started string       `json:"started"` // YYYY-MM-DD
	Today   string       `json:"today"`
	Starts  int          `json:"starts"`
	Stages  []StageState `json:"stages"`
	Facts   []FactReport `json:"facts"`
	Lost    int          `json:"lost"`            // exchanges that were too many to be kept
	Steps   []string     `json:"steps,omitempty"` // stages whose command this start ran
}

// FactReport is a fact with what the walk found out about it.
type FactReport struct {
	ID        string  `json:"id"`
	Area      Area    `json:"area"`
	Statement string  `json:"statement"`
	Verdict   Verdict `json:"verdict"`
	Note      string  `json:"note,omitempty"`
	On        string  `json:"on,omitempty"`
	ByHand    string  `json:"by_hand,omitempty"`
	IfWrong   string  `json:"if_wrong,omitempty"` // of a fact that is false
}

// factsOf returns the facts that a walk at the seller can tell about.
func factsOf(title string) []Fact {
	var facts []Fact
	for _, f := range Facts() {
		if f.Area == Namecheap && title != "Namecheap" || f.Area == ISPmanager && title != "ISPmanager" {
			continue
		}
		facts = append(facts, f)
	}
	return facts
}

// judge adds to the state what this start saw of the facts. What was seen as false once stays false.
func (w *walker) judge() {
	seen, calls, _ := w.run.Recorder.Seen()
	e := &Evidence{Calls: calls, Steps: w.steps, Item: w.item, Products: w.run.Info.Products, Now: w.run.Now()}
	for _, one := range seen {
		e.Exchanges = append(e.Exchanges, newExchange(one.Call, one.Answer))
	}
	for _, f := range factsOf(w.run.Info.Title) {
		if !f.Observable() {
			continue
		}
		found := f.observe(e)
		before := w.state.Facts[f.ID]
		switch {
		case found.Verdict == NotSeen || before.Verdict == found.Verdict || before.Verdict == False:
			continue
		case before.Verdict == True:
			found.Note = strings.TrimSpace("it was seen to be true before " + found.Note)
		}
		w.state.Facts[f.ID] = FactState{Verdict: found.Verdict, Note: found.Note, On: w.today.String()}
	}
}

// report makes the report of the walk's state.
func (w *walker) report() *Report {
	r := &Report{
		Seller: w.run.Info.Title, Mode: "walk", Sandbox: w.gate.address != "", Program: w.run.Version, System: runtime.GOOS + "/" + runtime.GOARCH,
		Started: w.state.Started, Today: w.today.String(), Starts: w.state.Starts, Stages: w.state.Stages,
	}
	if w.gate.reading {
		r.Mode = "plan"
	}
	for _, p := range w.run.Info.Products {
		if p.ID == w.item.Template {
			r.Product = p.ID
		}
	}
	for _, s := range w.steps {
		r.Steps = append(r.Steps, s.Name)
	}
	_, _, r.Lost = w.run.Recorder.Seen()
	for _, f := range factsOf(w.run.Info.Title) {
		state := w.state.Facts[f.ID]
		one := FactReport{ID: f.ID, Area: f.Area, Statement: f.Statement, Verdict: state.Verdict, Note: state.Note, On: state.On, ByHand: f.ByHand}
		if one.Verdict == "" {
			one.Verdict = NotSeen
		}
		if one.Verdict == False {
			one.IfWrong = f.IfWrong
		}
		r.Facts = append(r.Facts, one)
	}
	return r
}

// Failed reports whether a stage ended in an error that waiting does not end.
func (r *Report) Failed() bool {
	for _, stage := range r.Stages {
		if stage.Progress == Failed {
			return true
		}
	}
	return false
}

// Count returns how many facts have the verdict.
func (r *Report) Count(verdict Verdict) int {
	n := 0
	for _, f := range r.Facts {
		if f.Verdict == verdict {
			n++
		}
	}
	return n
}

// byHand returns how many facts an acceptance run cannot see.
func (r *Report) byHand() int {
	n := 0
	for _, f := range r.Facts {
		if f.ByHand != "" {
			n++
		}
	}
	return n
}

// JSON returns the report as JSON.
func (r *Report) JSON() (string, error) {
	text, err := json.MarshalIndent(map[string]*Report{"acceptance": r}, "", "  ")
	return string(text) + "\n", err
}

// Document returns the report as a document.
func (r *Report) Document() *etree.Document {
	doc := xmldoc.New()
	node := doc.Root().CreateElement("acceptance")
	xmldoc.SetAttributes(node, "seller", r.Seller, "mode", r.Mode, "sandbox", yesNo(r.Sandbox), "product", r.Product, "program", r.Program, "system", r.System,
		"started", r.Started, "today", r.Today, "starts", r.Starts, "lost", r.Lost)
	for _, s := range r.Stages {
		e := node.CreateElement("stage")
		setPresent(e, "name", s.Name, "progress", string(s.Progress), "waits_for", s.WaitsFor, "until", s.Until, "on", s.On, "note", s.Note)
	}
	for _, f := range r.Facts {
		e := node.CreateElement("fact")
		setPresent(e, "id", f.ID, "area", string(f.Area), "verdict", string(f.Verdict), "on", f.On, "note", f.Note, "by_hand", f.ByHand, "if_wrong", f.IfWrong)
		e.SetText(f.Statement)
	}
	return doc
}

// setPresent sets the attributes of the pairs that have a value.
func setPresent(e *etree.Element, pairs ...string) {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			e.CreateAttr(pairs[i], pairs[i+1])
		}
	}
}

func yesNo(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

// textWidth is the width of the report as text.
const textWidth = 100

// Text returns the report for people.
func (r *Report) Text(s terminal.Styles) string {
	var b strings.Builder
	where := "a seller without a sandbox"
	if r.Sandbox {
		where = "the sandbox"
	}
	fmt.Fprintf(&b, "acceptance run at %s (%s), product %s, program %s on %s\n", r.Seller, where, orDash(r.Product), orDash(r.Program), r.System)
	if r.Mode == "plan" {
		b.WriteString(s.Bold("plan") + ": nothing was bought, sent or changed; --yes does it\n")
	} else {
		fmt.Fprintf(&b, "walk of %s, start %d on %s\n", r.Started, r.Starts, r.Today)
	}
	b.WriteString("\n")
	for _, stage := range r.Stages {
		b.WriteString(stage.line(s))
	}
	fmt.Fprintf(&b, "\nfacts: %d true, %d false, %d not seen, %d of them for a person to look at\n", r.Count(True), r.Count(False), r.Count(NotSeen), r.byHand())
	for _, verdict := range []Verdict{False, True} {
		for _, f := range r.Facts {
			if f.Verdict == verdict {
				b.WriteString(f.lines(s))
			}
		}
	}
	if r.Lost > 0 {
		fmt.Fprintf(&b, "%d exchanges with the seller were too many to be looked at\n", r.Lost)
	}
	b.WriteString("\nthe other facts, and what happens if one is wrong: docs/compatibility.md\n")
	return b.String()
}

// indented returns the text in lines that begin with so many blanks.
func indented(text string, blanks int) string {
	indent := strings.Repeat(" ", blanks)
	return indent + terminal.Wrap(text, textWidth-blanks, indent)
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// line returns the lines of a stage for people.
func (s StageState) line(styles terminal.Styles) string {
	word := string(s.Progress)
	colour := styles.Dim
	switch s.Progress {
	case Done:
		colour = styles.Green
	case Failed:
		colour = styles.Red
	case Waiting:
		colour = styles.Yellow
	}
	text := fmt.Sprintf("  %-10s %s", s.Name, colour(word))
	if s.WaitsFor != "" {
		text += ", waits for " + s.WaitsFor
	}
	if s.Until != "" {
		text += " until " + s.Until
	}
	text += "\n"
	if s.Note != "" {
		text += indented(s.Note, 13) + "\n"
	}
	return text
}

// lines returns the lines of a fact for people.
func (f FactReport) lines(styles terminal.Styles) string {
	colour := styles.Green
	if f.Verdict == False {
		colour = styles.Red
	}
	text := fmt.Sprintf("  %-8s %s\n%s\n", f.ID, colour(string(f.Verdict)), indented(f.Statement, 11))
	if f.Note != "" {
		text += indented("seen: "+f.Note, 11) + "\n"
	}
	if f.IfWrong != "" {
		text += indented("so: "+f.IfWrong, 11) + "\n"
	}
	return text
}

// reportPath returns the file of --report, or that below var/.
func reportPath(run *item.Run) string {
	if run.Args.Report != "" {
		return run.Args.Report
	}
	return filesOf(run.VarDir, run.Binary, run.Args.Item).report()
}

// reportMark says that a file is a report of this program. It is on the first line.
const reportMark = "pmssl acceptance report 1"

// The first lines of a report's file, by its format.
const (
	firstLineText = reportMark + "\n"
	firstLineXML  = "<!-- " + reportMark + " -->\n"
	firstLineJSON = `{"format": "` + reportMark + `",` + "\n"
)

// Save writes the report in the run's format to the file of --report, or to one below var/. It replaces an earlier report and no other
// file.
func (r *Report) Save(run *item.Run) error {
	path := reportPath(run)
	text, err := r.render(run.Format)
	if err != nil {
		return err
	}
	if run.Mask != nil {
		text = run.Mask(text)
	}
	switch run.Format {
	case item.FormatText:
		text = firstLineText + text
	case item.FormatJSON:
		text = firstLineJSON + strings.TrimPrefix(text, "{\n")
	default:
		text = firstLineXML + text
	}
	if err := checkReplaceable(path); err != nil {
		return err
	}
	if err := writeReport(path, text); err != nil {
		return fault.Errorf(fault.Value, "report", "the report cannot be written to %s: %w", path, err)
	}
	return nil
}

// writeReport writes the file whole or not at all. Others' files may be beside it, so nothing is removed there.
func writeReport(path, text string) error {
	folder, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer folder.Close()
	return filelock.WriteFile(folder, filepath.Base(path), 0o600, filelock.Content([]byte(text)), folder.Rename)
}

func (r *Report) render(format string) (string, error) {
	switch format {
	case item.FormatText:
		return r.Text(terminal.Styles{}), nil
	case item.FormatJSON:
		return r.JSON()
	}
	doc := r.Document()
	doc.Indent(1)
	return doc.WriteToString()
}

// checkReplaceable refuses to write over a file that is no report: its first line is none of a report's.
func checkReplaceable(path string) error {
	file, err := filelock.OpenRegular(path, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fault.Errorf(fault.Value, "report", "the report cannot be written to %s: %w", path, err)
	}
	defer func() { _ = file.Close() }()
	head, err := io.ReadAll(io.LimitReader(file, 200))
	isReport := slices.ContainsFunc([]string{firstLineText, firstLineXML, firstLineJSON}, func(line string) bool { return bytes.HasPrefix(head, []byte(line)) })
	if err != nil || !isReport {
		return fault.Errorf(fault.Value, "report", "%s is there and is no report of an acceptance run: name another file, or remove it", path)
	}
	return nil
}
