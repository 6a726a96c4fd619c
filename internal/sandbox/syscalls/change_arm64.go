package syscalls

import (
	"errors"
	"syscall"
)

var errNoChange = errors.New("system calls are changed on amd64 alone")

func dropCall(int) error { return errNoChange }

func setResult(int, syscall.Errno) error { return errNoChange }

func setLength(int, uint64) error { return errNoChange }
