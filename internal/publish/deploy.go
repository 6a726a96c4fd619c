package publish

import (
	"net/netip"
	"net/url"
)

// Deploy is one `deploy NAME KIND` with its words: a server that certificates are delivered to (package deliver). Secrets are
// not in it: the files that hold them are read when they are needed.
type Deploy struct {
	Name string
	Kind Kind // KindISPmgr or KindExec
	// Pos is FILE:LINE of the block's first line, for messages.
	Pos string

	// Zones are the names at and below which the block's sites are, `*` for all. An ispmgr block without zones is for all sites
	// that its panel has.
	Zones []string
	// Modules are the ids of the processing modules whose hosting items live on this server (word module); ispmgr only.
	Modules []int64
	// User names the item parameter that holds the user name on this server (word user); DefaultUser if not set.
	User string
	// Check lists the addresses at which the certificate must be seen (word check), with port. Empty: port 443 of the URL's
	// host.
	Check []netip.AddrPort
	// Key allows the certificate's private key to be handed over (word key yes); off by default.
	Key bool

	URL      *url.URL // ispmgr (word url)
	Pin      string   // ispmgr: sha256/BASE64 of the certificate's public key (word pin)
	Login    string   // ispmgr: user (word login USER FILE)
	Password string   // ispmgr: file with the password
	Mgr      string   // ispmgr: ispmgr by the local mgrctl, instead of URL (word mgr)
	Program  string   // exec: absolute path (word program)
}

// TakesKey reports whether a private key may be handed to the block's server: the block says `key yes`, and its panel is not called by
// mgrctl, whose arguments every user of the host can read.
func (d Deploy) TakesKey() bool { return d.Key && d.Mgr == "" }
