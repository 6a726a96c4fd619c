package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"pmssl/internal/sandbox/clock"
	"pmssl/internal/sandbox/ispmgr"
	"pmssl/internal/sandbox/money"
)

// ispmgrTrade is the remote billing: the CSR goes in with the order, the order carries our mark, reissue and renewal keep its
// id.
func ispmgrTrade() trade {
	return trade{
		title: "ISPmanager", module: "pmispmgrssl", params: ispmgrContacts(),
		single: "positivessl", wild: "positivessl_wildcard", firstID: 1234501,
		unusable: []string{html, redirect, ispmgr.FaultWAF, huge, unhandled},
		opens:    []step{stepBalance, stepList, stepForm, stepBuy, stepReport},
		writes:   []step{stepBuy},
		looks:    []step{stepReport, stepList, stepPrices}, longest: 36,
		proofsLate: true,
		renews:     []step{stepRenew, stepReport},
		lists:      1,
		inPlace:    true, marks: true,
		refusal: "Invalid CSR.",
		open:    openIspmgrShop,
	}
}

// ispmgrContacts are the people whom the remote's form asks for.
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

// ispmgrShop is the stand-in of the remote billing.
type ispmgrShop struct{ *ispmgr.Server }

// openIspmgrShop sells terms of up to five years, as the promises about long terms need them.
func openIspmgrShop(at *clock.Clock) (shop, error) {
	settings := ispmgr.DefaultSettings()
	for i := range settings.Products {
		year := settings.Products[i].Prices[12]
		for n := range 5 {
			settings.Products[i].Prices[12*(n+1)] = year * money.Cents(n+1)
		}
	}
	server, err := ispmgr.New(ispmgr.Config{Clock: at, Settings: &settings})
	return ispmgrShop{server}, err
}

func (ispmgrShop) environment(string) []string { return nil }

func (ispmgrShop) connection(url string) map[string]string {
	return map[string]string{"url": url + ispmgr.Path, "username": ispmgr.DefaultUser, "password": ispmgr.DefaultPassword}
}

func (ispmgrShop) account(url string) string {
	return strings.ToLower(url + ispmgr.Path + " " + ispmgr.DefaultUser)
}

func (ispmgrShop) secrets() []string { return []string{ispmgr.DefaultPassword} }

func (s ispmgrShop) leaks() []string {
	var found []string
	for _, entry := range s.Requests("") {
		for _, leak := range entry.Leaks {
			found = append(found, entry.Command+": "+leak)
		}
	}
	return found
}

// ispmgrCall is a function of the remote, asked for its form or handed in.
type ispmgrCall struct {
	function string
	submit   bool
}

func (ispmgrShop) calls() map[step]ispmgrCall {
	return map[step]ispmgrCall{
		stepBalance: {"whoami", false}, stepPrices: {"pricelist.export", false}, stepList: {"certificate", false}, stepForm: {"certificate.order.csr", false},
		stepBuy: {"certificate.order.param", true}, stepReport: {"certificate.edit", false},
		stepReissue: {"certificate.reissue", true}, stepRenew: {"service.prolong", true},
	}
}

func (s ispmgrShop) step(form url.Values) step {
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

func (s ispmgrShop) disturb(at step, kind string) error {
	call, known := s.calls()[at]
	if !known {
		return fmt.Errorf("the remote billing has no step %s", at)
	}
	fault := ispmgr.Fault{Command: call.function, Submit: &call.submit, Kind: kind, Times: 1}
	switch kind {
	case unhandled:
		fault.Kind, fault.Type, fault.Text = ispmgr.FaultError, "unhandled", "An unhandled exception has occurred"
	case refused:
		fault.Kind, fault.Type, fault.Object, fault.Text = ispmgr.FaultError, "value", "csr", "Invalid CSR."
	}
	_, err := s.AddFault(fault)
	return err
}

func (s ispmgrShop) mend()       { s.ClearFaults() }
func (s ispmgrShop) broken() int { return len(s.Faults()) }
func (s ispmgrShop) appear() int { return s.Appear() }

func (s ispmgrShop) payments() ([]payment, error) {
	var all []payment
	for _, charge := range s.Charges() {
		all = append(all, payment{charge.Command, charge.Amount.String()})
	}
	return all, nil
}

// orders are the services that somebody ordered, oldest first.
func (s ispmgrShop) orders() ([]ispmgr.Certificate, error) {
	state, err := s.State()
	return slices.DeleteFunc(state.Certificates, func(c ispmgr.Certificate) bool { return c.Basket }), err
}

func (s ispmgrShop) sold(domain string) (sold, error) {
	orders, err := s.orders()
	var found sold
	for _, c := range orders {
		if c.CommonName != domain {
			continue
		}
		found.ids, found.serial = append(found.ids, c.ID), c.Serial
		found.asked += c.Asked
		found.byDNS = strings.HasPrefix(c.Method, "auth_dns")
	}
	return found, err
}

func (s ispmgrShop) ids() ([]int64, error) {
	orders, err := s.orders()
	var ids []int64
	for _, c := range orders {
		ids = append(ids, c.ID)
	}
	return ids, err
}

func (s ispmgrShop) waiting() (int, error) {
	orders, err := s.orders()
	waiting := 0
	for _, c := range orders {
		if c.Status != ispmgr.Deleted && (c.ServiceStatus == ispmgr.Requested || c.ServiceStatus == ispmgr.Enrolled) {
			waiting++
		}
	}
	return waiting, err
}

func (s ispmgrShop) issue(id int64) error              { return s.Issue(id) }
func (s ispmgrShop) refuse(id int64, why string) error { return s.Refuse(id, why) }
func (s ispmgrShop) cancel(id int64, why string) error { return s.Cancel(id, why) }

func (s ispmgrShop) prove(domain string) error {
	_, err := s.ProveDomain(domain)
	return err
}

func (s ispmgrShop) buy(csr string) error { return s.buyAs("positivessl", csr) }

func (s ispmgrShop) buyAs(product, csr string) error { return s.order(product, csr, "") }

// order buys with a mark, which may be empty.
func (s ispmgrShop) order(product, csr, mark string) error {
	for _, p := range s.Settings().Products {
		if p.IntName == product {
			return s.ask("certificate.order.param", url.Values{
				"pricelist": {strconv.FormatInt(p.ID, 10)}, "period": {"12"}, "csr": {csr}, "crt_type": {"exists"}, "field_country": {"81"},
				"skipbasket": {"on"}, "clicked_button": {"finish"}, "autoprolong": {"null"}, "remoteid": {mark},
			})
		}
	}
	return fmt.Errorf("the remote billing does not sell %s", product)
}

func (s ispmgrShop) reissue(id int64, csr string) (int64, error) {
	return id, s.ask("certificate.reissue", url.Values{"elid": {strconv.FormatInt(id, 10)}, "csr": {csr}, "crt_type": {"exists"}})
}

// ask is what somebody hands in with the same account, past the panel.
func (s ispmgrShop) ask(function string, values url.Values) error {
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

func (s ispmgrShop) fund(amount string) error {
	account, err := s.Account(ispmgr.DefaultUser)
	if err != nil {
		return err
	}
	if err := account.Balance.UnmarshalJSON([]byte(strconv.Quote(amount))); err != nil {
		return err
	}
	return s.PutAccount(account)
}

// manner has no moment of replacing: a reissue in place replaces nothing.
func (s ispmgrShop) manner() manner {
	settings := s.Settings()
	return manner{
		issues: settings.AutoIssueSeconds >= 0, refuses: settings.RefusedDomains, leafDays: settings.LeafDays,
		termOffset: settings.TermOffsetDays, datesOfTerm: settings.Expires == ispmgr.MeansTerm,
	}
}

func (s ispmgrShop) behave(m manner) error {
	settings := s.Settings()
	settings.AutoIssueSeconds, settings.Expires = -1, ispmgr.MeansLeaf
	if m.issues {
		settings.AutoIssueSeconds = 0
	}
	if m.datesOfTerm {
		settings.Expires = ispmgr.MeansTerm
	}
	settings.RefusedDomains, settings.LeafDays, settings.TermOffsetDays = m.refuses, m.leafDays, m.termOffset
	return s.SetSettings(settings)
}

// do has `account JSON`: what changes of the default account.
func (s ispmgrShop) do(word string, args []string) (bool, error) {
	if word != "account" {
		return false, nil
	}
	account, err := s.Account(ispmgr.DefaultUser)
	if err != nil {
		return true, err
	}
	if err := json.Unmarshal([]byte(strings.Join(args, " ")), &account); err != nil {
		return true, err
	}
	return true, s.PutAccount(account)
}

// fault's command is a function of the remote; `FUNCTION!` is the handing in of its form alone.
func (s ispmgrShop) fault(command, kind string, times int, code, text string) error {
	function, submits := strings.CutSuffix(command, "!")
	fault := ispmgr.Fault{Command: function, Kind: kind, Times: times, Type: code, Text: text}
	if submits {
		fault.Submit = &submits
	}
	_, err := s.AddFault(fault)
	return err
}

func (s ispmgrShop) set(name, value string) error {
	settings := s.Settings()
	if err := json.Unmarshal([]byte(`{"`+name+`":`+value+`}`), &settings); err != nil {
		return err
	}
	return s.SetSettings(settings)
}

func (s ispmgrShop) requests() []string {
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

func (s ispmgrShop) forget() { s.ClearRequests() }
