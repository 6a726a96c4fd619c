package dnscheck_test

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/dnscheck"
)

func TestAddressesAreOfBothKindsSortedAndEachOnce(t *testing.T) {
	z := serve(t, &zone{records: map[string][]string{
		"example.com.":        {"AAAA 2001:db8::80", "A 192.0.2.81", "A 192.0.2.80"},
		"www.example.com.":    {"CNAME example.com."},
		"mapped.example.com.": {"A 192.0.2.80", "AAAA ::ffff:192.0.2.80"},
		"six.example.com.":    {"AAAA 2001:db8::80"},
		"empty.example.com.":  {"TXT none"},
		"lost.example.com.":   {"CNAME gone.example.net."},
	}})
	for name, want := range map[string][]string{
		"example.com":        {"192.0.2.80", "192.0.2.81", "2001:db8::80"},
		"WWW.example.com":    {"192.0.2.80", "192.0.2.81", "2001:db8::80"},
		"mapped.example.com": {"192.0.2.80"},
		"six.example.com":    {"2001:db8::80"},
		"empty.example.com":  nil,
		"lost.example.com":   nil,
		"no.example.com":     nil,
	} {
		found, err := z.resolver().Addresses(background(t), name)
		require.NoError(t, err, name)
		var got []string
		for _, address := range found {
			got = append(got, address.String())
		}
		assert.Equal(t, want, got, name)
	}
}

// Some name servers answer questions for AAAA with an error.
func TestAddressesOfOneKindAreReturnedBesideTheErrorOfTheOther(t *testing.T) {
	z := serve(t, &zone{
		records: map[string][]string{"example.com.": {"A 192.0.2.80"}},
		rcode:   map[string]int{"example.com. AAAA": dns.RcodeServerFailure},
	})
	found, err := z.resolver().Addresses(background(t), "example.com")
	require.ErrorContains(t, err, "SERVFAIL")
	assert.Equal(t, []netip.Addr{netip.MustParseAddr("192.0.2.80")}, found)
}

func TestOnlyWhatTheInternetReachesIsPublic(t *testing.T) {
	for _, address := range []string{
		"192.0.2.80", "198.51.100.1", "203.0.113.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "198.17.0.1", "223.255.255.254",
		"2001:db8::1", "2001:200::1", "2a00:1450::1", "2606:4700::1", "::ffff:192.0.2.80", "64:ff9b::192.0.2.80",
	} {
		assert.True(t, dnscheck.Public(netip.MustParseAddr(address)), address)
	}
	for rule, addresses := range map[string][]string{
		"loopback":             {"127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1", "64:ff9b::127.0.0.1"},
		"private (RFC 1918)":   {"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "::ffff:10.0.0.1", "64:ff9b::192.168.0.1"},
		"link-local":           {"169.254.0.1", "169.254.169.254", "fe80::1", "::ffff:169.254.169.254", "64:ff9b::169.254.169.254"},
		"with a zone":          {"fe80::1%eth0", "2001:db8::1%eth0", "::1%lo"},
		"shared (RFC 6598)":    {"100.64.0.1", "100.127.255.255", "::ffff:100.64.0.1"},
		"this network":         {"0.0.0.0", "0.0.0.1", "0.255.255.255", "::", "::ffff:0.0.0.0", "64:ff9b::0.0.0.0"},
		"multicast, broadcast": {"224.0.0.1", "239.255.255.255", "255.255.255.255", "ff02::1", "ff0e::1", "::ffff:255.255.255.255"},
		"former class E":       {"240.0.0.1", "255.255.255.254"},
		"protocols, tests":     {"192.0.0.1", "192.88.99.1", "198.18.0.1", "198.19.255.255", "2001::1", "2001:2::1", "2001:10::1"},
		"unique local":         {"fc00::1", "fd00::1", "fdff:ffff::1"},
		"site-local":           {"fec0::1"},
		"IPv4 within IPv6":     {"::10.0.0.1", "::192.0.2.1", "::ffff:0:10.0.0.1", "2002:a00:1::1", "64:ff9b:1::a00:1"},
		"not given out":        {"100::1", "4000::1", "5f00::1", "e000::1"},
	} {
		for _, address := range addresses {
			assert.False(t, dnscheck.Public(netip.MustParseAddr(address)), "%s: %s", rule, address)
		}
	}
	assert.False(t, dnscheck.Public(netip.Addr{}))
}

func TestAHostWithoutIPv6HasNoRouteToIt(t *testing.T) {
	for _, code := range []syscall.Errno{syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.EADDRNOTAVAIL} {
		err := fmt.Errorf("dialling: %w", &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", code)})
		assert.True(t, dnscheck.NoRoute(err), code)
	}
	assert.False(t, dnscheck.NoRoute(&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}))
	assert.False(t, dnscheck.NoRoute(nil))
}
