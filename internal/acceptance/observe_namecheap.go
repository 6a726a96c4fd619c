package acceptance

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"pmssl/internal/cabforum"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

// Commands of Namecheap's API.
const (
	ncCreate   = "namecheap.ssl.create"
	ncActivate = "namecheap.ssl.activate"
	ncInfo     = "namecheap.ssl.getInfo"
	ncList     = "namecheap.ssl.getList"
	ncReissue  = "namecheap.ssl.reissue"
	ncRenew    = "namecheap.ssl.renew"
	ncRevoke   = "namecheap.ssl.revokecertificate"
	ncEdit     = "namecheap.ssl.editDCVMethod"
	ncPricing  = "namecheap.users.getPricing"
)

// accepted reports whether Namecheap carried the call out.
func (x Exchange) accepted() bool { return strings.EqualFold(x.root.Attr("Status"), "OK") }

// refusedWith reports whether Namecheap refused the call with one of the numbers.
func (x Exchange) refusedWith(numbers ...string) bool {
	for _, one := range x.root.Child("Errors").All("Error") {
		if slices.Contains(numbers, one.Attr("Number")) {
			return true
		}
	}
	return false
}

// result returns an element of the command's response; nil if absent.
func (x Exchange) result(name string) *sellerhttp.Element {
	return x.root.Child("CommandResponse").Child(name)
}

// infos returns the answers to getInfo that were carried out.
func (e *Evidence) infos() []Exchange {
	return slices.DeleteFunc(e.named(ncInfo), func(x Exchange) bool { return !x.accepted() || x.result("SSLGetInfoResult") == nil })
}

// status returns the status of an answer to getInfo in lower case.
func (x Exchange) status() string {
	return strings.ToLower(x.result("SSLGetInfoResult").Attr("Status"))
}

// id returns the certificate that a request is about.
func (x Exchange) id() int64 { return seller.ParseID(x.Form.Get("CertificateID")) }

// namecheapDate reads M/D/YYYY (docs/reference/namecheap.md §0.6); zero if it is none.
func namecheapDate(text string) cabforum.Date {
	at, err := time.Parse("1/2/2006", strings.TrimSpace(text))
	if err != nil {
		return cabforum.Date{}
	}
	return cabforum.DateOf(at)
}

func namecheapInTime(e *Evidence) Observation {
	found := notSeen()
	for _, x := range e.Exchanges {
		if x.Changes && strings.HasPrefix(x.Name, "namecheap.ssl.") && (x.Status != 0 || x.TimedOut) {
			found = all(found, holds(!x.TimedOut))
		}
	}
	return found
}

func namecheapStatuses(e *Evidence) Observation {
	known := []string{
		"active", "newpurchase", "newrenewal", "purchased", "purchaseerror", "cancelled", "replaced", "expired", "inprogress", "new",
		"processing", "emailsent", "completed", "technicalproblem", "deactivated", "revoked",
	}
	found := notSeen()
	for _, x := range e.infos() {
		found = all(found, holds(slices.Contains(known, x.status())))
	}
	for _, x := range e.named(ncList) {
		for _, row := range x.result("SSLListResult").All("SSL") {
			found = all(found, holds(slices.Contains(known, strings.ToLower(row.Attr("Status")))))
		}
	}
	return found
}

// sslcomNames are the documented names of the SSL.com products (docs/reference/namecheap.md §4), as letters and digits. EV SSL is
// an old name too.
func sslcomNames() []string {
	return []string{"standardssl", "standardwildcardssl", "sancertificate", "highassurancessl", "ovwildcardssl", "ovmultidomainssl", "evmultidomainssl"}
}

// letters returns the letters and digits of a name, in lower case.
func letters(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

// namesTaken says whether create took names that fit, or called them unknown.
func (e *Evidence) namesTaken(fits func(name string) bool) Observation {
	found := notSeen()
	for _, x := range e.named(ncCreate) {
		switch {
		case !fits(letters(x.Form.Get("Type"))):
		case x.accepted():
			found = all(found, holds(true))
		case x.refusedWith("2011301"):
			found = all(found, holds(false))
		}
	}
	return found
}

func namecheapDocumentedNames(e *Evidence) Observation {
	return e.namesTaken(func(name string) bool { return slices.Contains(sslcomNames(), name) })
}

func namecheapOldNames(e *Evidence) Observation {
	return e.namesTaken(func(name string) bool {
		return !slices.Contains(sslcomNames(), name) && !strings.HasSuffix(name, "sslcom") && name != "evssl"
	})
}

func namecheapIDOfCreate(e *Evidence) Observation {
	found := notSeen()
	for _, x := range e.named(ncCreate) {
		if x.accepted() {
			found = all(found, holds(seller.ParseID(x.result("SSLCreateResult").Child("SSLCertificate").Attr("CertificateID")) != 0))
		}
	}
	return found
}

func namecheapDeliveredNames(e *Evidence) Observation {
	found := notSeen()
	for _, x := range e.infos() {
		if name := x.result("SSLGetInfoResult").Attr("Type"); name != "" {
			found = all(found, holds(slices.ContainsFunc(e.Products, func(p seller.Product) bool {
				return slices.ContainsFunc(p.Names, func(known string) bool { return letters(known) == letters(name) })
			})))
		}
	}
	return found
}

// submissions returns the activations and reissues that were carried out.
func (e *Evidence) submissions() []Exchange {
	return slices.DeleteFunc(append(e.named(ncActivate), e.named(ncReissue)...), func(x Exchange) bool { return !x.accepted() })
}

// values returns the elements with values to publish of an answer to activate, reissue or editDCVMethod.
func (x Exchange) values() []*sellerhttp.Element {
	var found []*sellerhttp.Element
	for _, block := range append(within(x.root, "DNSDCValidation"), within(x.root, "HttpDCValidation")...) {
		if !strings.EqualFold(block.Attr("ValueAvailable"), "false") {
			found = append(found, append(block.All("DNS"), block)...)
		}
	}
	return found
}

// targets returns the targets and file contents in an answer, without white space, each once.
func (x Exchange) targets() []string {
	var found []string
	for _, one := range x.values() {
		for _, name := range []string{"Target", "FileContent"} {
			if text := strings.Join(strings.Fields(one.Child(name).Text()), " "); text != "" {
				found = append(found, text)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// byMail reports whether a submission asks for validation by e-mail alone.
func (x Exchange) byMail() bool {
	return strings.Contains(x.Form.Get("ApproverEmail"), "@") && !strings.Contains(x.Form.Get("DNSApproverEmails"), "HASH")
}

func namecheapEmailAnswer(e *Evidence) Observation {
	found := notSeen()
	for _, x := range e.submissions() {
		if x.byMail() {
			found = all(found, holds(len(x.targets()) == 0))
		}
	}
	return found
}

func namecheapAdminEmail(e *Evidence) Observation {
	found := notSeen()
	for _, x := range e.named(ncActivate) {
		switch {
		case x.Form.Get("AdminEmailAddress") != "":
		case x.accepted():
			found = all(found, holds(true))
		case x.refusedWith("2010214"):
			found = all(found, holds(false))
		}
	}
	return found
}

func namecheapSANSCount(e *Evidence) Observation {
	if p, known := e.product(); !known || !p.MultiDomain || e.Item.SANs > 2 || seller.ParseID(e.Item.Params[itemparam.SANsBought]) != 0 {
		return notSeen()
	}
	found := notSeen()
	for _, x := range e.infos() {
		switch x.result("SSLGetInfoResult").Attr("SANSCount") {
		case "2":
			found = all(found, holds(true))
		case "0":
			found = all(found, holds(false))
		}
	}
	return found
}

func namecheapHiddenAttributes(e *Evidence) Observation {
	found := notSeen()
	for _, x := range e.infos() {
		result := x.result("SSLGetInfoResult")
		found = all(found, holds(result.Has("Years") && result.Has("validationType")))
	}
	return found
}

func namecheapListAttributes(e *Evidence) Observation {
	found := notSeen()
	for _, x := range e.named(ncList) {
		for _, row := range x.result("SSLListResult").All("SSL") {
			found = all(found, holds(row.Has("Years") && row.Has("ProviderOrderID")))
		}
	}
	return found
}

func namecheapCSREcho(e *Evidence) Observation {
	own, err := pki.ReadCSR(e.Item.CSR)
	if err != nil {
		return notSeen()
	}
	found := notSeen()
	for _, x := range e.infos() {
		text := x.result("SSLGetInfoResult").Child("CertificateDetails").Child("CSR").Text()
		if x.id() != seller.ParseID(e.Item.Params[itemparam.OrderID]) || text == "" {
			continue
		}
		shown, err := pki.ReadCSR(text)
		if err == nil && !shown.SameKey(own.PublicKey) {
			continue // the item has another CSR by now
		}
		found = all(found, holds(err == nil && bytes.Equal(shown.DER, own.DER)))
	}
	return found
}

func namecheapChain(e *Evidence) Observation {
	found := notSeen()
	for _, x := range e.infos() {
		if bundle := x.result("SSLGetInfoResult").Child("CertificateDetails").Child("Certificates"); pki.HoldsCertificates(bundle.Child("Certificate").Text()) {
			found = all(found, holds(len(bundle.Child("CaCertificates").All("Certificate")) > 0))
		}
	}
	return found
}

// shownLeaf returns the certificate in an answer to getInfo.
func (x Exchange) shownLeaf() (pki.Chain, bool) {
	chain, err := pki.StoredLeaf(x.result("SSLGetInfoResult").Child("CertificateDetails").Child("Certificates").Child("Certificate").Text())
	return chain, err == nil
}

func namecheapExpires(e *Evidence) Observation {
	found := notSeen()
	for _, x := range e.infos() {
		leaf, there := x.shownLeaf()
		expires := namecheapDate(x.result("SSLGetInfoResult").Attr("Expires"))
		if !there || expires.IsZero() {
			continue
		}
		end, term := cabforum.DateOf(leaf.Leaf.NotAfter), e.termEnd()
		switch {
		case near(end, term):
		case near(expires, end):
			found = all(found, holds(true))
		case near(expires, term):
			found = all(found, Observation{False, "it is the end of the paid term"})
		default:
			found = all(found, Observation{False, "it is neither the end of the certificate nor that of the term"})
		}
	}
	return found
}

func namecheapChallengeElements(e *Evidence) Observation {
	found := notSeen()
	for _, x := range e.submissions() {
		if !x.byMail() {
			found = all(found, holds(len(x.targets()) > 0))
		}
	}
	return found
}

func namecheapSuffix(e *Evidence) Observation {
	found := notSeen()
	for _, x := range e.submissions() {
		for _, target := range x.targets() {
			found = all(found, holds(slices.ContainsFunc([]string{"ssl.com", "sectigo.com", "comodoca.com"}, func(suffix string) bool {
				return strings.Contains(strings.ToLower(target)+" ", suffix+" ")
			})))
		}
	}
	return found
}

func namecheapSameValues(e *Evidence) Observation {
	before := map[int64][]string{}
	found := notSeen()
	for _, x := range e.Exchanges {
		if x.root == nil || !x.accepted() {
			continue
		}
		id := x.id()
		switch {
		case strings.EqualFold(x.Name, ncReissue):
			before[reissuedID(x)] = x.targets()
		case strings.EqualFold(x.Name, ncActivate):
			before[id] = x.targets()
		case strings.EqualFold(x.Name, ncEdit) && len(before[id]) > 0 && len(x.targets()) > 0:
			found = all(found, holds(slices.Equal(before[id], x.targets())))
		}
	}
	return found
}

func namecheapWarnings(e *Evidence) Observation {
	found := notSeen()
	for _, x := range e.Exchanges {
		warnings := x.root.Child("Warnings")
		if warnings == nil || len(warnings.Children) == 0 && warnings.Text() == "" {
			continue
		}
		shaped := len(warnings.Children) > 0 && !slices.ContainsFunc(warnings.Children, func(one *sellerhttp.Element) bool {
			return !strings.EqualFold(one.Name, "Warning") || !one.Has("Number")
		})
		found = all(found, holds(shaped))
	}
	return found
}

func namecheapOrganisation(e *Evidence) Observation {
	if p, known := e.product(); !known || p.Level == seller.DV {
		return notSeen()
	}
	found := notSeen()
	for _, x := range e.named(ncActivate) {
		found = all(found, holds(x.accepted()))
	}
	return found
}

func namecheapSandboxIssues(e *Evidence) Observation {
	if p, known := e.product(); !known || p.Level != seller.DV {
		return notSeen()
	}
	for _, x := range e.infos() {
		if _, there := x.shownLeaf(); there && strings.HasPrefix(x.Address, "https://api.sandbox.") || there && loopback(x.Address) {
			return holds(true)
		}
	}
	return notSeen()
}

// namecheapYearlyPrice compares the charge of a purchase of several years with the price list.
func namecheapYearlyPrice(e *Evidence) Observation {
	for _, x := range e.named(ncCreate) {
		years := int(seller.ParseID(x.Form.Get("Years")))
		charged, err := strconv.ParseFloat(x.result("SSLCreateResult").Attr("ChargedAmount"), 64)
		if !x.accepted() || years < 2 || err != nil || x.Form.Has("SANStoADD") {
			continue
		}
		for _, product := range e.pricesOf(x.Form.Get("Type")) {
			for _, row := range product.All("Price") {
				price, err := strconv.ParseFloat(firstAttr(row, "YourPrice", "Price"), 64)
				if err != nil || row.Attr("Duration") != strconv.Itoa(years) || !strings.EqualFold(firstAttr(row, "YourPriceType", "PricingType"), "MULTIPLE") {
					continue
				}
				return holds(charged > price*float64(years)-0.02*float64(years) && charged < price*float64(years)+0.02*float64(years))
			}
		}
	}
	return notSeen()
}

func firstAttr(e *sellerhttp.Element, names ...string) string {
	for _, name := range names {
		if value := e.Attr(name); value != "" {
			return value
		}
	}
	return ""
}

// pricesOf returns the products of the price list whose names have the letters and digits of the name.
func (e *Evidence) pricesOf(name string) []*sellerhttp.Element {
	var found []*sellerhttp.Element
	for _, x := range e.named(ncPricing) {
		for _, product := range within(x.root, "Product") {
			if letters(product.Attr("Name")) == letters(name) {
				found = append(found, product)
			}
		}
	}
	return found
}

func namecheapPriceNames(e *Evidence) Observation {
	asked := false
	for _, x := range e.named(ncPricing) {
		if !x.accepted() {
			continue
		}
		asked = true
		for _, product := range within(x.root, "Product") {
			name := strings.TrimSuffix(letters(product.Attr("Name")), "sslcom")
			if slices.Contains(sslcomNames(), name) || slices.Contains(sslcomNames(), name+"ssl") {
				return holds(true)
			}
		}
	}
	if !asked {
		return notSeen()
	}
	return holds(false)
}

// reissuedID returns the id in the answer to a reissue; 0 if there is none.
func reissuedID(x Exchange) int64 {
	result := x.result("SSLReissueResult")
	if result == nil {
		result = x.result("SSLActivateResult")
	}
	return seller.ParseID(result.Attr("ID"))
}

// reissues returns the reissues that were carried out.
func (e *Evidence) reissues() []Exchange {
	return slices.DeleteFunc(e.named(ncReissue), func(x Exchange) bool { return !x.accepted() })
}

func namecheapReissueID(e *Evidence) Observation {
	found := notSeen()
	for _, x := range e.reissues() {
		found = all(found, holds(reissuedID(x) != 0 && reissuedID(x) != x.id()))
	}
	return found
}

func namecheapReissueElement(e *Evidence) Observation {
	found := notSeen()
	for _, x := range e.reissues() {
		found = all(found, holds(x.result("SSLReissueResult") != nil))
	}
	return found
}

func namecheapSameCSR(e *Evidence) Observation {
	step, _ := e.step(StageReissue)
	found := notSeen()
	for _, x := range e.named(ncReissue) {
		csr, err := pki.ReadCSR(x.Form.Get("CSR"))
		if err != nil || step.Before.Params[itemparam.LeafKey] != csr.KeyHash() {
			continue
		}
		switch {
		case x.accepted():
			found = all(found, holds(true))
		case x.refusedWith("2011296", "3011296", "4011296", "2030296"):
			found = all(found, holds(false))
		}
	}
	return found
}

// afterReissue calls f with each getInfo after the first accepted reissue; old and next are its ids.
func (e *Evidence) afterReissue(f func(x Exchange, old, next int64)) {
	var old, next int64
	for _, x := range e.Exchanges {
		switch {
		case x.root == nil || !x.accepted():
		case strings.EqualFold(x.Name, ncReissue) && old == 0:
			old, next = x.id(), reissuedID(x)
		case strings.EqualFold(x.Name, ncInfo) && old != 0:
			f(x, old, next)
		}
	}
}

func namecheapReplacedAt(e *Evidence) Observation {
	found, waits := notSeen(), false
	var about []Exchange
	e.afterReissue(func(x Exchange, old, next int64) {
		if x.id() == next && x.status() == "purchased" {
			waits = true
		}
		if x.id() == old {
			about = append(about, x)
		}
	})
	if !waits {
		return found
	}
	for _, x := range about {
		found = all(found, holds(x.status() == "replaced"))
	}
	return found
}

func namecheapValidationAgain(e *Evidence) Observation {
	found := notSeen()
	e.afterReissue(func(x Exchange, _, next int64) {
		if x.id() == next && found.Verdict == NotSeen {
			found = holds(x.status() == "purchased")
		}
	})
	return found
}

func namecheapReplacedBy(e *Evidence) Observation {
	found := notSeen()
	for _, x := range e.infos() {
		if x.status() == "replaced" {
			found = all(found, holds(seller.ParseID(x.result("SSLGetInfoResult").Attr("ReplacedBy")) != 0))
		}
	}
	return found
}

// namecheapProviderOrder compares the CA's order of replaced certificates with that of the certificates that replaced them. A renewal is
// an order of its own.
func namecheapProviderOrder(e *Evidence) Observation {
	orders, replacedBy := map[int64]string{}, map[int64]int64{}
	for _, x := range e.infos() {
		result := x.result("SSLGetInfoResult")
		orders[x.id()] = result.Child("Provider").Child("OrderID").Text()
		if x.status() == "replaced" {
			replacedBy[x.id()] = seller.ParseID(result.Attr("ReplacedBy"))
		}
	}
	found := notSeen()
	for old, next := range replacedBy {
		if a, b := orders[old], orders[next]; a != "" && b != "" {
			found = all(found, holds(a == b))
		}
	}
	return found
}

func namecheapActiveInTerm(e *Evidence) Observation {
	found := notSeen()
	for _, x := range e.infos() {
		leaf, there := x.shownLeaf()
		if !there || !leaf.Leaf.NotAfter.Before(e.Now) || !cabforum.DateOf(e.Now).Before(e.termEnd()) {
			continue
		}
		switch x.status() {
		case "active":
			found = all(found, holds(true))
		case "expired":
			found = all(found, holds(false))
		}
	}
	return found
}

func namecheapSearch(e *Evidence) Observation {
	found := notSeen()
	for _, x := range e.named(ncList) {
		term := x.Form.Get("SearchTerm")
		if term == "" || !x.accepted() {
			continue
		}
		hit := slices.ContainsFunc(x.result("SSLListResult").All("SSL"), func(row *sellerhttp.Element) bool { return strings.EqualFold(row.Attr("HostName"), term) })
		found = all(found, holds(hit))
	}
	return found
}

func namecheapRenewWindow(e *Evidence) Observation {
	found := notSeen()
	for _, x := range e.named(ncRenew) {
		switch {
		case x.accepted():
			found = all(found, holds(true))
		case x.refusedWith("4011294"):
			found = all(found, holds(false))
		}
	}
	return found
}

func namecheapRevoke(e *Evidence) Observation {
	found := notSeen()
	for _, x := range e.named(ncRevoke) {
		switch {
		case !strings.Contains(letters(x.Form.Get("CertificateType")), "sslcom") && !slices.Contains(sslcomNames(), letters(x.Form.Get("CertificateType"))):
		case x.accepted():
			found = all(found, holds(true))
		case x.refusedWith("2011300"):
			found = all(found, holds(false))
		}
	}
	return found
}
