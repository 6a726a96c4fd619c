package provider

import (
	"crypto/rand"
	"crypto/x509"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/ca"
	"pmssl/internal/sandbox/clock"
	"pmssl/internal/sandbox/panel"
)

func TestChallengesAreReadFromThePanelsForm(t *testing.T) {
	for name, row := range map[string]struct {
		method, value string
		want          []Challenge
	}{
		"alias":       {method: MethodCNAME, value: "_a.example.com CNAME b.example\n_c.example.com CNAME d.example", want: []Challenge{{"_a.example.com", "CNAME", "b.example"}, {"_c.example.com", "CNAME", "d.example"}}},
		"text":        {method: MethodTXT, value: "_a.example.com TXT two words", want: []Challenge{{"_a.example.com", "TXT", "two words"}}},
		"file":        {method: MethodFile, value: "http://example.com/x.txt\nfirst\nsecond", want: []Challenge{{Name: "http://example.com/x.txt", Value: "first\nsecond"}}},
		"not yet":     {method: MethodCNAME},
		"file later":  {method: MethodFile},
		"e-mail":      {method: MethodEmail},
		"other words": {method: MethodCNAME, value: "soon"},
	} {
		item := &panel.Item{Params: map[string]string{"approver_method": row.method, row.method + "_value": row.value}}
		assert.Equal(t, row.want, Challenges(item), name)
	}
}

func TestTheLogIsReadWithFurtherLinesOfAnEntry(t *testing.T) {
	text := "end of an entry\n" +
		"Apr  2 10:10:00 [21032:1] mgrctl \x1b[1;32mINFO QUERY: func=x\x1b[0m\n" +
		"Oct 12 10:10:00 [21032:1] command \x1b[1;31mERROR item 1 (example.com): refused\n    because\x1b[0m\n"
	assert.Equal(t, []LogLine{
		{Time: "Apr  2 10:10:00", Component: "mgrctl", Level: "INFO", Text: "QUERY: func=x"},
		{Time: "Oct 12 10:10:00", Component: "command", Level: "ERROR", Text: "item 1 (example.com): refused\n    because"},
	}, parseLog(text))
}

func TestAFaultOfASellerEndsWithTheNextOne(t *testing.T) {
	authority, err := ca.New(ca.ECDSA, rand.Reader)
	require.NoError(t, err)
	at := clock.New(func() time.Time { return time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC) }, "")
	for _, name := range Sellers() {
		seller, err := openSeller(name, sellerOptions{clock: at, authority: authority, random: rand.Reader})
		require.NoError(t, err)
		before, err := seller.Balance()
		require.NoError(t, err)
		for _, fault := range Faults() {
			require.NoError(t, seller.SetFault(fault), name)
			require.NoError(t, seller.SetFault(fault), "%s: the same one again", name)
			assert.Equal(t, fault, seller.Fault(), name)
			balance, err := seller.Balance()
			require.NoError(t, err)
			assert.Equal(t, fault == NoMoney, strings.HasPrefix(balance, "0.00"), "%s with %s: %s", name, fault, balance)
		}
		require.Error(t, seller.SetFault("earthquake"), name)
		assert.Equal(t, AnswerLost, seller.Fault(), "%s: an unknown fault changes nothing", name)
		require.NoError(t, seller.SetFault(NoFault))
		after, err := seller.Balance()
		require.NoError(t, err)
		assert.Equal(t, before, after, name)
	}
}

func TestLettersAreKeptInTheOrderInWhichTheyWereHandedIn(t *testing.T) {
	box, err := installSendmail(t.TempDir())
	require.NoError(t, err)
	p := &Provider{outbox: box}
	for n, subject := range []string{"first", "=?utf-8?q?=D0=B2=D1=82=D0=BE=D1=80=D0=BE=D0=B9?=", "third"} {
		send := exec.Command(box.program)
		send.Stdin = strings.NewReader("To: client@example.com\r\nSubject: " + subject + "\r\nDate: Thu, 02 Apr 2026 10:00:00 +0000\r\n\r\nline =C3=A9\r\n")
		out, err := send.CombinedOutput()
		require.NoError(t, err, string(out))
		age(t, box.dir, n)
	}
	letters, err := p.Letters()
	require.NoError(t, err)
	require.Len(t, letters, 3)
	assert.Equal(t, []string{"first", "второй", "third"}, []string{letters[0].Subject, letters[1].Subject, letters[2].Subject})
	assert.Equal(t, Letter{To: "client@example.com", Subject: "first", Date: letters[0].Date, Text: "line é\n"}, letters[0])
	assert.Equal(t, "2026-04-02", letters[0].Date.Format(time.DateOnly))
}

// age gives the newest mail of a folder, the only one without a time of the test, the n-th one.
func age(t *testing.T, dir string, n int) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		info, err := e.Info()
		require.NoError(t, err)
		if info.ModTime().Year() > 2001 {
			at := time.Date(2001, 1, 1, 0, 0, n, 0, time.UTC)
			require.NoError(t, os.Chtimes(dir+"/"+e.Name(), at, at))
		}
	}
}

func TestACSRKeepsTheKeyOfTheSiteUnlessAnotherIsWanted(t *testing.T) {
	p := &Provider{options: Options{Random: rand.Reader}, Web: &WebServer{dir: t.TempDir(), sites: map[string]string{}}}
	require.NoError(t, p.Web.addSite([]string{"*.example.com", "example.com"}))
	assert.Equal(t, []string{"example.com"}, p.Web.Sites())
	files := func() []string {
		entries, err := os.ReadDir(p.Web.dir + "/example.com")
		require.NoError(t, err)
		var all []string
		for _, e := range entries {
			all = append(all, e.Name())
		}
		return all
	}
	for _, newKey := range []bool{false, false, true} {
		csr, err := p.NewCSR(newKey, "*.example.com", "example.com")
		require.NoError(t, err)
		assert.Equal(t, []string{"*.example.com", "example.com"}, csrNames(csr))
	}
	assert.Equal(t, []string{"privkey-2.pem", "privkey.pem"}, files())
}

func TestASiteKeepsItsNames(t *testing.T) {
	w := &WebServer{dir: t.TempDir(), sites: map[string]string{}}
	require.NoError(t, w.addSite([]string{"shop.example.net"}))
	require.NoError(t, w.addSite([]string{"other.example.org", "Shop.example.net", "www.example.org"}))
	assert.Equal(t, map[string]string{"shop.example.net": "shop.example.net", "other.example.org": "other.example.org", "www.example.org": "other.example.org"}, w.sites)
}

// Names of a site come from requests.
func TestOnlyDomainNamesBecomeSites(t *testing.T) {
	p := &Provider{}
	for _, name := range []string{"", ".", "..", "../x", "a/b.example", "a..example", "a.example\n@ NS b.example.", "a b.example", "*", "*.*.example", "ä.example"} {
		assert.ErrorContains(t, p.AddSite("shop.example.net", name), "is not a domain name", name)
		assert.ErrorContains(t, p.AddSite(name), "is not a domain name", name)
	}
	for _, name := range []string{"crl.sandbox-ca.example", "ROOT.example", "ns1.hosting.net"} {
		assert.ErrorContains(t, p.AddSite(name), "belongs to the simulated Internet itself", name)
	}
	for _, name := range []string{"example.net", "*.example.net", "_x.Example.net", "xn--4ca.example"} {
		assert.NoError(t, checkName(name), name)
	}
}

func TestAFolderForTemporaryFilesIsOneWord(t *testing.T) {
	for dir, want := range map[string]bool{"/tmp/pmssl-provider-1": true, "/var/tmp/ü_1.2+a@b": true, "/tmp/a b": false, "/tmp/a'b": false, "/tmp/$x": false, "/tmp/a\nb": false, "/tmp/a#b": false} {
		assert.Equal(t, want, checkFolder(dir) == nil, dir)
	}
}

// A day at high speed is left out unless something can happen to an item.
func TestADayMattersIfSomethingCanHappen(t *testing.T) {
	ends := time.Date(2026, 10, 17, 23, 59, 59, 0, time.UTC)
	stored := Stored{Leaf: &x509.Certificate{NotBefore: ends.AddDate(0, 0, -199), NotAfter: ends}}
	p := &Provider{history: map[int64][]Stored{1: {stored}}}
	for name, row := range map[string]struct {
		params     map[string]string
		operations []panel.Operation
		item       int64
		left       int // days to the end of the certificate
		span       Span
		want       bool
	}{
		"issued":                             {params: map[string]string{"service_status": "5"}, item: 1, left: 100},
		"due":                                {params: map[string]string{"service_status": "5"}, item: 1, left: 9, want: true},
		"being delivered":                    {params: map[string]string{"service_status": "5", "delivery": "{}"}, item: 1, left: 100, want: true},
		"ended":                              {params: map[string]string{"service_status": "5"}, item: 1, left: -2},
		"waits, and its client does not act": {params: map[string]string{"service_status": "4"}, item: 1, left: 9},
		"waits, and its client acts":         {params: map[string]string{"service_status": "4"}, item: 1, left: 9, span: Span{ClientActs: true}, want: true},
		"waits, and its client gets letters": {params: map[string]string{"service_status": "4"}, item: 1, left: 5, want: true},
		"first order waits":                  {params: map[string]string{"service_status": "4"}, item: 2, left: 100},
		"an operation is repeated":           {operations: []panel.Operation{{Command: "open"}}, item: 2, want: true},
		"an operation waits for a person":    {operations: []panel.Operation{{Command: "open", Manual: true}}, item: 2},
	} {
		item := &panel.Item{ID: row.item, Params: row.params, Operations: row.operations}
		assert.Equal(t, row.want, p.hasEvent(item, ends.AddDate(0, 0, -row.left), row.span), name)
	}
}
