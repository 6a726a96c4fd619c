package syscalls

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// Words returns the words that start the program sandbox-kill of a folder with the disturbance. The command line of the program that is
// disturbed follows them. sandbox-kill writes its Result into the file report.
func (d Disturbance) Words(folder, report string) []string {
	words := []string{
		filepath.Join(folder, "sandbox-kill"), "--report", report, "--ignore", d.Ignore, "--at", strconv.Itoa(d.At), "--errno", strconv.Itoa(int(d.Errno)),
	}
	for _, flag := range []struct {
		name string
		set  bool
	}{{"--after", d.After}, {"--half", d.Half}, {"--wait", d.Wait}} {
		if flag.set {
			words = append(words, flag.name)
		}
	}
	return words
}

// TakeResult reads what sandbox-kill has written into the file report, and removes the file.
func TakeResult(report string) (Result, error) {
	raw, err := os.ReadFile(report)
	if err != nil {
		return Result{}, err
	}
	var r Result
	if err := errors.Join(json.Unmarshal(raw, &r), os.Remove(report)); err != nil {
		return Result{}, fmt.Errorf("the report of sandbox-kill: %w", err)
	}
	return r, nil
}
