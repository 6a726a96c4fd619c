package letter

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"net/mail"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"pmssl/internal/cert"
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
func (p *Post) Compose(f Facts) (Message, error) {
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
		return Message{}, cert.Faultf(cert.FaultInternal, "mail", "the letter to the client of item %d cannot be written: %w", f.Item, err)
	}
	content, err := p.encode(from, to, written)
	if err != nil {
		return Message{}, cert.Faultf(cert.FaultInternal, "mail", "the letter to the client of item %d cannot be composed: %w", f.Item, err)
	}
	return Message{From: from.Address, To: to.Address, Subject: written.subject, Lang: written.lang, Bytes: content}, nil
}

// encode writes the message. Auto-Submitted keeps auto-responders quiet (RFC 3834 5), X-Auto-Response-Suppress those of
// Exchange, which do not know it; reports that the letter could not be delivered are still wanted. There is no
// Precedence: RFC 3834 does not ask for it, and servers put bulk mail last.
func (p *Post) encode(from, to mail.Address, t text) ([]byte, error) {
	id, err := p.messageID(from.Address)
	if err != nil {
		return nil, err
	}
	m := gomail.NewMsg(gomail.WithCharset(gomail.CharsetUTF8), gomail.WithEncoding(gomail.EncodingQP), gomail.WithNoDefaultUserAgent())
	m.SetMessageIDWithValue(id)
	m.SetDateWithValue(p.Now().UTC())
	m.FromMailAddress(&from)
	m.ToMailAddress(&to)
	m.Subject(t.subject)
	m.SetGenHeader(gomail.HeaderContentLang, t.lang)
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetGenHeader(gomail.HeaderXAutoResponseSuppress, "OOF, AutoReply")
	m.SetBodyString(gomail.TypeTextPlain, t.body)
	var out bytes.Buffer
	if _, err := m.WriteTo(&out); err != nil {
		return nil, fmt.Errorf("writing the message: %w", err)
	}
	return out.Bytes(), nil
}

// messageID is unique by chance, in the sender's domain (RFC 5322 3.6.4).
func (p *Post) messageID(from string) (string, error) {
	random := make([]byte, 16)
	if _, err := io.ReadFull(p.Rand, random); err != nil {
		return "", fmt.Errorf("choosing the Message-ID: %w", err)
	}
	_, domain, _ := strings.Cut(from, "@")
	return hex.EncodeToString(random) + "@" + domain, nil
}
