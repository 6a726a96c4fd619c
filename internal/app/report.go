package app

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"pmssl/internal/fault"
	"pmssl/internal/plaintext"
)

const (
	// maxErrorXML limits the error document of a running operation: one argument of a process has at most 128 KiB
	// (rules PANEL-2).
	maxErrorXML = 64 << 10

	maxFaultText  = 16 << 10
	maxFaultParam = 1 << 10
	maxFaultWord  = 256
	maxFaultList  = 32
	maxBacktrace  = 32 << 10
)

// report is a fault that can be shown outside of this process: without secrets, without characters that XML forbids, and
// with texts of limited length.
type report struct {
	kind, object, text string
	params             []fault.Param
	backtrace          string
	hint               string // a line for a person; empty if there is none
}

// newReport returns the report of a fault; err is the error chain that contains it.
func newReport(failure *fault.Error, err error, mask func(string) string) report {
	// Masked twice: a forbidden character inside a secret hides the secret from the first mask.
	safe := func(text string, limit int) string { return clip(mask(legal(mask(text))), limit) }
	text := failure.Message
	if text == "" && failure.Err != nil {
		text = failure.Err.Error()
	}
	r := report{
		kind: safe(failure.Type, maxFaultWord), object: safe(failure.Object, maxFaultWord), text: safe(text, maxFaultText),
		backtrace: safe(strings.Join(causes(err), "\n"), maxBacktrace),
	}
	for i, p := range failure.Params {
		if i == maxFaultList {
			break
		}
		r.params = append(r.params, fault.Param{Name: safe(p.Name, maxFaultWord), Value: safe(p.Value, maxFaultParam)})
	}
	if failure.Code != 0 {
		r.params = append(r.params, fault.Param{Name: "code", Value: strconv.Itoa(failure.Code)})
	}
	return r
}

// causes returns the texts of the error and its causes, one line each, the outermost first. A text that is part of an
// earlier line is left out, so that a wrapped or joined error is reported once.
func causes(err error) []string {
	const maxLines, maxErrors = 64, 1000
	var lines []string
	seen := 0
	reported := func(text string) bool {
		return slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, text) })
	}
	var walk func(error)
	walk = func(err error) {
		if seen++; err == nil || len(lines) == maxLines || seen > maxErrors {
			return
		}
		// classify may have given a fault another type (row.failsAs): the text without type and object is compared too.
		if text := plaintext.CollapseSpace(err.Error()); !reported(text) && !reported(plaintext.CollapseSpace(ownText(err))) {
			lines = append(lines, text)
		}
		if many, ok := err.(interface{ Unwrap() []error }); ok {
			for _, one := range many.Unwrap() {
				walk(one)
			}
			return
		}
		walk(errors.Unwrap(err))
	}
	walk(err)
	return lines
}

// ownText returns the text of an error, of a fault without its type and object.
func ownText(err error) string {
	if failure, ok := err.(*fault.Error); ok && failure != nil && failure.Message != "" {
		return failure.Message
	}
	return err.Error()
}

// document returns the error document for stdout (docs/reference/billmanager.md §6): the type, which selects the text
// msg_error_<type> of the manifest, the parameters for its placeholders, and the complete text.
func (r report) document() *etree.Document {
	doc := etree.NewDocument()
	r.addTo(doc.CreateElement("doc"))
	return doc
}

func (r report) addTo(parent *etree.Element) {
	e := parent.CreateElement("error")
	e.CreateAttr("type", r.kind)
	e.CreateAttr("object", r.object)
	if r.object != "" {
		object := e.CreateElement("param")
		object.CreateAttr("name", "object")
		object.CreateAttr("type", "msg")
		object.CreateAttr("msg", r.object)
		object.SetText(r.object)
	}
	addParam(e, "value", r.text)
	r.addParams(e)
	e.CreateElement("msg").SetText(r.text)
}

func (r report) addParams(e *etree.Element) {
	for _, p := range r.params {
		addParam(e, p.Name, p.Value)
	}
}

func addParam(e *etree.Element, name, value string) {
	param := e.CreateElement("param")
	param.CreateAttr("name", name)
	param.SetText(value)
}

// history is the error document of a running operation, which the administrator reads under Running operations. It has the
// form of the C++ framework's ModuleError (docs/reference/billmanager.md §1.6, §6).
type history struct {
	report
	time       time.Time
	module     int64  // 0 if it is not known
	moduleName string // empty if it is not known
	log        []string
}

// render returns the error document as text of at most limit bytes. To fit, it drops the oldest log lines first, then
// shortens the backtrace, then the parameters and the text.
func (h history) render(limit int) (string, error) {
	for {
		text, err := h.tree().WriteToString()
		if err != nil || len(text) <= limit {
			return text, err
		}
		if !h.shrink() {
			return "", fmt.Errorf("the error document does not fit into %d bytes", limit)
		}
	}
}

// shrink removes half of the least important part that is left. It returns false if nothing is left.
func (h *history) shrink() bool {
	switch {
	case len(h.log) > 0:
		h.log = h.log[(len(h.log)+1)/2:]
	case h.backtrace != "":
		h.backtrace = half(h.backtrace)
	case len(h.params) > 0:
		h.params = h.params[:len(h.params)/2]
	case h.text != "":
		h.text = half(h.text)
	default:
		return false
	}
	return true
}

func half(text string) string {
	if len(text) < 16 {
		return ""
	}
	return clip(text, len(text)/2)
}

func (h history) tree() *etree.Document {
	doc := etree.NewDocument()
	doc.WriteSettings = writeSettings()
	root := doc.CreateElement("doc")
	date := h.time.UTC().Format(time.DateTime)
	module := root.CreateElement("processingmodule")
	module.CreateAttr("date", date)
	if h.module > 0 {
		module.CreateAttr("id", strconv.FormatInt(h.module, 10))
		module.CreateAttr("name", legal(h.moduleName))
	}
	e := module.CreateElement("error")
	e.CreateAttr("date", date)
	e.CreateAttr("type", h.kind)
	e.CreateAttr("object", h.object)
	e.CreateAttr("value", h.text)
	h.addParams(e)
	e.CreateElement("backtrace").CreateCData(h.backtrace)
	e.CreateElement("log").CreateCData(legal(strings.Join(h.log, "\n")))
	h.addTo(root)
	return doc
}
