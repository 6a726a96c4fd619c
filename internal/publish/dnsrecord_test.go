package publish_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"pmssl/internal/publish"
)

func TestOnlyChallengesBelowTheZoneMayBeWritten(t *testing.T) {
	good := publish.Record{Type: publish.CNAME, Name: "_5d41.www.example.com", Value: "ABC.def.sectigo.com"}
	for name, c := range map[string]struct {
		change func(r *publish.Record)
		zone   string
		says   string
	}{
		"a CNAME":                      {func(r *publish.Record) {}, "example.com", ""},
		"a final dot at the target":    {func(r *publish.Record) { r.Value += "." }, "example.com", ""},
		"a TXT":                        {func(r *publish.Record) { r.Type, r.Value = publish.TXT, "a b=c" }, "example.com", ""},
		"a file":                       {func(r *publish.Record) { r.Type = publish.File }, "example.com", "not a kind"},
		"another zone":                 {func(r *publish.Record) {}, "ample.com", "not below"},
		"the apex":                     {func(r *publish.Record) { r.Name = "example.com" }, "example.com", "not below"},
		"a host":                       {func(r *publish.Record) { r.Name = "www.example.com" }, "example.com", "underscore"},
		"a zone that is not a name":    {func(r *publish.Record) {}, "", "zone's name"},
		"capital letters":              {func(r *publish.Record) { r.Name = "_A.example.com" }, "example.com", "not a host name"},
		"an asterisk":                  {func(r *publish.Record) { r.Name = "_a.*.example.com" }, "example.com", "not a host name"},
		"an empty label":               {func(r *publish.Record) { r.Name = "_a..example.com" }, "example.com", "not a host name"},
		"a label too long":             {func(r *publish.Record) { r.Name = "_" + strings.Repeat("a", 63) + ".example.com" }, "example.com", "not a host name"},
		"a target with blanks":         {func(r *publish.Record) { r.Value = "a b.com" }, "example.com", "no content"},
		"no target":                    {func(r *publish.Record) { r.Value = "" }, "example.com", "no content"},
		"a text with quotes":           {func(r *publish.Record) { r.Type, r.Value = publish.TXT, `a"b` }, "example.com", "quotes"},
		"a text with a backslash":      {func(r *publish.Record) { r.Type, r.Value = publish.TXT, `a\b` }, "example.com", "quotes"},
		"a text with a line feed":      {func(r *publish.Record) { r.Type, r.Value = publish.TXT, "a\nb" }, "example.com", "no content"},
		"a text too long":              {func(r *publish.Record) { r.Type, r.Value = publish.TXT, strings.Repeat("a", 256) }, "example.com", "no content"},
		"a TTL of more than one day":   {func(r *publish.Record) { r.TTL = 86401 }, "example.com", "TTL"},
		"a negative TTL":               {func(r *publish.Record) { r.TTL = -1 }, "example.com", "TTL"},
		"a zone with a different case": {func(r *publish.Record) {}, "Example.com", "zone's name"},
	} {
		t.Run(name, func(t *testing.T) {
			r := good
			c.change(&r)
			err := r.CheckDNS(c.zone)
			if c.says == "" {
				assert.NoError(t, err)
				return
			}
			assert.ErrorContains(t, err, c.says)
		})
	}
}

func TestTheHostOfAChallengeIsWithinTheZone(t *testing.T) {
	host := func(name, zone string) string { return publish.Record{Name: name}.HostIn(zone) }
	assert.Equal(t, "www.example.com", host("_a.www.example.com", "example.com"))
	assert.Equal(t, "www.example.com", host("_a._b.www.example.com", "example.com"))
	assert.Equal(t, "example.com", host("_a.example.com", "example.com"))
	assert.Equal(t, "_tcp.example.com", host("_a._tcp.example.com", "_tcp.example.com"))
}

func TestParentsEndAtTheZone(t *testing.T) {
	assert.Equal(t, []string{"b.example.com", "example.com"}, publish.ParentsOf("a.b.example.com", "example.com"))
	assert.Empty(t, publish.ParentsOf("example.com", "example.com"))
	assert.Empty(t, publish.ParentsOf("a.example.org", "example.com"))
}

func FuzzCheckDNS(f *testing.F) {
	f.Add("CNAME", "_a.www.example.com", "b.example.net", "example.com", 60)
	f.Add("TXT", "_a.example.com", "text", "example.com", 0)
	f.Fuzz(func(t *testing.T, kind, name, value, zone string, ttl int) {
		r := publish.Record{Type: publish.Type(kind), Name: name, Value: value, TTL: ttl}
		if r.CheckDNS(zone) != nil {
			return
		}
		host := r.HostIn(zone)
		assert.True(t, host == zone || publish.Below(host, zone), host)
		assert.NotContains(t, name+value+zone, "\n")
		assert.NotEmpty(t, publish.ParentsOf(name, zone))
	})
}
