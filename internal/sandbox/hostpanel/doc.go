// Package hostpanel is a stand-in for a hosting server with ISPmanager 6 or DNSmanager as those who keep zones and certificates there
// by its API see it: users, zones, records, sites and certificates, HTTPS with sessions, mgrctl, faults that can be injected, a DNS
// server that answers from the zones, and a server that shows the sites' certificates. What the panel writes is seen in DNS at once, as
// long as DNS is not frozen, and in the next handshake.
//
// It shares no code with the product: it is a second reading of the public sources (docs/reference/unattended.md §2).
//
// In a Go test, New returns a Panel, which is the handler of the panel's API at /ispmgr and /dnsmgr; Control is its control address,
// ServeDNS its DNS server, ServeTLS its sites, Mgrctl a start of mgrctl. As a program it is cmd/sandbox-hostpanel; see ControlHelp.
//
// What is inferred: the words of errors, `p_cnt` and `p_elems` in these lists, U-labels of names in lists, the key of a record
// (recorded: `pop.example.com. A  192.0.2.1`), which function asks for a confirmation and in which document; of certificates the names
// of the fields that take PEM (the settings rename them), how `webdomains` lists sites, and that the page with a certificate's data
// holds the certificate.
package hostpanel
