// Package control serves the stand-in panel as JSON over HTTP, for people and for programs that are not written in Go.
package control

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"pmssl/internal/sandbox/panel"
)

// maxBody bounds a request's body.
const maxBody = 4 << 20

// Endpoint is one function of the control interface.
type Endpoint struct {
	Method, Path string
	About        string
	Example      string // body, or query
	serve        func(c *call) (any, error)
}

// call is one request.
type call struct {
	ctx   context.Context
	p     *panel.Panel
	body  []byte
	query func(name string) string
}

// errBad is wrapped by errors of the caller: status 400 instead of 500.
var errBad = errors.New("bad request")

// into decodes the JSON body. Unknown fields are errors, so that a misspelt one is not lost silently.
func (c *call) into(v any) error {
	d := json.NewDecoder(strings.NewReader(string(c.body)))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%w: body: %w", errBad, err)
	}
	return nil
}

func (c *call) id(name string) (int64, error) {
	n, err := strconv.ParseInt(c.query(name), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: query %s: %w", errBad, name, err)
	}
	return n, nil
}

// Handler serves all endpoints. It refuses a Host header that is not a loopback name: otherwise a web page could reach
// it by pointing a name of its own to this address.
func Handler(p *panel.Panel) http.Handler {
	mux := http.NewServeMux()
	for _, e := range Endpoints() {
		mux.HandleFunc(e.Method+" "+e.Path, func(w http.ResponseWriter, r *http.Request) { answer(w, r, p, e) })
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !local(r.Host) {
			http.Error(w, "only loopback names are served", http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func local(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func answer(w http.ResponseWriter, r *http.Request, p *panel.Panel, e Endpoint) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var result any
	if err == nil {
		result, err = e.serve(&call{ctx: r.Context(), p: p, body: body, query: r.URL.Query().Get})
	}
	status := http.StatusOK
	var large *http.MaxBytesError
	switch {
	case err == nil:
	case errors.Is(err, errBad), errors.As(err, &large):
		status = http.StatusBadRequest
	case errors.Is(err, sql.ErrNoRows):
		status = http.StatusNotFound
	default:
		status = http.StatusInternalServerError
	}
	if err != nil {
		result = map[string]string{"error": err.Error()}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	_ = enc.Encode(result) // the caller may have gone away
}

// done returns the answer {"ok":true} of a call without a result.
func done(err error) (any, error) { return map[string]bool{"ok": err == nil}, err }

// clock is the body of PUT /clock.
type clock struct {
	Time time.Time `json:"time"`
}

// order reads an order and calls to with it.
func order(c *call, to func(context.Context, panel.Order) (*panel.OrderResult, error)) (any, error) {
	var o panel.Order
	if err := c.into(&o); err != nil {
		return nil, err
	}
	return to(c.ctx, o)
}

// Help describes every endpoint with an example for curl. base is the control address.
func Help(base string) string {
	var b strings.Builder
	for _, e := range Endpoints() {
		fmt.Fprintf(&b, "%-6s %-18s %s\n", e.Method, e.Path, e.About)
		query, body := "", ""
		switch {
		case strings.HasPrefix(e.Example, "?"):
			query = e.Example
		case e.Example != "":
			body = " -d '" + e.Example + "'"
		}
		fmt.Fprintf(&b, "       curl -X %s%s '%s%s%s'\n", e.Method, body, base, e.Path, query)
	}
	return b.String()
}
