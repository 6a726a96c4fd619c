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
	"testing"

	"pmssl/internal/sandbox/clock"
	"pmssl/internal/sandbox/namecheap"
)

// namecheapTrade is the seller that sells first and takes the CSR afterwards, and gives each reissue and renewal an id of
// its own.
func namecheapTrade() trade {
	return trade{
		title: "Namecheap", module: "pmnamecheap", limits: []string{"limit_minute", "limit_hour", "limit_day"},
		single: "positivessl", wild: "positivessl_wildcard", names: "positivessl_multi_domain", firstID: 34350001,
		unusable: []string{html, redirect, charset, huge, unhandled},
		opens:    []step{stepBalance, stepList, stepBuy, stepActivate, stepReport},
		writes:   []step{stepBuy, stepActivate},
		looks:    []step{stepReport}, longest: 60,
		renews:  []step{stepRenew, stepActivate, stepReport},
		lists:   3, // of all, of new purchases, of renewals
		refusal: "2011296", tooEarly: "Certificate not meet the ExpireDate",
		open: openNamecheapShop,
	}
}

// namecheapShop is Namecheap's stand-in.
type namecheapShop struct{ *namecheap.Server }

func openNamecheapShop(at *clock.Clock) (shop, error) {
	settings := namecheap.DefaultSettings()
	settings.RateLimit.Enabled = false // the buckets would not fill while the clock is stopped
	server, err := namecheap.New(namecheap.Config{Clock: at, Settings: &settings})
	return namecheapShop{server}, err
}

// openNamecheap is a connected world at this seller, for what is promised of it alone.
func openNamecheap(t *testing.T) (*world, *namecheap.Server) {
	t.Helper()
	w := openWorld(t, namecheapTrade())
	return w, w.shop.(namecheapShop).Server
}

// commands are the API's names of the steps.
func (namecheapShop) commands() map[step]string {
	return map[step]string{
		stepBalance: "getbalances", stepList: "getlist", stepBuy: "create", stepActivate: "activate", stepReport: "getinfo",
		stepReissue: "reissue", stepRenew: "renew",
	}
}

func (namecheapShop) environment(url string) []string {
	return []string{"NAMECHEAP_API_URL=" + url + namecheap.Path}
}

func (namecheapShop) connection(string) map[string]string {
	return map[string]string{
		"username": namecheap.DefaultUser, "api_user": namecheap.DefaultUser, "api_key": namecheap.DefaultKey,
		"client_ip": "127.0.0.1", "sandbox": "off",
	}
}

func (namecheapShop) account(url string) string {
	return url + namecheap.Path + " " + namecheap.DefaultUser
}

func (namecheapShop) secrets() []string { return []string{namecheap.DefaultKey} }

func (s namecheapShop) leaks() []string {
	var found []string
	for _, entry := range s.Requests("") {
		for name, value := range entry.Parameters {
			if strings.Contains(value, "PRIVATE KEY") {
				found = append(found, entry.Command+": private key in "+name)
			}
		}
	}
	return found
}

func (s namecheapShop) step(form url.Values) step {
	name := strings.ToLower(form.Get("Command"))
	for step, command := range s.commands() {
		if strings.HasSuffix(name, "."+command) {
			return step
		}
	}
	return stepOther
}

func (s namecheapShop) disturb(at step, kind string) error {
	command, known := s.commands()[at]
	if !known {
		return fmt.Errorf("namecheap has no step %s", at)
	}
	switch kind {
	case unhandled:
		return s.fault(command, namecheap.FaultAPIError, 1, "5050900", "Unhandled exceptions")
	case refused:
		return s.fault(command, namecheap.FaultAPIError, 1, "2011296", "Invalid CSR.")
	}
	return s.fault(command, kind, 1, "", "")
}

func (s namecheapShop) mend()       { s.ClearFaults() }
func (s namecheapShop) broken() int { return len(s.Faults()) }
func (s namecheapShop) appear() int { return s.Appear() }

func (s namecheapShop) payments() ([]payment, error) {
	state, err := s.State()
	var all []payment
	for _, charge := range state.Charges {
		all = append(all, payment{charge.Command, charge.Amount.String()})
	}
	return all, err
}

func (s namecheapShop) sold(domain string) (sold, error) {
	state, err := s.State()
	var found sold
	for _, c := range state.Certificates {
		if c.CommonName != domain {
			continue
		}
		found.ids, found.serial = append(found.ids, c.ID), c.Serial
		found.byDNS = len(c.Domains) > 0 && c.Domains[0].Method == namecheap.ByDNS
	}
	found.asked = len(found.ids)
	return found, err
}

func (s namecheapShop) ids() ([]int64, error) {
	state, err := s.State()
	var ids []int64
	for _, c := range state.Certificates {
		ids = append(ids, c.ID)
	}
	return ids, err
}

func (s namecheapShop) waiting() (int, error) {
	state, err := s.State()
	waiting := 0
	for _, c := range state.Certificates {
		if c.Status == namecheap.Purchased {
			waiting++
		}
	}
	return waiting, err
}

func (s namecheapShop) issue(id int64) error              { return s.Issue(id) }
func (s namecheapShop) refuse(id int64, why string) error { return s.Refuse(id, why) }
func (s namecheapShop) cancel(id int64, why string) error { return s.Cancel(id, why) }

func (s namecheapShop) prove(domain string) error {
	_, err := s.ProveDomain(domain)
	return err
}

// buy pays; the CSR would be for the activation.
func (s namecheapShop) buy(string) error { return s.buyAs("PositiveSSL", "") }

func (s namecheapShop) reissue(id int64, csr string) (int64, error) {
	answer, err := s.ask("namecheap.ssl.reissue", url.Values{
		"CertificateID": {strconv.FormatInt(id, 10)}, "CSR": {csr}, "WebServerType": {"other"}, "DNSDCValidation": {"true"},
	})
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(answer, `<SSLReissueResult ID="`)
	text, _, _ := strings.Cut(rest, `"`)
	return strconv.ParseInt(text, 10, 64)
}

// ask is what somebody asks with the same account, past the panel.
func (s namecheapShop) ask(command string, values url.Values) (string, error) {
	values.Set("Command", command)
	values.Set("ApiUser", namecheap.DefaultUser)
	values.Set("UserName", namecheap.DefaultUser)
	values.Set("ApiKey", namecheap.DefaultKey)
	values.Set("ClientIp", "127.0.0.1")
	request := httptest.NewRequest(http.MethodPost, namecheap.Path, strings.NewReader(values.Encode()))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.RemoteAddr = "127.0.0.1:1"
	answer := httptest.NewRecorder()
	s.ServeHTTP(answer, request)
	if !strings.Contains(answer.Body.String(), `Status="OK"`) {
		return "", fmt.Errorf("%s: %s", command, answer.Body)
	}
	return answer.Body.String(), nil
}

func (s namecheapShop) fund(amount string) error {
	account, err := s.Account(namecheap.DefaultUser)
	if err != nil {
		return err
	}
	if err := account.Balance.UnmarshalJSON([]byte(strconv.Quote(amount))); err != nil {
		return err
	}
	return s.PutAccount(account)
}

func (s namecheapShop) manner() manner {
	settings := s.Settings()
	return manner{
		issues: settings.AutoIssueSeconds >= 0, refuses: settings.RefusedDomains, leafDays: settings.LeafDays,
		termOffset: settings.TermOffsetDays, datesOfTerm: settings.Expires == namecheap.MeansTerm,
		replacedAtIssue: settings.ReplacedAt == namecheap.AtIssue,
	}
}

func (s namecheapShop) behave(m manner) error {
	settings := s.Settings()
	settings.AutoIssueSeconds, settings.Expires, settings.ReplacedAt = -1, namecheap.MeansLeaf, namecheap.AtAcceptance
	if m.issues {
		settings.AutoIssueSeconds = 0
	}
	if m.datesOfTerm {
		settings.Expires = namecheap.MeansTerm
	}
	if m.replacedAtIssue {
		settings.ReplacedAt = namecheap.AtIssue
	}
	settings.RefusedDomains, settings.LeafDays, settings.TermOffsetDays = m.refuses, m.leafDays, m.termOffset
	return s.SetSettings(settings)
}

func (s namecheapShop) do(word string, args []string) (bool, error) {
	if word != "whitelist" {
		return false, nil
	}
	account, err := s.Account(namecheap.DefaultUser)
	if err != nil {
		return true, err
	}
	account.WhiteList = args
	return true, s.PutAccount(account)
}

func (s namecheapShop) buyAs(product, _ string) error {
	_, err := s.ask("namecheap.ssl.create", url.Values{"Type": {product}, "Years": {"1"}})
	return err
}

func (s namecheapShop) fault(command, kind string, times int, code, text string) error {
	_, err := s.AddFault(namecheap.Fault{Command: command, Kind: kind, Times: times, Number: code, Text: text})
	return err
}

func (s namecheapShop) set(name, value string) error {
	settings := s.Settings()
	if err := json.Unmarshal([]byte(`{"`+name+`":`+value+`}`), &settings); err != nil {
		return err
	}
	return s.SetSettings(settings)
}

func (s namecheapShop) requests() []string {
	var lines []string
	for _, entry := range s.Requests("") {
		line := entry.Command
		for _, name := range slices.Sorted(maps.Keys(entry.Parameters)) {
			switch name {
			case "apiuser", "apikey", "username", "clientip", "command":
			default:
				line += " " + name + "=" + brief(name, entry.Parameters[name])
			}
		}
		for _, failed := range entry.Errors {
			line += " -> " + failed.Number
		}
		if entry.Fault != "" {
			line += " -> " + entry.Fault
		}
		lines = append(lines, line)
	}
	return lines
}

func (s namecheapShop) forget() { s.ClearRequests() }
