package dnsupdate

import (
	"testing"

	"github.com/miekg/dns"

	"pmssl/internal/publish"
)

func FuzzRecords(f *testing.F) {
	answer := new(dns.Msg).SetQuestion("_a.www.example.com.", dns.TypeTXT)
	answer.Authoritative = true
	for _, text := range []string{
		`_a.www.example.com. 60 TXT "a" "b"`, "_a.www.example.com. 60 CNAME a.b.", "example.com. 60 SOA a. b. 1 2 3 4 5", "www.example.com. 60 DNAME a.",
	} {
		rr, err := dns.NewRR(text)
		if err != nil {
			f.Fatal(err)
		}
		answer.Answer = append(answer.Answer, rr)
	}
	data, err := answer.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data, "CNAME")
	f.Add(data, "TXT")
	f.Fuzz(func(t *testing.T, data []byte, kind string) {
		message := new(dns.Msg)
		if message.Unpack(data) != nil {
			return
		}
		r := publish.Record{Type: publish.Type(kind), Name: "_a.www.example.com", Value: "ab"}
		if zone := apex(message, "www.example.com"); zone != "" && zone != "www.example.com" && !publish.Below("www.example.com", zone) {
			t.Fatalf("the zone %q does not hold the name", zone)
		}
		if r.CheckDNS("example.com") != nil {
			return
		}
		c := newChange("example.com", r)
		standing, err := c.standing(message)
		if err != nil {
			return
		}
		if c.isAlone(standing) && len(c.ours(standing)) != 1 {
			t.Fatal("one record is there and is not ours")
		}
		if _, err := (&dns.Msg{Answer: equals(standing), Ns: removals(c.ours(standing))}).Pack(); err != nil {
			t.Fatalf("what was read cannot be sent: %v", err)
		}
	})
}
