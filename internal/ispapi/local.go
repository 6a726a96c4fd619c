package ispapi

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"pmssl/internal/publish"
)

const (
	// commandTime bounds one start of mgrctl.
	commandTime = 60 * time.Second
	// maxStderr is how many octets of what mgrctl prints to people are kept.
	maxStderr = 4 << 10
)

// local is a panel on this host, called by its sbin/mgrctl. It needs no login: mgrctl trusts the user it runs as.
type local struct {
	server Server
	env    publish.Env
}

func newLocal(s Server, e publish.Env) (*local, error) {
	switch {
	case s.Mgr != "ispmgr" && s.Mgr != "dnsmgr":
		return nil, fmt.Errorf("mgr is %q: possible are ispmgr and dnsmgr", s.Mgr)
	case !filepath.IsAbs(e.Root):
		return nil, errors.New("the panel's folder is not known")
	}
	return &local{s, e}, nil
}

func (c *local) Place() string { return "mgrctl -m " + c.server.Mgr }

func (c *local) Panel() string { return c.server.Mgr }

// Call starts mgrctl. Nothing secret is among its arguments: names and values of records are public.
func (c *local) Call(ctx context.Context, function string, params url.Values) (*Element, *Refusal, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, commandTime, fmt.Errorf("no answer within %s: %w", commandTime, context.DeadlineExceeded))
	defer cancel()
	words, err := c.words(function, params)
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(c.env.Root, "sbin/mgrctl"), words...)
	cmd.Dir, cmd.Env = c.env.Root, c.environ()
	// In a process group of its own the processes that it started end with it at the deadline.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	stdout, stderr := &limited{limit: maxBody, strict: true}, &limited{limit: maxStderr}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	err = cmd.Run()
	switch {
	case cmd.Process == nil:
		return nil, nil, fmt.Errorf("mgrctl cannot be started: %w", err)
	case err != nil && ctx.Err() != nil:
		return nil, nil, fmt.Errorf("%s: mgrctl was ended: %w", function, context.Cause(ctx))
	case stdout.full:
		return nil, nil, fmt.Errorf("%s: mgrctl prints more than %d octets", function, maxBody)
	}
	return outcome(function, stdout.kept.Bytes(), stderr.kept.Bytes(), err)
}

// outcome reads what mgrctl printed: both the document and the exit code count (docs/reference/billmanager.md §5.1).
func outcome(function string, stdout, stderr []byte, failed error) (*Element, *Refusal, error) {
	root, err := parseXML(stdout)
	if err == nil {
		if refused := refusalIn(root); refused != nil || failed == nil {
			return root, refused, nil
		}
	}
	if refused := parseTextRefusal(string(stderr)); refused != nil {
		return &Element{Name: "doc"}, refused, nil
	}
	if failed != nil {
		return nil, nil, fmt.Errorf("%s: mgrctl failed: %w: %s", function, failed, Shown(string(stderr)))
	}
	return nil, nil, fmt.Errorf("%s: %w", function, err)
}

// words returns the arguments of mgrctl, the parameters in the order of their names.
func (c *local) words(function string, params url.Values) ([]string, error) {
	words := []string{"-m", c.server.Mgr, "-o", cmp.Or(params.Get("out"), "xml"), function, "lang=en"}
	for _, key := range slices.Sorted(maps.Keys(params)) {
		value := params.Get(key)
		if key == "out" {
			continue
		}
		if !isFieldName(key) || strings.ContainsRune(value, 0) {
			return nil, fmt.Errorf("%s: the field %q cannot be an argument of mgrctl", function, Shown(key))
		}
		words = append(words, key+"="+value)
	}
	return words, nil
}

// environ returns the environment of mgrctl: the panel logs SSH_CONNECTION as its caller (docs/reference/billmanager.md §5.1).
func (c *local) environ() []string {
	kept := slices.DeleteFunc(slices.Clone(c.env.Environ), func(variable string) bool { return strings.HasPrefix(variable, "SSH_CONNECTION=") })
	return append(kept, "SSH_CONNECTION=pmssl")
}

// limited keeps the first octets that are written to it. A strict one refuses more, which ends the writer. The buffer is not embedded:
// its ReadFrom knows no limit.
type limited struct {
	kept   bytes.Buffer
	limit  int
	strict bool
	full   bool
}

// Write implements io.Writer.
func (b *limited) Write(piece []byte) (int, error) {
	room := b.limit - b.kept.Len()
	if room >= len(piece) {
		return b.kept.Write(piece)
	}
	b.kept.Write(piece[:room])
	b.full = true
	if b.strict {
		return room, io.ErrShortWrite
	}
	return len(piece), nil
}
