package doctor

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// cronTable is a file that cron reads.
type cronTable struct {
	path   string
	users  bool // each line names a user after its times
	script bool // it is a program that run-parts starts each hour
}

// maxCron is how much of a file of cron is read, in bytes.
const maxCron = 256 << 10

// cronTables lists the files of cron that may start something as root: crontab(5), and the spools of Debian, Red Hat and SUSE.
func (x *examination) cronTables() []cronTable {
	tables := []cronTable{{path: "/etc/crontab", users: true}}
	for _, name := range x.namesIn("/etc/cron.d") {
		tables = append(tables, cronTable{path: "/etc/cron.d/" + name, users: true})
	}
	for _, name := range x.namesIn("/etc/cron.hourly") {
		tables = append(tables, cronTable{path: "/etc/cron.hourly/" + name, script: true})
	}
	for _, spool := range []string{"/var/spool/cron/crontabs/root", "/var/spool/cron/root", "/var/spool/cron/tabs/root"} {
		tables = append(tables, cronTable{path: spool})
	}
	return tables
}

// cronLines returns a finding for each file of cron that runs the sweep; hidden names one that only root can read.
func (x *examination) cronLines() (found []Finding, hidden string) {
	for _, table := range x.cronTables() {
		path := x.hostPath(table.path)
		text, err := readSome(path, maxCron)
		switch {
		case denied(err):
			hidden = path
		case err == nil:
			if f := x.cronStarter(table, path, string(text)); f != nil {
				found = append(found, *f)
			}
		}
	}
	return found, hidden
}

// cronStarter returns the finding about a file with a line that runs the sweep; nil if it has none.
func (x *examination) cronStarter(table cronTable, path, text string) *Finding {
	times, root, is := x.cronSweep(table, text)
	if !is {
		return nil
	}
	f := passed("%s runs the sweep", path)
	switch why, mend := x.ignored(table, path); {
	case why != "":
		f = failed(mend, "%s runs the sweep, and cron ignores it: %s", path, why)
	case !x.isRoot(root):
		f = failed("write MGR5_ROOT="+x.o.Root+" before the command", "%s runs the sweep of another root: %s", path, root)
	case !table.script && !hourly(times):
		f = warned("let it run each hour, for example: 17 * * * *", "%s runs the sweep, and not each hour (%s)", path, strings.Join(times, " "))
	}
	return &f
}

// cronSweep returns the times and the panel's root of the first line that runs the sweep.
func (x *examination) cronSweep(table cronTable, text string) (times []string, root string, is bool) {
	named := ""
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if value, set := rootOf(line); set {
			named = value
			continue
		}
		command := line
		if !table.script {
			times, command = schedule(line, table.users)
		}
		if root, is = x.sweepRoot(command, named); is {
			return times, root, true
		}
	}
	return nil, "", false
}

// rootOf returns the panel's root that a line sets for the lines after it.
func rootOf(line string) (root string, set bool) {
	name, value, is := strings.Cut(strings.TrimPrefix(line, "export "), "=")
	if !is || strings.TrimSpace(name) != "MGR5_ROOT" || len(strings.Fields(value)) > 1 {
		return "", false
	}
	return strings.Trim(strings.TrimSpace(value), `"'`), true
}

// schedule cuts a line of a crontab into its times and its command; without a command, it has too few words.
func schedule(line string, users bool) (times []string, command string) {
	words := strings.Fields(line)
	n := 5
	if strings.HasPrefix(line, "@") {
		n = 1
	}
	first := n
	if users {
		first++
	}
	if len(words) <= first {
		return nil, ""
	}
	return words[:n], strings.Join(words[first:], " ")
}

// hourly reports whether the times of a crontab's line are those of a command that runs at least once each hour.
func hourly(times []string) bool {
	if len(times) == 1 {
		return times[0] == "@hourly"
	}
	return !slices.ContainsFunc(times[1:], func(field string) bool {
		return !slices.Contains([]string{"*", "*/1", "0-23", "0-23/1"}, field)
	})
}

// ignored returns why cron or run-parts leave a file out, and the mend; empty if they do not.
func (x *examination) ignored(table cronTable, path string) (why, mend string) {
	name := filepath.Base(path)
	info, err := os.Stat(path)
	switch {
	case err != nil || !table.users && !table.script: // the spool is written by crontab(1)
		return "", ""
	case table.path != "/etc/crontab" && !x.cronName(name, table.script):
		return "its name has other characters than letters, digits, \"_\" and \"-\", or an ending that it leaves out", "give it another name: mv " + shellWord(path) + " " + filepath.Join(filepath.Dir(path), plainName(name))
	case ownerOf(info) != 0 && ownerOf(info) != os.Geteuid():
		return "it does not belong to root", "chown root:root " + shellWord(path)
	case table.script && info.Mode().Perm()&0o111 == 0:
		return "it is not executable", "chmod 755 " + shellWord(path)
	case !table.script && info.Mode().Perm()&0o022 != 0:
		return "others can write it", "chmod 644 " + shellWord(path)
	}
	return "", ""
}

// cronName reports whether cron or run-parts read a file of this name. Those of Debian take no dot (cron(8), run-parts(8)); cronie,
// whose program is crond, leaves out what editors and rpm have put aside.
func (x *examination) cronName(name string, script bool) bool {
	if _, err := os.Stat(x.hostPath("/usr/sbin/crond")); err != nil {
		return name == plainName(name)
	}
	if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "#") || strings.HasSuffix(name, "~") {
		return false
	}
	endings := []string{".rpmsave", ".rpmorig", ".rpmnew"}
	if script {
		endings = append(endings, ".swp", ",v", ",", ".cfsaved")
	}
	return !slices.ContainsFunc(endings, func(ending string) bool { return strings.HasSuffix(name, ending) })
}

// plainName returns a name with "-" for each character that Debian's cron does not take.
func plainName(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' {
			return r
		}
		return '-'
	}, name)
}
