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
	maxText     = 1 << 20  // bytes of what comes out of it
)

// lastLanguage is spoken where no template speaks the client's.
const lastLanguage = "en"

// builtin holds the texts that `make install` copies for administrators to edit. They are used unless a copy was edited.
//
//go:embed templates/*.txt
var builtin embed.FS

// text is a letter without its envelope.
type text struct {
	subject string
	body    string // lines end with \n
	lang    string // of the template
}

// write finds the template of the kind in the client's language and fills it in. For each language the
// administrator's file comes first, then the built-in one; a file that is there and of no use is logged with its line,
// and the next one is taken, so that the client is told all the same.
func (p *Mailer) write(kind Kind, lang string, w words) (text, error) {
	for _, tag := range languages(lang) {
		name := string(kind) + "." + tag + ".txt"
		for _, source := range p.sources(name) {
			written, err := source.write(w)
			switch {
			case err == nil:
				written.lang = tag
				return written, nil
			case !errors.Is(err, fs.ErrNotExist):
				p.Log.Warningf("a mail template is of no use, the next one is taken: %v", err)
			}
		}
	}
	return text{}, fmt.Errorf("no usable template of the kind %q", kind)
}

// languages returns the tags to look for: the client's own, its base, English. What is not made like a language tag
// (RFC 5646 2.1) is left out: it would become part of a file's name.
func languages(lang string) []string {
	tag, _, _ := strings.Cut(lang, ".") // ru_RU.UTF-8
	tag = strings.ToLower(strings.ReplaceAll(strings.TrimSpace(tag), "_", "-"))
	base, _, _ := strings.Cut(tag, "-")
	var tags []string
	if len(tag) <= maxTag && onlyOf(tag, notices+"0123456789-") {
		tags = append(tags, tag)
	}
	if onlyOf(base, notices) && (len(base) == 2 || len(base) == 3) {
		return slices.Compact(append(tags, base, lastLanguage))
	}
	return []string{lastLanguage}
}

const (
	notices = "abcdefghijklmnopqrstuvwxyz"
	maxTag  = 35 // RFC 5646 4.4.1
)

func onlyOf(text, characters string) bool { return strings.Trim(text, characters) == "" }

// source is a place where a template may be.
type source struct {
	name string // for errors: what an administrator can open
	read func() (string, error)
}

func (p *Mailer) sources(name string) []source {
	inside := source{"built-in " + name, func() (string, error) {
		content, err := builtin.ReadFile(path.Join("templates", name))
		return string(content), err
	}}
	if p.TemplateDir == "" {
		return []source{inside}
	}
	file := filepath.Join(p.TemplateDir, name)
	return []source{{file, func() (string, error) { return p.edited(file) }}, inside}
}

// edited reads the administrator's file. One that an earlier version installed and nobody edited counts as absent: the
// built-in text is the newer one (rules SWEEP-8).
func (p *Mailer) edited(file string) (string, error) {
	content, err := readTemplate(file)
	if err != nil {
		return "", err
	}
	list := shippedSums
	if p.shipped != "" {
		list = p.shipped
	}
	if isShipped(list, filepath.Base(file), content) {
		return "", fs.ErrNotExist
	}
	return content, nil
}

// readTemplate reads a file that an administrator may have edited on any system: a byte order mark and foreign ends of
// lines are taken away.
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

// write fills the template in. Its first line, the subject's, is part of it, so that text/template's errors count the
// lines of the file.
func (s source) write(w words) (text, error) {
	content, err := s.read()
	if err != nil {
		return text{}, err
	}
	parsed, err := template.New(s.name).Parse(content)
	if err != nil {
		return text{}, err
	}
	var out limited
	if err := parsed.Execute(&out, w); err != nil {
		if place := (template.ExecError{}); !errors.As(err, &place) {
			err = fmt.Errorf("%s: %w", s.name, err)
		}
		return text{}, err
	}
	return s.split(out.text.String())
}

// split parts the filled-in template into subject and body.
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

// tidy takes blanks from the ends of lines and control characters from the lines, and ends the text with one \n.
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

// errTextLength ends a template that writes without end.
var errTextLength = fmt.Errorf("the text is longer than %d bytes", maxText)

// limited takes no more than maxText bytes.
type limited struct{ text strings.Builder }

// Write implements io.Writer.
func (l *limited) Write(piece []byte) (int, error) {
	if l.text.Len()+len(piece) > maxText {
		return 0, errTextLength
	}
	return l.text.Write(piece)
}
