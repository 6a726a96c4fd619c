package publish

import (
	"net/netip"
	"net/url"
)

// Config is what the files etc/pmssl/*.conf say (docs/unattended.md).
type Config struct {
	Publishers []Block
	Deploys    []Deploy
	Allows     []Allow
}

// Kind is a kind of publisher, the second word of its block's first line.
type Kind string

// The kinds of publishers.
const (
	KindDNSUpdate Kind = "dnsupdate"
	KindPowerDNS  Kind = "powerdns"
	KindISPmgr    Kind = "ispmgr"
	KindWebroot   Kind = "webroot"
	KindExec      Kind = "exec"
)

// Defaults of blocks.
const (
	// DefaultUser is the item parameter that holds the user name of a hosting item (inferred, docs/reference/unattended.md
	// §3).
	DefaultUser = "username"
	// DefaultTTL is in seconds.
	DefaultTTL = 60
)

// Block is one `publisher NAME KIND` with its words. Secrets are not in it: the files that hold them are read when they
// are needed.
type Block struct {
	Name string
	Kind Kind
	// Pos is FILE:LINE of the block's first line, for messages.
	Pos string

	// Zones are the zones or sites that the block is for, `*` for all that its server keeps. A webroot without zones is for
	// the sites of accounts with an active item on its modules.
	Zones []string
	// Modules are the ids of the processing modules whose items live on this server (word module).
	Modules []int64
	// User names the item parameter that holds the user name on this server (word user); DefaultUser if not set.
	User string
	// TTL is in seconds; 60 if not set.
	TTL int
	// Types are the kinds of records that may be written here (word types); TXT alone for exec if not set.
	Types []Type
	// Higher allows the next higher owned name where the right one cannot be written (word parent yes); off by default,
	// because a CA has to accept it.
	Higher bool

	Server    string   // dnsupdate: host:port (word server)
	KeyName   string   // dnsupdate: name of the TSIG key (word key NAME FILE)
	KeyFile   string   // dnsupdate: file with the base64 secret
	Algorithm string   // dnsupdate: hmac-sha256, hmac-sha384 or hmac-sha512 (word algorithm); empty if not set
	URL       *url.URL // powerdns, ispmgr (word url)
	APIKey    string   // powerdns: file with the API key (word apikey)
	ServerID  string   // powerdns: id of the server in the API (word serverid), "localhost" if not set
	Socket    string   // powerdns: path of a unix socket in place of TCP (word socket)
	Pin       string   // ispmgr: sha256/BASE64 of the certificate's public key (word pin)
	Login     string   // ispmgr: user (word login USER FILE)
	Password  string   // ispmgr: file with the password
	Mgr       string   // ispmgr: ispmgr or dnsmgr by the local mgrctl, instead of URL (word mgr)
	Program   string   // exec: absolute path (word program)
	// Check lists the addresses at which a file must be seen (word check); empty for those in DNS.
	Check []netip.Addr
	// Redirects allows a redirect to the same host with a valid certificate (word redirects yes).
	Redirects bool
}

// Allow is one line `allow ZONE account N`: the account may publish in ZONE and below it.
type Allow struct {
	Zone    string
	Account int64
	Pos     string
}
