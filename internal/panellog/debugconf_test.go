package panellog

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// docs/reference/billmanager.md §8.2.
func TestLevelComesFromTheLastMatchingLine(t *testing.T) {
	for _, c := range []struct {
		name, conf, component string
		want                  Level
	}{
		{"default without a file", "", "seller", ExtInfo},
		{"documented example", "* 6\npmnamecheap.* 9", "seller", Debug},
		{"every log", "* 3", "seller", Error},
		{"a module of every log", "* 6\n*.seller 8", "seller", Trace},
		{"a module of every log is not another module", "* 6\n*.db 8", "seller", ExtInfo},
		{"own log, own module", "pmnamecheap.seller 7", "seller", Ext},
		{"own log without a module is all of it", "pmnamecheap 9", "seller", Debug},
		{"another log", "pmvmmgr6.* 9", "seller", ExtInfo},
		{"wildcard inside", "pm*.sel?er 9", "seller", Debug},
		{"last match wins", "pmnamecheap.* 9\n* 4", "seller", Warning},
		{"last match wins, the other way", "* 4\npmnamecheap.* 9", "seller", Debug},
		{"off", "pmnamecheap.* 0", "seller", Off},
		{"comment lines", "# * 9\n  # * 8\n#", "seller", ExtInfo},
		{"comment behind a line", "* 7 # for support", "seller", Ext},
		{"tabs and blanks", "\t*\t\t7  ", "seller", Ext},
		{"carriage returns", "* 7\r\n* 8\r\n", "seller", Trace},
		{"byte order mark", "\ufeff* 7", "seller", Ext},
		{"a condition is for the panel's own logs", "* 5\n* 9 user=admin ip=10.0.0.1", "seller", Info},
		{"SET is no log", "SET x.y=9", "seller", ExtInfo},
		{"panel's default file", "* 6\n*.db 6\n*.core 4\n*.conn 4\n*.merge 4\n*.xmli 4\n*.cache 4\n*.longtask 4", "core", Warning},
	} {
		conf, problems := parseDebugConf([]byte(c.conf), "pmnamecheap")
		assert.Equal(t, c.want, conf.level("pmnamecheap", c.component), c.name)
		assert.Empty(t, problems, c.name)
	}
}

func TestLevelOfABinaryWithADotInItsName(t *testing.T) {
	for pattern, want := range map[string]Level{
		"pmx.py 9": Debug, "pmx.py.* 9": Debug, "pmx.py.seller 9": Debug, "pmx.sh 9": ExtInfo,
	} {
		conf, _ := parseDebugConf([]byte(pattern), "pmx.py")
		assert.Equal(t, want, conf.level("pmx.py", "seller"), pattern)
	}
}

func TestSettingsOfDebugConf(t *testing.T) {
	standard := defaults()
	for _, c := range []struct {
		name, conf string
		want       config
	}{
		{"documented defaults", "", config{maxSize: 100 << 20, colour: true}},
		{"a plain number is megabytes", "SET max_log_size=7", config{maxSize: 7 << 20, colour: true}},
		{"M", "SET max_log_size=7M", config{maxSize: 7 << 20, colour: true}},
		{"MB with a blank", "SET max_log_size=7 MB", config{maxSize: 7 << 20, colour: true}},
		{"kib", "SET max_log_size=7kib", config{maxSize: 7 << 10, colour: true}},
		{"G", "SET max_log_size=2G", config{maxSize: 2 << 30, colour: true}},
		{"bytes", "SET max_log_size=512B", config{maxSize: 512, colour: true}},
		{"0 is never", "SET max_log_size=0", config{colour: true}},
		{"blanks around =", "SET\tcolor = off", config{maxSize: 100 << 20}},
		{"own log", "SET pmnamecheap.color=off", config{maxSize: 100 << 20}},
		{"another log", "SET core.color=off", standard},
		{"wildcard", "SET pm*.color=off", config{maxSize: 100 << 20}},
		{"last wins", "SET color=off\nSET color=on", standard},
		{"console", "set storage=console", config{maxSize: 100 << 20, colour: true, console: true}},
		{"file", "SET storage=console\nSET storage=file", standard},
		{"a setting that only the panel knows", "SET rotate_count=5", standard},
	} {
		conf, problems := parseDebugConf([]byte(c.conf), "pmnamecheap")
		assert.Equal(t, c.want, conf, c.name)
		assert.Empty(t, problems, c.name)
	}
}

func TestBrokenLinesAreReportedAndIgnored(t *testing.T) {
	for line, want := range map[string]string{
		"pmnamecheap":                  "\"pmnamecheap\" has no level",
		"* nine":                       "\"nine\" is not a level from 0 to 9",
		"* 10":                         "\"10\" is not a level from 0 to 9",
		"* -1":                         "\"-1\" is not a level from 0 to 9",
		"* 9 7":                        "\"7\" after the level is not a condition",
		"SET":                          "is not `SET [<log>.]<name>=<value>`",
		"SET color":                    "is not `SET [<log>.]<name>=<value>`",
		"SET color off=x":              "is not `SET [<log>.]<name>=<value>`",
		"SET color=blue":               "\"blue\" is neither on nor off",
		"SET storage=syslog":           "\"syslog\" is neither console nor file",
		"SET max_log_size=lots":        "\"lots\" is not a size",
		"SET max_log_size=-1":          "\"-1\" is not a size",
		"SET max_log_size=5T":          "\"5T\" is not a size",
		"SET max_log_size=9999999999G": "is larger than any log",
		"SET max_log_size=9999999999999999999999999": "is not a size",
		"\x1b[31m": `"\x1b[31m" has no level`,
	} {
		conf, problems := parseDebugConf([]byte("# first\n"+line+"\n* 7\n"), "pmnamecheap")
		if assert.Len(t, problems, 1, line) {
			assert.Contains(t, problems[0], "debug.conf line 2 ignored: ", line)
			assert.Contains(t, problems[0], want, line)
		}
		assert.Equal(t, Ext, conf.level("pmnamecheap", "seller"), "%s: the next line counts", line)
		conf.rules = nil
		assert.Equal(t, defaults(), conf, line)
	}
}

func TestReportedBrokenLinesAreLimited(t *testing.T) {
	_, problems := parseDebugConf([]byte(strings.Repeat("broken\n", 1000)+strings.Repeat("x", 5000)), "pmx")
	assert.Len(t, problems, maxNamed+1)
	assert.Equal(t, "debug.conf: 981 more broken lines ignored", problems[maxNamed])
	_, problems = parseDebugConf([]byte(strings.Repeat("x", 5000)), "pmx")
	assert.Less(t, len(problems[0]), 300)
}

func TestDebugConfOverTheLimitIsCutAtALine(t *testing.T) {
	text := strings.Repeat("* 1\n", maxDebugConf/4-1) + "* 2\n* 9\n"
	conf, problems := parseDebugConf([]byte(text), "pmx")
	assert.Equal(t, Critical, conf.level("pmx", "r"))
	assert.Equal(t, []string{"debug.conf is larger than 1 MiB: the rest is not read"}, problems)
	conf, _ = parseDebugConf([]byte(strings.Repeat("x", maxDebugConf+1)), "pmx")
	assert.Empty(t, conf.rules)
}

func TestGlobMatchesStarAndQuestionMark(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"", "", true}, {"*", "", true}, {"", "a", false}, {"a", "a", true}, {"a", "ab", false}, {"*b", "ab", true},
		{"a*", "ab", true}, {"*a*b*", "xaxbx", true}, {"*ab", "aab", true}, {"?", "", false}, {"a?c", "abc", true}, {"[a]", "a", false},
	} {
		assert.Equal(t, c.want, glob(c.pattern, c.name), fmt.Sprint(c))
	}
}

func FuzzDebugConf(f *testing.F) {
	for _, s := range []string{"* 6\npmnamecheap.* 9 # x\n", "SET max_log_size=1 MB\nSET *.color=off\n", "\ufeff\t\r\n9", "SET =\nSET .=.", "*.db 6 user=a"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		conf, problems := parseDebugConf(text, "pmnamecheap")
		if conf.maxSize < 0 || len(problems) > maxNamed+2 {
			t.Fatalf("size %d, %d problems", conf.maxSize, len(problems))
		}
		for _, r := range conf.rules {
			if r.level < Off || r.level > Debug {
				t.Fatalf("level %d", r.level)
			}
		}
		for _, c := range problems {
			if visible(c) != c || strings.Contains(c, "\n") {
				t.Fatalf("problem is not printable: %q", c)
			}
		}
		conf.level("pmnamecheap", "seller")
		// A line at the end applies, whatever is before it.
		if len(text) > maxDebugConf-100 {
			return
		}
		conf, _ = parseDebugConf(append(text, "\npmnamecheap.seller 9\n"...), "pmnamecheap")
		if conf.level("pmnamecheap", "seller") != Debug {
			t.Fatal("the last line does not win")
		}
	})
}
