package item_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"pmssl/internal/item"
)

// recorder keeps the lines of a log with their levels.
type recorder struct{ lines []string }

func (r *recorder) add(level, format string, args []any) {
	r.lines = append(r.lines, level+" "+fmt.Sprintf(format, args...))
}
func (r *recorder) Errorf(format string, args ...any)   { r.add("error", format, args) }
func (r *recorder) Warningf(format string, args ...any) { r.add("warning", format, args) }
func (r *recorder) Infof(format string, args ...any)    { r.add("info", format, args) }
func (r *recorder) ExtInfof(format string, args ...any) { r.add("extinfo", format, args) }
func (r *recorder) Tracef(format string, args ...any)   { r.add("trace", format, args) }
func (r *recorder) Debugf(format string, args ...any)   { r.add("debug", format, args) }

func TestEachLineAboutAnItemBeginsWithItsNumberAndDomain(t *testing.T) {
	for name, c := range map[string]struct {
		item item.Item
		want string
	}{
		"with a domain":            {item.Item{Item: 42, Name: "example.com"}, "item 42 (example.com): paid 10 %"},
		"without":                  {item.Item{Item: 42}, "item 42: paid 10 %"},
		"a name that is no domain": {item.Item{Item: 42, Name: "100%d"}, "item 42 (100%d): paid 10 %"},
	} {
		t.Run(name, func(t *testing.T) {
			log := &recorder{}
			j := item.NewHandle(&item.Run{Log: log}, c.item)
			j.Log.Errorf("paid %d %%", 10)
			j.Log.Warningf("paid %d %%", 10)
			j.Log.Infof("paid %d %%", 10)
			j.Log.ExtInfof("paid %d %%", 10)
			j.Log.Tracef("paid %d %%", 10)
			j.Log.Debugf("paid %d %%", 10)
			assert.Equal(t, []string{"error " + c.want, "warning " + c.want, "info " + c.want, "extinfo " + c.want, "trace " + c.want, "debug " + c.want}, log.lines)
		})
	}
}
