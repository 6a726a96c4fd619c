package notify_test

import (
	"bufio"
	"net"
	"os"
	"path/filepath"
	"testing"

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
	via, err = p.Transport(t.Context())
	require.NoError(t, err)
	assert.Equal(t, p.SMTPAddr, via)
	require.NoError(t, server.Close())
	_, err = p.Transport(t.Context())
	require.ErrorContains(t, err, "no mail transfer agent")
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
