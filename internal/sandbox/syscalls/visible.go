package syscalls

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// byDescriptor are the calls whose first argument is an open file or a socket.
var byDescriptor = map[uint64]string{
	unix.SYS_WRITE: "write", unix.SYS_PWRITE64: "pwrite", unix.SYS_WRITEV: "writev", unix.SYS_PWRITEV: "pwritev",
	unix.SYS_SENDTO: "sendto", unix.SYS_SENDMSG: "sendmsg", unix.SYS_SENDMMSG: "sendmmsg", unix.SYS_CONNECT: "connect",
	unix.SYS_SHUTDOWN: "shutdown", unix.SYS_FTRUNCATE: "ftruncate", unix.SYS_FALLOCATE: "fallocate", unix.SYS_FSYNC: "fsync",
	unix.SYS_FDATASYNC: "fdatasync", unix.SYS_FCHMOD: "fchmod", unix.SYS_FCHOWN: "fchown", unix.SYS_FLOCK: "flock",
	unix.SYS_COPY_FILE_RANGE: "copy_file_range", unix.SYS_SENDFILE: "sendfile", unix.SYS_CLOSE: "close",
}

// byPath are the calls that change a name, with the place of the path among their arguments.
var byPath = map[uint64]struct {
	name string
	path int
}{
	unix.SYS_RENAMEAT: {"renameat", 3}, unix.SYS_RENAMEAT2: {"renameat2", 3}, unix.SYS_UNLINKAT: {"unlinkat", 1}, unix.SYS_LINKAT: {"linkat", 3},
	unix.SYS_SYMLINKAT: {"symlinkat", 2}, unix.SYS_MKDIRAT: {"mkdirat", 1}, unix.SYS_TRUNCATE: {"truncate", 0}, unix.SYS_FCHMODAT: {"fchmodat", 1},
	unix.SYS_FCHOWNAT: {"fchownat", 1}, unix.SYS_UTIMENSAT: {"utimensat", 1},
}

// describe returns a call, and whether others than the process itself can see what it does.
func describe(pid int, info syscallInfo) (Call, bool) {
	if name, found := byDescriptor[info.number]; found {
		target := descriptor(pid, info.args[0])
		return Call{Name: name, Target: target}, seenByOthers(name, target)
	}
	if change, found := byPath[info.number]; found {
		return Call{Name: change.name, Target: text(pid, info.args[change.path])}, true
	}
	switch info.number {
	case unix.SYS_OPENAT:
		return Call{Name: "openat", Target: text(pid, info.args[1])}, info.args[2]&(unix.O_CREAT|unix.O_TRUNC) != 0
	case unix.SYS_CLONE:
		return Call{Name: "clone"}, info.args[0]&unix.CLONE_THREAD == 0
	case unix.SYS_CLONE3:
		return Call{Name: "clone"}, true
	case unix.SYS_KILL, unix.SYS_PIDFD_SEND_SIGNAL:
		return Call{Name: "kill"}, true
	case unix.SYS_EXIT_GROUP:
		return Call{Name: "exit_group"}, true
	}
	return oldCall(pid, info)
}

// seenByOthers is false for a descriptor by which threads wake each other, and for the end of one that ends nothing elsewhere.
func seenByOthers(name, target string) bool {
	if name == "close" {
		return strings.HasPrefix(target, "socket:")
	}
	return !strings.HasPrefix(target, "anon_inode:")
}

func descriptor(pid int, number uint64) string {
	target, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", pid, int32(number)))
	if err != nil {
		return ""
	}
	return target
}

// longestPath is PATH_MAX.
const longestPath = 4096

// text reads a string of the process.
func text(pid int, at uint64) string {
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		return ""
	}
	defer func() { _ = memory.Close() }()
	raw := make([]byte, longestPath)
	n, _ := memory.ReadAt(raw, int64(at)) // less than asked for at the end of its memory
	before, _, found := bytes.Cut(raw[:n], []byte{0})
	if !found {
		return ""
	}
	return string(before)
}
