// Package sellerhttp is what the clients of both sellers share: one POST at a time with a deadline, a limit on the body and
// no redirects, the classes of calls that decide what may be repeated, typed faults of the way there and back, hostile XML,
// the limit of calls that all processes of a host share, and the log lines of an exchange.
package sellerhttp
