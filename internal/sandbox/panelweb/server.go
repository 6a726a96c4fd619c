package panelweb

import (
	"bytes"
	"context"
	"crypto/subtle"
	"database/sql"
	"errors"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	_ "embed" // the stylesheet and the icon
)

//go:embed style.css
var style []byte

//go:embed icon.svg
var icon []byte

// policy is the content security policy of the pages: nothing but the stylesheet, the pictures and the forms of this server.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// maxForm bounds the body of a form, in bytes.
const maxForm = 1 << 20

// Server serves the page. Make it with New.
type Server struct {
	provider  Provider
	token     string
	templates map[string]*template.Template // by language and page
	words     words
	actions   *actions
	drafts    *store[draft]
	results   *store[result]
	handler   http.Handler

	answering sync.RWMutex // held for reading while a request is answered
	closed    bool
}

// New returns the page of a provider. token is the secret of its forms: not to be guessed, another one for each start. The end of
// ctx ends an action that runs.
func New(ctx context.Context, p Provider, token string) (*Server, error) {
	all, err := readWords()
	if err != nil {
		return nil, err
	}
	s := &Server{provider: p, token: token, words: all, actions: newActions(ctx), drafts: newStore[draft](), results: newStore[result]()}
	if s.templates, err = parseTemplates(all); err != nil {
		return nil, err
	}
	s.handler = s.routes()
	return s, nil
}

// Close answers no further request, and waits until none is answered and no action runs.
func (s *Server) Close() {
	s.answering.Lock()
	s.closed = true
	s.answering.Unlock()
	s.actions.wait()
}

// handle answers a request. An error becomes a page.
type handle func(w http.ResponseWriter, r *request) error

// request is a request with what every page needs.
type request struct {
	*http.Request
	lang string
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range map[string]handle{
		"GET /{$}":                        s.showOverview,
		"GET /modules":                    s.showModules,
		"GET /modules/{module}/add":       s.showConnection,
		"POST /modules/{module}/add":      s.connect,
		"POST /modules/{module}/fault":    s.setFault,
		"GET /order":                      s.showOrder,
		"POST /order":                     s.beginOrder,
		"GET /order/{draft}":              s.showOrderFields,
		"POST /order/{draft}":             s.placeOrder,
		"GET /certificates":               s.showItems,
		"GET /certificates/{id}":          s.showItem,
		"POST /certificates/{id}":         s.actOnItem,
		"GET /certificates/{id}/plan.svg": s.showPicture,
		"GET /operations":                 s.showOperations,
		"POST /operations/{id}":           s.actOnOperation,
		"GET /letters":                    s.showLetters,
		"GET /log":                        s.showLog,
		"GET /diagnostics":                s.showDiagnostics,
		"GET /status/{module}":            s.showStatusPage,
		"POST /time":                      s.advance,
		"POST /unattended":                s.setUnattended,
		"GET /progress":                   s.showProgress,
		"GET /":                           func(http.ResponseWriter, *request) error { return errNotFound },
	} {
		mux.Handle(pattern, s.page(h))
	}
	mux.Handle("GET /style.css", file("text/css; charset=utf-8", style))
	mux.Handle("GET /icon.svg", file("image/svg+xml", icon))
	return guard(mux)
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.answering.RLock()
	defer s.answering.RUnlock()
	if s.closed {
		http.Error(w, "the panel ends", http.StatusServiceUnavailable)
		return
	}
	s.handler.ServeHTTP(w, r)
}

func file(kind string, content []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write(content) // the visitor may have gone away
	})
}

// guard refuses requests for other names than those of loopback, which a site of the Internet could have sent by letting its own name
// lead here, and adds the headers of all answers.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if !isLoopback(r.Host) {
			http.Error(w, "this page is served for loopback addresses only, such as http://127.0.0.1", http.StatusMisdirectedRequest)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		next.ServeHTTP(w, r)
	})
}

// isLoopback reports whether the host of a request, with or without a port, is a loopback address or localhost.
func isLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && address.IsLoopback()
}

// page returns the handler of a page: it chooses the language, checks the token of forms, and shows errors.
func (s *Server) page(h handle) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, plain *http.Request) {
		if chosen := plain.URL.Query().Get("lang"); slices.Contains(languages(), chosen) && plain.Method == http.MethodGet {
			s.setLanguage(w, plain, chosen)
			return
		}
		r := &request{Request: plain, lang: language(plain)}
		err := s.checkForm(plain)
		if err == nil {
			err = h(w, r)
		}
		if err != nil {
			s.showError(w, r, err)
		}
	})
}

// checkForm refuses a form that is not of this page.
func (s *Server) checkForm(r *http.Request) error {
	if r.Method != http.MethodPost {
		return nil
	}
	if err := r.ParseForm(); err != nil {
		return errors.Join(errBadForm, err)
	}
	if subtle.ConstantTimeCompare([]byte(r.PostForm.Get("token")), []byte(s.token)) != 1 {
		return errForeignForm
	}
	return nil
}

// languages returns the languages of the page.
func languages() []string { return []string{"en", "ru", "es"} }

// language returns the language that was chosen, else the first one that the browser prefers and the page has.
func language(r *http.Request) string {
	if cookie, err := r.Cookie("lang"); err == nil && slices.Contains(languages(), cookie.Value) {
		return cookie.Value
	}
	for preferred := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ := strings.Cut(strings.TrimSpace(preferred), ";")
		primary, _, _ := strings.Cut(tag, "-")
		if primary = strings.ToLower(primary); slices.Contains(languages(), primary) {
			return primary
		}
	}
	return "en"
}

// setLanguage remembers the language and shows the same page again.
func (s *Server) setLanguage(w http.ResponseWriter, r *http.Request, lang string) {
	http.SetCookie(w, &http.Cookie{Name: "lang", Value: lang, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	query := r.URL.Query()
	query.Del("lang")
	// The path of this server alone: one that begins with two slashes would lead elsewhere.
	target := "/" + strings.TrimLeft(r.URL.EscapedPath(), "/")
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
}

// Errors that have pages of their own.
var (
	errNotFound    = errors.New("there is no such page")
	errForeignForm = errors.New("the form is not of this page, or of an earlier start of it")
	errBadForm     = errors.New("the form cannot be read")
	errBusy        = errors.New("an action runs")
)

// showError shows what went wrong, as a page.
func (s *Server) showError(w http.ResponseWriter, r *request, err error) {
	status, key := http.StatusInternalServerError, "error_failed"
	switch {
	case errors.Is(err, errNotFound), errors.Is(err, sql.ErrNoRows):
		status, key = http.StatusNotFound, "error_not_found"
	case errors.Is(err, errForeignForm):
		status, key = http.StatusForbidden, "error_foreign_form"
	case errors.Is(err, errBadForm):
		status, key = http.StatusBadRequest, "error_bad_form"
	case errors.Is(err, errBusy):
		status, key = http.StatusConflict, "error_busy"
	}
	detail := ""
	if status == http.StatusInternalServerError {
		detail = err.Error()
	}
	body := struct{ Key, Detail string }{key, detail}
	if failed := s.showStatus(w, r, status, "error", s.words.text(r.lang, key), body); failed != nil {
		http.Error(w, errors.Join(err, failed).Error(), http.StatusInternalServerError)
	}
}

// layout is what every page shows.
type layout struct {
	Page      string // name of its template, by which the navigation marks it
	Title     string
	Token     string
	Now       time.Time
	Running   *progress
	Result    *result
	Languages []string
	Body      any
}

// show shows a page.
func (s *Server) show(w http.ResponseWriter, r *request, page, title string, body any) error {
	return s.showStatus(w, r, http.StatusOK, page, title, body)
}

func (s *Server) showStatus(w http.ResponseWriter, r *request, status int, page, title string, body any) error {
	now, err := s.provider.Now()
	if err != nil {
		return err
	}
	l := layout{Page: page, Title: title, Token: s.token, Now: now, Running: s.actions.running(), Languages: languages(), Body: body}
	if found, there := s.results.get(r.URL.Query().Get("result")); there {
		l.Result = &found
	}
	var text bytes.Buffer
	if err := s.templates[r.lang+" "+page].ExecuteTemplate(&text, "layout", l); err != nil {
		return fmt.Errorf("page %s in %s: %w", page, r.lang, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(text.Bytes()) // the visitor may have gone away
	return nil
}

// formTitle returns the title of a form: it begins with the refusal, which readers of a screen hear first.
func (s *Server) formTitle(lang, title, problem string) string {
	if problem == "" {
		return title
	}
	return s.words.text(lang, "refused") + ": " + title
}

// seeOther ends a form: the visitor's browser opens a page, so that a reload repeats nothing.
func seeOther(w http.ResponseWriter, r *request, target string) error {
	http.Redirect(w, r.Request, target, http.StatusSeeOther)
	return nil
}
