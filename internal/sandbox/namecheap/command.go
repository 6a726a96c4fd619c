package namecheap

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"pmssl/internal/sandbox/standin"
)

// command is one method of the API. Its name has the spelling of the answers.
type command struct {
	name string
	run  func(*call) answer
}

func commandTable() map[string]command {
	table := map[string]command{}
	for _, row := range []command{
		{"namecheap.ssl.create", create},
		{"namecheap.ssl.activate", activate},
		{"namecheap.ssl.getInfo", getInfo},
		{"namecheap.ssl.getList", getList},
		{"namecheap.ssl.parseCSR", parseCSRCommand},
		{"namecheap.ssl.getApproverEmailList", getApproverEmailList},
		{"namecheap.ssl.renew", renew},
		{"namecheap.ssl.reissue", reissue},
		{"namecheap.ssl.resendApproverEmail", resendApproverEmail},
		{"namecheap.ssl.resendfulfillmentemail", resendFulfillmentEmail},
		{"namecheap.ssl.purchaseMoreSANS", purchaseMoreSANs},
		{"namecheap.ssl.revokecertificate", revokeCertificate},
		{"namecheap.ssl.editDCVMethod", editDCVMethod},
		{"namecheap.users.getBalances", getBalances},
		{"namecheap.users.getPricing", getPricing},
	} {
		table[strings.ToLower(row.name)] = row
	}
	return table
}

// call is one request to a command.
type call struct {
	server     *Server
	account    *Account
	parameters parameters
	now        time.Time
	problems   []APIError
}

func (c *call) get(name string) string { return c.parameters.get(name) }

// problem collects an error of the parameters; all errors are answered at once.
func (c *call) problem(number, text string) {
	c.problems = append(c.problems, APIError{number, text})
}

func (c *call) failed() bool { return len(c.problems) > 0 }

// refusal returns the answer with the collected errors.
func (c *call) refusal() answer { return answer{errors: c.problems} }

// field describes one parameter: its name as error texts spell it, the last digits of its error
// codes, and its greatest length.
type field struct {
	name, code string
	max        int
	required   bool
}

// check collects errors for missing and too long values (codes 2010xxx and 2013xxx).
func (c *call) check(fields ...field) {
	for _, f := range fields {
		value := c.get(f.name)
		switch {
		case value == "" && f.required:
			c.problem("2010"+f.code, "Parameter "+f.name+" is Missing")
		case utf8.RuneCountInString(value) > f.max:
			c.problem("2013"+f.code, "Parameter "+f.name+" is TooLong")
		}
	}
}

var errNotANumber = errors.New("not a whole number")

// number parses a whole number. errNotANumber distinguishes other texts from numbers that are too
// large.
func number(value string) (int64, error) {
	if strings.Trim(value, "0123456789") != "" {
		return 0, errNotANumber
	}
	return strconv.ParseInt(value, 10, 64)
}

// certificateID checks the parameter that nearly every method has.
func (c *call) certificateID(max int) int64 {
	c.check(field{"CertificateID", "294", max, true})
	value := c.get("CertificateID")
	if value == "" || len(value) > max {
		return 0
	}
	id, err := number(value)
	if err != nil {
		c.problem("2011294", "Parameter CertificateID is Invalid")
	}
	return id
}

// own returns a certificate of the account, or nil. Certificates of other accounts do not exist for
// it.
func (c *call) own(id int64) *Certificate {
	found := c.server.certificates.Get(id)
	if found == nil || standin.AccountName(found.Account) != standin.AccountName(c.account.User) {
		return nil
	}
	return found
}

// target returns the certificate of CertificateID. If it is nil, the collected errors say why.
func (c *call) target(max int) *Certificate {
	id := c.certificateID(max)
	if c.failed() {
		return nil
	}
	found := c.own(id)
	if found == nil {
		c.problem("2011294", "CertificateID is invalid")
	}
	return found
}

// years reads the term of a purchase.
func (c *call) years() int {
	value := c.get("Years")
	if value == "" {
		c.problem("2010167", "Parameter Years is Missing")
		return 0
	}
	years, err := number(value)
	switch {
	case errors.Is(err, errNotANumber):
		c.problem("2011167", "Parameter Years is Invalid")
	case len(value) > 1 || years < 1 || years > 5:
		c.problem("2013167", "Parameter Years is OutOfRange")
	}
	return int(years)
}

// boolean reads a switch: "true" and "false" in any case (1.3).
func (c *call) boolean(name string) bool {
	switch strings.ToLower(c.get(name)) {
	case "true":
		return true
	case "", "false":
		return false
	}
	c.problem("2013900", "Parameter "+name+" is Invalid")
	return false
}

// shortDate and longDate format dates: getInfo has M/D/YYYY without padding, everything else
// MM/DD/YYYY; a zero time gives "" (0.6).
func shortDate(t time.Time) string { return formatDate(t, "1/2/2006") }
func longDate(t time.Time) string  { return formatDate(t, "01/02/2006") }

func formatDate(t time.Time, layout string) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(layout)
}

const (
	textDiscontinued = "We're sorry, the requested SSL type has been discontinued"
	textFunds        = "ORDER CREATION FAILED; INSUFFICIENTFUNDS;Insufficient funds in account; Sorry! Your available balance is insufficient to cover the current billing amount;"
)

// soldProduct returns the product that a purchase or a query names. Unknown names and discontinued
// ones have different error texts.
func (c *call) soldProduct(parameter string) (product, bool) {
	name := c.get(parameter)
	found, ok := c.server.find(name, c.now)
	switch {
	case ok:
		return found, true
	case isDiscontinued(name):
		c.problem("2011301", textDiscontinued)
	default:
		c.problem("2011301", "Parameter "+parameter+" is not valid")
	}
	return product{}, false
}

// discount applies PromotionCode to a price (error texts: 3.7).
func (c *call) discount(price Money) (Money, *APIError) {
	code := c.get("PromotionCode")
	if code == "" {
		return price, nil
	}
	promotion, known := c.server.settings.Promotions[code]
	if !known {
		return price, &APIError{"2011170", "Promotion code is not available"}
	}
	texts := map[string]string{
		"exceeded":      "Promotion code usage exceeded",
		"not_started":   "Promotion code is not started yet.",
		"expired":       "Promotion code is expired",
		"needs_user":    "Promotion code requires username.",
		"access_denied": "Access denied for the promotion code",
		"inactive":      "Promotion code is not active",
		"error":         "Error occured while validating promotion code",
	}
	if text, broken := texts[promotion.State]; broken {
		return price, &APIError{"2011170", text}
	}
	return price * Money(100-promotion.PercentOff) / 100, nil
}

// chargeFor charges the price, or returns the error for a balance that is too low.
func (c *call) chargeFor(price Money, command string) (Charge, *APIError) {
	charge, ok := c.server.charge(c.account, price, command, c.now)
	if !ok {
		return Charge{}, &APIError{"2528166", textFunds}
	}
	return charge, nil
}

func refused(e *APIError) answer { return answer{errors: []APIError{*e}} }

func isSuccess(name string, id int64) element {
	return node(name).withInt("ID", id).withBool("IsSuccess", true)
}

// unhandled returns the seller's answer to a failure of its own.
func unhandled(err error) answer {
	return failure("5050900", fmt.Sprintf("Unhandled exceptions: %v", err))
}
