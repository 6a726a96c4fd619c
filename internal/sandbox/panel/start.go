package panel

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"pmssl/internal/sandbox/panel/root"
)

// maxOutput bounds what is kept of a module's stdout and of its stderr.
const maxOutput = 16 << 20

// Install copies a module binary to processing/<name>, 0755, replacing an older one.
func (p *Panel) Install(name, binary string) error {
	if err := moduleName(name); err != nil {
		return err
	}
	p.forget(name)
	return root.Install(binary, p.root.Path("processing", name))
}

// forget drops the remembered features, as a restart of the panel does.
func (p *Panel) forget(module string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.features, module)
}

func moduleName(name string) error {
	if name == "" || name != filepath.Base(name) || strings.HasPrefix(name, ".") {
		return fmt.Errorf("module name %q: want a file name in processing/", name)
	}
	return nil
}

// Start starts processing/<module> with these words, cwd = root (docs/reference/billmanager.md §1.1). It is the one way in
// which modules are started; nil stdin is /dev/null; ctx ending kills the module (Run.Signal is "killed") but not what it
// started.
func (p *Panel) Start(ctx context.Context, module string, stdin []byte, args ...string) (*Run, error) {
	if err := moduleName(module); err != nil {
		return nil, err
	}
	run, err := p.exec(ctx, p.root.Path("processing", module), stdin, args)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", module, err)
	}
	run.Module = module
	return run, nil
}

// Mgrctl runs <root>/sbin/mgrctl -m billmgr -o xml with these words, as an administrator would.
func (p *Panel) Mgrctl(ctx context.Context, words ...string) (*Run, error) {
	run, err := p.exec(ctx, p.root.Path("sbin", "mgrctl"), nil, append([]string{"-m", "billmgr", "-o", "xml"}, words...))
	if err != nil {
		return nil, fmt.Errorf("starting mgrctl: %w", err)
	}
	run.Module = "mgrctl"
	return run, nil
}

// outputGrace is how long output is awaited of what a killed module had started.
const outputGrace = 2 * time.Second

func (p *Panel) exec(ctx context.Context, program string, stdin []byte, args []string) (*Run, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = string(p.root), p.environment()
	cmd.WaitDelay = outputGrace
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if stdin != nil {
		cmd.Stdin = bytes.NewReader(stdin)
	}
	var stdout, stderr limitedBuffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr

	run := &Run{Args: slices.Clone(args), Stdin: string(stdin)}
	begin := p.cfg.Now()
	err := onOneThread(cmd.Run)
	run.Duration = p.cfg.Now().Sub(begin)
	run.Stdout, run.Stderr = stdout.String(), stderr.String()
	if cmd.ProcessState == nil {
		return nil, err // it never ran
	}
	var left *exec.ExitError
	if err != nil && !errors.As(err, &left) && !errors.Is(err, exec.ErrWaitDelay) && ctx.Err() == nil {
		// A module may end without reading its stdin; the broken pipe is no news.
		if !errors.Is(err, syscall.EPIPE) {
			return nil, err
		}
	}
	run.ExitCode = cmd.ProcessState.ExitCode()
	if st, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && st.Signaled() {
		run.Signal = st.Signal().String()
	}
	run.Error = errorOf(run.Stdout)
	return run, nil
}

// onOneThread keeps the thread that forks until the child is gone: the parent-death signal follows that thread.
func onOneThread(f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return f()
}

// environment returns the panel core's: what Config gives, a PATH where it has none (with the folders of sbin::Init,
// docs/reference/billmanager.md §1.1), and MGR5_ROOT, which is always this root.
func (p *Panel) environment() []string {
	env := slices.DeleteFunc(slices.Clone(p.cfg.Env), func(v string) bool { return strings.HasPrefix(v, "MGR5_ROOT=") })
	if !slices.ContainsFunc(env, func(v string) bool { return strings.HasPrefix(v, "PATH=") }) {
		env = append(env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	}
	return append(env, "MGR5_ROOT="+string(p.root))
}

type limitedBuffer struct{ bytes.Buffer }

func (l *limitedBuffer) Write(b []byte) (int, error) {
	if room := maxOutput - l.Len(); room > 0 {
		l.Buffer.Write(b[:min(room, len(b))])
	}
	return len(b), nil
}

// OK says that the panel sees success: exit code 0 and no <error> in stdout (docs/reference/billmanager.md §1.1: the
// official PHP sample exits 0 after printing one).
func (r *Run) OK() bool { return r.ExitCode == 0 && r.Error == nil }

// Failure says in one line why OK is false; "" when it is true.
func (r *Run) Failure() string {
	switch {
	case r.OK():
		return ""
	case r.Error != nil:
		return strings.TrimSpace(fmt.Sprintf("error %s %s %s (exit code %d)", r.Error.Type, r.Error.Object, r.Error.Value, r.ExitCode))
	case r.Signal != "":
		return "ended by signal: " + r.Signal
	}
	return fmt.Sprintf("exit code %d: %s", r.ExitCode, strings.TrimSpace(r.Stderr))
}

// errorOf finds the outermost <error> of a document, or nil. One of a document that cannot be read to its end counts
// as well.
func errorOf(stdout string) *ErrorNode {
	d := xml.NewDecoder(strings.NewReader(stdout))
	d.Strict = false
	best, at := (*ErrorNode)(nil), 0
	for depth := 0; ; {
		t, err := d.Token()
		if err != nil {
			if best == nil && !errors.Is(err, io.EOF) && strings.Contains(stdout, "<error") {
				return &ErrorNode{Type: "unreadable", Value: err.Error()}
			}
			return best
		}
		switch e := t.(type) {
		case xml.StartElement:
			depth++
			if e.Name.Local == "error" && (best == nil || depth < at) {
				best, at = readError(d, e), depth
				depth-- // readError went on to its end
			}
		case xml.EndElement:
			depth--
		}
	}
}

func readError(d *xml.Decoder, start xml.StartElement) *ErrorNode {
	n := &ErrorNode{Params: map[string]string{}}
	for _, a := range start.Attr {
		switch a.Name.Local {
		case "type":
			n.Type = a.Value
		case "object":
			n.Object = a.Value
		case "value":
			n.Value = a.Value
		}
	}
	var body struct {
		Params []struct {
			Name string `xml:"name,attr"`
			Text string `xml:",chardata"`
		} `xml:"param"`
	}
	_ = d.DecodeElement(&body, &start) // what can be read of a broken one is kept; the caller meets the same error next
	for _, p := range body.Params {
		n.Params[p.Name] = p.Text
	}
	if n.Value == "" {
		n.Value = n.Params["value"]
	}
	return n
}
