package ispapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"pmssl/internal/mgrctl"
	"pmssl/internal/publish"
)

const (
	// commandTime bounds one start of mgrctl.
	commandTime = 60 * time.Second
	// maxStderr is how many octets of what mgrctl prints to people are kept.
	maxStderr = 4 << 10
)

// local is a panel on this host, called by its sbin/mgrctl. It needs no login: mgrctl trusts the user it runs as.
type local struct {
	server Server
	env    publish.Env
}

func newLocal(s Server, e publish.Env) (*local, error) {
	switch {
	case s.Mgr != "ispmgr" && s.Mgr != "dnsmgr":
		return nil, fmt.Errorf("mgr is %q: possible are ispmgr and dnsmgr", s.Mgr)
	case !filepath.IsAbs(e.Root):
		return nil, errors.New("the panel's folder is not known")
	}
	return &local{s, e}, nil
}

func (c *local) Place() string { return "mgrctl -m " + c.server.Mgr }

func (c *local) Panel() string { return c.server.Mgr }

// Call starts mgrctl. Nothing secret is among its arguments: names and values of records are public.
func (c *local) Call(ctx context.Context, function string, params url.Values) (*Element, *Refusal, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, commandTime, fmt.Errorf("no answer within %s: %w", commandTime, context.DeadlineExceeded))
	defer cancel()
	words, err := c.words(function, params)
	if err != nil {
		return nil, nil, err
	}
	got := mgrctl.Run(ctx, mgrctl.Call{Root: c.env.Root, Words: words, Environ: c.env.Environ, Caller: "pmssl", MaxOutput: maxBody, MaxErrors: maxStderr})
	switch {
	case !got.Started:
		return nil, nil, fmt.Errorf("mgrctl cannot be started: %w", got.Err)
	case got.Err != nil && ctx.Err() != nil:
		return nil, nil, fmt.Errorf("%s: mgrctl was ended: %w", function, context.Cause(ctx))
	case got.TooLong:
		return nil, nil, fmt.Errorf("%s: mgrctl prints more than %d octets", function, maxBody)
	}
	return outcome(function, got.Stdout, got.Stderr, got.Err)
}

// outcome reads what mgrctl printed: both the document and the exit code count (docs/reference/billmanager.md §5.1).
func outcome(function string, stdout, stderr []byte, failed error) (*Element, *Refusal, error) {
	root, err := parseXML(stdout)
	if err == nil {
		if refused := refusalIn(root); refused != nil || failed == nil {
			return root, refused, nil
		}
	}
	if said, found := mgrctl.ParseRefusal(string(stderr)); found {
		return &Element{Name: "doc"}, &Refusal{Kind: said.Kind, Object: said.Object, Value: said.Value}, nil
	}
	if failed != nil {
		return nil, nil, fmt.Errorf("%s: mgrctl failed: %w: %s", function, failed, Shown(string(stderr)))
	}
	return nil, nil, fmt.Errorf("%s: %w", function, err)
}

// words returns the arguments of mgrctl, the parameters in the order of their names.
func (c *local) words(function string, params url.Values) ([]string, error) {
	words := []string{"-m", c.server.Mgr, "-o", cmp.Or(params.Get("out"), "xml"), function, "lang=en"}
	for _, key := range slices.Sorted(maps.Keys(params)) {
		value := params.Get(key)
		if key == "out" {
			continue
		}
		if !isFieldName(key) || strings.ContainsRune(value, 0) {
			return nil, fmt.Errorf("%s: the field %q cannot be an argument of mgrctl", function, Shown(key))
		}
		words = append(words, key+"="+value)
	}
	return words, nil
}
