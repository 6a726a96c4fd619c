package internet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"pmssl/internal/sandbox/issuance"
	"pmssl/internal/sandbox/standin"
)

// Perspectives are the places from which an authority looks: its own and five remote ones (BR 3.2.2.9).
func Perspectives() []string {
	return []string{"authority", "africa", "america", "asia", "australia", "europe"}
}

// fetchTime bounds one request for a file.
const fetchTime = 5 * time.Second

// issuers returns the names that CAA records call the authority by (RFC 8659 4.2).
func issuers() []string { return []string{"sectigo.com", "comodoca.com", "ssl.com"} }

// Authority looks at challenges as a certification authority does, from every perspective: at every address of every name
// server, or of the web server. All have to show the same, and no CAA record may forbid the certificate. It implements
// standin.Looker.
type Authority struct{ addresses *Addresses }

var _ standin.Looker = Authority{}

// NewAuthority returns an authority in a simulated Internet.
func NewAuthority(addresses *Addresses) Authority { return Authority{addresses} }

// Look implements standin.Looker.
func (a Authority) Look(ctx context.Context, c standin.Challenge) error {
	if a.addresses.isBogus(c.Domain) {
		return errors.New("the signatures of " + c.Domain + " are wrong")
	}
	for _, perspective := range Perspectives() {
		dial := a.addresses.From(perspective)
		err := lookFrom(ctx, dial, c)
		if err == nil {
			err = NewResolver(dial).checkCAA(ctx, c.Domain)
		}
		if err != nil {
			return fmt.Errorf("from %s: %w", perspective, err)
		}
	}
	return nil
}

// checkCAA refuses a domain whose nearest CAA records name other issuers only (RFC 8659 3). It knows the tag issue alone.
func (r *Resolver) checkCAA(ctx context.Context, domain string) error {
	for name, found := dns.CanonicalName(domain), true; found && name != ""; _, name, found = strings.Cut(name, ".") {
		answer, err := r.Lookup(ctx, name, dns.TypeCAA)
		if err != nil {
			return err
		}
		records := ofKind(answer.Answer, dns.TypeCAA)
		if len(records) == 0 {
			continue
		}
		if slices.ContainsFunc(records, func(rr dns.RR) bool { return slices.Contains(issuers(), rr.(*dns.CAA).Value) }) {
			return nil
		}
		return errors.New("the CAA records of " + name + " allow other authorities only")
	}
	return nil
}

func lookFrom(ctx context.Context, dial DialFunc, c standin.Challenge) error {
	resolver := NewResolver(dial)
	if c.Kind == standin.ChallengeFile {
		return resolver.lookAtFile(ctx, c)
	}
	err := resolver.lookAtRecord(ctx, c.Name, c)
	label, host, _ := strings.Cut(c.Name, ".")
	for err != nil && c.Parents && host != issuance.Registrable(c.Domain) {
		if _, host, _ = strings.Cut(host, "."); host == "" {
			break
		}
		if resolver.lookAtRecord(ctx, label+"."+host, c) == nil {
			return nil
		}
	}
	return err
}

// lookAtRecord asks every address of every name server that the parent or the zone itself names.
func (r *Resolver) lookAtRecord(ctx context.Context, name string, c standin.Challenge) error {
	kind := dns.TypeCNAME
	if c.Kind == standin.ChallengeTXT {
		kind = dns.TypeTXT
	}
	name = dns.CanonicalName(name)
	answer, servers, err := r.walk(ctx, name, kind, 0)
	if err != nil {
		return err
	}
	if servers, err = r.withOwn(ctx, answer, name, servers); err != nil {
		return err
	}
	for _, server := range servers {
		answer, err := r.ask(ctx, server, name, kind)
		switch {
		case err != nil:
			return err
		case !answer.Authoritative:
			return fmt.Errorf("%s has no authority for %s", server, name)
		case !shows(answer, name, c):
			return fmt.Errorf("%s does not show %q at %s", server, c.Value, name)
		}
	}
	return nil
}

// withOwn adds the servers that the zone itself names.
func (r *Resolver) withOwn(ctx context.Context, answer *dns.Msg, name string, servers []string) ([]string, error) {
	for zone := name; zone != "."; {
		found, err := r.Lookup(ctx, zone, dns.TypeNS)
		if err != nil {
			return nil, err
		}
		if len(ofKind(found.Answer, dns.TypeNS)) > 0 {
			own, err := r.referred(ctx, &dns.Msg{Ns: found.Answer}, 0)
			return append(servers, own...), err
		}
		if _, zone, _ = strings.Cut(zone, "."); zone == "" {
			zone = "."
		}
	}
	return nil, errors.New("no zone holds " + answer.Question[0].Name)
}

// shows reports whether an answer has exactly this alias, or this text among others.
func shows(answer *dns.Msg, name string, c standin.Challenge) bool {
	for _, rr := range answer.Answer {
		if dns.CanonicalName(rr.Header().Name) != name {
			continue
		}
		switch rr := rr.(type) {
		case *dns.CNAME:
			return c.Kind == standin.ChallengeCNAME && dns.CanonicalName(rr.Target) == dns.CanonicalName(c.Value)
		case *dns.TXT:
			if strings.Join(rr.Txt, "") == c.Value {
				return true
			}
		}
	}
	return false
}

// lookAtFile requests the file from every address of its host. Redirects are not followed.
func (r *Resolver) lookAtFile(ctx context.Context, c standin.Challenge) error {
	where, err := url.Parse(c.URL)
	if err != nil {
		return err
	}
	addresses, err := r.addresses(ctx, dns.CanonicalName(where.Hostname()), 0)
	if err != nil {
		return err
	}
	if len(addresses) == 0 {
		return fmt.Errorf("%s has no address", where.Hostname())
	}
	for _, address := range addresses {
		if err := r.fetch(ctx, c, net.JoinHostPort(address, "80")); err != nil {
			return fmt.Errorf("%s at %s: %w", c.URL, address, err)
		}
	}
	return nil
}

func (r *Resolver) fetch(ctx context.Context, c standin.Challenge, address string) error {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	client := &http.Client{
		Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return r.dial(ctx, network, address)
		}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL, nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	switch {
	case err != nil:
		return err
	case answer.StatusCode != http.StatusOK:
		return fmt.Errorf("status %d", answer.StatusCode)
	case strings.TrimSpace(string(body)) != c.Value:
		return errors.New("another content")
	}
	return nil
}
