package namecheap

import (
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/panellog"
	"pmssl/internal/plaintext"
	"pmssl/internal/seller/sellerhttp"
)

// refusal is an answer with Status="ERROR".
type refusal struct {
	command  string
	errors   []apiError
	response *sellerhttp.Element
	clientIP string
}

func newRefusal(command string, e envelope, who access) *refusal {
	r := &refusal{command: command, errors: slices.Clone(e.errors), response: e.response, clientIP: who.clientIP}
	mask := panellog.Masker(who.apiKey)
	for i, one := range r.errors { // masked before it is shortened: the text may repeat our request, and half a key would not be recognised
		r.errors[i].text, r.errors[i].given = words(mask(one.text)), plaintext.Clip(plaintext.Line(mask(one.given)), 40)
	}
	return r
}

// classify returns the answer's summary for the log line.
func (r *refusal) classify() string { return "ERROR " + r.reasons() }

// reasons returns all errors of the answer, each as "number: text".
func (r *refusal) reasons() string {
	var all []string
	for _, e := range r.errors {
		if len(all) == 20 { // enough for an error text
			all = append(all, "…")
			break
		}
		switch {
		case e.number != 0:
			all = append(all, strconv.Itoa(e.number)+": "+e.text)
		case !noID(e.given): // unreadable, but Namecheap's support may understand it
			all = append(all, e.given+": "+e.text)
		default:
			all = append(all, e.text)
		}
	}
	if len(all) == 0 {
		return "no reason given"
	}
	return strings.Join(all, "; ")
}

// Error returns the command and the errors.
func (r *refusal) Error() string { return Title + " (" + r.command + ") refuses: " + r.reasons() }

// has reports whether one of the errors has the number.
func (r *refusal) has(number int) bool {
	return slices.ContainsFunc(r.errors, func(e apiError) bool { return e.number == number })
}

// accessError is one reason for which Namecheap refuses access, before it executes the command (docs/reference/namecheap.md
// §1.7).
type accessError struct {
	numbers []int
	kind    string
	object  string
	advice  string
}

func accessErrors() []accessError {
	return []accessError{
		{[]int{1010101, 1011101}, fault.Login, "api_user", "the API user is not known; check api_user and username"},
		{[]int{1016103, 1019103}, fault.Login, "username", "the user name is not one that this API user may act for; check username"},
		{[]int{1010102, 1011102}, fault.Login, "api_key", "the API key is wrong or API access is switched off; check api_key and the account's API access"},
		{[]int{1011150}, fault.Address, "ip", "the address that the request came from is not on the account's white list; add it there"},
		{[]int{1017150}, fault.Address, "ip", "the address that the request came from is disabled or locked"},
		{[]int{1010105, 1011105}, fault.ClientIP, "client_ip", "client_ip is not accepted; it must be an IPv4 address of this host"},
		{[]int{1017105}, fault.ClientIP, "client_ip", "the address given as client_ip is disabled or locked"},
		{[]int{1017101, 1017103}, fault.Auth, "username", "the account is disabled or locked; ask Namecheap's support"},
		{[]int{1017410, 1017411}, fault.Auth, "username", "the account is blocked; ask Namecheap's support"},
	}
}

// fault returns the refusal as a *fault.Error, with Namecheap's code and text.
func (r *refusal) fault() *fault.Error {
	for _, d := range accessErrors() {
		for _, e := range r.errors {
			if slices.Contains(d.numbers, e.number) {
				return r.accessFault(d, e)
			}
		}
	}
	f := &fault.Error{Type: fault.API, Object: r.command, Message: r.Error(), Err: r}
	for _, e := range r.errors {
		if f.Code == 0 {
			f.Code = e.number
		}
		if temporary(e.number) {
			f.Retry = true
		}
	}
	return f
}

// accessFault returns the fault of a refused access.
func (r *refusal) accessFault(d accessError, e apiError) *fault.Error {
	f := &fault.Error{Type: d.kind, Object: d.object, Code: e.number, Err: r}
	advice := d.advice
	switch d.kind {
	case fault.Address:
		if ip := addressIn(e.text); ip != "" {
			f.Params = append(f.Params, fault.Param{Name: "ip", Value: ip})
			advice = strings.Replace(advice, "the request came from", "the request came from, "+ip+",", 1)
		}
	case fault.ClientIP:
		f.Params = append(f.Params, fault.Param{Name: "ip", Value: r.clientIP})
	}
	f.Message = Title + ": " + advice + " (" + r.reasons() + ")"
	return f
}

// addressIn finds the address in "Invalid request IP: 203.0.113.7".
func addressIn(text string) string {
	for _, word := range strings.Fields(text) {
		if ip, err := netip.ParseAddr(strings.Trim(word, ".,;:()[]\"'")); err == nil {
			return ip.String()
		}
	}
	return ""
}

// temporary reports whether the error is an internal failure at Namecheap (docs/reference/namecheap.md §1.7).
func temporary(number int) bool {
	switch number {
	case 5050900, 4050900, 3050900, 5019169, 5050169, 1050900:
		return true
	}
	return false
}

// faultOf returns an error of call as a *fault.Error.
func faultOf(err error) error {
	var refused *refusal
	var failure *sellerhttp.Error
	switch {
	case errors.As(err, &refused):
		return refused.fault()
	case errors.As(err, &failure):
		return failure.Fault()
	}
	return err
}
