package lifecycle

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"slices"

	"pmssl/internal/fault"
	"pmssl/internal/publish"
)

// passes reports whether a trouble may pass by itself: a server that does not answer, a panel or a database that refuses for now, which is
// the administrator's if it lasts. Of several names each one's has to.
func passes(err error) bool {
	var refusal *publish.Refusal
	if errors.As(err, &refusal) {
		return !slices.ContainsFunc(refusal.Reasons, func(r publish.Reason) bool { return !passes(r.Err) })
	}
	for _, lasting := range []error{publish.ErrNotOwner, publish.ErrConflict, publish.ErrWildcard, publish.ErrDenied} {
		if errors.Is(err, lasting) {
			return false
		}
	}
	failure := fault.From(err)
	ofHost := failure.Type == fault.Panel || failure.Type == fault.DB
	return failure.Retry || ofHost || errors.Is(err, context.DeadlineExceeded) || unreachable(err)
}

// unreachable reports whether err is about the way to a server. What net/http returns is a net.Error also if a server was reached
// and its certificate was refused.
func unreachable(err error) bool {
	var outer *url.Error
	if errors.As(err, &outer) {
		return outer.Timeout() || errors.Is(outer.Err, io.EOF) || unreachable(outer.Err)
	}
	var network net.Error
	return errors.As(err, &network)
}

// settingsError is an error of publishing as a whole, such as a mistake in etc/pmssl: it is about no name. What stands for an order
// stays, and is as good as before.
type settingsError struct{ cause error }

func (e *settingsError) Error() string { return e.cause.Error() }
func (e *settingsError) Unwrap() error { return e.cause }
