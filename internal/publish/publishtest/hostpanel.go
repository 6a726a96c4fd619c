package publishtest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// BuildHostPanel builds the stand-in for a hosting server with ISPmanager or DNSmanager (internal/sandbox/hostpanel) into a folder and
// returns its path. It is a program of its own, because the product and the stand-ins import nothing of each other.
func BuildHostPanel(folder string) (string, error) {
	path := filepath.Join(folder, "sandbox-hostpanel")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", path, "./cmd/sandbox-hostpanel")
	build.Dir = filepath.Join(root(), "internal", "sandbox")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the stand-in: %w: %s", err, out)
	}
	return path, nil
}

// HostPanel is a running stand-in.
type HostPanel struct {
	API            string // https URL of ISPmanager
	DNS            string // host:port
	Sites          string // host:port of the sites' TLS
	Pin            string // of the panel's certificate
	User, Password string
	Root           string // folder whose sbin/mgrctl is the panel's

	control string
}

// StartHostPanel runs the program for the test's duration.
func StartHostPanel(t testing.TB, program string) *HostPanel {
	t.Helper()
	process := exec.Command(program)
	var complaints bytes.Buffer
	process.Stderr = &complaints
	out, err := process.StdoutPipe()
	if err == nil {
		err = process.Start()
	}
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = process.Process.Kill()
		_ = process.Wait()
	})
	p := &HostPanel{}
	lines := bufio.NewScanner(out)
	for p.User == "" && lines.Scan() {
		p.read(lines.Text())
	}
	if p.User == "" {
		_ = process.Wait()
	}
	require.NotEmpty(t, p.User, "the stand-in panel did not start: %s", &complaints)
	p.install(t, program)
	return p
}

func (p *HostPanel) read(line string) {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "api":
		p.API = rest
	case "dns":
		p.DNS = rest
	case "sites":
		p.Sites = rest
	case "pin":
		p.Pin = rest
	case "control":
		p.control = rest
	case "account":
		user, password, _ := strings.Cut(rest, " ")
		p.User, p.Password = strings.TrimPrefix(user, "user="), strings.TrimPrefix(password, "password=")
	}
}

// install makes the folder whose sbin/mgrctl leads to the panel.
func (p *HostPanel) install(t testing.TB, program string) {
	t.Helper()
	p.Root = t.TempDir()
	for _, folder := range []string{"sbin", "etc"} {
		require.NoError(t, os.Mkdir(filepath.Join(p.Root, folder), 0o755))
	}
	require.NoError(t, os.Symlink(program, filepath.Join(p.Root, "sbin", "mgrctl")))
	require.NoError(t, os.WriteFile(filepath.Join(p.Root, "etc", "sandbox-hostpanel"), []byte(p.control+"\n"), 0o600))
}

// Control sends a request to the panel's control address. The body is sent as JSON unless it is nil; the answer is read into to unless
// that is nil.
func (p *HostPanel) Control(t testing.TB, method, path string, body, to any) {
	t.Helper()
	content, err := json.Marshal(body)
	require.NoError(t, err)
	if body == nil {
		content = nil
	}
	request, err := http.NewRequestWithContext(t.Context(), method, p.control+path, bytes.NewReader(content))
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, answer.StatusCode, "%s %s: %s", method, path, text)
	if to != nil {
		require.NoError(t, json.Unmarshal(text, to))
	}
}
