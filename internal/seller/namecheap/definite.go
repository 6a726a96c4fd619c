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

// notExecuted reports whether an error of call proves that the command changed nothing at Namecheap: the request never
// left this host, or the answer is a definite refusal in Namecheap's own document. An HTTP status proves nothing (rules
// BUY-12).
func notExecuted(err error) bool {
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

// overLimit reports whether the answer is the HTTP status by which Namecheap says that the limit of calls is reached and the
// command was not executed (docs/reference/namecheap.md §1.4). A proxy or another server may answer with it as well.
func overLimit(err error) bool {
	var failure *sellerhttp.Error
	return errors.As(err, &failure) && failure.Sent && failure.Status == http.StatusMethodNotAllowed
}

// unknownOutcome returns the fault of an error of call after which the command may have been executed. If the limit of calls is
// the likely reason, its type is limit and Refused is set; otherwise its type is kind.
func unknownOutcome(err error, kind, text string) *fault.Error {
	f := fault.From(faultOf(err))
	if overLimit(err) {
		f.Refused = true
		return markUnknown(f, text)
	}
	f.Type = kind
	return markUnknown(f, text)
}

// refusedWith reports whether the answer is a definite refusal with this error number.
func refusedWith(err error, number int) bool {
	var refused *refusal
	return errors.As(err, &refused) && refused.definite() && refused.has(number)
}

// markUnknown marks a fault after which only Namecheap's lists show what happened. The text says what may have happened.
func markUnknown(f *fault.Error, text string) *fault.Error {
	f.OutcomeUnknown, f.Retry = true, true
	f.Message = text + ": " + f.Message
	return f
}

// checkNewID checks the result of a command that creates a certificate and answered OK: it must name an id other than the old
// one and must not say that it failed. Its error is not a refusal: whether the command was executed is unknown.
func checkNewID(command string, old, id int64, result *sellerhttp.Element) error {
	if id != 0 && id == old {
		return acceptedError{unclearAnswer(command, "answers OK with the old id %d instead of a new one", old)}
	}
	return checkSuccess(command, id, result)
}

// checkSameID is checkNewID for a command that pays for something for an existing certificate: the result must name that
// certificate.
func checkSameID(command string, asked, id int64, result *sellerhttp.Element) error {
	if id != 0 && id != asked {
		return acceptedError{unclearAnswer(command, "answers OK about the certificate %d instead of %d", id, asked)}
	}
	return checkSuccess(command, id, result)
}

func checkSuccess(command string, id int64, result *sellerhttp.Element) error {
	switch success := result.Attr("IsSuccess"); {
	case id == 0:
		if success != "" && !strings.EqualFold(success, "true") {
			return unclearAnswer(command, "answers OK without the id of a certificate, and says IsSuccess=%s", words(success))
		}
		return acceptedError{unclearAnswer(command, "answers OK without the id of a certificate")}
	case success != "" && !strings.EqualFold(success, "true"):
		return unclearAnswer(command, "answers OK and names the certificate %d, but says IsSuccess=%s", id, words(success))
	}
	return nil
}

// acceptedError is the error of an answer by which Namecheap accepted the purchase without naming the certificate. Most likely
// it is paid, so it is looked up and never repeated by a program (rules BUY-9).
type acceptedError struct{ error }

// Unwrap returns what is wrong with the answer.
func (t acceptedError) Unwrap() error { return t.error }

// unclearAnswer returns the error of an answer that shows neither success nor refusal.
func unclearAnswer(command, format string, args ...any) error {
	return &sellerhttp.Error{Kind: sellerhttp.Unreadable, Seller: Title, Call: command, Status: http.StatusOK, Sent: true,
		Text: fmt.Sprintf(format, args...)}
}

// definite reports whether the answer proves that the command bought and created nothing. By the scheme of the error numbers
// (docs/reference/namecheap.md §1.7) this holds for refused access and for parameters that are missing, invalid or out of
// range; of the other numbers only for those whose documented text leaves no doubt (docs/reference/namecheap.md §3.1, §3.2,
// §3.7, §3.8). All errors must be of that kind, and the answer must not name a certificate.
func (r *refusal) definite() bool {
	if len(r.errors) == 0 || namesCertificate(r.response) {
		return false
	}
	return !slices.ContainsFunc(r.errors, func(e apiError) bool { return !e.definite() && !e.definiteOf(r.command) })
}

// namesCertificate reports whether the answer names a certificate or says that the command succeeded.
func namesCertificate(response *sellerhttp.Element) bool {
	if response == nil {
		return false
	}
	return slices.ContainsFunc(response.Children, func(result *sellerhttp.Element) bool {
		return seller.ParseID(result.Attr("CertificateID")) > 0 || seller.ParseID(result.Attr("ID")) > 0 ||
			seller.ParseID(result.Child("SSLCertificate").Attr("CertificateID")) > 0 || strings.EqualFold(result.Attr("IsSuccess"), "true")
	})
}

// definite reports whether the error proves for any command that nothing was bought or created.
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
	case 2528166: // the same number means an empty account or an order that failed midway: only the documented word distinguishes them
		return strings.Contains(e.text, "INSUFFICIENTFUNDS")
	}
	return false
}

// definiteOf is definite for the error numbers that are documented for this command only.
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
		// 4028294, "already queued for Renewal", is not definite: it may be our own renewal whose answer was lost, which
		// the list shows (rules BUY-4)
	}
	return e.refusesStatus()
}

// refusesReissue reports whether the error refuses a reissue for certain. Errors of the CA are not definite, and neither is
// 4035900, whose text is not public.
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

// statusRefused is "Status is InValid." or, for reissue, that another reissue is in progress (docs/reference/namecheap.md §3.8;
// the exact texts are not known).
const statusRefused = 4011331

// refusesStatus reports whether an error is about the state of the order. The same number is given to "Unable to update DCV
// filerecords in database. Please try again." (docs/reference/namecheap.md §3.2), a failure midway.
func (e apiError) refusesStatus() bool {
	return e.number == statusRefused && !strings.Contains(strings.ToLower(e.text), "unable")
}
