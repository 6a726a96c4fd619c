package doctor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"pmssl/internal/program"
)

func hostChecks() []Check {
	return []Check{
		{ID: "root", Group: "Host and panel", Title: "panel's folder", Limit: hostLimit, run: checkRoot,
			About: "The panel's root directory (`MGR5_ROOT`, else `/usr/local/mgr5`) has its folders `etc`, `var`, `processing` and `sbin/mgrctl`, and doctor runs as root. The version is what `bin/core billmgr -V` prints; a panel without that program has none."},
		{ID: "settings", Group: "Host and panel", Title: "settings", Needs: []string{"root"}, Limit: panelLimit, run: withPanel(checkSettings),
			About: "`etc/billmgr.conf` and `etc/billmgr.conf.d/*.conf` can be read. No name is similar to an option of the module or of the database without being it (another case of a letter is enough): such a line has no effect. Each value of the module's options can be used."},
		{ID: "program", Group: "Host and panel", Title: "program", Needs: []string{"root"}, Limit: hostLimit, run: checkProgram,
			About: "`processing/NAME` is this program, not another build and not a module of the panel with the same name. A file of that name that was there before is kept beside it as `.orig`."},
		{ID: "manifest", Group: "Host and panel", Title: "manifest", Needs: []string{"root"}, Limit: hostLimit, run: checkManifest,
			About: "`etc/xml/billmgr_mod_NAME.xml` is the manifest of this version: forms, titles and error texts."},
		{ID: "permissions", Group: "Host and panel", Title: "permissions", Needs: []string{"root"}, Limit: hostLimit, run: checkPermissions,
			About: "The files of the module belong to root, and nobody else can change them, or read those with secrets: settings, keys, journal, `etc/pmssl`."},
		{ID: "space", Group: "Host and panel", Title: "free space", Needs: []string{"root"}, Limit: hostLimit, run: checkSpace,
			About: "The file system of `var` has at least 64 MiB and 1,000 inodes free. A warning comes below 512 MiB and 10,000. A purchase that cannot be written into the journal is not made."},
	}
}

// checkRoot looks for the folders that every command uses.
func checkRoot(ctx context.Context, x *examination) []Finding {
	hint := "is BILLmanager installed on this host? Otherwise set MGR5_ROOT to the panel's root: MGR5_ROOT=/path " + x.o.Binary + " --command doctor"
	for _, name := range []string{"", "etc", "var", "processing"} {
		path := filepath.Join(x.o.Root, name)
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return []Finding{unusable(err, hint, "the panel's folder %s cannot be used: %v", path, bare(err))}
		case !info.IsDir():
			return []Finding{failed(hint, "the panel's folder %s is not a folder", path)}
		}
	}
	if _, err := os.Stat(filepath.Join(x.o.Root, "sbin/mgrctl")); err != nil {
		return []Finding{unusable(err, hint, "%s: %v", filepath.Join(x.o.Root, "sbin/mgrctl"), bare(err))}
	}
	found := []Finding{passed("%s%s", x.o.Root, panelVersion(ctx, x))}
	if info, err := os.Stat(x.o.Root); err == nil && os.Geteuid() != 0 && ownerOf(info) != os.Geteuid() {
		found = append(found, warned("run it as root: sudo "+x.o.Binary+" --command doctor", "doctor does not run as root: what only root can read is not seen as the panel sees it"))
	}
	return found
}

// panelVersion returns the panel's version with a comma in front; empty if its program does not say it (inferred,
// docs/reference/billmanager.md §1.1).
func panelVersion(ctx context.Context, x *examination) string {
	core := filepath.Join(x.o.Root, "bin/core")
	if info, err := os.Stat(core); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	out := program.Run(ctx, program.Command{Program: core, Args: []string{"billmgr", "-V"}, Environ: x.o.Environ, Root: x.o.Root})
	if version := strings.TrimSpace(out.Output()); out.Err == nil && version != "" && len(version) < 100 {
		return ", BILLmanager " + version
	}
	return ""
}

// bare returns an error of the file system without its path.
func bare(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// libraries are the folders of an installation, of a package and of `make install`.
func libraries() []string { return []string{"/usr/lib/pmssl", "/usr/local/lib/pmssl"} }

// installAgain returns the mend of a file in the panel's folders that is not of this version. An installation has a program that
// puts its links back.
func (x *examination) installAgain() string {
	for _, folder := range libraries() {
		link := filepath.Join(folder, "link-"+x.o.Binary)
		if executable(x.hostPath(link)) {
			return "put the links of the installation back: " + link + " link"
		}
	}
	return "install this version again: apt-get install --reinstall or dnf reinstall with the package, or make install"
}

// maxProgram is how much of a program or manifest is compared, in bytes.
const maxProgram = 256 << 20

// checkProgram compares processing/NAME with the program that runs.
func checkProgram(_ context.Context, x *examination) []Finding {
	place := filepath.Join(x.o.Root, "processing", x.o.Binary)
	real, err := filepath.EvalSymlinks(place)
	if err != nil {
		return []Finding{unusable(err, x.installAgain(), "%s: %v", place, bare(err))}
	}
	shown := place
	if real != place {
		shown += " is a link to " + real
	}
	same, err := sameFile(real, x.o.Executable())
	switch {
	case err != nil:
		return []Finding{unusable(err, x.installAgain(), "%s cannot be read: %v", place, bare(err))}
	case same && !executable(real):
		return []Finding{failed("chmod 755 "+real, "%s cannot be executed: the panel cannot start it", shown)}
	case same:
		return append([]Finding{passed("%s, version %s", shown, x.o.Version)}, kept(place)...)
	}
	if !isBuildOf(real, modulePath+x.o.Binary) {
		return []Finding{failed(x.installAgain(), "%s is another program: the panel runs a module of the same name that is not this one", shown)}
	}
	return []Finding{failed("run "+place+" --command doctor to examine that one, or "+x.installAgain(), "%s is another build of this module than %s, which runs now", shown, x.o.Executable())}
}

// executable reports whether a file may be executed by its owner.
func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().Perm()&0o100 != 0
}

// modulePath is the path of the packages of the module's programs, which the Go linker writes into them.
const modulePath = "pmssl/cmd/"

// isBuildOf reports whether a file is a build of the program in this package. It looks for the line about it among the build
// information, in all of the file: debug/buildinfo knows the place, and would link the readers of every format of programs.
func isBuildOf(path, programPackage string) bool {
	file, err := openRegular(path)
	if err != nil {
		return false
	}
	defer file.Close()
	line := []byte("path\t" + programPackage + "\n")
	piece, kept := make([]byte, 1<<20), 0
	for {
		n, err := io.ReadFull(file, piece[kept:])
		if bytes.Contains(piece[:kept+n], line) {
			return true
		}
		if err != nil {
			return false
		}
		kept = copy(piece, piece[len(piece)-len(line)+1:]) // the line may begin here
	}
}

// kept reports the file that an installation has put aside.
func kept(place string) []Finding {
	if _, err := os.Lstat(place + ".orig"); err == nil {
		return []Finding{passed("the file that was there before is kept as %s.orig", place)}
	}
	return nil
}

// sameFile reports whether two files have the same content.
func sameFile(one, other string) (bool, error) {
	if one == other {
		_, err := os.Stat(one)
		return true, err
	}
	a, err := openRegular(one)
	if err != nil {
		return false, err
	}
	defer a.Close()
	b, err := openRegular(other)
	if err != nil {
		return false, err
	}
	defer b.Close()
	infoA, errA := a.Stat()
	infoB, errB := b.Stat()
	if errA != nil || errB != nil || infoA.Size() != infoB.Size() || infoA.Size() > maxProgram {
		return false, errors.Join(errA, errB)
	}
	return os.SameFile(infoA, infoB) || sameContent(a, b), nil
}

func sameContent(a, b io.Reader) bool {
	const piece = 1 << 20
	bufferA, bufferB := make([]byte, piece), make([]byte, piece)
	for {
		n, errA := io.ReadFull(a, bufferA)
		m, errB := io.ReadFull(b, bufferB)
		if n != m || !bytes.Equal(bufferA[:n], bufferB[:m]) {
			return false
		}
		if errA != nil || errB != nil {
			return errors.Is(errA, io.EOF) && errors.Is(errB, io.EOF) || errors.Is(errA, io.ErrUnexpectedEOF) && errors.Is(errB, io.ErrUnexpectedEOF)
		}
	}
}

// checkManifest compares the module's manifest with that of this version.
func checkManifest(_ context.Context, x *examination) []Finding {
	place := filepath.Join(x.o.Root, "etc/xml", "billmgr_mod_"+x.o.Binary+".xml")
	manifest := x.o.Manifest()
	text, err := readSome(place, int64(len(manifest))+1)
	switch {
	case err != nil:
		return []Finding{unusable(err, x.installAgain(), "%s: %v", place, bare(err))}
	case bytes.Equal(text, manifest):
		return append([]Finding{passed("%s is of this version", place)}, kept(place)...)
	case !bytes.Contains(text, []byte(x.o.Binary)):
		return []Finding{failed(x.installAgain(), "%s is another module's: the panel shows its form in the place of this module's", place)}
	}
	return []Finding{failed(x.installAgain(), "%s is not that of this version: the panel may show other fields and error texts than this program has", place)}
}

// denied reports whether something cannot be read because doctor does not run as root: that says nothing of what is there.
func denied(err error) bool { return errors.Is(err, fs.ErrPermission) && os.Geteuid() != 0 }

// openRegular opens a regular file, which links may lead to. It does not wait for a FIFO or a device.
func openRegular(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, errors.New("it is not a regular file"), file.Close())
	}
	return file, nil
}

// readSome reads at most limit bytes of a regular file.
func readSome(path string, limit int64) ([]byte, error) {
	file, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, limit))
}

// Free space below which the check fails, or warns.
const (
	leastSpace, lowSpace   = 64 << 20, 512 << 20 // bytes
	leastInodes, lowInodes = 1000, 10_000
)

// checkSpace looks at the file system of var.
func checkSpace(_ context.Context, x *examination) []Finding {
	folder := filepath.Join(x.o.Root, "var")
	info, err := x.o.Statfs(folder)
	if err != nil {
		return []Finding{unusable(err, "check the disk (dmesg, df "+folder+")", "the file system of %s cannot be examined: %v", folder, bare(err))}
	}
	var found []Finding
	space := freeBytes(info)
	shown := fmt.Sprintf("%d MiB free in %s", space>>20, folder)
	mend := "free some space: du -xh " + folder + " | sort -h | tail; old logs are in " + filepath.Join(folder, "logs")
	found = append(found, graded(space, leastSpace, lowSpace, mend, shown))
	if info.Files > 0 { // file systems such as btrfs count none
		shown := fmt.Sprintf("%d inodes free", info.Ffree)
		found = append(found, graded(int64(min(info.Ffree, math.MaxInt64)), leastInodes, lowInodes, "remove files that nobody needs: du --inodes -x "+folder+" | sort -n | tail", shown))
	}
	const readOnly = 1 // ST_RDONLY of statvfs(3)
	if info.Flags&readOnly != 0 {
		found = append(found, failed("find out why (dmesg) and mount it for writing: mount -o remount,rw", "the file system of %s is read-only", folder))
	}
	return found
}

// freeBytes returns how much of a file system is free. Some in the network say that they have more than fits into a number.
func freeBytes(info syscall.Statfs_t) int64 {
	unit := uint64(max(info.Frsize, 0))
	if unit == 0 {
		unit = uint64(max(info.Bsize, 0))
	}
	if unit > 0 && info.Bavail > math.MaxInt64/unit {
		return math.MaxInt64
	}
	return int64(info.Bavail * unit)
}

// graded returns a finding by two limits.
func graded(value, least, low int64, mend, text string) Finding {
	switch {
	case value < least:
		return failed(mend, "%s", text)
	case value < low:
		return warned(mend, "%s", text)
	}
	return passed("%s", text)
}

// ownerOf returns the id of a file's owner; -1 if it is not known.
func ownerOf(info fs.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid)
	}
	return -1
}

// hostPath returns the path of a file of this host.
func (x *examination) hostPath(path string) string { return filepath.Join(x.o.Host, path) }
