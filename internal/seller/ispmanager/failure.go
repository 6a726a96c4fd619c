package ispmanager

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/seller/sellerhttp"
)

// failure is the remote's error document (docs/reference/ispmanager.md §1.5). Its texts have no secrets and are one
// line each.
type failure struct {
	kind   string // type
	object string
	value  string
	text   string // for people
}

func failureOf(e *sellerhttp.Element) *failure {
	f := &failure{kind: e.Attr("type"), object: e.Attr("object"), text: e.Child("msg").Text()}
	for _, param := range e.All("param") {
		switch param.Attr("name") {
		case "object":
			if f.object == "" {
				f.object = param.Text()
			}
		case "value":
			f.value = param.Text()
		}
	}
	if f.text == "" {
		f.text = e.Child("detail").Text()
	}
	return f
}

// reasons returns the error's type, object and text.
func (f *failure) reasons() string {
	head := strings.TrimSuffix(f.kind+"/"+f.object, "/")
	if f.text == "" {
		return head
	}
	return head + ": " + f.text
}

// Error returns the remote's error.
func (f *failure) Error() string { return Title + " refuses: " + f.reasons() }

// is reports whether the error is of one of the types.
func (f *failure) is(kinds ...string) bool {
	return f != nil && slices.Contains(kinds, strings.ToLower(f.kind))
}

// notFound reports whether the requested object does not exist (docs/reference/ispmanager.md §1.5). An error about a
// missing function does not count.
func (f *failure) notFound() bool { return f.is("missed") && !strings.EqualFold(f.object, "func") }

// refusesAccess reports whether the error is about the account, not about the request.
func (f *failure) refusesAccess() bool {
	return f.is("auth") || strings.Contains(strings.ToLower(f.kind), "captcha") || f.refusesAddress()
}

// refusesAddress reports whether the error refuses this host's address. The error's type is not known, its text is
// "Access from this IP denied" (docs/reference/ispmanager.md §1.2).
func (f *failure) refusesAddress() bool {
	return strings.EqualFold(f.object, "ip") || strings.EqualFold(f.kind, "ip") ||
		f.is("auth", "access") && slices.Contains(strings.FieldsFunc(f.text, func(r rune) bool { return !letter(r) }), "IP")
}

func letter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

// fault returns the error as a *fault.Error, with the remote's type and text.
func (f *failure) fault(function string) *fault.Error {
	shut := func(kind, object, advice string) *fault.Error {
		return &fault.Error{Type: kind, Object: object, Message: Title + ": " + advice + " (" + f.reasons() + ")", Err: f}
	}
	kind := strings.ToLower(f.kind)
	switch {
	case f.refusesAddress():
		return shut(fault.Address, "ip", "the account may not be used from this host's address; allow it in the account's settings there")
	case f.is("auth") && strings.EqualFold(f.object, "badpassword"):
		return shut(fault.Login, "password", "the user name or the password is wrong; check username and password")
	case strings.Contains(kind, "captcha"):
		return shut(fault.Auth, "username", "a captcha is required after failed logins; log in there once with a browser, then try again")
	case strings.Contains(kind, "totp"), strings.Contains(kind, "otp"):
		return twoFactor(function)
	case f.is("auth"):
		return shut(fault.Auth, "username", "the login is refused; check the account in a browser")
	case f.is("missed"):
		return &fault.Error{Type: fault.API, Object: function, Message: Title + " (" + function + "): not found: " + f.reasons(), Err: f}
	}
	return &fault.Error{Type: fault.API, Object: function, Message: Title + " (" + function + ") refuses: " + f.reasons(), Err: f}
}

// twoFactor returns the fault of a login that waits for its second factor: the remote answers each function with only
// an <ok> (docs/reference/ispmanager.md §1.2).
func twoFactor(function string) *fault.Error {
	return fault.Errorf(fault.Auth, "username", "%s (%s) answers ok without any content: two-factor authentication is on for this user; "+
		"switch it off there or use another user", Title, function)
}

// failureIn returns the remote's error in err; nil if there is none.
func failureIn(err error) *failure {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	return nil
}

// faultOf returns an error of call as a *fault.Error. If the address is the likely reason, the text says so.
func faultOf(err error) error {
	var failure *sellerhttp.Error
	if !errors.As(err, &failure) {
		return err
	}
	f := failure.Fault()
	if failure.Kind != sellerhttp.NotSeller {
		return f
	}
	switch {
	case failure.RedirectHost != "":
		f.Object, f.Message = "url", f.Message+"; it points to "+failure.RedirectHost+": the address in url is wrong"
	case failure.Status == http.StatusNotFound:
		f.Object, f.Message = "url", f.Message+"; the path in url is wrong, /billmgr is expected"
	default:
		f.Object, f.Message = "url", f.Message+"; it may be a login page, a DDoS protection before the billing, or a wrong url"
	}
	return f
}

// notSent reports whether the error proves that the request never left this host.
func notSent(err error) bool {
	var failure *sellerhttp.Error
	return errors.As(err, &failure) && !failure.Sent
}

// likelyRefused marks a fault after which most likely nothing was bought, although the remote's own document does not
// say so: the list must show no order twice before it may be bought again (rules BUY-12).
func likelyRefused(f *fault.Error) *fault.Error {
	f.OutcomeUnknown, f.Refused, f.Retry = true, true, true
	return f
}

// markUnknown marks a fault after which only the remote's list shows what happened. The text says what may have
// happened.
func markUnknown(err error, text string) *fault.Error {
	f := *fault.From(err)
	f.OutcomeUnknown, f.Retry = true, true
	f.Message = text + ": " + f.Message
	return &f
}
