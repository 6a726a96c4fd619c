package ispmanager_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"pmssl/internal/itemparam"
	"pmssl/internal/panellog"
	"pmssl/internal/pki/pkitest"
	"pmssl/internal/seller"
	"pmssl/internal/seller/ispmanager"
	"pmssl/internal/seller/sellertest"

	"github.com/stretchr/testify/require"
)

// An invented login; no log or error may show the password.
const (
	user     = "Reseller@example.test"
	password = "pl4nted-Passw0rd-of-the-remote"
)

// reply answers one function of the remote.
type reply func(w http.ResponseWriter, form url.Values)

// remote is a BILLmanager that answers as the test says, with a client of it.
type remote struct {
	*ispmanager.Client
	log     *panellog.Logger
	dir     string
	address string
	params  map[string]string

	mu        sync.Mutex
	at        time.Time
	functions map[string]reply // "func", or "func sok" for submissions
	asked     []url.Values
}

func newRemote(t *testing.T, functions map[string]reply) *remote {
	t.Helper()
	r := &remote{
		log: panellog.Discard(), dir: t.TempDir(), at: time.Date(2026, 7, 12, 10, 0, 0, 0, time.UTC),
		functions: standard(), params: map[string]string{"username": user, "password": password},
	}
	maps.Copy(r.functions, functions)
	server := httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(server.Close)
	r.address = server.URL
	r.params["url"] = r.address
	r.Client = r.connect(t)
	return r
}

func (r *remote) connect(t *testing.T) *ispmanager.Client {
	t.Helper()
	c, err := ispmanager.New(r.options())
	require.NoError(t, err)
	return c
}

func (r *remote) options() ispmanager.Options {
	return ispmanager.Options{
		Params: r.params, Now: r.now, Sleep: r.sleep, Jitter: func() float64 { return 0.5 }, StateDir: r.dir, Binary: "pmispmgrssl", Log: r.log,
	}
}

func (r *remote) serve(w http.ResponseWriter, q *http.Request) {
	if q.ParseForm() != nil || q.Method != http.MethodPost || q.URL.RawQuery != "" || q.URL.Path != "/billmgr" ||
		q.PostForm.Get("authinfo") != user+":"+password || q.PostForm.Get("lang") != "en" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	name := q.PostForm.Get("func")
	r.mu.Lock()
	r.asked = append(r.asked, q.PostForm)
	answer, found := r.functions[name+" sok"]
	if !found || q.PostForm.Get("sok") == "" && q.PostForm.Get("clicked_button") == "" {
		answer = r.functions[name]
	}
	r.mu.Unlock()
	if answer == nil {
		answer = says(refusal("missed", "func", "Function does not exist"))
	}
	answer(w, q.PostForm)
}

func (r *remote) now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.at
}

func (r *remote) sleep(ctx context.Context, d time.Duration) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at = r.at.Add(d)
	return ctx.Err()
}

// set changes an answer while the test runs.
func (r *remote) set(name string, answer reply) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.functions[name] = answer
}

// submitted returns the submissions to a function, without the parameters of every request.
func (r *remote) submitted(function string) []url.Values {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []url.Values
	for _, form := range r.asked {
		if form.Get("func") == function && form.Get("sok") != "" {
			own := maps.Clone(form)
			for _, name := range []string{"func", "authinfo", "lang", "out"} {
				own.Del(name)
			}
			all = append(all, own)
		}
	}
	return all
}

// says answers with HTTP 200 and the document.
func says(body string) reply { return status(http.StatusOK, body) }

func status(code int, body string) reply {
	return func(w http.ResponseWriter, _ url.Values) {
		w.Header().Set("Content-Type", "text/xml; charset=UTF-8")
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
	}
}

// drops ends the connection without an answer, after calling first.
func drops(first func()) reply {
	return func(w http.ResponseWriter, _ url.Values) {
		if first != nil {
			first()
		}
		if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
			_ = conn.Close()
		}
	}
}

// doc returns a document like the recorded ones, with the copy of the request.
func doc(function, content string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<doc lang="en" func="` + function + `" binary="/billmgr" host="https://bill.example.test" themename="orion">` +
		content + `<tparams><authinfo>` + user + `:` + password + `</authinfo><func>` + function + `</func><CN>tparams.example.test</CN><id>666</id></tparams><saved_filters/></doc>`
}

func refusal(kind, object, text string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><doc><error type="` + kind + `" object="` + object + `" lang="en"><param name="object" type="msg">` + object +
		`</param><param name="value"/><stack><action level="16" user="u">f</action></stack><msg>` + text + `</msg></error></doc>`
}

func whoami(balance string) reply {
	return says(doc("whoami", `<user id="4" name="reseller" level="16" account="3" balance="`+balance+`" currency="EUR"/>`))
}

// listed returns the list of certificates with these rows.
func listed(rows ...string) reply {
	return says(doc("certificate", toolbar("certificate.order", "certificate.edit", "certificate.reissue", "certificate.delete", "service.prolong")+
		strings.Join(rows, "")+fmt.Sprintf("<p_cnt>500</p_cnt><p_num>1</p_num><p_elems>%d</p_elems>", len(rows))))
}

func toolbar(functions ...string) string {
	text := `<metadata name="certificate" type="list"><toolbar><toolgrp name="g">`
	for _, f := range functions {
		text += `<toolbtn func="` + f + `" name="x" type="new"/>`
	}
	return text + `</toolgrp></toolbar></metadata>`
}

// row returns one service; fields are further elements.
func row(id int, name string, status int, fields string) string {
	return fmt.Sprintf(`<elem><id>%d</id><CN>%s</CN><item_status orig="%d">text</item_status><createdate>2026-07-12</createdate>`+
		`<pricelist>Sectigo (ex Comodo) PositiveSSL</pricelist><period>12</period>%s</elem>`, id, name, status, fields)
}

const (
	csrForm = `<metadata name="f" type="form"><form><field name="crt_type"><select name="crt_type" required="yes"/></field><field name="csr"><textarea name="csr"/></field>` +
		`<field name="CN"><input type="text" name="CN"/></field><field name="field_country"><select name="field_country"/></field></form></metadata>` +
		`<crt_type>generate</crt_type><csr/><CN/><field_country>182</field_country><pricelist>3033</pricelist><period>12</period>` +
		`<slist name="crt_type"><val key="generate">Generate</val><val key="exists">Existing</val></slist>` +
		`<slist name="field_country"><val key="182" image="/manimg/common/flag/RU.png">Russia</val><val key="81" image="/manimg/common/flag/DE.png">Germany</val></slist>`
	paramForm = `<metadata name="f" type="form"><form><field name="approver_method"><select name="approver_method" required="yes"/></field>` +
		`<field name="adm_email"><input type="text" name="adm_email"/></field><field name="remoteid"><input type="hidden" name="remoteid"/></field></form>` +
		`<buttons><button name="finish" type="ok"/></buttons></metadata><approver_method>auth_email</approver_method>` +
		`<slist name="approver_method"><val key="auth_email">e</val><val key="auth_dnscname">c</val><val key="auth_http">h</val></slist>` +
		`<slist name="autoprolong"><val key="null">off</val><val key="12">12</val></slist><autoprolong>12</autoprolong><key>PRIVATE</key>`
	priceList = `<pricelist><id>3033</id><name>Sectigo (ex Comodo) PositiveSSL</name><active>on</active><itemtype_info><intname>certificate</intname></itemtype_info>` +
		`<price currency="EUR"><period cost="9.0000" type="month" length="12">a</period><period cost="17.0000" type="month" length="24">b</period></price></pricelist>`
)

// standard returns the answers of a remote with a balance, one product and no orders.
func standard() map[string]reply {
	return map[string]reply{
		"whoami": whoami("125.50"), "certificate": listed(), "pricelist.export": says(doc("pricelist.export", priceList)),
		"certificate.order.csr": says(doc("certificate.order.csr", csrForm)), "certificate.order.csr sok": says(doc("certificate.order.param", paramForm)),
		"certificate.order.param": says(doc("certificate.order.param", paramForm)), "basket": says(doc("basket", `<list name="itemlist"/>`)),
	}
}

var requireFault = sellertest.RequireFault

// signer makes CSRs and certificates of one key.
type signer struct{ key *ecdsa.PrivateKey }

func newSigner(t *testing.T) signer {
	t.Helper()
	return signer{pkitest.NewKey(t)}
}

func (s signer) csr(t *testing.T, subject pkix.Name) string {
	t.Helper()
	return pkitest.RequestPEM(t, s.key, x509.CertificateRequest{Subject: subject})
}

func (s signer) leaf(t *testing.T, name string) string {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Date(2026, 7, 12, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2027, 1, 27, 0, 0, 0, 0, time.UTC)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, s.key.Public(), s.key)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// request returns a checked order for the names; the subject's country is Germany.
func request(t *testing.T, id, method, emails string, names ...string) seller.Request {
	t.Helper()
	return requestOf(t, newSigner(t).csr(t, pkix.Name{CommonName: names[0], Country: []string{"DE"}}), id, map[string]string{
		itemparam.Method: method, itemparam.Approver: emails, "adm_email": "ann@example.test",
	}, names[1:]...)
}

func requestOf(t *testing.T, csr, id string, params map[string]string, further ...string) seller.Request {
	t.Helper()
	p, found := seller.FindProduct(ispmanager.Products(t.TempDir(), "none"), id)
	require.True(t, found, id)
	r, err := seller.NewRequest(p, csr, strings.Join(further, " "), -1, params)
	require.NoError(t, err)
	return r
}

// order returns a purchase of twelve months with the reference panel-42.
func order(r seller.Request) seller.Purchase {
	return seller.Purchase{Kind: seller.KindOrder, Product: r.Product, Months: 12, OrderRef: "panel-42", Request: r}
}
