package packaging_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What the panel may have under the names of the module.
const (
	foreign      = "#!/bin/sh\necho the panel's own module\n"
	foreignNext  = "#!/bin/sh\necho the panel's own module, next version\n"
	foreignForm  = "<mgrdata><plugin name=\"pmnamecheap\"><author>ISPsystem</author></plugin></mgrdata>"
	copied       = "ELF\x00\x00path\tpmssl/cmd/pmnamecheap\n"
	copiedForm   = "<mgrdata><plugin name=\"pmnamecheap\"><author>pmssl</author></plugin></mgrdata>"
	program      = "/usr/local/mgr5/processing/pmnamecheap"
	manifest     = "/usr/local/mgr5/etc/xml/billmgr_mod_pmnamecheap.xml"
	logo         = "/usr/local/mgr5/skins/common/plugin-logo/billmanager-plugin-pmnamecheap.png"
	linkProgram  = "-> /usr/lib/pmssl/pmnamecheap"
	linkManifest = "-> /usr/lib/pmssl/xml/billmgr_mod_pmnamecheap.xml"
	linkLogo     = "-> /usr/lib/pmssl/logos/pmnamecheap.png"
)

// What an installation of the tests puts into the folder of the programs.
const (
	library         = "/usr/lib/pmssl/"
	ownProgram      = "#!/bin/sh\necho pmssl\n"
	libraryProgram  = library + "pmnamecheap"
	libraryManifest = library + "xml/billmgr_mod_pmnamecheap.xml"
	libraryLogo     = library + "logos/pmnamecheap.png"
	editedForm      = "<mgrdata><plugin name=\"pmnamecheap\"><author>pmssl</author><!-- edited --></plugin></mgrdata>"
)

// linker is a folder that stands for a server, with the linking script of pmnamecheap.
type linker struct {
	t    *testing.T
	root string
	// path is put before PATH.
	path string
}

// newLinker returns a server with a panel, and with dpkg-divert only if divert is "package" or "local".
func newLinker(t *testing.T, divert string) *linker {
	t.Helper()
	l := &linker{t: t, root: t.TempDir()}
	template, err := os.ReadFile("link-module.sh")
	require.NoError(t, err)
	text := strings.NewReplacer("@MODULE@", "pmnamecheap", "@LIB@", "/usr/lib/pmssl", "@PANEL@", "/usr/local/mgr5",
		"@DIVERT@", divert, "@PACKAGE@", "pmssl-namecheap", "@SUMS@", sums(ownProgram, copiedForm, "PNG")).Replace(string(template))
	require.NotRegexp(t, "@[A-Z]+@", text)
	l.put("/usr/lib/pmssl/link-pmnamecheap", text, 0o755)
	l.put(libraryProgram, ownProgram, 0o755)
	l.put(libraryManifest, copiedForm, 0o644)
	for _, folder := range []string{"/usr/local/mgr5/processing", "/usr/local/mgr5/etc/xml", "/var/lib/dpkg"} {
		require.NoError(t, os.MkdirAll(l.root+folder, 0o755))
	}
	return l
}

// sums returns the SHA-256 of the texts, as the linking script has them.
func sums(texts ...string) string {
	var list []string
	for _, text := range texts {
		list = append(list, fmt.Sprintf("%x", sha256.Sum256([]byte(text))))
	}
	return strings.Join(list, " ")
}

func (l *linker) put(path, content string, mode os.FileMode) {
	l.t.Helper()
	put(l.t, l.root+path, content, mode)
}

func (l *linker) show(path string) string { return show(l.t, l.root+path) }

// try runs the linking script and returns its output and exit code; -1 if a signal has ended it.
func (l *linker) try(action string) (string, int) {
	l.t.Helper()
	cmd := exec.Command(l.root+"/usr/lib/pmssl/link-pmnamecheap", action)
	cmd.Env = append(os.Environ(), "DPKG_ROOT="+l.root, "DPKG_ADMINDIR="+l.root+"/var/lib/dpkg", "DPKG_MAINTSCRIPT_PACKAGE=pmssl-namecheap", "PATH="+l.path+"/usr/sbin:/usr/bin:/sbin:/bin")
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		require.NoError(l.t, err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func (l *linker) do(action string) string {
	l.t.Helper()
	out, code := l.try(action)
	require.Equal(l.t, 0, code, out)
	return out
}

func TestLinkPutsLinksIntoThePanelsFolders(t *testing.T) {
	l := newLinker(t, "none")
	assert.Equal(t, "pmssl: linked "+program+" to /usr/lib/pmssl/pmnamecheap\npmssl: linked "+manifest+" to /usr/lib/pmssl/xml/billmgr_mod_pmnamecheap.xml\n", l.do("link"))
	assert.Equal(t, map[string]string{
		"processing": "/", "processing/pmnamecheap": linkProgram, "etc": "/", "etc/xml": "/", "etc/xml/billmgr_mod_pmnamecheap.xml": linkManifest,
	}, files(t, l.root+"/usr/local/mgr5"))
	assert.Empty(t, l.do("link"), "nothing is left to do")

	l.do("unlink")
	assert.Equal(t, map[string]string{"processing": "/", "etc": "/", "etc/xml": "/"}, files(t, l.root+"/usr/local/mgr5"))
	assert.Empty(t, l.do("unlink"))
}

func TestALogoIsLinkedWhereThePanelLooksForIt(t *testing.T) {
	l := newLinker(t, "none")
	l.put(libraryLogo, "PNG", 0o644)
	l.do("link")
	assert.NoDirExists(t, l.root+"/usr/local/mgr5/skins", "a panel without this folder looks elsewhere")

	l.put("/usr/local/mgr5/skins/common/common.css", "", 0o644)
	l.do("link")
	assert.Equal(t, linkLogo, l.show(logo))
	l.do("unlink")
	assert.Empty(t, l.show(logo))
}

func TestAFileThatIsNotOursIsKeptAndPutBack(t *testing.T) {
	for _, divert := range []string{"none", "local", "package"} {
		t.Run(divert, func(t *testing.T) {
			if _, err := exec.LookPath("dpkg-divert"); err != nil && divert != "none" {
				t.Skip(err)
			}
			l := newLinker(t, divert)
			l.put(program, foreign, 0o750)
			require.NoError(t, os.Symlink("/opt/forms/namecheap.xml", l.root+manifest))
			out := l.do("link")
			assert.Contains(t, out, "pmssl: kept "+program+", which is not part of pmssl, as "+program+".orig\n")
			assert.Equal(t, []string{linkProgram, foreign}, []string{l.show(program), l.show(program + ".orig")})
			assert.Equal(t, []string{linkManifest, "-> /opt/forms/namecheap.xml"}, []string{l.show(manifest), l.show(manifest + ".orig")})

			assert.Contains(t, l.do("unlink"), "pmssl: put "+program+" back\n")
			assert.Equal(t, []string{foreign, ""}, []string{l.show(program), l.show(program + ".orig")})
			assert.Equal(t, []string{"-> /opt/forms/namecheap.xml", ""}, []string{l.show(manifest), l.show(manifest + ".orig")})
			info, err := os.Stat(l.root + program)
			require.NoError(t, err)
			assert.Equal(t, os.FileMode(0o750), info.Mode())
			assert.NotContains(t, l.show("/var/lib/dpkg/diversions"), "pmnamecheap")
		})
	}
}

func TestWhatAnEarlierInstallationHasPutThereIsReplaced(t *testing.T) {
	for name, put := range map[string]func(*linker){
		"copies": func(l *linker) { l.put(program, copied, 0o755); l.put(manifest, copiedForm, 0o644) },
		"links of make install": func(l *linker) {
			require.NoError(t, os.Symlink("/usr/local/lib/pmssl/pmnamecheap", l.root+program))
			require.NoError(t, os.Symlink("/usr/local/lib/pmssl/xml/billmgr_mod_pmnamecheap.xml", l.root+manifest))
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLinker(t, "none")
			put(l)
			assert.NotContains(t, l.do("link"), "kept")
			assert.Equal(t, linkProgram, l.show(program))
			assert.Equal(t, linkManifest, l.show(manifest))
			assert.Empty(t, l.show(program+".orig"))
			assert.Empty(t, l.show(manifest+".orig"))
		})
	}
}

// Updates of the panel have written their module over the link, because no dpkg keeps them away.
func TestTheNewestOfThePanelsModulesIsPutBackAndTheOthersAreKept(t *testing.T) {
	l := newLinker(t, "none")
	for i, tc := range []struct{ text, says string }{
		{foreign, "kept " + program + ", which is not part of pmssl, as " + program + ".orig\n"},
		{foreignNext, "kept the former " + program + ".orig as " + program + ".orig.1\n"},
		{foreign + "3", "kept the former " + program + ".orig as " + program + ".orig.2\n"},
		{foreign, "kept the former " + program + ".orig as " + program + ".orig.3\n"},
		{foreignNext, "kept the former " + program + ".orig as " + program + ".orig.1\n"}, // .orig.1 has this text already
	} {
		require.NoError(t, os.RemoveAll(l.root+program))
		l.put(program, tc.text, 0o755)
		assert.Contains(t, l.do("link"), tc.says, i)
		assert.Equal(t, []string{linkProgram, tc.text}, []string{l.show(program), l.show(program + ".orig")}, i)
	}
	out := l.do("unlink")
	assert.Equal(t, foreignNext, l.show(program))
	kept := map[string]string{".orig": "", ".orig.1": foreign, ".orig.2": foreignNext, ".orig.3": foreign + "3"}
	for name, text := range kept {
		assert.Equal(t, text, l.show(program+name), name)
		assert.Equal(t, text != "", strings.Contains(out, "left "+program+name+"\n"), "%s\n%s", name, out)
	}
}

// The folder of an earlier installation with a PREFIX of its own was deleted: what remains in the panel is no module. It may also be
// on a disk that is not mounted.
func TestALinkToNowhereDoesNotReplaceAKeptFile(t *testing.T) {
	l := newLinker(t, "none")
	l.put(program+".orig", foreign, 0o755)
	require.NoError(t, os.Symlink("/opt/pmssl/pmnamecheap", l.root+program))
	assert.Contains(t, l.do("link"), "pmssl: kept "+program+", which is not part of pmssl, as "+program+".orig.1\n")
	assert.Equal(t, []string{linkProgram, foreign, "-> /opt/pmssl/pmnamecheap"}, []string{l.show(program), l.show(program + ".orig"), l.show(program + ".orig.1")})
	l.do("unlink")
	assert.Equal(t, []string{foreign, ""}, []string{l.show(program), l.show(program + ".orig")})
}

// With a diversion dpkg has written the newest file as .orig, and the other one is a person's. Without a package that has the file
// .orig is older: dpkg has not written it.
func TestWhatDpkgHasWrittenIsPutBack(t *testing.T) {
	if _, err := exec.LookPath("dpkg-divert"); err != nil {
		t.Skip(err)
	}
	for _, tc := range []struct {
		name, packages  string
		orig, orig1     string
		saysOtherIsKept string
	}{
		{name: "a package has it", packages: "billmanager", orig: foreignNext, orig1: foreign, saysOtherIsKept: "kept " + program + ", which is not part of pmssl, as " + program + ".orig.1\n"},
		{name: "no package has it", orig: foreign, orig1: foreignNext, saysOtherIsKept: "kept the former " + program + ".orig as " + program + ".orig.1\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := newLinker(t, "package")
			if tc.packages != "" {
				l.put("/var/lib/dpkg/status", "Package: "+tc.packages+"\nStatus: install ok installed\nMaintainer: x\nArchitecture: all\nVersion: 1\nDescription: x\n", 0o644)
				l.put("/var/lib/dpkg/info/"+tc.packages+".list", program+"\n", 0o644)
			}
			l.do("link")
			l.put(program+".orig", foreignNext, 0o755)
			require.NoError(t, os.Remove(l.root+program))
			l.put(program, foreign, 0o755)
			assert.Contains(t, l.do("link"), tc.saysOtherIsKept)
			assert.Equal(t, []string{linkProgram, tc.orig, tc.orig1}, []string{l.show(program), l.show(program + ".orig"), l.show(program + ".orig.1")})
			l.do("unlink")
			assert.Equal(t, tc.orig, l.show(program))
		})
	}
}

// An .orig of an installation that was removed by hand is older than what the panel has now, also where dpkg is found.
func TestAnOlderOrigIsNotPutBackInPlaceOfThePanelsFile(t *testing.T) {
	for _, divert := range []string{"none", "local", "package"} {
		t.Run(divert, func(t *testing.T) {
			if _, err := exec.LookPath("dpkg-divert"); err != nil && divert != "none" {
				t.Skip(err)
			}
			l := newLinker(t, divert)
			l.put(program+".orig", foreign, 0o755)
			l.put(program, foreignNext, 0o755)
			assert.Contains(t, l.do("link"), "kept the former "+program+".orig as "+program+".orig.1\n")
			assert.Equal(t, []string{linkProgram, foreignNext, foreign}, []string{l.show(program), l.show(program + ".orig"), l.show(program + ".orig.1")})
			l.do("unlink")
			assert.Equal(t, []string{foreignNext, "", foreign}, []string{l.show(program), l.show(program + ".orig"), l.show(program + ".orig.1")})
		})
	}
}

func TestAnEditedManifestOfAnEarlierInstallationIsKept(t *testing.T) {
	l := newLinker(t, "none")
	l.put(manifest, editedForm, 0o640)
	assert.Contains(t, l.do("link"), "pmssl: kept "+manifest+", which is of pmssl, but not this version's: if you have edited it, edit "+libraryManifest+" in the same way, as "+manifest+".old\n")
	assert.Equal(t, []string{linkManifest, editedForm}, []string{l.show(manifest), l.show(manifest + ".old")})

	require.NoError(t, os.Remove(l.root+manifest))
	l.put(manifest, editedForm+"2", 0o640)
	assert.Contains(t, l.do("link"), ", as "+manifest+".old.1\n")
	out := l.do("unlink")
	assert.Equal(t, []string{"", editedForm, editedForm + "2"}, []string{l.show(manifest), l.show(manifest + ".old"), l.show(manifest + ".old.1")}, "a manifest without its module is not put back")
	assert.Contains(t, out, "left "+manifest+".old\n")
	assert.Contains(t, out, "left "+manifest+".old.1\n")
}

// Whoever edits the manifest in the panel's folder writes into the file that the link points to, and so does a program that copies
// the panel's own file over the link.
func TestWhatWasWrittenIntoTheFilesOfTheInstallationIsKept(t *testing.T) {
	for _, action := range []string{"keep", "unlink"} {
		t.Run(action, func(t *testing.T) {
			l := newLinker(t, "none")
			l.put("/usr/local/mgr5/skins/common/common.css", "", 0o644)
			l.put(libraryLogo, "PNG", 0o644)
			l.put(program, foreign, 0o755)
			l.do("link")
			assert.Empty(t, l.do("keep"), "nothing was changed")

			l.put(libraryManifest, editedForm, 0o644)
			l.put(libraryProgram, foreignNext, 0o755)
			l.put(libraryLogo, "PNG of another", 0o644)
			out := l.do(action)
			assert.Contains(t, out, "pmssl: kept "+libraryManifest+", which was changed after its installation, as "+manifest+".old\n")
			assert.Contains(t, out, "pmssl: kept "+libraryProgram+", which is not part of pmssl: somebody has written it in place of this installation's file, as "+program+".orig\n")
			assert.Contains(t, out, "pmssl: kept the former "+program+".orig as "+program+".orig.1\n")
			if action == "keep" {
				assert.Empty(t, l.do("keep"), "it is there already")
				assert.Equal(t, []string{linkProgram, foreignNext}, []string{l.show(program), l.show(program + ".orig")})
				l.do("unlink")
			}
			assert.Equal(t, []string{foreignNext, foreign}, []string{l.show(program), l.show(program + ".orig.1")})
			assert.Equal(t, []string{"", editedForm}, []string{l.show(manifest), l.show(manifest + ".old")})
			assert.Equal(t, "PNG of another", l.show(logo))
		})
	}
}

func TestWithoutAPanelAChangedFileIsKeptInItsFolder(t *testing.T) {
	l := newLinker(t, "none")
	require.NoError(t, os.RemoveAll(l.root+"/usr/local/mgr5"))
	l.put(libraryManifest, editedForm, 0o644)
	assert.Equal(t, "pmssl: kept "+libraryManifest+", which was changed after its installation, as "+libraryManifest+".old\n", l.do("keep"))
	assert.Equal(t, editedForm, l.show(libraryManifest+".old"))
}

func TestUnlinkLeavesAFileThatHasTakenTheLinksPlace(t *testing.T) {
	l := newLinker(t, "none")
	l.put(program, foreign, 0o755)
	l.do("link")
	require.NoError(t, os.Remove(l.root+program))
	l.put(program, foreignNext, 0o755)
	assert.Contains(t, l.do("unlink"), "left "+program+" and "+program+".orig")
	assert.Equal(t, []string{foreignNext, foreign}, []string{l.show(program), l.show(program + ".orig")})
}

func TestWithoutAPanelNothingIsLinked(t *testing.T) {
	for _, missing := range []string{"processing", "etc/xml"} {
		l := newLinker(t, "none")
		require.NoError(t, os.Remove(filepath.Join(l.root, "/usr/local/mgr5", missing)))
		out, code := l.try("link")
		assert.Equal(t, 3, code)
		assert.Equal(t, "pmssl: no BILLmanager here: the folder /usr/local/mgr5/"+missing+" is missing. The module is not linked. When the panel is installed, run /usr/lib/pmssl/link-pmnamecheap\n", out)
		assert.Empty(t, l.show(program))
		l.do("unlink")
	}
}

func TestAFolderInTheWayIsAnError(t *testing.T) {
	l := newLinker(t, "none")
	l.put(program+"/file", "x", 0o644)
	out, code := l.try("link")
	assert.Equal(t, 1, code)
	assert.Contains(t, out, program+" is a folder; move it away")
	assert.Equal(t, "x", l.show(program+"/file"))
}

func TestWithoutItsTargetNoLinkReplacesAFile(t *testing.T) {
	l := newLinker(t, "none")
	l.put(program, foreign, 0o755)
	require.NoError(t, os.Remove(l.root+libraryProgram))
	out, code := l.try("link")
	assert.Equal(t, 1, code)
	assert.Contains(t, out, libraryProgram+" is missing, so "+program+" stays as it is; install pmssl again\n")
	assert.Equal(t, []string{foreign, ""}, []string{l.show(program), l.show(program + ".orig")})
}

func TestALinkToALogoThatIsGoneIsRemoved(t *testing.T) {
	for _, action := range []string{"link", "unlink"} {
		l := newLinker(t, "none")
		l.put("/usr/local/mgr5/skins/common/common.css", "", 0o644)
		l.put(libraryLogo, "PNG", 0o644)
		l.put(logo, "PNG of another", 0o644)
		l.do("link")
		require.NoError(t, os.Remove(l.root+libraryLogo))
		l.do(action)
		assert.Equal(t, "PNG of another", l.show(logo), action)
	}
}

// The web server reads the folder of logos.
func TestFoldersCanBeReadAlsoIfTheCallersUmaskDeniesIt(t *testing.T) {
	l := newLinker(t, "none")
	l.put("/usr/local/mgr5/skins/common/common.css", "", 0o644)
	l.put(libraryLogo, "PNG", 0o644)
	out, err := exec.Command("sh", "-c", "umask 077 && DPKG_ROOT='"+l.root+"' '"+l.root+"/usr/lib/pmssl/link-pmnamecheap' link").CombinedOutput()
	require.NoError(t, err, string(out))
	info, err := os.Stat(filepath.Dir(l.root + logo))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o755), info.Mode().Perm())
}

// A full disk, or a folder that cannot be written to.
func TestAFileThatCannotBeKeptStays(t *testing.T) {
	l := newLinker(t, "none")
	l.put(program, foreign, 0o755)
	tools := t.TempDir()
	put(t, tools+"/cp", "#!/bin/sh\nfor last; do :; done\necho part >\"$last\"\necho 'cp: No space left on device' >&2\nexit 1\n", 0o755)
	l.path = tools + ":"
	out, code := l.try("link")
	assert.Equal(t, 1, code)
	assert.Contains(t, out, "cannot be kept as "+program+".orig, so nothing takes its place")
	assert.Equal(t, map[string]string{"pmnamecheap": foreign}, files(t, l.root+"/usr/local/mgr5/processing"))
}

// The program is the last: a timer that still runs finds this module.
func TestUnlinkThatFailsLeavesTheProgramsLink(t *testing.T) {
	l := newLinker(t, "none")
	l.put(program, foreign, 0o755)
	l.put(manifest, foreignForm, 0o644)
	l.do("link")
	require.NoError(t, os.Remove(l.root+manifest+".orig"))
	l.put(manifest+".pmssl-new/in the way", "", 0o644)
	_, code := l.try("unlink")
	assert.Equal(t, 1, code)
	assert.Equal(t, linkProgram, l.show(program))
}

// Debian 9 and Ubuntu 18.04 have such a dpkg: it does not rename either.
func TestADpkgDivertWithoutNoRenameIsCalledWithoutIt(t *testing.T) {
	if _, err := exec.LookPath("dpkg-divert"); err != nil {
		t.Skip(err)
	}
	l := newLinker(t, "package")
	l.put(program, foreign, 0o755)
	tools := t.TempDir()
	put(t, tools+"/dpkg-divert", `#!/bin/sh
for word; do
    case $word in
    --no-rename) echo "dpkg-divert: error: unknown option --no-rename" >&2; exit 2 ;;
    --help) /usr/bin/dpkg-divert --help | grep -v -e --no-rename; exit ;;
    esac
done
exec /usr/bin/dpkg-divert "$@"
`, 0o755)
	l.path = tools + ":"
	l.do("link")
	assert.Equal(t, []string{linkProgram, foreign}, []string{l.show(program), l.show(program + ".orig")})
	assert.Contains(t, l.show("/var/lib/dpkg/diversions"), program+"\n"+program+".orig\npmssl-namecheap\n")
	l.do("unlink")
	assert.Equal(t, []string{foreign, ""}, []string{l.show(program), l.show(program + ".orig")})
	assert.NotContains(t, l.show("/var/lib/dpkg/diversions"), "pmnamecheap")
}

func TestAnotherPackagesDiversionIsAnError(t *testing.T) {
	if _, err := exec.LookPath("dpkg-divert"); err != nil {
		t.Skip(err)
	}
	l := newLinker(t, "package")
	l.put(program, foreign, 0o755)
	l.put("/var/lib/dpkg/diversions", program+"\n"+program+".other\nelse\n", 0o644)
	out, code := l.try("link")
	assert.Equal(t, 1, code)
	assert.Contains(t, out, "another package has diverted "+program)
	assert.Equal(t, foreign, l.show(program))
}

func TestADiversionOfMakeInstallBecomesThePackages(t *testing.T) {
	if _, err := exec.LookPath("dpkg-divert"); err != nil {
		t.Skip(err)
	}
	l := newLinker(t, "package")
	l.put("/var/lib/dpkg/diversions", program+"\n"+program+".orig\n:\n", 0o644)
	l.do("link")
	assert.Contains(t, l.show("/var/lib/dpkg/diversions"), program+"\n"+program+".orig\npmssl-namecheap\n")
}

// working reports whether the panel has a module under a name: one of its own or ours, never a part of a file or nothing.
func (l *linker) working() bool {
	switch l.show(program) {
	case foreign, copied, linkProgram:
		return true
	}
	return false
}

// The scripts of a package and of `make install` may start at once. The second one waits, and does nothing if it waits in vain: it would
// keep the first one's link as the panel's own file.
func TestTwoScriptsDoNotWorkAtOnce(t *testing.T) {
	real, err := exec.LookPath("flock")
	if err != nil {
		t.Skip(err)
	}
	l := newLinker(t, "none")
	l.put(program, foreign, 0o755)
	tools := t.TempDir()
	put(t, filepath.Join(tools, "flock"), "#!/bin/sh\n[ \"$1 $2\" = '-w 60' ] || exit 2\nexec "+real+" -n \"$3\"\n", 0o755) // waits no time
	l.path = tools + ":"
	folder, err := os.Open(l.root + "/usr/local/mgr5/processing")
	require.NoError(t, err)
	defer folder.Close()
	require.NoError(t, syscall.Flock(int(folder.Fd()), syscall.LOCK_EX))
	for _, action := range []string{"link", "unlink"} {
		out, code := l.try(action)
		assert.Equal(t, 1, code, out)
		assert.Contains(t, out, "another installation works on")
		assert.Equal(t, []string{foreign, ""}, []string{l.show(program), l.show(program + ".orig")})
	}
	require.NoError(t, folder.Close())
	l.do("link")
	assert.Equal(t, []string{linkProgram, foreign}, []string{l.show(program), l.show(program + ".orig")})
}

// Each step of the script is a program that it starts. The script is killed before each of them.
func TestAnInterruptionLeavesAWorkingModuleAndCanBeRepeated(t *testing.T) {
	for name, start := range map[string]struct {
		divert, program, manifest, orig string
		former                          string // an .orig that is there already
	}{
		"own module, dpkg":    {divert: "package", program: foreign, manifest: foreignForm, orig: foreign},
		"own module, no dpkg": {divert: "none", program: foreign, manifest: foreignForm, orig: foreign},
		"an older .orig":      {divert: "none", program: foreign, manifest: foreignForm, orig: foreign, former: foreignNext},
		"earlier copies":      {divert: "none", program: copied, manifest: copiedForm},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath("dpkg-divert"); err != nil && start.divert != "none" {
				t.Skip(err)
			}
			steps := 0
			for killed := true; killed; steps++ {
				require.Less(t, steps, 80)
				l := newLinker(t, start.divert)
				l.put(program, start.program, 0o755)
				l.put(manifest, start.manifest, 0o644)
				if start.former != "" {
					l.put(program+".orig", start.former, 0o755)
				}
				killed = l.interrupt("link", steps)
				assert.True(t, l.working(), "step %d: %q", steps, l.show(program))
				l.do("link")
				require.Equal(t, []string{linkProgram, start.orig, linkManifest}, []string{l.show(program), l.show(program + ".orig"), l.show(manifest)}, "step %d", steps)
				require.Equal(t, []string{start.former, ""}, []string{l.show(program + ".orig.1"), l.show(program + ".orig.2")}, "step %d", steps)
				assert.Empty(t, l.show(program+".pmssl-new"))

				if start.orig != "" {
					killed = l.interrupt("unlink", steps) || killed
					assert.True(t, l.working(), "step %d of unlink: %q", steps, l.show(program))
				}
				l.do("unlink")
				require.Equal(t, []string{start.orig, ""}, []string{l.show(program), l.show(program + ".orig")}, "step %d of unlink", steps)
				assert.NotContains(t, l.show("/var/lib/dpkg/diversions"), "pmnamecheap")
			}
			require.Greater(t, steps, 4)
		})
	}
}

// interrupt runs the script and kills it before the given step; it returns false if the script has fewer.
func (l *linker) interrupt(action string, step int) bool {
	l.t.Helper()
	tools := l.t.TempDir()
	for _, name := range []string{"mkdir", "rm", "ln", "mv", "cp", "dpkg-divert"} {
		real, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		wrapper := fmt.Sprintf("#!/bin/sh\necho >>%[1]s/steps\nn=$(/usr/bin/wc -l <%[1]s/steps)\n"+
			"if [ $n = %[2]d ]; then kill -9 $PPID; exit 1; fi\nexec %[3]s \"$@\"\n", tools, step+1, real)
		put(l.t, filepath.Join(tools, name), wrapper, 0o755)
	}
	l.path = tools + ":"
	defer func() { l.path = "" }()
	out, code := l.try(action)
	if code != 0 && code != -1 {
		// A subshell was killed, which the script sees as a failure.
		require.NotContains(l.t, out, "not found", out)
	}
	return code != 0
}
