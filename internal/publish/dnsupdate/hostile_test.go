package dnsupdate_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/publish"
	"pmssl/internal/publish/dnsupdate"
	"pmssl/internal/publish/publishtest"
)

const secret = "dGhlIHNlY3JldCBvZiB0aGUgdGVzdCdzIG93biBrZXk="

// against returns a publisher whose server is a function from the bytes of a message to the bytes that it sends back.
func against(t testing.TB, server func(sent []byte) []byte, change ...func(b *publish.Block)) publish.Publisher {
	env, _ := publishtest.Env(t)
	env.Dial = func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer theirs.Close()
			var length [2]byte
			if _, err := io.ReadFull(theirs, length[:]); err != nil {
				return
			}
			sent := make([]byte, binary.BigEndian.Uint16(length[:]))
			if _, err := io.ReadFull(theirs, sent); err != nil {
				return
			}
			_, _ = theirs.Write(server(sent))
		}()
		return ours, nil
	}
	block := publish.Block{Name: "ns1", Server: "192.0.2.53:53", KeyName: "pmssl", KeyFile: publishtest.SecretFile(t, secret)}
	for _, do := range change {
		do(&block)
	}
	p, err := dnsupdate.New(block, env)
	require.NoError(t, err)
	return p
}

// framed puts the length in front of a message.
func framed(message []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(message))), message...)
}

// answering returns a server that answers with changes to a right answer, signed with a key if it has a name.
func answering(t testing.TB, key, keySecret string, change func(answer *dns.Msg)) func(sent []byte) []byte {
	return func(sent []byte) []byte {
		question := new(dns.Msg)
		if err := question.Unpack(sent); err != nil {
			return nil
		}
		answer := new(dns.Msg).SetReply(question)
		answer.Opcode, answer.Authoritative = question.Opcode, true
		change(answer)
		if key == "" {
			data, err := answer.Pack()
			if err != nil {
				return nil
			}
			return framed(data)
		}
		answer.SetTsig(key, dns.HmacSHA256, 300, time.Now().Unix())
		data, _, err := dns.TsigGenerate(answer, keySecret, question.IsTsig().MAC, false)
		if err != nil {
			return nil
		}
		return framed(data)
	}
}

func TestAnAnswerThatIsNotTheServersIsNotBelieved(t *testing.T) {
	soa := func(answer *dns.Msg) {
		answer.Answer = []dns.RR{&dns.SOA{Hdr: dns.RR_Header{Name: "example.com.", Rrtype: dns.TypeSOA, Class: dns.ClassINET}, Ns: "a.", Mbox: "b."}}
	}
	for name, c := range map[string]struct {
		server func(sent []byte) []byte
		says   string
	}{
		"signed":                  {answering(t, "pmssl.", secret, soa), ""},
		"not signed":              {answering(t, "", "", soa), "not signed with the key pmssl"},
		"signed by another":       {answering(t, "pmssl.", "b3RoZXI=", soa), "no usable answer"},
		"signed with another key": {answering(t, "other.", secret, soa), "no usable answer"},
		"another id":              {answering(t, "", "", func(m *dns.Msg) { m.Id++ }), "not an answer"},
		"a question":              {answering(t, "", "", func(m *dns.Msg) { m.Response = false }), "not an answer"},
		"cut short":               {answering(t, "pmssl.", secret, func(m *dns.Msg) { m.Truncated = true }), "not an answer"},
		"to another question":     {answering(t, "pmssl.", secret, func(m *dns.Msg) { m.Question[0].Name = "example.net." }), "another question"},
		"to no question":          {answering(t, "pmssl.", secret, func(m *dns.Msg) { m.Question = nil }), "another question"},
		"nothing":                 {func([]byte) []byte { return nil }, "no usable answer"},
		"one octet":               {func([]byte) []byte { return []byte{0} }, "no usable answer"},
		"less than it says":       {func(sent []byte) []byte { return append([]byte{255, 255}, sent...) }, "no usable answer"},
		"garbage":                 {func([]byte) []byte { return framed(bytes.Repeat([]byte{0xc0}, 500)) }, "no usable answer"},
		"its own words":           {func(sent []byte) []byte { return framed(sent) }, "usable"},
		"refused, not signed":     {answering(t, "", "", func(m *dns.Msg) { m.Rcode = dns.RcodeNotAuth }), "does not let the key"},
		"of another time": {func(sent []byte) []byte {
			question := new(dns.Msg)
			_ = question.Unpack(sent)
			answer := new(dns.Msg).SetReply(question)
			answer.SetTsig("pmssl.", dns.HmacSHA256, 300, 1e9)
			data, _, _ := dns.TsigGenerate(answer, secret, question.IsTsig().MAC, false)
			return framed(data)
		}, "no usable answer"},
	} {
		t.Run(name, func(t *testing.T) {
			zone, ok, err := against(t, c.server).Zone(context.Background(), "example.com")
			if c.says == "" {
				require.NoError(t, err)
				assert.True(t, ok)
				assert.Equal(t, "example.com", zone.Name)
				return
			}
			require.ErrorContains(t, err, c.says)
			assert.NotContains(t, err.Error(), secret)
			assert.False(t, ok)
		})
	}
}

func TestTheBlocksAlgorithmSigns(t *testing.T) {
	for word, algorithm := range map[string]string{
		"": dns.HmacSHA256, "hmac-sha256": dns.HmacSHA256, "hmac-sha384": dns.HmacSHA384, "hmac-sha512": dns.HmacSHA512,
	} {
		p := against(t, func(sent []byte) []byte {
			question := new(dns.Msg)
			if question.Unpack(sent) != nil || question.IsTsig().Algorithm != algorithm || dns.TsigVerify(sent, secret, "", false) != nil {
				return nil
			}
			answer := new(dns.Msg).SetReply(question)
			answer.SetTsig("pmssl.", algorithm, 300, time.Now().Unix())
			data, _, _ := dns.TsigGenerate(answer, secret, question.IsTsig().MAC, false)
			return framed(data)
		}, func(b *publish.Block) { b.Algorithm = word })
		_, _, err := p.Zone(context.Background(), "example.com")
		require.NoError(t, err, word)
	}
}

func TestTheZoneOfAnAnswerHoldsTheName(t *testing.T) {
	for _, owner := range []string{".", "example.net.", "www.a.example.com.", `we\ird.com.`} {
		_, ok, err := against(t, answering(t, "pmssl.", secret, func(answer *dns.Msg) {
			answer.Ns = []dns.RR{&dns.SOA{Hdr: dns.RR_Header{Name: owner, Rrtype: dns.TypeSOA, Class: dns.ClassINET}, Ns: "a.", Mbox: "b."}}
		})).Zone(context.Background(), "a.example.com")
		require.ErrorContains(t, err, "names no zone")
		assert.False(t, ok, owner)
	}
}

// A zone that is said not to be there takes its records along. A server in trouble says nothing of the kind.
func TestAServerInTroubleDoesNotSayThatAZoneIsNotThere(t *testing.T) {
	for name, c := range map[string]struct {
		server func(sent []byte) []byte
		says   string // empty if the zone is not there
	}{
		"refused":                            {answering(t, "pmssl.", secret, func(m *dns.Msg) { m.Rcode, m.Authoritative = dns.RcodeRefused, false }), ""},
		"a referral":                         {answering(t, "pmssl.", secret, func(m *dns.Msg) { m.Authoritative = false }), ""},
		"refused, not signed":                {answering(t, "", "", func(m *dns.Msg) { m.Rcode, m.Authoritative = dns.RcodeRefused, false }), ""},
		"a referral, not signed":             {answering(t, "", "", func(m *dns.Msg) { m.Authoritative = false }), "not signed with the key"},
		"the server failed":                  {answering(t, "pmssl.", secret, func(m *dns.Msg) { m.Rcode, m.Authoritative = dns.RcodeServerFailure, false }), "SERVFAIL"},
		"the server failed, not signed":      {answering(t, "", "", func(m *dns.Msg) { m.Rcode = dns.RcodeServerFailure }), "SERVFAIL"},
		"not implemented":                    {answering(t, "", "", func(m *dns.Msg) { m.Rcode = dns.RcodeNotImplemented }), "NOTIMP"},
		"malformed":                          {answering(t, "", "", func(m *dns.Msg) { m.Rcode = dns.RcodeFormatError }), "FORMERR"},
		"with authority and without a zone":  {answering(t, "pmssl.", secret, func(*dns.Msg) {}), "names no zone"},
		"a code that only an extension says": {answering(t, "pmssl.", secret, func(m *dns.Msg) { m.SetEdns0(1232, false); m.Rcode = dns.RcodeBadCookie }), "BADCOOKIE"},
	} {
		t.Run(name, func(t *testing.T) {
			_, ok, err := against(t, c.server).Zone(context.Background(), "www.example.com")
			assert.False(t, ok)
			if c.says == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.says)
		})
	}
}

func TestAnUpdateThatIsSaidToBeDoneIsReadBack(t *testing.T) {
	p := against(t, answering(t, "pmssl.", secret, func(*dns.Msg) {}))
	err := p.Publish(context.Background(), "example.com", publishtest.CNAME("_a.www.example.com"), nil)
	require.ErrorIs(t, err, publish.ErrConflict)
	require.ErrorContains(t, err, "no record, although the server accepted the change")
}

func TestASilentServerEndsWithTheContext(t *testing.T) {
	env, _ := publishtest.Env(t)
	env.Dial = func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		t.Cleanup(func() { _ = theirs.Close() })
		go func() { _, _ = io.Copy(io.Discard, theirs) }()
		return ours, nil
	}
	p, err := dnsupdate.New(publish.Block{Name: "ns1", Server: "192.0.2.53:53", KeyName: "pmssl", KeyFile: publishtest.SecretFile(t, secret)}, env)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(10*time.Millisecond, cancel)
	require.ErrorIs(t, p.Publish(ctx, "example.com", publishtest.CNAME("_a.www.example.com"), nil), context.Canceled)
}

func TestServersThatCannotDoUpdatesAreNamed(t *testing.T) {
	for code, says := range map[int]string{
		dns.RcodeNotImplemented: "does not take dynamic updates",
		dns.RcodeServerFailure:  "see its log",
		dns.RcodeNotZone:        "NOTZONE",
		dns.RcodeFormatError:    "FORMERR",
	} {
		p := against(t, func(sent []byte) []byte {
			question := new(dns.Msg)
			_ = question.Unpack(sent)
			return answering(t, "pmssl.", secret, func(answer *dns.Msg) {
				if question.Opcode == dns.OpcodeUpdate {
					answer.Rcode = code
				}
			})(sent)
		})
		require.ErrorContains(t, p.Publish(context.Background(), "example.com", publishtest.CNAME("_a.www.example.com"), nil), says)
	}
}

func TestABlockThatCannotWorkIsRefused(t *testing.T) {
	env, _ := publishtest.Env(t)
	good := publish.Block{Name: "ns1", Pos: "ns1.conf:3", Server: "[2001:db8::53]:53", KeyName: "pmssl."}
	_, err := dnsupdate.New(good, env)
	require.NoError(t, err)
	for says, change := range map[string]func(b *publish.Block){
		"hmac-md5":              func(b *publish.Block) { b.Algorithm = "hmac-md5" },
		"port":                  func(b *publish.Block) { b.Server = "192.0.2.53" },
		"not the name of a key": func(b *publish.Block) { b.KeyName = "a b" },
	} {
		block := good
		change(&block)
		_, err := dnsupdate.New(block, env)
		require.ErrorContains(t, err, says)
		require.ErrorContains(t, err, "ns1.conf:3")
	}
}

func TestASecretThatIsNotOneIsNotShown(t *testing.T) {
	env, _ := publishtest.Env(t)
	p, err := dnsupdate.New(publish.Block{Name: "ns1", Server: "192.0.2.53:53", KeyName: "pmssl", KeyFile: publishtest.SecretFile(t, "not base64!")}, env)
	require.NoError(t, err)
	_, _, err = p.Zone(context.Background(), "example.com")
	require.ErrorContains(t, err, "base64")
	assert.NotContains(t, err.Error(), "not base64!")
}

func FuzzAnswer(f *testing.F) {
	plain, err := new(dns.Msg).SetQuestion("example.com.", dns.TypeSOA).Pack()
	require.NoError(f, err)
	f.Add(plain)
	f.Fuzz(func(t *testing.T, data []byte) {
		p := against(t, func([]byte) []byte { return framed(data[:min(len(data), 65535)]) })
		_, ok, err := p.Zone(context.Background(), "www.example.com")
		if err == nil && ok {
			t.Fatal("an answer without a signature was believed")
		}
		if err := p.Publish(context.Background(), "example.com", publishtest.CNAME("_a.www.example.com"), nil); err == nil {
			t.Fatal(errors.New("an answer without a signature was believed"))
		}
	})
}
