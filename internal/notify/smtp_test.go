package notify_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/notify"
	"pmssl/internal/seller"
)

// mailServer is an SMTP server on loopback for one conversation.
type mailServer struct {
	address string
	answers map[string]string // by verb ("" for the greeting, "." for the end of the mail); "close" and "hang" instead of an answer
	reached chan string       // the verb at which it hangs
	heard   chan conversation // one, at the end
}

type conversation struct {
	commands []string
	data     string // as received, with doubled dots
}

func serve(t testing.TB, answers map[string]string) *mailServer {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &mailServer{listener.Addr().String(), answers, make(chan string, 1), make(chan conversation, 1)}
	t.Cleanup(func() { listener.Close() })
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		s.heard <- s.talk(conn)
	}()
	return s
}

// talk answers until the connection ends.
func (s *mailServer) talk(conn net.Conn) (c conversation) {
	in := bufio.NewReader(conn)
	if !s.answer(conn, in, "", "220 test ESMTP") {
		return c
	}
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return c
		}
		c.commands = append(c.commands, strings.TrimSuffix(line, "\r\n"))
		verb := strings.ToUpper(strings.FieldsFunc(line, func(r rune) bool { return r <= ' ' })[0])
		usual := map[string]string{"EHLO": "250-test\r\n250-8BITMIME\r\n250-STARTTLS\r\n250 AUTH PLAIN", "DATA": "354 go on"}[verb]
		if usual == "" {
			usual = "250 ok"
		}
		if !s.answer(conn, in, verb, usual) {
			return c
		}
		if verb == "DATA" && s.answers["DATA"] == "" {
			for !strings.HasSuffix(c.data, "\r\n.\r\n") {
				line, err := in.ReadString('\n')
				if err != nil {
					return c
				}
				c.data += line
			}
			c.data = strings.TrimSuffix(c.data, ".\r\n")
			if !s.answer(conn, in, ".", "250 queued") {
				return c
			}
		}
	}
}

func (s *mailServer) answer(conn net.Conn, in *bufio.Reader, verb, usual string) bool {
	answer, set := s.answers[verb]
	switch {
	case !set:
		answer = usual
	case answer == "close":
		return false
	case answer == "hang":
		s.reached <- verb
		_, err := in.ReadByte()
		return err == nil
	}
	_, err := fmt.Fprintf(conn, "%s\r\n", answer)
	return err == nil
}

func TestWithoutSendmailTheMailIsSentBySMTP(t *testing.T) {
	server := serve(t, nil)
	p := sendMail(t)
	p.SMTPAddr = server.address
	f := noticeData(notify.KindProve, "en")
	f.Method, f.Challenges = seller.MethodFile, []seller.Challenge{{Method: seller.MethodFile, URL: "http://example.com/a.txt", Body: ".\n..two\nend"}}
	require.NoError(t, p.Send(t.Context(), f))
	heard := <-server.heard
	assert.Equal(t, []string{
		"EHLO [127.0.0.1]", "MAIL FROM:<noreply@hosting.example> BODY=8BITMIME", "RCPT TO:<anna@client.example>", "DATA", "QUIT",
	}, heard.commands, "neither TLS nor a password")
	assert.Contains(t, heard.data, "\r\n..\r\n...two\r\nend\r\n", "a line with a dot does not end the mail (RFC 5321 4.5.2)")

	p.Rand = &counting{}
	whole, err := p.Compose(f)
	require.NoError(t, err)
	assert.Equal(t, string(whole.Bytes), strings.ReplaceAll(heard.data, "\r\n.", "\r\n"))
}

func TestARefusalHasTheServersOwnText(t *testing.T) {
	for name, c := range map[string]struct {
		verb, answer string
		says         []string
		again        bool
		object       string // recipient: only this mail is affected; mail: every mail is
	}{
		"busy at the greeting": {"", "421 too many connections", []string{"greeting", "421 too many connections"}, true, "mail"},
		"no service":           {"", "554 no SMTP service here", []string{"greeting", "554 no SMTP service here"}, false, "mail"},
		"sender refused":       {"MAIL", "550 5.1.8 sender rejected", []string{"MAIL FROM noreply@hosting.example", "550 5.1.8 sender rejected"}, false, "mail"},
		"recipient unknown":    {"RCPT", "550-5.1.1 no such\r\n550 5.1.1 user", []string{"RCPT TO anna@client.example", "550 5.1.1 no such 5.1.1 user"}, false, "recipient"},
		"greylisted":           {"RCPT", "451 4.7.1 try again later", []string{"RCPT TO", "451 4.7.1 try again later"}, true, "recipient"},
		"no data":              {"DATA", "452 4.3.1 disk full", []string{"DATA", "452 4.3.1 disk full"}, true, "recipient"},
		"mail refused":         {".", "554 5.7.1 looks like spam", []string{"the message itself", "554 5.7.1"}, false, "recipient"},
		"mail refused for now": {".", "450 4.3.2 queue closed", []string{"the message itself", "450 4.3.2"}, true, "recipient"},
		"gone at the greeting": {"", "close", []string{"greeting", "closed the connection"}, true, "mail"},
		"gone at EHLO":         {"EHLO", "close", []string{"EHLO", "closed the connection"}, true, "mail"},
		"gone after the mail":  {".", "close", []string{"the message itself", "closed the connection"}, false, "recipient"},
		"no SMTP server":       {"", "+OK POP3 ready", []string{"greeting"}, true, "mail"},
		"talks without end":    {"EHLO", strings.Repeat("250-x\r\n", 20000) + "250 end", []string{"EHLO", "it sent more than 65536 bytes"}, true, "mail"},
	} {
		t.Run(name, func(t *testing.T) {
			server := serve(t, map[string]string{c.verb: c.answer})
			p := sendMail(t)
			p.SMTPAddr = server.address
			failure := fault.From(p.Send(t.Context(), noticeData(notify.KindProve, "en")))
			require.NotNil(t, failure)
			assert.Equal(t, fault.Client, failure.Type)
			assert.Equal(t, c.object, failure.Object)
			assert.Equal(t, c.again, failure.Retry)
			for _, words := range append(c.says, server.address) {
				assert.Contains(t, failure.Message, words)
			}
		})
	}
}

// The mail is accepted before QUIT; an error would send it again every day.
func TestAnUnansweredQuitIsNotAnError(t *testing.T) {
	for _, goodbye := range []string{"close", "500 what?", "421 bye"} {
		server := serve(t, map[string]string{"QUIT": goodbye})
		p := sendMail(t)
		p.SMTPAddr = server.address
		assert.NoError(t, p.Send(t.Context(), noticeData(notify.KindProve, "en")), goodbye)
		assert.NotEmpty(t, (<-server.heard).data)
	}
}

func TestAServerWithoutEHLOIsSupported(t *testing.T) {
	server := serve(t, map[string]string{"EHLO": "502 not implemented"})
	p := sendMail(t)
	p.SMTPAddr = server.address
	require.NoError(t, p.Send(t.Context(), noticeData(notify.KindProve, "en")))
	assert.Equal(t, "HELO [127.0.0.1]", (<-server.heard).commands[1])
}

func TestAServerThatHangsIsGivenUp(t *testing.T) {
	for _, verb := range []string{"", "EHLO", "RCPT", "."} {
		t.Run("at "+verb, func(t *testing.T) {
			server := serve(t, map[string]string{verb: "hang"})
			p := sendMail(t)
			p.SMTPAddr = server.address
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			stopped := errors.New("the command was told to stop")
			sent := make(chan error, 1)
			go func() { sent <- p.Send(ctx, noticeData(notify.KindProve, "en")) }()
			assert.Equal(t, verb, <-server.reached)
			cancel(stopped)
			err := <-sent
			assert.ErrorIs(t, err, stopped)
			assert.Equal(t, fault.Interrupted, fault.From(err).Type, "rules RUN-1")
			assert.True(t, fault.From(err).Retry)
		})
	}
}

func TestAMissingMailTransferAgentIsReported(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := sendMail(t)
	p.SMTPAddr = listener.Addr().String()
	require.NoError(t, listener.Close())
	failure := fault.From(p.Send(t.Context(), noticeData(notify.KindProve, "en")))
	require.NotNil(t, failure)
	assert.Equal(t, fault.Client, failure.Type)
	assert.True(t, failure.Retry, "one may be installed later")
	for _, words := range []string{"no mail transfer agent", "no sendmail program", p.SMTPAddr, "install one"} {
		assert.Contains(t, failure.Message, words)
	}
	var refused *net.OpError
	assert.ErrorAs(t, failure, &refused)

	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("the command was told to stop")
	cancel(stopped)
	err = p.Send(ctx, noticeData(notify.KindProve, "en"))
	assert.ErrorIs(t, err, stopped)
	assert.NotContains(t, err.Error(), "no mail transfer agent", "that is not known")
}

func TestADirectoryIsNoSendmail(t *testing.T) {
	server := serve(t, nil)
	p := sendMail(t)
	p.Sendmail, p.SMTPAddr = []string{os.TempDir()}, server.address
	require.NoError(t, p.Send(t.Context(), noticeData(notify.KindProve, "en")))
	assert.NotEmpty(t, (<-server.heard).data)
}

func TestEHLOHasTheAddressLiteral(t *testing.T) {
	for want, addr := range map[string]net.Addr{
		"[127.0.0.1]": &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4711}, "[IPv6:::1]": &net.TCPAddr{IP: net.IPv6loopback, Port: 4711},
		"[IPv6:2001:db8::7]": &net.TCPAddr{IP: net.ParseIP("2001:db8::7")},
	} {
		assert.Equal(t, want, notify.Literal(addr))
	}
}
