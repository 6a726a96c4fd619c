// Command mgrctl is the stand-in panel's sbin/mgrctl (see package ctl).
package main

import (
	"context"
	"crypto/rand"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"pmssl/internal/sandbox/panel/ctl"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	os.Exit(ctl.Main(ctx, ctl.System{
		Program: program(), Args: os.Args[1:], Env: os.LookupEnv, Stdout: os.Stdout, Stderr: os.Stderr,
		Now: time.Now, Random: rand.Reader, PID: os.Getpid(),
		KillCaller: func() error { return syscall.Kill(os.Getppid(), syscall.SIGKILL) },
	}))
}

// program returns the path of this binary as it was called, or its real path if it was found in PATH.
func program() string {
	if strings.Contains(os.Args[0], "/") {
		return os.Args[0]
	}
	if p, err := os.Executable(); err == nil {
		return p
	}
	return os.Args[0]
}
