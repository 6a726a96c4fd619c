package namecheap_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
)

// listed answers getList with the rows; found decides which rows a search returns.
func listed(found func(term, host string) bool, rows ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var shown []string
		for _, row := range rows {
			_, host, _ := strings.Cut(row, `HostName="`)
			host, _, _ = strings.Cut(host, `"`)
			if found(r.PostForm.Get("SearchTerm"), strings.ToLower(host)) {
				shown = append(shown, row)
			}
		}
		size := 100
		number := 0
		_, _ = fmt.Sscan(r.PostForm.Get("Page"), &number)
		page := shown[min((number-1)*size, len(shown)):min(number*size, len(shown))]
		says(ok(fmt.Sprintf("<SSLListResult>%s</SSLListResult><Paging><TotalItems>%d</TotalItems><PageSize>%d</PageSize></Paging>",
			strings.Join(page, ""), len(shown), size)))(w, r)
	}
}

// contains searches as the stand-in does; how Namecheap searches is not documented.
func contains(term, host string) bool { return strings.Contains(host, term) }

func entry(id int, host, state, product, provider string) string {
	return fmt.Sprintf(`<SSL CertificateID="%d" HostName="%s" SSLType="%s" PurchaseDate="07/12/2026" Status="%s" ProviderOrderID="%s" Years="1"/>`,
		id, host, product, state, provider)
}

func plain(id int, host, state string) string {
	return entry(id, host, state, "standard ssl sslcom", "")
}

func TestFindReissues(t *testing.T) {
	for name, tc := range map[string]struct {
		rows []string
		want []int64
	}{
		"nothing newer":      {[]string{plain(7, "example.com", "active"), plain(6, "example.com", "active")}, nil},
		"waiting":            {[]string{plain(7, "example.com", "active"), plain(8, "example.com", "purchased")}, []int64{8}},
		"issued":             {[]string{plain(7, "example.com", "replaced"), plain(8, "example.com", "active")}, []int64{8}},
		"words of old pages": {[]string{plain(7, "example.com", "active"), plain(8, "example.com", "inprogress"), plain(9, "example.com", "Processing")}, []int64{8, 9}},
		"ascending":          {[]string{plain(30, "example.com", "active"), plain(7, "example.com", "active"), plain(9, "example.com", "purchased")}, []int64{9, 30}},
		"upper and lower":    {[]string{plain(7, "example.com", "active"), plain(8, "EXAMPLE.com", "PURCHASED")}, []int64{8}},
		"not what has ended or not begun": {[]string{plain(7, "example.com", "active"), plain(8, "example.com", "replaced"), plain(9, "example.com", "cancelled"),
			plain(10, "example.com", "newpurchase"), plain(11, "example.com", "newrenewal"), plain(12, "example.com", "purchaseerror"), plain(13, "example.com", "expired"),
			plain(14, "example.com", "")}, nil},
		"not another name": {[]string{plain(7, "example.com", "active"), plain(8, "www.example.com", "active"), plain(9, "*.example.com", "active"),
			plain(10, "example.com.br", "active"), plain(11, "", "purchased")}, nil},
		"not of another order at the CA": {[]string{entry(7, "example.com", "active", "positivessl", "111"), entry(8, "example.com", "active", "PositiveSSL", "222"),
			entry(9, "example.com", "active", "positivessl", "111"), entry(10, "example.com", "purchased", "positivessl", ""), entry(11, "example.com", "purchased", "positivessl", "0")},
			[]int64{9, 10, 11}},
		"two names of one product are one product": {[]string{entry(7, "example.com", "active", "standard ssl", "111"), entry(8, "example.com", "active", "standard ssl sslcom", "222")}, nil},
		"what nobody knows is one product by its name": {[]string{entry(7, "example.com", "active", "brand new", "111"), entry(8, "example.com", "active", "Brand New", "222"),
			entry(9, "example.com", "active", "newer yet", "222")}, []int64{9}},
		"a reissue comes from another CA than the Sectigo product (docs/reference/namecheap.md §4)": {[]string{entry(7, "example.com", "active", "positivessl", "111"),
			entry(8, "example.com", "purchased", "standard ssl sslcom", "222")}, []int64{8}},
		"the old row does not tell its order": {[]string{plain(7, "example.com", "active"), entry(8, "example.com", "active", "standard ssl", "222")}, []int64{8}},
		"the old row is for another name":     {[]string{plain(7, "old.example.com", "active"), plain(8, "example.com", "active")}, []int64{8}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, listed(contains, tc.rows...))
			got, err := s.FindReissues(t.Context(), 7, " Example.com ")
			require.NoError(t, err)
			assert.Equal(t, tc.want, got)
			require.Len(t, s.asked, 1)
			assert.Equal(t, []string{"ALL", "example.com"}, []string{s.asked[0].Get("ListType"), s.asked[0].Get("SearchTerm")})
		})
	}
}

// Which fields a SearchTerm is compared with is not documented: a search that lacks an existing row proves nothing.
func TestASearchWithoutTheNameReadsTheWholeList(t *testing.T) {
	rows := []string{plain(9, "other.example", "active"), plain(8, "example.com", "purchased"), plain(7, "example.com", "active")}
	for name, tc := range map[string]struct {
		found func(term, host string) bool
		asked int
	}{
		"finds nothing":        {func(term, _ string) bool { return term == "" }, 2},
		"finds something else": {func(term, host string) bool { return term == "" || host == "other.example" }, 2},
		"finds by whole names": {func(term, host string) bool { return term == "" || host == term }, 1},
		"is ignored":           {func(string, string) bool { return true }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, listed(tc.found, rows...))
			got, err := s.FindReissues(t.Context(), 7, "example.com")
			require.NoError(t, err)
			assert.Equal(t, []int64{8}, got)
			assert.Len(t, s.asked, tc.asked)
			assert.Equal(t, tc.asked == 1, s.asked[len(s.asked)-1].Has("SearchTerm"))
		})
	}
}

func TestASearchThatFindsTheNameIsEnough(t *testing.T) {
	s := newStage(t, listed(contains, plain(7, "old.example", "active"), plain(8, "example.com", "purchased"))) // reissued for a new name
	got, err := s.FindReissues(t.Context(), 7, "example.com")
	require.NoError(t, err)
	assert.Equal(t, []int64{8}, got)
	assert.Len(t, s.asked, 1)
}

func TestAnUnsearchableNameReadsTheWholeList(t *testing.T) {
	long := strings.Repeat("a", 60) + "." + strings.Repeat("b", 60) + ".com"
	for name, tc := range map[string]struct{ name, host string }{
		"wildcard":                      {"*.example.com", "*.Example.com"},
		"longer than 70 characters":     {long, long},
		"international":                 {"xn--mnchen-3ya.example.com", "xn--mnchen-3ya.example.com"},
		"international, shown as it is": {"xn--mnchen-3ya.example.com", "München.example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, listed(contains, plain(7, tc.host, "active"), plain(8, tc.host, "purchased")))
			got, err := s.FindReissues(t.Context(), 7, tc.name)
			require.NoError(t, err)
			assert.Equal(t, []int64{8}, got)
			require.Len(t, s.asked, 1)
			assert.False(t, s.asked[0].Has("SearchTerm"))
		})
	}
}

func TestFindReissuesReadsAllPages(t *testing.T) {
	var rows []string
	for id := 400; id > 150; id-- {
		rows = append(rows, plain(id, fmt.Sprintf("n%d.example.com", id), "active"))
	}
	rows = append(rows, plain(149, "example.com", "purchased"), plain(7, "example.com", "active"))
	s := newStage(t, listed(contains, rows...))
	got, err := s.FindReissues(t.Context(), 7, "example.com")
	require.NoError(t, err)
	assert.Equal(t, []int64{149}, got)
	assert.Len(t, s.asked, 3+1, "the first page once more at the end")
}

// An incomplete list must not mean "there is no reissue".
func TestFindReissuesFailsOnAnIncompleteList(t *testing.T) {
	page := numbered(1, 100, "active")
	for name, answer := range map[string]http.HandlerFunc{
		"the same page again and again": says(ok("<SSLListResult>" + listRows(page) + "</SSLListResult><Paging><TotalItems>150</TotalItems></Paging>")),
		"fewer than announced":          says(ok("<SSLListResult/><Paging><TotalItems>3</TotalItems></Paging>")),
		"unreadable id":                 says(ok(`<SSLListResult><SSL CertificateID="x" HostName="example.com" Status="active"/></SSLListResult>`)),
		"another result":                says(ok("<Other/>")),
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, answer)
			got, err := s.FindReissues(t.Context(), 7, "example.com")
			requireFault(t, err, fault.Client)
			assert.Empty(t, got)
			assert.LessOrEqual(t, len(s.asked), 4)
		})
	}
	t.Run("refused", func(t *testing.T) {
		s := newStage(t, says(refusal("2011272", "ListType is invalid")))
		_, err := s.FindReissues(t.Context(), 7, "example.com")
		assert.Equal(t, 2011272, requireFault(t, err, fault.API).Code)
	})
	t.Run("without a name", func(t *testing.T) {
		s := newStage(t, says(""))
		_, err := s.FindReissues(t.Context(), 7, " ")
		requireFault(t, err, fault.Missed)
		assert.Empty(t, s.asked)
	})
}

// A row that moves to another page while the list is read shows twice, but is one reissue.
func TestFindReissuesReturnsEachIDOnce(t *testing.T) {
	rows := slices.Repeat([]string{plain(8, "example.com", "active")}, 2)
	rows = append(rows, plain(7, "example.com", "replaced"))
	body := ok("<SSLListResult>" + strings.Join(rows, "") + "</SSLListResult><Paging><TotalItems>2</TotalItems></Paging>")
	s := newStage(t, says(body))
	got, err := s.FindReissues(t.Context(), 7, "example.com")
	require.NoError(t, err)
	assert.Equal(t, []int64{8}, got)
}
