package scripts_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// entry is a file as it was installed.
type entry struct {
	mode    os.FileMode
	content string
}

// installed returns the files below a folder by their path in it.
func installed(t *testing.T, folder string) map[string]entry {
	t.Helper()
	got := map[string]entry{}
	require.NoError(t, filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		require.NoError(t, err)
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		name, err := filepath.Rel(folder, path)
		got[name] = entry{info.Mode(), string(content)}
		return err
	}))
	return got
}

// script runs a script of this folder, which must succeed, and returns its output.
func script(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	require.NoError(t, err, string(out))
	return string(out)
}

// put writes a source file with a mode that no installed file has.
func put(t *testing.T, folder, name, content string) string {
	t.Helper()
	path := filepath.Join(folder, name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// systemctl notes its calls, each with the target of the link that the file "module" beside it names, and keeps the state of a timer
// that is enabled and runs at the start.
const systemctl = `#!/bin/sh
[ "$1" != --quiet ] || shift
target=$(readlink "$(cat "$0.module" 2>/dev/null)")
echo "$1 $2 $target" >>"$0.calls"
case $1 in
is-active) [ ! -e "$0.stopped" ] ;;
start) rm -f "$0.stopped" ;;
stop) echo >"$0.stopped" ;;
disable) echo >"$0.disabled" ;;
esac
`

// target is a panel and folders for programs and pages, on a machine whose dpkg knows nothing and that has a timer.
type target struct {
	t              *testing.T
	folder, prefix string
	panel, bin     string
	data           string
	// path is put before PATH.
	path string
}

func newTarget(t *testing.T) target {
	t.Helper()
	folder := t.TempDir()
	h := target{t: t, folder: folder, prefix: folder + "/lib/pmssl", panel: folder + "/mgr5", bin: folder + "/bin", data: folder + "/share"}
	for _, name := range []string{"mgr5/processing", "mgr5/etc/xml", "dpkg", "tools"} {
		require.NoError(t, os.MkdirAll(filepath.Join(folder, name), 0o755))
	}
	require.NoError(t, os.WriteFile(folder+"/tools/systemctl", []byte(systemctl), 0o755))
	h.build("one")
	return h
}

// build puts other programs into the folder of the built ones.
func (h target) build(content string) {
	h.t.Helper()
	require.NoError(h.t, os.MkdirAll(h.bin, 0o755))
	for _, module := range []string{"pmnamecheap", "pmispmgrssl"} {
		require.NoError(h.t, os.WriteFile(filepath.Join(h.bin, module), []byte(content), 0o700))
	}
}

// run runs install.sh for a module and returns its output and exit code.
func (h target) run(action, stage, prefix, panel, module string) (string, int) {
	h.t.Helper()
	cmd := exec.Command("./install.sh", action, stage, prefix, h.data, panel, h.bin, module)
	require.NoError(h.t, os.WriteFile(h.folder+"/tools/systemctl.module", []byte(panel+"/processing/"+module), 0o600))
	cmd.Env = append(os.Environ(), "DPKG_ADMINDIR="+h.folder+"/dpkg", "TMPDIR="+h.folder, "PATH="+h.path+h.folder+"/tools:"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		require.NoError(h.t, err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func (h target) must(action, stage string) string {
	h.t.Helper()
	prefix, panel := h.prefix, h.panel
	if stage != "" {
		prefix, panel = "/usr/local/lib/pmssl", "/usr/local/mgr5"
	}
	out, code := h.run(action, stage, prefix, panel, "pmnamecheap")
	require.Zero(h.t, code, out)
	return out
}

func (h target) read(path string) string {
	h.t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(h.t, err)
	return string(content)
}

func TestInstallPutsProgramsToThePrefixAndLinksToThePanel(t *testing.T) {
	h := newTarget(t)
	h.must("install", "")
	h.build("two")
	out := h.must("install", "")
	assert.NotContains(t, out, "linked", "the links are there")
	modes := map[string]os.FileMode{}
	for name, file := range installed(t, h.prefix) {
		modes[name] = file.mode
	}
	assert.Equal(t, map[string]os.FileMode{
		"pmnamecheap": 0o755, "link-pmnamecheap": 0o755, "xml/billmgr_mod_pmnamecheap.xml": 0o644, "logos/pmnamecheap.png": 0o644,
	}, modes)
	assert.Equal(t, "two", h.read(h.panel+"/processing/pmnamecheap"))
	assert.Contains(t, h.read(h.panel+"/etc/xml/billmgr_mod_pmnamecheap.xml"), "<author>pmssl</author>")
	points, err := os.Readlink(h.panel + "/processing/pmnamecheap")
	require.NoError(t, err)
	assert.Equal(t, h.prefix+"/pmnamecheap", points)
	assert.NoDirExists(t, h.panel+"/etc/pmssl", "texts of mails are built in")
}

// dataFiles are the files that a module has below DATADIR, and the page of both.
func dataFiles(module string) []string {
	return []string{
		"man/man8/pmssl.8", "man/man8/" + module + ".8", "bash-completion/completions/" + module,
		"fish/vendor_completions.d/" + module + ".fish", "zsh/site-functions/_" + module,
	}
}

func TestInstallPutsPagesAndCompletionsWhereTheyAreFound(t *testing.T) {
	h := newTarget(t)
	require.NoError(t, os.MkdirAll(h.data+"/man/man8", 0o755))
	put(t, h.data, "man/man8/other.8", "of another program")
	before := installed(t, h.data)
	h.must("install", "")
	got := installed(t, h.data)
	for _, name := range dataFiles("pmnamecheap") {
		assert.Equal(t, os.FileMode(0o644), got[name].mode, name)
	}
	assert.Len(t, got, 6)
	for name, source := range map[string]string{
		"man/man8/pmssl.8": "man/pmssl.8", "bash-completion/completions/pmnamecheap": "completion/bash/pmnamecheap",
		"zsh/site-functions/_pmnamecheap": "completion/zsh/_pmnamecheap", "fish/vendor_completions.d/pmnamecheap.fish": "completion/fish/pmnamecheap.fish",
	} {
		assert.Equal(t, h.read("../etc/"+source), got[name].content, name)
	}

	out, code := h.run("install", "", h.prefix, h.panel, "pmispmgrssl")
	require.Zero(t, code, out)
	h.must("uninstall", "")
	var left []string
	for name := range installed(t, h.data) {
		left = append(left, name)
	}
	assert.ElementsMatch(t, append(dataFiles("pmispmgrssl"), "man/man8/other.8"), left, "the page of both stays with the other module")
	out, code = h.run("uninstall", "", h.prefix, h.panel, "pmispmgrssl")
	require.Zero(t, code, out)
	assert.Equal(t, before, installed(t, h.data))
}

func TestAPageOfAnotherProgramStays(t *testing.T) {
	h := newTarget(t)
	require.NoError(t, os.MkdirAll(h.data+"/man/man8", 0o755))
	put(t, h.data, "man/man8/pmnamecheap.8", "of another program")
	assert.Contains(t, h.must("install", ""), "left "+h.data+"/man/man8/pmnamecheap.8, which is not part of ")
	h.must("uninstall", "")
	assert.Equal(t, "of another program", h.read(h.data+"/man/man8/pmnamecheap.8"))
}

func TestInstallWithAStageMakesTheFoldersAndLinksWithoutTheStage(t *testing.T) {
	h := newTarget(t)
	stage := filepath.Join(h.folder, "a stage")
	h.must("install", stage)
	assert.Equal(t, "one", h.read(stage+"/usr/local/lib/pmssl/pmnamecheap"))
	for link, want := range map[string]string{
		"processing/pmnamecheap": "pmnamecheap", "etc/xml/billmgr_mod_pmnamecheap.xml": "xml/billmgr_mod_pmnamecheap.xml",
	} {
		points, err := os.Readlink(filepath.Join(stage, "/usr/local/mgr5", link))
		require.NoError(t, err)
		assert.Equal(t, "/usr/local/lib/pmssl/"+want, points)
	}
	assert.NoFileExists(t, h.folder+"/dpkg/diversions", "the dpkg of this machine has nothing to do with it")
	h.must("uninstall", stage)
	assert.Empty(t, installed(t, stage))
}

func TestUninstallRemovesWhatInstallHasPutThereAndPutsTheRestBack(t *testing.T) {
	h := newTarget(t)
	for name, content := range map[string]string{
		"processing/pmnamecheap": "the panel's", "processing/pmother": "other", "var/pmnamecheap.purchases": "a purchase", "etc/pmssl/a.conf": "allow example.com",
	} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(h.panel, name)), 0o755))
		put(t, h.panel, name, content)
	}
	before := installed(t, h.panel)
	assert.Contains(t, h.must("install", ""), "kept "+h.panel+"/processing/pmnamecheap, which is not part of pmssl, as "+h.panel+"/processing/pmnamecheap.orig")
	assert.Equal(t, "one", h.read(h.panel+"/processing/pmnamecheap"))

	out := h.must("uninstall", "")
	assert.Contains(t, out, "put "+h.panel+"/processing/pmnamecheap back")
	assert.Contains(t, out, "kept: what the modules keep in "+h.panel+"/var and your files in "+h.panel+"/etc/pmssl")
	assert.Equal(t, before, installed(t, h.panel))
	assert.NoDirExists(t, h.prefix)
	assert.Contains(t, h.must("uninstall", ""), "not installed in "+h.prefix+": pmnamecheap")
}

func TestUninstallDisablesTheTimerUnlessAnotherInstallationHasTakenThePlace(t *testing.T) {
	const disabled = "disable pmssl-subscription@pmnamecheap.timer "
	for name, tc := range map[string]struct {
		replace func(h target, module string) error
		want    string
	}{
		"our link":     {nil, disabled},
		"a package":    {func(_ target, module string) error { return os.Symlink("/usr/lib/pmssl/pmnamecheap", module) }, ""},
		"another file": {func(_ target, module string) error { return os.WriteFile(module, []byte("the panel's"), 0o600) }, disabled},
		"nothing":      {func(target, string) error { return nil }, disabled},
		"a dead link":  {func(_ target, module string) error { return os.Symlink("/nowhere/pmnamecheap", module) }, disabled},
		"another PREFIX": {func(h target, module string) error {
			if err := os.MkdirAll(h.folder+"/opt", 0o755); err != nil {
				return err
			}
			return errors.Join(os.WriteFile(h.folder+"/opt/link-pmnamecheap", nil, 0o755), os.Symlink(h.folder+"/opt/pmnamecheap", module))
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := newTarget(t)
			h.must("install", "")
			module := h.panel + "/processing/pmnamecheap"
			if tc.replace != nil {
				require.NoError(t, os.Remove(module))
				require.NoError(t, tc.replace(h, module))
			}
			before, _ := os.Lstat(module)
			h.must("uninstall", "")
			calls, err := os.ReadFile(h.folder + "/tools/systemctl.calls")
			if !errors.Is(err, fs.ErrNotExist) {
				require.NoError(t, err)
			}
			var got string
			for line := range strings.Lines(string(calls)) {
				if strings.HasPrefix(line, "disable") {
					got += line[:strings.LastIndex(line, " ")+1]
				}
			}
			assert.Equal(t, tc.want, got)
			_, err = os.Lstat(module)
			assert.Equal(t, tc.replace != nil && before != nil, err == nil, "what is not this installation's stays")
		})
	}
}

func TestAnUninstallThatFailsLeavesTheTimer(t *testing.T) {
	h := newTarget(t)
	h.must("install", "")
	blocked := h.panel + "/processing/pmnamecheap.pmssl-new"
	require.NoError(t, os.MkdirAll(blocked+"/file", 0o755))
	out, code := h.run("uninstall", "", h.prefix, h.panel, "pmnamecheap")
	assert.Equal(t, 1, code)
	assert.Contains(t, out, "install: pmnamecheap is still installed\n")
	assert.Equal(t, "one", h.read(h.panel+"/processing/pmnamecheap"))
	assert.FileExists(t, h.panel+"/etc/xml/billmgr_mod_pmnamecheap.xml", "what was removed is linked again")
	assert.NoFileExists(t, h.folder+"/tools/systemctl.disabled")
	assert.NoFileExists(t, h.folder+"/tools/systemctl.stopped")

	require.NoError(t, os.RemoveAll(blocked))
	h.must("uninstall", "")
	assert.FileExists(t, h.folder+"/tools/systemctl.disabled")
	calls := h.read(h.folder + "/tools/systemctl.calls")
	assert.Contains(t, calls, "stop pmssl-subscription@pmnamecheap.timer "+h.prefix+"/pmnamecheap\n", "before the link is removed")
	assert.True(t, strings.HasSuffix(calls, "disable pmssl-subscription@pmnamecheap.timer \n"), "after the link is removed:\n%s", calls)
}

// Somebody has deleted the linking script, or the whole folder.
func TestUninstallDoesNotNeedTheLinkingScript(t *testing.T) {
	for name, deleted := range map[string]string{"the script": "/link-pmnamecheap", "the folder": ""} {
		t.Run(name, func(t *testing.T) {
			h := newTarget(t)
			put(t, h.panel, "processing/pmnamecheap", "the panel's")
			before := installed(t, h.panel)
			h.must("install", "")
			require.NoError(t, os.RemoveAll(h.prefix+deleted))
			h.must("uninstall", "")
			assert.Equal(t, before, installed(t, h.panel))
			assert.NoDirExists(t, h.prefix)
			assert.FileExists(t, h.folder+"/tools/systemctl.disabled")
		})
	}
}

func TestAnEditedManifestIsKeptByInstallAndUninstall(t *testing.T) {
	h := newTarget(t)
	h.must("install", "")
	manifest := h.panel + "/etc/xml/billmgr_mod_pmnamecheap.xml" // a link
	shipped := h.read(manifest)
	assert.NotContains(t, h.must("install", ""), "kept")
	require.NoError(t, os.WriteFile(manifest, []byte(shipped+"<!-- edited -->\n"), 0o600))
	out := h.must("install", "")
	assert.Contains(t, out, "kept "+h.prefix+"/xml/billmgr_mod_pmnamecheap.xml, which was changed after its installation, as "+manifest+".old\n")
	assert.Equal(t, shipped, h.read(manifest))
	assert.Equal(t, shipped+"<!-- edited -->\n", h.read(manifest+".old"))

	require.NoError(t, os.WriteFile(manifest, []byte(shipped+"<!-- edited again -->\n"), 0o600))
	h.must("uninstall", "")
	assert.Equal(t, shipped+"<!-- edited again -->\n", h.read(manifest+".old.1"))
}

// An update that copies the panel's module over the link writes into PREFIX.
func TestAModuleOfThePanelThatWasCopiedOverTheLinkIsPutBack(t *testing.T) {
	h := newTarget(t)
	module := h.panel + "/processing/pmnamecheap"
	put(t, h.panel, "processing/pmnamecheap", "the panel's")
	h.must("install", "")
	require.NoError(t, os.WriteFile(module, []byte("the panel's, next version"), 0o600))
	h.build("two")
	h.must("install", "")
	assert.Equal(t, "two", h.read(module))
	h.must("uninstall", "")
	assert.Equal(t, "the panel's, next version", h.read(module))
	assert.Equal(t, "the panel's", h.read(module+".orig.1"))
}

// The units serve all modules, also one of another PREFIX.
func TestUninstallLeavesTheUnitsToAModuleOfAnotherPrefix(t *testing.T) {
	h := newTarget(t)
	stage := h.folder + "/stage"
	unit := stage + "/etc/systemd/system/pmssl-subscription@.timer"
	script(t, "./install-systemd.sh", filepath.Dir(unit), "/usr/local/mgr5", "../etc/systemd/pmssl-subscription@.timer")
	h.must("install", stage)
	out, code := h.run("install", stage, "/opt/pmssl", "/usr/local/mgr5", "pmispmgrssl")
	require.Zero(t, code, out)
	h.must("uninstall", stage)
	assert.FileExists(t, unit)
	require.NoError(t, os.WriteFile(unit, []byte("[Timer]\nOnCalendar=daily\n"), 0o600))
	out, code = h.run("uninstall", stage, "/opt/pmssl", "/usr/local/mgr5", "pmispmgrssl")
	require.Zero(t, code, out)
	assert.NoFileExists(t, unit)
	assert.Equal(t, "[Timer]\nOnCalendar=daily\n", h.read(unit+".old"), "it was edited")
}

func TestUninstallLeavesAMaskedUnit(t *testing.T) {
	h := newTarget(t)
	stage := h.folder + "/stage"
	h.must("install", stage)
	unit := stage + "/etc/systemd/system/pmssl-subscription@.timer"
	require.NoError(t, os.MkdirAll(filepath.Dir(unit), 0o755))
	require.NoError(t, os.Symlink("/dev/null", unit))
	assert.Contains(t, h.must("uninstall", stage), "left "+unit+", a link to /dev/null\n")
	points, err := os.Readlink(unit)
	require.NoError(t, err)
	assert.Equal(t, "/dev/null", points)
}

func TestAFolderInThePlaceOfAFileIsAnError(t *testing.T) {
	h := newTarget(t)
	require.NoError(t, os.MkdirAll(h.prefix+"/pmnamecheap/file", 0o755))
	out, code := h.run("install", "", h.prefix, h.panel, "pmnamecheap")
	assert.Equal(t, 1, code, out)
	assert.Contains(t, out, h.prefix+"/pmnamecheap was not written\n")
	assert.NoFileExists(t, h.prefix+"/pmnamecheap/pmnamecheap")
	_, err := os.Lstat(h.panel + "/processing/pmnamecheap")
	assert.ErrorIs(t, err, fs.ErrNotExist)
}

func TestPathsOfTheStageMayHaveAnyCharacter(t *testing.T) {
	h := newTarget(t)
	stage := h.folder + "/it's a [stage]"
	h.must("install", stage)
	out, code := h.run("install", stage+"/", "/usr/local/lib/pmssl/", "/usr/local/mgr5/", "pmispmgrssl")
	require.Zero(t, code, out)
	points, err := os.Readlink(stage + "/usr/local/mgr5/processing/pmispmgrssl")
	require.NoError(t, err)
	assert.Equal(t, "/usr/local/lib/pmssl/pmispmgrssl", points)
	h.must("uninstall", stage)
	assert.FileExists(t, stage+"/usr/local/lib/pmssl/pmispmgrssl")
	out, code = h.run("uninstall", stage+"/", "/usr/local/lib/pmssl/", "/usr/local/mgr5/", "pmispmgrssl")
	require.Zero(t, code, out)
	assert.Empty(t, installed(t, stage))
}

func TestAnUnknownModuleIsAnError(t *testing.T) {
	h := newTarget(t)
	for _, action := range []string{"install", "uninstall"} {
		out, code := h.run(action, "", h.prefix, h.panel, "pmnamecheep")
		assert.Equal(t, 1, code)
		assert.Contains(t, out, "install: there is no module pmnamecheep\n")
	}
}

// The script is killed before each program that it starts of those that change names.
func TestAnInterruptedInstallOrUninstallCanBeRepeated(t *testing.T) {
	for action, programs := range map[string][]string{"install": {"mv"}, "uninstall": {"rm", "systemctl"}} {
		t.Run(action, func(t *testing.T) {
			h := newTarget(t)
			put(t, h.panel, "processing/pmnamecheap", "the panel's")
			before := installed(t, h.panel)
			h.must("install", "")
			h.build("two")
			start := t.TempDir()
			script(t, "cp", "-a", h.folder, start)
			step := 0
			for killed := true; killed; step++ {
				require.Less(t, step, 40)
				require.NoError(t, os.RemoveAll(h.folder))
				script(t, "cp", "-a", filepath.Join(start, filepath.Base(h.folder)), h.folder)
				killed = h.interrupt(action, step, programs)
				assert.Contains(t, []string{"the panel's", "one", "two"}, h.read(h.panel+"/processing/pmnamecheap"), "step %d", step)
				assert.NotContains(t, h.must(action, ""), "changed after", "step %d", step)
				if action == "uninstall" {
					require.Equal(t, before, installed(t, h.panel), "step %d", step)
					require.Empty(t, slices.Collect(maps.Keys(installed(t, h.data))), "step %d", step)
					require.NoDirExists(t, h.prefix, "step %d", step)
					require.FileExists(t, h.folder+"/tools/systemctl.disabled", "step %d", step)
					continue
				}
				require.Equal(t, "two", h.read(h.panel+"/processing/pmnamecheap"))
				require.Len(t, installed(t, h.prefix), 4, "step %d", step)
				require.Len(t, installed(t, h.data), 5, "step %d", step)
				require.Len(t, installed(t, h.panel), 3, "step %d", step)
			}
			require.Greater(t, step, 8)
		})
	}
}

// interrupt runs install.sh and kills what starts the given of the programs; it returns false if fewer are started.
func (h *target) interrupt(action string, step int, programs []string) bool {
	h.t.Helper()
	tools := h.t.TempDir()
	for _, name := range programs {
		real := h.folder + "/tools/" + name
		if _, err := os.Stat(real); err != nil {
			real, err = exec.LookPath(name)
			require.NoError(h.t, err)
		}
		wrapper := fmt.Sprintf("#!/bin/sh\necho >>%[1]s/steps\nn=$(wc -l <%[1]s/steps)\n"+
			"if [ $n = %[2]d ]; then kill -9 $PPID; exit 1; fi\nexec %[3]s \"$@\"\n", tools, step+1, real)
		require.NoError(h.t, os.WriteFile(filepath.Join(tools, name), []byte(wrapper), 0o755))
	}
	h.path = tools + ":"
	defer func() { h.path = "" }()
	h.run(action, "", h.prefix, h.panel, "pmnamecheap")
	return strings.Count(h.read(tools+"/steps"), "\n") > step
}

func TestUninstallOfOneModuleLeavesTheOther(t *testing.T) {
	h := newTarget(t)
	units := filepath.Join(h.folder, "stage/etc/systemd/system")
	stage := h.folder + "/stage"
	script(t, "./install-systemd.sh", units, "/usr/local/mgr5", "../etc/systemd/pmssl-subscription@.timer")
	h.must("install", stage)
	out, code := h.run("install", stage, "/usr/local/lib/pmssl", "/usr/local/mgr5", "pmispmgrssl")
	require.Zero(t, code, out)
	h.must("uninstall", stage)
	assert.FileExists(t, stage+"/usr/local/lib/pmssl/pmispmgrssl")
	assert.FileExists(t, units+"/pmssl-subscription@.timer")
	out, code = h.run("uninstall", stage, "/usr/local/lib/pmssl", "/usr/local/mgr5", "pmispmgrssl")
	require.Zero(t, code, out)
	assert.NoFileExists(t, units+"/pmssl-subscription@.timer")
}

// The units may belong to an installation elsewhere: of another PREFIX, of a package, or of a version that copied its files.
func TestUninstallOfNothingLeavesTheUnits(t *testing.T) {
	h := newTarget(t)
	stage := h.folder + "/stage"
	units := stage + "/etc/systemd/system"
	script(t, "./install-systemd.sh", units, "/usr/local/mgr5", "../etc/systemd/pmssl-subscription@.timer")
	out := h.must("uninstall", stage)
	assert.Contains(t, out, "not installed in /usr/local/lib/pmssl: pmnamecheap")
	assert.NotContains(t, out, "removed")
	assert.FileExists(t, units+"/pmssl-subscription@.timer")
}

func TestInstallWithoutAPanelSaysSoAndFails(t *testing.T) {
	h := newTarget(t)
	require.NoError(t, os.RemoveAll(h.panel))
	out, code := h.run("install", "", h.prefix, h.panel, "pmnamecheap")
	assert.Equal(t, 3, code)
	assert.Contains(t, out, "no BILLmanager here: the folder "+h.panel+"/processing is missing. The module is not linked. When the panel is installed, run "+h.prefix+"/link-pmnamecheap")
	assert.NoDirExists(t, h.panel)
}

func TestInstallWithoutAProgramSaysHowToGetOne(t *testing.T) {
	h := newTarget(t)
	require.NoError(t, os.Remove(h.bin+"/pmnamecheap"))
	out, code := h.run("install", "", h.prefix, h.panel, "pmnamecheap")
	assert.Equal(t, 1, code)
	assert.Contains(t, out, "there is no "+h.bin+"/pmnamecheap: build it with Go (make build), or take a tarball that has programs (make dist)")
	assert.NoDirExists(t, h.prefix)
}

func TestInstallRefusesAHostWithThePackage(t *testing.T) {
	h := newTarget(t)
	packaged := filepath.Join(h.folder, "stage/usr/lib/pmssl/pmnamecheap")
	require.NoError(t, os.MkdirAll(filepath.Dir(packaged), 0o755))
	require.NoError(t, os.WriteFile(packaged, nil, 0o755))
	module := filepath.Join(h.folder, "stage/usr/local/mgr5/processing/pmnamecheap")
	require.NoError(t, os.MkdirAll(filepath.Dir(module), 0o755))
	require.NoError(t, os.Symlink("/usr/lib/pmssl/pmnamecheap", module))
	out, code := h.run("install", h.folder+"/stage", "/usr/local/lib/pmssl", "/usr/local/mgr5", "pmnamecheap")
	assert.Equal(t, 1, code)
	assert.Contains(t, out, "pmnamecheap is installed as a package; upgrade the package, or remove it first")
}

// Otherwise a program would take the place of the panel's own without a .orig, and then become a link to itself.
func TestInstallRefusesThePanelsFoldersAsPrefix(t *testing.T) {
	for _, folder := range []string{"processing", "etc"} {
		h := newTarget(t)
		link := h.folder + "/link"
		require.NoError(t, os.Symlink(h.panel, link))
		put(t, h.panel, "processing/pmnamecheap", "the panel's")
		before := installed(t, h.panel)
		for _, prefix := range []string{h.panel + "/" + folder, link + "/" + folder} {
			out, code := h.run("install", "", prefix, h.panel, "pmnamecheap")
			assert.Equal(t, 1, code, out)
			assert.Contains(t, out, "install: PREFIX is "+prefix+", where the panel looks for modules; choose a folder outside of the panel")
			assert.Equal(t, before, installed(t, h.panel))
		}
	}
}

func TestInstallRefusesPathsWithSpecialCharacters(t *testing.T) {
	h := newTarget(t)
	for _, path := range []string{"", "/", "relative", "/a b", "/a|b", "/a&b", `/a\b`, "/a'b", "/a$b", "/a@b", "/a\nb", "/ä", "/a//b", "/a/../b", "/a/.", "//a"} {
		out, code := h.run("install", "", path, h.panel, "pmnamecheap")
		assert.Equal(t, 1, code, "%q", path)
		assert.Contains(t, out, "install: PREFIX is ", "%q", path)
		out, code = h.run("install", "", h.prefix, path, "pmnamecheap")
		assert.Equal(t, 1, code, "%q", path)
		assert.Contains(t, out, "install: MGR5_ROOT is ", "%q", path)
	}
	assert.NoDirExists(t, h.prefix)
}

func TestUnitsContainTheRootAtRunTime(t *testing.T) {
	source, folder := t.TempDir(), filepath.Join(t.TempDir(), "system units")
	unit := put(t, source, "x@.service", "ExecStart=/usr/local/mgr5/processing/%i\nEnvironment=MGR5_ROOT=/usr/local/mgr5\n")
	script(t, "./install-systemd.sh", folder, "/usr/local/mgr5", unit)
	assert.Equal(t, map[string]entry{
		"x@.service": {0o644, "ExecStart=/usr/local/mgr5/processing/%i\nEnvironment=MGR5_ROOT=/usr/local/mgr5\n"},
	}, installed(t, folder))
	for _, root := range []string{"/srv/panel-1", "/srv/panel-1/", "/srv/panel-1//"} {
		script(t, "./install-systemd.sh", folder, root, unit)
		assert.Equal(t, entry{0o644, "ExecStart=/srv/panel-1/processing/%i\nEnvironment=MGR5_ROOT=/srv/panel-1\n"}, installed(t, folder)["x@.service"])
	}
}

func TestAUnitThatDiffersIsKept(t *testing.T) {
	source, folder := t.TempDir(), t.TempDir()
	unit := put(t, source, "x@.timer", "[Timer]\nOnCalendar=hourly\n")
	assert.NotContains(t, script(t, "./install-systemd.sh", folder, "/usr/local/mgr5", unit), "kept")
	assert.NotContains(t, script(t, "./install-systemd.sh", folder, "/usr/local/mgr5", unit), "kept")
	put(t, folder, "x@.timer", "[Timer]\nOnCalendar=daily\n")
	assert.Contains(t, script(t, "./install-systemd.sh", folder, "/usr/local/mgr5", unit), "kept the former "+folder+"/x@.timer as "+folder+"/x@.timer.old: if you have edited it, repeat that\n")
	put(t, folder, "x@.timer", "[Timer]\nOnCalendar=weekly\n")
	script(t, "./install-systemd.sh", folder, "/usr/local/mgr5", unit)
	assert.Equal(t, map[string]entry{
		"x@.timer": {0o644, "[Timer]\nOnCalendar=hourly\n"}, "x@.timer.old": {0o644, "[Timer]\nOnCalendar=daily\n"}, "x@.timer.old.1": {0o644, "[Timer]\nOnCalendar=weekly\n"},
	}, installed(t, folder))
}

func TestAMaskedUnitStaysMasked(t *testing.T) {
	source, folder := t.TempDir(), t.TempDir()
	service, timer := put(t, source, "x@.service", "[Service]\n"), put(t, source, "x@.timer", "[Timer]\n")
	require.NoError(t, os.Symlink("/dev/null", folder+"/x@.timer"))
	out, err := exec.Command("./install-systemd.sh", folder, "/usr/local/mgr5", service, timer).CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(out), folder+"/x@.timer is a link to /dev/null; nothing was installed. If the unit is masked, run: systemctl unmask x@.timer")
	points, err := os.Readlink(folder + "/x@.timer")
	require.NoError(t, err)
	assert.Equal(t, "/dev/null", points)
	assert.NoFileExists(t, folder+"/x@.service")
}

// A part of a unit would be read by systemd. The folder's mode is not the installer's business.
func TestAUnitIsCompleteBeforeItTakesItsName(t *testing.T) {
	source, folder, tools := t.TempDir(), t.TempDir(), t.TempDir()
	unit := put(t, source, "x@.timer", "[Timer]\nOnCalendar=hourly\n")
	require.NoError(t, os.Chmod(folder, 0o700))
	put(t, folder, "x@.timer", "[Timer]\nOnCalendar=daily\n")
	require.NoError(t, os.WriteFile(tools+"/install", []byte("#!/bin/sh\nfor last; do :; done\necho '[Tim' >\"$last\"\nkill -9 $PPID\n"), 0o755))
	cmd := exec.Command("bash", "-c", "umask 077; exec ./install-systemd.sh \"$@\"", "bash", folder, "/usr/local/mgr5", unit)
	cmd.Env = append(os.Environ(), "TMPDIR="+tools, "PATH="+tools+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	require.Error(t, err, string(out))
	content, err := os.ReadFile(folder + "/x@.timer")
	require.NoError(t, err)
	assert.Equal(t, "[Timer]\nOnCalendar=daily\n", string(content))
	script(t, "./install-systemd.sh", folder, "/usr/local/mgr5", unit)
	assert.Equal(t, map[string]entry{"x@.timer": {0o644, "[Timer]\nOnCalendar=hourly\n"}, "x@.timer.old": {0o644, "[Timer]\nOnCalendar=daily\n"}}, installed(t, folder), "nothing is left over")
	info, err := os.Stat(folder)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o700), info.Mode().Perm())
}

func TestARootWithSpecialCharactersIsRefused(t *testing.T) {
	unit := put(t, t.TempDir(), "x@.service", "ExecStart=/usr/local/mgr5/processing/%i\n")
	for _, root := range []string{"", "/", "/srv//mgr5", "/srv/../mgr5", "mgr5", "/a b", "/a%b", "/a|b", "/a&b", `/a\b`, "/a'b", "/a\nb", "/ä"} {
		folder := filepath.Join(t.TempDir(), "system")
		out, err := exec.Command("./install-systemd.sh", folder, root, unit).CombinedOutput()
		var ended *exec.ExitError
		require.ErrorAs(t, err, &ended, "%q", root)
		assert.Equal(t, 1, ended.ExitCode(), "%q", root)
		assert.Contains(t, string(out), "MGR5_ROOT", "%q", root)
		assert.NoDirExists(t, folder, "%q", root)
	}
}

// dryMake returns the commands that make would run for a target of the repository's Makefile.
func dryMake(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("make", append([]string{"-C", "..", "--no-print-directory", "-n"}, args...)...).CombinedOutput()
	require.NoError(t, err, string(out))
	return string(out)
}

func TestMakeInstallBuildsAndPassesPathsAndModules(t *testing.T) {
	out := dryMake(t, "install", "DESTDIR=/stage", "MGR5_ROOT=/srv/mgr5", "PREFIX=/opt/pmssl", "DATADIR=/opt/share")
	assert.Contains(t, out, " go build ")
	assert.Equal(t, `scripts/install.sh install "/stage" "/opt/pmssl" "/opt/share" "/srv/mgr5" "bin" pmispmgrssl pmnamecheap`, lineWith(t, out, "scripts/install.sh"))
	assert.NotContains(t, out, "systemd")

	out = dryMake(t, "install", "MODULES=pmnamecheap")
	assert.Equal(t, `scripts/install.sh install "" "/usr/local/lib/pmssl" "/usr/local/share" "/usr/local/mgr5" "bin" pmnamecheap`, lineWith(t, out, "scripts/install.sh"))
	out = dryMake(t, "uninstall")
	assert.Equal(t, `scripts/install.sh uninstall "" "/usr/local/lib/pmssl" "/usr/local/share" "/usr/local/mgr5" - pmispmgrssl pmnamecheap`, lineWith(t, out, "scripts/install.sh"))
}

func TestMakeInstallTakesProgramsThatAreBuilt(t *testing.T) {
	out := dryMake(t, "install", "PREBUILT=prebuilt/linux-amd64")
	assert.NotContains(t, out, " go build ")
	assert.Contains(t, lineWith(t, out, "scripts/install.sh"), `"prebuilt/linux-amd64"`)

	tools := t.TempDir() // a PATH without Go
	for _, name := range []string{"make", "bash", "git", "uname", "cat", "dirname"} {
		path, err := exec.LookPath(name)
		require.NoError(t, err)
		require.NoError(t, os.Symlink(path, filepath.Join(tools, name)))
	}
	cmd := exec.Command("make", "-C", "..", "--no-print-directory", "-n", "install")
	cmd.Env = []string{"PATH=" + tools}
	raw, err := cmd.CombinedOutput()
	require.NoError(t, err, string(raw))
	assert.NotContains(t, string(raw), " go build ")
	assert.Contains(t, lineWith(t, string(raw), "scripts/install.sh"), `"bin"`)
}

func TestMakeInstallSystemdTakesTheRootWithoutTheStage(t *testing.T) {
	line := lineWith(t, dryMake(t, "install-systemd", "DESTDIR=/stage", "MGR5_ROOT=/srv/mgr5"), "scripts/install-systemd.sh")
	assert.Contains(t, line, `"/stage/etc/systemd/system" "/srv/mgr5" `)
	assert.Contains(t, line, "etc/systemd/pmssl-subscription@.service")
	assert.Contains(t, line, "etc/systemd/pmssl-subscription@.timer")
}

func lineWith(t *testing.T, text, words string) string {
	t.Helper()
	for line := range strings.Lines(text) {
		if strings.Contains(line, words) {
			return strings.TrimSpace(line)
		}
	}
	require.Fail(t, "no such line", "%q in:\n%s", words, text)
	return ""
}
