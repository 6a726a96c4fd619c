package item

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
)

// Resolver is what the commands need of DNS. It may be used by several goroutines. An error of either method means that
// nothing is known: a name is never judged by it.
type Resolver interface {
	// Exists is false only where DNS says that the name itself (A-labels, no asterisk) is not there (NXDOMAIN).
	Exists(ctx context.Context, name string) (bool, error)
	// Issuers returns the issuer domain names that the CAA records relevant to the name allow to certify it, or with
	// wildcard names below it, in lower case (RFC 8659). restricted is false if no record limits anybody; restricted
	// without any issuer means that nobody may.
	Issuers(ctx context.Context, name string, wildcard bool) (allowed []string, restricted bool, err error)
}

// settingResolver is the option of etc/billmgr.conf that says which DNS server names are looked up at.
const settingResolver = "SSLResolver"

const (
	// resolverOff is the option's word for no look-ups at all.
	resolverOff = "off"
	// dnsPort is the server's port where the option names none.
	dnsPort = 53
)

// ParseResolver reads the value of SSLResolver: empty for the system's servers, off for no look-ups, or the address of a
// DNS server, with a port or without (192.0.2.1, 127.0.0.1:5353, [::1]:53, ::1). server is host:port, empty for the
// system's servers; on is false where names are not to be looked up. Any other value is an error that says what is
// possible.
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

// unbracketed takes the brackets off an IPv6 address without a port.
func unbracketed(value string) string {
	if inner, ok := strings.CutPrefix(value, "["); ok {
		if inner, ok = strings.CutSuffix(inner, "]"); ok && strings.Contains(inner, ":") {
			return inner
		}
	}
	return value
}

// quoteClipped quotes a text from outside, shortened.
func quoteClipped(value string) string {
	const limit = 80
	if len(value) > limit {
		return fmt.Sprintf("%.*q…", limit, value)
	}
	return fmt.Sprintf("%q", value)
}

// NameResolver returns what the panel's settings say names are looked up with; nil for no look-ups.
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
