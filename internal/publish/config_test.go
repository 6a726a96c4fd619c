package publish_test

import (
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/publish"
)

// pin is a pin of the right length.
const pin = "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

func load(text string) (publish.Config, error) {
	return publish.Load([]publish.ConfFile{{Name: "etc/pmssl/a.conf", Text: text}})
}

func parseURL(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	require.NoError(t, err)
	return u
}

func TestEveryWordOfTheConfiguration(t *testing.T) {
	got, err := load(`# publishers of the provider
publisher ns1 dnsupdate
  server 192.0.2.53
  key    pmssl /usr/local/mgr5/etc/pmssl/ns1.key   # written by rndc-confgen
  algorithm hmac-sha512
  zone   *
  zone   пример.рф Example.COM
  ttl 300
  types txt
  parent yes
  module 3 4

publisher pdns powerdns
	url http://127.0.0.1:8081
	apikey /usr/local/mgr5/etc/pmssl/pdns.key
	serverid main
	zone a.example
publisher pdns2 powerdns
  socket /run/pdns/api
  apikey /k
  zone b.example
publisher web7 webroot
  module 12                    # processing module whose sites live here
  check  192.0.2.80 2001:db8::80
  redirects yes
publisher dns2 ispmgr
  url https://ns2.example.com:1500/dnsmgr
  pin ` + pin + `
  login pmssl /usr/local/mgr5/etc/pmssl/dns2.pass
  module 12
  user login
  zone c.example
publisher here ispmgr
  mgr dnsmgr
  zone d.example
publisher hook exec
  program /usr/local/sbin/hook
  types cname txt
  zone e.example
deploy web7 ispmgr
  url https://web7.example.com:1500/ispmgr
  pin ` + pin + `
  login pmssl /usr/local/mgr5/etc/pmssl/web7.pass
  module 12
  module 13
  key no
deploy web8 ispmgr             # the panel on this host
  mgr ispmgr
  check 192.0.2.80 2001:db8::80 192.0.2.81:8443 [2001:db8::81]:8443
  user login
  zone пример.рф shop.example.com
deploy web7x exec
  program /usr/local/sbin/deploy
  zone *
  check 192.0.2.90
  key yes
allow example.com account 77
allow пример.рф account 78
`)
	require.NoError(t, err)
	dns := []publish.Type{publish.CNAME, publish.TXT}
	assert.Equal(t, publish.Config{
		Publishers: []publish.Block{
			{Name: "ns1", Kind: publish.KindDNSUpdate, Pos: "etc/pmssl/a.conf:2", Zones: []string{"*", "xn--e1afmkfd.xn--p1ai", "example.com"}, Modules: []int64{3, 4}, User: "username",
				TTL: 300, Types: []publish.Type{publish.TXT}, Higher: true, Server: "192.0.2.53:53", KeyName: "pmssl", KeyFile: "/usr/local/mgr5/etc/pmssl/ns1.key", Algorithm: "hmac-sha512"},
			{Name: "pdns", Kind: publish.KindPowerDNS, Pos: "etc/pmssl/a.conf:13", Zones: []string{"a.example"}, User: "username", TTL: 60, Types: dns,
				URL: parseURL(t, "http://127.0.0.1:8081"), APIKey: "/usr/local/mgr5/etc/pmssl/pdns.key", ServerID: "main"},
			{Name: "pdns2", Kind: publish.KindPowerDNS, Pos: "etc/pmssl/a.conf:18", Zones: []string{"b.example"}, User: "username", TTL: 60, Types: dns, Socket: "/run/pdns/api", APIKey: "/k"},
			{Name: "web7", Kind: publish.KindWebroot, Pos: "etc/pmssl/a.conf:22", Modules: []int64{12}, User: "username", Types: []publish.Type{publish.File},
				Check: []netip.Addr{netip.MustParseAddr("192.0.2.80"), netip.MustParseAddr("2001:db8::80")}, Redirects: true},
			{Name: "dns2", Kind: publish.KindISPmgr, Pos: "etc/pmssl/a.conf:26", Zones: []string{"c.example"}, Modules: []int64{12}, User: "login", TTL: 60, Types: dns,
				URL: parseURL(t, "https://ns2.example.com:1500/dnsmgr"), Pin: pin, Login: "pmssl", Password: "/usr/local/mgr5/etc/pmssl/dns2.pass"},
			{Name: "here", Kind: publish.KindISPmgr, Pos: "etc/pmssl/a.conf:33", Zones: []string{"d.example"}, User: "username", TTL: 60, Types: dns, Mgr: "dnsmgr"},
			{Name: "hook", Kind: publish.KindExec, Pos: "etc/pmssl/a.conf:36", Zones: []string{"e.example"}, User: "username", TTL: 60, Types: dns, Program: "/usr/local/sbin/hook"},
		},
		Deploys: []publish.Deploy{
			{Name: "web7", Kind: publish.KindISPmgr, Pos: "etc/pmssl/a.conf:40", Modules: []int64{12, 13}, User: "username",
				URL: parseURL(t, "https://web7.example.com:1500/ispmgr"), Pin: pin, Login: "pmssl", Password: "/usr/local/mgr5/etc/pmssl/web7.pass"},
			{Name: "web8", Kind: publish.KindISPmgr, Pos: "etc/pmssl/a.conf:47", Zones: []string{"xn--e1afmkfd.xn--p1ai", "shop.example.com"}, User: "login", Mgr: "ispmgr",
				Check: addrPorts("192.0.2.80:443", "[2001:db8::80]:443", "192.0.2.81:8443", "[2001:db8::81]:8443")},
			{Name: "web7x", Kind: publish.KindExec, Pos: "etc/pmssl/a.conf:52", Zones: []string{"*"}, Program: "/usr/local/sbin/deploy", Check: addrPorts("192.0.2.90:443"), Key: true},
		},
		Allows: []publish.Allow{{Zone: "example.com", Account: 77, Pos: "etc/pmssl/a.conf:57"}, {Zone: "xn--e1afmkfd.xn--p1ai", Account: 78, Pos: "etc/pmssl/a.conf:58"}},
	}, got)
}

func addrPorts(texts ...string) []netip.AddrPort {
	var all []netip.AddrPort
	for _, text := range texts {
		all = append(all, netip.MustParseAddrPort(text))
	}
	return all
}

func TestWhatTheBlockLeavesOut(t *testing.T) {
	got, err := load("publisher ns1 dnsupdate\nserver ns1.example.com:5353\nkey k /k\nzone *\r\npublisher x exec\nprogram /p\nzone *.example\n")
	require.ErrorContains(t, err, "a.conf:7")
	assert.Empty(t, got)
	got, err = load("publisher ns1 dnsupdate\nserver ns1.example.com:5353\nkey k /k\nzone *\r\npublisher x exec\nprogram /p\nzone x.example")
	require.NoError(t, err)
	assert.Equal(t, "ns1.example.com:5353", got.Publishers[0].Server)
	assert.Equal(t, []publish.Type{publish.TXT}, got.Publishers[1].Types, "programs serve CNAMEs only where the block says so")
}

func TestWhatIsWrongIsNamedWithFileAndLine(t *testing.T) {
	const ns, pd, isp, web = "publisher a dnsupdate\nserver 192.0.2.1\nkey k /k\nzone *\n", "publisher a powerdns\napikey /k\nzone *\n", "publisher a ispmgr\nzone *\n", "publisher a webroot\nmodule 1\n"
	const di, dx = "deploy a ispmgr\nmgr ispmgr\ncheck ::1\n", "deploy a exec\nprogram /p\nzone *\ncheck 192.0.2.90\n"
	for text, says := range map[string]string{
		"server 192.0.2.1":                                   `:1: "server" outside of a block: possible are publisher NAME KIND, deploy NAME KIND and allow ZONE account N`,
		"allow a.example account 1\nserver x":                `:2: "server" outside of a block`,
		"publisher a":                                        ":1: publisher takes a name and a kind",
		"publisher a b c":                                    ":1: publisher takes a name and a kind",
		"publisher ../x dnsupdate":                           `:1: "../x" is no name of a block`,
		"publisher a nsupdate":                               `:1: "nsupdate" is no kind of publisher: possible are dnsupdate, exec, ispmgr, powerdns and webroot`,
		ns + ns:                                              ":5: publisher a stands in etc/pmssl/a.conf:1 already",
		"publisher a dnsupdate":                              ":1: publisher a: the word server is missing, as in: server 192.0.2.53",
		"publisher a dnsupdate\nserver 192.0.2.1":            ":1: publisher a: the word key is missing",
		"publisher a dnsupdate\nserver 1.1.1.1\nkey k /k":    ":1: publisher a: the word zone is missing",
		ns + "server 192.0.2.2":                              ":5: server stands twice in publisher a",
		ns + "key k":                                         ":5: key stands twice",
		"publisher a dnsupdate\nkey k":                       ":2: key is written as in: key pmssl /usr",
		"publisher a dnsupdate\nkey k etc/k":                 ":2: key: the absolute path of a file is wanted that holds the secret",
		"publisher a dnsupdate\nkey k /etc/../k":             ":2: key: the absolute path of a file is wanted",
		"publisher a dnsupdate\nkey é /k":                    ":2: key: the first value is no name of a key",
		"publisher a dnsupdate\nserver a b":                  ":2: server is written as in",
		"publisher a dnsupdate\nserver [::1":                 `:2: server: "[::1" is no address`,
		"publisher a dnsupdate\nserver 1.1.1.1:0":            "is no address",
		"publisher a dnsupdate\nserver 1.1.1.1:x":            "is no address",
		"publisher a dnsupdate\nserver a_b.example":          "is no address",
		"publisher a dnsupdate\nserver fe80::1%lo":           "is no address",
		ns + "algorithm hmac-md5":                            `:5: algorithm: "hmac-md5": possible are hmac-sha256, hmac-sha384 and hmac-sha512`,
		ns + "zone *":                                        ":5: zone: * stands twice",
		ns + "zone *.example.com":                            `:5: zone: "*.example.com" is no domain name`,
		ns + "zone a/b.example":                              `is no domain name`,
		ns + "zone ../a.example":                             `is no domain name`,
		ns + "zone":                                          ":5: zone is written as in",
		ns + "ttl 0":                                         ":5: ttl: ",
		ns + "ttl 9999999999999999999":                       ":5: ttl: ",
		ns + "types mx":                                      `:5: types: "mx": possible are cname and txt`,
		ns + "types txt txt":                                 ":5: types: ",
		ns + "types file":                                    ":5: types: ",
		ns + "parent maybe":                                  `:5: parent: "maybe": possible are yes and no`,
		ns + "module 0":                                      `:5: module: "0" is no id of the panel`,
		ns + "module 01":                                     `is no id of the panel`,
		ns + "module 1 1":                                    "1 stands twice",
		ns + "user a-b":                                      `:5: user: "a-b" is no item parameter`,
		ns + "check 192.0.2.1":                               `:5: "check" is no word of a publisher of kind dnsupdate: possible are algorithm, key, module, parent, server, ttl, types, user, zone, publisher, deploy and allow`,
		pd:                                                   ":1: publisher a: one of the words url and socket is missing",
		"publisher a powerdns\nurl https://x\nzone *":        "the word apikey is missing",
		pd + "url http://192.0.2.1:8081":                     ":1: publisher a: http://192.0.2.1:8081 would show the API key to the network",
		pd + "url http://localhost.example.com":              "would show the API key to the network",
		pd + "url ftp://127.0.0.1":                           "would show the API key to the network",
		pd + "url http://127.0.0.1\nsocket /s":               "url and socket exclude each other",
		pd + "socket run/s":                                  `:4: socket: "run/s" is no absolute path`,
		pd + "url https://x.example/?a=b":                    "is not possible here",
		pd + "url //x":                                       "would show",
		pd + "url 127.0.0.1:8081":                            ":4: url: ",
		pd + "url https://x.example:99999":                   "the port is none",
		pd + "serverid a/b":                                  `:4: serverid: "a/b" is no id of a server`,
		pd + "serverid ..":                                   `:4: serverid: ".." is no id of a server`,
		isp:                                                  ":1: publisher a: one of the words url and mgr is missing",
		isp + "url http://127.0.0.1:1500/ispmgr\nlogin u /p": "would show the password to the network",
		isp + "url https://x.example:1500/ispmgr":            "the word login is missing",
		isp + "mgr ispmgr\nlogin u /p":                       "mgr excludes url, login and pin",
		isp + "mgr billmgr":                                  `:3: mgr: "billmgr": possible are ispmgr and dnsmgr`,
		isp + "pin sha1/AAAA":                                ":3: pin: ",
		isp + "pin sha256/AAAA":                              ":3: pin: ",
		isp + "login u p":                                    ":3: login: the absolute path of a file is wanted",
		"publisher a webroot":                                ":1: publisher a: one of the words module and zone is missing",
		web + "check 192.0.2.300":                            `:3: check: "192.0.2.300" is no IP address`,
		web + "check 192.0.2.1 192.0.2.1":                    "stands twice",
		web + "check 0.0.0.0":                                "is no IP address of a server",
		web + "types cname":                                  `:3: "types" is no word of a publisher of kind webroot`,
		"publisher a exec\nzone *":                           "the word program is missing",
		"publisher a exec\nprogram x.sh":                     `:2: program: "x.sh" is no absolute path`,
		"allow":                                              ":1: allow is written as in allow example.com account 77",
		"allow a.example client 7":                           ":1: allow is written as in",
		"allow a.example account 7 8":                        ":1: allow is written as in",
		"allow * account 7":                                  `:1: allow: "*" is no domain name`,
		"allow co.uk account 7":                              ":1: allow: co.uk is a public suffix",
		"allow github.io account 7":                          ":1: allow: github.io is a public suffix",
		"allow a.example account -1":                         ":1: allow: account ",
		"allow a.example account 9999999999999":              ":1: allow: account ",
		"\xff":                                               ":1: the file is not text in UTF-8",
		"# a\n# \x00":                                        ":2: the line holds a control character",
		"# " + strings.Repeat("x", 5000):                     ":1: the line is longer than 4096 characters",
		ns + "publisher b powerdns\nsocket /s\napikey /k\nzone *": ":5: zone * of publisher b is also a zone of publisher a (etc/pmssl/a.conf:1), and both write CNAME",
		ns + "publisher b exec\nprogram /p\nzone b.example *":     ":5: zone * of publisher b is also a zone of publisher a",
		"deploy web7":                 ":1: deploy takes a name and a kind, as in deploy web7 ispmgr",
		"deploy web7 webroot":         `:1: "webroot" is no kind of deploy block: possible are exec and ispmgr`,
		"deploy web7 ispmgr":          ":1: deploy web7: one of the words url and mgr is missing",
		di + di:                       ":4: deploy a stands in etc/pmssl/a.conf:1 already",
		"deploy a ispmgr\nmgr ispmgr": ":1: deploy a: the word check is missing, as in: check 192.0.2.80; beside mgr",
		di + "url https://x.example":  ":1: deploy a: mgr excludes url",
		"deploy a ispmgr\nmgr dnsmgr": `:2: mgr: "dnsmgr": possible are ispmgr`,
		"deploy a ispmgr\nurl https://x.example:1500/ispmgr":            "the word login is missing",
		"deploy a ispmgr\nurl http://x.example:1500/ispmgr\nlogin u /p": "would show the password to the network",
		dx + "user login":                                         `:5: "user" is no word of a deploy block of kind exec: possible are check, key, program, zone, publisher, deploy and allow`,
		dx + "module 12":                                          `:5: "module" is no word of a deploy block of kind exec`,
		dx + "types cname":                                        `:5: "types" is no word of a deploy block of kind exec`,
		dx + "key maybe":                                          `:5: key: "maybe": possible are yes and no`,
		dx + "key yes\nkey yes":                                   ":6: key stands twice in deploy a",
		dx + "check 192.0.2.1:0":                                  ":5: check: ",
		dx + "check 192.0.2.1:https":                              ":5: check: ",
		dx + "check web7.example.com":                             `:5: check: "web7.example.com" is no address of a server`,
		dx + "check fe80::1%lo":                                   "is no address of a server",
		dx + "check [::]:443":                                     "is no address of a server",
		dx + "check 192.0.2.90:443":                               "192.0.2.90:443 stands twice",
		"deploy a exec\nzone *\nprogram /p":                       ":1: deploy a: the word check is missing, as in: check 192.0.2.80",
		"deploy a exec\nzone *\ncheck 192.0.2.1":                  ":1: deploy a: the word program is missing",
		"deploy a exec\nprogram /p\ncheck ::1":                    ":1: deploy a: the word zone is missing",
		dx + "deploy b exec\nprogram /p\ncheck 192.0.2.1\nzone *": ":5: zone * of deploy b is also a zone of deploy a (etc/pmssl/a.conf:1): leave it to one of them",
	} {
		got, err := load(text)
		if assert.Error(t, err, text) {
			assert.Contains(t, err.Error(), "etc/pmssl/a.conf:", text)
			assert.Contains(t, err.Error(), says, text)
		}
		assert.Empty(t, got)
	}
}

// Errors go into logs and tasks. A secret that stands in the wrong place is not repeated there.
func TestASecretInTheWrongPlaceIsNotRepeated(t *testing.T) {
	for name, text := range map[string]string{
		"a password in a URL":                       "publisher a ispmgr\nurl https://u:Planted@x.example:1500/ispmgr",
		"a password in a URL that is wrong as well": "publisher a ispmgr\nurl https://u:Planted@x_7:1500/ispmgr",
		"a password that a URL cannot hold":         "publisher a ispmgr\nurl https://u:Planted%@x.example:1500/ispmgr",
		"a key in a URL's query":                    "publisher a powerdns\nurl https://x.example/?api-key=Planted",
		"a key in place of its file":                "publisher a powerdns\napikey Planted",
		"a TSIG secret in place of its file":        "publisher a dnsupdate\nkey pmssl Planted=",
		"a TSIG secret in place of the key's name":  "publisher a dnsupdate\nkey Planted= /k",
		"a password in place of its file":           "publisher a ispmgr\nlogin pmssl Planted",
		"a password in place of the user's name":    "publisher a ispmgr\nlogin " + strings.Repeat("Planted", 10) + " /p",
		"a secret in a line of its own":             "publisher a ispmgr\nlogin pmssl /p\nPlanted",
		"a file that holds a secret":                "Planted",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(text)
			require.ErrorContains(t, err, "a.conf:")
			assert.NotContains(t, err.Error(), "Planted")
		})
	}
}

// What is left after a mistake removes records: it has no publisher that is read in part and no evidence that nobody wrote.
func TestWhatCanBeReadAfterAMistake(t *testing.T) {
	hook := func(name, zone string) string { return "publisher " + name + " exec\nprogram /p\nzone " + zone + "\n" }
	for name, row := range map[string]struct {
		text   string
		blocks []string // names
		allows []string // zones
	}{
		"no mistake":                        {hook("a", "a.example") + "allow a.example account 7\n", []string{"a"}, []string{"a.example"}},
		"an unknown word":                   {hook("a", "a.example") + "pin x\nzone c.example\n" + hook("b", "b.example"), []string{"b"}, nil},
		"a value out of its bounds":         {hook("a", "a.example") + hook("b", "b.example") + "ttl 0\n", []string{"a"}, nil},
		"a word that is missing":            {"publisher a exec\nzone a.example\n" + hook("b", "b.example"), []string{"b"}, nil},
		"the last block is not whole":       {hook("a", "a.example") + "publisher b exec\n", []string{"a"}, nil},
		"an unknown kind":                   {"publisher a hook\nprogram /p\nzone a.example\n" + hook("b", "b.example"), []string{"b"}, nil},
		"a block's line that is misspelled": {hook("a", "a.example") + "publsher b exec\nprogram /q\n" + hook("c", "d.example"), []string{"c"}, nil},
		"a line that is too long":           {hook("a", "a.example") + "#" + strings.Repeat("x", 5000) + "\n" + hook("b", "b.example"), []string{"b"}, nil},
		"a control character":               {hook("a", "a.example") + "# \x00\n" + hook("b", "b.example"), []string{"b"}, nil},
		"a name that stands twice":          {hook("a", "a.example") + hook("b", "b.example") + hook("a", "c.example"), []string{"b"}, nil},
		"a name that stands once more in a block with a mistake": {
			"publisher a exec\nprogram p\n" + hook("a", "a.example") + hook("b", "b.example"), []string{"b"}, nil},
		"a name that stands once more with an unknown kind": {"publisher a hook\n" + hook("a", "a.example") + hook("b", "b.example"), []string{"b"}, nil},
		"one zone of two publishers":                        {hook("a", "a.example") + hook("b", "a.example"), []string{"a", "b"}, nil},
		"an allow line with a mistake": {
			hook("a", "a.example") + "allow a.example account\nallow b.example account 8\n" + hook("b", "b.example"), []string{"a", "b"}, []string{"b.example"}},
		"an allow line that is misspelled":           {hook("a", "a.example") + "alow a.example account 7\n", nil, nil},
		"a word outside of a block":                  {"zone a.example\n" + hook("b", "b.example"), []string{"b"}, nil},
		"words after an allow line with a mistake":   {"allow x account 7\nzone a.example\n" + hook("b", "b.example"), []string{"b"}, nil},
		"a block that an allow line with one closes": {hook("a", "a.example") + "allow co.uk account 7\n", []string{"a"}, nil},
		"no text in UTF-8":                           {hook("a", "a.example") + "\xff", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			other := publish.ConfFile{Name: "z.conf", Text: hook("z", "z.example")}
			got := publish.Readable([]publish.ConfFile{other, {Name: "a.conf", Text: row.text}})
			var blocks, allows []string
			for _, b := range got.Publishers {
				blocks = append(blocks, b.Name)
				assert.NotContains(t, b.Zones, "c.example", "a word of another block")
			}
			for _, a := range got.Allows {
				allows = append(allows, a.Zone)
			}
			assert.Equal(t, append(row.blocks, "z"), blocks, "and the block of another file")
			assert.Equal(t, row.allows, allows)
		})
	}
}

func TestFilesAreOneConfigurationInTheOrderOfTheirNames(t *testing.T) {
	a := publish.ConfFile{Name: "a.conf", Text: "allow a.example account 1\npublisher a exec\nprogram /p\nzone a.example"}
	b := publish.ConfFile{Name: "b.conf", Text: "allow b.example account 1\npublisher b exec\nprogram /p\nzone b.example"}
	got, err := publish.Load([]publish.ConfFile{b, a})
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b"}, []string{got.Publishers[0].Name, got.Publishers[1].Name})
	assert.Equal(t, "a.conf:1", got.Allows[0].Pos)

	_, err = publish.Load([]publish.ConfFile{a, {Name: "b.conf", Text: "zone b.example"}})
	require.ErrorContains(t, err, `b.conf:1: "zone" outside of a block`, "a block ends with its file")
	_, err = publish.Load([]publish.ConfFile{a, {Name: "b.conf", Text: "publisher b exec\nprogram /p\nzone a.example"}})
	require.ErrorContains(t, err, "b.conf:1: zone a.example of publisher b is also a zone of publisher a (a.conf:2), and both write TXT")
	_, err = publish.Load([]publish.ConfFile{a, {Name: "b.conf", Text: "publisher b webroot\nzone a.example"}})
	require.NoError(t, err, "files and records of one zone are two things")
	got, err = publish.Load(nil)
	require.NoError(t, err)
	assert.Empty(t, got)
}

func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		"", "# x", "allow example.com account 7", "publisher a dnsupdate\nserver 192.0.2.53\nkey k /k\nzone *\n",
		"publisher a powerdns\nurl https://x.example\napikey /k\nzone a.example", "publisher a ispmgr\nmgr ispmgr\nzone a.example", "publisher a webroot\nmodule 1\ncheck ::1",
		"publisher a exec\nprogram /p\nzone a.example\ntypes cname txt",
		"deploy a exec\nprogram /p\nzone a.example\ncheck 192.0.2.1:8443\nkey yes", "deploy a ispmgr\nmgr ispmgr\ncheck ::1 [::2]:443\nmodule 1",
	} {
		f.Add(seed)
	}
	position := regexp.MustCompile(`^a\.conf:\d+: `)
	f.Fuzz(func(t *testing.T, text string) {
		files := []publish.ConfFile{{Name: "a.conf", Text: text}}
		got, err := publish.Load(files)
		readable := publish.Readable(files)
		for _, b := range readable.Publishers {
			assert.NotEmpty(t, b.Types)
			assert.True(t, len(b.Zones) > 0 || len(b.Modules) > 0)
		}
		if err == nil {
			assert.Equal(t, publish.Config{Publishers: got.Publishers, Allows: got.Allows}, readable)
		}
		if err != nil {
			assert.Regexp(t, position, err.Error())
			assert.NotContains(t, err.Error(), "\n")
			assert.Empty(t, got)
			return
		}
		for _, b := range got.Publishers {
			assert.NotEmpty(t, b.Name)
			assert.NotEmpty(t, b.Types)
			assert.True(t, len(b.Zones) > 0 || b.Kind == publish.KindWebroot && len(b.Modules) > 0)
			for _, path := range []string{b.KeyFile, b.APIKey, b.Socket, b.Password, b.Program} {
				assert.True(t, path == "" || path[0] == '/')
			}
		}
		for _, d := range got.Deploys {
			assert.True(t, d.Kind == publish.KindExec && d.Program != "" && len(d.Zones) > 0 || d.Kind == publish.KindISPmgr && (d.Mgr == "") == (d.URL != nil))
			assert.True(t, len(d.Check) > 0 || d.URL != nil, "where to look is always known")
			for _, path := range []string{d.Password, d.Program} {
				assert.True(t, path == "" || path[0] == '/')
			}
		}
		for _, a := range got.Allows {
			assert.Positive(t, a.Account)
		}
	})
}
