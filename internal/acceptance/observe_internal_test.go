package acceptance

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/cabforum"
	"pmssl/internal/exchange"
	"pmssl/internal/item"
	"pmssl/internal/pki"
	"pmssl/internal/pki/pkitest"
	"pmssl/internal/seller"
)

// said is one exchange with a seller: the call's name, its parameters as a=b&c=d, and the answer.
func said(name, form, body string) Exchange {
	values, err := url.ParseQuery(form)
	if err != nil {
		panic(err)
	}
	call := exchange.Call{Address: "https://api.sandbox.namecheap.com/xml.response", Name: name, Form: values, Changes: !strings.Contains(name, ".get"), Pays: name == ncCreate || name == ncRenew}
	return newExchange(call, exchange.Answer{Status: 200, Body: []byte(body)})
}

// ok and refused are Namecheap's envelope.
func ok(result string) string {
	return `<ApiResponse Status="OK"><Errors/><CommandResponse>` + result + `</CommandResponse></ApiResponse>`
}

func refused(number string) string {
	return `<ApiResponse Status="ERROR"><Errors><Error Number="` + number + `">no</Error></Errors></ApiResponse>`
}

func info(attributes, children string) string {
	return ok(`<SSLGetInfoResult ` + attributes + `>` + children + `</SSLGetInfoResult>`)
}

func list(rows string) string { return ok(`<SSLListResult>` + rows + `</SSLListResult>`) }

// doc is a document of the billing.
func doc(content string) string { return `<doc>` + content + `</doc>` }

// evidence is what a case is about; the item is 42 with the order 7.
type evidence struct {
	exchanges []Exchange
	calls     []exchange.PanelCall
	steps     []Step
	change    func(*Evidence)
}

func (c evidence) build() *Evidence {
	e := &Evidence{
		Exchanges: c.exchanges, Calls: c.calls, Steps: c.steps, Now: time.Date(2026, 8, 3, 10, 0, 0, 0, time.UTC),
		Products: []seller.Product{{ID: "positivessl", Names: []string{"PositiveSSL"}, Level: seller.DV}, {ID: "san", Names: []string{"SAN Certificate"}, Level: seller.DV, MultiDomain: true},
			{ID: "ov", Names: []string{"OV"}, Level: seller.OV}},
		Item: item.Item{Item: 42, Status: 2, Template: "positivessl", Params: map[string]string{
			"custom_order_id": "7", "lineage": "7", "term_start": "2026-08-03", "term_months": "12", "approver_method": "auth_dnscname",
		}},
	}
	if c.change != nil {
		c.change(e)
	}
	return e
}

func seen(exchanges ...Exchange) evidence { return evidence{exchanges: exchanges} }

// with changes the evidence before it is looked at.
func (c evidence) with(change func(*Evidence)) evidence { c.change = change; return c }

func template(id string) func(*Evidence) { return func(e *Evidence) { e.Item.Template = id } }

// Each observable fact is true of an answer as it is assumed, false of one that is different, and not seen without either.
func TestEveryFactIsSeenBothWays(t *testing.T) {
	csr, other, longLeaf, chain := certificates(t)
	leaf := longLeaf(199)
	stored := func(text string) func(*Evidence) {
		return func(e *Evidence) {
			e.Item.CSR, e.Item.Stored, e.Item.Params["certificate_key"] = csr.PEM, text, csr.KeyHash()
		}
	}
	pem := func(text string) string { return `<Certificate><![CDATA[` + text + `]]></Certificate>` }
	details := func(inner string) string {
		return `<CertificateDetails><Certificates>` + inner + `</Certificates></CertificateDetails>`
	}
	dns := func(target string) string {
		return `<DNSDCValidation ValueAvailable="true"><DNS domain="a.example"><HostName>_x.a.example</HostName><Target>` + target + `</Target></DNS></DNSDCValidation>`
	}
	step := func(name string, before, after item.Item) Step { return Step{Name: name, Before: before, After: after} }
	at := func(id string, status int) item.Item {
		return item.Item{Item: 42, Status: status, Params: map[string]string{"custom_order_id": id, "certificate_key": csr.KeyHash()}}
	}
	taken := func(function string) []exchange.PanelCall {
		return []exchange.PanelCall{{Function: function, Answered: true}}
	}
	reissued := said(ncReissue, "CertificateID=7", ok(`<SSLReissueResult ID="8" IsSuccess="true">`+dns("y.ssl.com")+`</SSLReissueResult>`))
	row := func(inner string) Exchange { return said(ispList, "", doc(`<elem><id>7</id>`+inner+`</elem>`)) }
	edit := func(inner string) Exchange { return said(ispEdit, "elid=7", doc(inner)) }
	toolbar := func(functions ...string) Exchange {
		text := ""
		for _, name := range functions {
			text += `<toolbtn func="` + name + `"/>`
		}
		return said(ispList, "", doc(`<metadata><toolbar>`+text+`</toolbar></metadata>`))
	}
	paid := func(name, body string) Exchange {
		x := said(name, "sok=ok", body)
		x.Pays, x.Changes = true, true
		return x
	}
	cases := map[string]struct{ yes, no evidence }{
		"FACT-N2": {seen(reissued), seen(Exchange{Call: exchange.Call{Name: ncReissue, Changes: true}, Answer: exchange.Answer{TimedOut: true}})},
		"FACT-N3": {seen(said(ncInfo, "", info(`Status="active"`, ""))), seen(said(ncList, "", list(`<SSL Status="melted"/>`)))},
		"FACT-N4": {seen(said(ncCreate, "Type=Standard SSL", ok(`<SSLCreateResult/>`))), seen(said(ncCreate, "Type=Standard SSL", refused("2011301")))},
		"FACT-N5": {seen(said(ncCreate, "Type=PositiveSSL", ok(`<SSLCreateResult/>`))), seen(said(ncCreate, "Type=PositiveSSL", refused("2011301")))},
		"FACT-N6": {seen(said(ncCreate, "", ok(`<SSLCreateResult><SSLCertificate CertificateID="7"/></SSLCreateResult>`))), seen(said(ncCreate, "", ok(`<SSLCreateResult CertificateID="7"/>`)))},
		"FACT-N7": {seen(said(ncInfo, "", info(`Type="positivessl"`, ""))), seen(said(ncInfo, "", info(`Type="goldssl"`, "")))},
		"FACT-N8": {seen(said(ncActivate, "ApproverEmail=a@b.example", ok(`<SSLActivateResult><DNSDCValidation ValueAvailable="false"/></SSLActivateResult>`))),
			seen(said(ncActivate, "ApproverEmail=a@b.example", ok(`<SSLActivateResult>`+dns("x.ssl.com")+`</SSLActivateResult>`)))},
		"FACT-N9":  {seen(said(ncActivate, "", ok(``))), seen(said(ncActivate, "", refused("2010214")))},
		"FACT-N10": {seen(said(ncInfo, "", info(`SANSCount="2"`, ""))).with(template("san")), seen(said(ncInfo, "", info(`SANSCount="0"`, ""))).with(template("san"))},
		"FACT-N11": {seen(said(ncInfo, "", info(`Years="1" validationType="dns"`, ""))), seen(said(ncInfo, "", info(`Years="1"`, "")))},
		"FACT-N12": {seen(said(ncList, "", list(`<SSL Years="1" ProviderOrderID="5"/>`))), seen(said(ncList, "", list(`<SSL Years="1"/>`)))},
		"FACT-N13": {seen(said(ncInfo, "CertificateID=7", info("", `<CertificateDetails><CSR>`+csr.PEM+`</CSR></CertificateDetails>`))).with(stored("")),
			seen(said(ncInfo, "CertificateID=7", info("", `<CertificateDetails><CSR>gone</CSR></CertificateDetails>`))).with(stored(""))},
		"FACT-N14": {seen(said(ncInfo, "", info("", details(pem(leaf)+`<CaCertificates>`+pem(chain)+`</CaCertificates>`)))), seen(said(ncInfo, "", info("", details(pem(leaf)))))},
		"FACT-N15": {seen(said(ncInfo, "", info(`Expires="2/18/2027"`, details(pem(leaf))))), seen(said(ncInfo, "", info(`Expires="8/3/2027"`, details(pem(leaf)))))},
		"FACT-N16": {seen(reissued), seen(said(ncActivate, "", ok(`<SSLActivateResult><DNSDCValidation><Name>x</Name></DNSDCValidation></SSLActivateResult>`)))},
		"FACT-N17": {seen(reissued), seen(said(ncActivate, "", ok(`<SSLActivateResult>`+dns("y.other.example")+`</SSLActivateResult>`)))},
		"FACT-N18": {seen(reissued, said(ncEdit, "CertificateID=8", ok(`<SSLEditDCVMethodResult>`+dns("y.ssl.com")+`</SSLEditDCVMethodResult>`))),
			seen(reissued, said(ncEdit, "CertificateID=8", ok(`<SSLEditDCVMethodResult>`+dns("z.ssl.com")+`</SSLEditDCVMethodResult>`)))},
		"FACT-N19": {seen(said(ncInfo, "", `<ApiResponse Status="OK"><Warnings><Warning Number="1">x</Warning></Warnings></ApiResponse>`)),
			seen(said(ncInfo, "", `<ApiResponse Status="OK"><Warnings>x</Warnings></ApiResponse>`))},
		"FACT-N20": {seen(said(ncActivate, "", ok(``))).with(template("ov")), seen(said(ncActivate, "", refused("2010396"))).with(template("ov"))},
		"FACT-N22": {seen(said(ncPricing, "", ok(`<Product Name="positivessl"><Price Duration="2" YourPrice="5.00" YourPriceType="MULTIPLE"/></Product>`)), said(ncCreate, "Type=PositiveSSL&Years=2", ok(`<SSLCreateResult ChargedAmount="10.0000"/>`))),
			seen(said(ncPricing, "", ok(`<Product Name="positivessl"><Price Duration="2" YourPrice="5.00" YourPriceType="MULTIPLE"/></Product>`)), said(ncCreate, "Type=PositiveSSL&Years=2", ok(`<SSLCreateResult ChargedAmount="5.0000"/>`)))},
		"FACT-N23": {seen(said(ncPricing, "", ok(`<Product Name="standard-ssl-sslcom"/>`))), seen(said(ncPricing, "", ok(`<Product Name="positivessl"/>`)))},
		"FACT-N24": {seen(reissued), seen(said(ncReissue, "CertificateID=7", ok(`<SSLReissueResult ID="7"/>`)))},
		"FACT-N25": {seen(reissued), seen(said(ncReissue, "CertificateID=7", ok(`<SSLActivateResult ID="8"/>`)))},
		"FACT-N26": {evidence{exchanges: []Exchange{said(ncReissue, "CSR="+url.QueryEscape(csr.PEM), ok(``))}, steps: []Step{step(StageReissue, at("7", 2), at("8", 2))}},
			evidence{exchanges: []Exchange{said(ncReissue, "CSR="+url.QueryEscape(csr.PEM), refused("4011296"))}, steps: []Step{step(StageReissue, at("7", 2), at("7", 2))}}},
		"FACT-N27": {seen(reissued, said(ncInfo, "CertificateID=8", info(`Status="purchased"`, "")), said(ncInfo, "CertificateID=7", info(`Status="replaced"`, ""))),
			seen(reissued, said(ncInfo, "CertificateID=8", info(`Status="purchased"`, "")), said(ncInfo, "CertificateID=7", info(`Status="active"`, "")))},
		"FACT-N28": {seen(said(ncInfo, "CertificateID=7", info(`Status="replaced" ReplacedBy="8"`, ""))), seen(said(ncInfo, "CertificateID=7", info(`Status="replaced" ReplacedBy="0"`, "")))},
		"FACT-N29": {seen(said(ncInfo, "CertificateID=7", info(`Status="replaced" ReplacedBy="8"`, `<Provider><OrderID>5</OrderID></Provider>`)), said(ncInfo, "CertificateID=8", info(`Status="active"`, `<Provider><OrderID>5</OrderID></Provider>`))),
			seen(said(ncInfo, "CertificateID=7", info(`Status="replaced" ReplacedBy="8"`, `<Provider><OrderID>5</OrderID></Provider>`)), said(ncInfo, "CertificateID=8", info(`Status="active"`, `<Provider><OrderID>6</OrderID></Provider>`)))},
		"FACT-N30": {seen(reissued, said(ncInfo, "CertificateID=8", info(`Status="purchased"`, ""))), seen(reissued, said(ncInfo, "CertificateID=8", info(`Status="active"`, "")))},
		"FACT-N31": {evidence{change: func(e *Evidence) {
			e.Item.Stored, e.Item.Params["term_months"] = leaf, "6"
			e.Item.Params["term_start"] = "2026-08-18"
		}},
			evidence{change: func(e *Evidence) { e.Item.Stored, e.Item.Params["term_months"] = leaf, "3" }}},
		"FACT-N32": {seen(said(ncInfo, "", info(`Status="active"`, details(pem(leaf))))).with(func(e *Evidence) { e.Now = e.Now.AddDate(0, 8, 0) }),
			seen(said(ncInfo, "", info(`Status="expired"`, details(pem(leaf))))).with(func(e *Evidence) { e.Now = e.Now.AddDate(0, 8, 0) })},
		"FACT-N33": {seen(said(ncList, "SearchTerm=a.example", list(`<SSL HostName="a.example" Status="active"/>`))), seen(said(ncList, "SearchTerm=a.example", list(``)))},
		"FACT-N34": {seen(said(ncRenew, "", ok(``))), seen(said(ncRenew, "", refused("4011294")))},
		"FACT-N35": {seen(said(ncRevoke, "CertificateType=Standard SSL SSLcom", ok(``))), seen(said(ncRevoke, "CertificateType=Standard SSL SSLcom", refused("2011300")))},

		"FACT-I1":  {seen(said(ispWho, "", doc(`<user id="1" balance="1.00"/>`))), seen(said(ispWho, "", doc(`<error type="access"/>`)))},
		"FACT-I5":  {seen(said(ispParam, "sok=ok", doc(`<error type="value" object="csr"/>`))), seen(said(ispParam, "sok=ok", doc(`<error type="certificate" object="csr"/>`)))},
		"FACT-I6":  {seen(said(ispPrices, "itemtype=certificate", doc(`<pricelist/>`))), seen(said(ispPrices, "itemtype=certificate", doc(`<error type="access"/>`)))},
		"FACT-I8":  {seen(said(ispList, "p_col=-id", doc(`<elem><id>9</id></elem><elem><id>7</id></elem>`))), seen(said(ispList, "p_col=-id", doc(`<elem><id>7</id></elem><elem><id>9</id></elem>`)))},
		"FACT-I9":  {seen(toolbar("certificate.edit")), seen(said(ispList, "out=xml", doc(``)))},
		"FACT-I10": {seen(said(ispWho, "", doc(`<user allowdeleteitem="off"/>`)), said("certificate.delete", "sok=ok", doc(`<error type="access"/>`))), seen(said(ispWho, "", doc(`<user allowdeleteitem="off"/>`)), said("certificate.delete", "sok=ok", doc(`<ok/>`)))},
		"FACT-I11": {seen(said(ispCSR, "", doc(`<slist name="crt_type"><val key="generate"/><val key="exists"/></slist>`))), seen(said(ispCSR, "", doc(`<slist name="crt_type"><val key="generate"/></slist>`)))},
		"FACT-I12": {seen(said(ispCSR, "", doc(`<slist name="field_country"><val key="182" image="ru.png">x</val></slist>`))), seen(said(ispCSR, "", doc(`<slist name="field_country"><val key="182" image="de.png">x</val></slist>`)))},
		"FACT-I13": {seen(said(ispParam, "", doc(`<approver_method/>`))), seen(said(ispParam, "", doc(`<csr/>`)))},
		"FACT-I14": {seen(said(ispParam, "", doc(`<slist name="approver_method"><val key="auth_dnstxt"/></slist>`))), seen(said(ispParam, "", doc(`<slist name="approver_method"><val key="auth_email"/></slist>`)))},
		"FACT-I16": {seen(said("organization.x", "", doc(`<slist name="org_country"><val key="182"/></slist>`))), seen(said("organization.x", "", doc(`<slist name="org_country"><val key="RU"/></slist>`)))},
		"FACT-I17": {evidence{exchanges: []Exchange{paid(ispParam, doc(`<ok/>`))}, steps: []Step{step(StageOrder, at("", 5), at("7", 2))}},
			evidence{exchanges: []Exchange{paid(ispParam, doc(`<error type="value"/>`))}, steps: []Step{{Name: StageOrder, Failed: true}}}},
		"FACT-I18": {seen(paid(ispParam, doc(`<ok/><id>7</id>`))), seen(paid(ispParam, doc(`<ok/>`)))},
		"FACT-I21": {seen(row(`<remoteid>a-42</remoteid>`)), seen(row(``))},
		"FACT-I22": {seen(row(`<service_status>4</service_status>`)), seen(row(``))},
		"FACT-I23": {seen(edit(`<service_status>4</service_status>`)), seen(edit(``))},
		"FACT-I24": {seen(edit(`<csr>` + csr.PEM + `</csr>`)).with(stored("")), seen(edit(`<csr>` + other.PEM + `</csr>`)).with(stored(""))},
		"FACT-I25": {seen(edit(`<service_status>5</service_status><crt>` + leaf + `</crt>`)), seen(edit(`<service_status>5</service_status>`))},
		"FACT-I26": {seen(edit(`<crt>` + leaf + chain + `</crt>`)), seen(edit(`<crt>` + leaf + `</crt>`))},
		"FACT-I27": {seen(edit(`<auth_dnscname_value>x</auth_dnscname_value>`)), seen(edit(`<csr/>`))},
		"FACT-I28": {seen(edit(`<autoprolong/>`)), seen(edit(`<csr/>`))},
		"FACT-I29": {seen(row(`<expiredate>2027-02-18</expiredate>`)).with(stored(leaf)), seen(row(`<expiredate>2027-08-03</expiredate>`)).with(stored(leaf))},
		"FACT-I30": {seen(toolbar("certificate.file")), seen(toolbar("certificate.edit"), edit(`<service_status>5</service_status>`))},
		"FACT-I31": {seen(toolbar("certificate.reissue")), seen(toolbar("certificate.again"))},
		"FACT-I32": {evidence{exchanges: []Exchange{said(ispReissue, "sok=ok", doc(`<ok/>`))}, steps: []Step{step(StageReissue, at("7", 2), at("7", 2))}},
			evidence{exchanges: []Exchange{said(ispReissue, "sok=ok", doc(`<ok/>`))}, steps: []Step{step(StageReissue, at("7", 2), at("8", 2))}}},
		"FACT-I34": {seen(said(ispProlong, "", doc(`<period>12</period><expiredate>2027-01-01</expiredate>`))), seen(said(ispProlong, "", doc(`<error type="access"/>`)))},
		"FACT-I35": {seen(said(ispProlong, "sok=ok", doc(`<doc><newexpiredate>2028-01-01</newexpiredate></doc><ok/>`))), seen(said(ispProlong, "sok=ok", doc(`<ok/>`)))},
		"FACT-I37": {seen(toolbar("certificate.delete")), seen(toolbar("certificate.end"))},
		"FACT-I38": {seen(said("certificate.delete", "elid=7&sok=ok", doc(`<ok/>`)), row(`<item_status orig="4"/>`)), seen(said("certificate.delete", "elid=7&sok=ok", doc(`<ok/>`)), row(`<item_status orig="2"/>`))},
		"FACT-I39": {seen(toolbar("certificate.dv.dns")), seen(toolbar("certificate.look"))},
		"FACT-I40": {seen(toolbar("certificate.dv.email")), seen(toolbar("certificate.look"))},
		"FACT-I41": {seen(toolbar("certificate.approver")), seen(toolbar("certificate.look"))},
		"FACT-I43": {seen(said("basket", "", doc(``))), seen(said("basket", "", doc(`<error type="access"/>`)))},
		"FACT-I44": {seen(said(ispPrices, "", doc(`<pricelist><intname>positivessl</intname></pricelist>`))), seen(said(ispPrices, "", doc(`<pricelist><itemtype_info><intname>certificate</intname></itemtype_info></pricelist>`)))},

		"FACT-P1": {evidence{calls: []exchange.PanelCall{{Answered: true, Refused: true}}}, evidence{calls: []exchange.PanelCall{{Answered: true, Refused: true, ExitCode: 1}}}},
		"FACT-P2": {evidence{steps: []Step{{Name: StageOrder, OperationsBefore: 1}}}, evidence{steps: []Step{{Name: StageOrder, OperationsBefore: 1, OperationsAfter: 1}}}},
		"FACT-P3": {evidence{calls: taken("service.postopen"), steps: []Step{step(StageOrder, at("", 5), at("7", 2))}}, evidence{calls: taken("service.postopen"), steps: []Step{step(StageOrder, at("", 5), at("7", 5))}}},
		"FACT-P4": {evidence{calls: taken("certificate.save"), change: stored(leaf)}, evidence{calls: taken("certificate.save"), change: stored("UEsDBA==")}},
		"FACT-P5": {evidence{calls: taken("service.setexpiredate"), change: func(e *Evidence) { stored(leaf)(e); e.Item.ExpireDate = date(2027, 2, 17) }},
			evidence{calls: taken("service.setexpiredate"), change: func(e *Evidence) { stored(leaf)(e); e.Item.ExpireDate = date(2026, 9, 1) }}},
		"FACT-P6":  {evidence{calls: taken("service.postreopen"), steps: []Step{step(StageReissue, at("7", 2), at("8", 2))}}, evidence{calls: taken("service.postreopen"), steps: []Step{step(StageReissue, at("7", 2), at("8", 5))}}},
		"FACT-P7":  {evidence{calls: taken("service.postclose"), steps: []Step{step(StageClose, at("7", 2), at("7", 4))}}, evidence{calls: taken("service.postclose"), steps: []Step{step(StageClose, at("7", 2), at("7", 2))}}},
		"FACT-P30": {evidence{}, evidence{change: func(e *Evidence) { e.Item.Status = 9 }}},
		"FACT-C1":  {evidence{change: stored(leaf)}, evidence{change: stored(longLeaf(230))}},
		"FACT-C2":  {evidence{change: stored(leaf)}, evidence{change: stored(longLeaf(90))}},
	}
	empty := evidence{change: func(e *Evidence) { e.Item = item.Item{} }}.build()
	for _, f := range Facts() {
		if !f.Observable() {
			continue
		}
		t.Run(f.ID, func(t *testing.T) {
			assert.Equal(t, NotSeen, f.observe(empty).Verdict, "without evidence")
			if f.ID == "FACT-N21" { // a sandbox that issues nothing is waited for
				issued := seen(said(ncInfo, "", info(`Status="active"`, details(pem(leaf)))))
				assert.Equal(t, True, f.observe(issued.build()).Verdict)
				return
			}
			c, known := cases[f.ID]
			require.True(t, known, "it has no case")
			assert.Equal(t, True, f.observe(c.yes.build()).Verdict, "as it is assumed")
			assert.Equal(t, False, f.observe(c.no.build()).Verdict, "the other way")
		})
	}
}

func date(y, m, d int) cabforum.Date { return cabforum.Date{Year: y, Month: time.Month(m), Day: d} }

func FuzzObservationsTakeAnyAnswer(f *testing.F) {
	for _, name := range []string{ncInfo, ncList, ncCreate, ispList, ispEdit, ispParam} {
		f.Add(name, "sok=ok&CertificateID=7", `<doc><elem><id>7</id></elem></doc>`)
		f.Add(name, "", info(`Status="active" Expires="1/1/2027"`, `<CertificateDetails/>`))
		f.Add(name, "Years=2", `<doc/>`)
	}
	f.Fuzz(func(t *testing.T, name, form, body string) {
		values, err := url.ParseQuery(form)
		if err != nil {
			return
		}
		x := newExchange(exchange.Call{Name: name, Form: values, Pays: true, Changes: true}, exchange.Answer{Status: 200, Body: []byte(body)})
		e := seen(x, x).build()
		e.Steps = []Step{{Name: StageReissue}, {Name: StageOrder}, {Name: StageClose}}
		for _, fact := range Facts() {
			if fact.Observable() {
				found := fact.observe(e)
				assert.Contains(t, []Verdict{True, False, NotSeen}, found.Verdict)
				assert.Less(t, len(found.Note), 100, "a note is a text of this program")
			}
		}
	})
}

// certificates returns a CSR, another one, and a leaf of the first from 2026-08-03 on for 199 days, with its issuer, in PEM.
func certificates(t *testing.T) (csr, other pki.CSR, leaf func(days int) string, chain string) {
	t.Helper()
	key := pkitest.NewKey(t)
	csr, other = pkitest.CSRFor(t, key, "a.example"), pkitest.CSRFor(t, pkitest.NewKey(t), "a.example")
	ca := pkitest.NewRoot(t, "Root").Sub(t, "CA")
	from := pkitest.Day(2026, 8, 3)
	leaf = func(days int) string {
		return pkitest.PEM(ca.Leaf(t, &key.PublicKey, []string{"a.example"}, pkitest.Between(from, from.AddDate(0, 0, days).Add(-time.Second))))
	}
	return csr, other, leaf, pkitest.PEM(ca.Cert)
}
