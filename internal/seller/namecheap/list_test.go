package namecheap_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
)

// orderList answers getList from its rows, which are written as "id status" in the order of the list.
type orderList struct {
	rows    map[string][]string
	page    func(kind string, number int) (rows []string, paging string)
	uncount bool
}

func (s orderList) serve(w http.ResponseWriter, r *http.Request) {
	kind := r.PostForm.Get("ListType")
	number, _ := strconv.Atoi(r.PostForm.Get("Page"))
	size, _ := strconv.Atoi(r.PostForm.Get("PageSize"))
	all := s.rows[kind]
	rows := all[min((number-1)*size, len(all)):min(number*size, len(all))]
	paging := fmt.Sprintf("<Paging><TotalItems>%d</TotalItems><CurrentPage>%d</CurrentPage><PageSize>%d</PageSize></Paging>", len(all), number, size)
	if s.uncount {
		paging = ""
	}
	if s.page != nil {
		rows, paging = s.page(kind, number)
	}
	says(ok("<SSLListResult>"+listRows(rows)+"</SSLListResult>"+paging))(w, r)
}

func listRows(rows []string) string {
	var text strings.Builder
	for _, row := range rows {
		id, state, _ := strings.Cut(row, " ")
		fmt.Fprintf(&text, `<SSL CertificateID="%s" HostName="" SSLType="positivessl" PurchaseDate="07/12/2026" ExpireDate="" IsExpiredYN="false" Status="%s" Years="1" />`, id, state)
	}
	return text.String()
}

func numbered(from, to int, state string) []string {
	var rows []string
	for id := to; id >= from; id-- {
		rows = append(rows, strconv.Itoa(id)+" "+state)
	}
	return rows
}

func ids(records []seller.OrderSummary) []int64 {
	var all []int64
	for _, r := range records {
		all = append(all, r.ID)
	}
	return all
}

func TestOrderSnapshot(t *testing.T) {
	s := newStage(t, orderList{rows: map[string][]string{
		"ALL": {"20 active", "30 replaced", "21 newpurchase"}, "NewPurchase": {"21 newpurchase", "40 "}, "NewRenewal": {"22 newrenewal"},
	}}.serve)
	snapshot, err := s.OrderSnapshot(t.Context())
	require.NoError(t, err)
	record := func(id int64, state seller.State) seller.OrderSummary {
		return seller.OrderSummary{ID: id, State: state, Months: 12, Type: "positivessl"}
	}
	assert.Equal(t, seller.OrderSnapshot{Highest: 40, Orders: []seller.OrderSummary{
		record(21, seller.StateNew), record(40, seller.StateNew), record(22, seller.StateRenewal),
	}}, snapshot)
	require.Len(t, s.asked, 3)
	assert.Equal(t, "100", s.asked[0].Get("PageSize"))
	assert.Equal(t, "PURCHASEDATE_DESC", s.asked[0].Get("SortBy"))
}

func TestOrderSnapshotReadsAllPages(t *testing.T) {
	for name, one := range map[string]struct {
		uncount  bool
		requests int
	}{
		"with a total: the first page is read again":    {requests: 1 + 3 + 1 + 1},
		"without a total: the whole list is read again": {uncount: true, requests: 1 + 2*3 + 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, orderList{uncount: one.uncount, rows: map[string][]string{"NewPurchase": numbered(1, 250, "newpurchase")}}.serve)
			snapshot, err := s.OrderSnapshot(t.Context())
			require.NoError(t, err)
			assert.Len(t, snapshot.Orders, 250)
			assert.EqualValues(t, 250, snapshot.Highest)
			assert.Len(t, s.asked, one.requests)
		})
	}
}

// An incomplete list must not mean "nothing was bought".
func TestOrderSnapshotFailsOnAnIncompleteList(t *testing.T) {
	for name, page := range map[string]func(string, int) ([]string, string){
		"the same page again and again": func(string, int) ([]string, string) {
			return numbered(1, 100, "newpurchase"), "<Paging><TotalItems>150</TotalItems></Paging>"
		},
		"fewer than announced": func(_ string, number int) ([]string, string) {
			if number > 1 {
				return nil, "<Paging><TotalItems>150</TotalItems></Paging>"
			}
			return numbered(1, 100, "newpurchase"), "<Paging><TotalItems>150</TotalItems></Paging>"
		},
		"without end": func(_ string, number int) ([]string, string) {
			return numbered(number*100, number*100+99, "newpurchase"), "<Paging><TotalItems>1000000</TotalItems></Paging>"
		},
		"unreadable id": func(string, int) ([]string, string) { return []string{"12x newpurchase"}, "" },
		"no id":         func(string, int) ([]string, string) { return []string{" newpurchase"}, "" },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, orderList{page: page}.serve)
			_, err := s.OrderSnapshot(t.Context())
			requireFault(t, err, fault.Client)
			assert.LessOrEqual(t, len(s.asked), 102)
		})
	}
	t.Run("another result", func(t *testing.T) {
		s := newStage(t, says(ok("<Other/>")))
		_, err := s.OrderSnapshot(t.Context())
		requireFault(t, err, fault.Client)
	})
}

// A list that changes in every walk proves nothing; the next run reads it again.
func TestListThatKeepsChangingIsARetryableFault(t *testing.T) {
	s := newStage(t, orderList{page: func(_ string, number int) ([]string, string) {
		return numbered(number*100, number*100+99, "newpurchase"), fmt.Sprintf("<Paging><TotalItems>%d</TotalItems></Paging>", 1000+number)
	}}.serve)
	_, err := s.OrderSnapshot(t.Context())
	assert.True(t, requireFault(t, err, fault.API).Retry)
	assert.Len(t, s.asked, 1+3*2)
}

// The number of rows does not show that one order was removed and another added; the first page does.
func TestOrderAddedWhileAnotherIsRemovedIsNotMissed(t *testing.T) {
	all, asked := numbered(1, 101, "newpurchase"), 0
	s := newStage(t, orderList{page: func(kind string, number int) ([]string, string) {
		if kind != "NewPurchase" {
			return nil, "<Paging><TotalItems>0</TotalItems></Paging>"
		}
		if asked++; asked == 2 { // 50 is activated, two minutes later 102 is bought
			all = append(numbered(102, 102, "newpurchase"), slices.DeleteFunc(all, func(row string) bool { return row == "50 newpurchase" })...)
		}
		return all[min((number-1)*100, len(all)):min(number*100, len(all))], fmt.Sprintf("<Paging><TotalItems>%d</TotalItems></Paging>", len(all))
	}}.serve)
	snapshot, err := s.OrderSnapshot(t.Context())
	require.NoError(t, err)
	assert.Contains(t, ids(snapshot.Orders), int64(102))
	assert.NotContains(t, ids(snapshot.Orders), int64(50))
}

// An order that is activated between two pages moves the rows after it: the row that moves to the page before is not missed.
func TestChangedListIsReadAgain(t *testing.T) {
	all, asked := numbered(1, 101, "newpurchase"), 0
	s := newStage(t, orderList{page: func(kind string, number int) ([]string, string) {
		if kind != "NewPurchase" {
			return nil, "<Paging><TotalItems>0</TotalItems></Paging>"
		}
		if asked++; asked == 2 {
			all = all[1:]
		}
		return all[min((number-1)*100, len(all)):min(number*100, len(all))], fmt.Sprintf("<Paging><TotalItems>%d</TotalItems></Paging>", len(all))
	}}.serve)
	snapshot, err := s.OrderSnapshot(t.Context())
	require.NoError(t, err)
	assert.Len(t, snapshot.Orders, 100)
	assert.Contains(t, ids(snapshot.Orders), int64(1))
}

func TestActivatedOrdersAreNotInTheSnapshot(t *testing.T) {
	rows := []string{"5 active", "4 newpurchase", "3 purchased"} // a server that ignores ListType
	s := newStage(t, orderList{rows: map[string][]string{"ALL": rows, "NewPurchase": rows, "NewRenewal": rows}}.serve)
	snapshot, err := s.OrderSnapshot(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []int64{4, 4}, ids(snapshot.Orders))
	assert.EqualValues(t, 5, snapshot.Highest)
}
