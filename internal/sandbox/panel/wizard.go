package panel

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"

	"pmssl/internal/sandbox/panel/root"
)

// element is a document that the panel sends to a module.
type element struct {
	name     string
	attrs    []xml.Attr
	text     string
	raw      string // XML, written without escaping
	children []element
}

func (e element) write(b *bytes.Buffer) {
	b.WriteString("<" + e.name)
	for _, a := range e.attrs {
		b.WriteString(" " + a.Name.Local + `="`)
		_ = xml.EscapeText(b, []byte(a.Value)) // a Buffer does not fail
		b.WriteByte('"')
	}
	b.WriteByte('>')
	_ = xml.EscapeText(b, []byte(e.text))
	b.WriteString(e.raw)
	for _, c := range e.children {
		c.write(b)
	}
	b.WriteString("</" + e.name + ">")
}

func document(doc element) []byte {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	doc.write(&b)
	b.WriteByte('\n')
	return b.Bytes()
}

func attr(name, value string) xml.Attr { return xml.Attr{Name: xml.Name{Local: name}, Value: value} }

// leaves returns values as child elements, sorted by name.
func leaves(values map[string]string) []element {
	var all []element
	for _, k := range slices.Sorted(maps.Keys(values)) {
		all = append(all, element{name: k, text: values[k]})
	}
	return all
}

// TuneConnection shows the wizard's form with these values (docs/reference/billmanager.md §1.3): the module gets the
// panel's form document, and its answer is Run.Stdout.
func (p *Panel) TuneConnection(ctx context.Context, module string, values map[string]string) (*Run, error) {
	form := "processing.edit." + module
	metadata, messages, err := p.manifest(module, form)
	if err != nil {
		return nil, err
	}
	doc := element{name: "doc", attrs: []xml.Attr{
		attr("lang", "en"), attr("func", "processing.add.user"), attr("binary", "/billmgr"), attr("host", "https://127.0.0.1"),
		attr("themename", "dragon"), attr("theme", "/manimg/dragon/"),
	}, children: []element{
		{name: "metadata", attrs: []xml.Attr{attr("name", form), attr("type", "form")}, raw: metadata},
		{name: "messages", attrs: []xml.Attr{attr("name", form)}, raw: messages},
		{name: "func", text: "processing.add.user"},
	}}
	doc.children = append(doc.children, leaves(values)...)
	return p.Start(ctx, module, document(doc), "--command", "tune_connection")
}

// manifest returns the content of the module's form and of its English messages, or an empty form if no manifest is
// installed in etc/xml (docs/reference/billmanager.md §9).
func (p *Panel) manifest(module, form string) (metadata, messages string, err error) {
	text, err := os.ReadFile(p.root.Path("etc", "xml", "billmgr_mod_"+module+".xml"))
	if os.IsNotExist(err) {
		return "<form/>", "", nil
	}
	if err != nil {
		return "", "", fmt.Errorf("manifest of %s: %w", module, err)
	}
	type named struct {
		Name string `xml:"name,attr"`
		XML  string `xml:",innerxml"`
	}
	var m struct {
		Metadata []named `xml:"metadata"`
		Langs    []struct {
			Name     string  `xml:"name,attr"`
			Messages []named `xml:"messages"`
		} `xml:"lang"`
	}
	if err := xml.Unmarshal(text, &m); err != nil {
		return "", "", fmt.Errorf("manifest of %s: %w", module, err)
	}
	for _, d := range m.Metadata {
		if d.Name == form {
			metadata = d.XML
		}
	}
	for _, l := range m.Langs {
		for _, d := range l.Messages {
			if l.Name == "en" && d.Name == form {
				messages = d.XML
			}
		}
	}
	return metadata, messages, nil
}

// CheckConnection runs the wizard's last step. The module gets params in plain text; a declared parameter that is not
// in params is left out of the document, as the panel may do with empty ones. Connect sends all of them.
func (p *Panel) CheckConnection(ctx context.Context, module string, id int64, params map[string]string) (*Run, error) {
	pm := element{name: "processingmodule", children: []element{{name: "id", text: strconv.FormatInt(id, 10)}}}
	pm.children = append(pm.children, leaves(params)...)
	return p.Start(ctx, module, document(element{name: "doc", children: []element{pm}}), "--command", "check_connection")
}

// Connect runs the whole wizard: features, tune_connection, usercreate and check_connection as far as they are
// declared. Then it saves the parameters (crypted ones encrypted) and the settings page. If a step is refused,
// ConnectResult.ID is 0, nothing is saved, and the Run of that step has the reason.
func (p *Panel) Connect(ctx context.Context, module string, c Connection) (*ConnectResult, error) {
	f, err := p.Features(ctx, module)
	if err != nil {
		return nil, err
	}
	if err := checkDeclared(f, c.Params); err != nil {
		return nil, fmt.Errorf("module %s: %w", module, err)
	}
	done := &ConnectResult{}
	steps := []struct {
		feature string
		run     **Run
		start   func(id int64) (*Run, error)
	}{
		{"tune_connection", &done.Tune, func(int64) (*Run, error) { return p.TuneConnection(ctx, module, c.Params) }},
		{"usercreate", &done.Create, func(int64) (*Run, error) {
			doc := element{name: "doc", children: leaves(c.Params)}
			return p.Start(ctx, module, document(doc), "--command", "usercreate")
		}},
		{"check_connection", &done.Check, func(id int64) (*Run, error) {
			return p.CheckConnection(ctx, module, id, everyField(f, c.Params))
		}},
	}
	id, err := p.addModule(ctx, module, c)
	if err != nil {
		return nil, err
	}
	for _, s := range steps {
		if !f.Has(s.feature) {
			continue
		}
		if *s.run, err = s.start(id); err != nil || !(*s.run).OK() {
			return done, errors.Join(err, p.dropModule(ctx, id))
		}
	}
	if err := p.saveModule(ctx, id, f, c); err != nil {
		return nil, errors.Join(err, p.dropModule(ctx, id))
	}
	done.ID = id
	return done, nil
}

// checkDeclared refuses a parameter that the module does not declare: its form cannot have that field.
func checkDeclared(f *Features, params map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(params)) {
		known := slices.ContainsFunc(f.Params, func(d Param) bool { return d.Name == name }) ||
			slices.ContainsFunc(f.CustomParams, func(d CustomParam) bool { return d.Name == name })
		if !known {
			return fmt.Errorf("parameter %s is not declared in features", name)
		}
	}
	return nil
}

// everyField adds the declared parameters that are not given, empty, as a browser sends a form: the GlobalSign module
// reads usedemo and sourceip without checking that they exist.
func everyField(f *Features, given map[string]string) map[string]string {
	all := map[string]string{}
	for _, d := range f.Params {
		all[d.Name] = ""
	}
	maps.Copy(all, given)
	return all
}

// addModule inserts the processing module, so that the check has an id. It becomes active at the end of the wizard.
func (p *Panel) addModule(ctx context.Context, module string, c Connection) (int64, error) {
	name := c.Name
	if name == "" {
		name = module
	}
	return p.insert(ctx, `INSERT INTO processingmodule (name, module, active, orderpriority, department)
		VALUES (?, ?, 'off', ?, ?)`, name, module, c.OrderPriority, c.Department)
}

func (p *Panel) dropModule(ctx context.Context, id int64) error {
	for _, q := range []string{
		"DELETE FROM processingparam WHERE processingmodule=?", "DELETE FROM processingcryptedparam WHERE processingmodule=?",
		"DELETE FROM processingmodule WHERE id=?",
	} {
		if _, err := p.db.ExecContext(ctx, q, id); err != nil {
			return err
		}
	}
	return nil
}

// saveModule stores every declared parameter, also empty ones: modules of ISPsystem read them without checking that
// they exist.
func (p *Panel) saveModule(ctx context.Context, id int64, f *Features, c Connection) error {
	save := func(name, value string, crypted bool) error {
		t := root.ProcessingParams()
		return p.setParam(ctx, t, id, name, value, crypted)
	}
	for _, d := range f.Params {
		value := c.Params[d.Name]
		if d.Name == "threshold" && c.Threshold != "" {
			value = c.Threshold
		}
		if err := save(d.Name, value, d.Crypted); err != nil {
			return err
		}
	}
	for _, d := range f.CustomParams {
		value, given := c.Params[d.Name]
		if !given {
			value = d.Default
		}
		if err := save(d.Name, value, false); err != nil {
			return err
		}
	}
	_, err := p.db.ExecContext(ctx, "UPDATE processingmodule SET active='on' WHERE id=?", id)
	return err
}
