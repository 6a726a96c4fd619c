package ispmgr_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"slices"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"pmssl/internal/publish"
	"pmssl/internal/publish/ispmgr"
	"pmssl/internal/publish/publishtest"
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

// program is the path of the stand-in panel.
var program string

func run(m *testing.M) int {
	folder, err := os.MkdirTemp("", "ispmgr")
	if err == nil {
		defer os.RemoveAll(folder)
		program, err = publishtest.BuildHostPanel(folder)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

type object map[string]any

// panel is a running stand-in.
type panel struct{ *publishtest.HostPanel }

type record struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Value string `json:"value"`
	TTL   int    `json:"ttl"`
}

type request struct {
	Function string `json:"function"`
	Elid     string `json:"elid"`
	Sok      string `json:"sok"`
	Method   string `json:"method"`
	Query    string `json:"query"`
	Local    bool   `json:"local"`
}

// start runs a panel with the zone example.com of the user u1.
func start(t *testing.T) panel {
	t.Helper()
	p := panel{publishtest.StartHostPanel(t, program)}
	p.Control(t, "POST", "/users", object{"name": "u1", "password": "x", "level": "user"}, nil)
	p.zone(t, "example.com", "u1",
		record{Name: "example.com", Type: "NS", Value: "ns1.example.com."}, record{Name: "example.com", Type: "A", Value: "192.0.2.1"},
		record{Name: "www.example.com", Type: "A", Value: "192.0.2.1"}, record{Name: "taken.example.com", Type: "A", Value: "192.0.2.1"},
		record{Name: "*.wild.example.com", Type: "A", Value: "192.0.2.2"}, record{Name: "sub.example.com", Type: "NS", Value: "ns.example.net."},
		record{Name: "alias.example.com", Type: "DNAME", Value: "example.net."})
	return p
}

func (p panel) zone(t *testing.T, name, owner string, records ...record) {
	t.Helper()
	p.Control(t, "POST", "/zones", object{"name": name, "owner": owner, "records": records}, nil)
}

func (p panel) add(t *testing.T, zone, name, kind, value string) {
	t.Helper()
	p.Control(t, "POST", "/zones/"+zone+"/records", record{Name: name, Type: kind, Value: value}, nil)
}

func (p panel) set(t *testing.T, settings object) {
	t.Helper()
	p.Control(t, "PATCH", "/settings", settings, nil)
}

func (p panel) fault(t *testing.T, fault object) {
	t.Helper()
	p.Control(t, "POST", "/faults", fault, nil)
}

func (p panel) requests(t *testing.T, function string) []request {
	t.Helper()
	var all []request
	p.Control(t, "GET", "/requests?function="+function, nil, &all)
	return all
}

// dump returns all records of all zones.
func (p panel) dump(t *testing.T) []string {
	t.Helper()
	var state struct {
		Zones []struct {
			Records []record `json:"records"`
		} `json:"zones"`
	}
	p.Control(t, "GET", "/state", nil, &state)
	var all []string
	for _, z := range state.Zones {
		for _, r := range z.Records {
			all = append(all, fmt.Sprint(r.Name, " ", r.Type, " ", r.Value))
		}
	}
	slices.Sort(all)
	return all
}

// at returns what DNS says of a name: type and value of each record.
func (p panel) at(t *testing.T, name string, kind uint16) []string {
	t.Helper()
	answer, err := publishtest.Ask(context.Background(), p.DNS, name, kind)
	require.NoError(t, err)
	var all []string
	for _, rr := range answer.Answer {
		switch rr := rr.(type) {
		case *dns.CNAME:
			all = append(all, fmt.Sprint("CNAME ", rr.Target))
		case *dns.TXT:
			all = append(all, fmt.Sprint("TXT ", rr.Txt[0]))
		case *dns.A:
			all = append(all, fmt.Sprint("A ", rr.A))
		}
	}
	return all
}

// block returns the block of a configuration that names the panel.
func (p panel) block(t *testing.T) publish.Block {
	t.Helper()
	address, err := url.Parse(p.API)
	require.NoError(t, err)
	return publish.Block{
		Name: "web7", Kind: publish.KindISPmgr, Pos: "web7.conf:1", URL: address, Pin: p.Pin, Login: p.User, TTL: 60,
		Password: publishtest.SecretFile(t, p.Password),
	}
}

// publisher returns a publisher for the panel, after changes to its block and environment.
func (p panel) publisher(t *testing.T, change ...func(b *publish.Block, e *publish.Env)) publish.Publisher {
	t.Helper()
	env, _ := publishtest.Env(t)
	env.Root = p.Root
	b := p.block(t)
	for _, do := range change {
		do(&b, &env)
	}
	made, err := ispmgr.New(b, env)
	require.NoError(t, err)
	return made
}

// local makes the publisher call mgrctl.
func local(mgr string) func(b *publish.Block, e *publish.Env) {
	return func(b *publish.Block, _ *publish.Env) {
		b.URL, b.Pin, b.Login, b.Password, b.Mgr = nil, "", "", "", mgr
	}
}

// onEachWay runs a test by HTTPS and by mgrctl, with both panels.
func onEachWay(t *testing.T, test func(t *testing.T, p panel, made publish.Publisher)) {
	ways := map[string]func(b *publish.Block, e *publish.Env){
		"ispmgr by HTTPS":  func(*publish.Block, *publish.Env) {},
		"dnsmgr by HTTPS":  func(b *publish.Block, _ *publish.Env) { b.URL.Path = "/dnsmgr" },
		"ispmgr by mgrctl": local("ispmgr"), "dnsmgr by mgrctl": local("dnsmgr"),
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			p := start(t)
			test(t, p, p.publisher(t, way))
		})
	}
}

func cname(name string) publish.Record {
	return publish.Record{Domain: "www.example.com", Type: publish.CNAME, Name: name, Value: "0123.4567.unique.ssl.com"}
}

func txt(name string) publish.Record {
	return publish.Record{Domain: "www.example.com", Type: publish.TXT, Name: name, Value: "a text; with=signs & <more>"}
}
