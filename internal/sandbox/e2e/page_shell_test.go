package e2e

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pageRule says how lines that start some programs are checked.
type pageRule struct {
	programs []string
	// check runs the line, or what stands for it. Without it the line is run as it is, with the block that it is in (pageScripts).
	check func(t *testing.T, w *pageWorld, l pageLine, c simpleCommand)
	why   string // why it is checked in this way
}

// pageRules are the programs that pages may start. Lines that start another one fail: add the program here, and run it for real where
// that is cheap.
func pageRules() []pageRule {
	return []pageRule{
		{[]string{"pmnamecheap", "pmispmgrssl"}, checkModuleLine, "run for real by TestCommandLinesOfThePagesRun, at each seller"},
		{[]string{"make"}, checkMake, "`install`, `uninstall` and `install-systemd` run for real into a folder; the others take minutes, and make plans them (-n)"},
		{[]string{"apt", "dnf"}, checkPackages, "the packages are installed for real by the tests in packaging; here their names, and the files that they are in, are compared with scripts/packages.sh"},
		{[]string{"dpkg", "rpm"}, checkInstaller, "named as what the tests in packaging install with: they must use the option"},
		{[]string{"systemctl"}, checkSystemctl, "units are enabled and disabled for real below a folder; nothing is started here, so of other verbs the unit must exist"},
		{[]string{"mgrctl"}, checkMgrctl, "run for real against the stand-in panel"},
		{[]string{"mysql"}, checkSQL, "the statement is run for real in the stand-in's database, which has no client program"},
		{[]string{"go"}, checkGo, "tests do not start tests: packages, tests and flags that are named must exist"},
		{[]string{"sandbox-namecheap", "sandbox-ispmgr", "sandbox-panel", "curl"}, checkStandInLine, "run for real by TestTheStandInsAreUsedByHand, in the order of their page"},
		{[]string{"pmssl-walk"}, checkWalk, "run for real, with as few steps as fit into a test"},
		{[]string{"rndc", "knotc", "pdnsutil"}, checkServerControl, "no name server runs here: the verb must be one of the program's own, as its help says where it is installed. Zones are changed on real servers by internal/publish"},
		{[]string{"tsig-keygen", "keymgr"}, checkKeyGenerator, "run for real where it is installed"},
		{[]string{"a2enmod", "a2enconf"}, checkApacheSwitch, "what is switched on must be part of Debian's Apache, or be the file that the page copies"},
		{[]string{"man"}, checkManual, "the page must be one that packages install"},
		{[]string{"core"}, checkCore, "a program of the panel: doctor starts it in its own tests"},
		{[]string{"kill"}, checkKill, "what a reader may do to a module; tests do it at each step"},
		{[]string{"cd", "umask", "install", "mkdir", "mv", "touch", "namei", "jq", "openssl", "flock", "sh"}, nil, "run for real below a folder"},
	}
}

// otherPrograms are names by which a piece of code in a sentence, or in a block of text, is known to be a command although no rule is
// for it: it fails until there is one.
func otherPrograms() []string {
	return strings.Fields(`apt-get apt-cache dpkg dpkg-divert rpm yum journalctl service chkconfig update-rc.d mysqldump mariadb mariadb-dump
		tar gzip gunzip zcat cat tail head less grep sed awk find xargs sort cp ln rm rmdir chmod chown chgrp chattr setfacl stat ls
		nsupdate dig nslookup delv named-checkconf named-checkzone named nginx apachectl apache2ctl httpd haproxy
		certbot lego acme.sh ssh scp rsync wget git docker su sudo visudo crontab at nohup setsid timeout env export sendmail exim postsuper mailq
		ps kill killall pkill lsof ss netstat ip iptables nft firewall-cmd setenforce restorecon semanage getenforce ausearch timedatectl chronyc
		ulimit sysctl mount umount df du sha256sum xxd base64 php python python3 perl bash npm echo printf read sleep watch`)
}

// ruleOf returns the rule for a program; false if there is none.
func ruleOf(program string) (pageRule, bool) {
	for _, rule := range pageRules() {
		if slices.Contains(rule.programs, program) {
			return rule, true
		}
	}
	return pageRule{}, false
}

// isCommand reports whether a piece of code in a sentence is a command line: a program that is known, with something behind it.
func isCommand(text string) bool {
	words := strings.Fields(text)
	for len(words) > 0 && regexp.MustCompile(`^[A-Z_]+=\S`).MatchString(words[0]) {
		words = words[1:]
	}
	if len(words) < 2 {
		return false
	}
	program := filepath.Base(words[0])
	_, ruled := ruleOf(program)
	return ruled && !isModule(program) || slices.Contains(otherPrograms(), program) || isModule(program) && strings.HasPrefix(words[1], "-")
}

// pageWorld is what the lines of the pages are run in: a panel, and a folder that stands for the host's other folders.
type pageWorld struct {
	*fixture
	dir     string
	plans   map[string]string // what make would do, by its arguments
	address string            // of a TLS server
	pin     string            // of its key, as ispmgr's word pin has it
}

// Every line of shell in README, CONTRIBUTING and docs is run, or checked by what stands for it (pageRules).
func TestShellLinesOfThePagesRun(t *testing.T) {
	f, _ := startLinesPanel(t, sellerCases()[0])
	w := &pageWorld{fixture: f, dir: t.TempDir(), plans: map[string]string{}}
	w.serveTLS(t)
	used := map[string]bool{}
	for _, group := range shellGroups(t) {
		script := false
		for _, l := range group {
			for _, c := range commandsOf(t, l) {
				rule, ruled := ruleOf(c.program())
				if !ruled {
					t.Errorf("%s: nothing runs or checks %q: %s needs a rule in pageRules", l.where(), l.text, c.program())
					continue
				}
				used[c.program()] = true
				if rule.check == nil {
					script = true
					continue
				}
				t.Run(l.where()+" "+c.program(), func(t *testing.T) { rule.check(t, w, l, c) })
			}
		}
		if script {
			t.Run(group[0].where()+" script", func(t *testing.T) { w.runScript(t, group) })
		}
	}
	for _, rule := range pageRules() {
		assert.NotEmpty(t, rule.why, rule.programs)
		for _, program := range rule.programs {
			assert.Truef(t, used[program], "no page starts %s any more: remove it from pageRules", program)
		}
	}
	for _, s := range pageScripts() {
		assert.Truef(t, slices.ContainsFunc(shellGroups(t), s.isFor), "no page has the lines %q any more: remove them from pageScripts", s.begins)
	}
}

// A block of text is no place for commands: nothing would check them there.
func TestNoBlockOfTextHasCommands(t *testing.T) {
	for _, l := range pageLines(t) {
		if slices.Contains([]string{textCode, yamlCode, xmlCode, systemdCode}, l.kind) {
			assert.Falsef(t, isCommand(strings.TrimPrefix(l.text, "$ ")), "%s: this is a command: %s", l.where(), l.text)
		}
	}
}

// shellGroups returns the lines of shell: those of a block together, others each for itself.
func shellGroups(t *testing.T) [][]pageLine {
	t.Helper()
	var groups [][]pageLine
	var last pageLine
	for _, l := range pageLines(t) {
		switch {
		case l.kind == shellCode && l.block != 0 && l.page == last.page && l.block == last.block:
			groups[len(groups)-1] = append(groups[len(groups)-1], l)
		case l.kind == shellCode, l.kind == cronCode, l.kind == inlineCode && isCommand(l.text):
			groups = append(groups, []pageLine{l})
		}
		last = l
	}
	require.Greater(t, len(groups), 60)
	return groups
}

// commandsOf returns the commands of a line.
func commandsOf(t *testing.T, l pageLine) []simpleCommand {
	t.Helper()
	text := l.text
	if l.kind == cronCode {
		text = cronCommand(t, l)
	}
	commands, err := parseShell(text)
	require.NoErrorf(t, err, "%s: %s", l.where(), l.text)
	return commands
}

// hasPlaceholder reports whether a word stands for something that the reader fills in.
func hasPlaceholder(word string) bool {
	return strings.ContainsAny(word, "<…") || regexp.MustCompile(`^[A-Z]+$`).MatchString(word)
}

func checkModuleLine(t *testing.T, _ *pageWorld, l pageLine, _ simpleCommand) {
	assert.NotEmpty(t, moduleCommands(t, l), l.text)
}

// installed returns the path of a program of this host; empty if it is not installed, which is an error in continuous integration. A
// user's PATH often lacks the folder of servers' programs.
func installed(t *testing.T, program string) string {
	t.Helper()
	for _, name := range []string{program, "/usr/sbin/" + program} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed", program)
	}
	return ""
}

// run runs a program and returns what it wrote.
func (w *pageWorld) run(t *testing.T, dir, program string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func checkMake(t *testing.T, w *pageWorld, l pageLine, c simpleCommand) {
	makefile, err := os.ReadFile(filepath.Join(sourceRoot(), "Makefile"))
	require.NoError(t, err)
	args, targets := []string{}, 0
	for _, word := range slices.Concat(c.args(), c.assigned) {
		name, value, assigned := strings.Cut(word, "=")
		switch {
		case assigned && name == "DESTDIR":
			assert.True(t, filepath.IsAbs(value), word)
			continue // what is installed is installed below the folder of this test
		case assigned:
			assert.Truef(t, regexp.MustCompile(`(?m)^`+name+` \?=`).Match(makefile), "%s: make knows no variable %s", l.where(), name)
		default:
			assert.Truef(t, regexp.MustCompile(`(?m)^(?:[a-z-]+ )*`+word+`(?: [a-z-]+)*:`).Match(makefile), "%s: make has no target %s", l.where(), word)
			targets++
		}
		args = append(args, word)
	}
	require.NotZero(t, targets, l.text)
	key := strings.Join(args, " ")
	if _, done := w.plans[key]; done {
		return
	}
	run := []string{"-n"}
	if targets == 1 && slices.ContainsFunc([]string{"install", "uninstall", "install-systemd"}, func(real string) bool { return slices.Contains(args, real) }) {
		run = []string{"DESTDIR=" + filepath.Join(w.dir, "stage"), "PREBUILT=" + built.bin}
	}
	out, err := w.run(t, sourceRoot(), "make", append(run, args...)...)
	require.NoError(t, err, out)
	w.plans[key] = out
	if args[0] == "install" {
		assert.FileExists(t, filepath.Join(w.dir, "stage/usr/local/lib/pmssl/pmnamecheap"))
	}
}

// packageNames returns the packages of scripts/packages.sh with the machines that each is for, as dpkg and rpm name them.
func packageNames(t *testing.T) map[string]bool {
	t.Helper()
	script, err := os.ReadFile(filepath.Join(sourceRoot(), "scripts", "packages.sh"))
	require.NoError(t, err)
	names := map[string]bool{}
	for _, match := range regexp.MustCompile(`pm[a-z]+:(pmssl-[a-z]+):`).FindAllStringSubmatch(string(script), -1) {
		names[match[1]] = true
	}
	require.Len(t, names, len(sellerCases()))
	require.Contains(t, string(script), "name=pmssl\n")
	names["pmssl"] = false // for all machines
	return names
}

// packageFiles returns the files of one version: .deb or .rpm.
func packageFiles(t *testing.T, kind string) []string {
	t.Helper()
	var files []string
	for name, machines := range packageNames(t) {
		for _, arch := range map[bool]map[string][]string{
			true:  {"deb": {"amd64", "arm64"}, "rpm": {"x86_64", "aarch64"}},
			false: {"deb": {"all"}, "rpm": {"noarch"}},
		}[machines][kind] {
			if kind == "deb" {
				files = append(files, fmt.Sprintf("%s_1.2.0-1_%s.deb", name, arch))
			} else {
				files = append(files, fmt.Sprintf("%s-1.2.0-1.%s.rpm", name, arch))
			}
		}
	}
	return files
}

func checkPackages(t *testing.T, _ *pageWorld, l pageLine, c simpleCommand) {
	verbs := map[string][]string{"apt": {"install", "remove", "purge"}, "dnf": {"install", "remove", "downgrade"}}[c.program()]
	options := []string{"-y", "--allow-downgrades"}
	kind := map[string]string{"apt": "deb", "dnf": "rpm"}[c.program()]
	verb := ""
	for _, word := range c.args() {
		switch {
		case strings.HasPrefix(word, "-"):
			assert.Contains(t, options, word, l.text)
		case verb == "":
			verb = word
			assert.Contains(t, verbs, verb, l.text)
		case verb == "install" || verb == "downgrade":
			pattern, local := strings.CutPrefix(word, "./")
			assert.Truef(t, local, "%s: without ./ %s looks for %s in its repositories", l.where(), c.program(), word)
			var found []string
			for _, file := range packageFiles(t, kind) {
				if matches, err := filepath.Match(pattern, file); err == nil && matches {
					found = append(found, file)
				}
			}
			assert.Lenf(t, found, 1, "%s: %s must be one of %v", l.where(), word, packageFiles(t, kind))
		default:
			assert.Contains(t, packageNames(t), word, l.text)
		}
	}
}

func checkInstaller(t *testing.T, _ *pageWorld, l pageLine, c simpleCommand) {
	tests := strings.Join(testSources(t, filepath.Join(sourceRoot(), "packaging")), "")
	assert.Contains(t, tests, `"`+c.program()+`"`, l.where())
	for _, word := range c.args() {
		assert.Regexp(t, `"`+word+`[="]`, tests, "%s: the tests in packaging do not use it", l.where())
	}
}

// unitFiles returns the units of this source.
func unitFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(sourceRoot(), "etc", "systemd", "*"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for i := range files {
		files[i] = filepath.Base(files[i])
	}
	return files
}

func checkSystemctl(t *testing.T, w *pageWorld, l pageLine, c simpleCommand) {
	verb, units := "", []string{}
	for _, word := range c.args() {
		switch {
		case word == "--now" || word == "--failed":
		case strings.HasPrefix(word, "-"):
			t.Errorf("%s: this test does not know the option %s", l.where(), word)
		case verb == "":
			verb = word
		default:
			units = append(units, word)
		}
	}
	switch verb {
	case "": // --failed
		assert.Contains(t, c.args(), "--failed")
	case "daemon-reload":
		assert.Empty(t, units)
	case "list-timers":
		require.Len(t, units, 1)
		matches, err := filepath.Match(units[0], "pmssl-subscription@pmnamecheap.timer")
		assert.True(t, matches && err == nil, units[0])
	case "enable", "disable", "start", "stop", "reload", "edit":
		if verb != "start" || l.kind != inlineCode { // which a sentence may name alone
			assert.NotEmpty(t, units, l.text)
		}
		for _, unit := range units {
			w.checkUnit(t, l, verb, unit)
		}
	default:
		t.Errorf("%s: this test does not know the verb %s", l.where(), verb)
	}
}

// checkUnit checks that a unit of ours, or of Debian's web servers, exists and takes the verb.
func (w *pageWorld) checkUnit(t *testing.T, l pageLine, verb, unit string) {
	t.Helper()
	name, instance, templated := strings.Cut(unit, "@")
	if !templated {
		require.Contains(t, []string{"nginx", "apache2"}, unit, "%s: this is no unit of a web server that the page is about", l.where())
		file, err := os.ReadFile("/usr/lib/systemd/system/" + unit + ".service")
		if err == nil && verb == "reload" {
			assert.Contains(t, string(file), "ExecReload=")
		}
		return
	}
	module, suffix, _ := strings.Cut(instance, ".")
	assert.Contains(t, unitFiles(t), name+"@."+suffix, "%s: there is no such unit", l.where())
	if verb == "edit" {
		assert.Empty(t, module)
		return
	}
	assert.True(t, isModule(module), "%s: %s is no module", l.where(), module)
	if verb != "enable" && verb != "disable" {
		return
	}
	systemctl := installed(t, "systemctl")
	if systemctl == "" {
		return
	}
	root := filepath.Join(w.dir, "units "+l.page)
	if _, err := os.Stat(root); err != nil {
		out, err := w.run(t, sourceRoot(), "make", "install-systemd", "DESTDIR="+root)
		require.NoError(t, err, out)
	}
	out, err := w.run(t, root, systemctl, "--root="+root, verb, unit)
	require.NoError(t, err, out)
	link := filepath.Join(root, "etc/systemd/system/timers.target.wants", unit)
	_, err = os.Lstat(link)
	assert.Equal(t, verb == "enable", err == nil, out)
}

func checkMgrctl(t *testing.T, w *pageWorld, l pageLine, c simpleCommand) {
	args := c.args()
	if slices.ContainsFunc(args, hasPlaceholder) || args[0] != "-m" {
		assert.Truef(t, l.kind == inlineCode && (slices.Contains(args, "func") || slices.Contains(args, "paramlist")), "%s: %s", l.where(), l.text)
		return // a rule about all calls
	}
	out, err := w.run(t, w.dir, filepath.Join(w.panel.Root(), "sbin", "mgrctl"), args...)
	require.NoError(t, err, out)
}

func checkSQL(t *testing.T, w *pageWorld, l pageLine, c simpleCommand) {
	args := c.args()
	require.Len(t, args, 3, l.text)
	assert.Equal(t, "billmgr", args[0], "the default of DBName")
	assert.Equal(t, "-e", args[1])
	assert.True(t, strings.HasPrefix(args[2], "SELECT "), "a page changes nothing behind the panel's back")
	rows, err := w.panel.DB().QueryContext(t.Context(), args[2])
	require.NoError(t, err)
	require.NoError(t, rows.Err())
	require.NoError(t, rows.Close())
}

func checkGo(t *testing.T, _ *pageWorld, l pageLine, c simpleCommand) {
	args := c.args()
	root := sourceRoot()
	if args[0] == "-C" {
		root = filepath.Join(root, args[1])
		require.DirExists(t, root)
		args = args[2:]
	}
	require.Contains(t, []string{"test", "run", "doc", "build", "version"}, args[0], l.text)
	var tests []string // the sources of the packages' tests
	for i := 1; i < len(args); i++ {
		switch word := strings.Split(args[i], "<module>"); {
		case args[i] == "-run" && args[i+1] == "^$": // only the benchmarks
			i++
		case args[i] == "-run":
			i++
			checkTestsExist(t, l, "Test", args[i], tests)
		case args[i] == "-bench":
			i++
			checkTestsExist(t, l, "Benchmark", args[i], tests)
		case args[i] == "-benchtime":
			i++
		case args[i] == "-update":
			assert.Containsf(t, strings.Join(tests, ""), `"update"`, "%s: these packages have no flag -update", l.where())
		case strings.HasPrefix(args[i], "-"):
			assert.Contains(t, []string{"-v", "-m", "-all"}, args[i], l.text)
		case args[i] == "--command":
			i = len(args) // of the module
		case strings.HasPrefix(args[i], "./") && !strings.Contains(args[i], "…"):
			for _, seller := range sellerCases() {
				folder := filepath.Join(root, strings.Join(word, seller.module))
				require.DirExists(t, folder, l.where())
				tests = append(tests, testSources(t, folder)...)
			}
		case args[0] == "version":
			assert.Equal(t, "bin", filepath.Dir(args[i]))
			assert.True(t, isModule(filepath.Base(args[i])))
		}
		if args[0] == "run" {
			break // what follows are the program's arguments
		}
	}
}

// testSources returns the content of the test files of a folder.
func testSources(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	require.NoError(t, err)
	var all []string
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		all = append(all, string(raw))
	}
	return all
}

// checkTestsExist checks that the pattern of -run or -bench matches a function whose name begins with the kind. What stands behind / is
// of subtests.
func checkTestsExist(t *testing.T, l pageLine, kind, pattern string, sources []string) {
	t.Helper()
	top, _, _ := strings.Cut(pattern, "/")
	for _, part := range strings.Split(strings.Trim(top, "()"), "|") {
		wanted, err := regexp.Compile(part)
		require.NoError(t, err)
		found := slices.ContainsFunc(sources, func(source string) bool {
			return slices.ContainsFunc(regexp.MustCompile(`(?m)^func (`+kind+`\w+)\(`).FindAllStringSubmatch(source, -1), func(match []string) bool { return wanted.MatchString(match[1]) })
		})
		assert.Truef(t, found, "%s: no test has a name like %s", l.where(), part)
	}
}

func checkStandInLine(t *testing.T, _ *pageWorld, l pageLine, c simpleCommand) {
	if l.kind == inlineCode {
		assert.FileExists(t, filepath.Join(built.bin, c.program()))
		return
	}
	assert.Truef(t, slices.ContainsFunc(standInBlocks(t), func(block []pageLine) bool { return slices.Contains(block, l) }), "%s is not run: %s", l.where(), l.text)
}

// serverVerbs are the verbs of programs that control name servers, with the number of words that follow.
func serverVerbs() map[string]map[string]int {
	return map[string]map[string]int{
		"rndc":     {"freeze": 1, "thaw": 1, "reconfig": 0},
		"knotc":    {"zone-freeze": 1, "zone-thaw": 1, "zone-flush": 1, "reload": 0},
		"pdnsutil": {"set-account": 2, "set-meta": 3, "hash-password": 0},
	}
}

func checkServerControl(t *testing.T, w *pageWorld, l pageLine, c simpleCommand) {
	words, known := serverVerbs()[c.program()][c.args()[0]]
	require.Truef(t, known, "%s: this test does not know the verb: %s", l.where(), l.text)
	assert.Len(t, c.args(), 1+words, l.text)
	program := installed(t, c.program())
	if program == "" {
		return
	}
	help := map[string][]string{"rndc": nil, "knotc": {"--help"}, "pdnsutil": {"--help"}}[c.program()]
	out, _ := w.run(t, w.dir, program, help...) // rndc ends with 1
	assert.Regexp(t, `(?m)^\s*`+c.args()[0]+`\b`, out)
}

func checkKeyGenerator(t *testing.T, w *pageWorld, _ pageLine, c simpleCommand) {
	assert.Contains(t, c.args(), "pmssl")
	program := installed(t, c.program())
	if program == "" {
		t.Skip(c.program() + " is not installed")
	}
	out, err := w.run(t, w.dir, program, c.args()...)
	require.NoError(t, err, out)
	assert.Regexp(t, `secret:? "?[A-Za-z0-9+/]{43}="?`, out, "an HMAC key of 256 bits")
}

func checkApacheSwitch(t *testing.T, _ *pageWorld, _ pageLine, c simpleCommand) {
	require.Len(t, c.args(), 1)
	if c.program() == "a2enconf" {
		assert.Equal(t, "pmssl", c.args()[0])
		assert.FileExists(t, filepath.Join(sourceRoot(), "etc/samples/pmssl/webroot-apache.conf"))
		return
	}
	assert.Equal(t, "rewrite", c.args()[0])
	if _, err := os.Stat("/etc/apache2/mods-available"); err == nil {
		assert.FileExists(t, "/etc/apache2/mods-available/rewrite.load")
	}
}

func checkManual(t *testing.T, _ *pageWorld, _ pageLine, c simpleCommand) {
	require.Len(t, c.args(), 1)
	assert.FileExists(t, filepath.Join(sourceRoot(), "etc", "man", c.args()[0]+".8"))
}

func checkCore(t *testing.T, _ *pageWorld, _ pageLine, c simpleCommand) {
	source, err := os.ReadFile(filepath.Join(sourceRoot(), "internal", "doctor", "host.go"))
	require.NoError(t, err)
	for _, word := range c.words {
		assert.Contains(t, string(source), `"`+word+`"`)
	}
}

func checkKill(t *testing.T, _ *pageWorld, l pageLine, c simpleCommand) {
	assert.Equal(t, []string{"-9"}, c.args(), l.text)
}

// pageScript is what lines that run for real need before, and must have done.
type pageScript struct {
	begins  string // of the first line
	prepare func(t *testing.T, w *pageWorld)
	verify  func(t *testing.T, w *pageWorld, output string)
}

// isFor reports whether these are the lines.
func (s pageScript) isFor(group []pageLine) bool { return strings.HasPrefix(group[0].text, s.begins) }

func pageScripts() []pageScript {
	nothing := func(*testing.T, *pageWorld) {}
	return []pageScript{
		{"install -d -m 0700", func(t *testing.T, w *pageWorld) { require.NoError(t, os.RemoveAll(w.etc("pmssl"))) }, func(t *testing.T, w *pageWorld, _ string) {
			assert.Equal(t, os.ModeDir|0o700, mode(t, w.etc("pmssl")))
		}},
		{"cd /usr/local/mgr5/etc/pmssl", nothing, func(t *testing.T, w *pageWorld, _ string) {
			sample, err := os.ReadFile(filepath.Join(sourceRoot(), "etc/samples/pmssl/dnsupdate-bind.conf"))
			require.NoError(t, err)
			copied, err := os.ReadFile(w.etc("pmssl/ns1.conf"))
			require.NoError(t, err)
			assert.Equal(t, string(sample), string(copied))
			assert.Equal(t, os.FileMode(0o600), mode(t, w.etc("pmssl/ns1.conf")))
			assert.Equal(t, os.FileMode(0o600), mode(t, w.etc("pmssl/ns1.key")))
			require.NoError(t, os.RemoveAll(w.etc("pmssl"))) // of other lines
		}},
		{"openssl s_client", nothing, func(t *testing.T, w *pageWorld, output string) { assert.Equal(t, w.pin+"\n", output) }},
		{"openssl rand -hex 32", nothing, func(t *testing.T, _ *pageWorld, output string) {
			secret, err := hex.DecodeString(strings.TrimSpace(output))
			require.NoError(t, err)
			assert.Len(t, secret, 32)
		}},
		{"cd /usr/local/mgr5/var/pmssl-keys", func(t *testing.T, w *pageWorld) {
			require.NoError(t, os.MkdirAll(filepath.Join(w.panel.Root(), "var/pmssl-keys"), 0o700))
			// The words are those of item.KeyPairs, which a test of internal/panel writes and reads.
			pairs := `{"item":42,"old":{"key":"the old key\n","csr":"the old CSR\n"},"new":{"key":"the new key\n","csr":"the new CSR\n"}}`
			require.NoError(t, os.WriteFile(filepath.Join(w.panel.Root(), "var/pmssl-keys/42.json"), []byte(pairs), 0o600))
		}, func(t *testing.T, w *pageWorld, _ string) {
			key, err := os.ReadFile(filepath.Join(w.dir, "home/old.key"))
			require.NoError(t, err)
			assert.Equal(t, "the old key\n\n", string(key))
			assert.Equal(t, os.FileMode(0o600), mode(t, filepath.Join(w.dir, "home/old.key")))
			require.NoError(t, os.RemoveAll(filepath.Join(w.panel.Root(), "var/pmssl-keys")))
		}},
		{"mkdir -p /usr/local/mgr5/etc/pmssl/templates", nothing, func(t *testing.T, w *pageWorld, _ string) {
			assert.FileExists(t, w.etc("pmssl/templates/prove.en.txt"))
		}},
		{"touch /usr/local/mgr5/etc/billmgr.DoNothing", nothing, func(t *testing.T, w *pageWorld, _ string) {
			assert.FileExists(t, w.etc("billmgr.DoNothing"))
			require.NoError(t, os.Remove(w.etc("billmgr.DoNothing")))
		}},
		{"namei -l /usr/local/mgr5/var", nothing, func(t *testing.T, _ *pageWorld, output string) { assert.Regexp(t, `(?m) var$`, output) }},
		{"17,32,47,2 * * * * root flock", func(t *testing.T, w *pageWorld) { w.mkdir(t, "srv/status") }, func(t *testing.T, w *pageWorld, _ string) {
			page, err := os.ReadFile(filepath.Join(w.dir, "srv/status/namecheap.html"))
			require.NoError(t, err)
			assert.Contains(t, string(page), "<!DOCTYPE html>")
			assert.NoFileExists(t, filepath.Join(w.dir, "srv/status/.new"))
		}},
		{"*/5 * * * * root flock", func(t *testing.T, w *pageWorld) { w.mkdir(t, "var/lib/node_exporter") }, func(t *testing.T, w *pageWorld, _ string) {
			metrics, err := os.ReadFile(filepath.Join(w.dir, "var/lib/node_exporter/pmnamecheap.prom"))
			require.NoError(t, err)
			assert.Contains(t, string(metrics), "pmssl_items{")
		}},
	}
}

func (w *pageWorld) etc(name string) string { return filepath.Join(w.panel.Root(), "etc", name) }

func (w *pageWorld) mkdir(t *testing.T, name string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Join(w.dir, name), 0o755))
}

func mode(t *testing.T, path string) os.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	return info.Mode()
}

// runScript runs the lines for real: paths of the host are below the folder of the test, those of the panel in the stand-in's.
func (w *pageWorld) runScript(t *testing.T, group []pageLine) {
	script := slices.IndexFunc(pageScripts(), func(s pageScript) bool { return s.isFor(group) })
	require.NotEqualf(t, -1, script, "%s: these lines run for real: say in pageScripts what they must have done", group[0].where())
	var lines []string
	for _, l := range group {
		text := l.text
		if l.kind == cronCode {
			text = cronCommand(t, l)
		}
		for _, c := range commandsOf(t, l) {
			rule, ruled := ruleOf(c.program())
			require.Truef(t, ruled && rule.check == nil || isModule(c.program()), "%s: %s is not run in a script", l.where(), c.program())
			if !isModule(c.program()) && !slices.Contains([]string{"cd", "umask"}, c.program()) && installed(t, c.program()) == "" {
				t.Skip(c.program() + " is not installed")
			}
		}
		lines = append(lines, w.mapped(t, l, text))
	}
	s := pageScripts()[script]
	w.mkdir(t, "home")
	w.mkdir(t, "path")
	for _, seller := range sellerCases() {
		link := filepath.Join(w.dir, "path", seller.module)
		if _, err := os.Lstat(link); err != nil {
			require.NoError(t, os.Symlink(filepath.Join(w.panel.Root(), "processing", seller.module), link))
		}
	}
	s.prepare(t, w)
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-eu")
	cmd.Dir = w.dir
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	cmd.Env = append(w.moduleEnv(), "PATH="+filepath.Join(w.dir, "path")+":/usr/bin:/bin", "HOME="+filepath.Join(w.dir, "home"))
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	require.NoErrorf(t, cmd.Run(), "%s\n%s%s", strings.Join(lines, "\n"), stdout.String(), stderr.String())
	s.verify(t, w, stdout.String())
}

// mapped returns a line with the paths of this test. A path that is not one of the test's is refused.
func (w *pageWorld) mapped(t *testing.T, l pageLine, text string) string {
	t.Helper()
	source, err := filepath.Abs(sourceRoot())
	require.NoError(t, err)
	text, _, _ = strings.Cut(text, " #")
	text = strings.NewReplacer("/usr/local/mgr5", w.panel.Root(), "/srv/", w.dir+"/srv/", "/var/lib/node_exporter", w.dir+"/var/lib/node_exporter",
		"SOURCE/", source+"/", "127.0.0.1:1500", w.address).Replace(text)
	for _, match := range regexp.MustCompile(`(?:^|[ >='"])(/[\w./-]+)`).FindAllStringSubmatch(text, -1) {
		path := match[1]
		own := slices.ContainsFunc([]string{w.dir + "/", w.panel.Root(), source + "/"}, func(folder string) bool { return strings.HasPrefix(path, folder) })
		require.Truef(t, own || path == "/dev/null", "%s: %s is a path of this host", l.where(), path)
	}
	return text
}

// serveTLS starts a server with a certificate of its own.
func (w *pageWorld) serveTLS(t *testing.T) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"panel.example"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	require.NoError(t, err)
	sum := sha256.Sum256(public)
	w.pin = base64.StdEncoding.EncodeToString(sum[:])
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
	require.NoError(t, err)
	w.address = listener.Addr().String()
	var served sync.WaitGroup
	served.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			served.Go(func() { answerHello(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		served.Wait()
	})
}

// answerHello does the handshake and waits until the other side goes.
func answerHello(conn net.Conn) {
	defer conn.Close()
	if conn.(*tls.Conn).HandshakeContext(context.Background()) == nil {
		_, _ = conn.Read(make([]byte, 1))
	}
}

// Metrics that the sample of alerts asks for are those that the page lists.
func TestAlertsOfThePagesAskForMetricsThatExist(t *testing.T) {
	listed, asked := map[string]bool{}, 0
	metric := regexp.MustCompile(`pmssl_[a-z_]+`)
	for _, l := range pageLines(t) {
		if l.kind == inlineCode {
			for _, name := range metric.FindAllString(l.text, -1) {
				listed[name] = true
			}
		}
	}
	for _, l := range pageLines(t) {
		if l.kind != yamlCode {
			continue
		}
		for _, name := range metric.FindAllString(l.text, -1) {
			asked++
			assert.Truef(t, listed[name], "%s: %s is not in the table", l.where(), name)
		}
	}
	assert.NotZero(t, asked)
}
