package program

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

const (
	// setChildSubreaper is PR_SET_CHILD_SUBREAPER of prctl(2).
	setChildSubreaper = 36
	// maxRounds limits how often processes are looked for again: one that is being ended may have started another one just before.
	maxRounds = 50
)

// calls are the programs that run now. While there are any, the kernel makes this process the parent of each process that they leave
// behind, so that none gets lost, whatever group and session it has chosen.
type calls struct {
	mu   sync.Mutex
	pids map[int]bool
	// ended are the adopted processes that have ended or were ended, and whose end was not taken note of: until then they keep their ids.
	ended []int
}

// running is one for the whole process, as the kernel's list of its children is.
var running = calls{pids: map[int]bool{}}

// start starts the program in a session of its own.
func (c *calls) start(cmd *exec.Cmd) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reap()
	if len(c.pids) == 0 {
		adoptOrphans(true)
	}
	err := cmd.Start()
	if err == nil {
		c.pids[cmd.Process.Pid] = true
	} else if len(c.pids) == 0 {
		adoptOrphans(false)
	}
	return err
}

// end ends what the program with this process id, which has ended, has left behind. What left its session may be of another program
// that still runs, and is ended with the last one.
func (c *calls) end(pid int, root string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.pids, pid)
	last := len(c.pids) == 0
	known := map[process]bool{}
	for range maxRounds {
		again := false
		for _, p := range c.left(pid, last, root) {
			if known[p] {
				continue
			}
			known[p], again = true, true
			if p.end(); p.adopted {
				c.noteEnded(p.pid)
			}
		}
		if !again {
			break
		}
	}
	if last {
		adoptOrphans(false)
	}
	c.reap()
}

// reap takes note of the end of adopted processes, as far as they have ended by now.
func (c *calls) reap() {
	c.ended = slices.DeleteFunc(c.ended, func(pid int) bool {
		done, err := syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
		return done == pid || errors.Is(err, syscall.ECHILD)
	})
}

// left returns the processes that belong to the session of the program with this process id, with others that left it, and all that
// they have started. Servers are not among them.
func (c *calls) left(pid int, others bool, root string) []process {
	self, err := readProcess("self")
	if err != nil {
		return nil
	}
	panel, children := panelPrograms(root), byParent()
	var left []process
	var add func(p process)
	add = func(p process) {
		if p.isServer(panel) {
			return
		}
		left = append(left, p)
		for _, child := range children[p.pid] {
			add(child)
		}
	}
	for _, child := range children[self.pid] {
		// mgrctl and sendmail, which may run now, too, are in the session of this process.
		adopted := child.session != self.session && !c.pids[child.pid]
		switch {
		case adopted && child.ended: // by itself, or it lost its parent when that was ended
			c.noteEnded(child.pid)
		case adopted && (others || child.session == pid):
			child.adopted = true
			add(child)
		}
	}
	return left
}

// byParent returns all processes by the id of their parent.
func byParent() map[int][]process {
	children := map[int][]process{}
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		if _, err := strconv.Atoi(entry.Name()); err != nil {
			continue
		}
		if p, err := readProcess(entry.Name()); err == nil {
			children[p.parent] = append(children[p.parent], p)
		}
	}
	return children
}

// noteEnded lets reap take note of the end of an adopted process.
func (c *calls) noteEnded(pid int) {
	if !slices.Contains(c.ended, pid) {
		c.ended = append(c.ended, pid)
	}
}

// panelPrograms returns the folder with the panel's servers as the kernel shows it, which knows no links; empty without a panel.
func panelPrograms(root string) string {
	if root == "" {
		return ""
	}
	folder := filepath.Join(root, "bin")
	if real, err := filepath.EvalSymlinks(folder); err == nil {
		return real
	}
	return folder
}

// adoptOrphans makes this process the parent of what its descendants leave behind, or not any more. Linux has that since 3.4.
func adoptOrphans(on bool) {
	value := uintptr(0)
	if on {
		value = 1
	}
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, setChildSubreaper, value, 0)
}

// process is one process, as /proc shows it.
type process struct {
	pid, parent, session int
	// start is when it was started, in ticks since the boot: a later process with the same id has another one.
	start string
	// ended says that only its parent has not taken note of its end (the state Z), adopted that it is a child of this process which
	// another one has started.
	ended, adopted bool
}

// readProcess reads a process, by its id or "self".
func readProcess(name string) (process, error) {
	text, err := os.ReadFile("/proc/" + name + "/stat")
	if err != nil {
		return process{}, err
	}
	// The name of the program, in brackets, may hold blanks and brackets. The fields behind it are state, parent, group and session;
	// the time is the 22nd of all (proc(5)).
	id, _, _ := strings.Cut(string(text), " ")
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 20 {
		return process{}, fmt.Errorf("/proc/%s/stat has %d fields", name, len(fields))
	}
	p := process{start: fields[19], ended: fields[0] == "Z"}
	for i, value := range []*int{&p.pid, &p.parent, &p.session} {
		if *value, err = strconv.Atoi([]string{id, fields[1], fields[3]}[i]); err != nil {
			return process{}, err
		}
	}
	return p, nil
}

// isServer reports whether the process is one that the program started for others: the panel's, which its mgrctl starts if it does not
// run, from the folder panel, or one whose file is in a folder sbin, as mail and web servers are. So is one whose file cannot be read,
// which has other rights. They are started by the system's manager in most cases, and are no descendants then.
func (p process) isServer(panel string) bool {
	file, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", p.pid))
	folder := filepath.Dir(file)
	return err != nil || filepath.Base(folder) == "sbin" || panel != "" && folder == panel
}

// end ends the process, unless another one has its id by now.
func (p process) end() {
	found, err := os.FindProcess(p.pid)
	if err != nil {
		return
	}
	defer func() { _ = found.Release() }()
	if now, err := readProcess(strconv.Itoa(p.pid)); err == nil && now.start == p.start {
		_ = found.Kill()
	}
}
