package letter_test

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
	"pmssl/internal/cert"
	"pmssl/internal/letter"
	"pmssl/internal/mgrlog"
)

var update = flag.Bool("update", false, "write the golden files anew")

const (
	mailFrom = "Example Hosting <noreply@hosting.example>"
	mailTo   = "anna@client.example"
)

// now is Friday, 2026-10-09, ten days before the certificate of the documented example ends (validity B2).
func now() time.Time { return time.Date(2026, 10, 9, 6, 30, 0, 0, time.FixedZone("", 3*3600)) }

// counting is randomness that everybody can foresee.
type counting struct{ next byte }

func (c *counting) Read(into []byte) (int, error) {
	for i := range into {
		into[i] = c.next
		c.next++
	}
	return len(into), nil
}

// post has neither a sendmail program nor an SMTP server.
func post(t testing.TB) *letter.Post {
	log := mgrlog.Open(mgrlog.Options{Name: "letter", Root: t.TempDir(), Now: now})
	t.Cleanup(func() { assert.NoError(t, log.Close()) })
	return &letter.Post{
		From: mailFrom, Sendmail: []string{}, SMTPAddr: "127.0.0.1:0", Timeout: 30 * time.Second, Now: now, Rand: &counting{},
		Log: log,
	}
}

// facts are those of the documented example.
func facts(kind letter.Kind, lang string) letter.Facts {
	f := letter.Facts{
		Kind: kind, Lang: lang, To: mailTo, ToName: "Anna Example", Item: 42,
		Domain: "example.com", SANs: []string{"www.example.com", "Mail.example.com", "example.com", "www.example.com"},
		Order:   "PositiveSSL 747253",
		Expires: cabforum.Date{Year: 2026, Month: 10, Day: 19}, PaidUntil: cabforum.Date{Year: 2031, Month: 4, Day: 2}, DaysLeft: 10,
		Method: cert.MethodDNS, Panel: "https://billing.hosting.example",
	}
	if kind != letter.KindExpires {
		f.Proofs = records()
	}
	if lang == "ru" {
		f.ToName = "Анна Константиновна Примерова-Длинная"
	}
	return f
}

func records() []cert.Proof {
	return []cert.Proof{
		{Domain: "example.com", Method: cert.MethodDNS, Host: "_0A1B2C.example.com", Record: "CNAME", Target: "d3adbeef.0a1b2c.sectigo.example"},
		{Domain: "www.example.com", Method: cert.MethodDNS, Host: "_0A1B2C.example.com", Record: "CNAME", Target: "d3adbeef.0a1b2c.sectigo.example"},
		{Domain: "mail.example.com", Method: cert.MethodDNS, Host: "_0A1B2C.mail.example.com", Record: "CNAME", Target: "d3adbeef.0a1b2c.sectigo.example"},
	}
}

func files() []cert.Proof {
	return []cert.Proof{{
		Domain: "example.com", Method: cert.MethodFile, URL: "http://example.com/.well-known/pki-validation/0A1B2C.txt",
		Body: "3F9A0C\nsectigo.example\n0123456789",
	}, {
		Domain: "mail.example.com", Method: cert.MethodFile, URL: "http://mail.example.com/.well-known/pki-validation/0A1B2C.txt",
		Body: "3F9A0C\nsectigo.example\n0123456789",
	}}
}

func approvers() []cert.Proof {
	return []cert.Proof{
		{Domain: "example.com", Method: cert.MethodEmail, Email: "admin@example.com"},
		{Domain: "mail.example.com", Method: cert.MethodEmail, Email: "postmaster@mail.example.com"},
	}
}

// received is a message as its reader's program understands it; other code than what wrote it.
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

func compose(t testing.TB, p *letter.Post, f letter.Facts) received {
	m, err := p.Compose(f)
	require.NoError(t, err)
	return read(t, m.Bytes)
}

// golden compares with testdata/name.
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

// The whole message as the sendmail program gets it, byte for byte.
func TestLettersAreTheseMessages(t *testing.T) {
	for _, kind := range []letter.Kind{letter.KindExpires, letter.KindProve, letter.KindWaiting} {
		for _, lang := range []string{"en", "ru", "es"} {
			name := string(kind) + "." + lang
			t.Run(name, func(t *testing.T) {
				program := fakeSendmail(t, "exit 0")
				p := post(t)
				p.Sendmail = []string{program.path}
				require.NoError(t, p.Send(t.Context(), facts(kind, lang)))
				golden(t, name+".eml", program.stdin(t))
			})
		}
	}
}

// What the client reads.
func TestLettersSayThis(t *testing.T) {
	cases := map[string]func(*letter.Facts){
		"expires": func(f *letter.Facts) { f.Kind = letter.KindExpires },
		"expires-ended": func(f *letter.Facts) {
			f.Kind, f.DaysLeft = letter.KindExpires, -3
		},
		"expires-little-known": func(f *letter.Facts) {
			*f = letter.Facts{Kind: letter.KindExpires, Lang: f.Lang, To: f.To, Item: 42, Domain: "example.com", Expires: f.Expires}
		},
		"prove":       func(f *letter.Facts) { f.Kind, f.Proofs = letter.KindProve, records() },
		"prove-file":  func(f *letter.Facts) { f.Kind, f.Method, f.Proofs = letter.KindProve, cert.MethodFile, files() },
		"prove-email": func(f *letter.Facts) { f.Kind, f.Method, f.Proofs = letter.KindProve, cert.MethodEmail, approvers() },
		"prove-little-known": func(f *letter.Facts) {
			*f = letter.Facts{Kind: letter.KindProve, Lang: f.Lang, To: f.To, Item: 42, Domain: "example.com", Method: cert.MethodEmail}
		},
		"waiting":              func(f *letter.Facts) { f.Kind, f.DaysLeft, f.Proofs = letter.KindWaiting, 6, records() },
		"waiting-ended":        func(f *letter.Facts) { f.Kind, f.DaysLeft, f.Proofs = letter.KindWaiting, -1, records() },
		"waiting-file":         func(f *letter.Facts) { f.Kind, f.Method, f.Proofs = letter.KindWaiting, cert.MethodFile, files() },
		"waiting-email":        func(f *letter.Facts) { f.Kind, f.Method, f.Proofs = letter.KindWaiting, cert.MethodEmail, approvers() },
		"waiting-little-known": func(f *letter.Facts) { f.Kind, f.Proofs = letter.KindWaiting, nil },
	}
	for name, change := range cases {
		for _, lang := range []string{"en", "ru", "es"} {
			t.Run(name+"."+lang, func(t *testing.T) {
				f := facts(letter.KindExpires, lang)
				change(&f)
				got := compose(t, post(t), f)
				golden(t, name+"."+lang+".txt", "Subject: "+got.subject+"\n\n"+got.body)
			})
		}
	}
}

// First which certificate, then its dates, then what to do: of many a mail of this kind its reader cannot tell the
// certificate.
func TestLettersBeginWithTheCertificate(t *testing.T) {
	for _, kind := range []letter.Kind{letter.KindExpires, letter.KindProve, letter.KindWaiting} {
		for lang, todo := range map[string]string{"en": "What you need to do", "ru": "Что нужно сделать", "es": "Qué debe hacer"} {
			got := compose(t, post(t), facts(kind, lang))
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

func TestValuesStandOnLinesOfTheirOwn(t *testing.T) {
	for _, lang := range []string{"en", "ru", "es"} {
		f := facts(letter.KindProve, lang)
		lines := strings.Split(compose(t, post(t), f).body, "\n")
		var values []string
		for _, line := range lines {
			if _, value, found := strings.Cut(line, ":  "); found {
				values = append(values, strings.TrimSpace(value))
			}
		}
		assert.Subset(t, values, []string{"_0A1B2C.example.com", "CNAME", "d3adbeef.0a1b2c.sectigo.example", "_0A1B2C.mail.example.com"}, lang)

		f.Proofs = files()
		lines = strings.Split(compose(t, post(t), f).body, "\n")
		assert.Subset(t, lines, []string{"http://example.com/.well-known/pki-validation/0A1B2C.txt", "3F9A0C", "sectigo.example", "0123456789"},
			"%s: a file's content has no blanks in front, it is copied as it stands", lang)
	}
}

func TestNamesThatShareARecordAreToldItOnce(t *testing.T) {
	got := compose(t, post(t), facts(letter.KindProve, "en"))
	assert.Equal(t, 1, strings.Count(got.body, "Name:   _0A1B2C.example.com\n"))
}

// What the sweep knows of an item that waits is the text stored on it (contract 1): it says the same as the seller's
// own answer.
func TestStoredProofsAreToldLikeFreshOnes(t *testing.T) {
	for name, c := range map[string]struct {
		method cert.Method
		proofs []cert.Proof
		text   string
	}{
		"DNS":            {cert.MethodDNS, records(), cert.ProofText(records())},
		"file":           {cert.MethodFile, files(), cert.ProofText(files())},
		"file, \\r\\n":   {cert.MethodFile, files(), strings.ReplaceAll(cert.ProofText(files()), "\n", "\r\n")},
		"e-mail":         {cert.MethodEmail, []cert.Proof{{Email: "a@example.com"}, {Email: "b@example.com"}}, "a@example.com, b@example.com"},
		"TXT with blank": {cert.MethodDNS, []cert.Proof{{Method: cert.MethodDNS, Host: "example.com", Record: "TXT", Target: "one two"}}, "example.com TXT one two"},
		"not in form":    {cert.MethodDNS, []cert.Proof{{Method: cert.MethodDNS, Target: "ask us"}}, "ask us\n"},
		"only content":   {cert.MethodFile, []cert.Proof{{Method: cert.MethodFile, Body: "one\ntwo"}}, "\none\ntwo"},
		"nothing":        {cert.MethodDNS, nil, " \n"},
	} {
		t.Run(name, func(t *testing.T) {
			fresh, stored := facts(letter.KindWaiting, "en"), facts(letter.KindWaiting, "en")
			fresh.Method, fresh.Proofs = c.method, c.proofs
			stored.Method, stored.Proofs, stored.ProofText = c.method, nil, c.text
			assert.Equal(t, compose(t, post(t), fresh).body, compose(t, post(t), stored).body)
			for _, p := range c.proofs {
				assert.Contains(t, compose(t, post(t), stored).body, p.Target+p.URL+p.Email)
			}
		})
	}
}

func TestHeaderIsThis(t *testing.T) {
	m, err := post(t).Compose(facts(letter.KindProve, "es-MX"))
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

func TestEachLetterHasItsOwnMessageID(t *testing.T) {
	p := post(t)
	one, two := compose(t, p, facts(letter.KindProve, "en")), compose(t, p, facts(letter.KindProve, "en"))
	assert.NotEqual(t, one.header.Get("Message-Id"), two.header.Get("Message-Id"))

	p.Rand = bytes.NewReader(nil)
	_, err := p.Compose(facts(letter.KindProve, "en"))
	assert.ErrorIs(t, err, io.EOF, "no Message-ID without randomness")
}

// A client who ordered пример.рф does not know xn--e1afmkfd.xn--p1ai, and DNS zones know nothing else.
func TestInternationalisedNamesAreShownInBothForms(t *testing.T) {
	f := facts(letter.KindExpires, "ru")
	f.Domain, f.SANs = "xn--e1afmkfd.xn--p1ai", []string{"*.xn--e1afmkfd.xn--p1ai", "xn--zzzzzz.example", "plain.example"}
	got := compose(t, post(t), f)
	assert.Contains(t, got.subject, "пример.рф (xn--e1afmkfd.xn--p1ai)")
	assert.Contains(t, got.body, " пример.рф (xn--e1afmkfd.xn--p1ai)\n")
	assert.Contains(t, got.body, " *.пример.рф (*.xn--e1afmkfd.xn--p1ai)\n")
	assert.Contains(t, got.body, " xn--zzzzzz.example\n", "what is not a valid A-label stays as it is")
	assert.Contains(t, got.body, " plain.example\n")
}

func TestLettersThatNobodyCouldUnderstandAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change       func(*letter.Facts)
		kind, object string
	}{
		"no domain":           {func(f *letter.Facts) { f.Domain = " \x00\n" }, cert.FaultMissed, "domain"},
		"no such letter":      {func(f *letter.Facts) { f.Kind = "../etc/passwd" }, cert.FaultInternal, "mail"},
		"no letter":           {func(f *letter.Facts) { f.Kind = "" }, cert.FaultInternal, "mail"},
		"expires, but when":   {func(f *letter.Facts) { f.Expires = cabforum.Date{} }, cert.FaultMissed, "certificate_expiredate"},
		"nobody to write to":  {func(f *letter.Facts) { f.To = " " }, cert.FaultMissed, "email"},
		"not to be delivered": {func(f *letter.Facts) { f.To = "anna" }, cert.FaultValue, "email"},
	} {
		t.Run(name, func(t *testing.T) {
			f := facts(letter.KindExpires, "en")
			c.change(&f)
			err := post(t).Send(t.Context(), f)
			fault := cert.FaultOf(err)
			require.NotNil(t, fault)
			assert.Equal(t, c.kind, fault.Type)
			assert.Equal(t, c.object, fault.Object)
			assert.False(t, fault.Retry)
		})
	}
}
