package packaging_test

import (
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
		"@DIVERT@", divert, "@PACKAGE@", "pmssl-namecheap").Replace(string(template))
	require.NotRegexp(t, "@[A-Z]+@", text)
	l.put("/usr/lib/pmssl/link-pmnamecheap", text, 0o755)
	l.put("/usr/lib/pmssl/pmnamecheap", "#!/bin/sh\necho pmssl\n", 0o755)
	l.put("/usr/lib/pmssl/xml/billmgr_mod_pmnamecheap.xml", copiedForm, 0o644)
	for _, folder := range []string{"/usr/local/mgr5/processing", "/usr/local/mgr5/etc/xml", "/var/lib/dpkg"} {
		require.NoError(t, os.MkdirAll(l.root+folder, 0o755))
	}
	return l
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
	l.put("/usr/lib/pmssl/logos/pmnamecheap.png", "PNG", 0o644)
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

// An update of the panel has written its module over the link, because no dpkg keeps it away.
func TestTheNewestOfThePanelsModulesIsPutBack(t *testing.T) {
	l := newLinker(t, "none")
	l.put(program, foreign, 0o755)
	l.do("link")
	require.NoError(t, os.Remove(l.root+program))
	l.put(program, foreignNext, 0o755)
	l.do("link")
	assert.Equal(t, []string{linkProgram, foreignNext}, []string{l.show(program), l.show(program + ".orig")})
	l.do("unlink")
	assert.Equal(t, foreignNext, l.show(program))
}

// The folder of an earlier installation with a PREFIX of its own was deleted: what remains in the panel is no module.
func TestALinkToNowhereDoesNotReplaceAKeptFile(t *testing.T) {
	l := newLinker(t, "none")
	l.put(program+".orig", foreign, 0o755)
	require.NoError(t, os.Symlink("/opt/pmssl/pmnamecheap", l.root+program))
	assert.Contains(t, l.do("link"), "pmssl: replaced "+program+", a link to /opt/pmssl/pmnamecheap, which is missing\n")
	assert.Equal(t, []string{linkProgram, foreign}, []string{l.show(program), l.show(program + ".orig")})
	l.do("unlink")
	assert.Equal(t, []string{foreign, ""}, []string{l.show(program), l.show(program + ".orig")})
}

// With a diversion dpkg has written the newest file as .orig, and the other one is a person's.
func TestWhatDpkgHasWrittenIsPutBack(t *testing.T) {
	if _, err := exec.LookPath("dpkg-divert"); err != nil {
		t.Skip(err)
	}
	l := newLinker(t, "package")
	l.do("link")
	l.put(program+".orig", foreignNext, 0o755)
	require.NoError(t, os.Remove(l.root+program))
	l.put(program, foreign, 0o755)
	assert.Contains(t, l.do("link"), "kept "+program+", which is not part of pmssl, as "+program+".orig.old\n")
	assert.Equal(t, []string{linkProgram, foreignNext, foreign}, []string{l.show(program), l.show(program + ".orig"), l.show(program + ".orig.old")})
	l.do("unlink")
	assert.Equal(t, foreignNext, l.show(program))
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
	}{
		"own module, dpkg":    {divert: "package", program: foreign, manifest: foreignForm, orig: foreign},
		"own module, no dpkg": {divert: "none", program: foreign, manifest: foreignForm, orig: foreign},
		"earlier copies":      {divert: "none", program: copied, manifest: copiedForm},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath("dpkg-divert"); err != nil && start.divert != "none" {
				t.Skip(err)
			}
			steps := 0
			for killed := true; killed; steps++ {
				require.Less(t, steps, 60)
				l := newLinker(t, start.divert)
				l.put(program, start.program, 0o755)
				l.put(manifest, start.manifest, 0o644)
				killed = l.interrupt("link", steps)
				assert.True(t, l.working(), "step %d: %q", steps, l.show(program))
				l.do("link")
				require.Equal(t, []string{linkProgram, start.orig, linkManifest}, []string{l.show(program), l.show(program + ".orig"), l.show(manifest)}, "step %d", steps)
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
