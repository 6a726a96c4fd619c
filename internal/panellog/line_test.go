package panellog

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// The native line, docs/reference/billmanager.md §8.1 and rules LOG-1, byte for byte.
func TestNativeLineOfEachLevel(t *testing.T) {
	at := time.Date(2024, time.May, 7, 15, 7, 16, 999_000_000, time.UTC)
	for _, c := range []struct {
		level         Level
		where         string
		plain, colour string
	}{
		{Note, "", "NOTE text", "\x1b[1;34mNOTE text\x1b[0m"},
		{Critical, "", "CRITICAL text", "\x1b[1;31mCRITICAL text\x1b[0m"},
		{Error, "", "ERROR text", "\x1b[1;31mERROR text\x1b[0m"},
		{Warning, "", "WARNING text", "\x1b[1;35mWARNING text\x1b[0m"},
		{Info, "", "INFO text", "\x1b[1;32mINFO text\x1b[0m"},
		{ExtInfo, "", "EXTINFO text", "\x1b[1;36mEXTINFO text\x1b[0m"},
		{Ext, "", "EXT text", "\x1b[36mEXT text\x1b[0m"},
		{Trace, "", "TRACE text", "\x1b[1mTRACE text\x1b[0m"},
		{Debug, "file.go:12", "DEBUG file.go:12 text", "\x1b[1;33mDEBUG file.go:12 text\x1b[0m"},
	} {
		e := entry{time: at, pid: 157101, component: "seller", level: c.level, where: c.where, text: "text"}
		assert.Equal(t, "May  7 15:07:16 [157101:1] seller "+c.plain+"\n", string(e.line(false)))
		assert.Equal(t, "May  7 15:07:16 [157101:1] seller "+c.colour+"\n", string(e.line(true)))
	}
}

func TestDayOfTwoDigitsIsNotPadded(t *testing.T) {
	e := entry{time: time.Date(2026, time.November, 22, 4, 5, 6, 0, time.UTC), pid: 1, component: "r", level: Info, text: "x"}
	assert.Equal(t, "Nov 22 04:05:06 [1:1] r INFO x\n", string(e.line(false)))
}

func TestVisibleEscapesWhatCouldForgeALine(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"newline and tab stay", "a\n\tb", "a\n\tb"},
		{"letters of any script stay", "домен ünïcode 証明書", "домен ünïcode 証明書"},
		{"a real replacement character stays", "a\ufffdb", "a\ufffdb"},
		{"colour", "\x1b[1;31mERROR", `\x1b[1;31mERROR`},
		{"carriage return", "a\rMay  7", `a\rMay  7`},
		{"nul, bell, backspace, delete", "\x00\a\b\x7f", `\x00\x07\x08\x7f`},
		{"C1 control sequence", "\u009b31m", `\x9b31m`},
		{"C1 as a bare byte", "\x9b31m", `\x9b31m`},
		{"direction override", "\u202egpj.exe", `\u202egpj.exe`},
		{"isolate", "\u2066a", `\u2066a`},
		{"direction marks, zero width, tags", "a\u200eb\u061cc\u200bd\ufeffe\U000e0041", `a\u200eb\u061cc\u200bd\ufeffe\U000e0041`},
		{"soft hyphen", "a\u00adb", `a\xadb`},
		{"line separator", "a\u2028b", `a\u2028b`},
	} {
		assert.Equal(t, c.want, visible(c.in), c.name)
	}
}

func TestCutKeepsCharactersWhole(t *testing.T) {
	assert.Equal(t, "жж", cut("жж", 4))
	assert.Equal(t, "ж … (cut, 4 bytes in all)", cut("жж", 3))
}
