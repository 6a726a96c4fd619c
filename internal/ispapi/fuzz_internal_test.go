package ispapi

import (
	"context"
	"net/url"
	"testing"
)

// oneAnswer is a panel that answers everything with one document.
type oneAnswer string

func (a oneAnswer) Call(context.Context, string, url.Values) (*Element, *Refusal, error) {
	return Parse([]byte(a))
}

func (oneAnswer) Panel() string { return "ispmgr" }

func (oneAnswer) Place() string { return "a test" }

// Whatever the panel answers: no panic, texts of errors are short, and a completed form keeps what was filled in.
func FuzzDocuments(f *testing.F) {
	for _, seed := range []string{
		`<doc><elem><name>example.com</name><user>u1</user></elem><p_elems>1</p_elems></doc>`,
		`<doc><plid>example.com</plid><name/><ttl/><slist name="ttl"><val key="60"/></slist><metadata><form><field name="name"><select name="name"><if value="n" hide="ttl"/></select></field></form></metadata></doc>`,
		"<doc><ok/></doc>", `<doc func="confirm"/>`, `<doc><error type="auth" object="a"><param name="value">b</param><msg>c</msg></error></doc>`, "<!DOCTYPE a><doc/>",
		"Error: Type: 'access' Object: 'domain' Value: ''",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, answer string) {
		c, ctx := &Client{oneAnswer(answer)}, context.Background()
		if rows, err := c.List(ctx, "domain", nil); err != nil && len(rows) > 0 {
			t.Error("rows beside an error")
		}
		refused, err := c.Submit(ctx, "domain.edit", url.Values{"sok": {"ok"}})
		if err == nil && refused != nil && len(refused.AsError("domain.edit").Error()) > 1000 {
			t.Error("an endless error")
		}
		if form, err := c.Form(ctx, "domain.edit", nil); err == nil {
			if missing := form.Missing(url.Values{"name": {"n"}}); missing == "name" {
				t.Error("a field that is sent is missing")
			}
			sent := url.Values{"name": {"n"}}
			if err := form.Complete(sent, func(field string) bool { return field == "ttl" }); err == nil && (sent.Get("name") != "n" || sent.Has("ttl")) {
				t.Errorf("%v", sent)
			}
		}
		if _, refused, _ := outcome("domain", nil, []byte(answer), nil); refused != nil && len(refused.Error()) > 500 {
			t.Error("an endless error")
		}
	})
}
