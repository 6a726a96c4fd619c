package ispmanager

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/seller/sellerhttp"
)

// failure is the remote's error document (docs/reference/ispmanager.md §1.5), its texts without secrets and each one line.
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

// said returns what the remote gave as error: type, object and its words.
func (f *failure) said() string {
	head := strings.TrimSuffix(f.kind+"/"+f.object, "/")
	if f.text == "" {
		return head
	}
	return head + ": " + f.text
}

// Error returns what the remote said.
func (f *failure) Error() string { return Title + " refuses: " + f.said() }

// is reports whether the error is of one of the types.
func (f *failure) is(kinds ...string) bool {
	return f != nil && slices.Contains(kinds, strings.ToLower(f.kind))
}

// gone reports whether the object that was asked about does not exist (docs/reference/ispmanager.md §1.5). A function that
// does not exist says nothing of it.
func (f *failure) gone() bool { return f.is("missed") && !strings.EqualFold(f.object, "func") }

// shutsOut reports whether the error is about the account and not about what was asked for.
func (f *failure) shutsOut() bool {
	return f.is("auth") || strings.Contains(strings.ToLower(f.kind), "captcha") || f.aboutAddress()
}

// aboutAddress reports whether the error refuses the host's address. The type of that answer is not known, its text is
// "Access from this IP denied" (docs/reference/ispmanager.md §1.2).
func (f *failure) aboutAddress() bool {
	return strings.EqualFold(f.object, "ip") || strings.EqualFold(f.kind, "ip") ||
		f.is("auth", "access") && slices.Contains(strings.FieldsFunc(f.text, func(r rune) bool { return !letter(r) }), "IP")
}

func letter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

// fault returns the error in the words of the product's edge, with the remote's type and words.
func (f *failure) fault(function string) *fault.Error {
	shut := func(kind, object, advice string) *fault.Error {
		return &fault.Error{Type: kind, Object: object, Message: Title + ": " + advice + " (" + f.said() + ")", Err: f}
	}
	kind := strings.ToLower(f.kind)
	switch {
	case f.aboutAddress():
		return shut(fault.Address, "ip", "the account may not be used from this host's address; allow it in the account's settings there")
	case f.is("auth") && strings.EqualFold(f.object, "badpassword"):
		return shut(fault.Login, "password", "the user name or the password is wrong; check username and password")
	case strings.Contains(kind, "captcha"):
		return shut(fault.Auth, "username", "a captcha is asked for after failed logins; log in there once with a browser, then try again")
	case strings.Contains(kind, "totp"), strings.Contains(kind, "otp"):
		return twoFactor(function)
	case f.is("auth"):
		return shut(fault.Auth, "username", "the account is not let in; check it in a browser")
	case f.is("missed"):
		return &fault.Error{Type: fault.API, Object: function, Message: Title + " (" + function + ") does not have it: " + f.said(), Err: f}
	}
	return &fault.Error{Type: fault.API, Object: function, Message: Title + " (" + function + ") refuses: " + f.said(), Err: f}
}

// twoFactor returns the fault of a login that waits for its second factor: the remote answers each function with an <ok>
// and nothing else (docs/reference/ispmanager.md §1.2).
func twoFactor(function string) *fault.Error {
	return fault.Errorf(fault.Auth, "username", "%s (%s) answers ok without any content: two-factor authentication is on for this user; "+
		"switch it off there or use another user", Title, function)
}

// failureIn returns the remote's error in a chain of errors, nil if absent.
func failureIn(err error) *failure {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	return nil
}

// faultOf turns what call returned into the fault of the edge, with a hint where the address is the likely reason.
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
		f.Object, f.Message = "url", f.Message+"; it may be a login page, a protection wall before the billing, or a wrong url"
	}
	return f
}

// certain reports whether the error proves that the request never left this host.
func certain(err error) bool {
	var failure *sellerhttp.Error
	return errors.As(err, &failure) && !failure.Sent
}

// refused marks a fault after which nothing was bought most likely, although the remote did not say so itself: two readings
// of its list that show nothing free the way (rules BUY-12).
func refused(f *fault.Error) *fault.Error {
	f.OutcomeUnknown, f.Refused, f.Retry = true, true, true
	return f
}

// unclear marks a fault after which only the remote's list tells what happened; the text says what that may be.
func unclear(err error, text string) *fault.Error {
	f := *fault.From(err)
	f.OutcomeUnknown, f.Retry = true, true
	f.Message = text + ": " + f.Message
	return &f
}
