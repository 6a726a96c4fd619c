package syscalls

import "syscall"

// dropCall makes the kernel ignore the call at whose entry a thread stands.
func dropCall(tid int) error {
	return change(tid, func(r *syscall.PtraceRegs) { r.Orig_rax = ^uint64(0) })
}

// setResult makes the call at whose exit a thread stands return an error.
func setResult(tid int, errno syscall.Errno) error {
	return change(tid, func(r *syscall.PtraceRegs) { r.Rax = uint64(-int64(errno)) })
}

// setLength makes the write at whose entry a thread stands shorter.
func setLength(tid int, bytes uint64) error {
	return change(tid, func(r *syscall.PtraceRegs) { r.Rdx = bytes })
}

func change(tid int, do func(*syscall.PtraceRegs)) error {
	var registers syscall.PtraceRegs
	if err := syscall.PtraceGetRegs(tid, &registers); err != nil {
		return err
	}
	do(&registers)
	return syscall.PtraceSetRegs(tid, &registers)
}
