package program

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Check refuses a program that anybody but root, or the user that this program runs as, could change or replace: it
// runs with the rights of this program.
func Check(path string) error {
	if !filepath.IsAbs(path) || filepath.Clean(path) != path {
		return fmt.Errorf("the program %q is not an absolute path", path)
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return fmt.Errorf("the program cannot be run: %w", err)
	}
	info, err := os.Lstat(real)
	if err != nil {
		return fmt.Errorf("the program cannot be run: %w", err)
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o100 == 0 {
		return fmt.Errorf("%s cannot be run: it is not a file that its owner may execute", real)
	}
	for _, chain := range []string{path, real} {
		if err := checkChain(chain); err != nil {
			return err
		}
	}
	return nil
}

// checkChain checks a file and every folder above it: who can write a folder can replace what is in it. In a folder with the
// sticky bit, as /tmp is, only owners can.
func checkChain(path string) error {
	for ; ; path = filepath.Dir(path) {
		info, err := os.Stat(path)
		if err != nil {
			return fmt.Errorf("the program cannot be run: %w", err)
		}
		if err := onlyRoot(info); err != nil {
			return fmt.Errorf("the program is not run, because others could change it: %s %w", path, err)
		}
		if path == filepath.Dir(path) {
			return nil
		}
	}
}

func onlyRoot(info fs.FileInfo) error {
	stat, known := info.Sys().(*syscall.Stat_t)
	if !known || stat.Uid != 0 && int(stat.Uid) != os.Geteuid() {
		return errors.New("does not belong to root: run chown root:root for it")
	}
	sticky := info.IsDir() && info.Mode()&fs.ModeSticky != 0
	if mode := info.Mode().Perm(); mode&0o022 != 0 && !sticky {
		return fmt.Errorf("has the mode %04o: run chmod go-w for it", mode)
	}
	return nil
}
