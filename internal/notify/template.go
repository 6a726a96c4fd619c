package notify

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"unicode/utf8"
)

const (
	maxTemplate = 64 << 10 // bytes of a template's file
	maxText     = 1 << 20  // bytes of the filled-in text
)

// lastLanguage is used if there is no template in the client's language.
const lastLanguage = "en"

// builtin has the templates and the page about their fields (WriteTemplates). They are used unless a copy was edited.
//
//go:embed templates/*.txt templates/README.md
var builtin embed.FS

// text is a filled-in template.
type text struct {
	subject string
	body    string // lines end with \n
	lang    string // of the template
}

// write fills in the template of the kind in the client's language. For each language the administrator's file comes first,
// then the built-in one. A file with an error is logged with its line and the next one is used, so that the client is
// notified all the same.
func (m *Mailer) write(kind Kind, lang string, data templateData) (text, error) {
	for _, tag := range languages(lang) {
		name := string(kind) + "." + tag + ".txt"
		for _, source := range m.sources(name) {
			written, err := source.write(data)
			switch {
			case err == nil:
				written.lang = tag
				return written, nil
			case !errors.Is(err, fs.ErrNotExist):
				m.Log.Warningf("a mail template cannot be used, the next one is taken: %v", err)
			}
		}
	}
	return text{}, fmt.Errorf("no usable template of the kind %q", kind)
}

// languages returns the language tags to try: the client's own, its base language, English. A value that does not have the
// form of a language tag (RFC 5646 2.1) is left out, because it would become part of a file's name.
func languages(lang string) []string {
	tag, _, _ := strings.Cut(lang, ".") // ru_RU.UTF-8
	tag = strings.ToLower(strings.ReplaceAll(strings.TrimSpace(tag), "_", "-"))
	base, _, _ := strings.Cut(tag, "-")
	var tags []string
	if len(tag) <= maxTag && onlyOf(tag, letters+"0123456789-") {
		tags = append(tags, tag)
	}
	if onlyOf(base, letters) && (len(base) == 2 || len(base) == 3) {
		return slices.Compact(append(tags, base, lastLanguage))
	}
	return []string{lastLanguage}
}

const (
	letters = "abcdefghijklmnopqrstuvwxyz"
	maxTag  = 35 // RFC 5646 4.4.1
)

func onlyOf(text, characters string) bool { return strings.Trim(text, characters) == "" }

// source is a file that may have a template, or a built-in one.
type source struct {
	name string // for errors: the path of the file, or "built-in" with its name
	read func() (string, error)
}

func (m *Mailer) sources(name string) []source {
	inside := source{"built-in " + name, func() (string, error) {
		content, err := builtin.ReadFile(path.Join("templates", name))
		return string(content), err
	}}
	if m.TemplateDir == "" {
		return []source{inside}
	}
	file := filepath.Join(m.TemplateDir, name)
	return []source{{file, func() (string, error) { return m.edited(file) }}, inside}
}

// edited returns the content of the administrator's file. A file that an earlier version installed and nobody edited counts
// as absent, because the built-in one is newer (rules SWEEP-8).
func (m *Mailer) edited(file string) (string, error) {
	content, err := readTemplate(file)
	if err != nil {
		return "", err
	}
	list := shippedSums
	if m.shipped != "" {
		list = m.shipped
	}
	if isShipped(list, filepath.Base(file), content) {
		return "", fs.ErrNotExist
	}
	return content, nil
}

// readTemplate returns the content of a template file without a byte order mark and with \n as line end, on whatever system
// it was edited.
func readTemplate(file string) (string, error) {
	info, err := os.Stat(file)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s: not a regular file", file)
	}
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxTemplate+1))
	switch {
	case err != nil:
		return "", err
	case len(content) > maxTemplate:
		return "", fmt.Errorf("%s: longer than %d bytes", file, maxTemplate)
	}
	plain := strings.ReplaceAll(strings.TrimPrefix(string(content), "\uFEFF"), "\r\n", "\n")
	for number, line := range strings.Split(plain, "\n") {
		if !utf8.ValidString(line) {
			return "", fmt.Errorf("%s:%d: not text in UTF-8", file, number+1)
		}
	}
	return plain, nil
}

// write fills in the template. The subject line is part of it, so that the errors of text/template have the line numbers of
// the file.
func (s source) write(data templateData) (text, error) {
	content, err := s.read()
	if err != nil {
		return text{}, err
	}
	parsed, err := template.New(s.name).Parse(content)
	if err != nil {
		return text{}, err
	}
	var out limited
	if err := parsed.Execute(&out, data); err != nil {
		if place := (template.ExecError{}); !errors.As(err, &place) {
			err = fmt.Errorf("%s: %w", s.name, err)
		}
		return text{}, err
	}
	return s.split(out.text.String())
}

// split splits the filled-in template into subject and body.
func (s source) split(filled string) (text, error) {
	first, rest, _ := strings.Cut(filled, "\n")
	empty, body, _ := strings.Cut(rest, "\n")
	subject, found := strings.CutPrefix(first, "Subject:")
	written := text{subject: headerText(subject, maxSubject), body: tidy(body)}
	switch {
	case !found || written.subject == "":
		return text{}, fmt.Errorf("%s:1: the first line is not `Subject: …` with a text", s.name)
	case strings.TrimSpace(empty) != "":
		return text{}, fmt.Errorf("%s:2: the line after the subject is not empty", s.name)
	case strings.TrimSpace(written.body) == "":
		return text{}, fmt.Errorf("%s:3: there is no text after the subject", s.name)
	}
	return written, nil
}

// tidy returns the text without control characters and without blanks at the ends of lines, with one \n at its end.
func tidy(body string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(strings.Trim(body, "\n"), "\n") {
		line = strings.Map(func(r rune) rune {
			if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
				return -1
			}
			return r
		}, strings.ReplaceAll(line, "\t", "    "))
		b.WriteString(strings.TrimRight(line, " "))
		b.WriteByte('\n')
	}
	return b.String()
}

// errTextLength ends the execution of a template that writes too much.
var errTextLength = fmt.Errorf("the text is longer than %d bytes", maxText)

// limited is a writer that accepts at most maxText bytes.
type limited struct{ text strings.Builder }

// Write implements io.Writer.
func (l *limited) Write(piece []byte) (int, error) {
	if l.text.Len()+len(piece) > maxText {
		return 0, errTextLength
	}
	return l.text.Write(piece)
}
