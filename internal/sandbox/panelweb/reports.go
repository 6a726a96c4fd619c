package panelweb

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strconv"

	"pmssl/internal/sandbox/panel"
	"pmssl/internal/sandbox/provider"
)

// operationView is a running operation as the panel shows it.
type operationView struct {
	panel.Operation
	Domain string
	Error  string // in the words of the module's manifest
}

func (s *Server) operationViews(lang, module string, all []panel.Operation) []operationView {
	var views []operationView
	for _, o := range all {
		v := operationView{Operation: o}
		if e := panel.ParseError(o.ErrorXML); e != nil {
			v.Error = s.errorText(lang, module, e)
		}
		views = append(views, v)
	}
	return views
}

func (s *Server) showOperations(w http.ResponseWriter, r *request) error {
	all, err := s.provider.Operations(r.Context())
	if err != nil {
		return err
	}
	rows, err := s.itemRows(r.Context(), r.lang)
	if err != nil {
		return err
	}
	var views []operationView
	for _, o := range all {
		i := slices.IndexFunc(rows, func(row itemRow) bool { return row.ID == o.Item })
		if i < 0 {
			continue
		}
		for _, v := range s.operationViews(r.lang, rows[i].Module, []panel.Operation{o}) {
			v.Domain = rows[i].Name
			views = append(views, v)
		}
	}
	return s.show(w, r, "operations", s.words.text(r.lang, "operations"), views)
}

// actOnOperation runs an operation once more, or deletes it, as the administrator's buttons do.
func (s *Server) actOnOperation(w http.ResponseWriter, r *request) error {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return errNotFound
	}
	var done result
	err = s.act(r, func(ctx context.Context) error {
		if r.PostForm.Get("action") == "delete" {
			done = outcome("did_delete_operation", s.provider.DeleteOperation(ctx, id))
			return nil
		}
		run, err := s.provider.RetryOperation(ctx, id)
		done = s.resultOf(r.lang, "did_retry", run)
		return err
	})
	if err != nil {
		return err
	}
	return s.finish(w, r, "/operations", done)
}

func (s *Server) showLetters(w http.ResponseWriter, r *request) error {
	all, err := s.provider.Letters()
	if err != nil {
		return err
	}
	slices.Reverse(all)
	return s.show(w, r, "letters", s.words.text(r.lang, "letters"), all)
}

// lettersAbout returns the letters about a name, the newest first.
func (s *Server) lettersAbout(name string) ([]provider.Letter, error) {
	all, err := s.provider.Letters()
	if err != nil {
		return nil, err
	}
	slices.Reverse(all)
	about := mentions(name)
	return slices.DeleteFunc(all, func(l provider.Letter) bool { return !about(l.Subject) && !about(l.Text) }), nil
}

// mentions returns what reports whether a text has a domain name, not only as a part of a longer one.
func mentions(name string) func(text string) bool {
	return regexp.MustCompile(`(?i)(^|[^\pL\pN_.*-])` + regexp.QuoteMeta(name) + `($|[^\pL\pN_.-]|\.($|[^\pL\pN_-]))`).MatchString
}

// severities are the levels of the log by how much they show, as the filter offers them.
func severities() []string { return []string{"ERROR", "WARNING", "INFO", "EXTINFO"} }

// logView is the tail of a module's log with its filter.
type logView struct {
	Modules       []string
	Levels        []string
	Module, Level string
	Item          string
	Lines         []provider.LogLine
}

// maxLogLines is how many lines the page of the log shows.
const maxLogLines = 200

func (s *Server) showLog(w http.ResponseWriter, r *request) error {
	query := r.URL.Query()
	v := logView{Modules: s.provider.Installed(), Levels: severities(), Module: query.Get("module"), Level: query.Get("level"), Item: query.Get("item")}
	if !slices.Contains(v.Modules, v.Module) {
		v.Module = v.Modules[0]
	}
	about := func(provider.LogLine) bool { return true }
	if id, err := strconv.ParseInt(v.Item, 10, 64); err == nil {
		about = aboutItem(id)
	}
	limit := slices.Index(v.Levels, v.Level)
	var err error
	v.Lines, err = s.provider.LogTail(v.Module, maxLogLines, func(l provider.LogLine) bool {
		at := slices.Index(v.Levels, l.Level)
		return about(l) && (limit < 0 || at >= 0 && at <= limit || l.Level == "CRITICAL")
	})
	if err != nil {
		return err
	}
	slices.Reverse(v.Lines)
	return s.show(w, r, "log", s.words.text(r.lang, "log"), v)
}

// diagnostics are the reports of a module about its installation and its items.
type diagnostics struct {
	Modules []moduleView
	Module  string
	Doctor  string
}

func (s *Server) showDiagnostics(w http.ResponseWriter, r *request) error {
	modules, err := s.moduleViews(r.Context(), r.lang)
	if err != nil {
		return err
	}
	d := diagnostics{Modules: modules}
	if module := r.URL.Query().Get("module"); slices.Contains(s.provider.Installed(), module) {
		d.Module = module
		if d.Doctor, err = s.provider.Doctor(r.Context(), module); err != nil {
			return err
		}
	}
	return s.show(w, r, "diagnostics", s.words.text(r.lang, "diagnostics"), d)
}

// showStatusPage shows the page that the command status of a module makes, with the policy that it brings along. Its script is of another
// origin than the panel's pages: it cannot read their forms' token.
func (s *Server) showStatusPage(w http.ResponseWriter, r *request) error {
	if !slices.Contains(s.provider.Installed(), r.PathValue("module")) {
		return errNotFound
	}
	page, err := s.provider.StatusPage(r.Context(), r.PathValue("module"))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Security-Policy", "sandbox allow-scripts; frame-ancestors 'none'")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(page)) // the visitor may have gone away
	return nil
}
