package acceptance

import (
	"cmp"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"pmssl/internal/cabforum"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

// Functions of the billing.
const (
	ispWho     = "whoami"
	ispPrices  = "pricelist.export"
	ispList    = "certificate"
	ispCSR     = "certificate.order.csr"
	ispParam   = "certificate.order.param"
	ispEdit    = "certificate.edit"
	ispReissue = "certificate.reissue"
	ispProlong = "service.prolong"
)

// loopback reports whether an address is on this host.
func loopback(address string) bool {
	parsed, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(parsed.Hostname())
	return parsed.Hostname() == "localhost" || err == nil && ip.IsLoopback()
}

// submitted reports whether a request submits a form.
func (x Exchange) submitted() bool { return x.Form.Get("sok") == "ok" }

// failure returns the type of the billing's error document, "error" if it has none; empty if the answer is no error.
func (x Exchange) failure() string {
	if e := x.root.Child("error"); e != nil {
		return cmp.Or(e.Attr("type"), "error")
	}
	return ""
}

// field returns a value of a form: at the top, or in the document nested in it.
func (x Exchange) field(name string) string {
	if text := x.root.Child(name).Text(); text != "" {
		return text
	}
	return x.root.Child("doc").Child(name).Text()
}

// hasField reports whether a form has the field, with a value or not.
func (x Exchange) hasField(name string) bool {
	for _, form := range []*sellerhttp.Element{x.root, x.root.Child("doc")} {
		if form.Child(name) != nil || slices.ContainsFunc(form.All("slist"), func(list *sellerhttp.Element) bool { return list.Attr("name") == name }) {
			return true
		}
		for _, kind := range []string{"input", "select", "textarea"} {
			if slices.ContainsFunc(within(form.Child("metadata"), kind), func(control *sellerhttp.Element) bool { return control.Attr("name") == name }) {
				return true
			}
		}
	}
	return false
}

// choices returns the keys of a select; false if the form has no such select.
func (x Exchange) choices(name string) ([]*sellerhttp.Element, bool) {
	for _, form := range []*sellerhttp.Element{x.root, x.root.Child("doc")} {
		for _, list := range form.All("slist") {
			if list.Attr("name") == name {
				return list.Children, true
			}
		}
	}
	return nil, false
}

// forms returns the forms of a function that were read and not submitted.
func (e *Evidence) forms(function string) []Exchange {
	return slices.DeleteFunc(e.named(function), func(x Exchange) bool {
		return x.submitted() || x.failure() != "" || x.root.Attr("func") != "" && x.root.Attr("func") != function
	})
}

func ispmanagerWhoami(e *Evidence) Observation {
	found := notSeen()
	for _, x := range e.named(ispWho) {
		user := x.root.Child("user")
		found = all(found, holds(x.failure() == "" && user.Attr("id") != "" && user.Attr("balance") != ""))
	}
	return found
}

func ispmanagerErrorTypes(e *Evidence) Observation {
	found := notSeen()
	for _, x := range e.Exchanges {
		if x.root == nil || !x.submitted() || x.root.Child("error").Attr("object") == "" {
			continue
		}
		found = all(found, holds(slices.Contains([]string{"value", "exists", "missed", "access"}, x.failure())))
	}
	return found
}

func ispmanagerPricelist(e *Evidence) Observation {
	found := notSeen()
	for _, x := range e.named(ispPrices) {
		if x.Form.Get("itemtype") == "certificate" {
			found = all(found, holds(x.failure() == "" && len(x.root.All("pricelist")) > 0))
		}
	}
	return found
}

// certificateRows returns the rows of all answers to the list of certificates.
func (e *Evidence) certificateRows() []*sellerhttp.Element {
	var rows []*sellerhttp.Element
	for _, x := range e.named(ispList) {
		rows = append(rows, x.root.All("elem")...)
	}
	return rows
}

func ispmanagerSorted(e *Evidence) Observation {
	found := notSeen()
	for _, x := range e.named(ispList) {
		var ids []int64
		for _, row := range x.root.All("elem") {
			ids = append(ids, seller.ParseID(row.Child("id").Text()))
		}
		if x.Form.Get("p_col") == "" || len(ids) < 2 {
			continue
		}
		slices.Reverse(ids)
		found = all(found, holds(slices.IsSorted(ids)))
	}
	return found
}

// toolbar returns the functions of the toolbar of the list of certificates.
func (x Exchange) toolbar() []string {
	var names []string
	for _, button := range within(x.root.Child("metadata"), "toolbtn") {
		names = append(names, button.Attr("func"))
	}
	return names
}

func ispmanagerToolbar(e *Evidence) Observation {
	found := notSeen()
	for _, x := range e.named(ispList) {
		if x.failure() == "" && (x.Form.Get("out") == "" || x.Form.Get("out") == "xml") {
			found = all(found, holds(len(x.toolbar()) > 0))
		}
	}
	return found
}

// toolbarHas observes whether the toolbar has one of the functions.
func toolbarHas(functions ...string) func(*Evidence) Observation {
	return func(e *Evidence) Observation {
		found := notSeen()
		for _, x := range e.named(ispList) {
			if offered := x.toolbar(); len(offered) > 0 {
				found = all(found, holds(slices.ContainsFunc(functions, func(name string) bool { return slices.Contains(offered, name) })))
			}
		}
		return found
	}
}

func ispmanagerAllowDelete(e *Evidence) Observation {
	allowed := ""
	for _, x := range e.named(ispWho) {
		if value := x.root.Child("user").Attr("allowdeleteitem"); value != "" {
			allowed = value
		}
	}
	found := notSeen()
	for _, x := range e.Exchanges {
		if x.root != nil && x.submitted() && strings.Contains(x.Name, "delete") && allowed != "" {
			found = all(found, holds((x.failure() == "") == (allowed != "off")))
		}
	}
	return found
}

func ispmanagerOwnCSR(e *Evidence) Observation {
	found := notSeen()
	for _, x := range e.forms(ispCSR) {
		keys, there := x.choices("crt_type")
		own := slices.ContainsFunc(keys, func(one *sellerhttp.Element) bool {
			key := one.Attr("key")
			return key != "" && key != "generate" && key != "null"
		})
		found = all(found, holds(there && own))
	}
	return found
}

func ispmanagerCountries(e *Evidence) Observation {
	found := notSeen()
	for _, x := range e.forms(ispCSR) {
		keys, there := x.choices("field_country")
		if !there {
			continue
		}
		found = all(found, holds(slices.ContainsFunc(keys, func(one *sellerhttp.Element) bool {
			return one.Attr("key") == "182" && strings.Contains(strings.ToLower(one.Attr("image")+" "+one.Text()), "ru")
		})))
	}
	return found
}

func ispmanagerMethodField(e *Evidence) Observation {
	found := notSeen()
	for _, x := range e.forms(ispParam) {
		found = all(found, holds(x.hasField("approver_method")))
	}
	return found
}

func ispmanagerMethods(e *Evidence) Observation {
	found := notSeen()
	for _, x := range e.forms(ispParam) {
		keys, there := x.choices("approver_method")
		if !there {
			continue
		}
		found = all(found, holds(slices.ContainsFunc(keys, func(one *sellerhttp.Element) bool {
			return slices.Contains([]string{"auth_dnstxt", "auth_dnscname", "auth_dns", "auth_http", "auth_https"}, one.Attr("key"))
		})))
	}
	return found
}

func ispmanagerOrgCountry(e *Evidence) Observation {
	found := notSeen()
	for _, x := range e.Exchanges {
		if x.root == nil || x.submitted() {
			continue
		}
		keys, there := x.choices("org_country")
		if !there || len(keys) == 0 {
			continue
		}
		found = all(found, holds(!slices.ContainsFunc(keys, func(one *sellerhttp.Element) bool {
			key := one.Attr("key")
			return key != "" && key != "null" && seller.ParseID(key) == 0
		})))
	}
	return found
}

// orders returns the submissions of the step that pays for an order.
func (e *Evidence) orders() []Exchange {
	return slices.DeleteFunc(slices.Clone(e.Exchanges), func(x Exchange) bool {
		return x.root == nil || !x.Pays || !strings.HasPrefix(x.Name, "certificate.order")
	})
}

func ispmanagerOrdered(e *Evidence) Observation {
	step, done := e.step(StageOrder)
	switch {
	case len(e.orders()) == 0 || step.Name == "":
		return notSeen()
	case done:
		return holds(true)
	}
	for _, x := range e.orders() {
		if x.failure() != "" {
			return holds(false)
		}
	}
	return notSeen()
}

func ispmanagerOrderID(e *Evidence) Observation {
	found := notSeen()
	for _, x := range e.orders() {
		if x.failure() == "" && x.root.Child("ok") != nil && x.root.Child("ok").Text() == "" {
			found = all(found, holds(seller.ParseID(x.field("id")) != 0))
		}
	}
	return found
}

// ownRows returns the rows of the item's order.
func (e *Evidence) ownRows() []*sellerhttp.Element {
	id := seller.ParseID(e.Item.Params[itemparam.OrderID])
	return slices.DeleteFunc(e.certificateRows(), func(row *sellerhttp.Element) bool { return id == 0 || seller.ParseID(row.Child("id").Text()) != id })
}

func ispmanagerRemoteID(e *Evidence) Observation {
	found := notSeen()
	for _, row := range e.ownRows() {
		found = all(found, holds(row.Child("remoteid").Text() != ""))
	}
	return found
}

func ispmanagerServiceInList(e *Evidence) Observation {
	found := notSeen()
	for _, row := range e.ownRows() {
		found = all(found, holds(row.Child("service_status").Text() != ""))
	}
	return found
}

// edits returns the forms certificate.edit of the item's order.
func (e *Evidence) edits() []Exchange {
	id := e.Item.Params[itemparam.OrderID]
	return slices.DeleteFunc(e.forms(ispEdit), func(x Exchange) bool { return id == "" || x.Form.Get("elid") != id })
}

func ispmanagerServiceInEdit(e *Evidence) Observation {
	found := notSeen()
	for _, x := range e.edits() {
		found = all(found, holds(x.field("service_status") != ""))
	}
	return found
}

func ispmanagerCSREcho(e *Evidence) Observation {
	own, err := pki.ReadCSR(e.Item.CSR)
	if err != nil {
		return notSeen()
	}
	found := notSeen()
	for _, x := range e.edits() {
		shown, err := pki.ReadCSR(x.field("csr"))
		found = all(found, holds(err == nil && shown.SameKey(own.PublicKey)))
	}
	return found
}

// issued reports whether the billing shows the order of an edit form as issued, or the item has its certificate.
func (e *Evidence) issued(x Exchange) bool {
	return x.field("service_status") == "5" || e.Item.Stored != "" && x.field("service_status") == ""
}

func ispmanagerCertificateInEdit(e *Evidence) Observation {
	found := notSeen()
	for _, x := range e.edits() {
		if e.issued(x) {
			found = all(found, holds(x.field("crt") != ""))
		}
	}
	return found
}

func ispmanagerChain(e *Evidence) Observation {
	found := notSeen()
	for _, x := range e.edits() {
		chain, err := pki.StoredLeaf(x.field("crt"))
		if err == nil {
			found = all(found, holds(len(chain.Intermediates) > 0))
		}
	}
	return found
}

func ispmanagerChallenges(e *Evidence) Observation {
	if method, err := seller.ParseMethod(e.Item.Params[itemparam.Method]); err != nil || method == seller.MethodEmail {
		return notSeen()
	}
	found := notSeen()
	for _, x := range e.edits() {
		if status := x.field("service_status"); status != "3" && status != "4" && e.Item.Stored != "" {
			continue
		}
		shown := slices.ContainsFunc(append(slices.Clone(x.root.Children), children(x.root.Child("doc"))...), func(one *sellerhttp.Element) bool {
			return strings.HasPrefix(one.Name, "auth_") && strings.HasSuffix(one.Name, "_value") && one.Text() != ""
		})
		found = all(found, holds(shown))
	}
	return found
}

func children(e *sellerhttp.Element) []*sellerhttp.Element {
	if e == nil {
		return nil
	}
	return e.Children
}

func ispmanagerAutoprolong(e *Evidence) Observation {
	found := notSeen()
	for _, x := range e.edits() {
		found = all(found, holds(x.hasField("autoprolong")))
	}
	return found
}

func ispmanagerExpires(e *Evidence) Observation {
	leaf, there := e.leaf()
	if !there {
		return notSeen()
	}
	end, term := cabforum.DateOf(leaf.Leaf.NotAfter), e.termEnd()
	found := notSeen()
	for _, row := range e.ownRows() {
		shown := isoDate(row.Child("real_expiredate").Text())
		if shown.IsZero() {
			shown = isoDate(row.Child("expiredate").Text())
		}
		switch {
		case shown.IsZero() || near(end, term):
		case near(shown, end):
			found = all(found, holds(true))
		case near(shown, term):
			found = all(found, Observation{False, "it is the end of the paid term"})
		}
	}
	return found
}

// isoDate reads YYYY-MM-DD, whatever follows it; zero if it is none.
func isoDate(text string) cabforum.Date {
	date, err := cabforum.ParseDate(text[:min(len(text), 10)])
	if err != nil {
		return cabforum.Date{}
	}
	return date
}

func ispmanagerReissue(e *Evidence) Observation {
	step, done := e.step(StageReissue)
	sent := slices.ContainsFunc(e.named(ispReissue), Exchange.submitted)
	switch {
	case !sent || step.Name == "":
		return notSeen()
	case !done:
		return holds(false)
	}
	return holds(step.Before.Params[itemparam.OrderID] == step.After.Params[itemparam.OrderID])
}

func ispmanagerProlongForm(e *Evidence) Observation {
	found := notSeen()
	for _, x := range e.named(ispProlong) {
		if !x.submitted() {
			found = all(found, holds(x.failure() == "" && x.hasField("period") && x.hasField("expiredate")))
		}
	}
	return found
}

func ispmanagerProlonged(e *Evidence) Observation {
	found := notSeen()
	for _, x := range e.named(ispProlong) {
		if x.submitted() && x.failure() == "" {
			found = all(found, holds(!isoDate(x.field("newexpiredate")).IsZero()))
		}
	}
	return found
}

func ispmanagerDeleted(e *Evidence) Observation {
	id, found := int64(0), notSeen()
	for _, x := range e.Exchanges {
		switch {
		case x.root == nil || x.failure() != "":
		case x.submitted() && strings.Contains(x.Name, "delete"):
			id, found = seller.ParseID(x.Form.Get("elid")), notSeen()
		case id != 0 && x.Name == ispList && len(x.root.All("elem")) > 0:
			rows := slices.DeleteFunc(x.root.All("elem"), func(row *sellerhttp.Element) bool { return seller.ParseID(row.Child("id").Text()) != id })
			alive := slices.ContainsFunc(rows, func(row *sellerhttp.Element) bool {
				status := row.Child("item_status")
				return !strings.Contains(status.Attr("orig")+status.Text()+row.Child("item_real_status").Text()+row.Child("status").Attr("orig"), "4")
			})
			found = all(found, holds(!alive))
		}
	}
	return found
}

func ispmanagerHelpers(e *Evidence) Observation {
	found := notSeen()
	for _, function := range []string{"certificate.filter", "basket"} {
		for _, x := range e.named(function) {
			found = all(found, holds(x.failure() == ""))
		}
	}
	return found
}

func ispmanagerTemplates(e *Evidence) Observation {
	found := notSeen()
	for _, x := range e.named(ispPrices) {
		for _, tariff := range x.root.All("pricelist") {
			found = all(found, holds(len(within(tariff, "intname")) > len(within(tariff.Child("itemtype_info"), "intname"))))
		}
	}
	return found
}

// ispmanagerDownload observes the function for files, where the certificate is not in the form.
func ispmanagerDownload(e *Evidence) Observation {
	found := toolbarHas("certificate.file", "certificate.download", "certificate.crt")(e)
	if found.Verdict == False && ispmanagerCertificateInEdit(e).Verdict != False {
		return notSeen()
	}
	return found
}
