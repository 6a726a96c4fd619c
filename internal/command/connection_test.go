package command_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/seller"

	"github.com/beevik/etree"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func document(t *testing.T, text string) *etree.Document {
	t.Helper()
	doc := etree.NewDocument()
	require.NoError(t, doc.ReadFromString(text))
	return doc
}

func output(t *testing.T, doc *etree.Document) string {
	t.Helper()
	text, err := doc.WriteToString()
	require.NoError(t, err)
	return text
}

func TestTuneConnectionOffersPublicAddressesFirst(t *testing.T) {
	for name, row := range map[string]struct{ in, out string }{
		"nothing chosen": {
			`<doc><metadata/><func>processing.add.user</func></doc>`,
			`<doc><metadata/><func>processing.add.user</func><client_ip>203.0.113.9</client_ip><slist name="client_ip"><val key="203.0.113.9">203.0.113.9</val><val key="10.0.0.7">10.0.0.7</val><val key="127.0.0.1">127.0.0.1</val></slist></doc>`,
		},
		"own value is kept": {
			`<doc><client_ip>198.51.100.4</client_ip><slist name="client_ip"><val key="x">x</val></slist></doc>`,
			`<doc><client_ip>198.51.100.4</client_ip><slist name="client_ip"><val key="198.51.100.4">198.51.100.4</val><val key="203.0.113.9">203.0.113.9</val><val key="10.0.0.7">10.0.0.7</val><val key="127.0.0.1">127.0.0.1</val></slist></doc>`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			run := newFixture(t).env()
			run.Doc = document(t, row.in)
			run.Addresses = func() ([]netip.Addr, error) {
				return []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("10.0.0.7"), netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("203.0.113.9")}, nil
			}
			doc, err := command.TuneConnection(context.Background(), run)
			require.NoError(t, err)
			assert.Equal(t, row.out, output(t, doc))
		})
	}
}

// The panel writes an unchecked box as off: only a field without a value gets its default.
func TestTuneConnectionFillsDefaultsIntoEmptyFields(t *testing.T) {
	for name, row := range map[string]struct{ in, out string }{
		"new connection":  {`<doc><func>processing.add.user</func></doc>`, `<doc><func>processing.add.user</func><methods>on</methods></doc>`},
		"empty":           {`<doc><methods/></doc>`, `<doc><methods>on</methods></doc>`},
		"blank":           {`<doc><methods> </methods></doc>`, `<doc><methods>on</methods></doc>`},
		"ticked":          {`<doc><methods>on</methods></doc>`, `<doc><methods>on</methods></doc>`},
		"not ticked":      {`<doc><methods>off</methods></doc>`, `<doc><methods>off</methods></doc>`},
		"another's value": {`<doc><metadata><methods>off</methods></metadata></doc>`, `<doc><metadata><methods>off</methods></metadata><methods>on</methods></doc>`},
	} {
		t.Run(name, func(t *testing.T) {
			run := newFixture(t).env()
			run.Info.AddressParam = ""
			run.Info.Params = []seller.Param{{Name: "username"}, {Name: "methods", Default: "on"}}
			run.Doc = document(t, row.in)
			doc, err := command.TuneConnection(t.Context(), run)
			require.NoError(t, err)
			assert.Equal(t, row.out, output(t, doc))
		})
	}
}

// As many lists as fit into stdin are removed in time, although etree renumbers the children after each removed one.
func TestTuneConnectionReplacesAllListsOfItsField(t *testing.T) {
	const old = `<slist name="client_ip"/>`
	lists := strings.Repeat(old, 4<<20/len(old)/2)
	run := newFixture(t).env()
	run.Doc = document(t, `<doc>a`+lists+`<slist name="other"><val>1</val></slist><!-- b -->`+lists+`<c/>d</doc>`)
	run.Addresses = func() ([]netip.Addr, error) { return []netip.Addr{netip.MustParseAddr("203.0.113.9")}, nil }
	doc, err := command.TuneConnection(t.Context(), run)
	require.NoError(t, err)
	assert.Equal(t, `<doc>a<slist name="other"><val>1</val></slist><!-- b --><c/>d<client_ip>203.0.113.9</client_ip>`+
		`<slist name="client_ip"><val key="203.0.113.9">203.0.113.9</val></slist></doc>`, output(t, doc))
}

func TestCheckConnectionTakesOnlyDeclaredParameters(t *testing.T) {
	run := newFixture(t).env()
	var got map[string]string
	connect := run.Info.Connect
	run.Info.Connect = func(params map[string]string) (seller.Seller, error) { got = params; return connect(params) }
	run.Doc = document(t, `<doc><processingmodule><id>5</id><username> shop </username><api_key>k</api_key><foreign>x</foreign></processingmodule></doc>`)
	doc, err := command.CheckConnection(context.Background(), run)
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"username": "shop", "api_key": "k"}, got)
	assert.Equal(t, `<doc/>`, output(t, doc))

	run.Doc = document(t, `<doc/>`)
	_, err = command.CheckConnection(context.Background(), run)
	assert.Equal(t, fault.Input, faultType(t, err))
}

func TestSuitableModulesSkipsWhatThePanelAlreadyTried(t *testing.T) {
	s := newFixture(t)
	s.panel.suitable = []int64{7, 5, 9}
	run := s.env()
	run.Doc = document(t, `<doc><item><pricelist>11</pricelist></item><skip_modules>5,4</skip_modules></doc>`)
	doc, err := command.SuitableModule(context.Background(), run)
	require.NoError(t, err)
	assert.Equal(t, `<doc><modules><module id="7"/><module id="9"/></modules></doc>`, output(t, doc))
	for _, bad := range []string{`<doc/>`, `<doc><item><pricelist>x</pricelist></item></doc>`} {
		run.Doc = document(t, bad)
		_, err := command.SuitableModule(context.Background(), run)
		require.Error(t, err)
	}
}

// listing is a seller that also lists approvers.
type listing struct{ *fakeSeller }

func (listing) Approvers(_ context.Context, domain string, _ seller.Product) ([]string, error) {
	return []string{"admin@" + domain, "hostmaster@" + domain}, nil
}

// counting is a listing that records the requested names.
type counting struct {
	*fakeSeller
	mu    *sync.Mutex
	asked *[]string
}

func (c counting) Approvers(_ context.Context, domain string, _ seller.Product) ([]string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*c.asked = append(*c.asked, domain)
	return []string{"admin@" + domain}, nil
}

// The panel searches the answer for the names in its own spelling.
func TestApproverAnswersInTheSpellingOfThePanel(t *testing.T) {
	for name, row := range map[string]struct {
		domains string
		names   []string // of the answer
		asked   []string // of the seller
	}{
		"A-label":              {"xn--e1afmkfd.xn--p1ai", []string{"xn--e1afmkfd.xn--p1ai"}, []string{"xn--e1afmkfd.xn--p1ai"}},
		"U-label":              {"пример.рф", []string{"пример.рф"}, []string{"xn--e1afmkfd.xn--p1ai"}},
		"both":                 {"пример.рф,xn--e1afmkfd.xn--p1ai", []string{"пример.рф", "xn--e1afmkfd.xn--p1ai"}, []string{"xn--e1afmkfd.xn--p1ai"}},
		"upper case":           {"Example.COM", []string{"Example.COM"}, []string{"example.com"}},
		"trailing dot":         {"example.com.", []string{"example.com."}, []string{"example.com"}},
		"the same name twice":  {"example.com,example.com", []string{"example.com"}, []string{"example.com"}},
		"spellings of one":     {"example.com,EXAMPLE.com,example.com.", []string{"example.com", "EXAMPLE.com", "example.com."}, []string{"example.com"}},
		"wildcard and its own": {"*.Example.com,example.com", []string{"*.Example.com", "example.com"}, []string{"example.com"}},
		"several separators":   {" a.example.com,, b.example.com\n", []string{"a.example.com", "b.example.com"}, []string{"a.example.com", "b.example.com"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFixture(t)
			var asked []string
			run := s.env()
			run.Info.Connect = func(map[string]string) (seller.Seller, error) { return counting{s.seller, &sync.Mutex{}, &asked}, nil }
			run.Args.Intname, run.Args.Module, run.Args.Domain = "positivessl", 5, row.domains
			doc, err := command.Approver(t.Context(), run)
			require.NoError(t, err)
			var names []string
			for _, domain := range doc.Root().SelectElements("domain") {
				names = append(names, domain.SelectAttrValue("name", ""))
				assert.Len(t, domain.SelectElements("approver"), 1)
			}
			assert.Equal(t, row.names, names)
			assert.ElementsMatch(t, row.asked, asked)
		})
	}
}

// failing is a listing that fails for some names, with an error or a panic.
type failing struct {
	*fakeSeller
	panics bool
}

func (f failing) Approvers(ctx context.Context, domain string, _ seller.Product) ([]string, error) {
	switch {
	case domain != "n7.example.com":
		return []string{"admin@" + domain}, ctx.Err()
	case f.panics:
		panic("on purpose")
	}
	return nil, fault.Errorf(fault.API, "approver", "refused")
}

// slow is a listing that needs 6 s for each name.
type slow struct{ *fakeSeller }

func (slow) Approvers(ctx context.Context, domain string, _ seller.Product) ([]string, error) {
	select {
	case <-time.After(6 * time.Second):
		return []string{"admin@" + domain}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// rules TIME-4: a seller may take 6 s for an answer, and the command has 9 s for a form with eight names.
func TestApproverWaitsForASlowSeller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFixture(t)
		run := s.env()
		run.Info.Connect = func(map[string]string) (seller.Seller, error) { return slow{s.seller}, nil }
		run.Args.Intname, run.Args.Module = "positivessl", 5
		run.Args.Domain = "a.example.com,b.example.com,c.example.com,d.example.com,e.example.com,f.example.com,g.example.com,h.example.com"
		ctx, stop := context.WithTimeout(t.Context(), 9*time.Second)
		defer stop()
		doc, err := command.Approver(ctx, run)
		require.NoError(t, err)
		assert.Len(t, doc.Root().SelectElements("domain"), 8)
	})
}

// rules TIME-4: the names are requested in parallel. The answer has the order of the request; one error fails the command.
func TestApproverRequestsNamesInParallel(t *testing.T) {
	ask := func(names int, panics bool) (string, error) {
		s := newFixture(t)
		run := s.env()
		run.Info.Connect = func(map[string]string) (seller.Seller, error) { return failing{s.seller, panics}, nil }
		var domains []string
		for n := range names {
			domains = append(domains, fmt.Sprintf("n%d.example.com", n))
		}
		run.Args.Intname, run.Args.Module, run.Args.Domain = "positivessl", 5, strings.Join(domains, ",")
		doc, err := command.Approver(t.Context(), run)
		if err != nil {
			return "", err
		}
		var found []string
		for _, domain := range doc.Root().SelectElements("domain") {
			assert.Equal(t, "admin@"+domain.SelectAttrValue("name", ""), domain.SelectElement("approver").Text())
			found = append(found, domain.SelectAttrValue("name", ""))
		}
		assert.Equal(t, domains, found)
		return strings.Join(found, ","), nil
	}
	_, err := ask(7, false)
	require.NoError(t, err)
	_, err = ask(40, false)
	require.ErrorContains(t, err, "refused")
	_, err = ask(40, true)
	assert.Equal(t, fault.Internal, faultType(t, err))
}

func TestApproverAnswersPerDomain(t *testing.T) {
	s := newFixture(t)
	run := s.env()
	run.Info.Connect = func(map[string]string) (seller.Seller, error) { return listing{s.seller}, nil }
	run.Args.Intname, run.Args.Module = "positivessl", 5
	run.Args.Domain = "a.example.com,*.B.example.com, a.example.com"
	run.Text = s.pair.csr
	doc, err := command.Approver(context.Background(), run)
	require.NoError(t, err)
	assert.Equal(t, `<doc><domain name="a.example.com"><approver>admin@a.example.com</approver><approver>hostmaster@a.example.com</approver></domain>`+
		`<domain name="*.B.example.com"><approver>admin@b.example.com</approver><approver>hostmaster@b.example.com</approver></domain></doc>`, output(t, doc))

	t.Run("the domain of the CSR is used if the panel passes none", func(t *testing.T) {
		run.Args.Domain = ""
		doc, err := command.Approver(context.Background(), run)
		require.NoError(t, err)
		assert.Contains(t, output(t, doc), `<domain name="example.com">`)
	})
	for name, change := range map[string]func(r *item.Run){
		"bad CSR":         func(r *item.Run) { r.Text = "-----BEGIN CERTIFICATE REQUEST-----" },
		"bad domain":      func(r *item.Run) { r.Args.Domain = "127.0.0.1" },
		"unknown product": func(r *item.Run) { r.Args.Intname = "x" },
		"nothing to ask":  func(r *item.Run) { r.Args.Domain, r.Text = "", "" },
	} {
		t.Run(name, func(t *testing.T) {
			one := *run
			one.Args.Domain, one.Text = "example.com", s.pair.csr
			change(&one)
			_, err := command.Approver(context.Background(), &one)
			require.Error(t, err)
		})
	}
}
