package panellog

import (
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap/zapcore"
)

// core is the zap core that writes native lines to the stream.
type core struct {
	s     *stream
	level Level
}

// toZap returns the zap level of a panel level. A higher panel level is more verbose, a higher zap level is more severe. All of
// them are below zap's panic and fatal levels.
func toZap(v Level) zapcore.Level { return zapcore.Level(-v) }

// Enabled implements zapcore.LevelEnabler.
func (c core) Enabled(l zapcore.Level) bool { return toZap(c.level).Enabled(l) }

// With implements zapcore.Core. The native line has no fields.
func (c core) With([]zapcore.Field) zapcore.Core { return c }

// Check implements zapcore.Core.
func (c core) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return ce.AddCore(e, c)
	}
	return ce
}

// Write implements zapcore.Core. It masks secrets first, and again if escaping changed the text.
func (c core) Write(e zapcore.Entry, _ []zapcore.Field) error {
	masked := cut(ShortenPEM(c.s.masks.mask(strings.TrimRight(e.Message, "\n"))), maxEntry)
	text := visible(masked)
	if text != masked {
		text = c.s.masks.mask(text)
	}
	text = strings.ReplaceAll(text, "\n", continuation)
	out := entry{time: e.Time.In(c.s.loc), pid: c.s.pid, component: e.LoggerName, level: Level(-e.Level), text: text}
	if e.Caller.Defined {
		out.where = filepath.Base(e.Caller.File) + ":" + strconv.Itoa(e.Caller.Line)
	}
	plain := out.line(false)
	c.s.tail.add(string(plain[:len(plain)-1]))
	if c.s.colour {
		c.s.out.write(out.line(true))
	} else {
		c.s.out.write(plain)
	}
	return nil
}

// Sync implements zapcore.Core. Entries are not buffered.
func (c core) Sync() error { return nil }

// continuation begins each further line of an entry, so that only the log's own lines begin at the margin (rules LOG-2).
const continuation = "\n    "

// clock gives zap the injected time.
type clock struct{ now func() time.Time }

// Now implements zapcore.Clock.
func (c clock) Now() time.Time { return c.now() }

// NewTicker implements zapcore.Clock; nothing here ticks.
func (c clock) NewTicker(d time.Duration) *time.Ticker { return time.NewTicker(d) }
