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

// What may be wrong with a file beside errors of the file system.
var (
	errNotRegular = errors.New("not a regular file")
	errTooLong    = errors.New("more than the limit")
)

// fileRemedy returns in words what the administrator can do about a file that cannot be used.
func fileRemedy(name string, err error) string {
	folder := filepath.Dir(name)
	switch {
	case errors.Is(err, errNotRegular), errors.Is(err, syscall.EISDIR), errors.Is(err, syscall.ELOOP):
		return "move away what is there, and put back the file if there was one"
	case errors.Is(err, errTooLong):
		return "move its oldest lines to another file"
	case errors.Is(err, syscall.EROFS):
		return "the file system of " + folder + " is read-only: find out why (dmesg) and mount it for writing"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "the disk or the quota of " + folder + " is full: free some space"
	case errors.Is(err, fs.ErrPermission):
		return "give the file back to root (chown root, chmod 600), and check the rights of " + folder + " and SELinux or AppArmor"
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return "the folder " + folder + " is missing: check that the panel is complete and MGR5_ROOT is right"
	case errors.Is(err, syscall.EIO):
		return "the disk fails: check dmesg, and put the file back from a backup"
	}
	return "check the file and the disk of " + folder
}

// withoutPath returns an error of the file system without its operation and path, which the message already has.
func withoutPath(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// queryHint adds to the error of a query what the administrator can do.
func queryHint(err error) error {
	var answer *mysql.MySQLError
	if !errors.As(err, &answer) {
		return err
	}
	for _, hint := range []struct {
		numbers []uint16
		remedy  string
	}{
		{[]uint16{3, 1021, 1114}, "the disk of the database server is full: free some space there"},
		{[]uint16{1044, 1142, 1143, 1370}, "the account of DBUser lacks a right that the panel's own account has: use that account"},
		{[]uint16{1054, 1146}, "the panel's database is incomplete, or DBName in etc/billmgr.conf names another one"},
		{[]uint16{1034, 1194, 1195}, "the table is damaged: have the panel's support or REPAIR TABLE repair it"},
	} {
		if slices.Contains(hint.numbers, answer.Number) {
			return fmt.Errorf("%w; %s", err, hint.remedy)
		}
	}
	return err
}
