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
	"pmssl/internal/sandbox/standin"
)

// namecheapCase describes Namecheap: it sells first and takes the CSR afterwards, and each reissue and renewal has an order id
// of its own.
func namecheapCase() sellerCase {
	return sellerCase{
		title: "Namecheap", module: "pmnamecheap", limitParams: []string{"limit_minute", "limit_hour", "limit_day"},
		singleName: "positivessl", wildcard: "positivessl_wildcard", multiDomain: "positivessl_multi_domain", firstOrderID: 34350001,
		unusableAnswers: []string{html, redirect, charset, huge, unhandled}, otherAnswers: []string{namecheap.FaultHTTP405},
		openSteps:   []step{stepBalance, stepList, stepBuy, stepActivate},
		openWrites:  []step{stepBuy, stepActivate},
		statusSteps: []step{stepStatus}, maxMonths: 60,
		renewSteps:     []step{stepRenew, stepActivate, stepStatus},
		listRequests:   3, // all orders, new purchases, renewals
		reissueRefusal: "2011296", renewalTooEarly: "Certificate not meet the ExpireDate",
		newStandIn: newNamecheapStandIn,
	}
}

// namecheapStandIn is Namecheap's stand-in.
type namecheapStandIn struct{ *namecheap.Server }

func newNamecheapStandIn(at *clock.Clock, looker standin.Looker) (standIn, error) {
	settings := namecheap.DefaultSettings()
	settings.RateLimit.Enabled = false // the buckets would not fill while the clock is stopped
	server, err := namecheap.New(namecheap.Config{Clock: at, Settings: &settings, Looker: looker})
	return namecheapStandIn{server}, err
}

// startNamecheap starts a fixture at Namecheap, for the tests that are about Namecheap alone.
func startNamecheap(t *testing.T) (*fixture, *namecheap.Server) {
	t.Helper()
	f := startFixture(t, namecheapCase())
	return f, f.standIn.(namecheapStandIn).Server
}

// commands returns the API's name of each step.
func (namecheapStandIn) commands() map[step]string {
	return map[step]string{
		stepBalance: "getbalances", stepList: "getlist", stepBuy: "create", stepActivate: "activate", stepStatus: "getinfo",
		stepReissue: "reissue", stepRenew: "renew",
	}
}

func (namecheapStandIn) moduleEnv(url string) []string {
	return []string{"NAMECHEAP_API_URL=" + url + namecheap.Path}
}

func (namecheapStandIn) connectionParams(string) map[string]string {
	return map[string]string{
		"username": namecheap.DefaultUser, "api_user": namecheap.DefaultUser, "api_key": namecheap.DefaultKey,
		"client_ip": "127.0.0.1", "sandbox": "off",
	}
}

func (namecheapStandIn) accountName(url string) string {
	return url + namecheap.Path + " " + namecheap.DefaultUser
}

func (namecheapStandIn) secrets() []string { return []string{namecheap.DefaultKey} }

func (s namecheapStandIn) leaks() []string {
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

func (s namecheapStandIn) stepOf(form url.Values) step {
	name := strings.ToLower(form.Get("Command"))
	for step, command := range s.commands() {
		if strings.HasSuffix(name, "."+command) {
			return step
		}
	}
	return stepOther
}

func (s namecheapStandIn) failNext(at step, kind string) error {
	command, known := s.commands()[at]
	if !known {
		return fmt.Errorf("namecheap has no step %s", at)
	}
	switch kind {
	case unhandled:
		return s.addFault(command, namecheap.FaultAPIError, 1, "5050900", "Unhandled exceptions")
	case refused:
		return s.addFault(command, namecheap.FaultAPIError, 1, "2011296", "Invalid CSR.")
	}
	return s.addFault(command, kind, 1, "", "")
}

func (s namecheapStandIn) clearFaults()          { s.ClearFaults() }
func (s namecheapStandIn) pendingFaults() int    { return len(s.Faults()) }
func (s namecheapStandIn) carryOutVanished() int { return s.Appear() }

func (s namecheapStandIn) payments() ([]payment, error) {
	state, err := s.State()
	var all []payment
	for _, charge := range state.Charges {
		all = append(all, payment{charge.Command, charge.Amount.String()})
	}
	return all, err
}

func (s namecheapStandIn) ordersFor(domain string) (domainOrders, error) {
	state, err := s.State()
	var found domainOrders
	for _, c := range state.Certificates {
		if c.CommonName != domain {
			continue
		}
		found.ids, found.newestSerial = append(found.ids, c.ID), c.Serial
		found.byDNS = len(c.Domains) > 0 && c.Domains[0].Method == namecheap.ByDNS
	}
	found.requested = len(found.ids)
	return found, err
}

func (s namecheapStandIn) orderIDs() ([]int64, error) {
	state, err := s.State()
	var ids []int64
	for _, c := range state.Certificates {
		ids = append(ids, c.ID)
	}
	return ids, err
}

func (s namecheapStandIn) countWaiting() (int, error) {
	state, err := s.State()
	waiting := 0
	for _, c := range state.Certificates {
		if c.Status == namecheap.Purchased {
			waiting++
		}
	}
	return waiting, err
}

func (s namecheapStandIn) issue(id int64) error              { return s.Issue(id) }
func (s namecheapStandIn) refuse(id int64, why string) error { return s.Refuse(id, why) }
func (s namecheapStandIn) cancel(id int64, why string) error { return s.Cancel(id, why) }

func (s namecheapStandIn) prove(domain string) error {
	_, err := s.ProveDomain(domain)
	return err
}

// buyDirectly only pays; the CSR belongs to the activation and is not sent.
func (s namecheapStandIn) buyDirectly(string) error { return s.buyProduct("PositiveSSL", "") }

func (s namecheapStandIn) reissueDirectly(id int64, csr string) (int64, error) {
	answer, err := s.sendDirectly("namecheap.ssl.reissue", url.Values{
		"CertificateID": {strconv.FormatInt(id, 10)}, "CSR": {csr}, "WebServerType": {"other"}, "DNSDCValidation": {"true"},
	})
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(answer, `<SSLReissueResult ID="`)
	text, _, _ := strings.Cut(rest, `"`)
	return strconv.ParseInt(text, 10, 64)
}

// sendDirectly sends a command with the default account, without the panel.
func (s namecheapStandIn) sendDirectly(command string, values url.Values) (string, error) {
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

func (s namecheapStandIn) setBalance(amount string) error {
	account, err := s.Account(namecheap.DefaultUser)
	if err != nil {
		return err
	}
	if err := account.Balance.UnmarshalJSON([]byte(strconv.Quote(amount))); err != nil {
		return err
	}
	return s.PutAccount(account)
}

func (s namecheapStandIn) behaviour() behaviour {
	settings := s.Settings()
	return behaviour{
		issuesAtOnce: settings.AutoIssueSeconds >= 0, refusedNames: settings.RefusedDomains, leafDays: settings.LeafDays,
		termOffsetDays: settings.TermOffsetDays, showsTermEnd: settings.Expires == namecheap.MeansTerm,
		replacedAtIssue: settings.ReplacedAt == namecheap.AtIssue,
	}
}

func (s namecheapStandIn) setBehaviour(m behaviour) error {
	settings := s.Settings()
	settings.AutoIssueSeconds, settings.Expires, settings.ReplacedAt = -1, namecheap.MeansLeaf, namecheap.AtAcceptance
	if m.issuesAtOnce {
		settings.AutoIssueSeconds = 0
	}
	if m.showsTermEnd {
		settings.Expires = namecheap.MeansTerm
	}
	if m.replacedAtIssue {
		settings.ReplacedAt = namecheap.AtIssue
	}
	settings.RefusedDomains, settings.LeafDays, settings.TermOffsetDays = m.refusedNames, m.leafDays, m.termOffsetDays
	return s.SetSettings(settings)
}

func (s namecheapStandIn) runWord(word string, args []string) (bool, error) {
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

func (s namecheapStandIn) buyProduct(product, _ string) error {
	_, err := s.sendDirectly("namecheap.ssl.create", url.Values{"Type": {product}, "Years": {"1"}})
	return err
}

func (s namecheapStandIn) addFault(command, kind string, times int, code, text string) error {
	_, err := s.AddFault(namecheap.Fault{Command: command, Kind: kind, Times: times, Number: code, Text: text})
	return err
}

func (s namecheapStandIn) setSetting(name, value string) error {
	settings := s.Settings()
	if err := json.Unmarshal([]byte(`{"`+name+`":`+value+`}`), &settings); err != nil {
		return err
	}
	return s.SetSettings(settings)
}

func (s namecheapStandIn) requests() []string {
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

func (s namecheapStandIn) forgetRequests() { s.ClearRequests() }
