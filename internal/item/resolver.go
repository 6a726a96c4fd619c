package item

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
)

// Resolver looks names up in DNS. It may be used by several goroutines. An error of either method means that nothing is
// known about the name; it is no reason to warn.
type Resolver interface {
	// Exists returns false only if DNS answers NXDOMAIN for the name itself (A-labels, no asterisk).
	Exists(ctx context.Context, name string) (bool, error)
	// Issuers returns the issuer domain names, in lower case, that the relevant CAA records allow for the name or, with
	// wildcard, for `*.name` (RFC 8659). restricted is false if no record restricts issuance; restricted with no issuer
	// means that no CA may issue.
	Issuers(ctx context.Context, name string, wildcard bool) (allowed []string, restricted bool, err error)
}

// NameObstacle is why a name cannot be certified, as DNS shows it.
type NameObstacle struct {
	Name   string // A-labels; with "*." if it is about CAA records of a wildcard
	Absent bool   // the name does not exist in DNS
	// Allowed are the issuer domain names that the CAA records allow, none if no CA may issue. Needed are those of the seller's
	// CAs, of which one would be needed; empty if they are not known. Both are in lower case, and empty if the name is absent.
	Allowed, Needed []string
}

// settingResolver is the option of etc/billmgr.conf that names the DNS server for look-ups.
const settingResolver = "SSLResolver"

const (
	// resolverOff is the option's value that switches look-ups off.
	resolverOff = "off"
	// dnsPort is the server's port if the option names none.
	dnsPort = 53
)

// ParseResolver reads the value of SSLResolver: empty for the system's servers, off for no look-ups, or the address of a
// DNS server, with a port or without (192.0.2.1, 127.0.0.1:5353, [::1]:53, ::1). server is host:port, empty for the
// system's servers; on is false if look-ups are switched off. The error for any other value lists the valid ones.
func ParseResolver(value string) (server string, on bool, err error) {
	value = strings.TrimSpace(value)
	switch {
	case value == "":
		return "", true, nil
	case strings.EqualFold(value, resolverOff):
		return "", false, nil
	}
	address, err := netip.ParseAddrPort(value)
	if err != nil {
		var host netip.Addr
		host, err = netip.ParseAddr(unbracketed(value))
		address = netip.AddrPortFrom(host, dnsPort)
	}
	if err != nil || address.Port() == 0 {
		return "", false, fmt.Errorf("%s is %s: possible are off and the address of a DNS server such as 192.0.2.1, 127.0.0.1:5353 or [::1]:53",
			settingResolver, quoteClipped(value))
	}
	return address.String(), true, nil
}

// unbracketed returns an IPv6 address without a port and without its brackets; other values stay as they are.
func unbracketed(value string) string {
	if inner, ok := strings.CutPrefix(value, "["); ok {
		if inner, ok = strings.CutSuffix(inner, "]"); ok && strings.Contains(inner, ":") {
			return inner
		}
	}
	return value
}

// quoteClipped returns a text from outside in quotes, shortened to 80 bytes.
func quoteClipped(value string) string {
	const limit = 80
	if len(value) > limit {
		return fmt.Sprintf("%.*q…", limit, value)
	}
	return fmt.Sprintf("%q", value)
}

// NameResolver returns the resolver that the panel's settings name; nil if names are not looked up.
func (j *Handle) NameResolver(ctx context.Context) Resolver {
	if j.Resolver == nil {
		return nil
	}
	value, err := j.Panel.Setting(ctx, settingResolver)
	if err != nil {
		j.Log.Warningf("names are not looked up, %s could not be read: %v", settingResolver, err)
		return nil
	}
	server, on, err := ParseResolver(value)
	switch {
	case err != nil:
		j.Log.Warningf("names are not looked up: %v", err)
		return nil
	case !on:
		j.Log.Tracef("names are not looked up, %s is off", settingResolver)
		return nil
	}
	return j.Resolver(server)
}
