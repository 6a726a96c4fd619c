package notify

import (
	"slices"
	"strings"

	"pmssl/internal/pki"
	"pmssl/internal/seller"
)

// words is what templates speak of: Facts, cleaned and bounded. templates/README.md explains each field to
// administrators.
type words struct {
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
}

// record is a DNS record to publish. Name and Type are empty if the stored text could not be taken apart.
type record struct{ Name, Type, Value string }

// file is a file to publish. URL is empty if the stored text names none.
type file struct {
	URL   string
	Lines []string
}

// approver is an address to which the certification authority has written, and for which name.
type approver struct{ Domain, Address string }

func wordsOf(f NoticeData, sender string) words {
	w := words{
		Client: headerText(f.ToName, maxPerson), Domain: shown(f.Domain),
		Order: printableLine(f.Order, maxPhrase), Item: f.Item,
		Expires: f.Expires.String(), Expired: !f.Expires.IsZero() && f.DaysLeft < 0, DaysLeft: f.DaysLeft,
		PaidUntil: f.PaidUntil.String(), Method: methodWord(f.Method),
		Panel: printableLine(f.Panel, maxPhrase), Sender: sender,
	}
	w.names(f)
	w.challenges(f)
	return w
}

// names lists what the certificate covers besides its common name, each name once.
func (w *words) names(f NoticeData) {
	seen := map[string]bool{strings.ToLower(hostText(f.Domain)): true}
	for _, san := range f.SANs {
		name := strings.ToLower(hostText(san))
		switch {
		case name == "" || seen[name]:
		case len(w.Names) == maxNames:
			w.MoreNames++
		default:
			w.Names = append(w.Names, shown(name))
		}
		seen[name] = true
	}
}

// challenges sorts what is to be published by its kind. Names that need the same record share it.
func (w *words) challenges(f NoticeData) {
	challenges := f.Proofs
	if len(challenges) == 0 {
		challenges = readChallenges(f.Method, f.ProofText)
	}
	for _, p := range challenges {
		if len(w.Records)+len(w.Files)+len(w.Approvers) == maxChallenges {
			w.MoreToDo++
			continue
		}
		w.challenge(p)
	}
}

func (w *words) challenge(p seller.Challenge) {
	switch p.Method {
	case seller.MethodDNS:
		r := record{printableLine(p.Host, maxHostname), printableLine(p.Record, maxPerson), printableLine(p.Target, maxValue)}
		if r != (record{}) && !slices.Contains(w.Records, r) {
			w.Records = append(w.Records, r)
		}
	case seller.MethodFile:
		f := file{printableLine(p.URL, maxValue), block(p.Body)}
		same := func(other file) bool { return other.URL == f.URL && slices.Equal(other.Lines, f.Lines) }
		if (p.URL != "" || p.Body != "") && !slices.ContainsFunc(w.Files, same) {
			w.Files = append(w.Files, f)
		}
	case seller.MethodEmail:
		a := approver{hostText(p.Domain), printableLine(p.Email, maxHostname)}
		if a.Address != "" && !slices.Contains(w.Approvers, a) {
			w.Approvers = append(w.Approvers, a)
		}
	}
}

// methodWord returns the method's name for templates that choose by it; empty if the method is unknown.
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

// shown returns a domain name as a client recognises it (pki.DisplayName), without what has no place in a letter.
func shown(name string) string {
	ascii := hostText(name)
	if text := pki.DisplayName(ascii); text != ascii {
		return hostText(strings.TrimSuffix(text, " ("+ascii+")")) + " (" + ascii + ")"
	}
	return ascii
}
