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

// Message is a composed letter.
type Message struct {
	From    string // address of the envelope
	To      string // address of the envelope
	Subject string
	Lang    string // language of the template that was used
	// Bytes are the whole message (RFC 5322) in ASCII, lines ended by CRLF.
	Bytes []byte
}

// Compose makes the letter without sending it. Its errors are those of Send that are not about the MTA.
func (p *Mailer) Compose(f NoticeData) (Message, error) {
	from, err := sender(p.From)
	if err != nil {
		return Message{}, err
	}
	to, err := recipient(f)
	if err != nil {
		return Message{}, err
	}
	if err := f.check(); err != nil {
		return Message{}, err
	}
	written, err := p.write(f.Kind, f.Lang, wordsOf(f, from.Name))
	if err != nil {
		return Message{}, fault.Errorf(fault.Internal, "mail", "the message to the client of item %d cannot be written: %w", f.Item, err)
	}
	content, err := p.encode(from, to, written)
	if err != nil {
		return Message{}, fault.Errorf(fault.Internal, "mail", "the message to the client of item %d cannot be composed: %w", f.Item, err)
	}
	return Message{From: from.Address, To: to.Address, Subject: written.subject, Lang: written.lang, Bytes: content}, nil
}

// encode writes the message. Auto-Submitted keeps auto-responders quiet (RFC 3834 5), X-Auto-Response-Suppress those of
// Exchange, which do not know it; reports that the letter could not be delivered are still wanted. There is no
// Precedence: RFC 3834 does not ask for it, and servers put bulk mail last.
func (p *Mailer) encode(from, to mail.Address, t text) ([]byte, error) {
	id, err := p.messageID(from.Address)
	if err != nil {
		return nil, err
	}
	var h header
	h.add("Date", strings.Fields(p.Now().UTC().Format(time.RFC1123Z))...)
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
	body := quotedprintable.NewWriter(out) // which ends lines with CRLF
	if _, err := io.WriteString(body, t.body); err != nil {
		return nil, fmt.Errorf("writing the message: %w", err)
	}
	if err := body.Close(); err != nil {
		return nil, fmt.Errorf("writing the message: %w", err)
	}
	return out.Bytes(), nil
}

// messageID is unique by chance, in the sender's domain (RFC 5322 3.6.4).
func (p *Mailer) messageID(from string) (string, error) {
	random := make([]byte, 16)
	if _, err := io.ReadFull(p.Rand, random); err != nil {
		return "", fmt.Errorf("choosing the Message-ID: %w", err)
	}
	_, domain, _ := strings.Cut(from, "@")
	return hex.EncodeToString(random) + "@" + domain, nil
}
