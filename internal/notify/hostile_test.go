package notify_test

import (
	"bytes"
	"fmt"
	"maps"
	"mime"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/notify"
	"pmssl/internal/seller"
)

// headers returns the names of the header fields that every mail has.
func headers() []string {
	return []string{
		"Auto-Submitted", "Content-Language", "Content-Transfer-Encoding", "Content-Type", "Date", "From", "Message-Id",
		"Mime-Version", "Subject", "To", "X-Auto-Response-Suppress",
	}
}

// requireValid checks what must be true for every mail, and returns it parsed.
func requireValid(t testing.TB, m notify.Message) received {
	for line := range bytes.Lines(m.Bytes) {
		require.True(t, bytes.HasSuffix(line, []byte("\r\n")), "a line ends with %q", line)
		require.LessOrEqual(t, len(line), 1000, "RFC 5322 2.1.1")
		line = bytes.TrimSuffix(line, []byte("\r\n"))
		require.False(t, bytes.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r > '~' }), "%q", line)
	}
	foldedWell(t, m)
	got := read(t, m.Bytes)
	require.Equal(t, headers(), slices.Sorted(maps.Keys(got.header)))
	for name, values := range got.header {
		require.Len(t, values, 1, name)
	}
	for name, address := range map[string]string{"From": m.From, "To": m.To} {
		list, err := mail.ParseAddressList(got.header.Get(name))
		require.NoError(t, err, name)
		require.Len(t, list, 1, name)
		require.Equal(t, address, list[0].Address)
		require.False(t, strings.ContainsFunc(list[0].Name, unicode.IsControl), "%q", list[0].Name)
	}
	require.False(t, strings.ContainsFunc(got.subject, unicode.IsControl), "%q", got.subject)
	require.NotEmpty(t, got.subject)
	require.True(t, utf8.ValidString(got.body))
	require.False(t, strings.ContainsFunc(got.body, func(r rune) bool { return r != '\n' && unicode.IsControl(r) }), "%q", got.body)
	return got
}

func TestNoTextAddsAHeader(t *testing.T) {
	for name, evil := range map[string]string{
		"CRLF":            "x\r\nBcc: victim@other.example",
		"LF":              "x\nBcc: victim@other.example",
		"CR":              "x\rBcc: victim@other.example",
		"folded":          "x\r\n Bcc: victim@other.example",
		"body":            "x\r\n\r\nBcc: victim@other.example",
		"NEL":             "x\u0085Bcc: victim@other.example",
		"line separator":  "x\u2028Bcc: victim@other.example",
		"encoded already": "=?utf-8?q?x=0D=0ABcc:_victim@other.example?=",
		"encoded, hidden": "=\x00?utf-8?q?x=0D=0ABcc:_victim@other.example?=",
		"not UTF-8":       "x\xff\xfe\r\nBcc: victim@other.example",
	} {
		t.Run(name, func(t *testing.T) {
			for _, kind := range kinds() {
				f := noticeData(kind, "en")
				f.Domain, f.ToName, f.Order, f.Panel, f.SANs = evil, evil, evil, evil, []string{evil}
				f.Challenges = []seller.Challenge{
					{Method: seller.MethodDNS, Host: evil, Record: evil, Target: evil}, {Method: seller.MethodFile, URL: evil, Body: evil},
					{Method: seller.MethodEmail, Email: evil, Domain: evil},
				}
				f.Serial, f.Served = evil, []notify.Served{{Name: evil, Address: evil, Serial: evil}}
				f.Revoked = notify.Revoked{Serial: evil, Reason: evil, Next: evil}
				p := edited(t, map[string]string{"prove.en.txt": "Subject: {{.Client}} {{.Order}} {{.Panel}}\n\n{{.Order}}\n"})
				p.From = mime.BEncoding.Encode("utf-8", "ü"+evil) + " <noreply@hosting.example>"
				m, err := p.Compose(f)
				require.NoError(t, err)
				got := requireValid(t, m)
				for name, values := range got.header {
					// Some mail programs decode encoded words even inside quotes.
					decoded, err := new(mime.WordDecoder).DecodeHeader(strings.ReplaceAll(values[0], `"`, " "))
					require.NoError(t, err)
					assert.False(t, strings.ContainsFunc(decoded, unicode.IsControl), "%s: %q", name, decoded)
				}
			}
		})
	}
}

func TestRecipientIsOneAddressAndNothingElse(t *testing.T) {
	for _, to := range []string{
		"anna@client.example, eve@other.example", "Eve <eve@other.example>", "anna@client.example (Anna)", "anna@client.example\r\nBcc: eve@other.example",
		"anna", "@client.example", "anna@", "anna@client@example", "an na@client.example", `"anna"@client.example`, `"an\ na"@client.example`, "анна@client.example",
		"anna@client_.example", "anna@[127.0.0.1]", "anna@client..example", ".anna@client.example", "anna\x00@client.example", "clients:anna@client.example;",
		strings.Repeat("a", 65) + "@client.example", "anna@" + strings.Repeat("client.", 40) + "example", strings.Repeat("a", 1<<20),
	} {
		f := noticeData(notify.KindProve, "en")
		f.To = to
		_, err := sendMail(t).Compose(f)
		failure := fault.From(err)
		if assert.NotNil(t, failure, "%.80q", to) {
			assert.Equal(t, fault.Value, failure.Type)
			assert.Equal(t, "email", failure.Object)
			assert.Contains(t, failure.Message, "item 42")
			assert.Less(t, len(failure.Message), 1000)
		}
	}
	for to, envelope := range map[string]string{
		" anna@client.example\n":     "anna@client.example",
		"a.b+c@client.example":       "a.b+c@client.example",
		"-t@client.example":          "-t@client.example",
		"anna@Пример.рф":             "anna@xn--e1afmkfd.xn--p1ai",
		"anna@xn--e1afmkfd.xn--p1ai": "anna@xn--e1afmkfd.xn--p1ai",
		"root@localhost":             "root@localhost",
	} {
		f := noticeData(notify.KindProve, "en")
		f.To = to
		m, err := sendMail(t).Compose(f)
		if assert.NoError(t, err, to) {
			assert.Equal(t, envelope, m.To)
			requireValid(t, m)
		}
	}
}

func TestTheSenderComesFromTheSettings(t *testing.T) {
	for from, kind := range map[string]string{
		"": fault.Missed, " \t": fault.Missed, "hosting": fault.Value, "a@b.example, c@d.example": fault.Value, "Hosting <a@b@c>": fault.Value,
	} {
		p := sendMail(t)
		p.From = from
		failure := fault.From(p.Send(t.Context(), noticeData(notify.KindProve, "en")))
		if assert.NotNil(t, failure, from) {
			assert.Equal(t, kind, failure.Type)
			assert.Equal(t, "SSLSubscriptionMailFrom", failure.Object)
			assert.Contains(t, failure.Message, "SSLSubscriptionMailFrom")
			assert.Contains(t, failure.Message, "etc/billmgr.conf")
			assert.False(t, failure.Retry, "an administrator has to set it")
		}
	}
	for from, header := range map[string]string{
		"noreply@hosting.example":               "<noreply@hosting.example>",
		"Хостинг <noreply@hosting.example>":     "=?UTF-8?q?=D0=A5=D0=BE=D1=81=D1=82=D0=B8=D0=BD=D0=B3?= <noreply@hosting.example>",
		`"Hosting, Inc." <noreply@пример.рф>`:   `"Hosting, Inc." <noreply@xn--e1afmkfd.xn--p1ai>`,
		"  Hosting   <noreply@hosting.example>": `"Hosting" <noreply@hosting.example>`,
	} {
		p := sendMail(t)
		p.From = from
		m, err := p.Compose(noticeData(notify.KindProve, "en"))
		require.NoError(t, err, from)
		assert.Equal(t, header, requireValid(t, m).header.Get("From"))
	}
}

func TestNoOrderMakesAMailTooLarge(t *testing.T) {
	long := strings.Repeat("й", 1<<20)
	f := noticeData(notify.KindProve, "ru")
	f.ToName, f.Order, f.Panel, f.Lang = long, long, long, f.Lang+"-"+long
	f.SANs, f.Challenges = nil, nil
	for i := range 1000 {
		f.Served = append(f.Served, notify.Served{Name: long, Address: long, Serial: long})
		f.SANs = append(f.SANs, fmt.Sprintf("san-%d.example.com", i))
		f.Challenges = append(f.Challenges, seller.Challenge{Method: seller.MethodFile, URL: fmt.Sprint("http://", i, ".example/", long[:5000]), Body: strings.Repeat("й\n", 5000)})
	}
	m, err := sendMail(t).Compose(f)
	require.NoError(t, err)
	got := requireValid(t, m)
	assert.Less(t, len(m.Bytes), 4<<20, "the usual limit of mail servers is 10 MB")
	assert.Contains(t, got.body, " san-99.example.com\n")
	assert.NotContains(t, got.body, " san-100.example.com\n")
	assert.Contains(t, got.body, "и ещё 900\n")
	assert.Contains(t, got.body, "И ещё 750:")
	assert.Contains(t, got.body, "…\n", "an ellipsis marks the cut")

	f.Challenges = nil
	f.Method, f.ChallengeText = seller.MethodDNS, strings.Repeat("a.example CNAME b.example\n", 1<<16)+long
	m, err = sendMail(t).Compose(f)
	require.NoError(t, err)
	requireValid(t, m)
}

func TestInvisibleCharactersAreDropped(t *testing.T) {
	f := noticeData(notify.KindProve, "en")
	f.ToName = "An\u202ena\u200b \a\t Example"
	f.Domain = "exam\u202eple.com evil.example/?"
	got := compose(t, sendMail(t), f)
	assert.Contains(t, got.body, "Hello Anna Example,\n")
	assert.Contains(t, got.body, " example.comevil.example\n")
	assert.NotContains(t, got.body, "\u202e")
}

// Whatever is in the database and in the seller's answer, Compose returns a valid mail with exactly the expected header
// fields, or a fault.
func FuzzComposeReturnsAValidMail(f *testing.F) {
	f.Add("expires", "ru", mailFrom, mailTo, "Anna", "example.com", "www.example.com", "PositiveSSL", "billing", 10, byte(1), "a CNAME b", "")
	f.Add("prove", "es_MX.UTF-8", "noreply@hosting.example", mailTo, "Анна", "xn--e1afmkfd.xn--p1ai", "*.example.com", "", "", -1, byte(2), "http://a/b\nc\nd", "e")
	f.Add("waiting", "../../etc", "\"a\\\"b\" <c@d>", "x@y", "a\r\nBcc: b@c", "=?utf-8?q?=0D=0A?=", "\xff\u2028", "{{.}}", "\x1b[31m", 0, byte(0), "a@b, c@d", "\x00")
	f.Add("install", "es", mailFrom, mailTo, "Ana", "example.com", "*.example.com", "PositiveSSL", "billing", 190, byte(4), "0a1b", "2001:db8::80")
	f.Add("revoked", "en", mailFrom, mailTo, "Ana", "example.com", "*.example.com", "PositiveSSL", "billing", 190, byte(4), "wait", "keyCompromise")
	f.Add("newkey", "ru", mailFrom, mailTo, "Ana", "example.com", "*.example.com", "PositiveSSL", "billing", 190, byte(4), "0a1b", "192.0.2.80")
	f.Fuzz(func(t *testing.T, kind, lang, from, to, name, domain, san, order, panel string, days int, method byte, challenges, value string) {
		data := notify.NoticeData{
			Kind: notify.Kind(kind), Lang: lang, To: to, ToName: name, Item: int64(days), Domain: domain, SANs: []string{san, value}, Order: order,
			Expires: cabforum.Date{Year: 2026, Month: 10, Day: 19}, DaysLeft: days, Method: seller.Method(method % 4), ChallengeText: challenges, Panel: panel,
			Serial: value, Served: []notify.Served{{Name: san, Address: value, Serial: challenges, Expires: cabforum.Date{Year: 2026, Month: 10, Day: 9}, Expired: method&4 != 0}},
			Revoked: notify.Revoked{Serial: value, Reason: san, Next: challenges},
		}
		if method&8 != 0 {
			data.Challenges = []seller.Challenge{{Domain: value, Method: seller.Method(method % 4), Email: value, Host: value, Record: san, Target: value, URL: value, Body: challenges}}
		}
		p := &notify.Mailer{From: from, Now: now, Rand: &counting{}}
		m, err := p.Compose(data)
		if err != nil {
			failure := fault.From(err)
			known := kind == "expires" || kind == "prove" || kind == "waiting" || kind == "install"
			if failure.Type == fault.Internal && known {
				t.Fatalf("not the sender's, the client's or the panel's mistake: %v", err)
			}
			return
		}
		requireValid(t, m)
	})
}
