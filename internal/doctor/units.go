package doctor

import (
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// unitFolders are where systemd looks for units, the first one first (systemd.unit(5)).
func unitFolders() []string {
	return []string{
		"/etc/systemd/system.control", "/run/systemd/system.control", "/run/systemd/transient", "/run/systemd/generator.early",
		"/etc/systemd/system", "/etc/systemd/system.attached", "/run/systemd/system", "/run/systemd/system.attached", "/run/systemd/generator",
		"/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system", "/run/systemd/generator.late",
	}
}

// Limits of what is read of systemd's folders: names of a folder, and bytes of a unit.
const (
	maxUnitNames = 5000
	maxUnit      = 256 << 10
)

// unit is a unit of systemd with its drop-ins, as far as files show it.
type unit struct {
	name string // with the instance
	path string // of its file; empty if there is none
	// masked says that systemd does not load it: its file is empty or a link to /dev/null.
	masked bool
	lines  []directive
	unread error // the file or a drop-in cannot be read
}

// directive is one line of a unit: a setting of a section.
type directive struct{ section, name, value string }

// namesIn lists what is in a folder of this host, sorted. Of a long list only a part is read.
func (x *examination) namesIn(folder string) []string {
	opened, err := os.Open(x.hostPath(folder))
	if err != nil {
		return nil
	}
	defer opened.Close()
	names, _ := opened.Readdirnames(maxUnitNames)
	slices.Sort(names)
	return names
}

// unit reads a unit. Of an instance, a file of its own counts before that of the template, whatever folder it is in.
func (x *examination) unit(name string) unit {
	u := unit{name: name}
	for _, file := range fileNames(name) {
		for _, folder := range unitFolders() {
			path := x.hostPath(filepath.Join(folder, file))
			info, err := os.Lstat(path)
			if err != nil {
				continue
			}
			if u.path, u.masked = path, masks(path, info); !u.masked {
				u.read(path)
				for _, more := range x.dropIns(name) {
					u.read(more)
				}
			}
			return u
		}
	}
	return u
}

// fileNames returns the names of the files of a unit: NAME@INSTANCE.KIND is also read from NAME@.KIND.
func fileNames(name string) []string {
	prefix, instance, is := strings.Cut(name, "@")
	if !is {
		return []string{name}
	}
	return []string{name, prefix + "@" + filepath.Ext(instance)}
}

// masks reports whether a unit's file keeps systemd from loading the unit.
func masks(path string, info fs.FileInfo) bool {
	if target, err := os.Readlink(path); err == nil {
		return target == "/dev/null"
	}
	return info.Mode().IsRegular() && info.Size() == 0
}

// dropIns returns the files *.conf that add to a unit, in their order: by name, whatever folder they are in. Of two with the same name
// the first folder's counts, and a link to /dev/null stands for none.
func (x *examination) dropIns(name string) []string {
	kind := filepath.Ext(name)
	folders := fileNames(name)
	stem, _, _ := strings.Cut(strings.TrimSuffix(name, kind), "@")
	for at := strings.LastIndex(stem, "-"); at > 0; at = strings.LastIndex(stem[:at], "-") {
		folders = append(folders, stem[:at+1]+kind)
	}
	folders = append(folders, strings.TrimPrefix(kind, "."))
	found := map[string]string{}
	var names []string
	for _, folder := range folders {
		for _, place := range unitFolders() {
			for _, file := range x.namesIn(filepath.Join(place, folder+".d")) {
				if _, known := found[file]; known || filepath.Ext(file) != ".conf" {
					continue
				}
				found[file] = x.hostPath(filepath.Join(place, folder+".d", file))
				names = append(names, file)
			}
		}
	}
	slices.Sort(names)
	var paths []string
	for _, file := range names {
		if info, err := os.Lstat(found[file]); err == nil && !masks(found[file], info) {
			paths = append(paths, found[file])
		}
	}
	return paths
}

// read adds the lines of a file.
func (u *unit) read(path string) {
	text, err := readSome(path, maxUnit)
	if err != nil {
		u.unread = err
		return
	}
	section := ""
	joined := strings.NewReplacer("\\\r\n", " ", "\\\n", " ").Replace(string(text))
	for line := range strings.Lines(joined) {
		line = strings.TrimSpace(line)
		name, value, is := strings.Cut(line, "=")
		switch {
		case line == "", line[0] == '#', line[0] == ';':
		case line[0] == '[':
			section = strings.Trim(line, "[]")
		case is:
			u.lines = append(u.lines, directive{section, strings.TrimSpace(name), strings.TrimSpace(value)})
		}
	}
}

// shown names the unit's file, or the unit if it has none.
func (u *unit) shown() string { return cmp.Or(u.path, u.name) }

// values returns the values of a setting. An empty one takes back those before it.
func (u *unit) values(section, name string) []string {
	var all []string
	for _, line := range u.lines {
		switch {
		case line.section != section || line.name != name:
		case line.value == "":
			all = nil
		default:
			all = append(all, line.value)
		}
	}
	return all
}

// waitsFor returns the values of ConditionPathExists. An empty condition of any kind takes back all before it (systemd.unit(5)).
func (u *unit) waitsFor() []string {
	var all []string
	for _, line := range u.lines {
		switch {
		case line.section != "Unit" || !strings.HasPrefix(line.name, "Condition"):
		case line.value == "":
			all = nil
		case line.name == "ConditionPathExists":
			all = append(all, line.value)
		}
	}
	return all
}

// expand returns a text with the specifiers that stand for parts of the unit's name.
func (u *unit) expand(text string) string {
	stem := strings.TrimSuffix(u.name, filepath.Ext(u.name))
	prefix, instance, _ := strings.Cut(stem, "@")
	return strings.NewReplacer("%%", "%", "%i", instance, "%I", instance, "%p", prefix, "%P", prefix, "%n", u.name, "%N", stem).Replace(text)
}

// enabledTimers lists the timers that systemd starts with another unit, by the links that `systemctl enable` makes.
func (x *examination) enabledTimers() []string {
	var timers []string
	for _, place := range unitFolders() {
		for _, folder := range x.namesIn(place) {
			if !slices.Contains([]string{".wants", ".requires", ".upholds"}, filepath.Ext(folder)) {
				continue
			}
			for _, name := range x.namesIn(filepath.Join(place, folder)) {
				if filepath.Ext(name) == ".timer" && !slices.Contains(timers, name) {
					timers = append(timers, name)
				}
			}
		}
	}
	return timers
}
