package program

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// maxLinks is how many symbolic links lead to a program at most, as in Linux.
const maxLinks = 40

// Check refuses a program that anybody but root, or the user that this program runs as, could change or replace: it
// runs with the rights of this program.
func Check(path string) error {
	if !filepath.IsAbs(path) || filepath.Clean(path) != path {
		return fmt.Errorf("the program %q is not an absolute path", path)
	}
	info, real, err := follow(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o100 == 0 {
		return fmt.Errorf("%s cannot be run: it is not a file that its owner may execute", real)
	}
	return nil
}

// follow returns the file that a path leads to. It checks every folder and link on the way: who can write a folder can replace
// what is in it, also a link to a link. In a folder with the sticky bit, as /tmp is, only owners can.
func follow(path string) (info fs.FileInfo, real string, err error) {
	steps := append([]string{""}, strings.Split(path, "/")...) // "" is the folder that is reached
	for links := 0; len(steps) > 0; {
		step := steps[0]
		steps = steps[1:]
		real = filepath.Join("/", real, step)
		if info, err = os.Lstat(real); err != nil {
			return nil, "", fmt.Errorf("the program cannot be run: %w", err)
		}
		if err := onlyRoot(info); err != nil {
			return nil, "", fmt.Errorf("the program is not run, because others could change it: %s %w", real, err)
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			continue
		}
		if links++; links > maxLinks {
			return nil, "", fmt.Errorf("the program cannot be run: %s leads over more than %d links", path, maxLinks)
		}
		target, err := os.Readlink(real)
		if err != nil {
			return nil, "", fmt.Errorf("the program cannot be run: %w", err)
		}
		if real = filepath.Dir(real); filepath.IsAbs(target) {
			real = "/"
		}
		steps = append(strings.Split(target, "/"), steps...)
	}
	return info, real, nil
}

func onlyRoot(info fs.FileInfo) error {
	stat, known := info.Sys().(*syscall.Stat_t)
	if !known || stat.Uid != 0 && int(stat.Uid) != os.Geteuid() {
		return errors.New("does not belong to root: run chown root:root for it")
	}
	if info.Mode()&fs.ModeSymlink != 0 { // its mode says nothing
		return nil
	}
	sticky := info.IsDir() && info.Mode()&fs.ModeSticky != 0
	if mode := info.Mode().Perm(); mode&0o022 != 0 && !sticky {
		return fmt.Errorf("has the mode %04o: run chmod go-w for it", mode)
	}
	return nil
}
