package notify_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/notify"
)

// edited returns a Mailer with the given templates of an administrator.
func edited(t testing.TB, templates map[string]string) *notify.Mailer {
	p := sendMail(t)
	p.TemplateDir = t.TempDir()
	for name, text := range templates {
		require.NoError(t, os.WriteFile(filepath.Join(p.TemplateDir, name), []byte(text), 0o644))
	}
	return p
}

func TestLanguageFallsBackToItsBaseAndThenToEnglish(t *testing.T) {
	for lang, want := range map[string]string{
		"en": "en", "ru": "ru", "es": "es", "RU": "ru", "ru-RU": "ru", "ru_RU.UTF-8": "ru", "es-419": "es", " ru ": "ru",
		"": "en", "de": "en", "de-AT": "en", "-": "en", "r": "en", "russian": "en", "../en": "en", "ru/../es": "en", "ru\x00": "en", "ру": "en",
		"ru-" + strings.Repeat("x", 1<<16): "ru", "ru-../../x": "ru",
	} {
		m, err := sendMail(t).Compose(noticeData(notify.KindProve, lang))
		require.NoError(t, err)
		assert.Equal(t, want, m.Lang, "%.40q", lang)
	}
}

func TestTheAdministratorsTemplateIsUsed(t *testing.T) {
	p := edited(t, map[string]string{
		"prove.en.txt":    "Subject: {{.Domain}}, our way\n\nDear {{.Client}}\n",
		"prove.de.txt":    "\uFEFFSubject: {{.Domain}} bestätigen\r\n\r\nHallo \t{{.Client}} \r\n\r\n",
		"prove.pt-br.txt": "Subject: {{.Domain}} no Brasil\n\nOlá\n",
		"prove.pt.txt":    "Subject: {{.Domain}} em Portugal\n\nOlá\n",
	})
	for lang, want := range map[string][3]string{
		"en":    {"en", "example.com, our way", "Dear Anna Example\n"},
		"de":    {"de", "example.com bestätigen", "Hallo     Anna Example\n"},
		"pt-BR": {"pt-br", "example.com no Brasil", "Olá\n"},
		"pt_PT": {"pt", "example.com em Portugal", "Olá\n"},
		"fr":    {"en", "example.com, our way", "Dear Anna Example\n"},
		"es":    {"es", "Confirme el control del dominio example.com para el nuevo certificado SSL", ""},
	} {
		m, err := p.Compose(noticeData(notify.KindProve, lang))
		require.NoError(t, err)
		got := requireValid(t, m)
		assert.Equal(t, want[:2], []string{m.Lang, got.subject}, lang)
		if want[2] != "" {
			assert.Equal(t, want[2], got.body, lang)
		}
	}
	assert.Empty(t, p.Log.Tail(10), "no warning")
}

func TestAnUneditedTemplateOfAnEarlierVersionIsNotUsed(t *testing.T) {
	const old, other = "Subject: old {{.Domain}}\n\nold\n", "Subject: {{.Domain}} of ours\n\nours\n"
	line := func(name, text string) string { return fmt.Sprintf("%x  %s\n", sha256.Sum256([]byte(text)), name) }
	for name, c := range map[string]struct {
		file, text, list, lang string
		subject                string
	}{
		"installed by an earlier version": {"prove.en.txt", old, line("prove.en.txt", old), "en", "Confirm control of the domain example.com for the new SSL certificate"},
		"saved with other ends of lines":  {"prove.en.txt", "\uFEFF" + strings.ReplaceAll(old, "\n", "\r\n"), line("prove.en.txt", old), "en", "Confirm control of the domain example.com for the new SSL certificate"},
		"edited":                          {"prove.en.txt", other, line("prove.en.txt", old), "en", "example.com of ours"},
		"a word more":                     {"prove.en.txt", old + "x\n", line("prove.en.txt", old), "en", "old example.com"},
		"the text of another kind":        {"prove.en.txt", old, line("expires.en.txt", old), "en", "old example.com"},
		"in another language":             {"prove.de.txt", old, line("prove.en.txt", old), "de", "old example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			p := edited(t, map[string]string{c.file: c.text})
			p.SetShipped("# a comment\n" + c.list)
			m, err := p.Compose(noticeData(notify.KindProve, c.lang))
			require.NoError(t, err)
			assert.Equal(t, c.subject, m.Subject)
			assert.Empty(t, p.Log.Tail(10), "no warning")
		})
	}
}

// A later version recognises the copies of this one by their sums.
func TestEveryTemplateHasItsSumInTheList(t *testing.T) {
	list, err := os.ReadFile("templates/shipped.sha256")
	require.NoError(t, err)
	files, err := filepath.Glob("templates/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Contains(t, string(list), fmt.Sprintf("\n%x  %s\n", sha256.Sum256(text), filepath.Base(file)), "sha256sum internal/notify/%s >> internal/notify/templates/shipped.sha256", file)
	}
	for line := range strings.Lines(string(list)) {
		if !strings.HasPrefix(line, "#") {
			assert.Regexp(t, `^[0-9a-f]{64}  [a-z]+\.[a-z]{2}\.txt\n$`, line)
		}
	}
}

// The client is notified with the built-in template, and the log names the file and line with the error.
func TestABrokenTemplateIsLoggedAndTheBuiltInOneUsed(t *testing.T) {
	for name, c := range map[string]struct{ text, says string }{
		"unclosed":               {"Subject: x\n\nDear\n{{if .Client}}\n", "prove.en.txt:5: unexpected EOF"},
		"unknown word":           {"Subject: x\n\nDear\n\n{{.Client}} {{frobnicate}}\n", `prove.en.txt:5: function "frobnicate" not defined`},
		"unknown field":          {"Subject: x\n\nDear {{.Password}}\n", "prove.en.txt:3:7: executing"},
		"wrong use":              {"Subject: x\n\nDear\n{{range .Item}}{{.Domain}}{{end}}\n", "prove.en.txt:4:17: executing"},
		"no subject":             {"Dear {{.Client}}\n\nhello\n", "prove.en.txt:1: the first line is not `Subject: …`"},
		"empty subject":          {"Subject: {{with .Nothing}}{{end}}\n\nhello\n", "prove.en.txt:1:16: executing"},
		"subject without text":   {"Subject:  \n\nhello\n", "prove.en.txt:1: the first line is not `Subject: …`"},
		"subject of a bell":      {"Subject: \a\u202e\n\nhello\n", "prove.en.txt:1: the first line is not `Subject: …`"},
		"text of a bell":         {"Subject: x\n\n\a\n", "prove.en.txt:3: there is no text"},
		"no empty line":          {"Subject: x\nhello\n\nhello\n", "prove.en.txt:2: the line after the subject is not empty"},
		"no text":                {"Subject: x\n\n\n \n", "prove.en.txt:3: there is no text"},
		"empty":                  {"", "prove.en.txt:1: the first line"},
		"not UTF-8":              {"Subject: x\n\nna\xefve\n", "prove.en.txt:3: not text in UTF-8"},
		"too long":               {"Subject: x\n\n" + strings.Repeat("x", 64<<10), "prove.en.txt: longer than 65536 bytes"},
		"writes without end":     {"Subject: x\n\n{{range 1000000000}}\nmore text{{end}}", "the text is longer than 1048576 bytes"},
		"calls itself for ever":  {"Subject: x\n\n{{define \"a\"}}{{template \"a\"}}{{end}}{{template \"a\"}}", "exceeded maximum template depth"},
		"a subject of two lines": {"Subject: x{{\"\\n\"}}Bcc: a@b\n\nhello\n", "prove.en.txt:2: the line after the subject is not empty"},
	} {
		t.Run(name, func(t *testing.T) {
			p := edited(t, map[string]string{"prove.en.txt": c.text})
			m, err := p.Compose(noticeData(notify.KindProve, "en"))
			require.NoError(t, err)
			assert.Equal(t, "Confirm control of the domain example.com for the new SSL certificate", m.Subject)
			logged := strings.Join(p.Log.Tail(10), "\n")
			assert.Contains(t, logged, c.says)
			assert.Contains(t, logged, p.TemplateDir, "the log names the file")
			assert.Contains(t, logged, "WARNING")
		})
	}
}

func TestABrokenTemplateOfAnotherLanguageFallsBackToo(t *testing.T) {
	p := edited(t, map[string]string{"prove.de.txt": "{{", "prove.en.txt": "{{"})
	m, err := p.Compose(noticeData(notify.KindProve, "de"))
	require.NoError(t, err)
	assert.Equal(t, "Confirm control of the domain example.com for the new SSL certificate", m.Subject)
	assert.Len(t, p.Log.Tail(10), 2)
}

func TestOnlyRegularFilesAreTemplates(t *testing.T) {
	p := edited(t, nil)
	require.NoError(t, os.Mkdir(filepath.Join(p.TemplateDir, "prove.en.txt"), 0o755))
	require.NoError(t, syscall.Mkfifo(filepath.Join(p.TemplateDir, "prove.ru.txt"), 0o600))
	for _, lang := range []string{"en", "ru"} {
		m, err := p.Compose(noticeData(notify.KindProve, lang))
		require.NoError(t, err)
		assert.Equal(t, lang, m.Lang)
		assert.Contains(t, strings.Join(p.Log.Tail(10), "\n"), "prove."+lang+".txt: not a regular file")
	}
	p.TemplateDir = filepath.Join(p.TemplateDir, "missing")
	_, err := p.Compose(noticeData(notify.KindProve, "en"))
	assert.NoError(t, err, "no template file is required")
}

func TestDataIsNeverATemplate(t *testing.T) {
	f := noticeData(notify.KindProve, "en")
	f.ToName, f.Order = "{{.Item}}", "{{template \"x\"}}"
	got := compose(t, sendMail(t), f)
	assert.Contains(t, got.body, "Hello {{.Item}},")
	assert.Contains(t, got.body, `{{template "x"}}`)
}

// `make install` copies all built-in templates.
func TestEachKindHasEachLanguage(t *testing.T) {
	files, err := filepath.Glob("templates/*.txt")
	require.NoError(t, err)
	var want []string
	for _, kind := range []string{"expires", "install", "newkey", "prove", "revoked", "waiting"} {
		for _, lang := range []string{"en", "es", "ru"} {
			want = append(want, "templates/"+kind+"."+lang+".txt")
		}
	}
	assert.Equal(t, want, files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.True(t, utf8.Valid(text))
		assert.NotContains(t, string(text), "<", "%s: no HTML", file)
		assert.Empty(t, trailing(string(text)), "%s: blanks at ends of lines", file)

		p := sendMail(t)
		p.TemplateDir = "templates"
		kind, lang, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".txt"), ".")
		copied, builtin := compose(t, p, noticeData(notify.Kind(kind), lang)), compose(t, sendMail(t), noticeData(notify.Kind(kind), lang))
		assert.Equal(t, builtin.body, copied.body)
		assert.Equal(t, builtin.subject, copied.subject)
		assert.Empty(t, p.Log.Tail(10))
	}
}

func trailing(text string) (lines []string) {
	for line := range strings.SplitSeq(text, "\n") {
		if strings.TrimRight(line, " \t\r") != line {
			lines = append(lines, line)
		}
	}
	return lines
}

// templates/README.md describes exactly the fields that exist.
func TestTheReadmeNamesEachField(t *testing.T) {
	text, err := os.ReadFile("templates/README.md")
	require.NoError(t, err)
	var documented []string
	for line := range strings.Lines(string(text)) {
		if field, found := strings.CutPrefix(line, "| `."); found {
			name, _, _ := strings.Cut(field, "`")
			documented = append(documented, name)
		}
	}
	assert.Equal(t, fields(reflect.TypeOf(notify.TemplateData{})), documented)
	for _, inner := range []any{notify.Record{}, notify.File{}, notify.Approver{}, notify.ServedPlace{}, notify.NameObstacle{}} {
		for _, name := range fields(reflect.TypeOf(inner)) {
			assert.Contains(t, string(text), "`."+name+"`")
		}
	}
	for _, name := range documented {
		p := edited(t, map[string]string{"prove.en.txt": "Subject: x\n\nvalue: {{." + name + "}}\n"})
		m, err := p.Compose(noticeData(notify.KindProve, "en"))
		require.NoError(t, err)
		assert.Equal(t, "x", m.Subject, name)
	}
}

func fields(of reflect.Type) (names []string) {
	for i := range of.NumField() {
		names = append(names, of.Field(i).Name)
	}
	return names
}

// Whatever the administrator's template contains, the mail is valid.
func FuzzTemplates(f *testing.F) {
	f.Add("Subject: {{.Domain}}\n\nDear {{.Client}}\n{{range .Records}}{{.Value}}{{end}}\n")
	f.Add("Subject: a\nb\n")
	f.Add("Subject: {{\"\\r\\n\\u0085\"}}x\n\n\x1b[31m{{printf \"%c\" 7}}\n.\n")
	f.Add("\uFEFFSubject: {{with $x := .Item}}{{$x}}{{end}}\r\n\r\n{{/* c */ -}} \t y")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "range") && strings.ContainsAny(text, "0123456789") {
			t.Skip("a loop of an administrator's own may take as long as it wants")
		}
		p := edited(t, map[string]string{"prove.en.txt": text})
		m, err := p.Compose(noticeData(notify.KindProve, "en"))
		require.NoError(t, err)
		requireValid(t, m)
	})
}

// Labels and text of a mail are in the client's language, without English words.
func TestRussianAndSpanishTextsAreNotHalfEnglish(t *testing.T) {
	action := regexp.MustCompile(`(?s)\{\{.*?\}\}`)
	for _, kind := range []string{"expires", "install", "newkey", "prove", "revoked", "waiting"} {
		for lang, foreign := range map[string]*regexp.Regexp{
			"ru": regexp.MustCompile(`[A-Za-z]+`),
			"es": regexp.MustCompile(`(?i)\b(orden|order|certificate|until|the|periodo)\b`),
		} {
			raw, err := os.ReadFile("templates/" + kind + "." + lang + ".txt")
			require.NoError(t, err)
			text := action.ReplaceAllString(strings.TrimPrefix(string(raw), "Subject:"), "")
			for _, word := range foreign.FindAllString(text, -1) {
				assert.Contains(t, []string{"SSL", "DNS", "CAA", "CSR"}, word, "%s.%s", kind, lang)
			}
			order := noticeData(notify.Kind(kind), lang).Order
			assert.NotRegexp(t, `(?i)\border\b`, order, "the example has the form of the product: name and number")
		}
	}
}
