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

// maxAnswers limits what an SMTP server may send in one conversation, in bytes.
const maxAnswers = 64 << 10

// smtp sends the message to the SMTP server of this host, without TLS and without a password: on loopback neither protects
// anything.
func (m *Mailer) smtp(ctx context.Context, address string, msg Message) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return mtaFault("the mail server at %s was not reached: %w", address, cause)
	}
	if err != nil {
		return mtaFault("this server has no mail transfer agent: there is no sendmail program and nothing answers at %s "+
			"(%w); install one, for example Postfix or Exim, or start it", address, err)
	}
	defer conn.Close()
	// Closing the connection at the deadline ends every read and write.
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if step, err := converse(&answersLimited{Conn: conn, left: maxAnswers}, msg); err != nil {
		return smtpFault(address, step, reason(ctx, err))
	}
	return nil
}

// converse sends the message with SMTP (RFC 5321 3.3) and returns the step that failed.
func converse(conn net.Conn, msg Message) (step string, err error) {
	c, err := smtp.NewClient(conn, "localhost")
	if err != nil {
		return stepGreeting, err
	}
	if err := c.Hello(literal(conn.LocalAddr())); err != nil {
		return stepEHLO, err
	}
	if err := c.Mail(msg.From); err != nil {
		return stepFrom + msg.From, err
	}
	if err := c.Rcpt(msg.To); err != nil {
		return "RCPT TO " + msg.To, err
	}
	w, err := c.Data()
	if err != nil {
		return "DATA", err
	}
	if _, err := w.Write(msg.Bytes); err != nil {
		return "the message text", err
	}
	if err := w.Close(); err != nil {
		return stepSent, err
	}
	// The mail is accepted, even if the server does not answer QUIT.
	_ = c.Quit()
	return "", nil
}

// literal returns the address literal for EHLO (RFC 5321 4.1.1.1, 4.1.3), because this host may have no domain name and some
// servers refuse "localhost".
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

// smtpFault returns the fault for the step that failed and the server's answer: a code 5yz is permanent (RFC 5321 4.2.1). A
// refusal before the recipient was sent affects every mail.
func smtpFault(address, step string, err error) error {
	var answer *textproto.Error
	if !errors.As(err, &answer) {
		if step == stepSent { // the mail may have been accepted: it must not be sent again every hour
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

// Steps of a conversation: those before the recipient is sent, and the one after the whole mail was sent.
const (
	stepSent     = "the message itself"
	stepGreeting = "greeting"
	stepEHLO     = "EHLO"
	stepFrom     = "MAIL FROM "
)

// errAnswers ends a conversation in which the server sends too much.
var errAnswers = fmt.Errorf("it sent more than %d bytes", maxAnswers)

// answersLimited is a connection from which at most left bytes are read.
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
