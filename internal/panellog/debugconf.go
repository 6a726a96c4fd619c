package panellog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
)

const (
	maxDebugConf = 1 << 20 // bytes of etc/debug.conf that are read
	maxNamed     = 20      // broken lines that are reported one by one
	megabyte     = 1 << 20
)

// config holds the settings of etc/debug.conf for one log.
type config struct {
	rules   []levelRule
	maxSize int64 // bytes above which the log is rotated, 0 = never
	colour  bool
	console bool // storage=console: write to stderr instead of a file; stdout belongs to the protocol
}

// levelRule is a line `<log>[.<source module>] <level>`.
type levelRule struct {
	log, component string // with * and ?
	level          Level
}

// defaults returns the documented settings: 100 MB, a file (docs/reference/billmanager.md §8.2), colour as in the native line
// (docs/reference/billmanager.md §8.1), and level 6 as in the panel's own `* 6`.
func defaults() config { return config{maxSize: 100 * megabyte, colour: true} }

// level returns the level of the last rule that matches (docs/reference/billmanager.md §8.2), 6 if none does.
func (c config) level(log, component string) Level {
	for i := len(c.rules) - 1; i >= 0; i-- {
		r := c.rules[i]
		if glob(r.log, log) && glob(r.component, component) {
			return r.level
		}
	}
	return ExtInfo
}

// readDebugConf reads the file for the log of one binary. It returns the problems of the file as texts for that log; an absent
// file is not a problem.
func readDebugConf(path, log string) (config, []string) {
	// O_NONBLOCK: opening a FIFO at this path must not block the command.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return defaults(), nil
	}
	if err != nil {
		return defaults(), []string{"debug.conf is not used: " + err.Error()}
	}
	defer f.Close()
	if fi, err := f.Stat(); err != nil || !fi.Mode().IsRegular() {
		return defaults(), []string{"debug.conf is not used: " + path + " is not a regular file"}
	}
	text, err := io.ReadAll(io.LimitReader(f, maxDebugConf+1))
	if err != nil {
		return defaults(), []string{"debug.conf is not used: " + err.Error()}
	}
	return parseDebugConf(text, log)
}

// parseDebugConf reads the text of etc/debug.conf (docs/reference/billmanager.md §8.2) for one log.
//
//	# comment
//	SET [<log>.]max_log_size=SIZE | color=on|off | storage=file|console
//	<log>[.<source module>] <level> [conditions]
//
// The last line that matches wins; * and ? are wildcards. Blanks and tabs separate words. A line with conditions (user=, ip=) is
// for the panel's own logs and is ignored. A SIZE without a unit is in megabytes, as the documented default "100 MB" and the
// panel's form suggest [inferred]; the units are K, M, G (also KB, KiB, …; powers of 1024) and B; 0 means never rotate. Broken
// lines are ignored and returned as texts with the line number.
func parseDebugConf(text []byte, log string) (config, []string) {
	p := debugConfParser{conf: defaults(), log: log}
	if len(text) > maxDebugConf {
		text = text[:bytes.LastIndexByte(text[:maxDebugConf], '\n')+1]
		p.problems = append(p.problems, "debug.conf is larger than 1 MiB: the rest is not read")
	}
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	n := 0
	for line := range bytes.Lines(text) {
		n++
		if err := p.line(string(line)); err != nil {
			p.broken(n, err)
		}
	}
	if p.unnamed > 0 {
		p.problems = append(p.problems, fmt.Sprintf("debug.conf: %d more broken lines ignored", p.unnamed))
	}
	return p.conf, p.problems
}

// debugConfParser collects the settings and problems line by line.
type debugConfParser struct {
	conf     config
	log      string
	problems []string
	named    int // broken lines in problems
	unnamed  int // further broken lines, only counted
}

// broken adds the problem of line n.
func (p *debugConfParser) broken(n int, err error) {
	if p.named == maxNamed {
		p.unnamed++
		return
	}
	p.named++
	p.problems = append(p.problems, fmt.Sprintf("debug.conf line %d ignored: %v", n, err))
}

// line reads one line.
func (p *debugConfParser) line(line string) error {
	if at := commentAt(line); at >= 0 {
		line = line[:at]
	}
	words := strings.Fields(line)
	switch {
	case len(words) == 0:
		return nil
	case strings.EqualFold(words[0], "SET"):
		return p.set(strings.Join(words[1:], " "))
	case len(words) == 1:
		return fmt.Errorf("%s has no level, write `<log>[.<source module>] <level>`", quote(words[0]))
	}
	level, err := strconv.Atoi(words[1])
	if err != nil || level < int(Off) || level > int(Debug) {
		return fmt.Errorf("%s is not a level from 0 to 9", quote(words[1]))
	}
	if len(words) > 2 {
		return checkCondition(words[2:])
	}
	p.conf.rules = append(p.conf.rules, p.rule(words[0], Level(level)))
	return nil
}

// commentAt returns the index of the first # at the start of a word; -1 if there is none.
func commentAt(line string) int {
	for i := range len(line) {
		if line[i] == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			return i
		}
	}
	return -1
}

// checkCondition returns an error unless the words behind a level are conditions. A line with conditions is valid, but applies to
// requests to the panel and not to modules.
func checkCondition(words []string) error {
	if !strings.Contains(strings.Join(words, " "), "=") {
		return fmt.Errorf("%s after the level is not a condition", quote(strings.Join(words, " ")))
	}
	return nil
}

// rule splits a pattern into log and source module. A binary's name may contain a dot (pmx.py), so the whole pattern is tried as a
// log first.
func (p *debugConfParser) rule(pattern string, level Level) levelRule {
	dot := strings.LastIndexByte(pattern, '.')
	if dot < 0 || strings.Contains(p.log, ".") && glob(pattern, p.log) && !strings.HasSuffix(pattern, ".*") {
		return levelRule{log: pattern, component: "*", level: level}
	}
	return levelRule{log: pattern[:dot], component: pattern[dot+1:], level: level}
}

// set reads the rest of a SET line; blanks around = are allowed.
func (p *debugConfParser) set(rest string) error {
	name, value, ok := strings.Cut(rest, "=")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	if !ok || name == "" || strings.Contains(name, " ") {
		return fmt.Errorf("SET %s is not `SET [<log>.]<name>=<value>`", quote(rest))
	}
	if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
		if !glob(name[:dot], p.log) {
			return nil // about another log
		}
		name = name[dot+1:]
	}
	switch strings.ToLower(name) {
	case "max_log_size":
		return p.setSize(value)
	case "color":
		return setSwitch(&p.conf.colour, value, "on", "off")
	case "storage":
		return setSwitch(&p.conf.console, value, "console", "file")
	}
	return nil // an unknown setting may be one of the panel's own
}

// setSize sets the size above which the log is rotated.
func (p *debugConfParser) setSize(value string) error {
	size, err := parseSize(value)
	if err == nil {
		p.conf.maxSize = size
	}
	return err
}

// setSwitch sets target by one of two words.
func setSwitch(target *bool, value, yes, no string) error {
	switch {
	case strings.EqualFold(value, yes):
		*target = true
	case strings.EqualFold(value, no):
		*target = false
	default:
		return fmt.Errorf("%s is neither %s nor %s", quote(value), yes, no)
	}
	return nil
}

// parseSize reads a size as administrators write it: 100, 100M, "100 MB", 1GiB.
func parseSize(s string) (int64, error) {
	digits := s
	if end := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }); end >= 0 {
		digits = s[:end]
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s is not a size, write for example 100M", quote(s))
	}
	var unit int64
	switch strings.ToUpper(strings.TrimSpace(s[len(digits):])) {
	case "", "M", "MB", "MIB":
		unit = megabyte
	case "B":
		unit = 1
	case "K", "KB", "KIB":
		unit = 1 << 10
	case "G", "GB", "GIB":
		unit = 1 << 30
	default:
		return 0, fmt.Errorf("%s is not a size, write for example 100M", quote(s))
	}
	if n > 1<<50/unit {
		return 0, fmt.Errorf("%s is larger than any log", quote(s))
	}
	return n * unit, nil
}

// glob matches a name against a pattern with * and ?.
func glob(pattern, name string) bool {
	star, retry := -1, 0
	p, n := 0, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, retry = p, n
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == name[n]):
			p++
			n++
		case star >= 0:
			retry++
			p, n = star+1, retry
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// quote returns a text from the file in quotes on one line, at most 100 bytes of it.
func quote(s string) string { return strconv.Quote(cut(s, 100)) }
