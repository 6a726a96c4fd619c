// sandbox-kill runs a program and kills it at one of its system calls (internal/sandbox/syscalls). It ends as the program has ended.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"syscall"

	"pmssl/internal/sandbox/syscalls"

	"github.com/spf13/pflag"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "sandbox-kill:", err)
		os.Exit(2)
	}
}

func run() error {
	var kill syscalls.Kill
	flags := pflag.NewFlagSet("sandbox-kill", pflag.ContinueOnError)
	flags.SetInterspersed(false)
	flags.IntVar(&kill.At, "at", 0, "`number` of the system call at which the program is killed, from 1; 0 kills nothing")
	flags.BoolVar(&kill.After, "after", false, "kill when the call was carried out, else before")
	flags.StringVar(&kill.Ignore, "ignore", "", "`end` of the names of files whose system calls are not numbered")
	report := flags.String("report", "", "`file` for the result in JSON")
	if err := flags.Parse(os.Args[1:]); err != nil {
		return err
	}
	words := flags.Args()
	if len(words) == 0 {
		return fmt.Errorf("no program is named")
	}
	result, err := syscalls.Run(words[0], words[1:], os.Environ(), kill)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(result)
	if err != nil {
		return err
	}
	if *report != "" {
		if err := os.WriteFile(*report, raw, 0o600); err != nil {
			return err
		}
	}
	if result.Status.Signaled() {
		return syscall.Kill(os.Getpid(), result.Status.Signal())
	}
	os.Exit(result.Status.ExitStatus())
	return nil
}
