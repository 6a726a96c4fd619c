// sandbox-kill runs a program and kills it at one of its system calls, or makes that fail (internal/sandbox/syscalls). It ends as the program has ended.
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
	var d syscalls.Disturbance
	flags := pflag.NewFlagSet("sandbox-kill", pflag.ContinueOnError)
	flags.SetInterspersed(false)
	flags.IntVar(&d.At, "at", 0, "`number` of the system call that is disturbed, from 1; 0 disturbs nothing")
	flags.BoolVar(&d.After, "after", false, "disturb when the call was carried out, else before")
	flags.BoolVar(&d.Half, "half", false, "carry out half of the first write to a file from that call on")
	flags.StringVar(&d.Ignore, "ignore", "", "`end` of the names of files whose system calls are not numbered")
	flags.BoolVar(&d.Wait, "wait", false, "wait for the end of the programs that it has started, too")
	number := flags.Int("errno", 0, "`number` of the error that the call returns; 0 kills the program")
	report := flags.String("report", "", "`file` for the result in JSON")
	if err := flags.Parse(os.Args[1:]); err != nil {
		return err
	}
	d.Errno = syscall.Errno(*number)
	words := flags.Args()
	if len(words) == 0 {
		return fmt.Errorf("no program is named")
	}
	result, err := syscalls.Run(words[0], words[1:], os.Environ(), d)
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
