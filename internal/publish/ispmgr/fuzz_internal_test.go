package ispmgr

import (
	"context"
	"net/url"
	"testing"

	"pmssl/internal/ispapi"
	"pmssl/internal/publish"
)

// twoAnswers is a panel that answers every list with one document and everything else with another one.
type twoAnswers struct{ list, other string }

func (a twoAnswers) Call(_ context.Context, function string, _ url.Values) (*ispapi.Element, *ispapi.Refusal, error) {
	body := a.other
	if function == functionZones || function == functionRecords {
		body = a.list
	}
	return ispapi.Parse([]byte(body))
}

func (a twoAnswers) Panel() string { return "dnsmgr" }

func (a twoAnswers) Place() string { return "a test" }

type noLog struct{}

func (noLog) Warningf(string, ...any) {}
func (noLog) Infof(string, ...any)    {}
func (noLog) ExtInfof(string, ...any) {}
func (noLog) Debugf(string, ...any)   {}

// Whatever the panel answers: no panic, no zone that does not hold the name, and a filled-in form has the given record.
func FuzzAnswers(f *testing.F) {
	const zones = `<doc><elem><name>example.com</name><user>u1</user></elem><p_elems>1</p_elems></doc>`
	const records = `<doc><elem><rkey>k</rkey><name>_a.www.example.com.</name><rtype>CNAME</rtype><value>a.ssl.com.</value></elem></doc>`
	const record = `<doc><plid>example.com</plid><name/><ttl/><rtype/><domain/><value/><slist name="rtype"><val key="cname"/></slist>
<metadata><form><field name="rtype"><select name="rtype"><if value="a" hide="domain"/></select></field></form></metadata></doc>`
	for _, seed := range []string{zones, records, record, "<doc><ok/></doc>", `<doc><error type="auth"/></doc>`, "<doc><elem><name>*.example.com</name></elem></doc>", "<!DOCTYPE a><doc/>"} {
		f.Add(seed, record)
		f.Add(zones, seed)
	}
	f.Fuzz(func(t *testing.T, list, other string) {
		p := &publisher{api: &ispapi.Client{Caller: twoAnswers{list, other}}, env: publish.Env{Log: noLog{}}, owners: map[string]string{}}
		ctx, r := context.Background(), publish.Record{Type: publish.CNAME, Name: "_a.www.example.com", Value: "a.ssl.com"}
		zone, ok, err := p.Zone(ctx, r.Name)
		if ok && (err != nil || zone.Name != "www.example.com" && zone.Name != "example.com" && zone.Name != r.Name) {
			t.Errorf("%q %v", zone.Name, err)
		}
		_ = p.Publish(ctx, "example.com", r, []string{"b.ssl.com"})
		_ = p.Check(ctx, "example.com", r)
		_ = p.Withdraw(ctx, "example.com", r)
		if read, err := p.api.Form(ctx, functionEdit, nil); err == nil {
			c := change{zone: "example.com", key: "example.com", record: r}
			if sent, err := (form{read}).fill(c, standingRecord{}); err == nil && (sent.Get("name") != r.Name+"." || sent.Get("domain") != "a.ssl.com." || sent.Get("sok") != "ok") {
				t.Errorf("%v", sent)
			}
		}
	})
}
