package notify_test

import (
	"bufio"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/notify"
)

func TestEditedTemplatesAreFilledIn(t *testing.T) {
	p := edited(t, map[string]string{
		"prove.en.txt":   "Subject: {{.Domain}}\n\nText {{range .Records}}{{.Name}}{{end}}\n",
		"prove.de.txt":   "Subject: {{.Domain}}\n\nText {{range .Files}}{{.Nothing}}{{end}}\n",
		"expires.xx.txt": "no subject\n",
		"proof.en.txt":   "Subject: x\n\nx\n",
		"notes.md":       "not a template",
	})
	used, problems := p.CheckTemplates()
	assert.Equal(t, 3, used)
	require.Len(t, problems, 3)
	assert.ErrorContains(t, problems[0], "expires.xx.txt")
	assert.ErrorContains(t, problems[1], "proof.en.txt: no mail has this name")
	assert.ErrorContains(t, problems[2], "prove.de.txt:3")
}

// Those that nobody edited are not used, and each built-in text can be filled in with every sample.
func TestBuiltInTemplatesAreFilledIn(t *testing.T) {
	files, err := filepath.Glob("templates/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	all := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		all[filepath.Base(file)] = string(text) + "edited\n"
	}
	used, problems := edited(t, all).CheckTemplates()
	assert.Equal(t, len(files), used)
	assert.Empty(t, problems)
	used, problems = (&notify.Mailer{TemplateDir: "templates"}).CheckTemplates()
	assert.Zero(t, used)
	assert.Empty(t, problems)
	used, problems = (&notify.Mailer{TemplateDir: filepath.Join(t.TempDir(), "none")}).CheckTemplates()
	assert.Zero(t, used)
	assert.Empty(t, problems)
}

func TestTheTransportIsFoundWithoutAMail(t *testing.T) {
	p := sendMail(t)
	p.Program = filepath.Join(t.TempDir(), "sendmail")
	_, err := p.Transport(t.Context())
	require.ErrorContains(t, err, "cannot be started")
	require.NoError(t, os.WriteFile(p.Program, []byte("#!/bin/sh\n"), 0o600))
	_, err = p.Transport(t.Context())
	require.ErrorContains(t, err, "not an executable file")
	require.NoError(t, os.Chmod(p.Program, 0o700))
	via, err := p.Transport(t.Context())
	require.NoError(t, err)
	assert.Equal(t, p.Program, via)

	server, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p.Program, p.Sendmail, p.SMTPAddr = "", []string{}, server.Addr().String()
	require.NoError(t, server.Close())
	_, err = p.Transport(t.Context())
	require.ErrorContains(t, err, "no mail transfer agent")
}

// A port that accepts connections is no mail server yet.
func TestAMailServerIsKnownByItsGreeting(t *testing.T) {
	for _, row := range []struct {
		name, greeting string
		wants          []string // of the error; none if it is a mail server
	}{
		{name: "a mail server", greeting: "220 mail.example ESMTP"},
		{name: "a long greeting", greeting: "220-mail.example\r\n220-no spam\r\n220 ESMTP"},
		{name: "no service", greeting: "554 no SMTP service here", wants: []string{"no mail server that accepts mails", "554 no SMTP service here"}},
		{name: "POP3", greeting: "+OK POP3 ready", wants: []string{"no mail server that accepts mails", "+OK POP3 ready"}},
		{name: "control characters", greeting: "\x1b[31mHTTP/1.1 400", wants: []string{"no mail server"}},
		{name: "it closes", greeting: "close", wants: []string{"no mail server", "closed the connection"}},
		{name: "it says nothing", greeting: "hang", wants: []string{"no mail server", "it says nothing"}},
		{name: "it talks without end", greeting: strings.Repeat("220-x\r\n", 20000) + "220 end", wants: []string{"no mail server", "more than"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			server := serve(t, map[string]string{"": row.greeting})
			p := sendMail(t)
			p.Sendmail, p.SMTPAddr, p.Timeout = []string{}, server.address, time.Minute
			if row.greeting == "hang" {
				p.Timeout = 50 * time.Millisecond
			}
			via, err := p.Transport(t.Context())
			if row.wants == nil {
				require.NoError(t, err)
				assert.Equal(t, server.address, via)
				assert.Equal(t, conversation{commands: []string{"QUIT"}}, <-server.heard, "no mail is sent")
				return
			}
			for _, want := range row.wants {
				require.ErrorContains(t, err, want)
			}
			assert.NotContains(t, err.Error(), "\x1b")
		})
	}
}

func TestATestMailSaysWhatSentIt(t *testing.T) {
	p := sendMail(t)
	kept := filepath.Join(t.TempDir(), "mail")
	p.Program = filepath.Join(filepath.Dir(kept), "sendmail")
	require.NoError(t, os.WriteFile(p.Program, []byte("#!/bin/sh\ncat >"+kept+"\n"), 0o700))
	require.NoError(t, p.Test(t.Context(), "Admin <admin@example.com>", "pmnamecheap"))
	file, err := os.Open(kept)
	require.NoError(t, err)
	defer file.Close()
	headers := map[string]bool{}
	for lines := bufio.NewScanner(file); lines.Scan() && lines.Text() != ""; {
		headers[lines.Text()] = true
	}
	assert.True(t, headers[`To: "Admin" <admin@example.com>`], "%v", headers)
	assert.True(t, headers["Subject: Test of the mails of pmnamecheap"], "%v", headers)
	require.ErrorContains(t, p.Test(t.Context(), "a@b, c@d", "x"), "is not usable")
}
