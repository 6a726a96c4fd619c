// Package syscalls runs a program, numbers those of its system calls that others can see, and kills it at one of them or makes that call
// fail.
//
// A kill between two such calls leaves the same traces as one before the second, so the numbers are all the moments at which a kill
// makes a difference. Programs that the traced one starts are not traced and go on after its end, as after kill -9.
package syscalls

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Call is one of the system calls that Run numbers.
type Call struct {
	Name string `json:"name"`
	// Target is the file, the socket or the program that it is about, as /proc shows it; "" if that is not known.
	Target string `json:"target,omitempty"`
}

// Disturbance says what happens at which call.
type Disturbance struct {
	At int // number of the call, from 1; 0 disturbs nothing
	// After is when the kernel has carried the call out, else before: then the kernel does not see it.
	After bool
	// Errno is the error that the call returns, as ENOSPC; 0: the program is killed.
	Errno syscall.Errno
	// Half carries out the first half of a write to a file, the first one from the call At on. Then the program is killed; or, with an
	// Errno, that write returns how much it wrote, as on a disk that is full now, and the thread's next call returns the error. After and
	// Half exclude each other.
	Half bool
	// Ignore is the end of the names of files whose calls are not numbered, as ".log"; "" numbers all.
	Ignore string
	// Wait makes Run wait for the end of the programs that the traced one has started, too.
	Wait bool
}

// Result is what became of a program.
type Result struct {
	// Calls are all that the program made. If it was killed, the call at which it was is the last one.
	Calls  []Call             `json:"calls"`
	Hit    bool               `json:"hit"` // the program has come to the call and was disturbed
	Status syscall.WaitStatus `json:"status"`
}

// getSyscallInfo is PTRACE_GET_SYSCALL_INFO of linux/ptrace.h (Linux 5.3), syscallInfo its answer.
const getSyscallInfo = 0x420e

type syscallInfo struct {
	op       uint8
	_        [3]uint8
	arch     uint32
	ip, sp   uint64
	number   uint64 // of an entry
	args     [6]uint64
	reserved [2]uint64
}

// The values of syscallInfo.op.
const (
	opEntry = 1
	opExit  = 2
)

// stopOfSyscall is the signal of a stop at a system call (PTRACE_O_TRACESYSGOOD).
const stopOfSyscall = syscall.SIGTRAP | 0x80

// Run runs a program with the files 0, 1 and 2 and the environment of this process, and waits for its end. It waits for all children of
// this process, so there must be no others.
func Run(program string, args []string, env []string, d Disturbance) (Result, error) {
	runtime.LockOSThread() // only the thread that has started a traced program may control it
	defer runtime.UnlockOSThread()
	if d.Wait { // what the program leaves behind becomes a child of this process
		if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
			return Result{}, fmt.Errorf("adopting what %s starts: %w", program, err)
		}
	}
	pid, err := syscall.ForkExec(program, append([]string{program}, args...), &syscall.ProcAttr{
		Env: env, Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Ptrace: true, Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		return Result{}, fmt.Errorf("starting %s: %w", program, err)
	}
	t := &tracer{pid: pid, d: d, known: map[int]bool{pid: true}, atExit: map[int]bool{}, onNext: map[int]bool{}}
	if err := t.begin(); err != nil {
		_ = syscall.Kill(pid, syscall.SIGKILL)
		return Result{}, fmt.Errorf("tracing %s: %w", program, err)
	}
	err = t.untilTheEnd()
	if err == nil && d.Wait {
		err = waitForAll()
	}
	return t.result, err
}

// waitForAll waits for the end of all children of this process.
func waitForAll() error {
	for {
		var status syscall.WaitStatus
		if _, err := wait(-1, &status); errors.Is(err, syscall.ECHILD) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

type tracer struct {
	pid    int
	d      Disturbance
	result Result
	known  map[int]bool // threads
	atExit map[int]bool // threads that are disturbed when their call returns
	onNext map[int]bool // threads that are disturbed at their next call
	// disturbed says that the call was found.
	disturbed bool
}

func (t *tracer) begin() error {
	var status syscall.WaitStatus
	if _, err := wait(t.pid, &status); err != nil {
		return err
	}
	const options = unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_EXITKILL
	if err := syscall.PtraceSetOptions(t.pid, options); err != nil {
		return err
	}
	return syscall.PtraceSyscall(t.pid, 0)
}

// untilTheEnd follows the program's threads until it has ended.
func (t *tracer) untilTheEnd() error {
	for {
		var status syscall.WaitStatus
		tid, err := wait(-1, &status)
		switch {
		case err != nil:
			return err
		case status.Exited() || status.Signaled():
			if tid == t.pid {
				t.result.Status = status
				return nil
			}
		case status.Stopped():
			if err := t.stopped(tid, status); err != nil && !errors.Is(err, syscall.ESRCH) { // a thread that was killed is gone
				return err
			}
		}
	}
}

// stopped decides what happens at a stop of a thread, and lets it go on.
func (t *tracer) stopped(tid int, status syscall.WaitStatus) error {
	signal := status.StopSignal()
	switch {
	case signal == stopOfSyscall:
		disturbed, err := t.atSyscall(tid)
		if err != nil {
			return err
		}
		if disturbed {
			t.result.Hit = true
			if t.d.Errno == 0 {
				return syscall.Kill(t.pid, syscall.SIGKILL)
			}
			if err := t.fail(tid); err != nil {
				return err
			}
		}
		signal = 0
	case signal == syscall.SIGTRAP: // a new thread is announced
		signal = 0
	case !t.known[tid]: // its first stop
		signal = 0
	}
	t.known[tid] = true
	return syscall.PtraceSyscall(tid, int(signal))
}

// fail makes the call at which a thread stands return the error.
func (t *tracer) fail(tid int) error {
	if t.atExit[tid] {
		delete(t.atExit, tid)
		return setResult(tid, t.d.Errno)
	}
	t.atExit[tid] = true
	return dropCall(tid)
}

// atSyscall numbers the call at which a thread stands, and reports whether it is disturbed here.
func (t *tracer) atSyscall(tid int) (bool, error) {
	var info syscallInfo
	size, _, failed := syscall.Syscall6(syscall.SYS_PTRACE, getSyscallInfo, uintptr(tid), unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0)
	if failed != 0 || size == 0 {
		return false, nil
	}
	if info.op == opExit {
		return t.atExit[tid], nil
	}
	if info.op == opEntry && t.onNext[tid] {
		delete(t.onNext, tid)
		return true, nil
	}
	call, visible := describe(t.pid, info)
	if info.op != opEntry || !visible || t.d.Ignore != "" && strings.HasSuffix(call.Target, t.d.Ignore) {
		return false, nil
	}
	t.result.Calls = append(t.result.Calls, call)
	if t.d.At == 0 || len(t.result.Calls) < t.d.At || t.disturbed {
		return false, nil
	}
	if t.d.Half && (call.Name != "write" || !filepath.IsAbs(call.Target) || info.args[2] < 2) {
		return false, nil // the next one may be
	}
	t.disturbed = true
	switch {
	case t.d.Half:
		t.atExit[tid], t.onNext[tid] = t.d.Errno == 0, t.d.Errno != 0
		return false, setLength(tid, info.args[2]/2)
	case t.d.After && call.Name != "exit_group": // which does not return
		t.atExit[tid] = true
		return false, nil
	}
	return true, nil
}

func wait(pid int, status *syscall.WaitStatus) (int, error) {
	for {
		tid, err := syscall.Wait4(pid, status, syscall.WALL, nil)
		if !errors.Is(err, syscall.EINTR) {
			return tid, err
		}
	}
}
