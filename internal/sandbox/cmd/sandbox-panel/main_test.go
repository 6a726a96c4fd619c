package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/engine"
	"pmssl/internal/sandbox/panel"
	_ "pmssl/internal/sandbox/panel/ctl" // mgrctl is built from it: a change of it must make these tests run again
)

// asProgram makes the test binary be sandbox-panel itself.
const asProgram = "SANDBOX_PANEL_TEST"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func program(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1", "MGR5_ROOT=/nonexistent")
	return cmd
}

// running starts sandbox-panel and returns its lines up to "ready" by their first word.
func running(t *testing.T, args ...string) (said map[string]string, stop func() error) {
	t.Helper()
	cmd := program(args...)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start())
	said = map[string]string{}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		said[name] = value
		if name == "ready" {
			break
		}
	}
	require.Contains(t, said, "ready")
	return said, func() error {
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		return cmd.Wait()
	}
}

func mgrctl(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sandbox-mgrctl")
	out, err := exec.Command("go", "build", "-o", path, "../mgrctl").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return path
}

func ask(t *testing.T, base, method, path string, body, into any) int {
	t.Helper()
	text, err := json.Marshal(body)
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), method, base+path, bytes.NewReader(text))
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	if into != nil {
		require.NoError(t, json.Unmarshal(answer, into), "%s", answer)
	}
	return res.StatusCode
}

// A whole order over the control interface. Nothing is left when the program ends.
func TestPanelAsAProgram(t *testing.T) {
	engines := map[string][]string{"embedded": nil}
	if _, _, ok := engine.FindMariaDB(); ok {
		engines["mariadb"] = []string{"--mariadb"}
	} else {
		t.Log("mariadbd is not installed: only the embedded engine is tested")
	}
	ctl := mgrctl(t)
	for name, more := range engines {
		t.Run(name, func(t *testing.T) {
			root := filepath.Join(t.TempDir(), "mgr5")
			said, stop := running(t, append([]string{"--root", root, "--mgrctl", ctl}, more...)...)
			assert.Equal(t, root, said["root"])
			assert.Equal(t, name, said["database"])
			assert.Equal(t, "localhost", said["DBHost"])
			assert.NotContains(t, said, "DBPassword")
			base := said["control"]

			require.Equal(t, 200, ask(t, base, "PUT", "/clock", map[string]string{"time": "2027-03-04T05:06:07Z"}, nil))
			module, err := filepath.Abs("../../panel/testdata/module.sh")
			require.NoError(t, err)
			require.Equal(t, 200, ask(t, base, "POST", "/install", map[string]string{"name": "pmfake.sh", "binary": module}, nil))
			var c panel.ConnectResult
			require.Equal(t, 200, ask(t, base, "POST", "/connect", map[string]any{
				"module": "pmfake.sh", "connection": panel.Connection{Params: map[string]string{"password": "right"}},
			}, &c))
			require.NotZero(t, c.ID)
			var tariff struct{ ID int64 }
			require.Equal(t, 200, ask(t, base, "POST", "/tariff",
				panel.Tariff{Name: "T", IntName: "fake_dv", Modules: []int64{c.ID}}, &tariff))
			csr, err := os.ReadFile("../../panel/testdata/example.csr")
			require.NoError(t, err)
			var o panel.OrderResult
			require.Equal(t, 200, ask(t, base, "POST", "/order",
				panel.Order{Tariff: tariff.ID, Period: 12, CSR: string(csr)}, &o))
			require.NotNil(t, o.Open)
			assert.True(t, o.Open.OK(), o.Open.Failure())
			assert.Contains(t, o.Open.Stderr, "root "+root+"\n", "MGR5_ROOT of the panel's own environment is not handed on")
			var i panel.Item
			require.Equal(t, 200, ask(t, base, "GET", "/item?id=1", nil, &i))
			assert.Equal(t, 2, i.Status)
			assert.Equal(t, "2027-03-04", i.OpenDate)

			assert.Equal(t, 404, ask(t, base, "GET", "/item?id=99", nil, nil))
			assert.Equal(t, 400, ask(t, base, "GET", "/item?id=x", nil, nil))
			assert.Equal(t, 400, ask(t, base, "POST", "/sync", map[string]int{"itme": 1}, nil))
			assert.Equal(t, 400, ask(t, base, "POST", "/sync", strings.Repeat("x", 5<<20), nil))

			require.NoError(t, stop())
			_, err = os.Stat(said["DBSocket"])
			assert.ErrorIs(t, err, os.ErrNotExist)
		})
	}
}

func TestForeignHostNameIsRefused(t *testing.T) {
	said, stop := running(t, "--root", filepath.Join(t.TempDir(), "mgr5"), "--mgrctl", "/bin/true")
	defer func() { require.NoError(t, stop()) }()
	req, err := http.NewRequestWithContext(t.Context(), "GET", said["control"]+"/tasks", nil)
	require.NoError(t, err)
	req.Host = "evil.example"
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	assert.Equal(t, http.StatusForbidden, res.StatusCode)
}

func TestBadOptionsAreRefusedBeforeTheRootIsCreated(t *testing.T) {
	root := filepath.Join(t.TempDir(), "mgr5")
	for name, args := range map[string][]string{
		"no root":        {},
		"not loopback":   {"--root", root, "--listen", "0.0.0.0:0"},
		"no mgrctl":      {"--root", root, "--mgrctl", "/nonexistent/mgrctl"},
		"two databases":  {"--root", root, "--dsn", "a:b@unix(/x)/pmssl_x", "--mariadb"},
		"no such server": {"--root", root, "--mgrctl", "/bin/true", "--dsn", "a:hunter2@unix(/nonexistent)/pmssl_x"},
		"nameless":       {"--root", root, "--mgrctl", "/bin/true", "--dsn", "a:hunter2@unix(/nonexistent)/"},
		"stray word":     {"--root", root, "stray"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := program(args...).CombinedOutput()
			assert.Error(t, err)
			assert.Contains(t, string(out), "sandbox-panel: ")
			assert.NotContains(t, string(out), "hunter2")
			assert.NoFileExists(t, filepath.Join(root, "etc", "billmgr.conf.d", "db.conf"))
		})
	}
}

func TestHelpDescribesEveryEndpoint(t *testing.T) {
	out, err := program("--help").CombinedOutput()
	require.NoError(t, err)
	for _, word := range []string{"--dsn", "--clock", "POST   /order", "PUT    /faults", "curl -X GET 'http://127.0.0.1:PORT/item?id=1'"} {
		assert.Contains(t, string(out), word)
	}
}
