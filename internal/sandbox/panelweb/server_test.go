package panelweb

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/panel"
	"pmssl/internal/sandbox/provider"
)

const token = "the token"

func newServer(t *testing.T, p Provider) *Server {
	t.Helper()
	s, err := New(t.Context(), p, token)
	require.NoError(t, err)
	return s
}

// get requests a page in a language.
func get(s *Server, lang, path string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:8086"+path, nil)
	r.AddCookie(&http.Cookie{Name: "lang", Value: lang})
	return answer(s, r)
}

// post submits a form of the page; values are pairs.
func post(s *Server, lang, path string, values ...string) *httptest.ResponseRecorder {
	form := url.Values{"token": {token}}
	for i := 0; i < len(values); i += 2 {
		form.Set(values[i], values[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:8086"+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.AddCookie(&http.Cookie{Name: "lang", Value: lang})
	return answer(s, r)
}

func answer(s *Server, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// follow submits a form and returns the page that its answer leads to.
func follow(t *testing.T, s *Server, lang, path string, values ...string) (target, page string) {
	t.Helper()
	w := post(s, lang, path, values...)
	require.Equal(t, http.StatusSeeOther, w.Code, w.Body.String())
	target = w.Header().Get("Location")
	shown := get(s, lang, target)
	require.Equal(t, http.StatusOK, shown.Code, shown.Body.String())
	return target, shown.Body.String()
}

// full returns a provider of which every part of every page has something to show.
func full(t *testing.T) *fake {
	t.Helper()
	f := newFake(t)
	f.storeCertificate()
	f.items[0].Params["service_status"] = "4" // a reissue
	f.operations = []panel.Operation{{ID: 3, Item: 42, Command: "reopen", TryCount: 2, Manual: true, ErrorXML: `<doc><error type="order_ended"><param name="value">gone</param></error></doc>`}}
	f.items[0].Operations = f.operations
	f.items[0].Tasks = []panel.Task{{ID: 1, Type: "reopen", Params: map[string]string{"text": "look"}}}
	f.letters = []provider.Letter{{To: "client@example.com", Subject: "Confirm shop.example.com", Date: today(), Text: "Hello"}}
	f.log = []provider.LogLine{{Time: "Apr  2 10:00:00", Component: "command", Level: "WARNING", Text: "item 42 (shop.example.com): look"}}
	f.fault = provider.Outage
	return f
}

func TestEveryPageIsShownInEveryLanguage(t *testing.T) {
	empty := newFake(t)
	empty.modules, empty.items, empty.reports = nil, nil, nil
	stored := newFake(t)
	stored.storeCertificate()
	paths := []string{
		"/", "/modules", "/modules/pmnamecheap/add", "/modules/pmispmgrssl/add?fill=right", "/modules/pmnamecheap/add?fill=wrong", "/order", "/certificates",
		"/operations", "/letters", "/log", "/log?module=pmispmgrssl&level=ERROR&item=42", "/diagnostics", "/diagnostics?module=pmnamecheap", "/nowhere",
	}
	for name, f := range map[string]*fake{"empty": empty, "waiting": newFake(t), "stored": stored, "full": full(t)} {
		s := newServer(t, f)
		more := append([]string{"/certificates/42"}, paths...)
		for _, lang := range languages() {
			for _, path := range more {
				w := get(s, lang, path)
				want := http.StatusOK
				if path == "/nowhere" || name == "empty" && path == "/certificates/42" {
					want = http.StatusNotFound
				}
				assert.Equal(t, want, w.Code, "%s, %s in %s: %s", name, path, lang, w.Body.String())
				assert.Contains(t, w.Body.String(), `<html lang="`+lang+`">`, "%s, %s", name, path)
				assert.Contains(t, w.Body.String(), "</html>", "%s, %s", name, path)
				assert.Equal(t, 1, strings.Count(w.Body.String(), "<h1>"), "%s, %s", name, path)
			}
		}
	}
}

func TestTheLanguageIsChosenByCookieOrBrowser(t *testing.T) {
	s := newServer(t, newFake(t))
	for header, want := range map[string]string{"": "en", "ru-RU,ru;q=0.9,en;q=0.8": "ru", "fr, ES-mx;q=0.5": "es", "fr": "en"} {
		r := httptest.NewRequest(http.MethodGet, "http://localhost/", nil)
		r.Header.Set("Accept-Language", header)
		assert.Contains(t, answer(s, r).Body.String(), `<html lang="`+want+`">`, header)
	}
	for path, want := range map[string]string{
		"/log?lang=ru&item=4": "/log?item=4", "/?lang=es": "/", "//elsewhere.example/x?lang=ru": "/elsewhere.example/x",
	} {
		r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1/", nil)
		r.URL.Path, r.URL.RawQuery, _ = strings.Cut(path, "?")
		w := httptest.NewRecorder()
		s.page(func(http.ResponseWriter, *request) error { return nil }).ServeHTTP(w, r)
		assert.Equal(t, http.StatusSeeOther, w.Code, path)
		assert.Equal(t, want, w.Header().Get("Location"), path)
		assert.Contains(t, w.Header().Get("Set-Cookie"), "lang=", path)
	}
	assert.Empty(t, get(s, "en", "/?lang=xx").Header().Get("Set-Cookie"))
}

// A site of the Internet can let its name lead to a loopback address.
func TestOtherHostsAreRefused(t *testing.T) {
	s := newServer(t, newFake(t))
	for host, want := range map[string]int{
		"127.0.0.1:8086": 200, "127.9.9.9": 200, "[::1]:8086": 200, "localhost:8086": 200, "LOCALHOST": 200,
		"panel.example:8086": 421, "192.0.2.1": 421, "localhost.example": 421, "127.0.0.1.example": 421, "": 421,
	} {
		r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1/", nil)
		r.Host = host
		assert.Equal(t, want, answer(s, r).Code, host)
	}
}

func TestAFormWithoutItsTokenChangesNothing(t *testing.T) {
	f := newFake(t)
	s := newServer(t, f)
	for _, path := range []string{
		"/modules/pmnamecheap/add", "/modules/pmnamecheap/fault", "/order", "/order/1", "/certificates/42", "/operations/3", "/time", "/unattended",
	} {
		for _, wrong := range []string{"", "another", token + "x"} {
			w := post(s, "en", path, "token", wrong, "days", "1", "action", "sync", "on", "on", "fault", "money")
			assert.Equal(t, http.StatusForbidden, w.Code, path)
		}
	}
	assert.Empty(t, f.done)
	assert.False(t, f.unattended)
}

func TestEveryAnswerHasAPolicy(t *testing.T) {
	f := newFake(t)
	f.storeCertificate()
	s := newServer(t, f)
	for path, want := range map[string]string{
		"/": policy, "/style.css": policy, "/icon.svg": policy, "/nowhere": policy,
		"/certificates/42/plan.svg": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'", "/status/pmnamecheap": "sandbox allow-scripts; frame-ancestors 'none'",
	} {
		h := get(s, "en", path).Header()
		assert.Equal(t, want, h.Get("Content-Security-Policy"), path)
		assert.Equal(t, "nosniff", h.Get("X-Content-Type-Options"), path)
		assert.NotEmpty(t, h.Get("Content-Type"), path)
	}
	for _, path := range []string{"/", "/order", "/certificates/42", "/log"} {
		page := get(s, "en", path).Body.String()
		for _, forbidden := range []string{"<script", " style=", " onclick", "javascript:"} {
			assert.NotContains(t, page, forbidden, path)
		}
	}
	assert.Equal(t, http.StatusNotFound, get(s, "en", "/status/other").Code)
}

func TestDataIsEscaped(t *testing.T) {
	const hostile = `"><script>alert(1)</script>`
	f := full(t)
	f.items[0].Name, f.items[0].Params["auth_dnstxt_value"] = hostile, hostile+" TXT "+hostile
	f.modules[0].Name = hostile
	f.reports[0].Error, f.reports[0].State, f.reports[0].WaitsFor = hostile, hostile, hostile
	f.letters[0] = provider.Letter{To: hostile, Subject: hostile, Text: hostile}
	f.log[0].Text = "item 42 " + hostile
	f.operations[0].ErrorXML = `<doc><error type="value"><param name="value">&lt;script&gt;alert(1)&lt;/script&gt;</param></error></doc>`
	s := newServer(t, f)
	for _, path := range []string{"/", "/certificates", "/certificates/42", "/operations", "/letters", "/log", "/modules", "/order", "/log?item=" + url.QueryEscape(hostile)} {
		w := get(s, "en", path)
		require.Equal(t, http.StatusOK, w.Code, w.Body.String())
		assert.NotContains(t, w.Body.String(), "<script", path)
	}
}

func TestARefusedConnectionIsShownInTheWordsOfTheManifest(t *testing.T) {
	f := newFake(t)
	s := newServer(t, f)
	f.refuse("invalid_login_or_passwd", "api_key", "the key is wrong")
	for lang, want := range map[string]string{
		"en": "The seller does not accept this user name or key: the key is wrong", "ru": "Продавец не принимает это имя пользователя или ключ: the key is wrong",
		"es": "El vendedor no acepta este nombre de usuario o esta clave: the key is wrong",
	} {
		target, page := follow(t, s, lang, "/modules/pmnamecheap/add", "username", "somebody", "api_key", "a secret key", "client_ip", "192.0.2.7")
		assert.Contains(t, target, "/modules/pmnamecheap/add?draft=")
		assert.Contains(t, page, want)
		assert.Contains(t, page, `role="alert"`)
		assert.Regexp(t, `id="api_key"[^>]* aria-describedby="form-error api_key-hint" aria-invalid="true" autofocus`, page)
		assert.Contains(t, page, `value="somebody"`, "what was entered is kept")
		assert.NotContains(t, page, "a secret key")
	}
	assert.Contains(t, f.done[0], "alter_approver_methods:off", "an unchecked box is off")
}

func TestTheFormOfAConnectionIsThatOfTheManifest(t *testing.T) {
	s := newServer(t, newFake(t))
	page := get(s, "es", "/modules/pmnamecheap/add?fill=right").Body.String()
	var names []string
	for _, m := range regexp.MustCompile(`<(?:input|select)[^>]* name="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		names = append(names, m[1])
	}
	assert.Equal(t, []string{"token", "username", "api_user", "api_key", "client_ip", "sandbox", "alter_approver_methods"}, names)
	assert.Contains(t, page, `<label for="api_key">Clave de la API`)
	assert.Contains(t, page, `type="password" id="api_key" name="api_key" value="good key" autocomplete="off" spellcheck="false" required`)
	assert.Contains(t, page, `<option value="127.0.0.1" selected>`, "a value that the module does not offer stays")
	assert.Contains(t, page, `<option value="192.0.2.7">`)
	_, done := follow(t, s, "en", "/modules/pmnamecheap/add", "username", "x")
	assert.Contains(t, done, `role="status"`)
	assert.Equal(t, http.StatusNotFound, get(s, "en", "/modules/other/add").Code)
}

func TestAnOrderGoesThroughBothSteps(t *testing.T) {
	f := newFake(t)
	s := newServer(t, f)
	target, page := follow(t, s, "ru", "/order", "tariff", "7-5", "months", "60", "domain", "own", "own", "Mail.Example.ORG.", "csr", "make")
	assert.Regexp(t, `^/order/\d+$`, target)
	assert.Contains(t, page, "webmaster@mail.example.org")
	assert.NotContains(t, page, "org_name", "no organisation for a DV product")
	target, _ = follow(t, s, "ru", target, "approver_method", "auth_email", "approver mail.example.org", "webmaster@mail.example.org", "adm_fname", "Olga", "adm_email", "")
	assert.Regexp(t, `^/certificates/42\?result=\d+$`, target)
	assert.Equal(t, []string{"site [mail.example.org]", "order 7"}, f.done)
	assert.Equal(t, map[string]string{"approver_method": "auth_email", "approver_email": "webmaster@mail.example.org", "adm_fname": "Olga"}, f.order.Params)
	assert.Equal(t, panel.Order{Tariff: 7, Module: 5, Period: 60, CSR: f.order.CSR, ExtraSANs: -1, Params: f.order.Params, Lang: "ru"}, f.order)
	assert.Contains(t, f.order.CSR, "BEGIN CERTIFICATE REQUEST")
	assert.Equal(t, "ru", f.language, "letters are in the language of the page")
}

func TestAnOrderIsRefusedAtItsField(t *testing.T) {
	f := newFake(t)
	s := newServer(t, f)
	good := map[string]string{"tariff": "7-5", "months": "60", "domain": "shop.example.com", "csr": "make"}
	for name, row := range map[string]struct {
		change map[string]string
		field  string
	}{
		"unknown tariff":   {change: map[string]string{"tariff": "1-1"}, field: "tariff"},
		"no months":        {change: map[string]string{"months": "x"}, field: "months"},
		"not a name":       {change: map[string]string{"domain": "own", "own": "bad_name.example.com"}, field: "own"},
		"other top domain": {change: map[string]string{"domain": "own", "own": "shop.example.de"}, field: "own"},
		"a name unchosen":  {change: map[string]string{"own": "mail.example.org"}, field: "own"},
		"a CSR unchosen":   {change: map[string]string{"pem": csr(t, "shop.example.com")}, field: "pem"},
		"more names":       {change: map[string]string{"more": "b.example.com"}, field: "more"},
		"not a CSR":        {change: map[string]string{"csr": "paste", "pem": "x"}, field: "pem"},
		"CSR for others":   {change: map[string]string{"csr": "paste", "pem": csr(t, "shop.example.de")}, field: "pem"},
	} {
		var values []string
		for key, value := range good {
			if changed, there := row.change[key]; there {
				value = changed
			}
			values = append(values, key, value)
		}
		for key, value := range row.change {
			values = append(values, key, value)
		}
		target, page := follow(t, s, "en", "/order", values...)
		assert.Contains(t, target, "/order?draft=", name)
		assert.Contains(t, page, `role="alert"`, name)
		d, there := s.drafts.get(strings.TrimPrefix(target, "/order?draft="))
		assert.True(t, there, name)
		assert.Equal(t, row.field, d.Field, name)
	}
	assert.NotContains(t, strings.Join(f.done, " "), "order ")
}

func TestWhatTheModuleRefusesInTheOrderIsShownAtItsField(t *testing.T) {
	f := newFake(t)
	s := newServer(t, f)
	target, page := follow(t, s, "es", "/order", "tariff", "8-5", "months", "12", "domain", "shop.example.com", "csr", "make")
	for _, name := range []string{"org_name", "org_duns", "org_incorporation_country", "adm_phone"} {
		assert.Contains(t, page, `name="`+name+`"`, "fields of an EV product")
	}
	assert.Contains(t, page, "País de registro", "in the words of the manifest")
	f.refuse("value", "adm_phone", "no telephone number", "--command", "check_param", "--param", "adm_phone", "--value", "123")
	f.ordered = func() *panel.OrderResult { return &panel.OrderResult{CheckParams: []*panel.Run{{}, f.answer}} }
	again, page := follow(t, s, "es", target, "adm_phone", "123", "approver_method", "auth_dnstxt")
	assert.NotEqual(t, target, again)
	assert.Contains(t, page, "Valor no válido: no telephone number")
	assert.Regexp(t, `id="adm_phone" name="adm_phone" value="123"[^>]* aria-invalid="true"`, page)
	assert.Equal(t, http.StatusNotFound, post(s, "es", "/order/999").Code)
}

func TestAWildcardProductIsOrderedForAWildcard(t *testing.T) {
	f := newFake(t)
	s := newServer(t, f)
	_, page := follow(t, s, "en", "/order", "tariff", "9-5", "months", "12", "domain", "shop.example.com", "csr", "make")
	assert.Equal(t, []string{"site [*.shop.example.com]"}, f.done)
	assert.NotContains(t, page, "auth_http", "a file proves nothing for a wildcard")
}

func TestTheButtonsOfACertificateDoWhatTheySay(t *testing.T) {
	for action, row := range map[string]struct{ done, shown string }{
		"sync":        {"sync 42", "Done: synchronisation"},
		"reissue":     {"reissue newkey=false 42", "Done: reissue"},
		"reissue_key": {"reissue newkey=true 42", "Done: reissue for a new key"},
		"renew":       {"renew 42", "Done: renewal"},
		"prove":       {"prove 42", "Done: confirmation"},
		"install":     {"install 42", "no certificate yet"},
		"close":       {"close 42", "Done: deletion"},
	} {
		f := newFake(t)
		s := newServer(t, f)
		_, page := follow(t, s, "en", "/certificates/42", "action", action, "sure", "on")
		assert.Equal(t, []string{row.done}, f.done, action)
		assert.Contains(t, page, row.shown, action)
	}
	f := newFake(t)
	s := newServer(t, f)
	assert.Equal(t, http.StatusBadRequest, post(s, "en", "/certificates/42", "action", "close").Code, "it asks first")
	assert.Equal(t, http.StatusBadRequest, post(s, "en", "/certificates/42", "action", "other").Code)
	assert.Equal(t, http.StatusNotFound, post(s, "en", "/certificates/43", "action", "sync").Code)
	assert.Equal(t, http.StatusNotFound, get(s, "en", "/certificates/x").Code)
	assert.Empty(t, f.done)
}

func TestARefusalOfTheModuleIsShownInThePanelsWords(t *testing.T) {
	f := newFake(t)
	s := newServer(t, f)
	f.refuse("term_running", "", "until 2031 (__object__)")
	_, page := follow(t, s, "ru", "/certificates/42", "action", "renew")
	assert.Contains(t, page, "Оплаченный срок ещё не закончился: until 2031 (__object__)", "a value is not filled in again")
	f.refuse("new_type", "", "something")
	_, page = follow(t, s, "en", "/certificates/42", "action", "sync")
	assert.Contains(t, page, "Error of the type new_type: something")
}

func TestOperationsAreShownWithTheirErrorAndRunAgain(t *testing.T) {
	f := full(t)
	s := newServer(t, f)
	for _, path := range []string{"/operations", "/certificates/42"} {
		assert.Contains(t, get(s, "es", path).Body.String(), "El vendedor ha cerrado el pedido: gone", path)
	}
	follow(t, s, "en", "/operations/3", "action", "retry")
	follow(t, s, "en", "/operations/3", "action", "delete")
	assert.Equal(t, []string{"retry 3", "delete 3"}, f.done)
}

func TestOneActionRunsAtATime(t *testing.T) {
	f := newFake(t)
	f.days = make(chan struct{})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	s, err := New(ctx, f, token)
	require.NoError(t, err)
	w := post(s, "en", "/time", "days", "2", "speed", "fast", "client", "on")
	require.Equal(t, http.StatusSeeOther, w.Code)
	assert.Equal(t, "/progress", w.Header().Get("Location"))
	shown := get(s, "en", "/progress")
	assert.Equal(t, "1", shown.Header().Get("Refresh"))
	assert.Contains(t, shown.Body.String(), `<progress max="2"`)
	assert.Contains(t, get(s, "en", "/certificates").Body.String(), `<a href="/progress">`, "pages are shown meanwhile")
	for _, path := range []string{"/time", "/certificates/42", "/unattended", "/order"} {
		busy := post(s, "en", path, "days", "1", "action", "sync", "tariff", "7-5")
		assert.Equal(t, http.StatusConflict, busy.Code, path)
		assert.Contains(t, busy.Body.String(), "Another action is running", path)
	}
	f.days <- struct{}{}
	f.days <- struct{}{}
	s.actions.wait()
	w = get(s, "en", "/progress")
	assert.Equal(t, http.StatusSeeOther, w.Code)
	assert.Regexp(t, `^/\?result=\d+$`, w.Header().Get("Location"))
	assert.Contains(t, get(s, "en", w.Header().Get("Location")).Body.String(), "new certificates: 0")
	assert.Equal(t, []string{"advance 2 fast=true client=true"}, f.done)

	require.Equal(t, http.StatusSeeOther, post(s, "en", "/time", "days", "9").Code, "the next one can run")
	stop()
	s.actions.wait()
	assert.Contains(t, get(s, "en", get(s, "en", "/progress").Header().Get("Location")).Body.String(), "context canceled")
}

// A page that is loaded anew each second cannot be used by keyboard.
func TestTheProgressStandsStillIfItsVisitorWants(t *testing.T) {
	f := newFake(t)
	f.days = make(chan struct{})
	ctx, stop := context.WithCancel(t.Context())
	s, err := New(ctx, f, token)
	require.NoError(t, err)
	require.Equal(t, http.StatusSeeOther, post(s, "en", "/time", "days", "2").Code)
	assert.Contains(t, get(s, "en", "/progress").Body.String(), `href="/progress?paused=1" autofocus`)
	w := get(s, "en", "/progress?paused=1")
	assert.Empty(t, w.Header().Get("Refresh"))
	assert.Contains(t, w.Body.String(), "does not refresh itself")
	stop()
	s.actions.wait()
	assert.Equal(t, http.StatusSeeOther, get(s, "en", "/progress?paused=1").Code, "what came of it is shown all the same")
}

// The provider is closed after the page: no request may find it gone.
func TestClosingWaitsForRequestsAndRefusesNewOnes(t *testing.T) {
	f := newFake(t)
	f.visits = make(chan struct{})
	s := newServer(t, f)
	shown, closed := make(chan int, 1), make(chan struct{})
	go func() { shown <- get(s, "en", "/certificates/42").Code }()
	f.visits <- struct{}{} // the page is being made
	go func() { s.Close(); close(closed) }()
	select {
	case <-closed:
		t.Error("closed while a page is being made")
	default:
	}
	close(f.visits)
	<-closed
	assert.Equal(t, http.StatusOK, <-shown)
	assert.Equal(t, http.StatusServiceUnavailable, get(s, "en", "/").Code)
}

func TestAnOrderThatIsSubmittedTwiceIsPlacedOnce(t *testing.T) {
	f := newFake(t)
	s := newServer(t, f)
	form, _ := follow(t, s, "en", "/order", "tariff", "7-5", "months", "60", "domain", "shop.example.com", "csr", "make")
	refused := &panel.OrderResult{CheckParams: []*panel.Run{{ExitCode: 1}}}
	f.ordered = func() *panel.OrderResult { return refused }
	again, _ := follow(t, s, "en", form, "approver_method", "auth_dnstxt")
	f.ordered = nil
	first, _ := follow(t, s, "en", again, "approver_method", "auth_dnstxt")
	for _, path := range []string{again, form} {
		target, page := follow(t, s, "en", path, "approver_method", "auth_dnstxt")
		assert.Contains(t, target, "/certificates/42?result=", path)
		assert.NotEqual(t, first, target, path)
		assert.Contains(t, page, "It was not placed again.", path)
	}
	assert.Equal(t, []string{"site [shop.example.com]", "order 7", "order 7"}, f.done, "one was refused, one placed")
}

func TestLettersAreThoseAboutTheNameAlone(t *testing.T) {
	for text, want := range map[string]bool{
		"Confirm example.com": true, "open https://example.com/x": true, "for example.com.": true, "(Example.COM)": true,
		"Confirm shop.example.com": false, "*.example.com": false, "example.com.example": false, "my-example.com": false, "example.community": false, "": false,
	} {
		assert.Equal(t, want, mentions("example.com")(text), text)
	}
	assert.True(t, mentions("*.example.com")("Confirm *.example.com"))
}

func TestTheTitleBeginsWithWhatCameOfAnAction(t *testing.T) {
	f := newFake(t)
	s := newServer(t, f)
	_, page := follow(t, s, "es", "/certificates/42", "action", "sync")
	assert.Contains(t, page, "<title>Hecho: sincronización · ")
	f.refuse("value", "api_key", "wrong")
	_, page = follow(t, s, "es", "/modules/pmnamecheap/add", "username", "x")
	assert.Contains(t, page, "<title>Rechazado: Conectar Namecheap")
	_, page = follow(t, s, "es", "/order", "tariff", "1-1")
	assert.Contains(t, page, "<title>Rechazado: Pedir un certificado")
}

func TestTimeSettingsAndFaultsAreChecked(t *testing.T) {
	f := newFake(t)
	s := newServer(t, f)
	for _, days := range []string{"", "0", "-1", "x", "100000"} {
		assert.Equal(t, http.StatusBadRequest, post(s, "en", "/time", "days", days).Code, days)
	}
	assert.Equal(t, http.StatusBadRequest, post(s, "en", "/modules/pmnamecheap/fault", "fault", "earthquake").Code)
	assert.Equal(t, http.StatusNotFound, post(s, "en", "/modules/other/fault", "fault", "money").Code)
	assert.Empty(t, f.done)
	_, page := follow(t, s, "en", "/modules/pmnamecheap/fault", "fault", "outage")
	assert.Contains(t, page, "The API is out of order")
	follow(t, s, "en", "/unattended", "on", "on")
	assert.True(t, f.unattended)
	follow(t, s, "en", "/unattended", "on", "off")
	assert.False(t, f.unattended)
}

func TestTheLogIsFilteredByLevelAndItem(t *testing.T) {
	f := newFake(t)
	f.log = []provider.LogLine{
		{Level: "INFO", Text: "item 4 (other.example): alpha"}, {Level: "ERROR", Text: "item 42 (shop.example.com): beta"},
		{Level: "EXTINFO", Text: "item 42 (shop.example.com): gamma"}, {Level: "INFO", Component: "mgrctl", Text: "QUERY: func=x&elid=42&sok=ok"},
	}
	s := newServer(t, f)
	for query, want := range map[string][]string{
		"": {"alpha", "beta", "gamma", "QUERY"}, "?level=INFO": {"alpha", "beta", "QUERY"}, "?level=ERROR": {"beta"}, "?item=42": {"beta", "gamma", "QUERY"}, "?item=4": {"alpha"},
	} {
		page := get(s, "en", "/log"+query).Body.String()
		for _, word := range []string{"alpha", "beta", "gamma", "QUERY"} {
			assert.Equal(t, slices.Contains(want, word), strings.Contains(page, word), "%s in %s", word, query)
		}
	}
}

func TestTheListHasBothDates(t *testing.T) {
	f := newFake(t)
	s := newServer(t, f)
	page := get(s, "en", "/certificates").Body.String()
	for _, want := range []string{"Expiration date", "2026-10-19", "Paid until", "2031-04-02", "waiting", "PositiveSSL (DV)", "client"} {
		assert.Contains(t, page, want)
	}
	delete(f.items[0].Params, "paid_until")
	assert.NotContains(t, get(s, "en", "/certificates").Body.String(), "2031-04-02")
	f.reports[0].PaidUntil = "2027-04-02"
	assert.NotContains(t, get(s, "en", "/certificates").Body.String(), "2027-04-02", "the panel has no date for a term of one year")
	f.items[0].Status = statusDeleted
	assert.Contains(t, get(s, "en", "/certificates").Body.String(), "deleted")
}
