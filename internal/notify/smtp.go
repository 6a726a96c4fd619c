package notify

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"net/textproto"
	"strings"
)

// maxAnswers is how much an SMTP server may say in one conversation.
const maxAnswers = 64 << 10

// smtp hands the message to the SMTP server of this machine, without TLS and without a password: neither protects
// anything on loopback.
func (p *Mailer) smtp(ctx context.Context, address string, m Message) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return mtaFault("the mail server at %s was not reached: %w", address, cause)
	}
	if err != nil {
		return mtaFault("this server has no mail transfer agent: there is no sendmail program and nothing answers at %s "+
			"(%w); install one, for example Postfix or Exim, or start it", address, err)
	}
	defer conn.Close()
	// Closed at the deadline, which ends every read and write.
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if step, err := converse(&answersLimited{Conn: conn, left: maxAnswers}, m); err != nil {
		return smtpFault(address, step, reason(ctx, err))
	}
	return nil
}

// converse speaks SMTP (RFC 5321 3.3) and returns the step that failed.
func converse(conn net.Conn, m Message) (step string, err error) {
	c, err := smtp.NewClient(conn, "localhost")
	if err != nil {
		return stepGreeting, err
	}
	if err := c.Hello(literal(conn.LocalAddr())); err != nil {
		return stepEHLO, err
	}
	if err := c.Mail(m.From); err != nil {
		return stepFrom + m.From, err
	}
	if err := c.Rcpt(m.To); err != nil {
		return "RCPT TO " + m.To, err
	}
	w, err := c.Data()
	if err != nil {
		return "DATA", err
	}
	if _, err := w.Write(m.Bytes); err != nil {
		return "the message text", err
	}
	if err := w.Close(); err != nil {
		return stepSent, err
	}
	// The letter is taken over: a server that does not say goodbye changes nothing about that.
	_ = c.Quit()
	return "", nil
}

// literal returns the name for EHLO of a client that may have none: its address (RFC 5321 4.1.1.1, 4.1.3). Servers
// that refuse unqualified names refuse "localhost".
func literal(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	switch {
	case !ok:
		return "[127.0.0.1]"
	case tcp.IP.To4() != nil:
		return "[" + tcp.IP.String() + "]"
	}
	return "[IPv6:" + tcp.IP.String() + "]"
}

// smtpFault decides by the step and the server's answer: 5yz is a refusal for good (RFC 5321 4.2.1). What is refused before
// the recipient was named concerns every letter.
func smtpFault(address, step string, err error) error {
	var answer *textproto.Error
	if !errors.As(err, &answer) {
		if step == stepSent { // it may have been taken over: the client must not get it every hour
			return mailFault(true, "the mail server at %s did not say whether it accepted the message (%s): %w", address, step, err)
		}
		return mtaFault("the mail server at %s did not accept the message (%s): %w", address, step, err)
	}
	err = fmt.Errorf("%d %s", answer.Code, printableLine(answer.Msg, 500))
	if step == stepGreeting || step == stepEHLO || strings.HasPrefix(step, stepFrom) {
		failure := mtaFault("the mail server at %s did not accept the message (%s): %w", address, step, err)
		failure.Retry = answer.Code < 500
		return failure
	}
	return mailFault(answer.Code >= 500, "the mail server at %s did not accept the message (%s): %w", address, step, err)
}

// Steps of a conversation: those before the recipient is named, and the one after the whole letter was sent.
const (
	stepSent     = "the message itself"
	stepGreeting = "greeting"
	stepEHLO     = "EHLO"
	stepFrom     = "MAIL FROM "
)

// errAnswers ends a conversation in which the server talks without end.
var errAnswers = fmt.Errorf("it said more than %d bytes", maxAnswers)

// answersLimited is a connection that reads no more than what is left.
type answersLimited struct {
	net.Conn
	left int
}

// Read implements io.Reader.
func (c *answersLimited) Read(into []byte) (int, error) {
	if c.left <= 0 {
		return 0, errAnswers
	}
	n, err := c.Conn.Read(into[:min(len(into), c.left)])
	c.left -= n
	return n, err
}
