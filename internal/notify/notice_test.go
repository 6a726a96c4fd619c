package notify_test

import (
	"bytes"
	"flag"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/notify"
	"pmssl/internal/panellog"
	"pmssl/internal/seller"
)

var update = flag.Bool("update", false, "write the golden files anew")

const (
	mailFrom = "Example Hosting <noreply@hosting.example>"
	mailTo   = "anna@client.example"
)

// now is Friday, 2026-10-09, ten days before the certificate of the documented example ends (docs/reference/validity.md §B2).
func now() time.Time { return time.Date(2026, 10, 9, 6, 30, 0, 0, time.FixedZone("", 3*3600)) }

// counting is a predictable source of random bytes.
type counting struct{ next byte }

func (c *counting) Read(into []byte) (int, error) {
	for i := range into {
		into[i] = c.next
		c.next++
	}
	return len(into), nil
}

// sendMail returns a Mailer without a sendmail program and without an SMTP server.
func sendMail(t testing.TB) *notify.Mailer {
	log := panellog.Open(panellog.Options{Name: "notify", Root: t.TempDir(), Now: now})
	t.Cleanup(func() { assert.NoError(t, log.Close()) })
	return &notify.Mailer{
		From: mailFrom, Sendmail: []string{}, SMTPAddr: "127.0.0.1:0", Timeout: 30 * time.Second, Now: now, Rand: &counting{},
		Log: log,
	}
}

// kinds returns all kinds of notices.
func kinds() []notify.Kind {
	return []notify.Kind{notify.KindExpires, notify.KindInstall, notify.KindNewKey, notify.KindProve, notify.KindRevoked, notify.KindWaiting}
}

// noticeData returns the data of the documented example.
func noticeData(kind notify.Kind, lang string) notify.NoticeData {
	f := notify.NoticeData{
		Kind: kind, Lang: lang, To: mailTo, ToName: "Anna Example", Item: 42,
		Domain: "example.com", SANs: []string{"www.example.com", "Mail.example.com", "example.com", "www.example.com"},
		Order:   "PositiveSSL 747253",
		Expires: cabforum.Date{Year: 2026, Month: 10, Day: 19}, PaidUntil: cabforum.Date{Year: 2031, Month: 4, Day: 2}, DaysLeft: 10,
		Method: seller.MethodDNS, Panel: "https://billing.hosting.example",
	}
	switch kind {
	case notify.KindProve, notify.KindWaiting:
		f.Challenges = records()
	case notify.KindInstall:
		f.Serial, f.Served = "0a1b2c3d4e5f60718293a4b5c6d7e8f9", served()
	case notify.KindRevoked, notify.KindNewKey:
		f.Served = []notify.Served{{Name: "example.com", Address: "192.0.2.80"}, {Name: "mail.example.com", Address: "2001:db8::80"}}
		f.Revoked = notify.Revoked{Serial: "0c0ffee", On: cabforum.Date{Year: 2026, Month: 10, Day: 8}, Reason: "superseded", Next: "wait"}
		if kind == notify.KindNewKey {
			f.Revoked.Reason, f.Revoked.Next = "keyCompromise", ""
		}
	}
	if lang == "ru" {
		f.ToName = "Анна Константиновна Примерова-Длинная"
	}
	return f
}

func served() []notify.Served {
	return []notify.Served{
		{Name: "example.com", Address: "2001:db8::80", Serial: "0c0ffee", Expires: cabforum.Date{Year: 2026, Month: 10, Day: 21}},
		{Name: "mail.example.com", Address: "192.0.2.80", Serial: "0facade", Expires: cabforum.Date{Year: 2026, Month: 10, Day: 14}},
	}
}

func obstacles() []notify.Obstacle {
	return []notify.Obstacle{
		{Name: "example.com", Allowed: []string{"other.example", "third.example"}, Needed: []string{"ca.example", "ca2.example"}},
		{Name: "*.example.com"},
		{Name: "xn--bcher-kva.example", Allowed: []string{"1.example", "2.example", "3.example", "4.example"}},
		{Name: "mail.example.com", Absent: true},
	}
}

func records() []seller.Challenge {
	return []seller.Challenge{
		{Domain: "example.com", Method: seller.MethodDNS, Host: "_0A1B2C.example.com", Record: "CNAME", Target: "d3adbeef.0a1b2c.sectigo.example"},
		{Domain: "www.example.com", Method: seller.MethodDNS, Host: "_0A1B2C.example.com", Record: "CNAME", Target: "d3adbeef.0a1b2c.sectigo.example"},
		{Domain: "mail.example.com", Method: seller.MethodDNS, Host: "_0A1B2C.mail.example.com", Record: "CNAME", Target: "d3adbeef.0a1b2c.sectigo.example"},
	}
}

func files() []seller.Challenge {
	return []seller.Challenge{{
		Domain: "example.com", Method: seller.MethodFile, URL: "http://example.com/.well-known/pki-validation/0A1B2C.txt",
		Body: "3F9A0C\nsectigo.example\n0123456789",
	}, {
		Domain: "mail.example.com", Method: seller.MethodFile, URL: "http://mail.example.com/.well-known/pki-validation/0A1B2C.txt",
		Body: "3F9A0C\nsectigo.example\n0123456789",
	}}
}

func approvers() []seller.Challenge {
	return []seller.Challenge{
		{Domain: "example.com", Method: seller.MethodEmail, Email: "admin@example.com"},
		{Domain: "mail.example.com", Method: seller.MethodEmail, Email: "postmaster@mail.example.com"},
	}
}

// received is a mail as a mail program reads it, parsed by other code than that which wrote it.
type received struct {
	header  mail.Header
	subject string
	body    string
}

func read(t testing.TB, raw []byte) received {
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	require.NoError(t, err)
	assert.Equal(t, []string{"quoted-printable"}, m.Header["Content-Transfer-Encoding"])
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	require.NoError(t, err)
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	require.NoError(t, err)
	return received{m.Header, subject, strings.ReplaceAll(string(body), "\r\n", "\n")}
}

func compose(t testing.TB, p *notify.Mailer, f notify.NoticeData) received {
	m, err := p.Compose(f)
	require.NoError(t, err)
	return read(t, m.Bytes)
}

// golden compares got with testdata/name.
func golden(t *testing.T, name string, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err, "go test -update writes it")
	assert.Equal(t, string(want), got)
}

// The whole message that the sendmail program gets, byte for byte.
func TestMessagesAreUnchanged(t *testing.T) {
	for _, kind := range kinds() {
		for _, lang := range []string{"en", "ru", "es"} {
			name := string(kind) + "." + lang
			t.Run(name, func(t *testing.T) {
				program := fakeSendmail(t, "exit 0")
				p := sendMail(t)
				p.Sendmail = []string{program.path}
				require.NoError(t, p.Send(t.Context(), noticeData(kind, lang)))
				golden(t, name+".eml", program.stdin(t))
			})
		}
	}
}

// The texts that clients read.
func TestTextsAreUnchanged(t *testing.T) {
	cases := map[string]func(*notify.NoticeData){
		"expires": func(f *notify.NoticeData) { f.Kind = notify.KindExpires },
		"expires-ended": func(f *notify.NoticeData) {
			f.Kind, f.DaysLeft = notify.KindExpires, -3
		},
		"expires-little-known": func(f *notify.NoticeData) {
			*f = notify.NoticeData{Kind: notify.KindExpires, Lang: f.Lang, To: f.To, Item: 42, Domain: "example.com", Expires: f.Expires}
		},
		"prove": func(f *notify.NoticeData) { f.Kind, f.Challenges = notify.KindProve, records() },
		"prove-file": func(f *notify.NoticeData) {
			f.Kind, f.Method, f.Challenges = notify.KindProve, seller.MethodFile, files()
		},
		"prove-email": func(f *notify.NoticeData) {
			f.Kind, f.Method, f.Challenges = notify.KindProve, seller.MethodEmail, approvers()
		},
		"prove-little-known": func(f *notify.NoticeData) {
			*f = notify.NoticeData{Kind: notify.KindProve, Lang: f.Lang, To: f.To, Item: 42, Domain: "example.com", Method: seller.MethodEmail}
		},
		"prove-obstacles": func(f *notify.NoticeData) {
			f.Kind, f.Challenges, f.Obstacles = notify.KindProve, records(), obstacles()
		},
		"waiting-obstacles": func(f *notify.NoticeData) {
			f.Kind, f.DaysLeft, f.Challenges, f.Obstacles = notify.KindWaiting, 6, records(), obstacles()[:1]
		},
		"waiting":       func(f *notify.NoticeData) { f.Kind, f.DaysLeft, f.Challenges = notify.KindWaiting, 6, records() },
		"waiting-ended": func(f *notify.NoticeData) { f.Kind, f.DaysLeft, f.Challenges = notify.KindWaiting, -1, records() },
		"waiting-file": func(f *notify.NoticeData) {
			f.Kind, f.Method, f.Challenges = notify.KindWaiting, seller.MethodFile, files()
		},
		"waiting-email": func(f *notify.NoticeData) {
			f.Kind, f.Method, f.Challenges = notify.KindWaiting, seller.MethodEmail, approvers()
		},
		"install": func(f *notify.NoticeData) { *f = noticeData(notify.KindInstall, f.Lang) },
		"install-ended": func(f *notify.NoticeData) {
			*f = noticeData(notify.KindInstall, f.Lang)
			f.Served[1].Expires, f.Served[1].Expired = cabforum.Date{Year: 2026, Month: 10, Day: 7}, true
		},
		"install-unseen": func(f *notify.NoticeData) {
			*f = noticeData(notify.KindInstall, f.Lang)
			f.Served = nil
		},
		"install-little-known": func(f *notify.NoticeData) {
			*f = notify.NoticeData{Kind: notify.KindInstall, Lang: f.Lang, To: f.To, Item: 42, Domain: "example.com", Expires: f.Expires, Served: []notify.Served{{Name: "example.com"}}}
		},
		"revoked-install": func(f *notify.NoticeData) {
			*f = noticeData(notify.KindRevoked, f.Lang)
			f.Serial, f.Revoked.Next = "0a1b2c3d4e5f60718293a4b5c6d7e8f9", "install"
		},
		"revoked-wait": func(f *notify.NoticeData) { *f = noticeData(notify.KindRevoked, f.Lang) },
		"revoked-reissue": func(f *notify.NoticeData) {
			*f = noticeData(notify.KindRevoked, f.Lang)
			f.Served, f.Revoked.Next = nil, "reissue"
		},
		"revoked-ask": func(f *notify.NoticeData) {
			*f = noticeData(notify.KindRevoked, f.Lang)
			f.Revoked.Reason, f.Revoked.Next = "privilegeWithdrawn", "ask"
		},
		"revoked-little-known": func(f *notify.NoticeData) {
			*f = notify.NoticeData{Kind: notify.KindRevoked, Lang: f.Lang, To: f.To, Item: 42, Domain: "example.com", Revoked: notify.Revoked{Serial: "1f", Reason: "unspecified"}}
		},
		"newkey": func(f *notify.NoticeData) { *f = noticeData(notify.KindNewKey, f.Lang) },
		"newkey-little-known": func(f *notify.NoticeData) {
			*f = notify.NoticeData{Kind: notify.KindNewKey, Lang: f.Lang, To: f.To, Item: 42, Domain: "example.com", Revoked: notify.Revoked{Serial: "1f"}}
		},
		"waiting-little-known": func(f *notify.NoticeData) { f.Kind, f.Challenges = notify.KindWaiting, nil },
	}
	for name, change := range cases {
		for _, lang := range []string{"en", "ru", "es"} {
			t.Run(name+"."+lang, func(t *testing.T) {
				f := noticeData(notify.KindExpires, lang)
				change(&f)
				got := compose(t, sendMail(t), f)
				golden(t, name+"."+lang+".txt", "Subject: "+got.subject+"\n\n"+got.body)
			})
		}
	}
}

// A mail names the certificate first, then its dates, then what the client has to do.
func TestMailsBeginWithTheCertificate(t *testing.T) {
	for _, kind := range kinds() {
		for lang, todo := range map[string]string{"en": "What you need to do", "ru": "Что нужно сделать", "es": "Qué debe hacer"} {
			got := compose(t, sendMail(t), noticeData(kind, lang))
			assert.Contains(t, got.subject, "example.com")
			last := -1
			for _, piece := range []string{
				" example.com\n", " www.example.com\n", " mail.example.com\n", " PositiveSSL 747253\n",
				"2026-10-19", "2031-04-02\n", todo,
			} {
				at := strings.Index(got.body, piece)
				require.NotEqual(t, -1, at, "%s.%s: %q", kind, lang, piece)
				assert.Greater(t, at, last, "%s.%s: %q", kind, lang, piece)
				last = at
			}
			assert.Equal(t, 1, strings.Count(got.body, " www.example.com\n"), "each name once")
		}
	}
}

func TestValuesHaveLinesOfTheirOwn(t *testing.T) {
	for _, lang := range []string{"en", "ru", "es"} {
		f := noticeData(notify.KindProve, lang)
		lines := strings.Split(compose(t, sendMail(t), f).body, "\n")
		var values []string
		for _, line := range lines {
			if _, value, found := strings.Cut(line, ":  "); found {
				values = append(values, strings.TrimSpace(value))
			}
		}
		assert.Subset(t, values, []string{"_0A1B2C.example.com", "CNAME", "d3adbeef.0a1b2c.sectigo.example", "_0A1B2C.mail.example.com"}, lang)

		f.Challenges = files()
		lines = strings.Split(compose(t, sendMail(t), f).body, "\n")
		assert.Subset(t, lines, []string{"http://example.com/.well-known/pki-validation/0A1B2C.txt", "3F9A0C", "sectigo.example", "0123456789"},
			"%s: a file's content has no blanks in front, it is copied unchanged", lang)
	}
}

func TestASharedRecordIsListedOnce(t *testing.T) {
	got := compose(t, sendMail(t), noticeData(notify.KindProve, "en"))
	assert.Equal(t, 1, strings.Count(got.body, "Name:   _0A1B2C.example.com\n"))
}

// The message never names an approver's e-mail if the validation method is not known.
func TestAnUnknownMethodIsNotEmail(t *testing.T) {
	for _, kind := range []notify.Kind{notify.KindProve, notify.KindWaiting} {
		f := noticeData(kind, "en")
		f.Method, f.Challenges, f.ChallengeText = seller.MethodUnknown, nil, "admin@example.com"
		body := compose(t, sendMail(t), f).body
		assert.NotContains(t, body, "admin@example.com")
		assert.NotContains(t, body, "approver address")
	}
}

// Challenges from the text that is stored on the item (rules PARAM-11) give the same mail as those from the seller's answer.
func TestStoredChallengesGiveTheSameMail(t *testing.T) {
	for name, c := range map[string]struct {
		method     seller.Method
		challenges []seller.Challenge
		text       string
	}{
		"DNS":            {seller.MethodDNS, records(), seller.ChallengeText(records())},
		"file":           {seller.MethodFile, files(), seller.ChallengeText(files())},
		"file, \\r\\n":   {seller.MethodFile, files(), strings.ReplaceAll(seller.ChallengeText(files()), "\n", "\r\n")},
		"e-mail":         {seller.MethodEmail, []seller.Challenge{{Method: seller.MethodEmail, Email: "a@example.com"}, {Method: seller.MethodEmail, Email: "b@example.com"}}, "a@example.com, b@example.com"},
		"TXT with blank": {seller.MethodDNS, []seller.Challenge{{Method: seller.MethodDNS, Host: "example.com", Record: "TXT", Target: "one two"}}, "example.com TXT one two"},
		"not in form":    {seller.MethodDNS, []seller.Challenge{{Method: seller.MethodDNS, Target: "ask us"}}, "ask us\n"},
		"only content":   {seller.MethodFile, []seller.Challenge{{Method: seller.MethodFile, Body: "one\ntwo"}}, "\none\ntwo"},
		"nothing":        {seller.MethodDNS, nil, " \n"},
	} {
		t.Run(name, func(t *testing.T) {
			fresh, stored := noticeData(notify.KindWaiting, "en"), noticeData(notify.KindWaiting, "en")
			fresh.Method, fresh.Challenges = c.method, c.challenges
			stored.Method, stored.Challenges, stored.ChallengeText = c.method, nil, c.text
			assert.Equal(t, compose(t, sendMail(t), fresh).body, compose(t, sendMail(t), stored).body)
			for _, p := range c.challenges {
				assert.Contains(t, compose(t, sendMail(t), stored).body, p.Target+p.URL+p.Email)
			}
		})
	}
}

func TestTheHeaderIsUnchanged(t *testing.T) {
	m, err := sendMail(t).Compose(noticeData(notify.KindProve, "es-MX"))
	require.NoError(t, err)
	assert.Equal(t, "noreply@hosting.example", m.From)
	assert.Equal(t, mailTo, m.To)
	assert.Equal(t, "es", m.Lang)
	assert.Equal(t, mail.Header{
		"Auto-Submitted":            {"auto-generated"},
		"Content-Language":          {"es"},
		"Content-Transfer-Encoding": {"quoted-printable"},
		"Content-Type":              {"text/plain; charset=UTF-8"},
		"Date":                      {"Fri, 09 Oct 2026 03:30:00 +0000"},
		"From":                      {`"Example Hosting" <noreply@hosting.example>`},
		"Message-Id":                {"<000102030405060708090a0b0c0d0e0f@hosting.example>"},
		"Mime-Version":              {"1.0"},
		"Subject":                   {"Confirme el control del dominio example.com para el nuevo certificado SSL"},
		"To":                        {`"Anna Example" <anna@client.example>`},
		"X-Auto-Response-Suppress":  {"OOF, AutoReply"},
	}, read(t, m.Bytes).header)
}

func TestEachMailHasItsOwnMessageID(t *testing.T) {
	p := sendMail(t)
	one, two := compose(t, p, noticeData(notify.KindProve, "en")), compose(t, p, noticeData(notify.KindProve, "en"))
	assert.NotEqual(t, one.header.Get("Message-Id"), two.header.Get("Message-Id"))

	p.Rand = bytes.NewReader(nil)
	_, err := p.Compose(noticeData(notify.KindProve, "en"))
	assert.ErrorIs(t, err, io.EOF, "no Message-ID without randomness")
}

// A client who ordered пример.рф does not know xn--e1afmkfd.xn--p1ai, but DNS zones contain only that form.
func TestInternationalisedNamesAreShownInBothForms(t *testing.T) {
	f := noticeData(notify.KindExpires, "ru")
	f.Domain, f.SANs = "xn--e1afmkfd.xn--p1ai", []string{"*.xn--e1afmkfd.xn--p1ai", "xn--zzzzzz.example", "plain.example"}
	got := compose(t, sendMail(t), f)
	assert.Contains(t, got.subject, "пример.рф (xn--e1afmkfd.xn--p1ai)")
	assert.Contains(t, got.body, " пример.рф (xn--e1afmkfd.xn--p1ai)\n")
	assert.Contains(t, got.body, " *.пример.рф (*.xn--e1afmkfd.xn--p1ai)\n")
	assert.Contains(t, got.body, " xn--zzzzzz.example\n", "what is not a valid A-label stays as it is")
	assert.Contains(t, got.body, " plain.example\n")
}

func TestNoticesWithoutTheNecessaryDataAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change       func(*notify.NoticeData)
		kind, object string
	}{
		"no domain":           {func(f *notify.NoticeData) { f.Domain = " \x00\n" }, fault.Missed, "domain"},
		"unknown kind":        {func(f *notify.NoticeData) { f.Kind = "../etc/passwd" }, fault.Internal, "mail"},
		"no kind":             {func(f *notify.NoticeData) { f.Kind = "" }, fault.Internal, "mail"},
		"expires, but when":   {func(f *notify.NoticeData) { f.Expires = cabforum.Date{} }, fault.Missed, "certificate_expiredate"},
		"install, but when":   {func(f *notify.NoticeData) { f.Kind, f.Expires = notify.KindInstall, cabforum.Date{} }, fault.Missed, "certificate_expiredate"},
		"no recipient":        {func(f *notify.NoticeData) { f.To = " " }, fault.Missed, "email"},
		"not to be delivered": {func(f *notify.NoticeData) { f.To = "anna" }, fault.Value, "email"},
	} {
		t.Run(name, func(t *testing.T) {
			f := noticeData(notify.KindExpires, "en")
			c.change(&f)
			err := sendMail(t).Send(t.Context(), f)
			failure := fault.From(err)
			require.NotNil(t, failure)
			assert.Equal(t, c.kind, failure.Type)
			assert.Equal(t, c.object, failure.Object)
			assert.False(t, failure.Retry)
		})
	}
}
