package notify

import (
	"net/mail"
	"strings"

	"golang.org/x/net/idna"

	"pmssl/internal/fault"
)

// Objects of faults about addresses.
const (
	fromOption = "SSLSubscriptionMailFrom"
	toField    = "email"
)

const (
	maxAddress = 512 // an address with its name, before it is parsed
	maxLocal   = 64  // the part before the at sign (RFC 5321 4.5.3.1.1)
)

// sender parses SSLSubscriptionMailFrom: an address, or a name and an address in angle brackets.
func sender(text string) (mail.Address, error) {
	if strings.TrimSpace(text) == "" {
		return mail.Address{}, fault.Errorf(fault.Missed, fromOption,
			"mails to clients have no sender: set SSLSubscriptionMailFrom in etc/billmgr.conf, for example noreply@your-domain")
	}
	parsed, why := readAddress(text)
	var address string
	if why == "" {
		address, why = deliverable(parsed.Address)
	}
	if why != "" {
		return mail.Address{}, fault.Errorf(fault.Value, fromOption,
			"SSLSubscriptionMailFrom in etc/billmgr.conf is not usable as a sender: %s: %q", why, printableLine(text, maxAddress))
	}
	return mail.Address{Name: headerText(parsed.Name, maxPerson), Address: address}, nil
}

// recipient parses the client's address. It must be one address and nothing else: more text could be a second recipient.
func recipient(n NoticeData) (mail.Address, error) {
	text := strings.TrimSpace(n.To)
	if text == "" {
		return mail.Address{}, fault.Errorf(fault.Missed, toField, "the client of item %d has no e-mail address: enter one in the panel", n.Item)
	}
	parsed, why := readAddress(text)
	if why == "" && parsed.Address != text {
		why = "it is not just an address"
	}
	var address string
	if why == "" {
		address, why = deliverable(parsed.Address)
	}
	if why != "" {
		return mail.Address{}, fault.Errorf(fault.Value, toField,
			"the e-mail address of the client of item %d is not usable: %s: %q; correct it in the panel", n.Item, why, printableLine(text, maxAddress))
	}
	return mail.Address{Name: headerText(n.ToName, maxPerson), Address: address}, nil
}

// readAddress parses one address with net/mail. why is the reason if that fails.
func readAddress(text string) (address *mail.Address, why string) {
	if len(text) > maxAddress {
		return nil, "it is too long"
	}
	address, err := mail.ParseAddress(text)
	if err != nil {
		return nil, strings.TrimPrefix(err.Error(), "mail: ")
	}
	return address, ""
}

// deliverable returns the address in the form that every MTA accepts: an ASCII dot-atom (RFC 5322 3.2.3) before the at sign,
// and a domain name in A-labels after it. why is the reason if the address has no such form.
func deliverable(address string) (ascii, why string) {
	at := strings.LastIndexByte(address, '@')
	local := address[:at]
	if len(local) > maxLocal || !dotAtom(local) {
		return "", "the part before the at sign is longer than 64 characters or has characters that not every mail server accepts"
	}
	domain, err := idna.Lookup.ToASCII(address[at+1:])
	if err != nil || len(domain) > maxHostname || !dotAtom(domain) {
		return "", "the part after the at sign is not a domain name"
	}
	return local + "@" + domain, ""
}

// dotAtom reports whether the text consists of atoms between dots, in ASCII.
func dotAtom(text string) bool {
	for atom := range strings.SplitSeq(text, ".") {
		if atom == "" || strings.ContainsFunc(atom, outsideAtom) {
			return false
		}
	}
	return true
}

func outsideAtom(r rune) bool {
	return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r)
}
