package namecheap

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

// certain reports whether what call returned proves that the command changed nothing at Namecheap: the request never left,
// or the answer is a definite refusal in Namecheap's own document. An HTTP status proves nothing (rules BUY-12).
func certain(err error) bool {
	var refused *refusal
	var failure *sellerhttp.Error
	switch {
	case errors.As(err, &refused):
		return refused.definite()
	case errors.As(err, &failure):
		return !failure.Sent
	}
	return false
}

// overLimit reports whether the answer is the HTTP status by which Namecheap says that the limit of calls is reached and
// the command was not carried out (docs/reference/namecheap.md §1.4). Anything on the way there may answer with it as well.
func overLimit(err error) bool {
	var failure *sellerhttp.Error
	return errors.As(err, &failure) && failure.Sent && failure.Status == http.StatusMethodNotAllowed
}

// doubtful is unclear for what call returned: of type limit and with Refused set where the limit of calls is the likely
// reason, else of the type that is given.
func doubtful(err error, kind, text string) *fault.Error {
	f := fault.From(faultOf(err))
	if overLimit(err) {
		f.Refused = true
		return unclear(f, text)
	}
	f.Type = kind
	return unclear(f, text)
}

// refusedFor reports whether the answer is a definite refusal that has the number among its errors.
func refusedFor(err error, number int) bool {
	var refused *refusal
	return errors.As(err, &refused) && refused.definite() && refused.has(number)
}

// unclear marks a fault after which only Namecheap's lists tell what happened; the text says what that may be.
func unclear(f *fault.Error, text string) *fault.Error {
	f.OutcomeUnknown, f.Retry = true, true
	f.Message = text + ": " + f.Message
	return f
}

// isNew holds the result of a command that makes a certificate against its OK: it has to name an id, another one than the
// old, and must not say that it failed. An error is no refusal: such an answer says neither yes nor no.
func isNew(command string, old, id int64, result *sellerhttp.Element) error {
	if id != 0 && id == old {
		return taken{odd(command, "answers OK with the old id %d instead of a new one", old)}
	}
	return succeeded(command, id, result)
}

// isAbout holds the result of a command that pays for something of a certificate against its OK in the same way: it has to
// name that certificate.
func isAbout(command string, asked, id int64, result *sellerhttp.Element) error {
	if id != 0 && id != asked {
		return taken{odd(command, "answers OK about the certificate %d instead of %d", id, asked)}
	}
	return succeeded(command, id, result)
}

func succeeded(command string, id int64, result *sellerhttp.Element) error {
	switch success := result.Attr("IsSuccess"); {
	case id == 0:
		if success != "" && !strings.EqualFold(success, "true") {
			return odd(command, "answers OK without the id of a certificate, and says IsSuccess=%s", words(success))
		}
		return taken{odd(command, "answers OK without the id of a certificate")}
	case success != "" && !strings.EqualFold(success, "true"):
		return odd(command, "answers OK and names the certificate %d, but says IsSuccess=%s", id, words(success))
	}
	return nil
}

// taken is an answer by which Namecheap took the purchase and did not say which certificate it is: most likely it is paid
// for, so it is looked for and never made again by a program (rules BUY-9).
type taken struct{ error }

// Unwrap returns what is wrong with the answer.
func (t taken) Unwrap() error { return t.error }

// odd returns the error of an answer that says neither yes nor no.
func odd(command, format string, args ...any) error {
	return &sellerhttp.Error{Kind: sellerhttp.Unreadable, Seller: Title, Call: command, Status: http.StatusOK, Sent: true,
		Text: fmt.Sprintf(format, args...)}
}

// definite reports whether the answer proves that the command bought and made nothing. By the grammar of the numbers
// (docs/reference/namecheap.md §1.7) that holds for refused access and for parameters that are missing, invalid or out of
// range; of the others only for those whose documented text leaves no doubt (docs/reference/namecheap.md §3.1, §3.2, §3.7,
// §3.8). Every error has to be of that kind, and no certificate may be in the answer.
func (r *refusal) definite() bool {
	if len(r.errors) == 0 || traces(r.response) {
		return false
	}
	return !slices.ContainsFunc(r.errors, func(e apiError) bool { return !e.definite() && !e.definiteOf(r.command) })
}

// traces reports whether the answer to a command that makes a certificate holds signs of one, whatever else it says.
func traces(response *sellerhttp.Element) bool {
	if response == nil {
		return false
	}
	return slices.ContainsFunc(response.Children, func(result *sellerhttp.Element) bool {
		return seller.ParseID(result.Attr("CertificateID")) > 0 || seller.ParseID(result.Attr("ID")) > 0 ||
			seller.ParseID(result.Child("SSLCertificate").Attr("CertificateID")) > 0 || strings.EqualFold(result.Attr("IsSuccess"), "true")
	})
}

// definite holds for any command.
func (e apiError) definite() bool {
	switch class := e.number / 1000; {
	case e.number >= 1000000 && e.number < 2000000:
		return true
	case class == 2010, class == 2011, class == 2013:
		return true
	}
	switch e.number {
	case 2015167, 4080167: // the term is longer than allowed
		return true
	case 2528166: // one number for an empty account and for an order that broke in the middle: only the documented word parts them
		return strings.Contains(e.text, "INSUFFICIENTFUNDS")
	}
	return false
}

// definiteOf holds for the one command, on whose page the number stands.
func (e apiError) definiteOf(command string) bool {
	switch command {
	case commandRenew:
		return e.refusesRenewal()
	case commandReissue:
		return e.refusesReissue()
	case commandNames: // its page does not list the number, the text is the same
		return e.refusesStatus() && strings.Contains(strings.ToLower(e.text), "status")
	}
	return false
}

func (e apiError) refusesRenewal() bool {
	switch e.number {
	case typeMismatch, 4011294: // another product; outside the window
		return true
		// 4028294, "already queued for Renewal", is left open: it may be our own renewal whose answer was lost, and the
		// list tells (rules BUY-4)
	}
	return e.refusesStatus()
}

// refusesReissue leaves open what the CA's own troubles may have left behind, and 4035900, whose text is not public.
func (e apiError) refusesReissue() bool {
	switch e.number {
	case 2014296, 2030296: // a name twice; a wildcard for a product without
		return true
	case 3011296, 4011296: // the CA does not take the CSR
		return true
	case 4011294: // no such certificate
		return true
	case 3011295: // also "Error From Certificate Provider"
		return strings.Contains(strings.ToLower(e.text), "approver email")
	}
	return e.refusesStatus()
}

// statusRefused is "Status is InValid." or, for reissue, that one is in progress already (docs/reference/namecheap.md §3.8;
// the texts are not resolved).
const statusRefused = 4011331

// refusesStatus reports whether an error is about the state of the order. The same number is given to "Unable to update DCV
// filerecords in database. Please try again." (docs/reference/namecheap.md §3.2), an accident in the middle.
func (e apiError) refusesStatus() bool {
	return e.number == statusRefused && !strings.Contains(strings.ToLower(e.text), "unable")
}
