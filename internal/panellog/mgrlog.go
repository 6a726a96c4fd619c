package panellog

import (
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Options are the settings of a log.
type Options struct {
	Name     string              // name of the binary: the log is var/<Name>.log, and <Name> in debug.conf
	Root     string              // root directory of the panel
	Stderr   io.Writer           // gets one line if the log cannot be written, and the whole log with storage=console; nil = nothing
	Now      func() time.Time    // clock; nil writes the zero time in every line
	Location *time.Location      // zone of the line's time (rules TIME-1: only the log's time is local); nil = time.Local
	PID      int                 // process id in each line
	Sleep    func(time.Duration) // waits while another process holds a lock; nil = time.Sleep
}

// Logger writes the entries of one component. All loggers that come from one Open share the log, the secrets and the tail. A nil
// *Logger discards entries. Its methods may be called from several goroutines.
type Logger struct {
	s         *stream
	level     Level
	component string // as it is written
}

// stream is the state that the components of one process share.
type stream struct {
	name   string
	pid    int
	loc    *time.Location
	now    func() time.Time
	conf   config
	colour bool
	masks  masker
	tail   tail
	counts [Debug + 1]atomic.Int64 // entries by level, including levels that are not written
	out    *sink
	file   *logFile // nil: no file is open
}

// defaultComponent is the component of the logger that Open returns.
const defaultComponent = "main"

// Open reads etc/debug.conf and opens var/<Name>.log under the panel's root. It never fails: if the log cannot be written,
// the command goes on and Stderr gets exactly one line. Call Close at the end of the command, after its answer is written:
// it packs archives.
func Open(o Options) *Logger {
	o = o.withDefaults()
	conf, problems := readDebugConf(filepath.Join(o.Root, "etc", "debug.conf"), o.Name)
	path := filepath.Join(o.Root, "var", o.Name+".log")
	s := &stream{
		name: o.Name, pid: o.PID, loc: o.Location, now: o.Now, conf: conf, colour: conf.colour,
		out: &sink{stderr: o.Stderr, name: o.Name, target: path},
	}
	if conf.console {
		s.out.w, s.out.target = o.Stderr, "stderr"
	} else {
		s.openFile(path, o)
	}
	l := s.component(defaultComponent)
	own := l.Named("mgrlog")
	for _, problem := range problems {
		own.Warningf("%s", problem)
	}
	if s.file != nil {
		for _, err := range s.file.problems {
			own.Warningf("%v", err)
		}
	}
	return l
}

// withDefaults returns the options with defaults for what is not set.
func (o Options) withDefaults() Options {
	o.Name = filepath.Base(o.Name)
	if o.Location == nil {
		o.Location = time.Local
	}
	if o.Now == nil {
		o.Now = func() time.Time { return time.Time{} }
	}
	if o.Sleep == nil {
		o.Sleep = time.Sleep
	}
	return o
}

// openFile opens the log file, or reports that it cannot be opened.
func (s *stream) openFile(path string, o Options) {
	f, err := openLogFile(path, s.conf.maxSize, s.rotationClock(), o.Sleep, s.header)
	if err != nil {
		s.out.reportUnavailable(err)
		return
	}
	s.file = f
	s.out.w = f
}

// header returns the first line of a log that continues an archive.
func (s *stream) header(archive string) []byte {
	return entry{
		time: s.now().In(s.loc), pid: s.pid, component: "mgrlog", level: Note,
		text: visible("this log continues " + archive + " (without .gz until it is packed)"),
	}.line(s.colour)
}

// rotationClock returns the local time that names an archive.
func (s *stream) rotationClock() func() time.Time {
	return func() time.Time { return s.now().In(s.loc) }
}

// Discard returns a logger without a log file, for tests: every level is on, every entry is formatted and masked, and Tail returns
// what would have been written.
func Discard() *Logger {
	s := &stream{name: "discard", loc: time.UTC, now: func() time.Time { return time.Time{} }, out: &sink{}}
	s.conf = defaults()
	s.conf.rules = []levelRule{{log: "*", component: "*", level: Debug}}
	return s.component(defaultComponent)
}

// Close ends the log of this process and packs one archive that no process writes to any more, if there is one. Later entries are
// discarded. An error says what could not be closed or packed; no entry is lost by it.
func (l *Logger) Close() error {
	if l == nil {
		return nil
	}
	l.s.out.close()
	if l.s.file == nil {
		return nil
	}
	return l.s.file.Close()
}

// Named returns a logger of the same log for another component, the word before the level ("namecheap"). Its level is that
// of the last line in debug.conf that matches <Name>.<component>.
func (l *Logger) Named(name string) *Logger {
	if l == nil {
		return nil
	}
	return l.s.component(name)
}

// component returns the logger of a component.
func (s *stream) component(name string) *Logger {
	return &Logger{
		s: s, level: s.conf.level(s.name, name),
		component: escapeNewlines(visible(strings.ReplaceAll(name, " ", "_"))),
	}
}

// Enabled reports whether entries of level v are written. Call it before making an expensive text.
func (l *Logger) Enabled(v Level) bool {
	return l != nil && v > Off && v <= Debug && v <= l.level
}

// Notef writes a NOTE (level 1).
func (l *Logger) Notef(format string, args ...any) { l.logf(Note, format, args...) }

// Criticalf writes a CRITICAL entry (level 2). It does not end the process.
func (l *Logger) Criticalf(format string, args ...any) { l.logf(Critical, format, args...) }

// Errorf writes an ERROR (level 3).
func (l *Logger) Errorf(format string, args ...any) { l.logf(Error, format, args...) }

// Warningf writes a WARNING (level 4).
func (l *Logger) Warningf(format string, args ...any) { l.logf(Warning, format, args...) }

// Infof writes an INFO entry (level 5, requests): a command, its arguments, result and time.
func (l *Logger) Infof(format string, args ...any) { l.logf(Info, format, args...) }

// ExtInfof writes an EXTINFO entry (level 6): a decision and its reason.
func (l *Logger) ExtInfof(format string, args ...any) { l.logf(ExtInfo, format, args...) }

// Extf writes an EXT entry (level 7): one exchange with a remote service or mgrctl, in one line.
func (l *Logger) Extf(format string, args ...any) { l.logf(Ext, format, args...) }

// Tracef writes a TRACE entry (level 8): a step inside a component.
func (l *Logger) Tracef(format string, args ...any) { l.logf(Trace, format, args...) }

// Debugf writes a DEBUG entry (level 9): full requests and answers. Only these entries have the caller's file and line.
func (l *Logger) Debugf(format string, args ...any) {
	if !l.Enabled(Debug) {
		return
	}
	var where string
	if _, file, line, known := runtime.Caller(1); known {
		where = filepath.Base(file) + ":" + strconv.Itoa(line)
	}
	l.write(Debug, where, fmt.Sprintf(format, args...))
}

// logf counts and writes an entry of level v.
func (l *Logger) logf(v Level, format string, args ...any) {
	if l != nil {
		l.s.counts[v].Add(1)
	}
	if !l.Enabled(v) {
		return
	}
	l.write(v, "", fmt.Sprintf(format, args...))
}

// write writes an entry of level v. It masks secrets first, and again if escaping changed the text. where is the caller's file and
// line, or empty.
func (l *Logger) write(v Level, where, message string) {
	s := l.s
	masked := cut(ShortenPEM(s.masks.mask(strings.TrimRight(message, "\n"))), maxEntry)
	text := visible(masked)
	if text != masked {
		text = s.masks.mask(text)
	}
	text = strings.ReplaceAll(text, "\n", continuation)
	out := entry{time: s.now().In(s.loc), pid: s.pid, component: l.component, level: v, where: where, text: text}
	plain := out.line(false)
	s.tail.add(string(plain[:len(plain)-1]))
	if s.colour {
		s.out.write(out.line(true))
	} else {
		s.out.write(plain)
	}
}

// continuation begins each further line of an entry, so that only the log's own lines begin at the margin (rules LOG-2).
const continuation = "\n    "

// Counts returns the numbers of warnings and of errors, critical ones included, in all components of this process, whether
// or not they were written.
func (l *Logger) Counts() (warnings, errors int64) {
	if l == nil {
		return 0, 0
	}
	return l.s.counts[Warning].Load(), l.s.counts[Error].Load() + l.s.counts[Critical].Load()
}

// Secret registers values that must not appear in the log. In every later entry of this process, and in what Tail returns,
// they are replaced by ***, in any of these forms: in any letter case, URL-encoded, escaped for XML, HTML, JSON or a shell, in
// hex or base64 at any offset, and with up to four of these applied after each other. A value of at least eight letters and
// digits is also found with line ends, tags, quotes or other separators inside it, and if it contains tags or escapes itself. Of
// a longer one, the beginning is masked too if eight of them are left of it at the end of a text or before an ellipsis, because
// texts may be cut. Values under four bytes are ignored: masking them would make the log unreadable; fields of forms and
// documents are masked by name.
func (l *Logger) Secret(values ...string) {
	if l != nil {
		l.s.masks.add(values...)
	}
}

// Mask returns the text with *** for every registered secret, in any form that Secret lists, and for PEM private keys. It is
// for texts that leave the program by another way than the log. Mask a text before it is cut: half of a secret is not found.
// A nil logger masks private keys only.
func (l *Logger) Mask(text string) string {
	if l == nil {
		return maskKeys(text)
	}
	return l.s.masks.mask(text)
}

// Tail returns the last n entries (at most 100) that this process wrote, oldest first, without colour and newline, for the
// log excerpt of an error document (docs/reference/billmanager.md §1.6). They are masked again with the secrets registered
// since.
func (l *Logger) Tail(n int) []string {
	if l == nil {
		return nil
	}
	lines := l.s.tail.last(n)
	for i := range lines {
		lines[i] = l.s.masks.mask(lines[i])
	}
	return lines
}

// escapeNewlines returns the text on one line, with \n for each newline.
func escapeNewlines(s string) string { return strings.ReplaceAll(s, "\n", `\n`) }
