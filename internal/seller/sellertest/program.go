package sellertest

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
	"time"

	"github.com/stretchr/testify/require"
)

// Program is a stand-in of internal/sandbox. It runs as a process, because the product and the stand-ins must not
// import each other: each implements the seller's documentation independently.
type Program struct {
	// Name is the command below internal/sandbox/cmd, Args are its options besides the clock's.
	Name string
	Args []string
	// Connection returns the connection parameters for the addresses that the program prints when it starts.
	Connection func(Addresses) map[string]string
	// AddressVariable is the environment variable with the API's address; empty if a connection parameter has it.
	AddressVariable string
	// Requests are the stand-in's names of the requests.
	Requests map[Request]Command
	// Refusal is the fault by which the stand-in refuses a request in the seller's own document.
	Refusal map[string]any
	// Secret is the name of the connection parameter that holds the secret.
	Secret string
}

// Command is a request under the names of the stand-in's control address.
type Command struct {
	Name    string // of a fault
	Counter string // of its counter, empty if it is Name
	Submit  bool   // a form that is submitted, not one that is read
}

// Addresses is what a stand-in prints when it starts.
type Addresses struct {
	API     string
	Account map[string]string // user, key or password
	control string
}

// Build compiles the program into a directory of the test and returns the function for Subject.Open.
func (p Program) Build(t *testing.T) func(t *testing.T) StandIn {
	t.Helper()
	path := filepath.Join(t.TempDir(), p.Name)
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", path, "./cmd/"+p.Name)
	build.Dir = sandboxFolder(t)
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return func(t *testing.T) StandIn { return p.start(t, path) }
}

// sandboxFolder returns the module of the stand-ins, found above the test's directory.
func sandboxFolder(t *testing.T) string {
	t.Helper()
	at, err := os.Getwd()
	require.NoError(t, err)
	for {
		dir := filepath.Join(at, "internal", "sandbox")
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		require.NotEqual(t, filepath.Dir(at), at, "there is no internal/sandbox above the folder of the test")
		at = filepath.Dir(at)
	}
}

// running is a started program.
type running struct {
	t       *testing.T
	program Program
	at      Addresses
}

func (p Program) start(t *testing.T, path string) StandIn {
	t.Helper()
	clock := filepath.Join(t.TempDir(), "clock")
	require.NoError(t, os.WriteFile(clock, []byte(Start().Format(time.RFC3339)+"\n"), 0o600))
	process := exec.Command(path, append([]string{"--clock", clock}, p.Args...)...)
	var stderr bytes.Buffer
	process.Stderr = &stderr
	out, err := process.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, process.Start())
	t.Cleanup(func() {
		_ = process.Process.Kill()
		_ = process.Wait()
	})
	r := &running{t: t, program: p}
	r.read(out)
	require.NotEmpty(t, r.at.control, "%s did not start: %s", p.Name, &stderr)
	return r
}

// read reads the three lines that the program prints first.
func (r *running) read(out io.Reader) {
	r.at.Account = map[string]string{}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		switch word {
		case "api":
			r.at.API = rest
		case "control":
			r.at.control = rest
		case "account":
			for _, pair := range strings.Fields(rest) {
				name, value, _ := strings.Cut(pair, "=")
				r.at.Account[name] = value
			}
			return
		}
	}
}

func (r *running) Params() map[string]string { return r.program.Connection(r.at) }

func (r *running) Getenv(name string) (string, bool) {
	return r.at.API, name == r.program.AddressVariable && name != ""
}

func (r *running) Secrets() []string { return []string{r.Params()[r.program.Secret]} }

func (r *running) Fail(request Request, how Failure) {
	r.t.Helper()
	command, known := r.program.Requests[request]
	require.True(r.t, known, "the stand-in has no request %s", request)
	broken := map[string]any{"command": command.Name, "times": 1}
	if command.Submit {
		broken["submit"] = true
	}
	switch how {
	case NotCarriedOut:
		broken["kind"] = "drop_before"
	case AnswerLost:
		broken["kind"] = "drop_after"
	case CarriedOutLater:
		broken["kind"] = "vanish"
	case GatewayError, GatewayErrorToo:
		broken["kind"], broken["commit"] = "http502", how.carriedOut()
	case Page, PageToo:
		broken["kind"], broken["commit"] = "html", how.carriedOut()
	case Truncated:
		broken["kind"] = "truncate"
	case Refused:
		for name, value := range r.program.Refusal {
			broken[name] = value
		}
	}
	r.control("POST", "/faults", broken, nil)
}

func (r *running) CarryOut() { r.control("POST", "/appear", nil, nil) }

func (r *running) Count(request Request) int {
	r.t.Helper()
	command, known := r.program.Requests[request]
	require.True(r.t, known, "the stand-in has no request %s", request)
	name := command.Counter
	if name == "" {
		name = command.Name
	}
	counters := map[string]int{}
	r.control("GET", "/counters", nil, &counters)
	return counters[name]
}

func (r *running) Payments() int {
	r.t.Helper()
	var charges []json.RawMessage
	r.control("GET", "/charges", nil, &charges)
	return len(charges)
}

func (r *running) Issue(id int64)  { r.change(id, "issue") }
func (r *running) Refuse(id int64) { r.change(id, "refuse") }
func (r *running) Cancel(id int64) { r.change(id, "cancel") }

func (r *running) change(id int64, verb string) {
	r.t.Helper()
	r.control("POST", fmt.Sprintf("/certificates/%d/%s", id, verb), map[string]any{"reason": "The test says so."}, nil)
}

func (r *running) Advance(by time.Duration) {
	r.t.Helper()
	r.control("POST", "/clock", map[string]any{"advance": by.String()}, nil)
}

// control sends a request to the control address and decodes the answer into result, unless it is nil.
func (r *running) control(method, path string, body, result any) {
	r.t.Helper()
	var content bytes.Buffer
	if body != nil {
		require.NoError(r.t, json.NewEncoder(&content).Encode(body))
	}
	request, err := http.NewRequestWithContext(r.t.Context(), method, r.at.control+path, &content)
	require.NoError(r.t, err)
	answer, err := http.DefaultClient.Do(request)
	require.NoError(r.t, err)
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	require.NoError(r.t, err)
	require.Equal(r.t, http.StatusOK, answer.StatusCode, "%s %s: %s", method, path, text)
	if result != nil {
		require.NoError(r.t, json.Unmarshal(text, result), "%s", text)
	}
}
