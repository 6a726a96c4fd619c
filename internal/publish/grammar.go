package publish

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
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
	set         func(b *Block, values []string) error
}

// blockGrammar is what a kind of publisher understands.
type blockGrammar struct {
	types []Type // that it can write
	start []Type // that it writes where the block says nothing
	words map[string]word
	// needs are the words that must stand; check looks at what they say together.
	needs []string
	check func(b *Block) error
}

// grammar returns the words of each kind of publisher.
func grammar() map[Kind]blockGrammar {
	dns := []Type{CNAME, TXT}
	return map[Kind]blockGrammar{
		KindDNSUpdate: {types: dns, start: dns, needs: []string{"server", "key", "zone"}, words: words(dns, map[string]word{
			"server":    one("192.0.2.53", setServer),
			"key":       {2, 2, false, "pmssl /usr/local/mgr5/etc/pmssl/ns1.key", setKey},
			"algorithm": one("hmac-sha256", setChoice(func(b *Block) *string { return &b.Algorithm }, "hmac-sha256", "hmac-sha384", "hmac-sha512")),
		})},
		KindPowerDNS: {types: dns, start: dns, needs: []string{"apikey", "zone"}, check: checkPowerDNS, words: words(dns, map[string]word{
			"url":      one("http://127.0.0.1:8081", setURL),
			"socket":   one("/run/pdns/api.socket", setPath(func(b *Block) *string { return &b.Socket })),
			"apikey":   one("/usr/local/mgr5/etc/pmssl/pdns.key", setPath(func(b *Block) *string { return &b.APIKey })),
			"serverid": one("localhost", setPattern(func(b *Block) *string { return &b.ServerID }, `^[0-9A-Za-z._-]{1,64}$`, "id of a server")),
		})},
		KindISPmgr: {types: dns, start: dns, needs: []string{"zone"}, check: checkISPmgr, words: words(dns, map[string]word{
			"url":   one("https://ns2.example.com:1500/dnsmgr", setURL),
			"mgr":   one("ispmgr", setChoice(func(b *Block) *string { return &b.Mgr }, "ispmgr", "dnsmgr")),
			"pin":   one("sha256/BASE64", setPin),
			"login": {2, 2, false, "pmssl /usr/local/mgr5/etc/pmssl/web7.pass", setLogin},
		})},
		KindWebroot: {types: []Type{File}, start: []Type{File}, check: checkWebroot, words: words([]Type{File}, map[string]word{
			"check":     {1, 64, true, "192.0.2.80 2001:db8::80", setCheck},
			"redirects": one("yes", setSwitch(func(b *Block) *bool { return &b.Redirects })),
		})},
		KindExec: {types: dns, start: []Type{TXT}, needs: []string{"program", "zone"}, words: words(dns, map[string]word{
			"program": one("/usr/local/sbin/dns-hook", setPath(func(b *Block) *string { return &b.Program })),
		})},
	}
}

// words adds what every publisher of these types understands.
func words(types []Type, own map[string]word) map[string]word {
	own["zone"] = word{1, 256, true, "example.com (or * for all that the server keeps)", setZone}
	own["module"] = word{1, 64, true, "12", setModule}
	own["user"] = one(DefaultUser, setPattern(func(b *Block) *string { return &b.User }, `^[0-9A-Za-z_]{1,64}$`, "item parameter"))
	if !slices.Contains(types, File) {
		own["ttl"] = one("60", setTTL)
		own["types"] = word{1, 2, false, "cname txt", setTypes}
		own["parent"] = one("yes", setSwitch(func(b *Block) *bool { return &b.Higher }))
	}
	return own
}

// complete checks a block at its end, and sets what it leaves to the defaults.
func (g blockGrammar) complete(b *Block, said map[string]bool) error {
	for _, name := range g.needs {
		if !said[name] {
			return fmt.Errorf("the word %s is missing, as in: %s %s", name, name, g.words[name].example)
		}
	}
	if len(b.Types) == 0 {
		b.Types = slices.Clone(g.start)
	}
	if !slices.Contains(b.Types, File) {
		b.TTL = cmp.Or(b.TTL, DefaultTTL)
	}
	b.User = cmp.Or(b.User, DefaultUser)
	if g.check == nil {
		return nil
	}
	return g.check(b)
}

// kinds lists the kinds of publishers.
func kinds() []string {
	var names []string
	for kind := range grammar() {
		names = append(names, string(kind))
	}
	slices.Sort(names)
	return names
}

func sortedKeys(m map[string]word) []string { return slices.Sorted(maps.Keys(m)) }

// one is a word with one value.
func one(example string, set func(b *Block, value string) error) word {
	return word{1, 1, false, example, func(b *Block, values []string) error { return set(b, values[0]) }}
}

func setZone(b *Block, values []string) error {
	for _, value := range values {
		zone := value
		if value != "*" {
			var err error
			if zone, err = zoneName(value); err != nil {
				return err
			}
		}
		if slices.Contains(b.Zones, zone) {
			return fmt.Errorf("%s stands twice", zone)
		}
		if b.Zones = append(b.Zones, zone); len(b.Zones) > maxBlockZones {
			return fmt.Errorf("there are more than %d zones", maxBlockZones)
		}
	}
	return nil
}

func setModule(b *Block, values []string) error {
	for _, value := range values {
		id, err := number(value)
		if err != nil {
			return err
		}
		if slices.Contains(b.Modules, id) || len(b.Modules) >= maxBlocks {
			return fmt.Errorf("%d stands twice, or there are more than %d", id, maxBlocks)
		}
		b.Modules = append(b.Modules, id)
	}
	return nil
}

func setTTL(b *Block, value string) error {
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > 3600 {
		return fmt.Errorf("%s is no number of seconds from 1 to 3600", quoted(value))
	}
	b.TTL = n
	return nil
}

func setTypes(b *Block, values []string) error {
	for _, value := range values {
		kind, known := map[string]Type{"cname": CNAME, "txt": TXT}[value]
		if !known || slices.Contains(b.Types, kind) {
			return fmt.Errorf("%s: possible are cname and txt, each once", quoted(value))
		}
		b.Types = append(b.Types, kind)
	}
	return nil
}

func setServer(b *Block, value string) error {
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
	b.Server = net.JoinHostPort(host, strconv.FormatUint(n, 10))
	return nil
}

// isHost reports whether the text is an IP address or a host name.
func isHost(text string) bool {
	if address, err := netip.ParseAddr(text); err == nil {
		return address.Zone() == ""
	}
	return len(text) <= maxHost && matches(`^[0-9A-Za-z]([0-9A-Za-z-]*[0-9A-Za-z])?(\.[0-9A-Za-z]([0-9A-Za-z-]*[0-9A-Za-z])?)*$`, text)
}

func setKey(b *Block, values []string) error {
	if !matches(`^[0-9A-Za-z_][0-9A-Za-z_.-]{0,252}$`, values[0]) {
		return fmt.Errorf("%s is no name of a key", quoted(values[0]))
	}
	b.KeyName = values[0]
	return setPath(func(b *Block) *string { return &b.KeyFile })(b, values[1])
}

func setLogin(b *Block, values []string) error {
	if len(values[0]) > 64 {
		return fmt.Errorf("%s is too long for a user's name", quoted(values[0]))
	}
	b.Login = values[0]
	return setPath(func(b *Block) *string { return &b.Password })(b, values[1])
}

func setURL(b *Block, value string) error {
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || !isHost(u.Hostname()) || u.Opaque != "" {
		return fmt.Errorf("%s is no URL of a server", quoted(value))
	}
	if u.User != nil {
		return errors.New("a URL holds no user and no password here: they stand in a file of their own") // not quoted: it is a secret
	}
	if u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return fmt.Errorf("%s: a URL with ? or # is not possible here", quoted(value))
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return fmt.Errorf("%s: the port is none", quoted(value))
		}
	}
	b.URL = u
	return nil
}

func setPin(b *Block, value string) error {
	encoded, found := strings.CutPrefix(value, "sha256/")
	sum, err := base64.StdEncoding.DecodeString(encoded)
	if !found || err != nil || len(sum) != 32 {
		return fmt.Errorf("%s is no pin: sha256/ and 44 characters of base64", quoted(value))
	}
	b.Pin = value
	return nil
}

func setCheck(b *Block, values []string) error {
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

// setPath returns how the absolute path of a file is read.
func setPath(of func(*Block) *string) func(*Block, string) error {
	return func(b *Block, value string) error {
		if !filepath.IsAbs(value) || filepath.Clean(value) != value {
			return fmt.Errorf("%s is no absolute path of a file", quoted(value))
		}
		*of(b) = value
		return nil
	}
}

func setChoice(of func(*Block) *string, choices ...string) func(*Block, string) error {
	return func(b *Block, value string) error {
		if !slices.Contains(choices, value) {
			return fmt.Errorf("%s: possible are %s", quoted(value), list(choices))
		}
		*of(b) = value
		return nil
	}
}

func setPattern(of func(*Block) *string, pattern, what string) func(*Block, string) error {
	return func(b *Block, value string) error {
		if !matches(pattern, value) {
			return fmt.Errorf("%s is no %s", quoted(value), what)
		}
		*of(b) = value
		return nil
	}
}

func setSwitch(of func(*Block) *bool) func(*Block, string) error {
	return func(b *Block, value string) error {
		if value != "yes" && value != "no" {
			return fmt.Errorf("%s: possible are yes and no", quoted(value))
		}
		*of(b) = value == "yes"
		return nil
	}
}

// checkPowerDNS: the API has no TLS of its own and its key is worth every zone, so plain HTTP stays on this host.
func checkPowerDNS(b *Block) error {
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

// checkISPmgr: a panel is reached by its URL with a login, or by mgrctl on this host.
func checkISPmgr(b *Block) error {
	switch {
	case b.Mgr != "" && (b.URL != nil || b.Login != "" || b.Pin != ""):
		return errors.New("mgr excludes url, login and pin: it calls mgrctl on this host")
	case b.Mgr != "":
		return nil
	case b.URL == nil:
		return errors.New("one of the words url and mgr is missing")
	case b.URL.Scheme != "https":
		return fmt.Errorf("%s would show the password to the network: use https; a certificate of the panel's own is named by pin", b.URL)
	case b.Login == "":
		return errors.New("the word login is missing, as in: login pmssl /usr/local/mgr5/etc/pmssl/web7.pass")
	}
	return nil
}

// checkWebroot: without zones a block is for the sites of the items on its modules.
func checkWebroot(b *Block) error {
	if len(b.Zones) == 0 && len(b.Modules) == 0 {
		return errors.New("one of the words module and zone is missing: it says whose sites the web server serves")
	}
	return nil
}
