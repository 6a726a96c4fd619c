package ctl

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func FuzzCommandLine(f *testing.F) {
	f.Add("-m\x1fbillmgr\x1f-o\x1fxml\x1ffunc\x1fa=b=c\x1f-e\x1fvalue=$X")
	f.Add("-e\x1f=\x1f-\x1f=\x1f")
	f.Fuzz(func(t *testing.T, line string) {
		args := strings.Split(line, "\x1f")
		w, err := parse(args, func(name string) (string, bool) { return "v", name == "X" })
		if err != nil {
			var own *Error
			if !errors.As(err, &own) {
				t.Fatalf("%v is not the panel's error", err)
			}
			return
		}
		for _, name := range []string{"", "="} {
			if _, ok := w.params[name]; ok {
				t.Fatalf("parameter %q of %q", name, args)
			}
		}
	})
}

// Every format is well-formed, whatever a value contains.
func FuzzRender(f *testing.F) {
	f.Add("a", "v", "v<&>\"'\x00\x1b\r\n\t")
	f.Add("ip.id", "]]>", "\xff\xfe🔒\uFFFE")
	f.Fuzz(func(t *testing.T, name, value, object string) {
		c := call{function: "f" + value, lang: value, params: map[string]string{name: value}}
		for _, r := range []Reply{
			{OK: true}, {Fields: []Pair{{"field", value}}}, {List: true, Rows: [][]Pair{{{"id", value}}}},
			{Err: &Error{Type: value, Object: object, Value: value}},
		} {
			d := xml.NewDecoder(strings.NewReader(string(render(formatXML, c, r))))
			for {
				_, err := d.Token()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatalf("xml: %v in %q", err, render(formatXML, c, r))
				}
			}
			for _, format := range []string{formatBJSON, formatSJSON, formatJSON, formatXJSON} {
				if out := render(format, c, r); !json.Valid(out) {
					t.Fatalf("%s: %q", format, out)
				}
			}
		}
	})
}

func TestMonthsAreClamped(t *testing.T) {
	for _, c := range []struct {
		from   string
		months int
		want   string
	}{
		{"2027-01-31", 1, "2027-02-28"}, {"2028-01-31", 1, "2028-02-29"}, {"2028-02-29", 12, "2029-02-28"},
		{"2026-11-30", 3, "2027-02-28"}, {"2026-12-31", 60, "2031-12-31"}, {"2026-05-05", -100, "2026-05-05"},
	} {
		from, err := time.Parse(time.DateOnly, c.from)
		assert.NoError(t, err)
		assert.Equal(t, c.want, addMonths(from, c.months).Format(time.DateOnly), "%s + %d", c.from, c.months)
	}
}

func TestBrokenArchivesAreRefusedInEveryMode(t *testing.T) {
	for _, store := range []string{"pem", "zip", "base64", "refuse"} {
		for _, text := range []string{"", "%", "AAAA", "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="} {
			_, err := unpack(text, store)
			var own *Error
			assert.ErrorAs(t, err, &own, "%s %q", store, text)
		}
	}
}
