package panel

import (
	"errors"
	"io/fs"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"

	"pmssl/internal/cert"
)

// rules ERR-1: a file that cannot be used is named with what mends it.
func TestAJournalThatCannotBeUsedIsNamedWithItsRemedy(t *testing.T) {
	h := New(Options{Root: "/usr/local/mgr5", Binary: "pmfake"})
	const name = "/usr/local/mgr5/var/pmfake.purchases"
	for _, row := range []struct {
		errno  error
		remedy string
	}{
		{syscall.ENOSPC, "(no space left on device): the disk or the quota of /usr/local/mgr5/var is full: free some space"},
		{syscall.EDQUOT, "(disk quota exceeded): the disk or the quota of /usr/local/mgr5/var is full: free some space"},
		{syscall.EROFS, "(read-only file system): the file system of /usr/local/mgr5/var is read-only: look why (dmesg) and mount it for writing"},
		{syscall.EACCES, "(permission denied): give the file back to root (chown root, chmod 600), and look at the rights of /usr/local/mgr5/var and at SELinux or AppArmor"},
		{syscall.EPERM, "(operation not permitted): give the file back to root (chown root, chmod 600), and look at the rights of /usr/local/mgr5/var and at SELinux or AppArmor"},
		{syscall.ENOENT, "(no such file or directory): the folder /usr/local/mgr5/var is missing: look whether the panel is whole and MGR5_ROOT is right"},
		{syscall.EISDIR, "(is a directory): move away what is there, and put back the file if there was one"},
		{syscall.EIO, "(input/output error): the disk fails: look at dmesg, and put the file back from a backup"},
		{errors.New("odd"), "(odd): look at the file and at the disk of /usr/local/mgr5/var"},
	} {
		fault := cert.FaultOf(h.journalFault("written", &fs.PathError{Op: "open", Path: name, Err: row.errno}))
		assert.Equal(t, cert.FaultPanel, fault.Type)
		assert.Equal(t, "the purchase journal "+name+" cannot be written "+row.remedy, fault.Value)
		assert.True(t, fault.Retry)
	}
}
