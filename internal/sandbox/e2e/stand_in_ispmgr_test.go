package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"pmssl/internal/sandbox/clock"
	"pmssl/internal/sandbox/ispmgr"
	"pmssl/internal/sandbox/money"
	"pmssl/internal/sandbox/standin"
)

// ispmgrCase describes the remote billing: the order contains the CSR and the module's reference, and a reissue and a renewal
// keep the order's id.
func ispmgrCase() sellerCase {
	return sellerCase{
		title: "ISPmanager", module: "pmispmgrssl", params: ispmgrContacts(),
		singleName: "positivessl", wildcard: "positivessl_wildcard", firstOrderID: 1234501,
		unusableAnswers: []string{html, redirect, ispmgr.FaultWAF, huge, unhandled}, otherAnswers: []string{ispmgr.FaultOK, ispmgr.FaultBody},
		openSteps:   []step{stepBalance, stepList, stepForm, stepBuy, stepStatus},
		openWrites:  []step{stepBuy},
		statusSteps: []step{stepStatus, stepList, stepPrices}, maxMonths: 36,
		challengesLate: true,
		renewSteps:     []step{stepRenew, stepStatus},
		listRequests:   1,
		keepsOrderID:   true, keepsOrderRef: true,
		reissueRefusal: "Invalid CSR.",
		newStandIn:     newIspmgrStandIn,
	}
}

// ispmgrContacts returns the contact fields of the remote's order form.
func ispmgrContacts() map[string]string {
	contacts := map[string]string{}
	for _, who := range []string{"adm_", "tech_"} {
		for name, value := range map[string]string{
			"fname": "Ada", "lname": "Client", "jtitle": "Owner", "email": "owner@example.org", "phone": "+4930123456",
		} {
			contacts[who+name] = value
		}
	}
	return contacts
}

// ispmgrStandIn is the stand-in of the remote billing.
type ispmgrStandIn struct{ *ispmgr.Server }

// newIspmgrStandIn returns a stand-in that sells terms of up to five years, which the tests of long terms need.
func newIspmgrStandIn(at *clock.Clock, looker standin.Looker) (standIn, error) {
	settings := ispmgr.DefaultSettings()
	for i := range settings.Products {
		year := settings.Products[i].Prices[12]
		for n := range 5 {
			settings.Products[i].Prices[12*(n+1)] = year * money.Cents(n+1)
		}
	}
	server, err := ispmgr.New(ispmgr.Config{Clock: at, Settings: &settings, Looker: looker})
	return ispmgrStandIn{server}, err
}

func (ispmgrStandIn) moduleEnv(string) []string { return nil }

func (ispmgrStandIn) connectionParams(url string) map[string]string {
	return map[string]string{"url": url + ispmgr.Path, "username": ispmgr.DefaultUser, "password": ispmgr.DefaultPassword}
}

func (ispmgrStandIn) accountName(url string) string {
	return strings.ToLower(url + ispmgr.Path + " " + ispmgr.DefaultUser)
}

func (ispmgrStandIn) secrets() []string { return []string{ispmgr.DefaultPassword} }

func (s ispmgrStandIn) leaks() []string {
	var found []string
	for _, entry := range s.Requests("") {
		for _, leak := range entry.Leaks {
			found = append(found, entry.Command+": "+leak)
		}
	}
	return found
}

// ispmgrCall is a call of a remote function: it either reads the form or submits it.
type ispmgrCall struct {
	function string
	submit   bool
}

func (ispmgrStandIn) calls() map[step]ispmgrCall {
	return map[step]ispmgrCall{
		stepBalance: {"whoami", false}, stepPrices: {"pricelist.export", false}, stepList: {"certificate", false}, stepForm: {"certificate.order.csr", false},
		stepBuy: {"certificate.order.param", true}, stepStatus: {"certificate.edit", false},
		stepReissue: {"certificate.reissue", true}, stepRenew: {"service.prolong", true},
	}
}

func (s ispmgrStandIn) stepOf(form url.Values) step {
	asked := ispmgrCall{form.Get("func"), form.Get("sok") == "ok"}
	for step, call := range s.calls() {
		if call == asked {
			return step
		}
	}
	if strings.HasPrefix(asked.function, "certificate.order") || asked.function == "certificate.reissue" || asked.function == "service.prolong" {
		return stepForm
	}
	return stepOther
}

func (s ispmgrStandIn) failNext(at step, kind string) error {
	call, known := s.calls()[at]
	if !known {
		return fmt.Errorf("the remote billing has no step %s", at)
	}
	fault := ispmgr.Fault{Command: call.function, Submit: &call.submit, Kind: kind, Times: 1}
	switch kind {
	case unhandled:
		fault.Kind, fault.Type, fault.Text = ispmgr.FaultError, "unhandled", "An unhandled exception has occurred"
	case ispmgr.FaultBody:
		fault.Text = "<doc/>"
	case refused:
		fault.Kind, fault.Type, fault.Object, fault.Text = ispmgr.FaultError, "value", "csr", "Invalid CSR."
	}
	_, err := s.AddFault(fault)
	return err
}

func (s ispmgrStandIn) clearFaults()          { s.ClearFaults() }
func (s ispmgrStandIn) pendingFaults() int    { return len(s.Faults()) }
func (s ispmgrStandIn) carryOutVanished() int { return s.Appear() }

func (s ispmgrStandIn) payments() ([]payment, error) {
	var all []payment
	for _, charge := range s.Charges() {
		all = append(all, payment{charge.Command, charge.Amount.String()})
	}
	return all, nil
}

// orders returns the ordered services, oldest first, without those that are still in the basket.
func (s ispmgrStandIn) orders() ([]ispmgr.Certificate, error) {
	state, err := s.State()
	return slices.DeleteFunc(state.Certificates, func(c ispmgr.Certificate) bool { return c.Basket }), err
}

func (s ispmgrStandIn) ordersFor(domain string) (domainOrders, error) {
	orders, err := s.orders()
	var found domainOrders
	for _, c := range orders {
		if c.CommonName != domain {
			continue
		}
		found.ids, found.newestSerial = append(found.ids, c.ID), c.Serial
		found.requested += c.Asked
		found.byDNS = strings.HasPrefix(c.Method, "auth_dns")
	}
	return found, err
}

func (s ispmgrStandIn) orderIDs() ([]int64, error) {
	orders, err := s.orders()
	var ids []int64
	for _, c := range orders {
		ids = append(ids, c.ID)
	}
	return ids, err
}

func (s ispmgrStandIn) countWaiting() (int, error) {
	orders, err := s.orders()
	waiting := 0
	for _, c := range orders {
		if c.Status != ispmgr.Deleted && (c.ServiceStatus == ispmgr.Requested || c.ServiceStatus == ispmgr.Enrolled) {
			waiting++
		}
	}
	return waiting, err
}

func (s ispmgrStandIn) issue(id int64) error              { return s.Issue(id) }
func (s ispmgrStandIn) refuse(id int64, why string) error { return s.Refuse(id, why) }
func (s ispmgrStandIn) cancel(id int64, why string) error { return s.Cancel(id, why) }

func (s ispmgrStandIn) prove(domain string) error {
	_, err := s.ProveDomain(domain)
	return err
}

func (s ispmgrStandIn) buyDirectly(csr string) error { return s.buyProduct("positivessl", csr) }

func (s ispmgrStandIn) buyProduct(product, csr string) error { return s.orderWithRef(product, csr, "") }

// orderWithRef buys a product with a reference (remoteid), which may be empty.
func (s ispmgrStandIn) orderWithRef(product, csr, ref string) error {
	for _, p := range s.Settings().Products {
		if p.IntName == product {
			return s.sendDirectly("certificate.order.param", url.Values{
				"pricelist": {strconv.FormatInt(p.ID, 10)}, "period": {"12"}, "csr": {csr}, "crt_type": {"exists"}, "field_country": {"81"},
				"skipbasket": {"on"}, "clicked_button": {"finish"}, "autoprolong": {"null"}, "remoteid": {ref},
			})
		}
	}
	return fmt.Errorf("the remote billing does not sell %s", product)
}

func (s ispmgrStandIn) reissueDirectly(id int64, csr string) (int64, error) {
	return id, s.sendDirectly("certificate.reissue", url.Values{"elid": {strconv.FormatInt(id, 10)}, "csr": {csr}, "crt_type": {"exists"}})
}

// sendDirectly submits a form with the default account, without the panel.
func (s ispmgrStandIn) sendDirectly(function string, values url.Values) error {
	for name, value := range ispmgrContacts() {
		values.Set(name, value)
	}
	for name, value := range map[string]string{
		"func": function, "sok": "ok", "out": "xml", "lang": "en", "approver_method": "auth_dnscname",
		"authinfo": ispmgr.DefaultUser + ":" + ispmgr.DefaultPassword,
	} {
		values.Set(name, value)
	}
	request := httptest.NewRequest(http.MethodPost, ispmgr.Path, strings.NewReader(values.Encode()))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.RemoteAddr = "127.0.0.1:1"
	answer := httptest.NewRecorder()
	s.ServeHTTP(answer, request)
	if !strings.Contains(answer.Body.String(), "<ok/>") && !strings.Contains(answer.Body.String(), "<ok></ok>") {
		return fmt.Errorf("%s: %s", function, answer.Body)
	}
	return nil
}

func (s ispmgrStandIn) setBalance(amount string) error {
	account, err := s.Account(ispmgr.DefaultUser)
	if err != nil {
		return err
	}
	if err := account.Balance.UnmarshalJSON([]byte(strconv.Quote(amount))); err != nil {
		return err
	}
	return s.PutAccount(account)
}

// behaviour leaves replacedAtIssue false: a reissue keeps the order's id, so no id is replaced.
func (s ispmgrStandIn) behaviour() behaviour {
	settings := s.Settings()
	return behaviour{
		issuesAtOnce: settings.AutoIssueSeconds >= 0, refusedNames: settings.RefusedDomains, leafDays: settings.LeafDays,
		termOffsetDays: settings.TermOffsetDays, showsTermEnd: settings.Expires == ispmgr.MeansTerm,
	}
}

func (s ispmgrStandIn) setBehaviour(m behaviour) error {
	settings := s.Settings()
	settings.AutoIssueSeconds, settings.Expires = -1, ispmgr.MeansLeaf
	if m.issuesAtOnce {
		settings.AutoIssueSeconds = 0
	}
	if m.showsTermEnd {
		settings.Expires = ispmgr.MeansTerm
	}
	settings.RefusedDomains, settings.LeafDays, settings.TermOffsetDays = m.refusedNames, m.leafDays, m.termOffsetDays
	return s.SetSettings(settings)
}

// runWord runs what happens at the remote without the panel: `account NAME=VALUE…` changes the account (names of the control
// interface), `prolong ID MONTHS` renews an order, `reissue ID` reissues it for another key, `order PRODUCT REF` buys with a
// reference.
func (s ispmgrStandIn) runWord(word string, args []string) (bool, error) {
	switch {
	case word == "account":
		return true, s.changeAccount(args)
	case word == "prolong" && len(args) == 2:
		return true, s.sendDirectly("service.prolong", url.Values{"elid": {args[0]}, "period": {args[1]}})
	case word == "reissue" && len(args) == 1:
		csr, err := os.ReadFile(filepath.Join("testdata", "other.csr"))
		if err != nil {
			return true, err
		}
		return true, s.sendDirectly("certificate.reissue", url.Values{"elid": {args[0]}, "csr": {string(csr)}, "crt_type": {"exists"}})
	case word == "order" && len(args) == 3:
		csr, given := strings.CutPrefix(args[2], "csr=")
		return given, s.orderWithRef(args[0], csr, args[1])
	case word == "order" && len(args) == 2:
		csr, err := os.ReadFile(filepath.Join("testdata", "example.csr"))
		if err != nil {
			return true, err
		}
		return true, s.orderWithRef(args[0], string(csr), args[1])
	}
	return false, nil
}

func (s ispmgrStandIn) changeAccount(args []string) error {
	account, err := s.Account(ispmgr.DefaultUser)
	if err != nil {
		return err
	}
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		if err := json.Unmarshal([]byte(`{"`+name+`":`+value+`}`), &account); err != nil {
			return fmt.Errorf("%s: %w", arg, err)
		}
	}
	return s.PutAccount(account)
}

// addFault adds a fault for a function of the remote; `FUNCTION!` means only the submission of its form.
func (s ispmgrStandIn) addFault(command, kind string, times int, code, text string) error {
	function, submits := strings.CutSuffix(command, "!")
	fault := ispmgr.Fault{Command: function, Kind: kind, Times: times, Type: code, Text: text}
	if submits {
		fault.Submit = &submits
	}
	_, err := s.AddFault(fault)
	return err
}

func (s ispmgrStandIn) setSetting(name, value string) error {
	settings := s.Settings()
	if err := json.Unmarshal([]byte(`{"`+name+`":`+value+`}`), &settings); err != nil {
		return err
	}
	return s.SetSettings(settings)
}

func (s ispmgrStandIn) requests() []string {
	var lines []string
	for _, entry := range s.Requests("") {
		line := entry.Command
		for _, name := range slices.Sorted(maps.Keys(entry.Parameters)) {
			switch name {
			case "authinfo", "func", "out", "lang":
			default:
				line += " " + name + "=" + brief(name, entry.Parameters[name])
			}
		}
		for _, leak := range entry.Leaks {
			line += " LEAK: " + leak
		}
		if entry.Error != nil {
			line += " -> " + entry.Error.Type
		}
		if entry.Fault != "" {
			line += " -> " + entry.Fault
		}
		lines = append(lines, line)
	}
	return lines
}

func (s ispmgrStandIn) forgetRequests() { s.ClearRequests() }
