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
)

// maxOutput bounds stdout and stderr of a module, each.
const maxOutput = 16 << 20

// Install copies a module binary to processing/<name>, 0755, replacing an older one. With Config.LinkPrograms it is linked.
func (p *Panel) Install(name, binary string) error {
	if err := moduleName(name); err != nil {
		return err
	}
	p.forget(name)
	return p.root.InstallProgram(binary, p.cfg.LinkPrograms, "processing", name)
}

// forget drops the cached features, as a restart of the panel does.
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

// Start starts processing/<module> with these arguments in the root directory (docs/reference/billmanager.md §1.1). All
// modules are started by it. A nil stdin is /dev/null. If ctx ends, the module is killed (Run.Signal is "killed"), but
// not the programs that it started.
func (p *Panel) Start(ctx context.Context, module string, stdin []byte, args ...string) (*Run, error) {
	if err := moduleName(module); err != nil {
		return nil, err
	}
	words := append(p.tracerWords(), p.root.Path("processing", module))
	run, err := p.exec(ctx, words[0], stdin, append(words[1:], args...))
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", module, err)
	}
	run.Module, run.Args = module, slices.Clone(args)
	return run, nil
}

// SetTracer puts words before the command line of each module that is started from now on, as `strace -f` would be; none starts modules
// alone. The program that they name must end as the module has ended.
func (p *Panel) SetTracer(words ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tracer = words
}

func (p *Panel) tracerWords() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.tracer)
}

// Mgrctl runs <root>/sbin/mgrctl -m billmgr -o xml with these arguments, as an administrator would.
func (p *Panel) Mgrctl(ctx context.Context, words ...string) (*Run, error) {
	run, err := p.exec(ctx, p.root.Path("sbin", "mgrctl"), nil, append([]string{"-m", "billmgr", "-o", "xml"}, words...))
	if err != nil {
		return nil, fmt.Errorf("starting mgrctl: %w", err)
	}
	run.Module = "mgrctl"
	return run, nil
}

// outputGrace is how long the panel waits for output of programs that a killed module has started.
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
		return nil, err // it did not start
	}
	var left *exec.ExitError
	if err != nil && !errors.As(err, &left) && !errors.Is(err, exec.ErrWaitDelay) && ctx.Err() == nil {
		// A module may end without reading its stdin, which breaks the pipe.
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

// onOneThread keeps the thread that forks until the child has ended: the parent-death signal is bound to that thread.
func onOneThread(f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return f()
}

// environment returns the environment of a module: Config.Env, a PATH if it has none (with the folders of sbin::Init,
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
	if free := maxOutput - l.Len(); free > 0 {
		l.Buffer.Write(b[:min(free, len(b))])
	}
	return len(b), nil
}

// OK reports whether the panel sees success: exit code 0 and no <error> in stdout (docs/reference/billmanager.md §1.1:
// the official PHP sample exits 0 after printing one).
func (r *Run) OK() bool { return r.ExitCode == 0 && r.Error == nil }

// Failure returns in one line why OK is false, or "" if it is true.
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

// errorOf returns the outermost <error> of a document, or nil. It also finds the error of a document that is not
// well-formed to its end.
func errorOf(stdout string) *ErrorNode {
	d := xml.NewDecoder(strings.NewReader(stdout))
	d.Strict = false
	outermost, at := (*ErrorNode)(nil), 0
	for depth := 0; ; {
		t, err := d.Token()
		if err != nil {
			if outermost == nil && !errors.Is(err, io.EOF) && strings.Contains(stdout, "<error") {
				return &ErrorNode{Type: "unreadable", Value: err.Error()}
			}
			return outermost
		}
		switch e := t.(type) {
		case xml.StartElement:
			depth++
			if e.Name.Local == "error" && (outermost == nil || depth < at) {
				outermost, at = readError(d, e), depth
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
	_ = d.DecodeElement(&body, &start) // keep what could be read; the caller's next Token returns the same error
	for _, p := range body.Params {
		n.Params[p.Name] = p.Text
	}
	if n.Value == "" {
		n.Value = n.Params["value"]
	}
	return n
}
