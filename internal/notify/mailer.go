package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"pmssl/internal/fault"
	"pmssl/internal/panellog"
)

// Defaults: the address of the server's own MTA, and how long it may take to accept a mail.
const (
	DefaultSMTPAddr = "127.0.0.1:25"
	DefaultTimeout  = time.Minute
)

// DefaultSendmail returns the usual paths of the sendmail program, which every MTA for Linux provides (LSB 4.1, sendmail).
func DefaultSendmail() []string { return []string{"/usr/sbin/sendmail", "/usr/lib/sendmail"} }

// Mailer sends mails. Now and Rand are required; the other fields have defaults.
type Mailer struct {
	From        string        // value of SSLSubscriptionMailFrom: an address, or `Name <address>`
	TemplateDir string        // folder of the administrator's templates, etc/pmssl/templates; if empty, only built-in ones are used
	Program     string        // path of the sendmail program in the settings; if set, nothing else is tried
	Sendmail    []string      // paths of the sendmail program; nil means DefaultSendmail
	SMTPAddr    string        // host:port of the MTA, used if there is no sendmail program
	Timeout     time.Duration // for one mail
	Now         func() time.Time
	Rand        io.Reader // for the Message-ID
	Log         *panellog.Logger

	shipped string // replaces shippedSums in tests
}

// Send composes the mail and passes it to the MTA: to the first program of Sendmail that exists, else to SMTPAddr. It returns
// nil if the MTA accepted the mail. Every error is a *fault.Error:
//   - of type missed or value: the option SSLSubscriptionMailFrom, the client's address (object email), the domain or the
//     expiration date is missing or wrong;
//   - of type client: the MTA did not accept the mail. The object is fault.ObjectRecipient if other mails may be accepted;
//     Retry is then false if the refusal is permanent, for example for an address that does not exist. The object is
//     fault.ObjectMail if every mail is affected.
//
// If the connection breaks after the last byte, the mail may have been accepted. That is a fault too: a mail that arrives
// twice does less harm than none (RFC 5321 4.5.4.1).
func (m *Mailer) Send(ctx context.Context, n NoticeData) error {
	msg, err := m.Compose(n)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, m.timeout(), fmt.Errorf("the mail server did not accept the message within %s", m.timeout()))
	defer cancel()
	program := m.program()
	via := program
	if program != "" {
		err = m.sendmail(ctx, program, msg)
	} else {
		via = m.address()
		err = m.smtp(ctx, via, msg)
	}
	if err != nil {
		if ended := endedFault(ctx); ended != nil {
			return ended
		}
		return err
	}
	m.Log.ExtInfof("item %d (%s): the mail %q in %s for %s was accepted by %s", n.Item, n.Domain, n.Kind, msg.Lang, msg.To, via)
	return nil
}

// program returns the path of the first sendmail program that can be started; empty if there is none.
func (m *Mailer) program() string {
	if m.Program != "" {
		return m.Program
	}
	paths := m.Sendmail
	if paths == nil {
		paths = DefaultSendmail()
	}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0 {
			return path
		}
	}
	return ""
}

func (m *Mailer) address() string {
	if m.SMTPAddr == "" {
		return DefaultSMTPAddr
	}
	return m.SMTPAddr
}

func (m *Mailer) timeout() time.Duration {
	if m.Timeout <= 0 {
		return DefaultTimeout
	}
	return m.Timeout
}

// mtaFault returns the fault about an MTA that accepts no mail. It is temporary unless the caller changes that.
func mtaFault(format string, args ...any) *fault.Error {
	return fault.Errorf(fault.Client, fault.ObjectMail, format, args...).Retryable()
}

// mailFault returns the fault about one mail that the MTA did not accept, permanently or for now.
func mailFault(permanent bool, format string, args ...any) *fault.Error {
	failure := fault.Errorf(fault.Client, fault.ObjectRecipient, format, args...)
	failure.Retry = !permanent
	return failure
}

// endedFault returns the fault about a mail that was not passed on because a signal ended the run; nil if the context ended for
// another reason, or not at all.
func endedFault(ctx context.Context) error {
	if !errors.Is(ctx.Err(), context.Canceled) {
		return nil
	}
	return fault.Errorf(fault.Interrupted, "mail", "the run was ended before the mail server accepted the message: %w", context.Cause(ctx)).Retryable()
}

// reason returns why the exchange ended, for people: the cause of the context if it has ended, else err.
func reason(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("it closed the connection: %w", err)
	}
	return err
}
