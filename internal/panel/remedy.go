package panel

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/go-sql-driver/mysql"
)

// What may be wrong with one of our files beside what the file system says.
var (
	errNoFile  = errors.New("where a regular file is expected")
	errTooLong = errors.New("more than the limit")
)

// fileRemedy returns what the administrator does about a file of ours that cannot be used.
func fileRemedy(name string, err error) string {
	folder := filepath.Dir(name)
	switch {
	case errors.Is(err, errNoFile), errors.Is(err, syscall.EISDIR), errors.Is(err, syscall.ELOOP):
		return "move away what is there, and put back the file if there was one"
	case errors.Is(err, errTooLong):
		return "move its oldest lines to another file"
	case errors.Is(err, syscall.EROFS):
		return "the file system of " + folder + " is read-only: look why (dmesg) and mount it for writing"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "the disk or the quota of " + folder + " is full: free some space"
	case errors.Is(err, fs.ErrPermission):
		return "give the file back to root (chown root, chmod 600), and look at the rights of " + folder + " and at SELinux or AppArmor"
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return "the folder " + folder + " is missing: look whether the panel is whole and MGR5_ROOT is right"
	case errors.Is(err, syscall.EIO):
		return "the disk fails: look at dmesg, and put the file back from a backup"
	}
	return "look at the file and at the disk of " + folder
}

// withoutPath takes the operation and the path off an error of the file system: the text names the path already.
func withoutPath(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// queryHint returns the error of a query with what the administrator can do about it.
func queryHint(err error) error {
	var said *mysql.MySQLError
	if !errors.As(err, &said) {
		return err
	}
	for _, hint := range []struct {
		numbers []uint16
		remedy  string
	}{
		{[]uint16{3, 1021, 1114}, "the disk of the database server is full: free some space there"},
		{[]uint16{1044, 1142, 1143, 1370}, "the account of DBUser lacks a right that the panel's own account has: use that account"},
		{[]uint16{1054, 1146}, "the panel's database is not whole, or DBName in etc/billmgr.conf names another one"},
		{[]uint16{1034, 1194, 1195}, "the table is damaged: let the panel's support or REPAIR TABLE mend it"},
	} {
		if slices.Contains(hint.numbers, said.Number) {
			return fmt.Errorf("%w; %s", err, hint.remedy)
		}
	}
	return err
}
