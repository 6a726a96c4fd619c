package publish

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// word is one word of a block and how its values are read.
type word struct {
	least, most int  // how many values it takes
	repeats     bool // it may stand several times, and adds to what was said
	example     string
	set         func(values []string) error // into the block that the grammar was made for
}

// blockGrammar is what a block understands.
type blockGrammar struct {
	words map[string]word
	// needs are the words that must stand; finish sets defaults, and looks at what the words say together.
	needs  []string
	finish func() error
}

// publisherGrammar returns the words of each kind of publisher, which fill the block.
func publisherGrammar(b *Block) map[Kind]blockGrammar {
	dns, file := []Type{CNAME, TXT}, []Type{File}
	return map[Kind]blockGrammar{
		KindDNSUpdate: {needs: []string{"server", "key", "zone"}, finish: b.defaults(dns, nil), words: b.words(dns, map[string]word{
			"server":    one("192.0.2.53", setServer(&b.Server)),
			"key":       {2, 2, false, "pmssl /usr/local/mgr5/etc/pmssl/ns1.key", b.setKey},
			"algorithm": one("hmac-sha256", setChoice(&b.Algorithm, "hmac-sha256", "hmac-sha384", "hmac-sha512")),
		})},
		KindPowerDNS: {needs: []string{"apikey", "zone"}, finish: b.defaults(dns, b.checkPowerDNS), words: b.words(dns, map[string]word{
			"url":      one("http://127.0.0.1:8081", setURL(&b.URL)),
			"socket":   one("/run/pdns/api.socket", setPath(&b.Socket)),
			"apikey":   one("/usr/local/mgr5/etc/pmssl/pdns.key", setSecretFile(&b.APIKey)),
			"serverid": one("localhost", setWord(&b.ServerID, isServerID, "id of a server")),
		})},
		KindISPmgr: {needs: []string{"zone"}, finish: b.defaults(dns, func() error { return panelAccess{b.URL, b.Mgr, b.Login, b.Pin}.check() }), words: b.words(dns, map[string]word{
			"url":   one("https://ns2.example.com:1500/dnsmgr", setURL(&b.URL)),
			"mgr":   one("ispmgr", setChoice(&b.Mgr, "ispmgr", "dnsmgr")),
			"pin":   one("sha256/BASE64", setPin(&b.Pin)),
			"login": {2, 2, false, "pmssl /usr/local/mgr5/etc/pmssl/web7.pass", setLogin(&b.Login, &b.Password)},
		})},
		KindWebroot: {finish: b.defaults(file, b.checkWebroot), words: b.words(file, map[string]word{
			"check":     {1, 64, true, "192.0.2.80 2001:db8::80", b.setCheck},
			"redirects": one("yes", setSwitch(&b.Redirects)),
		})},
		KindExec: {needs: []string{"program", "zone"}, finish: b.defaults([]Type{TXT}, nil), words: b.words(dns, map[string]word{
			"program": one("/usr/local/sbin/dns-hook", setPath(&b.Program)),
		})},
	}
}

// words adds what every publisher of these types understands.
func (b *Block) words(types []Type, own map[string]word) map[string]word {
	own["zone"] = word{1, 256, true, "example.com (or * for all that the server keeps)", setZones(&b.Zones)}
	own["module"] = word{1, 64, true, "12", setModules(&b.Modules)}
	own["user"] = userWord(&b.User)
	if !slices.Contains(types, File) {
		own["ttl"] = one("60", setTTL(&b.TTL))
		own["types"] = word{1, 2, false, "cname txt", b.setTypes}
		own["parent"] = one("yes", setSwitch(&b.Higher))
	}
	return own
}

// defaults returns what sets a block's words that are not said, with the types of records that are written then, and checks
// the block.
func (b *Block) defaults(types []Type, check func() error) func() error {
	return func() error {
		if len(b.Types) == 0 {
			b.Types = slices.Clone(types)
		}
		if !slices.Contains(b.Types, File) {
			b.TTL = cmp.Or(b.TTL, DefaultTTL)
		}
		b.User = cmp.Or(b.User, DefaultUser)
		if check == nil {
			return nil
		}
		return check()
	}
}

// deployGrammar returns the words of each kind of deploy block, which fill the block.
func deployGrammar(d *Deploy) map[Kind]blockGrammar {
	return map[Kind]blockGrammar{
		KindISPmgr: {finish: d.finishISPmgr, words: d.words(map[string]word{
			"url":    one("https://web7.example.com:1500/ispmgr", setURL(&d.URL)),
			"mgr":    one("ispmgr", setChoice(&d.Mgr, "ispmgr")),
			"pin":    one("sha256/BASE64", setPin(&d.Pin)),
			"login":  {2, 2, false, "pmssl /usr/local/mgr5/etc/pmssl/web7.pass", setLogin(&d.Login, &d.Password)},
			"module": {1, 64, true, "12", setModules(&d.Modules)},
			"user":   userWord(&d.User),
		})},
		KindExec: {needs: []string{"program", "zone", "check"}, words: d.words(map[string]word{
			"program": one("/usr/local/sbin/deploy-hook", setPath(&d.Program)),
		})},
	}
}

// words adds what every deploy block understands.
func (d *Deploy) words(own map[string]word) map[string]word {
	own["zone"] = word{1, 256, true, "example.com (or * for all)", setZones(&d.Zones)}
	own["check"] = word{1, 64, true, "192.0.2.80 [2001:db8::80]:8443", d.setCheck}
	own["key"] = one("no", setSwitch(&d.Key))
	return own
}

// finishISPmgr: the address at which a panel's sites are looked at is known only if the panel has a URL.
func (d *Deploy) finishISPmgr() error {
	d.User = cmp.Or(d.User, DefaultUser)
	if err := (panelAccess{d.URL, d.Mgr, d.Login, d.Pin}).check(); err != nil {
		return err
	}
	if d.Mgr != "" && len(d.Check) == 0 {
		return errors.New("the word check is missing, as in: check 192.0.2.80; beside mgr no other word says where the sites are")
	}
	return nil
}

// missing returns an error if a word is not said that must stand.
func (g blockGrammar) missing(said map[string]bool) error {
	for _, name := range g.needs {
		if !said[name] {
			return fmt.Errorf("the word %s is missing, as in: %s %s", name, name, g.words[name].example)
		}
	}
	return nil
}

func sortedKeys[K ~string, V any](m map[K]V) []string {
	var keys []string
	for key := range m {
		keys = append(keys, string(key))
	}
	slices.Sort(keys)
	return keys
}

// one is a word with one value.
func one(example string, set func(value string) error) word {
	return word{1, 1, false, example, func(values []string) error { return set(values[0]) }}
}

func userWord(user *string) word {
	return one(DefaultUser, setWord(user, isParameter, "item parameter"))
}

func setZones(zones *[]string) func([]string) error {
	named := map[string]bool{} // a block may have thousands
	return func(values []string) error {
		for _, value := range values {
			zone := value
			if value != "*" {
				var err error
				if zone, err = zoneName(value); err != nil {
					return err
				}
			}
			if named[zone] {
				return fmt.Errorf("%s stands twice", zone)
			}
			named[zone] = true
			if *zones = append(*zones, zone); len(*zones) > maxBlockZones {
				return fmt.Errorf("there are more than %d zones", maxBlockZones)
			}
		}
		return nil
	}
}

func setModules(modules *[]int64) func([]string) error {
	return func(values []string) error {
		for _, value := range values {
			id, err := number(value)
			if err != nil {
				return err
			}
			if slices.Contains(*modules, id) || len(*modules) >= maxBlocks {
				return fmt.Errorf("%d stands twice, or there are more than %d", id, maxBlocks)
			}
			*modules = append(*modules, id)
		}
		return nil
	}
}

func setTTL(ttl *int) func(string) error {
	return func(value string) error {
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || n > 3600 {
			return fmt.Errorf("%s is no number of seconds from 1 to 3600", quoted(value))
		}
		*ttl = n
		return nil
	}
}

func (b *Block) setTypes(values []string) error {
	for _, value := range values {
		kind, known := map[string]Type{"cname": CNAME, "txt": TXT}[value]
		if !known || slices.Contains(b.Types, kind) {
			return fmt.Errorf("%s: possible are cname and txt, each once", quoted(value))
		}
		b.Types = append(b.Types, kind)
	}
	return nil
}

func setServer(server *string) func(string) error {
	return func(value string) error {
		host, port := value, "53"
		if _, err := netip.ParseAddr(value); err != nil && strings.Contains(value, ":") {
			if host, port, err = net.SplitHostPort(value); err != nil {
				return fmt.Errorf("%s is no address, as in 192.0.2.53, [2001:db8::53]:53 or ns1.example.com:53", quoted(value))
			}
		}
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 || !isHost(host) {
			return fmt.Errorf("%s is no address, as in 192.0.2.53, [2001:db8::53]:53 or ns1.example.com:53", quoted(value))
		}
		*server = net.JoinHostPort(host, strconv.FormatUint(n, 10))
		return nil
	}
}

// isHost reports whether the text is an IP address or a host name.
func isHost(text string) bool {
	if address, err := netip.ParseAddr(text); err == nil {
		return address.Zone() == ""
	}
	for label := range strings.SplitSeq(text, ".") {
		if !consistsOf(label, maxLabel, "-") || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	return len(text) <= maxHost
}

func isKeyName(text string) bool {
	return consistsOf(text, maxHost, "_.-") && text[0] != '.' && text[0] != '-'
}

// isServerID reports whether the text can be an id in the path of an URL, where . and .. mean something else.
func isServerID(text string) bool {
	return consistsOf(text, maxWord, "_.-") && text != "." && text != ".."
}

func isParameter(text string) bool { return consistsOf(text, maxWord, "_") }

func (b *Block) setKey(values []string) error {
	if !isKeyName(values[0]) {
		return errors.New("the first value is no name of a key") // not quoted: it may be the secret
	}
	b.KeyName = values[0]
	return setSecretFile(&b.KeyFile)(values[1])
}

func setLogin(user, password *string) func([]string) error {
	return func(values []string) error {
		if len(values[0]) > maxWord {
			return errors.New("the first value is too long for a user's name")
		}
		*user = values[0]
		return setSecretFile(password)(values[1])
	}
}

func setURL(to **url.URL) func(string) error {
	return func(value string) error {
		// What may hold a secret is not quoted, also if the rest of it is no URL.
		if strings.Contains(value, "@") {
			return errors.New("a URL holds no user and no password here: they stand in a file of their own")
		}
		if strings.ContainsAny(value, "?#") {
			return errors.New("a URL with ? or # is not possible here")
		}
		u, err := url.Parse(value)
		if err != nil || u.Host == "" || !isHost(u.Hostname()) || u.Opaque != "" {
			return fmt.Errorf("%s is no URL of a server", quoted(value))
		}
		if port := u.Port(); port != "" {
			if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
				return fmt.Errorf("%s: the port is none", quoted(value))
			}
		}
		*to = u
		return nil
	}
}

func setPin(pin *string) func(string) error {
	return func(value string) error {
		encoded, found := strings.CutPrefix(value, "sha256/")
		sum, err := base64.StdEncoding.DecodeString(encoded)
		if !found || err != nil || len(sum) != 32 {
			return fmt.Errorf("%s is no pin: sha256/ and 44 characters of base64", quoted(value))
		}
		*pin = value
		return nil
	}
}

func (b *Block) setCheck(values []string) error {
	for _, value := range values {
		address, err := netip.ParseAddr(value)
		if err != nil || address.Zone() != "" || address.IsUnspecified() || address.IsMulticast() {
			return fmt.Errorf("%s is no IP address of a server", quoted(value))
		}
		if slices.Contains(b.Check, address) || len(b.Check) >= 64 {
			return fmt.Errorf("%s stands twice, or there are more than 64", address)
		}
		b.Check = append(b.Check, address)
	}
	return nil
}

// setCheck reads addresses with or without a port: 192.0.2.80, 2001:db8::80, [2001:db8::80]:8443.
func (d *Deploy) setCheck(values []string) error {
	for _, value := range values {
		at, err := netip.ParseAddrPort(value)
		if err != nil {
			var address netip.Addr
			if address, err = netip.ParseAddr(value); err == nil {
				at = netip.AddrPortFrom(address, 443)
			}
		}
		address := at.Addr()
		if err != nil || at.Port() == 0 || address.Zone() != "" || address.IsUnspecified() || address.IsMulticast() {
			return fmt.Errorf("%s is no address of a server, as in 192.0.2.80, 192.0.2.80:8443, 2001:db8::80 or [2001:db8::80]:8443", quoted(value))
		}
		if slices.Contains(d.Check, at) || len(d.Check) >= 64 {
			return fmt.Errorf("%s stands twice, or there are more than 64", at)
		}
		d.Check = append(d.Check, at)
	}
	return nil
}

// setPath returns how the absolute path of a file is read.
func setPath(path *string) func(string) error {
	return func(value string) error {
		if !filepath.IsAbs(value) || filepath.Clean(value) != value {
			return fmt.Errorf("%s is no absolute path of a file", quoted(value))
		}
		*path = value
		return nil
	}
}

// setSecretFile is setPath for a file that holds a secret. What is no path is not quoted: it may be the secret itself.
func setSecretFile(path *string) func(string) error {
	return func(value string) error {
		if setPath(path)(value) != nil {
			return errors.New("the absolute path of a file is wanted that holds the secret; what stands there is not shown")
		}
		return nil
	}
}

func setChoice(to *string, choices ...string) func(string) error {
	return func(value string) error {
		if !slices.Contains(choices, value) {
			return fmt.Errorf("%s: possible are %s", quoted(value), list(choices))
		}
		*to = value
		return nil
	}
}

func setWord(to *string, valid func(string) bool, what string) func(string) error {
	return func(value string) error {
		if !valid(value) {
			return fmt.Errorf("%s is no %s", quoted(value), what)
		}
		*to = value
		return nil
	}
}

func setSwitch(to *bool) func(string) error {
	return func(value string) error {
		if value != "yes" && value != "no" {
			return fmt.Errorf("%s: possible are yes and no", quoted(value))
		}
		*to = value == "yes"
		return nil
	}
}

// checkPowerDNS: the API has no TLS of its own and its key is worth every zone, so plain HTTP stays on this host.
func (b *Block) checkPowerDNS() error {
	switch {
	case b.Socket != "" && b.URL != nil:
		return errors.New("url and socket exclude each other")
	case b.Socket != "":
		return nil
	case b.URL == nil:
		return errors.New("one of the words url and socket is missing")
	case b.URL.Scheme == "https" || b.URL.Scheme == "http" && isLoopback(b.URL.Hostname()):
		return nil
	}
	return fmt.Errorf("%s would show the API key to the network: use https, a loopback address (a tunnel), or socket", b.URL)
}

func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// panelAccess is how a panel is reached: by its URL with a login, or by mgrctl on this host.
type panelAccess struct {
	url             *url.URL
	mgr, login, pin string
}

func (a panelAccess) check() error {
	switch {
	case a.mgr != "" && (a.url != nil || a.login != "" || a.pin != ""):
		return errors.New("mgr excludes url, login and pin: it calls mgrctl on this host")
	case a.mgr != "":
		return nil
	case a.url == nil:
		return errors.New("one of the words url and mgr is missing")
	case a.url.Scheme != "https":
		return fmt.Errorf("%s would show the password to the network: use https; a certificate of the panel's own is named by pin", a.url)
	case a.login == "":
		return errors.New("the word login is missing, as in: login pmssl /usr/local/mgr5/etc/pmssl/web7.pass")
	}
	return nil
}

// checkWebroot: without zones a block is for the sites of the items on its modules.
func (b *Block) checkWebroot() error {
	if len(b.Zones) == 0 && len(b.Modules) == 0 {
		return errors.New("one of the words module and zone is missing: it says whose sites the web server serves")
	}
	return nil
}
