package syscalls

import "golang.org/x/sys/unix"

// oldCall describes the calls that amd64 has beside those with a folder's descriptor.
func oldCall(pid int, info syscallInfo) (Call, bool) {
	names := map[uint64]string{
		unix.SYS_RENAME: "rename", unix.SYS_UNLINK: "unlink", unix.SYS_LINK: "link", unix.SYS_SYMLINK: "symlink", unix.SYS_MKDIR: "mkdir",
		unix.SYS_RMDIR: "rmdir", unix.SYS_CHMOD: "chmod", unix.SYS_CREAT: "creat",
	}
	if info.number == unix.SYS_FORK || info.number == unix.SYS_VFORK {
		return Call{Name: "clone"}, true
	}
	name, found := names[info.number]
	if !found {
		return Call{}, false
	}
	return Call{Name: name, Target: text(pid, info.args[0])}, true
}
