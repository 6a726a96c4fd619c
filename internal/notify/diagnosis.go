package notify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/smtp"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/plaintext"
	"pmssl/internal/seller"
)

// Sender returns the sender's address without its name. Its errors are those of Send about SSLSubscriptionMailFrom.
func (m *Mailer) Sender() (string, error) {
	from, err := sender(m.From)
	return from.Address, err
}

// greetingTime limits how long Transport waits for the greeting of a mail server.
const greetingTime = 15 * time.Second

// Transport returns what Send would hand mails to: the path of a program that can be started, or the address of the server that
// greets as one of SMTP. It sends no mail. Its errors are those of Send about the MTA.
func (m *Mailer) Transport(ctx context.Context) (string, error) {
	if program := m.program(); program != "" {
		info, err := os.Stat(program)
		switch {
		case err != nil:
			return "", mtaFault("%s cannot be started: %w", program, err)
		case !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0:
			return "", mtaFault("%s cannot be started: it is not an executable file", program)
		}
		return program, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, min(greetingTime, m.timeout()), errors.New("it says nothing"))
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", m.address())
	if err != nil {
		return "", mtaFault("this server has no mail transfer agent: there is no sendmail program and nothing answers at %s (%w); install one, for example Postfix or Exim, or start it",
			m.address(), reason(ctx, err))
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if err := greeted(conn); err != nil {
		return "", mtaFault("what answers at %s is no mail server that accepts mails: there is no sendmail program, and the greeting of SMTP is missing there (%w)", m.address(), reason(ctx, err))
	}
	return m.address(), nil
}

// greeted reads the greeting of a mail server and ends the conversation (RFC 5321 3.1, 3.8).
func greeted(conn net.Conn) error {
	c, err := smtp.NewClient(&answersLimited{Conn: conn, left: maxAnswers}, "localhost")
	var answer *textproto.Error
	switch {
	case errors.As(err, &answer):
		return fmt.Errorf("%d %s", answer.Code, printableLine(answer.Msg, maxGreeting))
	case err != nil:
		return plaintext.Error(err, maxGreeting)
	}
	_, _ = c.Text.Cmd("QUIT") // it has greeted, whatever it says to that
	return nil
}

// maxGreeting is how much of a greeting that is none of SMTP is shown, in bytes.
const maxGreeting = 200

// CheckTemplates fills in every template of TemplateDir with sample data. It returns how many of them are used in place of a
// built-in one, and an error with file and line for each that cannot be used or that no mail has the name of.
func (m *Mailer) CheckTemplates() (edited int, problems []error) {
	entries, err := os.ReadDir(m.TemplateDir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, []error{err}
	}
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasPrefix(name, ".") || filepath.Ext(name) != ".txt" {
			continue
		}
		used, err := m.checkTemplate(name)
		if used {
			edited++
		}
		if err != nil {
			problems = append(problems, err)
		}
	}
	return edited, problems
}

// checkTemplate fills in one template with each of the samples. used is false for one that nobody edited.
func (m *Mailer) checkTemplate(name string) (used bool, err error) {
	file := filepath.Join(m.TemplateDir, name)
	kind, tag, _ := strings.Cut(strings.TrimSuffix(name, ".txt"), ".")
	if !slices.Contains(kinds(), Kind(kind)) || languages(tag)[0] != tag {
		return false, fmt.Errorf("%s: no mail has this name: names are KIND.LANGUAGE.txt, and kinds are %s", file, kindNames())
	}
	source := source{file, func() (string, error) { return m.edited(file) }}
	for _, sample := range samples(Kind(kind)) {
		if _, err := source.write(newTemplateData(sample, "Sender")); errors.Is(err, fs.ErrNotExist) {
			return false, nil
		} else if err != nil {
			return true, err
		}
	}
	return true, nil
}

// kinds lists the kinds of notices.
func kinds() []Kind {
	return []Kind{KindExpires, KindProve, KindWaiting, KindInstall, KindRevoked, KindNewKey}
}

func kindNames() string {
	names := make([]string, len(kinds()))
	for i, kind := range kinds() {
		names[i] = string(kind)
	}
	return strings.Join(names, ", ")
}

// samples returns notices that have every field of a template, and notices that have the fewest, so that the branches of a
// template are executed.
func samples(kind Kind) []NoticeData {
	day := cabforum.Date{Year: 2026, Month: time.April, Day: 2}
	least := NoticeData{Kind: kind, To: "client@example.com", Item: 1, Domain: "example.com", Expires: day, Revoked: Revoked{Serial: "01", On: day}}
	full := least
	full.ToName, full.SANs, full.Order, full.PaidUntil, full.DaysLeft = "Client", []string{"www.example.com"}, "Product 7", day, 5
	full.Panel, full.Serial, full.Served = "Panel", "02", []Served{{Name: "example.com", Address: "192.0.2.1", Serial: "01", Expires: day}}
	full.Obstacles = []Obstacle{{Name: "www.example.com", Absent: true}, {Name: "example.com", Allowed: []string{"ca.example"}, Needed: []string{"ca2.example"}}}
	all := []NoticeData{least}
	for _, challenge := range []seller.Challenge{
		{Domain: "example.com", Method: seller.MethodDNS, Host: "_x.example.com", Record: "CNAME", Target: "y.example.net"},
		{Domain: "example.com", Method: seller.MethodFile, URL: "http://example.com/x.txt", Body: "y"},
		{Domain: "example.com", Method: seller.MethodEmail, Email: "admin@example.com"},
	} {
		for _, next := range []string{"install", "wait", "reissue", "ask"} {
			one := full
			one.Method, one.Challenges = challenge.Method, []seller.Challenge{challenge}
			one.Revoked = Revoked{Serial: "01", On: day, Reason: "keyCompromise", Next: next}
			all = append(all, one)
		}
	}
	return all
}

// Test sends a mail to the address that says what sent it and that nothing has to be done. Its errors are those of Send.
func (m *Mailer) Test(ctx context.Context, address, host string) error {
	from, err := sender(m.From)
	if err != nil {
		return err
	}
	parsed, why := readAddress(address)
	ascii := ""
	if why == "" {
		ascii, why = deliverable(parsed.Address)
	}
	if why != "" {
		return fault.Errorf(fault.Value, "mail", "--mail %q is not usable: %s", printableLine(address, maxAddress), why)
	}
	written := text{
		subject: headerText("Test of the mails of "+host, maxSubject), lang: lastLanguage,
		body: "This mail was sent by the command doctor on " + printableLine(host, maxPhrase) + ".\nIt shows that mails to clients arrive. Nothing has to be done.\n",
	}
	to := *parsed
	to.Address = ascii
	content, err := m.encode(from, to, written)
	if err != nil {
		return fault.Errorf(fault.Internal, "mail", "the test mail cannot be composed: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, m.timeout(), fmt.Errorf("the mail server did not accept the message within %s", m.timeout()))
	defer cancel()
	msg := Message{From: from.Address, To: ascii, Subject: written.subject, Lang: written.lang, Bytes: content}
	if program := m.program(); program != "" {
		return m.sendmail(ctx, program, msg)
	}
	return m.smtp(ctx, m.address(), msg)
}
