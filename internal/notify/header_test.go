package notify_test

import (
	"bytes"
	"mime"
	"net/mail"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/notify"
)

// headerLines returns the lines of a message's header.
func headerLines(m notify.Message) []string {
	head, _, _ := bytes.Cut(m.Bytes, []byte("\r\n\r\n"))
	return strings.Split(string(head), "\r\n")
}

// foldedWell checks that every field begins on its first line and that no line is only white space (RFC 5322 2.2.3, 4.2).
func foldedWell(t testing.TB, m notify.Message) {
	for _, line := range headerLines(m) {
		text := line
		if !strings.HasPrefix(line, " ") {
			name, value, found := strings.Cut(line, ": ")
			require.True(t, found, "a field without text on its first line: %q", line)
			require.NotEmpty(t, name)
			text = value
		}
		require.NotEmpty(t, strings.TrimSpace(text), "an empty line of a folded field: %q", line)
		if strings.Contains(line, "=?") {
			require.LessOrEqual(t, len(line), 76, "RFC 2047 2: %q", line)
		}
	}
}

// field returns the lines of one field as they are in the message.
func field(m notify.Message, name string) string {
	var lines []string
	for _, line := range headerLines(m) {
		if strings.HasPrefix(line, name+":") || len(lines) > 0 && strings.HasPrefix(line, " ") {
			lines = append(lines, line)
		} else if len(lines) > 0 {
			break
		}
	}
	return strings.Join(lines, "\r\n")
}

func TestAFoldedFieldBeginsOnItsFirstLine(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*notify.Mailer, *notify.NoticeData)
		field  string
		want   string
	}{
		"Russian subject": {
			change: func(_ *notify.Mailer, f *notify.NoticeData) { f.Lang = "ru" },
			field:  "Subject",
			want: "Subject: =?UTF-8?q?SSL-=D1=81=D0=B5=D1=80=D1=82=D0=B8=D1=84=D0=B8=D0=BA?=\r\n" +
				" =?UTF-8?q?=D0=B0=D1=82_=D0=B4=D0=BB=D1=8F_example=2Ecom_=D0=B8=D1=81?=\r\n" +
				" =?UTF-8?q?=D1=82=D0=B5=D0=BA=D0=B0=D0=B5=D1=82_2026-10-19?=",
		},
		"long Russian recipient": {
			change: func(_ *notify.Mailer, f *notify.NoticeData) {
				f.ToName = "Анна Константиновна Примерова-Длинная"
			},
			field: "To",
			want:  "",
		},
		"long recipient": {
			change: func(_ *notify.Mailer, f *notify.NoticeData) {
				f.ToName = "A Company With A Name That Is Much Longer Than One Line Of A Header, Limited"
			},
			field: "To",
			want:  "To: \"A Company With A Name That Is Much Longer Than One Line Of A Header,\r\n Limited\" <anna@client.example>",
		},
		"name of one word that fills the line": {
			change: func(_ *notify.Mailer, f *notify.NoticeData) { f.ToName = strings.Repeat("x", 90) },
			field:  "To",
			want:   "To: \"" + strings.Repeat("x", 90) + "\"\r\n <anna@client.example>",
		},
		"long domain in the Message-ID": {
			change: func(p *notify.Mailer, _ *notify.NoticeData) {
				p.From = "a@" + strings.Repeat("hosting.", 20) + "example"
			},
			field: "Message-ID",
			want:  "Message-ID: <000102030405060708090a0b0c0d0e0f@" + strings.Repeat("hosting.", 20) + "example>",
		},
		"long domain in the subject": {
			change: func(_ *notify.Mailer, f *notify.NoticeData) { f.Domain = strings.Repeat("name.", 40) + "example" },
			field:  "Subject",
			want:   "",
		},
		"long sender": {
			change: func(p *notify.Mailer, _ *notify.NoticeData) {
				p.From = "Хостинг с очень длинным названием для одной строки <noreply@hosting.example>"
			},
			field: "From",
			want:  "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f, p := noticeData(notify.KindExpires, "en"), sendMail(t)
			c.change(p, &f)
			m, err := p.Compose(f)
			require.NoError(t, err)
			requireValid(t, m)
			if c.want != "" {
				assert.Equal(t, c.want, field(m, c.field))
			}
			got, err := mail.ReadMessage(bytes.NewReader(m.Bytes))
			require.NoError(t, err)
			to, err := got.Header.AddressList("To")
			require.NoError(t, err)
			assert.Equal(t, []*mail.Address{{Name: f.ToName, Address: mailTo}}, to)
			subject, err := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject"))
			require.NoError(t, err)
			assert.Equal(t, m.Subject, subject)
		})
	}
}

// Every place where a word may end comes up: a character is never divided, and what is encoded can be read again.
func TestEncodedWordsHoldWholeCharacters(t *testing.T) {
	for n := range 80 {
		f := noticeData(notify.KindExpires, "en")
		f.ToName = strings.Repeat("x", n) + "ю😀é \"(a), b\""
		m, err := sendMail(t).Compose(f)
		require.NoError(t, err)
		requireValid(t, m)
		for _, word := range strings.Fields(field(m, "To"))[1:] {
			decoded, err := new(mime.WordDecoder).DecodeHeader(word)
			require.NoError(t, err)
			assert.NotContains(t, decoded, "\uFFFD", word)
		}
		got, err := mail.ReadMessage(bytes.NewReader(m.Bytes))
		require.NoError(t, err)
		to, err := got.Header.AddressList("To")
		require.NoError(t, err)
		assert.Equal(t, f.ToName, to[0].Name)
	}
}
