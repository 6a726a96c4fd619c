package root

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Request is one call of mgrctl.
type Request struct {
	Caller string            `json:"caller"` // SSH_CONNECTION up to its first blank
	Func   string            `json:"func"`
	Params map[string]string `json:"params"` // with func and out, as logged
	Raw    string            `json:"raw"`    // k=v&…, as logged
}

// LocalCaller is logged for a caller that has not set SSH_CONNECTION.
const LocalCaller = "127.0.0.1"

// LogRequest appends the panel's native line (docs/reference/billmanager.md §8.1): parameters URL-encoded and sorted by
// name. Like the real panel it also logs secret values.
func (d Dir) LogRequest(now time.Time, pid int, caller string, params map[string]string) error {
	return d.appendLog(fmt.Sprintf("%s [%d:1] core_module \x1b[1;32mINFO Request [%s][root] '%s'\x1b[0m\n",
		now.Format("Jan _2 15:04:05"), pid, encode(caller), EncodeParams(params)))
}

func (d Dir) logPath() string { return d.Path("var", "billmgr.log") }

func (d Dir) appendLog(line string) error {
	f, err := os.OpenFile(d.logPath(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o640)
	if err != nil {
		return fmt.Errorf("request log: %w", err)
	}
	_, err = f.WriteString(line) // one write: lines of parallel processes stay whole
	return errors.Join(err, f.Close())
}

// EncodeParams joins parameters in the form of the log.
func EncodeParams(params map[string]string) string {
	words := make([]string, 0, len(params))
	for k, v := range params {
		words = append(words, encode(k)+"="+encode(v))
	}
	slices.Sort(words)
	return strings.Join(words, "&")
}

// encode escapes all but letters, digits and the dot: the log of a real panel has "ns%5Fupdate%5Ferror" and an
// unescaped "payment.info".
func encode(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '.':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// Requests returns the request log, oldest call first.
func (d Dir) Requests() ([]Request, error) {
	text, err := os.ReadFile(d.logPath())
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("request log: %w", err)
	}
	line := regexp.MustCompile(`Request \[([^\]]*)\]\[root\] '([^']*)'`)
	var all []Request
	for l := range bytes.Lines(text) {
		m := line.FindSubmatch(l)
		if m == nil {
			continue
		}
		r, err := parseRequest(string(m[1]), string(m[2]))
		if err != nil {
			return nil, fmt.Errorf("request log: %w", err)
		}
		all = append(all, r)
	}
	return all, nil
}

func parseRequest(caller, raw string) (Request, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return Request{}, err
	}
	who, err := url.QueryUnescape(caller)
	if err != nil {
		return Request{}, err
	}
	r := Request{Caller: who, Func: values.Get("func"), Params: map[string]string{}, Raw: raw}
	for k, v := range values {
		r.Params[k] = v[0]
	}
	return r, nil
}

// ClearRequests empties the request log.
func (d Dir) ClearRequests() error {
	err := os.Truncate(d.logPath(), 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
