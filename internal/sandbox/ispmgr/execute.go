package ispmgr

import (
	"bytes"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"time"
)

// call is one request to a function.
type call struct {
	server   *Server
	settings *Settings
	account  *Account
	params   parameters // by the names of fields in docs/reference
	sent     parameters // as they were sent
	source   netip.Addr
	now      time.Time
}

func (c *call) get(name string) string { return c.params.get(name) }

// answer is the result of a function: the content of its document, an error, or a body of its own.
type answer struct {
	content  []element
	metadata []element
	problem  *Problem
	function string // the func of the document, if it is not the one that was called
	raw      *reply
}

func success(content ...element) answer { return answer{content: content} }

func refused(p *Problem) answer { return answer{problem: p} }

// redirect returns an answer with a non-empty <ok>, which is not a success
// (docs/reference/ispmanager.md §1.3).
func redirect(target string, content ...element) answer {
	return success(append(content, textNode("ok", target))...)
}

// execute runs a request and saves what it changes.
func (s *Server) execute(p parameters, source netip.Addr) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.executeLocked(p, source)
}

func (s *Server) executeLocked(p parameters, source netip.Addr) reply {
	now, err := s.clock.Now()
	if err != nil {
		return plainReply(err.Error())
	}
	if out := p.get("out"); out != "xml" && out != "devel" {
		return htmlReply(http.StatusOK, "Authorization") // the panel's own pages
	}
	s.advance(now)
	c := &call{server: s, settings: &s.settings, sent: p, params: s.settings.canonicalNames(p), source: source, now: now}
	a := c.run()
	if err := s.save(); err != nil {
		return plainReply(err.Error())
	}
	if a.raw != nil {
		return *a.raw
	}
	return xmlReply(c.document(a), a.problem)
}

// plainReply returns the answer to a failure of the stand-in itself.
func plainReply(text string) reply {
	return reply{Status: http.StatusInternalServerError, ContentType: "text/plain; charset=UTF-8", Body: []byte(text + "\n")}
}

func xmlReply(document element, problem *Problem) reply {
	var body bytes.Buffer
	body.WriteString("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
	document.write(&body)
	body.WriteByte('\n')
	return reply{Status: http.StatusOK, ContentType: "text/xml; charset=UTF-8", Body: body.Bytes(), Errors: problem}
}

// run authenticates and calls the function. For a login that waits for its second factor every
// function answers a redirect without content (1.2).
func (c *call) run() answer {
	name := c.get("func")
	if name == "auth" {
		return c.openSession()
	}
	account, problem := c.server.authenticate(c.sent, c.source)
	if problem != nil {
		return refused(problem)
	}
	c.account = account
	if account.TwoFactor {
		return redirect("func=totp.confirm")
	}
	f, known := c.server.functions()[name]
	switch {
	case !known:
		return refused(missed("func", name))
	case f.service && account.Level != LevelClient:
		return refused(noAccess())
	}
	return f.run(c)
}

// function is a function that a client may call. service: it is about services of a client, and an
// administrator has none.
type function struct {
	run     func(*call) answer
	service bool
}

// functions returns the functions of this installation by the installation's own names.
func (s *Server) functions() map[string]function {
	table := map[string]function{
		"whoami": {run: whoami}, "subaccount": {run: subaccount}, "dashboard.info": {run: dashboard},
		"expense":           {run: listExpenses},
		"pricelist.export":  {run: exportPrices},
		"certificate.order": {orderStart, true}, "certificate.order.pricelist": {orderStart, true},
		"certificate": {listCertificates, true}, "certificate.filter": {filterList, true}, "certificate.edit": {edit, true},
		"service.prolong": {prolong, true}, "basket": {basket, true},
	}
	names := s.settings.Functions
	for name, run := range map[string]func(*call) answer{
		names.CSR: stepCSR, names.Contacts: stepContacts, names.Organization: stepOrganization, names.Param: stepParam,
		names.Reissue: reissue, names.reissueParam(): reissueParam, names.Download: download, names.Delete: remove,
		names.ResendDNS: resendDNS, names.ResendEmail: resendEmail, names.Approver: approvers,
	} {
		if name != "" {
			table[name] = function{run, true}
		}
	}
	if names.Download != "" {
		table[names.Download+".edit"] = function{downloadFile, true}
	}
	return table
}

// reissueParam returns the name of the second step of a reissue in two steps.
func (n FunctionNames) reissueParam() string {
	if n.Reissue == "" {
		return ""
	}
	return n.Reissue + ".param"
}

// language returns the language of the answer: Russian unless English is requested.
func (c *call) language() string {
	if c.get("lang") == "en" {
		return "en"
	}
	return "ru"
}

func (c *call) text(en, ru string) string {
	if c.language() == "en" {
		return en
	}
	return ru
}

// document wraps an answer as the panel does (fixtures *_RECORDED).
func (c *call) document(a answer) element {
	function := a.function
	if function == "" {
		function = c.get("func")
	}
	if a.problem != nil {
		return node("doc", a.problem.element(c.language(), c.account, function), c.echo())
	}
	doc := c.frame(function).plus(a.content...)
	if c.settings.Metadata == MetadataAlways || c.get("out") == "devel" {
		doc = doc.plus(a.metadata...)
	}
	return doc.plus(c.echo(), node("saved_filters"))
}

// frame returns a root element, or a nested one.
func (c *call) frame(function string) element {
	return node("doc").with("lang", c.language()).with("func", function).with("binary", Path).with("host", "https://bill.example.test").
		with("themename", "dragon").with("features", "FEATURES").with("notify", "12").with("theme", "/manimg/dragon/")
}

// echo returns tparams: every parameter of the request.
func (c *call) echo() element {
	echoed := node("tparams")
	for _, name := range slices.Sorted(maps.Keys(c.sent)) {
		if !validName(name) || isSecret(name, c.sent[name]) && !c.settings.EchoSecrets {
			continue
		}
		echoed = echoed.plus(textNode(name, c.sent[name]))
	}
	return echoed
}

// validName reports whether a name can be an XML element.
func validName(name string) bool {
	for i, r := range name {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_'
		if !letter && (i == 0 || r != '.' && r != '-' && (r < '0' || r > '9')) {
			return false
		}
	}
	return name != ""
}
