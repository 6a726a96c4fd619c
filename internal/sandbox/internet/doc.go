// Package internet is a simulated Internet on loopback: public addresses (192.0.2.0/24, 2001:db8::/32) that lead to ports of
// this host, name servers with zones that take dynamic updates, a recursive resolver, web servers, and a certification
// authority's look at what is published there. A module that is built with simulated time finds it by the file that
// PMSSL_DIAL names; the stand-in sellers use the same addresses.
package internet
