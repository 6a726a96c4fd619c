package provider

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Letter is a mail that a module has handed in.
type Letter struct {
	To, Subject string
	Date        time.Time
	Text        string
}

// sendmail is the stand-in for the server's sendmail: it keeps mails instead of sending them. A mail gets its name when it is complete.
const sendmail = `#!/bin/sh
set -eu
new=$(mktemp %[1]s/.new-XXXXXXXX)
cat >"$new"
mv "$new" "%[1]s/${new##*/.new-}"
`

// outbox is the folder in which sendmail keeps the mails.
type outbox struct{ dir, program string }

// installSendmail installs the stand-in below a folder.
func installSendmail(dir string) (*outbox, error) {
	o := &outbox{dir: filepath.Join(dir, "outbox"), program: filepath.Join(dir, "bin", "sendmail")}
	return o, errors.Join(
		os.Mkdir(o.dir, 0o700),
		os.Mkdir(filepath.Dir(o.program), 0o700),
		os.WriteFile(o.program, fmt.Appendf(nil, sendmail, o.dir), 0o700),
	)
}

// Letters returns the mails that were handed in, oldest first. It is safe for concurrent use.
func (p *Provider) Letters() ([]Letter, error) {
	entries, err := os.ReadDir(p.outbox.dir)
	if err != nil {
		return nil, err
	}
	type kept struct {
		letter Letter
		handed time.Time // in real time: many mails have the same simulated one
	}
	var all []kept
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		letter, err := readLetter(filepath.Join(p.outbox.dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("mail %s: %w", e.Name(), err)
		}
		all = append(all, kept{letter, info.ModTime()})
	}
	slices.SortStableFunc(all, func(a, b kept) int { return a.handed.Compare(b.handed) })
	letters := make([]Letter, len(all))
	for i, k := range all {
		letters[i] = k.letter
	}
	return letters, nil
}

func readLetter(file string) (Letter, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return Letter{}, err
	}
	message, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return Letter{}, err
	}
	l := Letter{To: message.Header.Get("To")}
	if l.Subject, err = new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject")); err != nil {
		return Letter{}, err
	}
	if l.Date, err = message.Header.Date(); err != nil {
		return Letter{}, err
	}
	body, err := io.ReadAll(quotedprintable.NewReader(message.Body))
	l.Text = strings.ReplaceAll(string(body), "\r", "")
	return l, err
}
