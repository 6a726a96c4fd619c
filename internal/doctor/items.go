package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"pmssl/internal/deliver"
	"pmssl/internal/dnscheck"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/parallel"
	"pmssl/internal/pki"
	"pmssl/internal/publish"
	"pmssl/internal/seller"
	"pmssl/internal/tlsleaf"
)

func itemChecks() []Check {
	return []Check{
		{ID: "item", Group: "Item", Title: "item", Needs: []string{"database"}, Limit: panelLimit, Applies: withItem, run: withPanel(checkItem),
			About: "With `--item N`: the item exists, belongs to this module, and has names to examine: those of its certificate, else of its CSR."},
		{ID: "item_publisher", Group: "Item", Title: "publisher", Needs: []string{"item"}, After: []string{"publishers"}, Limit: remoteLimit, Applies: withItem, run: withPanel(checkItemPublisher),
			About: "With `--item N`, for each name: which publisher and zone would take its challenge, which evidence shows that the name is the client's own, and whether the server would accept the record: it is asked with a condition that keeps everything as it is. Wildcards that the record would hide, and records that stand in its place, show here."},
		{ID: "item_dns", Group: "Item", Title: "DNS", Needs: []string{"item"}, Limit: remoteLimit, Applies: withItem, run: withPanel(checkItemDNS),
			About: "With `--item N`, for each name: the zone, whether all its name servers answer and have the same serial, whether the zone is signed and the resolver accepts that, whether CAA records allow the CA of new orders of the item's product and that of its certificate, as far as they are known, and the addresses."},
		{ID: "item_site", Group: "Item", Title: "site", Needs: []string{"item"}, After: []string{"item_dns"}, Limit: remoteLimit, Applies: withItem, run: withPanel(checkItemSite),
			About: "With `--item N`, for each name: at each public address, the certificate that is served, compared with the item's; where challenges are files, whether a request for one is redirected."},
		{ID: "item_deliverer", Group: "Item", Title: "delivery", Needs: []string{"item"}, After: []string{"deliverers"}, Limit: remoteLimit, Applies: withItem, run: withPanel(checkItemDelivery),
			About: "With `--item N`, for each name: which `deploy` block serves it, and which evidence shows that the site is the client's own."},
		{ID: "item_probe", Group: "Item", Title: "probe", Needs: []string{"item"}, After: []string{"leftovers", "item_publisher"}, Limit: probeLimit, grace: removeLimit, run: withPanel(checkProbe),
			Applies: func(x *examination) bool { return x.o.Item > 0 && x.o.Probe },
			About:   "With `--item N --probe`: writes one record `_pmssl-test…` or one file for the first name of the item, waits until it is seen where a CA looks, and removes it. `var/NAME.probe` names it meanwhile, so that a later probe removes it if this one is killed; that is done first, and also if no publisher takes this item's challenges."},
	}
}

// subject is the item of --item.
type subject struct {
	item  item.Item
	names []string      // those of the certificate or CSR that are examined, A-labels, "*." kept
	order publish.Order // with all names
	kind  publish.Type  // of challenges that its validation method asks for
}

func checkItem(ctx context.Context, x *examination, p item.DiagnosticPanel) []Finding {
	it, err := p.LoadItem(ctx, x.o.Item)
	if err != nil {
		return []Finding{because("give the id of a certificate's item: its number in the panel's list", err)}
	}
	it.Item = x.o.Item
	if it.Binary != x.o.Binary {
		return []Finding{failed("use the program that the item's module names", "%s belongs to the module %q", ofItem(it.Item, it.Name), it.Binary)}
	}
	all := namesOf(it)
	s := &subject{item: it, names: all[:min(len(all), maxNames)], kind: kindOf(it)}
	if len(all) == 0 {
		return []Finding{failed("enter the item's CSR in the panel", "%s has neither a certificate nor a CSR that can be read: its names are not known", ofItem(it.Item, it.Name))}
	}
	s.order = publish.Order{Item: it.Item, Account: it.Account, Names: all}
	x.mu.Lock()
	x.subject = s
	x.mu.Unlock()
	more := ""
	if left := len(all) - len(s.names); left > 0 {
		more = fmt.Sprintf("; of its %d names the first %d are examined", len(all), len(s.names))
	}
	return []Finding{passed("%s of account %d: %s, method %s%s", ofItem(it.Item, it.Name), it.Account, some(all), it.Params[itemparam.Method], more)}
}

// maxNames is how many names of an item are examined.
const maxNames = 10

// namesOf returns the names of the item's certificate, else of its CSR.
func namesOf(it item.Item) []string {
	var names []string
	if chain, err := pki.StoredLeaf(it.Stored); err == nil {
		names = chain.Leaf.DNSNames
	} else if csr, err := pki.ReadCSR(it.RequestCSR()); err == nil {
		names = append([]string{csr.CommonName}, csr.Names...)
		names = append(names, strings.Fields(it.Params[itemparam.AltName])...)
	}
	var all []string
	for _, name := range names {
		if ascii, err := pki.ASCIIName("name", name); err == nil && !slices.Contains(all, ascii) {
			all = append(all, ascii)
		}
	}
	return all
}

// kindOf returns the kind of records of the item's validation method; CNAME for e-mail, which a reissue may replace.
func kindOf(it item.Item) publish.Type {
	word := it.Params[itemparam.Method]
	method, err := seller.ParseMethod(word)
	switch {
	case err == nil && method == seller.MethodFile:
		return publish.File
	case strings.Contains(word, "txt"):
		return publish.TXT
	}
	return publish.CNAME
}

// hosts returns the subject's names without "*.", each once.
func (s *subject) hosts() []string {
	var all []string
	for _, name := range s.names {
		if name = strings.TrimPrefix(name, "*."); !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

// target returns the item of --item.
func (x *examination) target() *subject {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.subject
}

func checkItemPublisher(ctx context.Context, x *examination, p item.DiagnosticPanel) []Finding {
	s, parts := x.target(), x.o.Publishing(p)
	c, wrong := config(parts)
	switch {
	case wrong != nil:
		return []Finding{unchecked("the configuration of %s cannot be used", parts.Folder)}
	case len(c.Publishers) == 0:
		return []Finding{passed("no publisher is configured: the client publishes the challenges of %s", some(s.hosts()))}
	}
	service := parts.Service(publish.Dry)
	var found []Finding
	for _, name := range s.hosts() {
		found = append(found, x.placeFor(ctx, service, s, name))
	}
	return found
}

// placeFor returns where the challenge of a name would go, or why it would not.
func (x *examination) placeFor(ctx context.Context, service publish.Service, s *subject, name string) Finding {
	random, err := x.o.Random()
	if err != nil {
		return unchecked("%v", err)
	}
	placed, err := service.Place(ctx, s.order, []publish.Record{recordFor(s.kind, name, random)})
	if err != nil {
		return notPlaced(ctx, err)
	}
	return passed("%s: publisher %s, zone %s (%s)", pki.DisplayName(name), placed[0].Publisher, placed[0].Zone, placed[0].Evidence)
}

// notPlaced returns the finding about a challenge that has no place. That no publisher is for it is as the administrator has
// configured it; a panel or a server that was not asked says nothing about the name.
func notPlaced(ctx context.Context, err error) Finding {
	failure := (*fault.Error)(nil)
	switch {
	case errors.Is(err, publish.ErrNoPublisher):
		return passed("left to the client: %s", message(err))
	case ctx.Err() != nil, errors.Is(err, publish.ErrNotAsked), errors.As(err, &failure):
		return unchecked("%s", message(err))
	}
	return failed(placeMend(err), "%s", message(err))
}

// placeMend returns what to do about a challenge that cannot be placed.
func placeMend(err error) string {
	switch {
	case errors.Is(err, publish.ErrNotOwner):
		return "if the name is the client's, write into a file of etc/pmssl: allow ZONE account N"
	case errors.Is(err, publish.ErrWildcard):
		return "give the host its own address records, or write into the publisher's block: parent yes"
	case errors.Is(err, publish.ErrConflict):
		return "remove the other record, or use files for this item (approver_method)"
	case errors.Is(err, publish.ErrDenied):
		return "give the key the right to write CNAME and TXT records in the zone (etc/samples/pmssl shows how)"
	}
	return "see docs/unattended.md for the message; until then the client publishes the challenges"
}

// resolver returns what looks names up, or the finding why nothing does.
func (x *examination) resolver(ctx context.Context, p item.DiagnosticPanel) (*dnscheck.Resolver, *Finding) {
	value, err := p.Setting(ctx, "SSLResolver")
	if err != nil {
		f := unchecked("%s", message(err))
		return nil, &f
	}
	server, on, err := item.ParseResolver(value)
	if err != nil || !on {
		f := unchecked("SSLResolver is %q: no names are looked up", value)
		return nil, &f
	}
	return dnscheck.New(dnscheck.Options{Server: server, Conf: x.o.ResolvConf, Dial: x.o.Dial}), nil
}

func checkItemDNS(ctx context.Context, x *examination, p item.DiagnosticPanel) []Finding {
	resolver, why := x.resolver(ctx, p)
	if why != nil {
		return []Finding{*why}
	}
	s := x.target()
	found := make([][]Finding, len(s.names))
	zones, unknown := make([]string, len(s.names)), make([]*Finding, len(s.names))
	var asked parallel.Group
	for i, name := range s.names {
		asked.Go(func() { zones[i], unknown[i] = zoneOf(ctx, resolver, strings.TrimPrefix(name, "*.")) })
	}
	asked.Wait()
	for i, name := range s.names {
		if unknown[i] != nil {
			found[i] = []Finding{*unknown[i]}
			continue
		}
		first := slices.Index(zones, zones[i]) == i
		asked.Go(func() { found[i] = x.lookUp(ctx, resolver, s, name, zones[i], first) })
	}
	asked.Wait()
	return slices.Concat(found...)
}

// lookUp returns what DNS says of one name of the item, and of its zone if no other name has shown that.
func (x *examination) lookUp(ctx context.Context, resolver *dnscheck.Resolver, s *subject, name, zone string, first bool) []Finding {
	var found []Finding
	if first {
		found = checkServers(ctx, resolver, zone)
	}
	found = append(found, checkCAA(ctx, resolver, name, x.issuersOf(s.item)), checkAddresses(ctx, resolver, name))
	return append(found, leftChallenge(ctx, resolver, s.item, strings.TrimPrefix(name, "*."))...)
}

// checkAddresses looks the addresses of a name up. A wildcard has none of its own.
func checkAddresses(ctx context.Context, resolver *dnscheck.Resolver, name string) Finding {
	host, wildcard := strings.CutPrefix(name, "*.")
	addresses, err := resolver.Addresses(ctx, host)
	shown := pki.DisplayName(host)
	mend := "give the host address records (A, AAAA) if it is to be reached"
	switch {
	case err != nil:
		return unanswered(ctx, "check the zone's name servers", "%s: addresses: %v", shown, err)
	case len(addresses) == 0 && wildcard:
		return passed("%s has no addresses, which a wildcard does not need", shown)
	case len(addresses) == 0:
		return warned(mend, "%s has no addresses", shown)
	}
	var words []string
	for _, address := range addresses {
		word := address.String()
		if !dnscheck.Public(address) {
			word += " (not public)"
		}
		words = append(words, word)
	}
	return passed("%s: %s", shown, strings.Join(words, ", "))
}

func checkItemSite(ctx context.Context, x *examination, p item.DiagnosticPanel) []Finding {
	resolver, why := x.resolver(ctx, p)
	if why != nil {
		return []Finding{*why}
	}
	s, parts := x.target(), x.o.Publishing(p)
	hosts, serial := s.hosts(), s.item.Params[itemparam.Serial]
	addresses, sites := make([][]netip.Addr, len(hosts)), make([][]Finding, len(hosts))
	var looks parallel.Group
	for i, name := range hosts {
		looks.Go(func() {
			// Of a host with one unanswered question the other addresses are looked at; the check of DNS names the question.
			if addresses[i], _ = resolver.Addresses(ctx, name); len(addresses[i]) == 0 {
				sites[i] = []Finding{unchecked("%s has no addresses to look at", pki.DisplayName(name))}
			} else if serial != "" {
				sites[i] = x.served(ctx, name, addresses[i], serial)
			}
		})
	}
	looks.Wait()
	var found []Finding
	for i, name := range hosts {
		if s.kind == publish.File && len(addresses[i]) > 0 { // one after the other: it uses the panel
			found = append(found, x.redirected(ctx, parts, name))
		}
		found = append(found, sites[i]...)
	}
	if len(found) == 0 {
		return []Finding{passed("no certificate is stored yet: there is nothing to compare")}
	}
	return found
}

// lookLimit bounds the look at one address, maxAddresses how many addresses of a host are looked at.
const (
	lookLimit    = 5 * time.Second
	maxAddresses = 8
)

// served compares what each public address serves with the item's serial.
func (x *examination) served(ctx context.Context, name string, addresses []netip.Addr, serial string) []Finding {
	public := slices.DeleteFunc(slices.Clone(addresses), func(a netip.Addr) bool { return !dnscheck.Public(a) })
	if len(public) == 0 {
		return []Finding{unchecked("%s has no public address: what it serves is not looked at", pki.DisplayName(name))}
	}
	left := len(public) - maxAddresses
	public = public[:min(len(public), maxAddresses)]
	found := make([]Finding, len(public))
	var all parallel.Group
	for i, address := range public {
		all.Go(func() { found[i] = x.servedAt(ctx, name, address, serial) })
	}
	all.Wait()
	if left > 0 {
		found = append(found, unchecked("%s has %d more addresses, which are not looked at", pki.DisplayName(name), left))
	}
	return found
}

func (x *examination) servedAt(check context.Context, name string, address netip.Addr, serial string) Finding {
	ctx, cancel := context.WithTimeout(check, lookLimit)
	defer cancel()
	place := fmt.Sprintf("%s at %s", pki.DisplayName(name), address)
	conn, err := x.o.Dial(ctx, "tcp", net.JoinHostPort(address.String(), "443"))
	if err != nil {
		switch {
		case dnscheck.NoRoute(err):
			return unchecked("%s: this host has no route to it", place)
		case check.Err() != nil:
			return notAsked(place)
		}
		return warned("let the web server listen at port 443 there, or remove the address from DNS", "%s: no connection: %v", place, err)
	}
	defer conn.Close()
	leaf, err := tlsleaf.Read(ctx, conn, name)
	if err != nil && check.Err() != nil {
		return notAsked(place)
	}
	if err != nil {
		return warned("let the web server there serve the site over TLS", "%s: no certificate: %v", place, err)
	}
	if got := pki.Serial(leaf); got != serial {
		return warned("install the item's certificate there (docs/unattended.md, deploy), unless a CDN or another CA serves the site on purpose",
			"%s serves the certificate %s of %s, valid until %s, and not %s", place, got, leaf.Issuer.CommonName, leaf.NotAfter.UTC().Format(time.DateOnly), serial)
	}
	return passed("%s serves the item's certificate, valid until %s", place, leaf.NotAfter.UTC().Format(time.DateOnly))
}

// redirected looks for a file that is not there, as a CA would: anything but "not found" may keep a challenge from being seen.
func (x *examination) redirected(ctx context.Context, parts item.PublishingParts, name string) Finding {
	random, err := x.o.Random()
	if err != nil {
		return unchecked("%v", err)
	}
	r := recordFor(publish.File, name, random)
	block := publish.Block{}
	if c, wrong := config(parts); wrong == nil {
		for _, b := range c.Publishers {
			if slices.Contains(b.Types, publish.File) {
				block = b
			}
		}
	}
	sight, err := parts.Look(ctx, block, publish.Placement{Publisher: block.Name, Zone: name, Record: r})
	switch {
	case err != nil:
		return unchecked("%v", err)
	case strings.HasSuffix(sight.Why, "answers 404"):
		return passed("%s: a request for a challenge is not redirected", pki.DisplayName(name))
	}
	return warned("let the web server answer http://"+name+"/.well-known/pki-validation/ itself (etc/samples/pmssl has snippets)", "%s", sight.Why)
}

func checkItemDelivery(ctx context.Context, x *examination, p item.DiagnosticPanel) []Finding {
	s, parts := x.target(), x.o.Publishing(p)
	if !parts.Deliver.Configured() {
		return []Finding{passed("no deploy block is configured: the client installs the certificate")}
	}
	targets, reasons, err := parts.Deliver.Targets(ctx, deliver.Order{Item: s.item.Item, Account: s.item.Account}, s.names)
	if err != nil {
		return []Finding{unchecked("%s", message(err))}
	}
	var found []Finding
	for _, t := range targets {
		found = append(found, passed("%s: deploy %s (%s)", strings.Join(t.Sites, ", "), t.Block, t.Evidence))
	}
	for _, r := range reasons {
		switch shown := pki.DisplayName(r.Name); {
		case errors.Is(r.Err, deliver.ErrNoBlock):
			found = append(found, passed("%s: left to the client (%v)", shown, r.Err))
		case errors.Is(r.Err, publish.ErrNotAsked), ctx.Err() != nil:
			found = append(found, unchecked("%s: %v", shown, r.Err))
		default:
			found = append(found, failed(placeMend(r.Err), "%s: %v", shown, r.Err))
		}
	}
	return found
}
