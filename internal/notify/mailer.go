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

// Where the server's own MTA is looked for, and how long it may take to accept a letter.
const (
	DefaultSMTPAddr = "127.0.0.1:25"
	DefaultTimeout  = time.Minute
)

// DefaultSendmail returns the places of the sendmail program, which every MTA for Linux brings along (LSB 4.1, sendmail).
func DefaultSendmail() []string { return []string{"/usr/sbin/sendmail", "/usr/lib/sendmail"} }

// Mailer sends letters. Now and Rand are required; where the other fields are empty their defaults hold.
type Mailer struct {
	From        string        // value of SSLSubscriptionMailFrom: an address, or `Name <address>`
	TemplateDir string        // folder of the administrator's templates, etc/pmssl/templates; empty = built-in texts only
	Program     string        // the sendmail program that the administrator names: no other way is tried
	Sendmail    []string      // places of the sendmail program; nil = DefaultSendmail
	SMTPAddr    string        // host:port of the MTA where there is no sendmail program
	Timeout     time.Duration // for one letter
	Now         func() time.Time
	Rand        io.Reader // of the Message-ID
	Log         *panellog.Logger

	shipped string // for tests: takes the place of shippedSums
}

// Send composes the letter and hands it to the MTA: to the first of Sendmail that exists, else to SMTPAddr. nil means
// that the MTA has taken the letter over. Every error is a *fault.Error:
//   - of type missed or value about SSLSubscriptionMailFrom, the client's address (object email), the domain or the
//     expiration date;
//   - of type client where the MTA did not accept the message: about fault.ObjectRecipient where another letter may be taken, and then
//     with Retry unless the MTA refused it for good, as an address that does not exist; else about fault.ObjectMail.
//
// Where the connection breaks after the last byte nobody knows whether the letter was taken over; that is a
// fault too, since a letter that comes twice does less harm than none (RFC 5321 4.5.4.1).
func (p *Mailer) Send(ctx context.Context, f NoticeData) error {
	m, err := p.Compose(f)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, p.timeout(), fmt.Errorf("the mail server did not accept the message within %s", p.timeout()))
	defer cancel()
	program := p.program()
	via := program
	if program != "" {
		err = p.sendmail(ctx, program, m)
	} else {
		via = p.address()
		err = p.smtp(ctx, via, m)
	}
	if err != nil {
		if ended := endedFault(ctx); ended != nil {
			return ended
		}
		return err
	}
	p.Log.ExtInfof("item %d (%s): the letter %q in %s for %s was handed to %s", f.Item, f.Domain, f.Kind, m.Lang, m.To, via)
	return nil
}

// program returns the first of the sendmail programs that can be started; empty if absent.
func (p *Mailer) program() string {
	if p.Program != "" {
		return p.Program
	}
	places := p.Sendmail
	if places == nil {
		places = DefaultSendmail()
	}
	for _, place := range places {
		info, err := os.Stat(place)
		if err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0 {
			return place
		}
	}
	return ""
}

func (p *Mailer) address() string {
	if p.SMTPAddr == "" {
		return DefaultSMTPAddr
	}
	return p.SMTPAddr
}

func (p *Mailer) timeout() time.Duration {
	if p.Timeout <= 0 {
		return DefaultTimeout
	}
	return p.Timeout
}

// mtaFault returns the fault about an MTA that did not accept the message. It passes by itself unless said otherwise.
func mtaFault(format string, args ...any) *fault.Error {
	return fault.Errorf(fault.Client, fault.ObjectMail, format, args...).Retryable()
}

// mailFault returns the fault about one letter that the MTA did not take, for good or for now.
func mailFault(forGood bool, format string, args ...any) *fault.Error {
	failure := fault.Errorf(fault.Client, fault.ObjectRecipient, format, args...)
	failure.Retry = !forGood
	return failure
}

// endedFault returns the fault of a letter that was not handed over because the run was told to end; nil if that is not why
// ctx is over.
func endedFault(ctx context.Context) error {
	if !errors.Is(ctx.Err(), context.Canceled) {
		return nil
	}
	return fault.Errorf(fault.Interrupted, "mail", "the run was told to end before the mail server accepted the message: %w", context.Cause(ctx)).Retryable()
}

// reason is why the exchange ended: the cause of the context where that is what ended it, in words for people.
func reason(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("it closed the connection: %w", err)
	}
	return err
}
