// Package sellerhttp is what the clients of all sellers share: POST requests with a deadline, a limit on the answer's size and
// no redirects; classes of calls that say what may be repeated; typed transport errors; a parser for untrusted XML; a rate
// limiter and cache files that all processes of a host share; and the log lines of each request.
package sellerhttp
