package namecheap_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/namecheap"
	"pmssl/internal/sandbox/standin/standintest"
)

// docs/reference/namecheap.md §1.7 and §12: the order of the checks is user and key present, key valid,
// address listed, ClientIp, then the command. Each row breaks everything that
// is checked later as well.
func TestGlobalParametersAreCheckedInOrder(t *testing.T) {
	s := newStandIn(t)
	require.NoError(t, s.PutAccount(namecheap.Account{User: "other", Key: strings.Repeat("a", 32), WhiteList: []string{"127.0.0.1"}}))
	require.NoError(t, s.PutAccount(namecheap.Account{User: "away", Key: strings.Repeat("b", 32), WhiteList: []string{"203.0.113.7"}}))
	require.NoError(t, s.PutAccount(namecheap.Account{User: "locked", Key: strings.Repeat("c", 32), WhiteList: []string{"127.0.0.1"}, Locked: true}))

	tests := []struct {
		name              string
		user, key, client string
		as, command       string
		want              string
	}{
		{"user missing", "", "", "", "", "", "1010101 Parameter APIUser is missing"},
		{"key missing", "nobody", "", "", "", "", "1010102 Parameter APIKey is missing"},
		{"user unknown", "nobody", "x", "", "", "", "1011101 API user invalid"},
		{"key wrong, even from an unlisted address", "away", "x", "", "", "", "1011102 API Key is invalid or API access has not been enabled"},
		{"address not listed", "away", strings.Repeat("b", 32), "", "", "", "1011150 Invalid request IP: 127.0.0.1"},
		{"account locked", "locked", strings.Repeat("c", 32), "", "", "", "1017101 Parameter ApiUser is disabled or locked"},
		{"client address missing", "sandbox", namecheap.DefaultKey, "", "", "", "1010105 Parameter ClientIP is missing"},
		{"client address is IPv6", "sandbox", namecheap.DefaultKey, "2001:db8::1", "", "", "1011105 Parameter ClientIP is invalid"},
		{"client address is no address", "sandbox", namecheap.DefaultKey, "1.2.3", "", "", "1011105 Parameter ClientIP is invalid"},
		{"user name missing", "sandbox", namecheap.DefaultKey, "203.0.113.9", "", "", "1010103 Parameter UserName is missing"},
		{"user name unknown", "sandbox", namecheap.DefaultKey, "203.0.113.9", "nobody", "", "1019103 Parameter UserName is not available"},
		{"user name of another", "sandbox", namecheap.DefaultKey, "203.0.113.9", "other", "", "1016103 Parameter UserName is unauthorized"},
		{"command missing", "sandbox", namecheap.DefaultKey, "203.0.113.9", "sandbox", "", "1010104 Parameter Command is missing"},
		{"command unknown", "sandbox", namecheap.DefaultKey, "203.0.113.9", "sandbox", "namecheap.ssl.nothing", "1011104 Parameter Command is invalid"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := s.post(url.Values{
				"ApiUser": {test.user}, "ApiKey": {test.key}, "ClientIp": {test.client}, "UserName": {test.as}, "Command": {test.command},
			})
			assert.Equal(t, http.StatusOK, r.status, "API errors come with status 200 (0.1)")
			assert.Equal(t, "ERROR", r.root.Attr("Status"))
			assert.Equal(t, []string{test.want}, r.errors())
			assert.Empty(t, r.root.All("CommandResponse"), "authentication errors have none (1.6)")
			assert.Empty(t, r.root.First("RequestedCommand").Text())
		})
	}
}

// docs/reference/namecheap.md §1.2: the white list is compared with the source, not with ClientIp.
func TestForeignClientIPIsAccepted(t *testing.T) {
	s := newStandIn(t)
	assert.Equal(t, "OK", s.call("users.getBalances", "ClientIp", "198.51.100.7").root.Attr("Status"))
}

// docs/reference/namecheap.md §1.3: query, urlencoded and multipart forms and mixes; names in any case.
func TestRequestFormsOfRunningClients(t *testing.T) {
	s := newStandIn(t)
	everything := form("ssl.GETLIST", "Quantity", "1", "SourceOfCall", "WHMCS")
	lower := url.Values{}
	for name, values := range everything {
		lower[strings.ToLower(name)] = values
	}
	multi, multiType := multipartForm(t, everything)

	tests := []struct {
		name, method, query, contentType string
		body                             []byte
	}{
		{"GET", http.MethodGet, everything.Encode(), "", nil},
		{"GET, names in lower case", http.MethodGet, lower.Encode(), "", nil},
		{"POST form", http.MethodPost, "", "application/x-www-form-urlencoded", []byte(everything.Encode())},
		{"POST multipart", http.MethodPost, "", multiType, multi},
		{"credentials in the query, rest in the form", http.MethodPost, credentials("namecheap.ssl.getlist").Encode(), "application/x-www-form-urlencoded", []byte("ListType=All")},
		{"query and multipart", http.MethodPost, "SourceOfCall=WHMCS", multiType, multi},
		{"form without a content type", http.MethodPost, "", "", []byte(everything.Encode())},
	}
	for _, test := range tests {
		for _, slash := range []string{"", "/"} {
			t.Run(test.name+slash, func(t *testing.T) {
				request, err := http.NewRequest(test.method, s.url+slash+"?"+test.query, bytes.NewReader(test.body))
				require.NoError(t, err)
				request.Header.Set("Content-Type", test.contentType)
				answer, err := http.DefaultClient.Do(request)
				require.NoError(t, err)
				r := read(t, answer)
				assert.Equal(t, "OK", r.root.Attr("Status"), r.body)
				assert.Equal(t, "namecheap.ssl.getList", r.root.First("RequestedCommand").Text(), "the canonical spelling comes back")
			})
		}
	}
}

func multipartForm(t testing.TB, values url.Values) (body []byte, contentType string) {
	t.Helper()
	var buffer bytes.Buffer
	writer := multipart.NewWriter(&buffer)
	for name := range values {
		require.NoError(t, writer.WriteField(name, values.Get(name)))
	}
	require.NoError(t, writer.Close())
	return buffer.Bytes(), writer.FormDataContentType()
}

// docs/reference/namecheap.md §1.5: the envelope of every answer, and the two backends.
func TestEnvelope(t *testing.T) {
	s := newStandIn(t)
	ssl, users := s.call("ssl.getList"), s.call("users.getBalances")

	assert.True(t, strings.HasPrefix(ssl.body, `<?xml version="1.0" encoding="utf-8"?>`), "exactly this prefix and no BOM")
	assert.Equal(t, "http://api.namecheap.com/xml.response", ssl.root.XMLName.Space)
	assert.Regexp(t, `^[0-9a-f]{12}$`, ssl.root.First("Server").Text())
	assert.Equal(t, "namecheap.ssl.getList", ssl.root.First("CommandResponse").Attr("Type"))
	assert.Equal(t, "PHX01APIEXT03", users.root.First("Server").Text())
	assert.Equal(t, "namecheap.users.getbalances", users.root.First("RequestedCommand").Text(), "users.* echoes in lower case")
	assert.Equal(t, "namecheap.users.getBalances", users.root.First("CommandResponse").Attr("Type"))
	assert.Regexp(t, `^(-|\+)+([0-9:]+)$`, ssl.root.First("GMTTimeDifference").Text())
}

func TestOtherPathsAndMethodsAreRefused(t *testing.T) {
	s := newStandIn(t)
	answer, err := http.Get(strings.TrimSuffix(s.url, "xml.response") + "other")
	require.NoError(t, err)
	assert.Equal(t, http.StatusNotFound, read(t, answer).status)
	request, err := http.NewRequest(http.MethodPut, s.url, nil)
	require.NoError(t, err)
	answer, err = http.DefaultClient.Do(request)
	require.NoError(t, err)
	assert.Equal(t, http.StatusNotImplemented, read(t, answer).status)
}

func TestHostileRequestsGetAnErrorAnswer(t *testing.T) {
	s := newStandIn(t)
	many := strings.Builder{}
	for i := range 10_000 {
		many.WriteString("&p" + strconv.Itoa(i) + "=1")
	}
	multi, multiType := multipartForm(t, credentials("namecheap.ssl.getlist"))
	tests := []struct {
		name, contentType, body string
		status                  int
	}{
		{"5 MiB form", "application/x-www-form-urlencoded", credentials("namecheap.ssl.create").Encode() + "&x=" + strings.Repeat("x", 5<<20), http.StatusRequestEntityTooLarge},
		{"5 MiB multipart", multiType, string(multi[:len(multi)/2]) + strings.Repeat("x", 5<<20), http.StatusRequestEntityTooLarge},
		{"10,000 parameters", "application/x-www-form-urlencoded", credentials("namecheap.ssl.create").Encode() + many.String(), http.StatusBadRequest},
		{"multipart that ends early", multiType, string(multi[:len(multi)/2]), http.StatusBadRequest},
		{"multipart without a boundary", "multipart/form-data", "x", http.StatusBadRequest},
		{"bytes that are no form", "application/x-www-form-urlencoded", "%zz\x00\xff;;=&&", http.StatusOK},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			answer, err := http.Post(s.url, test.contentType, strings.NewReader(test.body))
			require.NoError(t, err)
			r := read(t, answer)
			assert.Equal(t, test.status, r.status)
			assert.Equal(t, "ERROR", r.root.Attr("Status"), r.body)
			assert.NotEmpty(t, r.errors())
		})
	}
}

// Whatever a caller sends is escaped in the answer.
func TestAnswersAreWellFormedWhateverWasSent(t *testing.T) {
	s := newStandIn(t)
	for _, value := range []string{`"><x>&amp;`, "]]>", "\x00\x01\x1f", "\xff\xfe", "\u202e<![CDATA["} {
		r := s.call("ssl.getApproverEmailList", "DomainName", value+".example.com", "CertificateType", value)
		assert.Equal(t, "ERROR", r.root.Attr("Status"))
		csr := s.call("ssl.parseCSR", "csr", value)
		assert.Equal(t, "ERROR", csr.root.Attr("Status"))
	}
}

// docs/reference/namecheap.md §1.4: 20 a minute, 700 an hour, 8000 a day for one key; HTTP 405 before
// anything is executed.
func TestRateLimit(t *testing.T) {
	s := newStandIn(t, func(c *namecheap.Settings) {
		c.RateLimit = namecheap.RateLimit{Enabled: true, Minute: 3, Hour: 5, Day: 6}
	})
	require.NoError(t, s.PutAccount(namecheap.Account{User: "other", Key: "k", WhiteList: []string{"127.0.0.1"}}))
	statuses := func(n int) (list []int) {
		for range n {
			list = append(list, s.call("ssl.create", "Type", "PositiveSSL", "Years", "1").status)
		}
		return list
	}
	advance := func(d time.Duration) {
		_, err := s.Clock().Advance(d)
		require.NoError(t, err)
	}

	assert.Equal(t, []int{200, 200, 200, 405}, statuses(4), "the minute's bucket")
	assert.Equal(t, "OK", s.call("users.getBalances", "ApiUser", "other", "UserName", "other", "ApiKey", "k").root.Attr("Status"), "another key has its own")
	advance(20 * time.Second)
	assert.Equal(t, []int{200, 405}, statuses(2), "a third of a minute gives one call")
	advance(time.Minute)
	assert.Equal(t, []int{200, 405}, statuses(2), "the hour's bucket")
	advance(time.Hour)
	assert.Equal(t, []int{200, 405}, statuses(2), "the day's bucket")

	state, err := s.State()
	require.NoError(t, err)
	assert.Len(t, state.Certificates, 6, "a refused call bought nothing")

	settings := s.Settings()
	settings.RateLimit.Enabled = false
	require.NoError(t, s.SetSettings(settings))
	assert.Equal(t, []int{200, 200, 200, 200, 200, 200, 200}, statuses(7))
}

func TestDefaultRateLimitIsTheSellers(t *testing.T) {
	assert.Equal(t, namecheap.RateLimit{Enabled: true, Minute: 20, Hour: 700, Day: 8000}, namecheap.DefaultSettings().RateLimit)
}

func TestLogHasNoSecrets(t *testing.T) {
	s := newStandIn(t)
	s.call("ssl.create", "Type", "PositiveSSL", "Years", "9")
	s.call("SSL.CREATE", "Type", "PositiveSSL", "Years", "1")

	log := s.Requests("create")
	require.Len(t, log, 2)
	assert.Equal(t, int64(1), log[0].Number)
	assert.Equal(t, "9", log[0].Parameters["years"])
	assert.Equal(t, []namecheap.APIError{{Number: "2013167", Text: "Parameter Years is OutOfRange"}}, log[0].Errors)
	assert.Equal(t, "***", log[0].Parameters["apikey"])
	assert.Equal(t, map[string]int64{"namecheap.ssl.create": 2}, s.Counters(), "counted under the canonical name")
	s.ClearRequests()
	assert.Empty(t, s.Requests(""))
	assert.Empty(t, s.Counters())
}

// Requests that arrive together are executed one after the other.
func TestRequestsAtTheSameTime(t *testing.T) {
	s := newStandIn(t)
	var group sync.WaitGroup
	for range 40 {
		group.Go(func() {
			answer, err := http.PostForm(s.url, form("ssl.create", "Type", "PositiveSSL", "Years", "1"))
			if assert.NoError(t, err) {
				answer.Body.Close()
			}
		})
	}
	group.Wait()
	state, err := s.State()
	require.NoError(t, err)
	ids := map[int64]bool{}
	for _, c := range state.Certificates {
		ids[c.ID] = true
	}
	assert.Len(t, ids, 40)
	assert.Equal(t, "644.80", s.balance())
	assert.Equal(t, int64(40), s.Counters()["namecheap.ssl.create"])
}

func FuzzRequest(f *testing.F) {
	multi, multiType := multipartForm(f, credentials("namecheap.ssl.getlist"))
	f.Add("Command=x", "application/x-www-form-urlencoded", []byte(credentials("namecheap.ssl.create").Encode()))
	f.Add("", multiType, multi)
	f.Add("a=%zz&;", "multipart/form-data; boundary=x", []byte("--x\r\n\r\n--x--"))
	clock := namecheap.NewClock(func() time.Time { return today }, "")
	seller, err := namecheap.New(namecheap.Config{Clock: clock})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, query, contentType string, body []byte) {
		request := httptest.NewRequest(http.MethodPost, namecheap.Path, bytes.NewReader(body))
		request.URL.RawQuery = query
		request.Header.Set("Content-Type", contentType)
		recorder := httptest.NewRecorder()
		seller.ServeHTTP(recorder, request)
		read(t, recorder.Result()) // well-formed, or the test ends here
	})
}

func FuzzCSR(f *testing.F) {
	f.Add("", "example.com")
	f.Add(standintest.CSR(f, "example.com"), "a.example,b.example")
	f.Add("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----", "*.x")
	clock := namecheap.NewClock(func() time.Time { return today }, "")
	settings := namecheap.DefaultSettings()
	settings.RateLimit.Enabled = false
	seller, err := namecheap.New(namecheap.Config{Clock: clock, Settings: &settings})
	require.NoError(f, err)
	bought := httptest.NewRequest(http.MethodGet, namecheap.Path+"?"+form("ssl.create", "Type", "PositiveSSL Multi Domain", "Years", "1").Encode(), nil)
	bought.RemoteAddr = "127.0.0.1:1"
	seller.ServeHTTP(httptest.NewRecorder(), bought)
	f.Fuzz(func(t *testing.T, csr, names string) {
		for _, command := range []string{"ssl.parseCSR", "ssl.activate"} {
			values := form(command, "csr", csr, "CertificateID", "34350001", "DNSNames", names, "DNSDCValidation", "true")
			request := httptest.NewRequest(http.MethodPost, namecheap.Path, strings.NewReader(values.Encode()))
			request.RemoteAddr = "127.0.0.1:1"
			recorder := httptest.NewRecorder()
			seller.ServeHTTP(recorder, request)
			require.NotContains(t, read(t, recorder.Result()).body, "1010101", "the credentials got through")
		}
	})
}
