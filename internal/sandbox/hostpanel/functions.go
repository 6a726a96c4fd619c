package hostpanel

import (
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/idna"
)

// Problem is an error document of the panel.
type Problem struct {
	Type   string `json:"type"`
	Object string `json:"object,omitempty"`
	Value  string `json:"value,omitempty"`
	Text   string `json:"text,omitempty"`
}

// request is one call of a function.
type request struct {
	manager  string // ispmgr or dnsmgr
	function string
	params   url.Values
	referer  bool // the request names the panel as its referer
	user     User
}

func (r request) get(name string) string { return r.params.Get(name) }

func (r request) submits() bool { return r.get("sok") != "" }

// call carries a function out and returns its document.
func (p *Panel) call(r request) (element, *Problem) {
	doc := node("doc").with("lang", "en").with("func", r.function).with("binary", "/"+r.manager)
	if problem := p.permitted(r); problem != nil {
		return doc, problem
	}
	change := p.changes(r)
	if change && r.get("sok") != "yes" {
		switch {
		case p.settings.Confirm:
			return node("doc").with("lang", "en").with("func", "confirm").plus(textNode("msg", "Are you sure?")), nil
		case p.settings.RefererConfirm:
			return doc, &Problem{Type: "referer_confirm", Text: "The request came from another site"}
		}
	}
	if change && p.settings.RefererConfirm && !r.referer {
		return doc, &Problem{Type: "referer_confirm", Text: "The request came from another site"}
	}
	functions := map[string]func(element, request) (element, *Problem){
		"whoami": func(doc element, r request) (element, *Problem) {
			return doc.plus(node("user").with("name", r.user.Name).with("level", levelNumber(r.user.Level))), nil
		},
		"domain": p.listZones, "domain.record": p.listRecords, "domain.record.edit": p.editRecord, "domain.record.delete": p.deleteRecords,
	}
	if r.manager == "ispmgr" { // DNSmanager has no sites
		maps.Copy(functions, map[string]func(element, request) (element, *Problem){
			"webdomain": p.listSites, "site.edit": p.editSite, "sslcert": p.listCertificates, "sslcert.edit": p.showCertificate,
			"sslcert.prolong": p.prolong, "sslcert.setcrt": p.addCertificate, "sslcert.replace": p.replaceCertificate,
		})
	}
	run, known := functions[r.function]
	if !known {
		return doc, &Problem{Type: "missed", Object: "func", Value: r.function, Text: "The function is not found"}
	}
	return run(doc, r)
}

// changes reports whether a request changes something.
func (p *Panel) changes(r request) bool {
	switch r.function {
	case "domain.record.delete":
		return true
	case "domain.record.edit", "site.edit", "sslcert.prolong", "sslcert.setcrt", "sslcert.replace":
		return r.submits()
	}
	return false
}

func levelNumber(level string) string {
	if level == LevelAdmin {
		return "30"
	}
	return "16"
}

// permitted refuses functions that the user may not call.
func (p *Panel) permitted(r request) *Problem {
	if len(r.user.Functions) > 0 && !slices.Contains(r.user.Functions, r.function) {
		return &Problem{Type: "access", Object: r.function, Text: "Access denied"}
	}
	return nil
}

// login handles func=auth.
func (p *Panel) login(r request, now time.Time) (element, *Problem) {
	name, password := r.get("username"), r.get("password")
	if p.settings.Lockout > 0 && p.failures[name] >= p.settings.Lockout {
		return element{}, &Problem{Type: "captcha_verification_failed", Text: "Enter the characters of the picture"}
	}
	i := slices.IndexFunc(p.users, func(u User) bool { return u.Name == name })
	if i < 0 || p.users[i].Password == "" || subtle.ConstantTimeCompare([]byte(p.users[i].Password), []byte(password)) != 1 {
		p.failures[name]++
		return element{}, &Problem{Type: "auth", Object: "badpassword", Text: "Invalid username or password"}
	}
	delete(p.failures, name)
	random := make([]byte, 12)
	if _, err := io.ReadFull(p.random, random); err != nil {
		return element{}, &Problem{Type: "xml", Text: err.Error()}
	}
	id := hex.EncodeToString(random)
	p.sessions[id] = session{name, now}
	return node("doc").with("func", "auth").plus(textNode("auth", id).with("id", id).with("level", levelNumber(p.users[i].Level))), nil
}

// sessionUser returns the user of a session that still lives.
func (p *Panel) sessionUser(id string, now time.Time) (User, *Problem) {
	s, known := p.sessions[id]
	i := slices.IndexFunc(p.users, func(u User) bool { return u.Name == s.user })
	if !known || i < 0 || now.Sub(s.last) > time.Duration(p.settings.SessionLife) || now.Before(s.last) {
		delete(p.sessions, id)
		return User{}, &Problem{Type: "auth", Object: "session", Text: "Your session has expired"}
	}
	p.sessions[id] = session{s.user, now}
	return p.users[i], nil
}

// shown returns a name as lists show it.
func (p *Panel) shown(name string) string {
	if !p.settings.Unicode {
		return name
	}
	if unicode, err := idna.Punycode.ToUnicode(name); err == nil {
		return unicode
	}
	return name
}

// ascii returns a name of a request with A-labels.
func ascii(name string) string {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if converted, err := idna.Punycode.ToASCII(name); err == nil {
		return converted
	}
	return name
}

func (p *Panel) listZones(doc element, r request) (element, *Problem) {
	var rows []element
	for _, z := range p.zones {
		if r.user.Level != LevelAdmin && z.Owner != r.user.Name {
			continue
		}
		row := node("elem", textNode("name", p.shown(z.Name)))
		if r.user.Level == LevelAdmin {
			column := "owner"
			if r.manager == "dnsmgr" {
				column = "user"
			}
			row = row.plus(textNode(column, z.Owner))
		}
		kind := "master"
		if z.Slave {
			kind = "slave"
		}
		rows = append(rows, row.plus(textNode("dtype", kind), textNode("status", "ok")))
	}
	return p.page(doc, r, rows), nil
}

// page adds the rows of the page that is asked for.
func (p *Panel) page(doc element, r request, rows []element) element {
	size, _ := strconv.Atoi(r.get("p_cnt"))
	number, _ := strconv.Atoi(r.get("p_num"))
	if p.settings.AllAtOnce || size <= 0 {
		return doc.plus(rows...)
	}
	first := min(max(number-1, 0)*size, len(rows))
	doc = doc.plus(rows[first:min(first+size, len(rows))]...)
	return doc.plus(textNode("p_cnt", strconv.Itoa(size)), textNode("p_num", strconv.Itoa(max(number, 1))), textNode("p_elems", strconv.Itoa(len(rows))))
}

// zoneFor returns the zone that a request is about, if the user may see it.
func (p *Panel) zoneFor(r request, name string) (*Zone, *Problem) {
	z := p.zone(ascii(name))
	if z == nil {
		return nil, &Problem{Type: "missed", Object: "domain", Value: name, Text: "The domain name does not exist"}
	}
	if r.user.Level != LevelAdmin && z.Owner != r.user.Name {
		return nil, &Problem{Type: "access", Object: "domain", Value: name, Text: "Access denied"}
	}
	return z, nil
}

func (p *Panel) listRecords(doc element, r request) (element, *Problem) {
	z, problem := p.zoneFor(r, r.get("elid"))
	if problem != nil {
		return doc, problem
	}
	rows := []element{p.row(z, Record{Name: z.Name, TTL: negativeTTL, Type: "SOA", Value: fmt.Sprintf("ns.%s. hostmaster.%s. %d", z.Name, z.Name, z.Serial)})}
	for _, one := range z.Records {
		rows = append(rows, p.row(z, one))
	}
	return p.page(doc, r, rows), nil
}

func (p *Panel) row(z *Zone, r Record) element {
	name, value := p.shown(r.Name)+".", r.Value
	if p.settings.ShortNames {
		name = "@"
		if r.Name != z.Name {
			name = p.shown(strings.TrimSuffix(r.Name, "."+z.Name))
		}
	}
	if r.Type == "TXT" && p.settings.Quotes {
		value = `"` + value + `"`
	}
	return node("elem", textNode("rkey", r.key()), textNode("name", name), textNode("ttl", strconv.Itoa(r.TTL)), textNode("rtype", r.Type),
		textNode("value", value), node("info"))
}

func (p *Panel) editRecord(doc element, r request) (element, *Problem) {
	z, problem := p.zoneFor(r, r.get("plid"))
	if problem != nil {
		return doc, problem
	}
	former := slices.IndexFunc(z.Records, func(one Record) bool { return r.get("elid") != "" && one.key() == r.get("elid") })
	if r.get("elid") != "" && former < 0 {
		return doc, &Problem{Type: "missed", Object: "record", Value: r.get("elid"), Text: "The record does not exist"}
	}
	if !r.submits() {
		return p.form(doc, z, former, p.described(r)), nil
	}
	added, problem := p.recordOf(r, z)
	if problem != nil {
		return doc, problem
	}
	if problem = p.fits(z, added, former); problem != nil {
		return doc, problem
	}
	if former >= 0 {
		z.Records[former] = added
	} else {
		z.Records = append(z.Records, added)
	}
	z.Serial++
	return doc.plus(node("ok")), nil
}

// kinds are the types that the form offers, with the fields of their values.
func kinds() []string { return []string{"a", "aaaa", "ns", "mx", "cname", "txt", "caa"} }

func fieldOf(kind string) string {
	switch kind {
	case "a", "aaaa":
		return "ip"
	case "ns", "mx", "cname":
		return "domain"
	}
	return "value"
}

// form is the page for a record.
func (p *Panel) form(doc element, z *Zone, former int, described bool) element {
	values := map[string]string{"plid": p.shown(z.Name), "ttl": "3600", "rtype": "a", "priority": "10"}
	if former >= 0 {
		one := z.Records[former]
		values["elid"], values["name"], values["ttl"] = one.key(), p.shown(one.Name)+".", strconv.Itoa(one.TTL)
		values["rtype"] = strings.ToLower(one.Type)
		values[fieldOf(values["rtype"])] = one.Value
	}
	for _, name := range []string{"elid", "plid", "name", "ttl", "rtype", "ip", "domain", "priority", "value"} {
		doc = doc.plus(textNode(name, values[name]))
	}
	list := node("slist").with("name", "rtype")
	for _, kind := range kinds() {
		list = list.plus(textNode("val", strings.ToUpper(kind)).with("key", kind))
	}
	doc = doc.plus(list)
	if !described {
		return doc
	}
	chooser := node("select").with("name", "rtype")
	for _, kind := range kinds() {
		for _, field := range []string{"ip", "domain", "value", "priority"} {
			if field != fieldOf(kind) && (field != "priority" || kind != "mx") {
				chooser = chooser.plus(node("if").with("value", kind).with("hide", field))
			}
		}
	}
	fields := []element{node("field", chooser).with("name", "rtype")}
	for _, name := range []string{"name", "ttl", "ip", "domain", "priority", "value"} {
		fields = append(fields, node("field", node("input").with("type", "text").with("name", name).with("required", "yes")).with("name", name))
	}
	return doc.plus(node("metadata", node("form", fields...)).with("name", "domain.record.edit").with("type", "form"))
}

// recordOf reads a submitted form.
func (p *Panel) recordOf(r request, z *Zone) (Record, *Problem) {
	kind := strings.ToLower(r.get("rtype"))
	if !slices.Contains(kinds(), kind) {
		return Record{}, &Problem{Type: "value", Object: "rtype", Value: kind}
	}
	ttl, err := strconv.Atoi(r.get("ttl"))
	if err != nil || ttl < p.settings.MinTTL {
		return Record{}, &Problem{Type: "value", Object: "ttl", Value: r.get("ttl"), Text: "The TTL is too short"}
	}
	name, absolute := strings.CutSuffix(r.get("name"), ".")
	if name = ascii(name); !absolute || p.settings.AppendZone {
		name = strings.TrimPrefix(name+"."+z.Name, "@.")
	}
	value := r.get(fieldOf(kind))
	switch kind {
	case "ns", "cname":
		if !strings.HasSuffix(value, ".") {
			value += "." + z.Name + "."
		}
	case "mx":
		value = r.get("priority") + " " + value
	}
	added, err := checked(Record{Name: name, TTL: ttl, Type: strings.ToUpper(kind), Value: value}, z.Name)
	if err != nil {
		return added, &Problem{Type: "value", Object: fieldOf(kind), Value: value, Text: err.Error()}
	}
	return added, nil
}

// fits refuses what a zone cannot hold. former is the index of a record that is replaced, -1 if none is.
func (p *Panel) fits(z *Zone, added Record, former int) *Problem {
	if z.Slave {
		return &Problem{Type: "access", Object: "domain", Value: z.Name, Text: "The zone is copied from another server"}
	}
	for i, other := range z.Records {
		if i == former || other.Name != added.Name {
			continue
		}
		if other.key() == added.key() {
			return &Problem{Type: "exists", Object: "record", Value: added.key(), Text: "The record already exists"}
		}
		if (other.Type == "CNAME" || added.Type == "CNAME") && !p.settings.LaxCNAME {
			return &Problem{Type: "exists", Object: "name", Value: added.Name, Text: "A CNAME cannot stand beside other records"}
		}
	}
	return nil
}

// deleteRecords removes the records whose keys the request names.
func (p *Panel) deleteRecords(doc element, r request) (element, *Problem) {
	z, problem := p.zoneFor(r, r.get("plid"))
	if problem != nil {
		return doc, problem
	}
	for _, key := range strings.Split(r.get("elid"), ", ") {
		i := slices.IndexFunc(z.Records, func(one Record) bool { return one.key() == key })
		if i < 0 {
			return doc, &Problem{Type: "missed", Object: "record", Value: key, Text: "The record does not exist"}
		}
		z.Records = slices.Delete(z.Records, i, i+1)
		z.Serial++
	}
	return doc.plus(node("ok")), nil
}
