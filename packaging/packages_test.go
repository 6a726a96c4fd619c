package packaging_test

import (
	"bytes"
	"debug/buildinfo"
	"debug/elf"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// all are the packages of both modules.
func all() []string { return []string{"pmssl", "pmssl-namecheap", "pmssl-ispmanager"} }

// with returns the files of a panel with those that change.
func with(panel map[string]string, changes map[string]string) map[string]string {
	out := maps.Clone(panel)
	maps.Copy(out, changes)
	return out
}

// links are the files that both modules have in a panel without logos.
func links() map[string]string {
	out := map[string]string{}
	for _, module := range []string{"pmnamecheap", "pmispmgrssl"} {
		out["processing/"+module] = "-> /usr/lib/pmssl/" + module
		out["etc/xml/billmgr_mod_"+module+".xml"] = "-> /usr/lib/pmssl/xml/billmgr_mod_" + module + ".xml"
	}
	return out
}

func TestInstallUpgradeDowngradeRemove(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		before := s.panel()
		out := s.install(older, all()...)
		assert.Contains(t, out, "pmssl: linked "+program+" to /usr/lib/pmssl/pmnamecheap\n")
		assert.Contains(t, out, "pmssl: restart the panel, so that it reads the manifest: /usr/local/mgr5/sbin/mgrctl -m billmgr -R\n")
		assert.Equal(t, with(before, links()), s.panel())
		assert.Equal(t, "pmnamecheap "+older+" (c0ffee)", s.version())
		out = s.install(older, all()...)
		assert.NotContains(t, out, "linked", "installing the same again changes nothing")

		s.install(newer, all()...)
		assert.Equal(t, "pmnamecheap "+newer+" (c0ffee)", s.version())
		assert.Equal(t, with(before, links()), s.panel())

		s.install(older, all()...)
		assert.Equal(t, "pmnamecheap "+older+" (c0ffee)", s.version())
		assert.Equal(t, with(before, links()), s.panel())

		s.remove(all()...)
		assert.Equal(t, before, s.panel(), "what the modules keep in var and the files in etc/pmssl stay")
		for path := range files(t, s.root) {
			if !strings.HasPrefix(path, "var/lib/") && !strings.HasPrefix(path, "usr/local/mgr5/") {
				assert.NotRegexp(t, "pmssl|pmnamecheap|pmispmgrssl", path, "left behind")
			}
		}
	})
}

func TestPurgeKeepsWhatTheModulesKeep(t *testing.T) {
	needsPackages(t)
	s := newServer(t, "deb")
	before := s.panel()
	s.install(older, all()...)
	s.manage(append([]string{"--purge"}, all()...)...)
	assert.Equal(t, before, s.panel())
	assert.NotContains(t, s.show("/var/lib/dpkg/status"), "pmssl")
	assert.NotContains(t, s.show("/var/lib/dpkg/diversions"), "pm")
}

func TestOneModuleAloneLeavesTheOther(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		s.put("/usr/local/mgr5/processing/pmispmgrssl", foreign, 0o755)
		s.install(older, "pmssl", "pmssl-namecheap")
		assert.Equal(t, linkProgram, s.show(program))
		assert.Equal(t, foreign, s.show("/usr/local/mgr5/processing/pmispmgrssl"))

		out, err := s.tryInstall(newer, "pmssl-ispmanager")
		require.Error(t, err, "the common package must not be older: %s", out)
		assert.Regexp(t, `pmssl \(?>= `+regexp.QuoteMeta(newer)+"-1", out)
		assert.Equal(t, foreign, s.show("/usr/local/mgr5/processing/pmispmgrssl"))
	})
}

// rules PACK-8: the packages of sellers need not be of one version.
func TestOneModuleIsUpgradedAndDowngradedWithoutTheOther(t *testing.T) {
	const other = "/usr/local/mgr5/processing/pmispmgrssl"
	onBoth(t, func(t *testing.T, s *server) {
		s.install(older, all()...)
		panel := s.panel()
		s.install(newer, "pmssl", "pmssl-namecheap")
		assert.Equal(t, []string{"pmnamecheap " + newer + " (c0ffee)", "pmispmgrssl " + older + " (c0ffee)"}, []string{s.versionOf(program), s.versionOf(other)})
		assert.Equal(t, panel, s.panel())
		unit := s.show("/usr/lib/systemd/system/pmssl-subscription@.service")
		assert.Contains(t, unit, "\nExecStart=/usr/local/mgr5/processing/%i --command subscription\n", "the unit of the newer package starts both")

		s.install(older, "pmssl", "pmssl-namecheap")
		assert.Equal(t, []string{"pmnamecheap " + older + " (c0ffee)", "pmispmgrssl " + older + " (c0ffee)"}, []string{s.versionOf(program), s.versionOf(other)})
		assert.Equal(t, panel, s.panel())
	})
}

// apt removes what it cannot keep, `apt -y` without a question.
func TestAptKeepsTheModuleThatIsNotNamed(t *testing.T) {
	needsPackages(t)
	if _, err := exec.LookPath("apt-get"); err != nil {
		t.Skip(err)
	}
	s := newServer(t, "deb")
	s.install(older, all()...)
	for _, folder := range []string{"apt/lists/partial", "apt/cache/archives/partial", "apt/etc"} {
		require.NoError(t, os.MkdirAll(filepath.Join(s.root, folder), 0o755))
	}
	out := command(t, "apt-get", "--simulate", "-y", "--no-install-recommends", "-o", "Dir="+s.root+"/apt", "-o", "Dir::Etc="+s.root+"/apt/etc", "-o", "Dir::State::lists="+s.root+"/apt/lists", "-o", "Dir::State="+s.root+"/apt",
		"-o", "Dir::Cache="+s.root+"/apt/cache", "-o", "Dir::State::status="+s.root+"/var/lib/dpkg/status", "-o", "Dir::Log="+s.root+"/apt", "-o", "Debug::NoLocking=1", "install", s.packageFile("pmssl", newer), s.packageFile("pmssl-namecheap", newer))
	assert.Contains(t, out, "Inst pmssl-namecheap ["+older+"-1] ("+newer+"-1 ")
	assert.NotContains(t, out, "Remv")
}

// An administrator edits the manifest through the link in the panel's folder.
func TestAnEditedManifestIsKeptByUpgradeAndRemoval(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		s.install(older, "pmssl", "pmssl-namecheap")
		shipped := s.show(libraryManifest)
		s.put(libraryManifest, shipped+"<!-- edited -->\n", 0o644)
		out := s.install(newer, "pmssl", "pmssl-namecheap")
		assert.Contains(t, out, "pmssl: kept "+libraryManifest+", which was changed after its installation, as "+manifest+".old\n")
		assert.Equal(t, []string{shipped, shipped + "<!-- edited -->\n"}, []string{s.show(libraryManifest), s.show(manifest + ".old")})

		s.put(libraryManifest, shipped+"<!-- edited again -->\n", 0o644)
		out = s.remove("pmssl-namecheap")
		assert.Contains(t, out, ", as "+manifest+".old.1\n")
		assert.Contains(t, out, "pmssl: left "+manifest+".old\n")
		assert.Equal(t, []string{"", shipped + "<!-- edited again -->\n"}, []string{s.show(manifest), s.show(manifest + ".old.1")})
	})
}

func TestAnUpgradeThatCannotKeepAnEditedFileDoesNotReplaceIt(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		s.install(older, "pmssl", "pmssl-namecheap")
		s.put(libraryManifest, editedForm, 0o644)
		restore := s.obstruct(manifest + ".old")
		out, err := s.tryInstall(newer, "pmssl", "pmssl-namecheap")
		require.Error(t, err, out)
		assert.Contains(t, out, "cannot be kept as "+manifest+".old")
		assert.Equal(t, editedForm, s.show(libraryManifest))
		restore()
		s.install(newer, "pmssl", "pmssl-namecheap")
		assert.Equal(t, editedForm, s.show(manifest+".old"))
	})
}

// A file that dpkg does not know cannot be diverted: a person's module, put over the link between two updates of the panel.
func TestNoFileOfThePanelOrOfAPersonIsLost(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		s.install("", s.panelPackage("billmanager", "1", ownModule(foreign)))
		s.put(program+".orig", "an older one", 0o755)
		s.install(older, "pmssl", "pmssl-namecheap")
		require.NoError(t, os.Remove(s.root+program))
		s.put(program, "a person's", 0o755)
		s.install("", s.panelPackage("billmanager", "2", ownModule(foreignNext)))
		s.remove("pmssl-namecheap")
		kept := map[string]bool{}
		for path, content := range files(t, s.root+"/usr/local/mgr5/processing") {
			if strings.HasPrefix(path, "pmnamecheap.orig.") {
				kept[content] = true
			}
		}
		assert.True(t, kept["an older one"])
		assert.Equal(t, foreignNext, s.show(program))
		if s.kind == "deb" { // rpm has replaced the person's file by the panel's before our script was started
			assert.True(t, kept["a person's"])
		} else {
			assert.True(t, kept[foreign])
		}
	})
}

func TestARemovalThatFailsLeavesTheTimer(t *testing.T) {
	onBothWithSystemd(t, func(t *testing.T, s *server) {
		s.put(program, foreign, 0o755)
		s.install(older, "pmssl", "pmssl-namecheap")
		restore := s.obstruct(program)
		out, _ := s.tryRemove("pmssl-namecheap")
		require.Regexp(t, "error|failed", out)
		enabled, active := s.timer()
		assert.Equal(t, []bool{true, true}, []bool{enabled, active}, "enabled and active\n%s", s.show("/systemd/calls"))
		restore()

		require.NoError(t, os.Remove(s.root+"/systemd/calls"))
		s.remove("pmssl-namecheap")
		enabled, active = s.timer()
		assert.Equal(t, []bool{false, false}, []bool{enabled, active}, "enabled and active")
		calls := s.show("/systemd/calls")
		assert.Contains(t, calls, "stop pmssl-subscription@pmnamecheap.timer /usr/lib/pmssl/pmnamecheap\n", "before the link is removed")
		assert.Contains(t, calls, "disable pmssl-subscription@pmnamecheap.timer \n", "after the link is removed")
	})
}

// Nothing but the file in /run tells that a removal was killed.
func TestAnInstallationAfterARemovalThatWasKilledStartsTheTimer(t *testing.T) {
	needsPackages(t)
	s := newServer(t, "deb")
	s.systemd()
	s.install(older, "pmssl", "pmssl-namecheap")
	require.NoError(t, os.Remove(s.root+"/systemd/active"))
	s.put("/run/pmssl-pmnamecheap.stopped", "", 0o644)
	s.install(older, "pmssl-namecheap")
	_, active := s.timer()
	assert.True(t, active)
	assert.NoFileExists(t, s.root+"/run/pmssl-pmnamecheap.stopped")
}

func TestATimerThatSomebodyHasStoppedIsNotStarted(t *testing.T) {
	onBothWithSystemd(t, func(t *testing.T, s *server) {
		s.install(older, "pmssl", "pmssl-namecheap")
		require.NoError(t, os.Remove(s.root+"/systemd/active"))
		s.install(newer, "pmssl", "pmssl-namecheap")
		s.obstruct(program)
		out, _ := s.tryRemove("pmssl-namecheap")
		require.Regexp(t, "error|failed", out)
		enabled, active := s.timer()
		assert.Equal(t, []bool{true, false}, []bool{enabled, active}, "enabled and active")
	})
}

func TestARemovalDoesNotNeedTheInstalledLinkingScript(t *testing.T) {
	for name, text := range map[string]string{"missing": "", "damaged": "#!/bin/sh\nexit 1\n"} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, s *server) {
				s.put(program, foreign, 0o755)
				s.install(older, "pmssl", "pmssl-namecheap")
				link := s.root + library + "link-pmnamecheap"
				require.NoError(t, os.Remove(link))
				if text != "" {
					put(t, link, text, 0o755)
				}
				assert.Contains(t, s.remove("pmssl-namecheap"), "pmssl: put "+program+" back\n")
				assert.Equal(t, []string{foreign, "", ""}, []string{s.show(program), s.show(program + ".orig"), s.show(manifest)})
				assert.NotContains(t, s.show("/var/lib/dpkg/diversions"), "pmnamecheap")
			})
		})
	}
}

// The panel's package is not to blame for it.
func TestAPanelIsInstalledAlthoughTheLinkingScriptIsMissing(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		s.install(older, "pmssl", "pmssl-namecheap")
		require.NoError(t, os.Remove(s.root+library+"link-pmnamecheap"))
		out := s.install("", s.panelPackage("billmanager", "1", map[string]string{"/usr/local/mgr5/processing/pmnew": "new"}))
		if s.kind == "deb" {
			assert.Contains(t, out, "/usr/lib/pmssl/link-pmnamecheap is missing: the links in the panel's folders were not looked at. Install pmssl-namecheap again")
		}
		assert.Equal(t, "new", s.show("/usr/local/mgr5/processing/pmnew"))
	})
}

// ownModule is the module of the same name that the panel ships.
func ownModule(text string) map[string]string {
	return map[string]string{program: text, manifest: foreignForm}
}

func TestThePanelsOwnModuleIsKeptUpdatedAndPutBack(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		s.install("", s.panelPackage("billmanager", "1", ownModule(foreign)))
		before := s.panel()
		out := s.install(older, "pmssl", "pmssl-namecheap")
		assert.Contains(t, out, "pmssl: kept "+program+", which is not part of pmssl, as "+program+".orig\n")
		assert.Equal(t, []string{linkProgram, foreign}, []string{s.show(program), s.show(program + ".orig")})
		assert.Equal(t, []string{linkManifest, foreignForm}, []string{s.show(manifest), s.show(manifest + ".orig")})

		// An update of the panel brings its module back: as .orig, not in the place of the link.
		s.install("", s.panelPackage("billmanager", "2", ownModule(foreignNext)))
		assert.Equal(t, []string{linkProgram, foreignNext}, []string{s.show(program), s.show(program + ".orig")})
		assert.Equal(t, "pmnamecheap "+older+" (c0ffee)", s.version())
		s.install(newer, "pmssl", "pmssl-namecheap")
		assert.Equal(t, []string{linkProgram, foreignNext}, []string{s.show(program), s.show(program + ".orig")})

		assert.Contains(t, s.remove("pmssl-namecheap", "pmssl"), "pmssl: put "+program+" back\n")
		changed := map[string]string{"processing/pmnamecheap": foreignNext}
		if s.kind == "rpm" { // dpkg replaces the older one itself
			changed["processing/pmnamecheap.orig.1"] = foreign
		}
		assert.Equal(t, with(before, changed), s.panel())

		s.remove("billmanager")
		assert.Empty(t, s.show(program), "the panel's package finds its files where it has put them")
		assert.Empty(t, s.show(manifest))
	})
}

func TestAModuleThatThePanelDropsOrBringsLaterLeavesTheLink(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		s.install("", s.panelPackage("billmanager", "1", map[string]string{"/usr/local/mgr5/processing/pmnew": "new"}))
		s.install(older, "pmssl", "pmssl-namecheap")
		s.install("", s.panelPackage("billmanager", "2", ownModule(foreign)))
		assert.Equal(t, []string{linkProgram, foreign}, []string{s.show(program), s.show(program + ".orig")})
		s.install("", s.panelPackage("billmanager", "3", map[string]string{"/usr/local/mgr5/processing/pmnew": "new"}))
		assert.Equal(t, linkProgram, s.show(program))
		assert.Equal(t, linkManifest, s.show(manifest))
		s.remove("billmanager")
		assert.Equal(t, linkProgram, s.show(program))
		s.remove("pmssl-namecheap")
	})
}

func TestCopiesOfAnEarlierMakeInstallAreReplaced(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		before := s.panel()
		// A program of this source has the path of its package in it, with and without symbols.
		raw, err := os.ReadFile(extractProgram(t, s))
		require.NoError(t, err)
		s.put(program, string(raw), 0o755)
		form, err := os.ReadFile("../etc/xml/billmgr_mod_pmnamecheap.xml")
		require.NoError(t, err)
		s.put(manifest, string(form), 0o644)
		s.put("/usr/local/mgr5/etc/pmssl/templates/install.en.txt", "Subject: x\n", 0o644)

		out := s.install(newer, "pmssl", "pmssl-namecheap")
		assert.NotContains(t, out, "kept")
		assert.Equal(t, []string{linkProgram, ""}, []string{s.show(program), s.show(program + ".orig")})
		assert.Equal(t, []string{linkManifest, ""}, []string{s.show(manifest), s.show(manifest + ".orig")})
		assert.Equal(t, "pmnamecheap "+newer+" (c0ffee)", s.version())
		s.remove("pmssl-namecheap", "pmssl")
		assert.Equal(t, with(before, map[string]string{"etc/pmssl/templates/install.en.txt": "Subject: x\n"}), s.panel())
	})
}

// `make install` has told dpkg of its links; the package takes over, and the former installation removes only what is its own.
func TestAPackageTakesOverFromMakeInstall(t *testing.T) {
	needsPackages(t)
	s := newServer(t, "deb")
	s.install("", s.panelPackage("billmanager", "1", ownModule(foreign)))
	before := s.panel()
	bin := filepath.Dir(extractProgram(t, s))
	installer := func(action string) {
		cmd := exec.Command("../scripts/install.sh", action, "", s.root+"/usr/local/lib/pmssl", s.root+"/usr/local/share", s.root+"/usr/local/mgr5", bin, "pmnamecheap")
		// The paths of this server, for the dpkg-divert that the installer calls.
		tools := t.TempDir()
		put(t, tools+"/systemctl", "#!/bin/sh\n", 0o755)
		put(t, tools+"/dpkg-divert", "#!/bin/sh\nfor word; do shift; set -- \"$@\" \"${word#"+s.root+"}\"; done\nout=$(/usr/bin/dpkg-divert --root "+s.root+" \"$@\") || exit\n"+
			"case $out in /*) out="+s.root+"$out ;; esac\necho \"$out\"\n", 0o755)
		cmd.Env = append(os.Environ(), "PATH="+tools+":"+os.Getenv("PATH"))
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
	}
	installer("install")
	assert.Equal(t, "-> "+s.root+"/usr/local/lib/pmssl/pmnamecheap", s.show(program))
	assert.Contains(t, s.show("/var/lib/dpkg/diversions"), program+"\n"+program+".orig\n:\n", "of this host")

	// On a real server the link has no path of this test in front.
	require.NoError(t, os.Remove(s.root+program))
	require.NoError(t, os.Symlink("/usr/local/lib/pmssl/pmnamecheap", s.root+program))
	s.install(newer, "pmssl", "pmssl-namecheap")
	assert.Equal(t, []string{linkProgram, foreign}, []string{s.show(program), s.show(program + ".orig")})
	assert.Contains(t, s.show("/var/lib/dpkg/diversions"), program+"\n"+program+".orig\npmssl-namecheap\n")

	installer("uninstall")
	assert.Equal(t, []string{linkProgram, foreign}, []string{s.show(program), s.show(program + ".orig")})
	assert.NoDirExists(t, s.root+"/usr/local/lib/pmssl")
	s.remove("pmssl-namecheap", "pmssl")
	assert.Equal(t, before, s.panel())
}

// extractProgram returns the path of the program of a package.
func extractProgram(t *testing.T, s *server) string {
	t.Helper()
	folder := t.TempDir()
	deb := &server{t: t, root: s.root, kind: "deb"}
	command(t, "dpkg-deb", "-x", deb.packageFile("pmssl-namecheap", older), folder)
	return folder + "/usr/lib/pmssl/pmnamecheap"
}

func TestAPanelThatComesLaterFindsTheModules(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		require.NoError(t, os.RemoveAll(s.root+"/usr/local/mgr5"))
		out := s.install(older, all()...)
		assert.Contains(t, out, "pmssl: no BILLmanager here: the folder /usr/local/mgr5/processing is missing. The module is not linked. When the panel is installed, run /usr/lib/pmssl/link-pmnamecheap\n")
		assert.NotContains(t, out, "restart the panel")
		assert.NoDirExists(t, s.root+"/usr/local/mgr5")

		out = s.install("", s.panelPackage("billmanager", "1", map[string]string{
			"/usr/local/mgr5/processing/pmispmgrssl": foreign, "/usr/local/mgr5/etc/xml/billmgr_mod_pmispmgrssl.xml": foreignForm,
		}))
		assert.Contains(t, out, "pmssl: kept /usr/local/mgr5/processing/pmispmgrssl, which is not part of pmssl")
		for path, link := range links() {
			assert.Equal(t, link, s.show("/usr/local/mgr5/"+path), path)
		}
		s.remove(all()...)
		assert.Equal(t, foreign, s.show("/usr/local/mgr5/processing/pmispmgrssl"))
		assert.Empty(t, s.show(program))
	})
}

// dpkg has unpacked the files and not run the script that links: the panel's own module goes on working.
func TestAnUnpackedPackageLeavesThePanelsModule(t *testing.T) {
	needsPackages(t)
	s := newServer(t, "deb")
	s.install("", s.panelPackage("billmanager", "1", ownModule(foreign)))
	s.manage("--unpack", s.packageFile("pmssl", older), s.packageFile("pmssl-namecheap", older))
	assert.Equal(t, foreign, s.show(program))
	s.install("", s.panelPackage("billmanager", "2", ownModule(foreignNext)))
	assert.Equal(t, foreignNext, s.show(program))
	s.manage("--configure", "--pending")
	assert.Equal(t, []string{linkProgram, foreignNext}, []string{s.show(program), s.show(program + ".orig")})
}

func TestAnInterruptedConfigurationIsRepeated(t *testing.T) {
	needsPackages(t)
	s := newServer(t, "deb")
	s.put(program, foreign, 0o755)
	s.manage("--unpack", s.packageFile("pmssl", older), s.packageFile("pmssl-namecheap", older))
	restore := s.obstruct(program)
	out, err := s.manager("--configure", "--pending").CombinedOutput()
	require.Error(t, err, string(out))
	assert.Equal(t, foreign, s.show(program))
	restore()
	s.manage("--configure", "--pending")
	assert.Equal(t, []string{linkProgram, foreign}, []string{s.show(program), s.show(program + ".orig")})
}

func TestAnInterruptedRemovalIsRepeated(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		s.put(program, foreign, 0o755)
		s.install(older, "pmssl", "pmssl-namecheap")
		restore := s.obstruct(program)
		out, _ := s.tryRemove("pmssl-namecheap")
		require.Regexp(t, "error|failed", out)
		assert.Equal(t, linkProgram, s.show(program))
		assert.Equal(t, "pmnamecheap "+older+" (c0ffee)", s.version(), "the package is still there")
		restore()
		s.remove("pmssl-namecheap")
		assert.Equal(t, []string{foreign, ""}, []string{s.show(program), s.show(program + ".orig")})
	})
}

// rpm ends an installation whose script fails with a warning.
func TestAFailedScriptOfRpmIsRepeatedByHand(t *testing.T) {
	needsPackages(t)
	s := newServer(t, "rpm")
	s.put(program+"/file", "x", 0o644)
	out, _ := s.manager("--install", s.packageFile("pmssl", older), s.packageFile("pmssl-namecheap", older)).CombinedOutput()
	assert.Contains(t, string(out), "scriptlet failed")
	assert.Contains(t, string(out), "pmssl: "+program+" is a folder; move it away and run /usr/lib/pmssl/link-pmnamecheap again\n")
	require.NoError(t, os.RemoveAll(s.root+program))
	linked, err := s.start("/usr/lib/pmssl/link-pmnamecheap").CombinedOutput()
	require.NoError(t, err, string(linked))
	assert.Equal(t, linkProgram, s.show(program))
}

func TestARunningModuleEndsAlthoughItsPackageIsRemoved(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		s.install(older, "pmssl", "pmssl-namecheap")
		input, write := io.Pipe()
		var answer, errors bytes.Buffer
		running := s.start(program, "--command", "check_connection")
		running.Stdin, running.Stdout, running.Stderr = input, &answer, &errors
		require.NoError(t, running.Start())
		s.install(newer, "pmssl", "pmssl-namecheap")
		s.remove("pmssl-namecheap", "pmssl")
		assert.Empty(t, s.show(program))
		_, err := write.Write([]byte("<doc/>"))
		require.NoError(t, err)
		require.NoError(t, write.Close())
		_ = running.Wait() // there is nobody to connect to
		assert.Contains(t, answer.String(), "<?xml", errors.String())
	})
}

func TestAUnitOfMakeInstallIsNamed(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		s.put("/etc/systemd/system/pmssl-subscription@.timer", "[Timer]\n", 0o644)
		assert.Contains(t, s.install(older, "pmssl"), "pmssl: /etc/systemd/system/pmssl-subscription@.timer takes the place of this package's unit")
		assert.FileExists(t, s.root+"/usr/lib/systemd/system/pmssl-subscription@.service")
		assert.NoDirExists(t, s.root+"/etc/systemd/system/timers.target.wants", "no timer is enabled")
	})
}

func TestEachPackageHoldsProgramsOfItsMachine(t *testing.T) {
	needsPackages(t)
	for arch, machine := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64} {
		for name, module := range map[string]string{"pmssl-namecheap": "pmnamecheap", "pmssl-ispmanager": "pmispmgrssl"} {
			deb := filepath.Join(built, older, name+"_"+older+"-1_"+arch+".deb")
			folder := t.TempDir()
			command(t, "dpkg-deb", "-x", deb, folder)
			program, err := elf.Open(folder + "/usr/lib/pmssl/" + module)
			require.NoError(t, err)
			assert.Equal(t, machine, program.Machine, deb)
			libraries, err := program.ImportedLibraries()
			require.NoError(t, err)
			assert.Empty(t, libraries, "it is static")
			require.NoError(t, program.Close())
			assert.Equal(t, arch+"\n", command(t, "dpkg-deb", "-f", deb, "Architecture"))
			assert.Equal(t, "pmssl (>= "+older+"-1)\n", command(t, "dpkg-deb", "-f", deb, "Depends"))
			assert.Equal(t, "ca-certificates\n", command(t, "dpkg-deb", "-f", deb, "Recommends"))
		}
		uname := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[arch]
		rpm := filepath.Join(built, older, "pmssl-namecheap-"+older+"-1."+uname+".rpm")
		assert.Equal(t, uname, command(t, "rpm", "-qp", "--qf", "%{ARCH}", rpm))
		assert.Contains(t, command(t, "rpm", "-K", rpm), "digests OK")
		assert.Contains(t, command(t, "rpm", "-qp", "--requires", rpm), "pmssl >= "+older+"-1\n")
		assert.Contains(t, command(t, "rpm", "-qp", "--recommends", rpm), "ca-certificates\n")
	}
}

func TestTheListOfSumsIsOfAllPackages(t *testing.T) {
	needsPackages(t)
	cmd := exec.Command("sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS")
	cmd.Dir = filepath.Join(built, older)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	sums, err := os.ReadFile(filepath.Join(built, older, "SHA256SUMS"))
	require.NoError(t, err)
	packages, err := filepath.Glob(filepath.Join(built, older, "*.[dr][ep][bm]"))
	require.NoError(t, err)
	assert.Len(t, packages, 10)
	assert.Equal(t, 10, strings.Count(string(sums), "\n"))
}

// A list of a former build would name packages that are not there, or have other bytes.
func TestABuildThatFailsLeavesNoListOfSums(t *testing.T) {
	needsPackages(t)
	folder, tools := t.TempDir(), t.TempDir()
	put(t, folder+"/SHA256SUMS", "of a former build\n", 0o644)
	put(t, tools+"/sha256sum", "#!/bin/sh\nexit 1\n", 0o755)
	t.Setenv("PATH", tools+":"+os.Getenv("PATH"))
	out, err := script("packages.sh", newer, runtime.GOARCH, folder)
	require.Error(t, err, out)
	assert.NoFileExists(t, folder+"/SHA256SUMS")
}

// list returns the paths of the files and links of a package.
func (s *server) list(name string) []string {
	s.t.Helper()
	out := ""
	if s.kind == "deb" {
		out = command(s.t, "sh", "-c", "dpkg-deb --fsys-tarfile '"+s.packageFile(name, older)+"' | tar -t")
	} else {
		out = command(s.t, "rpm", "-qpl", s.packageFile(name, older))
	}
	var paths []string
	for line := range strings.Lines(out) {
		paths = append(paths, "/"+strings.TrimLeft(strings.TrimSpace(line), "./"))
	}
	return paths
}

func TestAModulesPackageHoldsItsProgramFormCompletionAndLogo(t *testing.T) {
	needsPackages(t)
	for kind, zsh := range map[string]string{"deb": "vendor-completions", "rpm": "site-functions"} {
		s := &server{t: t, kind: kind}
		for name, module := range map[string]string{"pmssl-namecheap": "pmnamecheap", "pmssl-ispmanager": "pmispmgrssl"} {
			want := []string{
				"/usr/lib/pmssl/" + module, "/usr/lib/pmssl/link-" + module, "/usr/lib/pmssl/xml/billmgr_mod_" + module + ".xml", "/usr/sbin/" + module, "/usr/share/doc/" + name,
				"/usr/share/bash-completion/completions/" + module, "/usr/share/fish/vendor_completions.d/" + module + ".fish", "/usr/share/zsh/" + zsh + "/_" + module,
			}
			if _, err := os.Stat("../etc/logos/" + module + ".png"); err == nil {
				want = append(want, "/usr/lib/pmssl/logos/"+module+".png")
			}
			var held []string
			for _, path := range s.list(name) {
				if !strings.HasSuffix(path, "/") { // a folder
					held = append(held, path)
				}
			}
			assert.ElementsMatch(t, want, held, "%s of %s", kind, name)
		}
	}
}

func TestTheCommonPackageHoldsUnitsPagesAndSamples(t *testing.T) {
	needsPackages(t)
	for _, kind := range []string{"deb", "rpm"} {
		s := &server{t: t, kind: kind}
		held := s.list("pmssl")
		for _, path := range []string{
			"/usr/lib/systemd/system/pmssl-subscription@.service", "/usr/lib/systemd/system/pmssl-subscription@.timer", "/usr/share/man/man8/pmssl.8.gz",
			"/usr/share/man/man8/pmnamecheap.8.gz", "/usr/share/doc/pmssl/README.md", "/usr/share/doc/pmssl/CHANGELOG.md", "/usr/share/doc/pmssl/copyright",
			"/usr/share/doc/pmssl/docs/settings.md", "/usr/share/doc/pmssl/etc/samples/billmgr.conf", "/usr/share/doc/pmssl/etc/samples/pmssl/exec-nsupdate.sh",
		} {
			assert.Contains(t, held, path, kind)
		}
	}
}

// The pages of the package show their pictures and find each other.
func TestLinksBetweenThePackagesPagesResolve(t *testing.T) {
	needsPackages(t)
	const folder = "/usr/share/doc/pmssl/"
	link := regexp.MustCompile(`\]\(([^)#]+)|(?:src|srcset)="([^" ]+)`)
	for _, kind := range []string{"deb", "rpm"} {
		s := &server{t: t, kind: kind}
		held := s.list("pmssl")
		pictures := 0
		for _, path := range held {
			page, shipped := strings.CutPrefix(path, folder)
			if !shipped || filepath.Ext(page) != ".md" {
				continue
			}
			for _, match := range link.FindAllStringSubmatch(show(t, "../"+page), -1) {
				target := match[1] + match[2]
				if strings.Contains(target, "://") {
					continue
				}
				target = filepath.Join(folder, filepath.Dir(page), target)
				assert.True(t, slices.Contains(held, target) || slices.Contains(held, target+"/"), "%s: %s links to %s", kind, page, target)
				if strings.HasPrefix(target, folder+"docs/pictures/") {
					pictures++
				}
			}
		}
		assert.GreaterOrEqual(t, pictures, 2, kind)
	}
}

// The programs contain code of other projects, whose licenses want to be named.
func TestTheLicensesOfTheProgramsCodeAreIncluded(t *testing.T) {
	needsPackages(t)
	s, folder := &server{t: t, kind: "deb"}, t.TempDir()
	command(t, "dpkg-deb", "-x", s.packageFile("pmssl", older), folder)
	text := show(t, folder+"/usr/share/doc/pmssl/copyright")
	program, err := buildinfo.ReadFile(extractProgram(t, s))
	require.NoError(t, err)
	require.NotEmpty(t, program.Deps)
	for _, module := range program.Deps {
		assert.Contains(t, text, "== "+module.Path+" "+module.Version+"\n")
	}
	assert.Contains(t, text, "== Go, its standard library\n")
}

// No package of the module writes below /usr/local: the panel's folders hold links that the scripts make.
func TestPackagesHoldNothingOfThePanelsFolders(t *testing.T) {
	needsPackages(t)
	for _, kind := range []string{"deb", "rpm"} {
		s := &server{t: t, kind: kind}
		for _, name := range all() {
			for _, path := range s.list(name) {
				assert.False(t, strings.HasPrefix(path, "/usr/local"), path)
				assert.NotContains(t, path, ".en.txt", "texts of mails are built in")
			}
		}
	}
}

func TestTwoBuildsGiveTheSameBytes(t *testing.T) {
	needsPackages(t)
	again := t.TempDir()
	out, err := script("packages.sh", newer, runtime.GOARCH, again)
	require.NoError(t, err, out)
	first, err := os.ReadFile(filepath.Join(built, newer, "SHA256SUMS"))
	require.NoError(t, err)
	second, err := os.ReadFile(filepath.Join(again, "SHA256SUMS"))
	require.NoError(t, err)
	assert.Equal(t, string(first), string(second))
	assert.Equal(t, 6, strings.Count(string(first), "\n"))
}

func TestATarballKnowsItsVersionAndInstallsWithoutGo(t *testing.T) {
	needsPackages(t)
	top, sums := t.TempDir(), map[string]bool{}
	for range 2 {
		out, err := script("dist.sh", older, runtime.GOARCH, top)
		require.NoError(t, err, out)
		sums[strings.Fields(command(t, "sha256sum", top+"/pmssl-"+older+".tar.gz"))[0]] = true
	}
	assert.Len(t, sums, 1, "two builds give the same bytes")
	command(t, "tar", "-xzf", top+"/pmssl-"+older+".tar.gz", "-C", top)
	top += "/pmssl-" + older
	assert.Equal(t, older+" c0ffee 1790000000\n", show(t, top+"/VERSION"))
	assert.Equal(t, show(t, "../docs/pictures/plan.svg"), show(t, top+"/docs/pictures/plan.svg"), "README's links work in it")
	assert.Equal(t, older+" c0ffee 1790000000\n", command(t, top+"/scripts/version.sh"))

	server := t.TempDir()
	for _, folder := range []string{"panel/processing", "panel/etc/xml", "dpkg"} {
		require.NoError(t, os.MkdirAll(filepath.Join(server, folder), 0o755))
	}
	put(t, server+"/panel/processing/pmispmgrssl", foreign, 0o755)
	run := func(target string) string {
		cmd := exec.Command("make", "-C", top, target, "PREFIX="+server+"/lib", "DATADIR="+server+"/share", "MGR5_ROOT="+server+"/panel")
		cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DPKG_ADMINDIR=" + server + "/dpkg"}
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		return string(out)
	}
	assert.NotContains(t, run("install"), "building")
	assert.Equal(t, "pmnamecheap "+older+" (c0ffee)\n", command(t, server+"/panel/processing/pmnamecheap", "--version"))
	assert.Equal(t, foreign, show(t, server+"/panel/processing/pmispmgrssl.orig"))
	run("uninstall")
	assert.Equal(t, map[string]string{"processing": "/", "processing/pmispmgrssl": foreign, "etc": "/", "etc/xml": "/"}, files(t, server+"/panel"))
}
