package notify

import (
	"encoding/hex"
	"fmt"
	"io"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"time"

	"pmssl/internal/fault"
)

// Message is a composed mail.
type Message struct {
	From    string // address of the envelope
	To      string // address of the envelope
	Subject string
	Lang    string // language of the template that was used
	// Bytes is the whole message (RFC 5322) in ASCII with CRLF line ends.
	Bytes []byte
}

// Compose returns the mail without sending it. Its errors are those of Send that are not about the MTA.
func (m *Mailer) Compose(n NoticeData) (Message, error) {
	from, err := sender(m.From)
	if err != nil {
		return Message{}, err
	}
	to, err := recipient(n)
	if err != nil {
		return Message{}, err
	}
	if err := n.check(); err != nil {
		return Message{}, err
	}
	written, err := m.write(n.Kind, n.Lang, newTemplateData(n, from.Name))
	if err != nil {
		return Message{}, fault.Errorf(fault.Internal, "mail", "the message to the client of item %d cannot be written: %w", n.Item, err)
	}
	content, err := m.encode(from, to, written)
	if err != nil {
		return Message{}, fault.Errorf(fault.Internal, "mail", "the message to the client of item %d cannot be composed: %w", n.Item, err)
	}
	return Message{From: from.Address, To: to.Address, Subject: written.subject, Lang: written.lang, Bytes: content}, nil
}

// encode returns the bytes of the message. Auto-Submitted suppresses automatic replies (RFC 3834 5), and
// X-Auto-Response-Suppress those of Exchange, which ignores Auto-Submitted; neither suppresses delivery reports. There is no
// Precedence: RFC 3834 does not require it, and servers delay bulk mail.
func (m *Mailer) encode(from, to mail.Address, t text) ([]byte, error) {
	id, err := m.messageID(from.Address)
	if err != nil {
		return nil, err
	}
	var h header
	h.add("Date", strings.Fields(m.Now().UTC().Format(time.RFC1123Z))...)
	h.addAddress("From", from)
	h.addAddress("To", to)
	h.addText("Subject", t.subject)
	h.add("Message-ID", "<"+id+">")
	h.add("Auto-Submitted", "auto-generated")
	h.add("X-Auto-Response-Suppress", "OOF,", "AutoReply")
	h.add("Content-Language", t.lang)
	h.add("MIME-Version", "1.0")
	h.add("Content-Type", "text/plain;", "charset=UTF-8")
	h.add("Content-Transfer-Encoding", "quoted-printable")
	out := &h.text
	out.WriteString("\r\n")
	body := quotedprintable.NewWriter(out) // it ends lines with CRLF
	if _, err := io.WriteString(body, t.body); err != nil {
		return nil, fmt.Errorf("writing the message: %w", err)
	}
	if err := body.Close(); err != nil {
		return nil, fmt.Errorf("writing the message: %w", err)
	}
	return out.Bytes(), nil
}

// messageID returns a random Message-ID in the sender's domain (RFC 5322 3.6.4).
func (m *Mailer) messageID(from string) (string, error) {
	random := make([]byte, 16)
	if _, err := io.ReadFull(m.Rand, random); err != nil {
		return "", fmt.Errorf("choosing the Message-ID: %w", err)
	}
	_, domain, _ := strings.Cut(from, "@")
	return hex.EncodeToString(random) + "@" + domain, nil
}
