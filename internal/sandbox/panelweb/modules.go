package panelweb

import (
	"context"
	"maps"
	"net/http"
	"slices"

	"pmssl/internal/sandbox/panel"
	"pmssl/internal/sandbox/panel/manifest"
	"pmssl/internal/sandbox/provider"
)

func (s *Server) showModules(w http.ResponseWriter, r *request) error {
	modules, err := s.moduleViews(r.Context(), r.lang)
	if err != nil {
		return err
	}
	return s.show(w, r, "modules", s.words.text(r.lang, "modules"), modules)
}

// draft is a form that was refused or is not complete yet.
type draft struct {
	Values map[string]string
	Field  string // that an error is about
	Error  string
	order  *order // of the order form's second step
}

// field is a field of a form as the page shows it.
type field struct {
	manifest.Field
	Label, Hint, Value string
	Options            []provider.Choice
	Wrong              bool // the form was refused because of it
}

// connection is the form that connects a module.
type connection struct {
	moduleView
	Fields []field
	Error  string
}

// fieldsOf returns the fields of a form of a manifest, with the messages of its section.
func fieldsOf(m *manifest.Manifest, lang, form string, values map[string]string, d draft) []field {
	var all []field
	for _, f := range m.Form(form) {
		one := field{Field: f, Value: values[f.Name]}
		one.Label, _ = m.Message(lang, form, f.Name)
		one.Hint, _ = m.Message(lang, form, "hint_"+f.Name)
		one.Wrong = d.Field == f.Name
		all = append(all, one)
	}
	return all
}

// showConnection shows the form of the panel's wizard, as the manifest describes it and the module fills it in.
func (s *Server) showConnection(w http.ResponseWriter, r *request) error {
	view, err := s.installed(r)
	if err != nil {
		return err
	}
	m, err := s.provider.Manifest(view.Module)
	if err != nil {
		return err
	}
	refused, _ := s.drafts.get(r.URL.Query().Get("draft"))
	values := maps.Clone(refused.Values)
	if fill := r.URL.Query().Get("fill"); fill == "right" || fill == "wrong" {
		if values, err = s.provider.RightValues(view.Module, fill == "wrong"); err != nil {
			return err
		}
		refused = draft{}
	}
	tuned, err := s.provider.Tune(r.Context(), view.Module, values)
	if err != nil {
		return err
	}
	form := connection{moduleView: view, Fields: fieldsOf(m, r.lang, "processing.edit."+view.Module, tuned.Values, refused), Error: refused.Error}
	for i := range form.Fields {
		f := &form.Fields[i]
		f.Options = tuned.Options[f.Name]
		if f.Kind == manifest.Select && f.Value != "" && !slices.ContainsFunc(f.Options, func(c provider.Choice) bool { return c.Key == f.Value }) {
			f.Options = append(f.Options, provider.Choice{Key: f.Value, Text: f.Value})
		}
	}
	return s.show(w, r, "connection", s.formTitle(r.lang, s.words.text(r.lang, "connect_module", view.Title), form.Error), form)
}

// installed returns the module that the path names.
func (s *Server) installed(r *request) (moduleView, error) {
	modules, err := s.moduleViews(r.Context(), r.lang)
	if err != nil {
		return moduleView{}, err
	}
	i := slices.IndexFunc(modules, func(m moduleView) bool { return m.Module == r.PathValue("module") })
	if i < 0 {
		return moduleView{}, errNotFound
	}
	return modules[i], nil
}

// connect submits the form of the wizard: the module tests the connection.
func (s *Server) connect(w http.ResponseWriter, r *request) error {
	view, err := s.installed(r)
	if err != nil {
		return err
	}
	m, err := s.provider.Manifest(view.Module)
	if err != nil {
		return err
	}
	values := map[string]string{}
	for _, f := range m.Form("processing.edit." + view.Module) {
		values[f.Name] = r.PostForm.Get(f.Name)
		if f.Kind == manifest.Checkbox && values[f.Name] == "" {
			values[f.Name] = "off"
		}
	}
	var done *panel.ConnectResult
	err = s.act(r, func(ctx context.Context) (err error) {
		done, err = s.provider.Connect(ctx, view.Module, panel.Connection{Name: view.Title, Params: values})
		return err
	})
	if err != nil {
		return err
	}
	if done.ID != 0 {
		return s.finish(w, r, "/modules", result{Key: "did_connect", Text: view.Title})
	}
	refused := s.refusedConnection(r.lang, m, view.Module, values, done)
	return seeOther(w, r, "/modules/"+view.Module+"/add?draft="+s.drafts.add(refused))
}

// refusedConnection returns the form again, with the module's error in the words of its manifest and without secrets.
func (s *Server) refusedConnection(lang string, m *manifest.Manifest, module string, values map[string]string, done *panel.ConnectResult) draft {
	d := draft{Values: values}
	for _, f := range m.Form("processing.edit." + module) {
		if f.Kind == manifest.Password {
			delete(values, f.Name)
		}
	}
	for _, run := range []*panel.Run{done.Tune, done.Create, done.Check} {
		if run == nil || run.OK() {
			continue
		}
		d.Error = run.Failure()
		if run.Error == nil {
			continue
		}
		d.Field, d.Error = run.Error.Object, s.errorText(lang, module, run.Error)
		if text, there := m.Message(lang, "processing.edit."+module, "msg_error_"+run.Error.Type); there {
			d.Error = fillIn(text, run.Error)
		}
	}
	return d
}
