package notify

import (
	"slices"
	"strings"

	"pmssl/internal/cabforum"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
)

// templateData has the fields that templates can use: NoticeData without control characters and with texts of limited
// length. templates/README.md explains each field to administrators.
type templateData struct {
	Client    string
	Domain    string
	Names     []string
	MoreNames int
	Order     string
	Item      int64
	Expires   string
	Expired   bool
	DaysLeft  int
	PaidUntil string
	Method    string
	Records   []record
	Files     []file
	Approvers []approver
	MoreToDo  int
	Panel     string
	Sender    string
	Obstacles []obstacle
	Serial    string
	Served    []served
	// MoreServed is the number of places that are not listed.
	MoreServed int
	// ServedUntil is the earliest end of the certificates that are served.
	ServedUntil   string
	ServedExpired bool
	// RevokedSerial, RevokedOn and Reason are those of the revoked certificate; Reason is empty if the authority gave none.
	RevokedSerial, RevokedOn, Reason string
	// Next is what the client has to do about it: install, wait, reissue or ask.
	Next string
}

// record is a DNS record to publish. Name and Type are empty if the stored text could not be parsed.
type record struct{ Name, Type, Value string }

// file is a file to publish. URL is empty if the stored text has none.
type file struct {
	URL   string
	Lines []string
}

// approver is an address to which the certification authority sent its e-mail, and the name that it may approve.
type approver struct{ Domain, Address string }

// obstacle is a name that DNS shows something against. Allowed and Needed are names of authorities.
type obstacle struct {
	Name            string
	Absent          bool
	Allowed, Needed string
}

// served is a place that still serves an old certificate. Address, Serial and Expires are empty if they are not known.
type served struct {
	Name, Address, Serial, Expires string
	Expired                        bool
}

func newTemplateData(n NoticeData, sender string) templateData {
	d := templateData{
		Client: headerText(n.ToName, maxPerson), Domain: displayName(n.Domain),
		Order: printableLine(n.Order, maxPhrase), Item: n.Item,
		Expires: n.Expires.String(), Expired: !n.Expires.IsZero() && n.DaysLeft < 0, DaysLeft: n.DaysLeft,
		PaidUntil: n.PaidUntil.String(), Method: methodWord(n.Method),
		Panel: printableLine(n.Panel, maxPhrase), Sender: sender, Serial: printableLine(n.Serial, maxPerson),
	}
	d.names(n)
	d.challenges(n)
	d.places(n)
	d.revoked(n.Revoked)
	for _, o := range n.Obstacles[:min(len(n.Obstacles), maxObstacles)] {
		d.Obstacles = append(d.Obstacles, obstacle{displayName(o.Name), o.Absent, issuers(o.Allowed), issuers(o.Needed)})
	}
	return d
}

// names lists the names that the certificate covers besides its common name, each once.
func (d *templateData) names(n NoticeData) {
	seen := map[string]bool{strings.ToLower(hostText(n.Domain)): true}
	for _, san := range n.SANs {
		name := strings.ToLower(hostText(san))
		switch {
		case name == "" || seen[name]:
		case len(d.Names) == maxNames:
			d.MoreNames++
		default:
			d.Names = append(d.Names, displayName(name))
		}
		seen[name] = true
	}
}

// places lists the places that serve an old certificate, and finds the earliest end of what they serve.
func (d *templateData) places(n NoticeData) {
	var first cabforum.Date
	for _, place := range n.Served {
		if !place.Expires.IsZero() && (first.IsZero() || place.Expires.Before(first)) {
			first = place.Expires
			d.ServedUntil, d.ServedExpired = first.String(), place.Expired
		}
		if len(d.Served) == maxServed {
			d.MoreServed++
			continue
		}
		d.Served = append(d.Served, served{
			Name: displayName(place.Name), Address: printableLine(place.Address, maxPerson), Serial: printableLine(place.Serial, maxPerson),
			Expires: place.Expires.String(), Expired: place.Expired,
		})
	}
}

// revoked describes the revoked certificate.
func (d *templateData) revoked(r Revoked) {
	d.RevokedSerial, d.RevokedOn, d.Next = printableLine(r.Serial, maxPerson), r.On.String(), printableLine(r.Next, maxPerson)
	if r.Reason != "unspecified" {
		d.Reason = printableLine(r.Reason, maxPerson)
	}
}

// challenges sorts the challenges by their kind. A record or file that several names share is listed once.
func (d *templateData) challenges(n NoticeData) {
	challenges := n.Challenges
	if len(challenges) == 0 {
		challenges = readChallenges(n.Method, n.ChallengeText)
	}
	for _, c := range challenges {
		if len(d.Records)+len(d.Files)+len(d.Approvers) == maxChallenges {
			d.MoreToDo++
			continue
		}
		d.challenge(c)
	}
}

func (d *templateData) challenge(c seller.Challenge) {
	switch c.Method {
	case seller.MethodDNS:
		r := record{printableLine(c.Host, maxHostname), printableLine(c.Record, maxPerson), printableLine(c.Target, maxValue)}
		if r != (record{}) && !slices.Contains(d.Records, r) {
			d.Records = append(d.Records, r)
		}
	case seller.MethodFile:
		f := file{printableLine(c.URL, maxValue), block(c.Body)}
		same := func(other file) bool { return other.URL == f.URL && slices.Equal(other.Lines, f.Lines) }
		if (c.URL != "" || c.Body != "") && !slices.ContainsFunc(d.Files, same) {
			d.Files = append(d.Files, f)
		}
	case seller.MethodEmail:
		a := approver{hostText(c.Domain), printableLine(c.Email, maxHostname)}
		if a.Address != "" && !slices.Contains(d.Approvers, a) {
			d.Approvers = append(d.Approvers, a)
		}
	}
}

// issuers returns the names of authorities in one line; of many the first ones.
func issuers(all []string) string {
	var names []string
	for _, name := range all[:min(len(all), maxIssuers)] {
		names = append(names, hostText(name))
	}
	if len(all) > len(names) {
		names = append(names, "…")
	}
	return strings.Join(names, ", ")
}

// methodWord returns the name of the method for conditions in templates; empty if the method is unknown.
func methodWord(m seller.Method) string {
	switch m {
	case seller.MethodDNS:
		return "dns"
	case seller.MethodFile:
		return "file"
	case seller.MethodEmail:
		return "email"
	}
	return ""
}

// displayName returns a domain name as a client recognises it (pki.DisplayName), with only the characters of host names.
func displayName(name string) string {
	ascii := hostText(name)
	if text := pki.DisplayName(ascii); text != ascii {
		return hostText(strings.TrimSuffix(text, " ("+ascii+")")) + " (" + ascii + ")"
	}
	return ascii
}
