package doctor

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/beevik/etree"

	"pmssl/internal/xmldoc"
)

// jsonReport is the document of --format json.
type jsonReport struct {
	Program    string      `json:"program"`
	Version    string      `json:"version"`
	Root       string      `json:"root"`
	At         string      `json:"at"` // RFC 3339, UTC
	Outcome    string      `json:"outcome"`
	OK         int         `json:"ok"`
	Warnings   int         `json:"warnings"`
	Failed     int         `json:"failed"`
	NotChecked int         `json:"not_checked"`
	Checks     []jsonCheck `json:"checks"`
}

type jsonCheck struct {
	ID       string        `json:"id"`
	Title    string        `json:"title"`
	Outcome  string        `json:"outcome"`
	Findings []jsonFinding `json:"findings"`
}

type jsonFinding struct {
	Outcome string `json:"outcome"`
	Text    string `json:"text"`
	Mend    string `json:"mend,omitempty"`
}

// JSON returns the report as a JSON document, indented, with a final newline.
func (r Report) JSON() (string, error) {
	doc := jsonReport{
		Program: r.Program, Version: r.Version, Root: r.Root, At: r.At.UTC().Format(time.RFC3339), Outcome: r.outcome().String(),
		OK: r.Count(Passed), Warnings: r.Count(Warned), Failed: r.Count(Failed), NotChecked: r.Count(Unchecked), Checks: []jsonCheck{},
	}
	for _, result := range r.Results {
		c := jsonCheck{ID: result.Check.ID, Title: result.Check.Title, Outcome: result.Outcome.String()}
		for _, f := range result.Findings {
			c.Findings = append(c.Findings, jsonFinding{f.Outcome.String(), f.Text, f.Mend})
		}
		doc.Checks = append(doc.Checks, c)
	}
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(doc); err != nil {
		return "", err
	}
	return b.String(), nil
}

// outcome returns the worst outcome of all checks.
func (r Report) outcome() Outcome {
	worst := Passed
	for _, result := range r.Results {
		worst = max(worst, result.Outcome)
	}
	return worst
}

// Document returns the report as XML.
func (r Report) Document() *etree.Document {
	doc := xmldoc.New()
	root := doc.Root().CreateElement("doctor")
	xmldoc.SetAttributes(root, "program", r.Program, "version", r.Version, "root", r.Root, "at", r.At.UTC().Format(time.RFC3339),
		"outcome", r.outcome().String(), "failed", fmt.Sprint(r.Count(Failed)), "warnings", fmt.Sprint(r.Count(Warned)))
	for _, result := range r.Results {
		check := root.CreateElement("check")
		xmldoc.SetAttributes(check, "id", result.Check.ID, "title", result.Check.Title, "outcome", result.Outcome.String())
		for _, f := range result.Findings {
			finding := check.CreateElement("finding")
			xmldoc.SetAttributes(finding, "outcome", f.Outcome.String())
			xmldoc.AddText(finding, "text", f.Text)
			if f.Mend != "" {
				xmldoc.AddText(finding, "mend", f.Mend)
			}
		}
	}
	return doc
}
