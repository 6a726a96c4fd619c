package publish

import (
	"fmt"
	"slices"
	"strings"

	"pmssl/internal/pki"
	"pmssl/internal/plaintext"
)

const (
	// maxTXT is the length of one character string of a TXT record (RFC 1035 3.3).
	maxTXT = 255
	// maxFile is how many bytes a challenge's file may have; sellers ask for less than 200.
	maxFile = 8 << 10
	// maxHost is the length of a host name in characters (RFC 1035 2.3.4).
	maxHost = 253
)

// Host checks a record against the order that it is for and returns the host that it proves control of: the name above a
// DNS record's first label, or the host that serves a file. A record may stand directly below one of the certificate's
// names that is its domain or stands above it, and with higher also below a further parent of its domain; whose that is
// remains to be shown. A name that does not fit is an error that wraps ErrNotOwner.
func (r Record) Host(order Order, higher bool) (string, error) {
	names := bareNames(order.Names)
	if !slices.Contains(names, r.Domain) {
		return "", refuse("%q is no name of the certificate", plaintext.Clip(r.Domain, maxHost))
	}
	if r.Type == File {
		return r.fileHost(order)
	}
	host, err := r.challengeHost()
	switch {
	case err != nil:
		return "", err
	case !slices.Contains(names, host) && !higher:
		return "", refuse("%q does not stand directly below a name of the certificate, and its publisher has no `parent yes`", plaintext.Clip(r.Name, maxHost))
	}
	return host, r.checkValue()
}

// challengeHost returns the name above a DNS record's first label.
func (r Record) challengeHost() (string, error) {
	label, host, _ := strings.Cut(r.Name, ".")
	switch {
	case r.Type != CNAME && r.Type != TXT:
		return "", refuse("%q is no kind of record that is published", plaintext.Clip(string(r.Type), 20))
	case r.Path != "":
		return "", refuse("a %s record has no path", r.Type)
	case len(r.Name) > maxHost || !isChallengeLabel(label):
		return "", refuse("%q does not begin with one label for challenges (_ and letters or digits in lower case)", plaintext.Clip(r.Name, maxHost))
	case taken(label):
		return "", refuse("%s means something else than a certificate's challenge", label)
	case !canonical(host) || !within(r.Domain, host):
		return "", refuse("%q does not stand below %s", plaintext.Clip(r.Name, maxHost), r.Domain)
	}
	return host, nil
}

func (r Record) fileHost(order Order) (string, error) {
	_, fits := challengeFile(r.Path)
	switch {
	case !canonical(r.Name) || !slices.Contains(order.Names, r.Name):
		return "", refuse("a file's host %q is no name of the certificate; wildcards are proved in DNS", plaintext.Clip(r.Name, maxHost))
	case !within(r.Domain, r.Name):
		return "", refuse("a file at %s proves nothing for %s", r.Name, r.Domain)
	case !fits:
		return "", refuse("%q is no path for challenges (%sNAME.txt)", plaintext.Clip(r.Path, 300), challengeFolder)
	}
	return r.Name, r.checkValue()
}

// checkValue keeps out what no seller asks for: it goes into zones, files and the arguments of programs.
func (r Record) checkValue() error {
	most, wanted, fits := maxTXT, "characters of ASCII that print", printable(r.Value, "")
	switch r.Type {
	case CNAME:
		most, wanted, fits = maxHost+1, "characters of a host name", isTarget(r.Value)
	case File:
		most, wanted, fits = maxFile, "characters of ASCII that print, in lines", printable(r.Value, "\r\n")
	}
	if r.Value == "" || len(r.Value) > most || !fits {
		return fmt.Errorf("%q is no content for a %s challenge: wanted are 1 to %d %s", plaintext.Clip(r.Value, 300), r.Type, most, wanted)
	}
	return nil
}

// isTarget reports whether a text can be the target of a CNAME: two labels at least, with _ in all but the last.
func isTarget(text string) bool {
	labels := strings.Split(strings.TrimSuffix(text, "."), ".")
	for i, label := range labels {
		others := "-_"
		if i == len(labels)-1 {
			others = "-"
		}
		if !consistsOf(label, maxLabel, others) || label[0] == '-' {
			return false
		}
	}
	return len(labels) > 1
}

// isChallengeLabel reports whether a label begins with _ and is followed by letters in lower case, digits, _ and -.
func isChallengeLabel(label string) bool {
	rest, found := strings.CutPrefix(label, "_")
	return found && consistsOf(rest, maxLabel-1, "-_") && rest == strings.ToLower(rest)
}

// taken reports whether a label means something outside of this module: ACME's proof and its persistent form would give
// certificates to whom the value names, the others concern mail (RFC 8555, RFC 7489, RFC 6376, RFC 8461).
func taken(label string) bool {
	return slices.Contains([]string{"_acme-challenge", "_validation-persist", "_dmarc", "_domainkey", "_mta-sts", "_adsp"}, label)
}

// canonical reports whether a name is a domain name as certificates carry it: A-labels, lower case, no final dot, no
// wildcard. What looks like another name in another script has other A-labels.
func canonical(name string) bool {
	ascii, err := pki.ASCIIName("name", name)
	return err == nil && ascii == name && !strings.HasPrefix(name, "*.")
}

// bareNames are the certificate's names without "*."; names that are not canonical are left out.
func bareNames(names []string) []string {
	var bare []string
	for _, name := range names {
		if name = strings.TrimPrefix(name, "*."); canonical(name) {
			bare = append(bare, name)
		}
	}
	return bare
}

// consistsOf reports whether a text has 1 to most bytes, each of which is a letter or digit of ASCII or one of the others.
func consistsOf(text string, most int, others string) bool {
	for i := range len(text) {
		if !alphanumeric(text[i]) && strings.IndexByte(others, text[i]) < 0 {
			return false
		}
	}
	return text != "" && len(text) <= most
}

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// printable reports whether all bytes of a text are characters of ASCII that print, blanks, or among the others.
func printable(text, others string) bool {
	for i := range len(text) {
		if (text[i] < ' ' || text[i] > '~') && strings.IndexByte(others, text[i]) < 0 {
			return false
		}
	}
	return true
}
