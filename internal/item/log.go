package item

import "fmt"

// Label returns the item's name in log lines and errors: `item 42 (example.com)`, or `item 42` if the item has no name.
func (i Item) Label() string {
	if i.Name == "" {
		return fmt.Sprintf("item %d", i.Item)
	}
	return fmt.Sprintf("item %d (%s)", i.Item, i.Name)
}

// NewHandle returns the handle of a loaded item. Each line of its log begins with the item's label; its CSR is
// Item.RequestCSR.
func NewHandle(run *Run, it Item) *Handle {
	handle := &Handle{Run: run, Item: it, PanelCSR: it.CSR, Log: itemLog{run.Log, it.Label() + ": "}}
	handle.Item.CSR = it.RequestCSR()
	return handle
}

// itemLog puts the label of one item before each line, so that a search for a domain finds everything about it.
type itemLog struct {
	log    Log
	prefix string
}

func (l itemLog) line(format string, args []any) string {
	return l.prefix + fmt.Sprintf(format, args...)
}

// Errorf implements Log.
func (l itemLog) Errorf(format string, args ...any) { l.log.Errorf("%s", l.line(format, args)) }

// Warningf implements Log.
func (l itemLog) Warningf(format string, args ...any) { l.log.Warningf("%s", l.line(format, args)) }

// Infof implements Log.
func (l itemLog) Infof(format string, args ...any) { l.log.Infof("%s", l.line(format, args)) }

// ExtInfof implements Log.
func (l itemLog) ExtInfof(format string, args ...any) { l.log.ExtInfof("%s", l.line(format, args)) }

// Tracef implements Log.
func (l itemLog) Tracef(format string, args ...any) { l.log.Tracef("%s", l.line(format, args)) }

// Debugf implements Log.
func (l itemLog) Debugf(format string, args ...any) { l.log.Debugf("%s", l.line(format, args)) }
