package command_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pmssl/internal/cabforum"
	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/seller"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// importing is a fixture for the command import.
type importing struct {
	*fixture
	able   *ableSeller
	listed *listedPanel
}

func newImporting(t *testing.T) importing {
	t.Helper()
	s, theSeller := able(t)
	s.args = item.Args{Command: "import", Module: 5, ItemType: "certificate"}
	return importing{s, theSeller, newListedPanel(s)}
}

// counts runs the command and returns the counts of the document.
func (i importing) counts(t *testing.T) string {
	t.Helper()
	run := i.with(i.able, i.listed)
	doc, err := command.Import(context.Background(), run)
	require.NoError(t, err)
	var words []string
	for _, name := range []string{"found", "imported", "completed", "skipped", "failed"} {
		words = append(words, name+"="+doc.Root().SelectAttrValue(name, ""))
	}
	assert.Equal(t, doc.Root().SelectAttrValue("failed", "") != "0", run.Failed, "a failure shows in the exit code")
	assert.Empty(t, i.listed.locked, "every item is unlocked")
	return strings.Join(words, " ")
}

func TestImportCreatesCompleteItems(t *testing.T) {
	i := newImporting(t)
	l := i.able.sell(t, i.fixture, "example.org", 90, 91)
	require.Equal(t, "found=1 imported=1 completed=0 skipped=0 failed=0", i.counts(t))
	it := i.listed.items[1001]
	require.NotNil(t, it)
	leaf, err := pki.StoredLeaf(it.stored)
	require.NoError(t, err)
	assert.Equal(t, map[string]string{
		itemparam.OrderID: fmt.Sprint(l.ID), itemparam.Lineage: fmt.Sprintf("90 91 %d", l.ID), itemparam.TermStart: "2026-03-01",
		itemparam.PaidUntil: "2028-03-01", itemparam.Delivered: "PositiveSSL", itemparam.ExpireDate: leaf.Ends().String(),
		itemparam.Serial: leaf.Serial(), itemparam.ServiceStatus: "5", itemparam.TermMonths: "24",
	}, it.params)
	assert.Equal(t, fmt.Sprintf("import example.org positivessl 24 %s", leaf.Ends()), i.listed.calls[0])
	assert.Contains(t, i.listed.calls, fmt.Sprintf("setexpiredate 1001 %s", leaf.Ends()))
	assert.Zero(t, i.seller.buys)
}

// A PEM block that cannot be read does not prevent the import, and the log names it (rules CERT-1).
func TestImportNamesABlockThatCannotBeRead(t *testing.T) {
	i := newImporting(t)
	l := i.able.sell(t, i.fixture, "example.org")
	i.seller.change(l.ID, func(r *seller.OrderStatus) {
		r.PEM = append(r.PEM, "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
	})
	require.Equal(t, "found=1 imported=1 completed=0 skipped=0 failed=0", i.counts(t))
	assert.Contains(t, strings.Join(i.fixture.log.lines, "\n"), "left out block 3 (CERTIFICATE, 3 bytes)")
}

func TestImportTwiceImportsNothingTwice(t *testing.T) {
	i := newImporting(t)
	i.able.sell(t, i.fixture, "a.example.org")
	i.able.sell(t, i.fixture, "b.example.org")
	require.Equal(t, "found=2 imported=2 completed=0 skipped=0 failed=0", i.counts(t))
	i.listed.calls = nil
	require.Equal(t, "found=2 imported=0 completed=0 skipped=2 failed=0", i.counts(t))
	assert.Empty(t, i.listed.calls)
}

// After an interruption at any call the next import gives the same result and no second item, even if the panel ignores the
// parameters of the new item or knows no tariff of it.
func TestInterruptedImportIsCompleted(t *testing.T) {
	for _, orphaned := range []bool{false, true} {
		for _, ignores := range []bool{false, true} {
			whole := newImporting(t)
			whole.listed.ignores = ignores
			whole.able.sell(t, whole.fixture, "example.org")
			whole.counts(t)
			for n, call := range whole.listed.calls {
				t.Run(fmt.Sprintf("%s, orphaned %t, ignores %t", call, orphaned, ignores), func(t *testing.T) {
					i := newImporting(t)
					i.listed.orphaned, i.listed.ignores = orphaned, ignores
					i.able.sell(t, i.fixture, "example.org")
					i.listed.fail[call] = fault.Errorf(fault.Panel, "", "broken").Retryable()
					require.Equal(t, "found=1 imported=0 completed=0 skipped=0 failed=1", i.counts(t))
					want := "found=1 imported=0 completed=1 skipped=0 failed=0"
					if n == 0 { // nothing was left behind
						want = "found=1 imported=1 completed=0 skipped=0 failed=0"
					}
					assert.Equal(t, want, i.counts(t))
					assert.Equal(t, "found=1 imported=0 completed=0 skipped=1 failed=0", i.counts(t))
					require.Len(t, i.listed.items, 1)
					for _, it := range i.listed.items {
						assert.Equal(t, "5", it.params[itemparam.ServiceStatus])
						assert.NotEmpty(t, it.params[itemparam.Serial])
						assert.NotEmpty(t, it.stored)
					}
				})
			}
		}
	}
}

// lateItem is the item that the panel makes when it carries out the call of a killed import; without the parameters, if it ignores them.
func (i importing) lateItem(t *testing.T, l seller.ListedCertificate) *imported {
	t.Helper()
	status, err := i.able.OrderStatus(t.Context(), l.ID)
	require.NoError(t, err)
	chain, err := pki.NamedChain(status.PEM, l.CommonName, i.at)
	require.NoError(t, err)
	late := &imported{name: l.CommonName, module: 5, status: 2, expires: chain.Ends(), params: map[string]string{}}
	if !i.listed.ignores {
		late.params[itemparam.OrderID], late.params[itemparam.Lineage] = strconv.FormatInt(l.ID, 10), item.FormatIDs(l.Lineage())
	}
	return late
}

// appear makes an item appear right before the items of a name are read for the n-th time.
func (i importing) appear(n int, it int64, late *imported) {
	i.listed.lookedUp = func() {
		if n--; n == 0 {
			i.listed.items[it] = late
		}
	}
}

func (i importing) said() string { return strings.Join(i.log.lines, "\n") }

// The panel may carry out the call of an import that was killed while the next import is at work (rules IMPORT-6).
func TestItemThatAppearsDuringAnImport(t *testing.T) {
	const completed, told = "found=1 imported=0 completed=1 skipped=0 failed=0", "found=1 imported=0 completed=0 skipped=0 failed=1"
	for rule, c := range map[string]struct {
		ignores bool
		read    int // the reading before which the item appears
		want    string
	}{
		"before the items are read, it is completed":                  {read: 1, want: completed},
		"without its id, it is completed too":                         {ignores: true, read: 1, want: completed},
		"while the new one is made, both are told":                    {read: 2, want: told},
		"while the new one is made and without its id, both are told": {ignores: true, read: 2, want: told},
	} {
		for _, it := range []int64{900, 1900} { // before and behind the new one
			t.Run(fmt.Sprintf("%s, item %d", rule, it), func(t *testing.T) {
				i := newImporting(t)
				i.listed.ignores = c.ignores
				l := i.able.sell(t, i.fixture, "example.org", 90)
				i.appear(c.read, it, i.lateItem(t, l))
				assert.Equal(t, c.want, i.counts(t))
				if c.want == completed {
					assert.Len(t, i.listed.items, 1)
					return
				}
				assert.Len(t, i.listed.items, 2)
				assert.Contains(t, i.said(), fmt.Sprintf("it has two items, 1001 and %d", it))
				assert.Contains(t, i.said(), fmt.Sprintf("delete item %d in the panel", it))
				assert.NotEmpty(t, i.listed.items[1001].params[itemparam.Serial], "the new one is complete")
				if !c.ignores { // the next import has no other opinion
					assert.Equal(t, told, i.counts(t))
					assert.Empty(t, i.listed.items[it].params[itemparam.Serial])
				}
			})
		}
	}
}

// Who deletes the second item as he was told keeps the order, whose id both have.
func TestDeletingTheSecondItemCancelsNothing(t *testing.T) {
	i := newImporting(t)
	l := i.able.sell(t, i.fixture, "example.org", 90)
	i.appear(2, 1900, i.lateItem(t, l))
	i.counts(t)
	i.able.asked = nil
	for _, it := range []struct {
		id   int64
		asks bool
	}{{1900, false}, {1001, true}} {
		i.args = item.Args{Command: "close", Item: it.id}
		_, err := command.Close(context.Background(), i.with(i.able, i.listed))
		require.NoError(t, err)
		assert.Equal(t, it.asks, len(i.able.asked) > 0, "close of item %d asked %v", it.id, i.able.asked)
		i.listed.items[it.id].status = item.ItemDeleted
	}
	assert.Contains(t, i.said(), "is not cancelled, because item 1001 has it too")
}

// What an import calls superfluous is no other certificate's item, and no client's item is called so.
func TestWhichItemIsNotTheSecondOne(t *testing.T) {
	for name, change := range map[string]func(*imported){
		"with a CSR":               func(i *imported) { i.csr = "-----BEGIN CERTIFICATE REQUEST-----" },
		"with a certificate":       func(i *imported) { i.params[itemparam.Serial] = "0a" },
		"of a migration":           func(i *imported) { i.params[itemparam.Migration] = "{}" },
		"of another product's end": func(i *imported) { i.expires = i.expires.AddDays(1) },
	} {
		t.Run(name, func(t *testing.T) {
			i := newImporting(t)
			i.listed.ignores = true
			late := i.lateItem(t, i.able.sell(t, i.fixture, "example.org"))
			change(late)
			i.appear(2, 1900, late)
			assert.Equal(t, "found=1 imported=1 completed=0 skipped=0 failed=0", i.counts(t))
			assert.NotContains(t, i.said(), "delete item")
		})
	}
	t.Run("another certificate's", func(t *testing.T) {
		i := newImporting(t)
		i.listed.ignores = true
		first := i.able.sell(t, i.fixture, "example.org")
		i.able.sell(t, i.fixture, "example.org")
		i.appear(2, 1900, i.lateItem(t, first))
		assert.Equal(t, "found=2 imported=1 completed=0 skipped=0 failed=1", i.counts(t))
		assert.Contains(t, i.said(), "delete item 1900 in the panel")
		assert.Empty(t, i.listed.items[1900].params[itemparam.OrderID])
	})
}

// The order was reissued between the killed import and this one: the item has an id that the lineage has.
func TestItemThatAppearsWithAnOlderID(t *testing.T) {
	for read, want := range map[int]string{1: "found=1 imported=0 completed=1 skipped=0 failed=0", 2: "found=1 imported=0 completed=0 skipped=0 failed=1"} {
		i := newImporting(t)
		late := i.lateItem(t, i.able.sell(t, i.fixture, "example.org", 90))
		late.params[itemparam.OrderID], late.params[itemparam.Lineage] = "90", "90"
		i.appear(read, 1900, late)
		assert.Equal(t, want, i.counts(t), "reading %d", read)
	}
}

// An import that ended between the two leaves both items to the next one, which tells it.
func TestTwoItemsOfAnOrder(t *testing.T) {
	for name, row := range map[string]struct {
		complete []int64
		want     string
		says     string
	}{
		"neither is complete":      {nil, "found=1 imported=0 completed=0 skipped=0 failed=1", "it has two items, 900 and 1900"},
		"the older is complete":    {[]int64{900}, "found=1 imported=0 completed=0 skipped=0 failed=1", "delete item 1900 in the panel"},
		"the younger is complete":  {[]int64{1900}, "found=1 imported=0 completed=0 skipped=0 failed=1", "delete item 900 in the panel"},
		"the younger was ordered":  {nil, "found=1 imported=0 completed=0 skipped=0 failed=1", "delete item 900 in the panel"},
		"both are complete":        {[]int64{900, 1900}, "found=1 imported=0 completed=0 skipped=1 failed=0", "is on the items 900 1900: delete all but one of them"},
		"one of them is closed":    {[]int64{900, -1900}, "found=1 imported=0 completed=0 skipped=1 failed=0", ""},
		"an open one and a closed": {[]int64{-1900}, "found=1 imported=0 completed=1 skipped=0 failed=0", ""},
	} {
		t.Run(name, func(t *testing.T) {
			i := newImporting(t)
			l := i.able.sell(t, i.fixture, "example.org")
			i.listed.items[900], i.listed.items[1900] = i.lateItem(t, l), i.lateItem(t, l)
			for _, it := range row.complete {
				if it < 0 {
					i.listed.items[-it].status = item.ItemDeleted
					continue
				}
				i.listed.items[it].params[itemparam.Serial] = "0a"
			}
			ordered := strings.Contains(name, "ordered")
			if ordered {
				i.listed.items[1900].csr = "-----BEGIN CERTIFICATE REQUEST-----"
			}
			assert.Equal(t, row.want, i.counts(t))
			if row.says != "" {
				assert.Contains(t, i.said(), row.says)
			} else {
				assert.NotContains(t, i.said(), "delete")
			}
			if len(row.complete) == 0 && !ordered {
				assert.NotEmpty(t, i.listed.items[900].params[itemparam.Serial], "one of them serves the client")
				assert.Empty(t, i.listed.items[1900].params[itemparam.Serial])
			}
		})
	}
}

// unreadableOnce is a panel whose items' certificates cannot be read once.
type unreadableOnce struct {
	*listedPanel
	failed bool
}

func (p *unreadableOnce) HeldCertificates(ctx context.Context, after int64, limit int) ([]item.HeldCertificate, error) {
	if !p.failed {
		p.failed = true
		return nil, fault.Errorf(fault.DB, "item", "lost connection").Retryable()
	}
	return p.listedPanel.HeldCertificates(ctx, after, limit)
}

// rules IMPORT-4: a failed reading does not say that no item holds a key.
func TestHeldKeysThatCouldNotBeReadAreReadAgain(t *testing.T) {
	i := newImporting(t)
	i.able.sell(t, i.fixture, "a.example.org")
	l := i.able.sell(t, i.fixture, "b.example.org")
	pair := newPair(t, "b.example.org")
	i.able.issue(t, l.ID, pair, i.at.AddDate(0, -1, 0), 199)
	i.listed.items[500] = &imported{module: 9, name: "b.example.org", status: 2, csr: pair.csr, params: map[string]string{}}
	run := i.with(i.able, &unreadableOnce{listedPanel: i.listed})
	doc, err := command.Import(context.Background(), run)
	require.NoError(t, err)
	assert.Equal(t, "0", doc.Root().SelectAttrValue("imported", ""), "b's key is held by item 500")
	assert.Equal(t, "1", doc.Root().SelectAttrValue("failed", ""))
	assert.Len(t, i.listed.items, 1)
}

// An item without an order is completed only if name, end, module and status fit and it was not ordered in this panel.
func TestOnlyItemsOfAnInterruptedImportAreCompleted(t *testing.T) {
	for name, change := range map[string]func(*imported){
		"another name":         func(i *imported) { i.name = "other.example.org" },
		"another end":          func(i *imported) { i.expires = i.expires.AddDays(1) },
		"no end":               func(i *imported) { i.expires = cabforum.Date{} },
		"another module":       func(i *imported) { i.module = 6 },
		"not active":           func(i *imported) { i.status = 3 },
		"ordered here":         func(i *imported) { i.csr = "-----BEGIN CERTIFICATE REQUEST-----" },
		"it has a certificate": func(i *imported) { i.params[itemparam.Serial] = "0a" },
		"the id of another":    func(i *imported) { i.remoteID = "4711" },
	} {
		t.Run(name, func(t *testing.T) {
			i := newImporting(t)
			i.listed.ignores = true
			i.able.sell(t, i.fixture, "example.org")
			i.listed.fail["imported 1001"] = fault.Errorf(fault.Panel, "", "broken").Retryable()
			require.Equal(t, "found=1 imported=0 completed=0 skipped=0 failed=1", i.counts(t))
			change(i.listed.items[1001])
			assert.Equal(t, "found=1 imported=1 completed=0 skipped=0 failed=0", i.counts(t))
		})
	}
	i := newImporting(t)
	i.listed.ignores = true
	l := i.able.sell(t, i.fixture, "example.org")
	i.listed.fail["imported 1001"] = fault.Errorf(fault.Panel, "", "broken").Retryable()
	i.counts(t)
	i.listed.items[1001].remoteID = fmt.Sprint(l.ID)
	assert.Equal(t, "found=1 imported=0 completed=1 skipped=0 failed=0", i.counts(t))
}

// An id that another module noted on an item may have another meaning: import does not put the order of that number on the item (rules
// MIGRATE-3, IMPORT-5).
func TestImportPutsNoOrderOnAnItemOfAnotherModule(t *testing.T) {
	for rule, c := range map[string]struct {
		name   string
		stored string
		begun  bool // a migration has begun
		want   string
	}{
		"another name":              {name: "other.example.org", want: "found=1 imported=0 completed=0 skipped=1 failed=0"},
		"a certificate is in place": {name: "example.org", stored: "-----BEGIN CERTIFICATE-----", want: "found=1 imported=0 completed=0 skipped=1 failed=0"},
		"interrupted import":        {name: "Example.org", want: "found=1 imported=0 completed=1 skipped=0 failed=0"},
		"interrupted migration":     {name: "example.org", begun: true, want: "found=1 imported=0 completed=0 skipped=1 failed=0"},
	} {
		t.Run(rule, func(t *testing.T) {
			i := newImporting(t)
			l := i.able.sell(t, i.fixture, "example.org")
			i.listed.items[77] = &imported{module: 5, status: 2, name: c.name, stored: c.stored, params: map[string]string{itemparam.OrderID: fmt.Sprint(l.ID)}}
			if c.begun {
				i.listed.items[77].params[itemparam.Lineage], i.listed.items[77].params[itemparam.Migration] = fmt.Sprint(l.ID), `{"id":1}`
			}
			assert.Equal(t, c.want, i.counts(t))
		})
	}
}

// If the list has no service status, the status of the order says whether it was issued.
func TestImportReadsTheOrderIfTheListHasNoStatus(t *testing.T) {
	i := newImporting(t)
	i.able.sell(t, i.fixture, "issued.example.org")
	waiting := i.able.sell(t, i.fixture, "waiting.example.org")
	i.able.statuses[waiting.ID] = seller.OrderStatus{ID: waiting.ID, State: seller.StateWaiting}
	for n := range i.able.listed {
		i.able.listed[n].State, i.able.listed[n].IssuanceUnknown = seller.StateWaiting, true
	}
	assert.Equal(t, "found=2 imported=1 completed=0 skipped=1 failed=0", i.counts(t))
	assert.Equal(t, "found=2 imported=0 completed=0 skipped=2 failed=0", i.counts(t))
	assert.Len(t, i.listed.items, 1)
}

func TestWhichCertificatesImportSkips(t *testing.T) {
	for rule, c := range map[string]struct {
		set  func(i importing, l *seller.ListedCertificate)
		want string
		says string
	}{
		"not issued": {func(_ importing, l *seller.ListedCertificate) { l.State = seller.StateWaiting }, "found=1 imported=0 completed=0 skipped=1 failed=0", "is waiting: skipped"},
		"expired":    {func(_ importing, l *seller.ListedCertificate) { l.State = seller.StateExpired }, "found=1 imported=0 completed=0 skipped=1 failed=0", "is expired: skipped"},
		"an unknown product": {func(_ importing, l *seller.ListedCertificate) { l.Template, l.Type = "", "Super SSL" },
			"found=1 imported=0 completed=0 skipped=1 failed=0", `is "Super SSL", which is not a product of this module`},
		"an item holds it": {func(i importing, l *seller.ListedCertificate) {
			i.listed.claims = []item.Claim{{Item: 42, OrderID: fmt.Sprint(l.ID)}}
		}, "found=1 imported=0 completed=0 skipped=1 failed=0", "is on item 42"},
		"an item holds what it replaced": {func(i importing, l *seller.ListedCertificate) {
			l.Older = []int64{77}
			i.listed.claims = []item.Claim{{Item: 42, Lineage: "77"}}
		}, "found=1 imported=0 completed=0 skipped=1 failed=0", "is on item 42"},
		"an item's mark, its purchase without answer": {func(i importing, l *seller.ListedCertificate) {
			l.OrderRef = "pmssl-0badc0ffee-42"
			i.listed.claims = []item.Claim{{Item: 42, Intent: "{}"}}
		}, "found=1 imported=0 completed=0 skipped=1 failed=0", "has the order reference of item 42"},
		"the mark of an item that lost its parameters": {func(_ importing, l *seller.ListedCertificate) { l.OrderRef = "pmssl-0badc0ffee-42" },
			"found=1 imported=0 completed=0 skipped=1 failed=0", "has the order reference of item 42"},
		"the mark of an item that is gone": {func(_ importing, l *seller.ListedCertificate) { l.OrderRef = "pmssl-0badc0ffee-41" },
			"found=1 imported=1 completed=0 skipped=0 failed=0", "imported"},
		"another panel's mark": {func(_ importing, l *seller.ListedCertificate) { l.OrderRef = "pmssl-feedfeedfe-42" },
			"found=1 imported=1 completed=0 skipped=0 failed=0", "imported"},
		"bought here and not on its item yet": {func(i importing, l *seller.ListedCertificate) {
			i.listed.journal = []item.JournalEntry{{Time: i.at, Item: 42, ID: l.ID, Account: refOf(i.able.Account())}}
		}, "found=1 imported=0 completed=0 skipped=1 failed=0", "was bought for item 42"},
		"bought for an item of an older database": {func(i importing, l *seller.ListedCertificate) {
			i.listed.journal = []item.JournalEntry{{Time: i.at.AddDate(-1, 0, 0), Item: 42, ID: l.ID, Account: refOf(i.able.Account())}}
		}, "found=1 imported=1 completed=0 skipped=0 failed=0", "imported"},
		"nothing delivered": {func(i importing, l *seller.ListedCertificate) {
			i.seller.statuses[l.ID] = seller.OrderStatus{State: seller.StateIssued}
		}, "found=1 imported=0 completed=0 skipped=0 failed=1", "delivers no certificate"},
		"another name delivered": {func(i importing, l *seller.ListedCertificate) { l.CommonName = "example.net" },
			"found=1 imported=0 completed=0 skipped=0 failed=1", `is a server certificate for "example.net"`},
	} {
		t.Run(rule, func(t *testing.T) {
			i := newImporting(t)
			l := i.able.sell(t, i.fixture, "example.org")
			c.set(i, &l)
			i.able.listed = []seller.ListedCertificate{l}
			assert.Equal(t, c.want, i.counts(t))
			assert.Contains(t, strings.Join(i.log.lines, "\n"), c.says)
		})
	}
}

// A certificate whose key or serial an item of the panel holds gets no second item, whatever module the item is of, and the item
// is named. Of a closed item only the serial counts (rules IMPORT-4).
func TestImportMakesNoSecondItemForAKeyOrSerial(t *testing.T) {
	const skipped, taken = "found=1 imported=0 completed=0 skipped=1 failed=0", "found=1 imported=1 completed=0 skipped=0 failed=0"
	for rule, c := range map[string]struct {
		hold func(i importing, pair keyPair, delivered []string) *imported
		want string
		says string
	}{
		"the key of its CSR": {func(_ importing, pair keyPair, _ []string) *imported { return &imported{csr: pair.csr, status: 2} },
			skipped, `by="key" reason="its key is on item 7"`},
		"the key of its certificate": {func(i importing, pair keyPair, _ []string) *imported {
			return &imported{stored: strings.Join(signed(t, pair, i.at.AddDate(0, -2, 0), 199), ""), status: 2}
		}, skipped, `by="key" reason="its key is on item 7"`},
		"the serial, in an item of another module that is suspended": {func(_ importing, _ keyPair, delivered []string) *imported {
			return &imported{stored: strings.Join(delivered, ""), status: 3, module: 9}
		}, skipped, `by="serial" reason="its serial is on item 7"`},
		"the serial, in a closed item": {func(_ importing, _ keyPair, delivered []string) *imported {
			return &imported{stored: strings.Join(delivered, ""), status: item.ItemDeleted}
		}, skipped, `by="serial" reason="its serial is on item 7, which is closed"`},
		"the key, in a closed item": {func(_ importing, pair keyPair, _ []string) *imported {
			return &imported{csr: pair.csr, status: item.ItemDeleted}
		}, taken, ""},
		"what cannot be read": {func(importing, keyPair, []string) *imported {
			return &imported{csr: "garbage", stored: "garbage", status: 2}
		}, taken, ""},
	} {
		t.Run(rule, func(t *testing.T) {
			i := newImporting(t)
			pair, from := newPair(t, "example.org"), i.at.AddDate(0, -1, 0)
			id := i.able.add(12)
			i.able.issue(t, id, pair, from, 199)
			i.able.listed = []seller.ListedCertificate{{ID: id, State: seller.StateIssued, CommonName: "example.org", Template: "positivessl", Months: 12}}
			held := c.hold(i, pair, i.seller.statuses[id].PEM)
			held.params, held.name = map[string]string{}, "other.example.org"
			i.listed.items[7] = held
			doc, err := command.Import(context.Background(), i.with(i.able, i.listed))
			require.NoError(t, err)
			text, err := doc.WriteToString()
			require.NoError(t, err)
			assert.Contains(t, strings.ReplaceAll(text, `"`, ""), "<doc "+strings.ReplaceAll(c.want, `"`, ""))
			assert.Contains(t, text, c.says)
			assert.Equal(t, c.says != "", strings.Contains(text, "<held "))
			if c.want == skipped {
				assert.Empty(t, i.listed.calls)
			}
		})
	}
}

// Two orders for one key are one item: the second is not imported, in the same run and in the next one.
func TestImportMakesOneItemForTwoOrdersOfOneKey(t *testing.T) {
	i := newImporting(t)
	pair := newPair(t, "example.org")
	for range 2 {
		id := i.able.add(12)
		i.able.issue(t, id, pair, i.at.AddDate(0, -1, 0), 199)
		i.able.listed = append(i.able.listed, seller.ListedCertificate{ID: id, State: seller.StateIssued, CommonName: "example.org", Template: "positivessl", Months: 12})
	}
	assert.Equal(t, "found=2 imported=1 completed=0 skipped=1 failed=0", i.counts(t))
	assert.Equal(t, "found=2 imported=0 completed=0 skipped=2 failed=0", i.counts(t))
	assert.Len(t, i.listed.items, 1)
	assert.Contains(t, strings.Join(i.log.lines, "\n"), "is not imported, because its key is on item 1001")
}

// An item that was ordered in this panel has a CSR: sync_item stores its certificate, because it checks the key.
func TestImportDoesNotCompleteOrderedItems(t *testing.T) {
	i := newImporting(t)
	l := i.able.sell(t, i.fixture, "example.org")
	i.listed.items[7] = &imported{module: 5, status: 2, csr: i.pair.csr, params: map[string]string{itemparam.OrderID: fmt.Sprint(l.ID)}}
	assert.Equal(t, "found=1 imported=0 completed=0 skipped=1 failed=0", i.counts(t))
	i.listed.items[7].csr, i.listed.items[7].status = "", 4
	assert.Equal(t, "found=1 imported=0 completed=0 skipped=1 failed=0", i.counts(t))
	assert.Empty(t, i.listed.calls)
}

func TestOneBadCertificateDoesNotStopTheOthers(t *testing.T) {
	i := newImporting(t)
	i.able.sell(t, i.fixture, "a.example.org")
	bad := i.able.sell(t, i.fixture, "b.example.org")
	i.able.sell(t, i.fixture, "c.example.org")
	i.seller.statuses[bad.ID] = seller.OrderStatus{State: seller.StateIssued, PEM: []string{"garbage"}}
	assert.Equal(t, "found=3 imported=2 completed=0 skipped=0 failed=1", i.counts(t))
}

func TestSearchWordsOfImport(t *testing.T) {
	for search, want := range map[string][]string{
		"":                             {"a.example.org", "xn--e1afmkfd.example.org", "*.example.org"},
		"a.example.org":                {"a.example.org"},
		`A.EXAMPLE.ORG.\*.example.org`: {"a.example.org", "*.example.org"},
		"пример.example.org  nobody.example": {"xn--e1afmkfd.example.org"},
		"example.org": nil,
	} {
		i := newImporting(t)
		for _, name := range []string{"a.example.org", "xn--e1afmkfd.example.org", "*.example.org"} {
			i.able.sell(t, i.fixture, name)
		}
		i.args.Search = search
		i.counts(t)
		var names []string
		for _, call := range i.listed.calls {
			if name, is := strings.CutPrefix(call, "import "); is {
				names = append(names, strings.Fields(name)[0])
			}
		}
		slices.Sort(names)
		slices.Sort(want)
		assert.Equal(t, want, names, search)
	}
}

func TestImportLogsItsProgress(t *testing.T) {
	i := newImporting(t)
	for range 120 {
		i.able.listed = append(i.able.listed, seller.ListedCertificate{ID: 1, State: seller.StateExpired})
	}
	assert.Equal(t, "found=120 imported=0 completed=0 skipped=120 failed=0", i.counts(t))
	said := strings.Join(i.log.lines, "\n")
	assert.Contains(t, said, "import: 50 of 120")
	assert.Contains(t, said, "import: 100 of 120")
}

func TestImportsThatCannotStart(t *testing.T) {
	begin := func(i importing, theSeller seller.Seller) error {
		_, err := command.Import(context.Background(), i.with(theSeller, i.listed))
		return err
	}
	t.Run("another type of items", func(t *testing.T) {
		i := newImporting(t)
		i.args.ItemType = "domain"
		assert.Equal(t, "itemtype", fault.From(begin(i, i.able)).Object)
	})
	t.Run("a seller without a list", func(t *testing.T) {
		i := newImporting(t)
		require.ErrorContains(t, begin(i, i.seller), "does not support listing certificates")
	})
	t.Run("another import is running", func(t *testing.T) {
		i := newImporting(t)
		i.listed.swept = true
		assert.Equal(t, fault.Locked, faultType(t, begin(i, i.able)))
		assert.Empty(t, i.able.asked)
	})
	t.Run("the list cannot be had", func(t *testing.T) {
		i := newImporting(t)
		i.able.fail["list"] = fault.Errorf(fault.Client, "", "no answer").Retryable()
		assert.Equal(t, fault.Client, faultType(t, begin(i, i.able)))
	})
	t.Run("a signal", func(t *testing.T) {
		i := newImporting(t)
		i.able.sell(t, i.fixture, "example.org")
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, err := command.Import(ctx, i.with(i.able, i.listed))
		assert.Equal(t, fault.Interrupted, faultType(t, err))
		assert.Empty(t, i.listed.items)
	})
	t.Run("a signal during the last certificate", func(t *testing.T) {
		i := newImporting(t)
		i.able.sell(t, i.fixture, "example.org")
		ctx, cancel := context.WithCancelCause(context.Background())
		_, err := command.Import(ctx, i.with(i.able, expiringSeller{i.listed, func() { cancel(errors.New("signal terminated")) }}))
		assert.Equal(t, fault.Interrupted, faultType(t, err), "not counted as a failed certificate")
	})
}

// expiringSeller is a panel whose import call ends the run's context.
type expiringSeller struct {
	*listedPanel
	end func()
}

func (h expiringSeller) ImportService(context.Context, item.Import) (int64, error) {
	h.end()
	return 0, fault.Errorf(fault.Interrupted, "processing.import.service", "mgrctl was ended by a signal").Retryable()
}
