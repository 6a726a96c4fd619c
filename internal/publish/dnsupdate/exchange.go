package dnsupdate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/miekg/dns"

	"pmssl/internal/plaintext"
	"pmssl/internal/publish"
)

const (
	// exchangeTime bounds one message and its answer, the connection included.
	exchangeTime = 15 * time.Second
	// fudge is by how many seconds the clocks may differ (RFC 8945 10).
	fudge = 300
	// maxShown is how many octets of foreign records errors show.
	maxShown = 200
)

// read returns the records of the change's type at its name.
func (p *publisher) read(ctx context.Context, c change) ([]dns.RR, error) {
	answer, err := p.query(ctx, c.record.Name, c.kind)
	if err != nil {
		return nil, err
	}
	if answer.Rcode != dns.RcodeSuccess && answer.Rcode != dns.RcodeNameError {
		return nil, p.refusal(c.zone, answer, c.kind)
	}
	return c.standing(answer)
}

// describe returns what stands at the change's name, for an error.
func (p *publisher) describe(ctx context.Context, c change) string {
	answer, err := p.query(ctx, c.record.Name, dns.TypeANY)
	if err != nil {
		return "something that cannot be read: " + err.Error()
	}
	var all []string
	for _, rr := range answer.Answer {
		if t := rr.Header().Rrtype; t != dns.TypeRRSIG && t != dns.TypeNSEC {
			all = append(all, dns.TypeToString[t]+" "+strings.TrimPrefix(rr.String(), rr.Header().String()))
		}
	}
	if len(all) == 0 {
		return "no record, although the server accepted the change: see its log"
	}
	return plaintext.Clip(plaintext.Line(strings.Join(all, ", ")), maxShown)
}

// query asks the server for records. Questions are signed too, so that a server with several views shows the one that the key
// changes.
func (p *publisher) query(ctx context.Context, name string, kind uint16) (*dns.Msg, error) {
	question := new(dns.Msg).SetQuestion(dns.Fqdn(name), kind)
	question.RecursionDesired = false
	answer, err := p.exchange(ctx, question)
	switch {
	case err != nil:
		return nil, err
	case answer.Rcode == dns.RcodeNotAuth:
		return nil, p.refusal(name, answer, kind)
	case unsignedRefusal(answer.Rcode):
		return answer, nil
	case len(answer.Question) != 1 || !strings.EqualFold(answer.Question[0].Name, dns.Fqdn(name)) || answer.Question[0].Qtype != kind:
		return nil, errors.New("the server answers another question")
	}
	return answer, nil
}

// update sends prerequisites and changes. It returns the server's code if that says which prerequisite is not met, or that all
// are and the changes are made; every other code is an error.
func (p *publisher) update(ctx context.Context, zone string, kind uint16, prerequisites, changes []dns.RR) (code int, err error) {
	message := new(dns.Msg).SetUpdate(dns.Fqdn(zone))
	message.Answer, message.Ns = prerequisites, changes
	answer, err := p.exchange(ctx, message)
	if err != nil {
		return 0, err
	}
	switch answer.Rcode {
	case dns.RcodeSuccess, dns.RcodeNameError, dns.RcodeYXDomain, dns.RcodeYXRrset, dns.RcodeNXRrset:
		return answer.Rcode, nil
	}
	return answer.Rcode, p.refusal(zone, answer, kind)
}

// exchange signs a message, sends it by TCP over a connection of its own and returns the answer, whose signature is right
// unless it is a refusal. The signature has the time of this host's clock.
func (p *publisher) exchange(ctx context.Context, message *dns.Msg) (*dns.Msg, error) {
	secret, err := p.secret()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, exchangeTime)
	defer cancel()
	conn, err := p.env.Dial(ctx, "tcp", p.block.Server)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	key := dns.CanonicalName(p.block.KeyName)
	message.SetTsig(key, p.algorithm, fudge, 0) // 0: the library takes the time when it signs
	wire := &dns.Conn{Conn: conn, TsigSecret: map[string]string{key: secret}}
	if err = wire.WriteMsg(message); err != nil {
		return nil, interrupted(ctx, err)
	}
	answer, err := wire.ReadMsg()
	// The library does not check signatures of answers with NOTAUTH, most of which have none.
	if err != nil && !(answer != nil && errors.Is(err, dns.ErrAuth)) {
		return nil, interrupted(ctx, err)
	}
	return answer, p.acceptable(message, answer)
}

// interrupted returns the context's error if that is why the connection was closed.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("no answer: %w", ctx.Err())
	}
	return fmt.Errorf("no usable answer: %w", err)
}

// acceptable reports by nil that a message is the answer to the one sent, and is signed with the key unless it is a refusal.
func (p *publisher) acceptable(sent, answer *dns.Msg) error {
	if answer.Id != sent.Id || !answer.Response || answer.Opcode != sent.Opcode || answer.Truncated {
		return errors.New("what the server sends is not an answer to what was asked")
	}
	if unsignedRefusal(answer.Rcode) {
		return nil
	}
	signature := answer.IsTsig()
	if signature == nil || signature.Error != dns.RcodeSuccess ||
		dns.CanonicalName(signature.Hdr.Name) != dns.CanonicalName(p.block.KeyName) || dns.CanonicalName(signature.Algorithm) != p.algorithm {
		return fmt.Errorf("the answer %s is not signed with the key %s: it is not from the server that holds the key", rcode(answer.Rcode), p.block.KeyName)
	}
	return nil
}

// unsignedRefusal reports whether servers send a code without a signature. Nothing is changed then.
func unsignedRefusal(code int) bool {
	switch code {
	case dns.RcodeFormatError, dns.RcodeServerFailure, dns.RcodeNotImplemented, dns.RcodeRefused, dns.RcodeNotAuth:
		return true
	}
	return false
}

// refusal returns the error for a code other than success and prerequisites that are not met. What to do about NOTAUTH depends
// on the error in its signature (RFC 8945 5.2). Knot says BADKEY also if the key is right and its acl does not let it
// do the change, and even to signed questions about such a zone.
func (p *publisher) refusal(zone string, answer *dns.Msg, kind uint16) error {
	key, reason, records := p.block.KeyName, answer.Rcode, "records"
	if kind == dns.TypeCNAME || kind == dns.TypeTXT {
		records = dns.TypeToString[kind] + " records"
	}
	if signature := answer.IsTsig(); reason == dns.RcodeNotAuth && signature != nil && signature.Error != dns.RcodeSuccess {
		reason = int(signature.Error)
	}
	switch reason {
	case dns.RcodeBadSig: // the number of BADVERS too, which is not an answer to TSIG
		return fmt.Errorf("%w: BADSIG: the secret in %s is not the server's secret of the key %s", publish.ErrDenied, p.block.KeyFile, key)
	case dns.RcodeBadKey:
		return fmt.Errorf("%w: BADKEY: the server does not know the key %s with %s, or does not let it change %s in %s: "+
			"compare the key's name and algorithm, and see its update-policy or acl", publish.ErrDenied, key,
			strings.TrimSuffix(p.algorithm, "."), records, zone)
	case dns.RcodeBadTime:
		return fmt.Errorf("%w: BADTIME: the clocks of this host and of the server differ by more than %d seconds: set both by NTP",
			publish.ErrDenied, fudge)
	case dns.RcodeRefused, dns.RcodeNotAuth:
		return fmt.Errorf("%w: %s: the server is not the primary of %s, or does not let the key %s change %s in it: "+
			"see its update-policy or acl", publish.ErrDenied, rcode(answer.Rcode), zone, key, records)
	case dns.RcodeNotImplemented:
		return fmt.Errorf("%w: NOTIMP: the server does not take dynamic updates", publish.ErrDenied)
	case dns.RcodeServerFailure:
		return errors.New("the server failed (SERVFAIL): see its log; BIND needs a writable folder for the journal of the zone")
	}
	return fmt.Errorf("the server answers %s", rcode(answer.Rcode))
}

// rcode returns the name of a response code, or its number if it has none.
func rcode(code int) string {
	if name, known := dns.RcodeToString[code]; known {
		return name
	}
	return fmt.Sprintf("code %d", code)
}
