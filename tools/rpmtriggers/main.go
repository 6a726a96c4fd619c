// Command rpmtriggers adds a transaction file trigger to an .rpm that nfpm has made, because nfpm has no word for triggers.
// rpm runs the script once at the end of each transaction that installs or removes a file below one of the prefixes, whatever
// package the file belongs to (rpm's documentation, "File Triggers"). rpm before 4.13 ignores the trigger.
//
// Usage: rpmtriggers -script FILE -prefix PATH [-prefix PATH …] PACKAGE.rpm…
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "rpmtriggers:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("rpmtriggers", flag.ContinueOnError)
	script := flags.String("script", "", "file with the script, for /bin/sh")
	var prefixes []string
	flags.Func("prefix", "run the script for files whose path begins so; may be given several times", func(path string) error {
		if !strings.HasPrefix(path, "/") {
			return errors.New("it must be an absolute path")
		}
		prefixes = append(prefixes, path)
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *script == "" || len(prefixes) == 0 || flags.NArg() == 0 {
		return errors.New("usage: rpmtriggers -script FILE -prefix PATH … PACKAGE.rpm…")
	}
	text, err := os.ReadFile(*script)
	if err != nil {
		return err
	}
	slices.Sort(prefixes)
	for _, name := range flags.Args() {
		if err := rewrite(name, string(text), prefixes); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// rewrite replaces a package by one with the trigger. The new file is complete before it takes the name.
func rewrite(name, script string, prefixes []string) error {
	raw, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	out, err := withTrigger(raw, script, prefixes)
	if err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(name), ".rpmtriggers-*")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	_, err = temporary.Write(out)
	if err = errors.Join(err, temporary.Chmod(0o644), temporary.Close()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), name)
}
