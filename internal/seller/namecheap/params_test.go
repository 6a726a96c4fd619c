package namecheap_test

import (
	"os"
	"testing"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
	"pmssl/internal/seller/namecheap"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestConnectionParameters(t *testing.T) {
	for name, tc := range map[string]struct {
		set    map[string]string
		kind   string
		object string
		text   string
	}{
		"everything missing":      {map[string]string{"username": "", "api_user": "", "api_key": "", "client_ip": ""}, fault.Missed, "username", "username, api_key, client_ip"},
		"IPv6 (1011105)":          {map[string]string{"client_ip": "2001:db8::1"}, fault.ClientIP, "client_ip", "2001:db8::1"},
		"no address":              {map[string]string{"client_ip": "here"}, fault.ClientIP, "client_ip", "here"},
		"sandbox misspelled":      {map[string]string{"sandbox": "onn"}, fault.Value, "sandbox", "onn"},
		"limit not a number":      {map[string]string{"limit_hour": "many"}, fault.Value, "limit_hour", "many"},
		"limit below zero":        {map[string]string{"limit_day": "-1"}, fault.Value, "limit_day", "-1"},
		"limit beyond the file's": {map[string]string{"limit_minute": "100001"}, fault.Value, "limit_minute", "100001"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, says(""))
			for k, v := range tc.set {
				s.params[k] = v
			}
			_, err := namecheap.New(s.options(""))
			failure := requireFault(t, err, tc.kind)
			assert.Equal(t, tc.object, failure.Object)
			assert.Contains(t, failure.Message, tc.text)
			assert.NotContains(t, failure.Error(), key)
		})
	}
}

func TestOneUserNameIsEnough(t *testing.T) {
	s := newStage(t, says(ok(`<UserGetBalancesResult AvailableBalance="1.00" Currency="USD"/>`)))
	require.NoError(t, s.Check(t.Context()))
	assert.Equal(t, "Reseller", s.asked[0].Get("ApiUser"))
	assert.Equal(t, "Reseller", s.asked[0].Get("UserName"))
	assert.Equal(t, key, s.asked[0].Get("ApiKey"))
	assert.Equal(t, "198.51.100.4", s.asked[0].Get("ClientIp"))
}

func TestAccount(t *testing.T) {
	params := map[string]string{"username": " Reseller "}
	assert.Equal(t, "https://api.namecheap.com/xml.response reseller", namecheap.AccountOf(params, nil))
	params["sandbox"] = "on"
	assert.Equal(t, "https://api.sandbox.namecheap.com/xml.response reseller", namecheap.AccountOf(params, env("")))
	assert.Equal(t, "http://127.0.0.1:8080/xml.response reseller", namecheap.AccountOf(params, env("http://127.0.0.1:8080/xml.response")))
	s := newStage(t, says(""))
	s.params["username"] = "RESELLER"
	client, err := namecheap.New(s.options(""))
	require.NoError(t, err)
	assert.Equal(t, namecheap.AccountOf(s.params, nil), client.Account())
}

func TestAddressInTheEnvironmentIsLoopbackOnly(t *testing.T) {
	for address, accepted := range map[string]bool{
		"http://127.0.0.1:1/xml.response": true, "https://localhost/xml.response": true, "http://[::1]:1/x": true, "http://127.8.9.1/": true,
		"https://api.namecheap.com/xml.response": false, "http://127.0.0.1.example.com/": false, "http://user:x@127.0.0.1/": false,
		"http://127.0.0.1/?ApiKey=1": false, "ftp://127.0.0.1/": false, "127.0.0.1:80": false, "http://0.0.0.0/": false, "http:// ": false,
	} {
		s := newStage(t, says(""))
		_, err := namecheap.New(s.options(address))
		if accepted {
			require.NoError(t, err, address)
			continue
		}
		failure := requireFault(t, err, fault.Value)
		assert.Equal(t, "NAMECHEAP_API_URL", failure.Object, address)
	}
}

func TestNewOpensNothing(t *testing.T) {
	s := newStage(t, says(""))
	assert.Empty(t, s.asked)
	files, err := os.ReadDir(s.dir)
	require.NoError(t, err)
	assert.Empty(t, files)
}

func TestProducts(t *testing.T) {
	seen, ids, orderable := map[string]string{}, map[string]bool{}, 0
	for _, p := range namecheap.Products() {
		assert.False(t, ids[p.ID], p.ID)
		ids[p.ID] = true
		assert.Equal(t, seller.TemplateID(p.Names[0]), p.ID, "an id is its first name (rules PARAM-21)")
		for _, name := range p.Names {
			assert.Empty(t, seen[name], "%q means two products", name)
			seen[name] = p.ID
		}
		if p.MultiDomain {
			assert.Equal(t, []int{3, 100}, []int{p.Included, p.MaxNames}, p.ID)
		} else {
			assert.Equal(t, []int{1, 1}, []int{p.Included, p.MaxNames}, p.ID)
		}
		if p.Successor != "" {
			next := product(t, p.Successor)
			assert.Equal(t, []any{p.Level, p.Wildcard, p.MultiDomain}, []any{next.Level, next.Wildcard, next.MultiDomain}, p.ID)
			assert.False(t, next.Discontinued)
		}
		if p.Orderable() {
			orderable++
		}
	}
	assert.Equal(t, 19, orderable, "eight of SSL.com, eleven of Sectigo")
	for wire, id := range map[string]string{ // as seen on the wire (docs/reference/namecheap.md §4)
		"standard ssl sslcom": "standard_ssl", "standard wildcard ssl sslcom": "standard_wildcard_ssl", "san certificate ssl sslcom": "san_certificate",
		"high assurance ssl sslcom": "high_assurance_ssl", "ov wildcard ssl sslcom": "ov_wildcard_ssl", "ov multi-domain ssl sslcom": "ov_multi_domain_ssl",
		"ev ssl sslcom": "ev_ssl", "ev multi domain ssl sslcom": "ev_multi_domain_ssl", "ev multi domain ssl": "ev_multi_domain_ssl", "positivessl": "positivessl",
	} {
		assert.True(t, product(t, id).Named(wire), wire)
	}
}
