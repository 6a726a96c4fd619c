package ispmgr_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/publish"
)

func pinOf(server *httptest.Server) string {
	sum := sha256.Sum256(server.Certificate().RawSubjectPublicKeyInfo)
	return "sha256/" + base64.StdEncoding.EncodeToString(sum[:])
}

func TestAListOfZonesThatIsNotKnownIsAnError(t *testing.T) {
	for name, c := range map[string]struct{ answer, says string }{
		"a row without name": {"<doc><elem><id>7</id></elem></doc>", "no name"},
		"a page":             {"<!DOCTYPE html><html><body>Log in</body></html>", "not ISPmanager or DNSmanager"},
		"ok":                 {"<doc><ok/></doc>", "ok without a list"},
		"no row":             {"<doc/>", "no zone at all"}, // of a user who sees none: its zones are not gone
		"no rows by number":  {"<doc><p_elems>0</p_elems></doc>", "no zone at all"},
	} {
		t.Run(name, func(t *testing.T) {
			made := against(t, func(function string, _ url.Values) string {
				if function == "auth" {
					return ""
				}
				return c.answer
			})
			_, _, err := made.Zone(context.Background(), "example.com")
			require.ErrorContains(t, err, c.says)
			require.ErrorContains(t, made.Publish(context.Background(), "example.com", cname("_a.www.example.com"), nil), c.says)
			require.ErrorContains(t, made.Withdraw(context.Background(), "example.com", cname("_a.www.example.com")), c.says)
		})
	}
}

const zones = `<doc><elem><name>example.com</name><owner>u1</owner></elem></doc>`

// form is what the panel answers for a new record.
const form = `<doc func="domain.record.edit"><plid>example.com</plid><name/><ttl>3600</ttl><rtype>a</rtype><domain/><value/><ip/>
<slist name="rtype"><val key="a">A</val><val key="cname">CNAME</val><val key="txt">TXT</val></slist></doc>`

func TestAnUnknownFormIsNotFilledIn(t *testing.T) {
	for name, c := range map[string]struct{ form, says string }{
		"no field for the value":      {strings.ReplaceAll(form, "<domain/>", ""), "no field domain"},
		"no TTL":                      {strings.ReplaceAll(form, "<ttl>3600</ttl>", ""), "no field ttl"},
		"no such type":                {strings.ReplaceAll(form, "cname", "alias"), "does not offer records of the type CNAME, only a, alias, txt"},
		"another zone":                {strings.ReplaceAll(form, "example.com", "example.net"), "for the zone example.net"},
		"another record":              {strings.ReplaceAll(form, "<name/>", "<name/><elid>x</elid>"), "for the record x"},
		"another function":            {strings.ReplaceAll(form, "domain.record.edit", "domain.record.new"), "answers with domain.record.new"},
		"ok":                          {"<doc><ok/></doc>", "no field name"},
		"no usable TTL":               {strings.ReplaceAll(form, "<ip/>", `<slist name="ttl"><val key="auto"/></slist>`), "no TTL but auto"},
		"a field that is hidden":      {strings.ReplaceAll(form, "<ip/>", `<metadata><form><field name="rtype"><select name="rtype"><if value="cname" hide="domain"/></select></field></form></metadata>`), "hides the field domain"},
		"a required field more":       {strings.ReplaceAll(form, "<ip/>", `<metadata><form><field name="view"><input name="view" required="yes"/></field></form></metadata>`), "wants the field view"},
		"a form of too many fields":   {strings.ReplaceAll(form, "<ip/>", many("<f%d/>", 600)), "more than 500 fields"},
		"a description of too many":   {strings.ReplaceAll(form, "<ip/>", "<metadata>"+many(`<input name="f%d"/>`, 600)+"</metadata>"), "more than 500 fields"},
		"two-factor in the same run":  {`<doc><error type="access" object="x"/></doc>`, "may not use domain.record.edit"},
		"a value that is not offered": {strings.ReplaceAll(form, `key="cname"`, `key="CNAME "`), "does not offer"},
	} {
		t.Run(name, func(t *testing.T) {
			made := against(t, func(function string, sent url.Values) string {
				assert.Empty(t, sent.Get("sok"), "nothing is submitted")
				switch function {
				case "domain":
					return zones
				case "domain.record":
					return "<doc/>"
				case "domain.record.edit":
					return c.form
				}
				return ""
			})
			require.ErrorContains(t, made.Publish(context.Background(), "example.com", cname("_a.www.example.com"), nil), c.says)
			require.ErrorContains(t, made.(publish.Checker).Check(context.Background(), "example.com", cname("_a.www.example.com")), c.says)
		})
	}
}

func many(pattern string, n int) string {
	var all strings.Builder
	for i := range n {
		fmt.Fprintf(&all, pattern, i)
	}
	return all.String()
}

func TestTheFormsOwnValuesGoBackWithIt(t *testing.T) {
	var submitted url.Values
	rows := ""
	made := against(t, func(function string, sent url.Values) string {
		switch function {
		case "domain":
			return zones
		case "domain.record":
			return "<doc>" + rows + "</doc>"
		case "domain.record.edit":
			if sent.Get("sok") == "" {
				return strings.ReplaceAll(form, "<ip/>", `<ip>192.0.2.9</ip><priority>10</priority><view>all</view><token>t</token><off>y</off>
<slist name="ttl"><val key="3600"/><val key="300"/><val key="900"/></slist>
<metadata><form><field name="rtype"><select name="rtype"><if value="cname" hide="off"/><if value="txt" hide="view"/></select></field></form></metadata>`)
			}
			submitted = sent
			rows = `<elem><rkey>k</rkey><name>_a.www.example.com.</name><rtype>CNAME (alias)</rtype><value>0123.4567.UNIQUE.ssl.com.</value></elem>`
			return "<doc><ok/></doc>"
		}
		return ""
	})
	require.NoError(t, made.Publish(context.Background(), "example.com", cname("_a.www.example.com"), nil))
	assert.Equal(t, url.Values{
		"func": {"domain.record.edit"}, "out": {"xml"}, "lang": {"en"}, "auth": {"abc"}, "sok": {"ok"}, "plid": {"example.com"}, "elid": {""},
		"name": {"_a.www.example.com."}, "ttl": {"300"}, "rtype": {"cname"}, "domain": {"0123.4567.unique.ssl.com."}, "view": {"all"}, "token": {"t"},
	}, submitted)
}

func TestOnlyAKeyOfOneRecordIsDeleted(t *testing.T) {
	row := func(key, name, kind, value string) string {
		return fmt.Sprintf("<elem><rkey>%s</rkey><name>%s</name><rtype>%s</rtype><value>%s</value></elem>", key, name, kind, value)
	}
	ours := row("k", "_a.www.example.com.", "CNAME", "0123.4567.unique.ssl.com")
	for name, c := range map[string]struct {
		rows    string
		says    string
		deletes int
	}{
		"the same row twice":             {ours + ours, "still stands there", 3},
		"a key of another record too":    {ours + row("k", "www.example.com.", "A", "192.0.2.1"), "www.example.com A as well", 0},
		"a key of another value too":     {ours + row("k", "_a.www.example.com.", "CNAME", "other"), "as well", 0},
		"no key":                         {strings.ReplaceAll(ours, "k<", "<"), "no rkey", 0},
		"a key with a comma":             {strings.ReplaceAll(ours, "k<", "k, www.example.com. A  192.0.2.1<"), "several records", 0},
		"a record that cannot be gone":   {ours, "still stands there", 3},
		"rows without a type":            {strings.ReplaceAll(ours, "CNAME", ""), "no rtype", 0},
		"another value, nothing is done": {strings.ReplaceAll(ours, "0123", "0124"), "", 0},
		"another name, nothing is done":  {strings.ReplaceAll(ours, "www.", "ww."), "", 0},
		"no rows":                        {"", "", 0},
		"a very long name":               {row("x", strings.Repeat("a", 2000)+".", "A", "192.0.2.1"), "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			deletes := 0
			made := against(t, func(function string, sent url.Values) string {
				switch function {
				case "domain":
					return zones
				case "domain.record":
					return "<doc>" + c.rows + "</doc>"
				case "domain.record.delete":
					assert.Equal(t, "k", sent.Get("elid"))
					deletes++
					return "<doc><ok/></doc>"
				}
				return ""
			})
			err := made.Withdraw(context.Background(), "example.com", cname("_a.www.example.com"))
			if c.says == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, c.says)
			}
			assert.Equal(t, c.deletes, deletes)
		})
	}
}

func TestWhatIsNotSaidToBeDoneIsAnError(t *testing.T) {
	for _, c := range []struct{ answer, says string }{
		{"<doc/>", "no <ok/>"}, {`<doc><ok type="url">/x</ok></doc>`, "no <ok/>"}, {`<doc func="confirm"><msg>sure?</msg></doc>`, "no <ok/>"},
		{`<doc><error type="exists" object="name"/></doc>`, "record exists there"}, {`<doc><error type="referer_confirm"/></doc>`, "refuses domain.record.edit: referer_confirm"},
	} {
		made := against(t, func(function string, sent url.Values) string {
			switch {
			case function == "domain":
				return zones
			case function == "domain.record":
				return "<doc/>"
			case function == "domain.record.edit" && sent.Get("sok") == "":
				return form
			case function == "domain.record.edit":
				return c.answer
			}
			return ""
		})
		require.ErrorContains(t, made.Publish(context.Background(), "example.com", cname("_a.www.example.com"), nil), c.says)
	}
}

// The owner is evidence. Between the look at the zone and the write it may become another client's.
func TestAZoneThatGotAnotherOwnerIsNotWritten(t *testing.T) {
	for name, later := range map[string]struct{ list, says string }{
		"another owner": {strings.ReplaceAll(zones, "u1", "u2"), "got another owner in the meantime"},
		"no owner":      {strings.ReplaceAll(zones, "u1", ""), "got another owner in the meantime"},
		"two owners":    {strings.ReplaceAll(zones, "</elem>", "</elem><elem><name>Example.com</name><owner>u2</owner></elem>"), "twice: whose it is"},
	} {
		t.Run(name, func(t *testing.T) {
			list := zones
			made := against(t, func(function string, sent url.Values) string {
				assert.Empty(t, sent.Get("sok"), "nothing is submitted")
				switch function {
				case "domain":
					return list
				case "domain.record":
					return "<doc/>"
				case "domain.record.edit":
					return form
				}
				return ""
			})
			zone, ok, err := made.Zone(context.Background(), "_a.www.example.com")
			require.NoError(t, err)
			require.True(t, ok)
			require.Equal(t, "u1", zone.Owner)
			list = later.list
			require.ErrorContains(t, made.Publish(context.Background(), "example.com", cname("_a.www.example.com"), nil), later.says)
			require.ErrorContains(t, made.(publish.Checker).Check(context.Background(), "example.com", cname("_a.www.example.com")), later.says)
		})
	}
}

func TestOwnersThatContradictEachOther(t *testing.T) {
	for list, want := range map[string]string{
		"<owner>u1</owner>":                      "u1",
		"<owner>u1</owner><user>u2</user>":       "u1", // ISPmanager's owner is in the column owner
		"<user>u2</user>":                        "",
		"<owner> u1 </owner><owner/>":            "u1",
		"<owner><b>u1</b></owner>":               "",
		"<owner>u1&#10;u2</owner><user>3</user>": "u1\nu2",
	} {
		made := against(t, func(function string, _ url.Values) string {
			if function == "domain" {
				return "<doc><elem><name>example.com.</name>" + list + "</elem></doc>"
			}
			return ""
		})
		zone, ok, err := made.Zone(context.Background(), "www.example.com")
		require.NoError(t, err)
		require.True(t, ok)
		assert.Equal(t, want, zone.Owner, list)
	}
}
