package command_test

import (
	"strings"
	"testing"
	"time"

	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/seller"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// life is the begin and the end of a certificate, in days from now.
type life struct{ begins, ends int }

// rules STORE-7: which certificate replaces the stored one. The stored one was issued 100 days ago and ends in 90 days.
func TestSTORE7WhichCertificateIsStored(t *testing.T) {
	for name, row := range map[string]struct {
		stored  *life // nil: nothing is stored
		issued  life
		change  func(*testing.T, *fixture)
		stores  bool
		status  string
		refused bool // the administrator gets a task, the serial is remembered
		fails   bool
	}{
		"nothing is stored":                       {issued: life{0, 199}, stores: true, status: "5"},
		"nothing is stored, not valid yet":        {issued: life{1, 199}, status: "4"},
		"nothing is stored, ended":                {issued: life{-200, -1}, status: "4", fails: true},
		"it ends later":                           {stored: &life{-100, 90}, issued: life{0, 91}, stores: true, status: "5"},
		"it ends later, not valid yet":            {stored: &life{-100, 90}, issued: life{1, 199}, status: "4"},
		"it ends on the same day":                 {stored: &life{-100, 90}, issued: life{0, 90}, status: "5", refused: true},
		"it ends earlier":                         {stored: &life{-100, 90}, issued: life{0, 30}, status: "5", refused: true},
		"it ends earlier, not valid yet":          {stored: &life{-100, 90}, issued: life{1, 30}, status: "5", refused: true},
		"it has ended":                            {stored: &life{-100, 90}, issued: life{-100, -1}, status: "5", refused: true},
		"both have ended":                         {stored: &life{-100, -5}, issued: life{-100, -1}, status: "5", refused: true},
		"the stored one has ended":                {stored: &life{-100, -1}, issued: life{0, 30}, stores: true, status: "5"},
		"the stored one is revoked":               {stored: &life{-100, 90}, issued: life{0, 30}, change: revokeStored, stores: true, status: "5"},
		"the new one is the revoked one":          {stored: &life{-100, 90}, issued: life{0, 199}, change: revokeIssued, status: "5", refused: true},
		"it answers a request with another key":   {stored: &life{-100, 90}, issued: life{0, 30}, change: anotherKey, stores: true, status: "5"},
		"it answers a request with another name":  {stored: &life{-100, 90}, issued: life{0, 30}, change: anotherName, stores: true, status: "5"},
		"another key, but it has ended":           {stored: &life{-100, 90}, issued: life{-30, -1}, change: anotherKey, status: "5", refused: true},
		"another name, of an item of old version": {stored: &life{-100, 90}, issued: life{0, 30}, change: anotherNameUnknown, stores: true, status: "5"},
	} {
		t.Run(name, func(t *testing.T) {
			s := waitingFixture(t)
			s.moreNames = true
			s.panel.order.Template, s.panel.order.SANs, s.panel.order.Period = "san_certificate", 2, 60
			s.at = now().AddDate(1, 0, 0)
			id := int64(101)
			if row.stored != nil {
				s.storeLife(t, id, *row.stored)
				id = s.replace(t, id)
			}
			before := s.panel.stored
			s.issueLife(t, id, row.issued)
			if row.change != nil {
				row.change(t, s)
			}
			err := s.run(command.SyncItem)
			if row.fails {
				assert.Equal(t, fault.Delivered, faultType(t, err))
			} else {
				require.NoError(t, err)
			}
			assert.Equal(t, row.stores, before != s.panel.stored)
			assert.Equal(t, row.status, s.param(itemparam.ServiceStatus))
			assert.Equal(t, row.refused, s.param(itemparam.RefusedSerial) != "")
			if row.refused || row.fails {
				assert.Len(t, s.panel.tasks, 1)
			} else {
				assert.Empty(t, s.panel.tasks)
			}
			s.panel.tasks = nil // the administrator has read and deleted it
			s.panel.calls = nil
			again := s.run(command.SyncItem)
			assert.Equal(t, row.fails, again != nil)
			if row.refused {
				assert.Empty(t, s.panel.calls, "it is not processed again")
			}
		})
	}
}

// storeLife issues a certificate of the id and stores it on its first day.
func (s *fixture) storeLife(t *testing.T, id int64, l life) {
	t.Helper()
	now := s.at
	s.issueLife(t, id, l)
	s.at = now.AddDate(0, 0, l.begins)
	require.NoError(t, s.run(command.SyncItem))
	require.Equal(t, "5", s.param(itemparam.ServiceStatus))
	s.at = now
}

func (s *fixture) issueLife(t *testing.T, id int64, l life) {
	t.Helper()
	s.seller.issue(t, id, s.pair, s.at.AddDate(0, 0, l.begins), l.ends-l.begins)
}

// replace adds a reissue that was requested at the seller directly and returns its id.
func (s *fixture) replace(t *testing.T, id int64) int64 {
	t.Helper()
	s.seller.next++
	s.seller.change(id, func(r *seller.OrderStatus) { r.State, r.ReplacedBy = seller.StateReplaced, s.seller.next })
	s.seller.statuses[s.seller.next] = seller.OrderStatus{State: seller.StateWaiting, CSR: s.pair.csr}
	require.NoError(t, s.run(command.SyncItem))
	return s.seller.next
}

func revokeStored(t *testing.T, s *fixture) {
	t.Helper()
	issued := s.seller.statuses[102]
	s.seller.change(102, func(r *seller.OrderStatus) {
		*r = s.seller.statuses[101]
		r.State, r.ReplacedBy, r.StatusText = seller.StateCancelled, 0, "cancelled"
	})
	require.NoError(t, s.run(command.SyncItem), "the seller says that the stored one is cancelled")
	require.Equal(t, s.param(itemparam.Serial), s.param(itemparam.RevokedSerial))
	s.panel.tasks = nil
	s.seller.statuses[102] = issued
}

func revokeIssued(t *testing.T, s *fixture) {
	t.Helper()
	chain, err := pki.StoredLeaf(strings.Join(s.seller.statuses[102].PEM, "\n"))
	require.NoError(t, err)
	s.panel.order.Params[itemparam.RevokedSerial] = chain.Serial()
}

func anotherKey(t *testing.T, s *fixture) {
	t.Helper()
	old, err := pki.StoredLeaf(strings.Join(s.seller.statuses[102].PEM, "\n"))
	require.NoError(t, err)
	s.pair = newPair(t, "example.com")
	s.panel.order.CSR = s.pair.csr
	s.seller.issue(t, 102, s.pair, old.Leaf.NotBefore, int(old.Leaf.NotAfter.Sub(old.Leaf.NotBefore).Hours()+1)/24)
}

// anotherName removes a name from the request that the stored certificate covers.
func anotherName(t *testing.T, s *fixture) {
	t.Helper()
	s.panel.order.Params[itemparam.AltName] = "www.example.com"
}

func anotherNameUnknown(t *testing.T, s *fixture) {
	t.Helper()
	delete(s.panel.order.Params, itemparam.LeafNames)
	s.seller.issueNames(t, 102, s.pair, s.at, 30, "a.example.com")
}

// rules STORE-7: a certificate that is not valid yet is stored when it becomes valid. After a day a task is opened, and closed
// when it is stored.
func TestSTORE7ACertificateThatIsNotValidYetIsWaitedFor(t *testing.T) {
	s := waitingFixture(t)
	s.seller.issue(t, 101, s.pair, now().Add(30*time.Hour), 199)
	require.NoError(t, s.run(command.SyncItem))
	s.at = now().Add(23 * time.Hour)
	require.NoError(t, s.run(command.SyncItem))
	assert.Empty(t, s.panel.tasks)
	s.at = now().Add(25 * time.Hour)
	require.NoError(t, s.run(command.SyncItem))
	require.NoError(t, s.run(command.SyncItem))
	assert.Len(t, s.panel.tasks, 1)
	assert.Empty(t, s.panel.stored)
	s.at = now().Add(30 * time.Hour)
	require.NoError(t, s.run(command.SyncItem))
	assert.Equal(t, "5", s.param(itemparam.ServiceStatus))
	assert.Contains(t, s.panel.calls, "close task 1")
	assert.Empty(t, s.param(itemparam.WaitingTask))
	assert.Empty(t, s.param(itemparam.NotBefore))
}

// rules SWEEP-3: whether a reissue that does not last longer shows the end of the seller's term. The limits of the CA/Browser
// Forum are 200 days now, 100 from 2027-03-15 and 47 from 2029-03-15 on.
func TestSWEEP3WhichReissuesShowTheEndOfTheSellersTerm(t *testing.T) {
	for name, row := range map[string]struct {
		at      string
		begins  time.Duration // from the request
		days    int
		unasked bool // the seller reissued without a request
		learned bool
	}{
		"far below both caps":              {at: "2026-10-08", days: 9, learned: true},
		"made before the request":          {at: "2026-10-08", begins: -49 * time.Hour, days: 9},
		"dated back by two days":           {at: "2026-10-08", begins: -47 * time.Hour, days: 9, learned: true},
		"near today's cap":                 {at: "2028-10-08", days: 96},
		"near the next cap":                {at: "2028-10-08", days: 43},
		"just below the next cap":          {at: "2028-10-08", days: 41, learned: true},
		"not requested":                    {at: "2026-10-08", days: 9, unasked: true},
		"the last cap is followed by none": {at: "2029-10-08", days: 41, learned: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := issuedFixture(t)
			var err error
			s.at, err = time.Parse(time.DateOnly, row.at)
			require.NoError(t, err)
			s.seller.issue(t, 101, s.pair, s.at.AddDate(0, 0, -1), row.days+30) // ends later than the new one
			s.args.Command = "sync_item"
			require.NoError(t, s.run(command.SyncItem))
			s.args.Command = "reopen"
			s.at = s.at.Add(25 * time.Hour)
			if row.unasked {
				s.replace(t, 101)
			} else {
				require.NoError(t, s.run(command.Reopen))
			}
			s.seller.issue(t, 102, s.pair, s.at.Add(row.begins), row.days)
			s.args.Command = "sync_item"
			s.at = s.at.Add(time.Minute)
			require.NoError(t, s.run(command.SyncItem))
			require.NotEmpty(t, s.param(itemparam.RefusedSerial))
			assert.Equal(t, row.learned, s.param(itemparam.TermEnd) != "")
		})
	}
}

// rules SWEEP-3: the known end of the seller's term does not prevent the last attempt, three days before the certificate ends.
func TestSWEEP3TheKnownEndDoesNotPreventTheLastAttempt(t *testing.T) {
	for before, attempts := range map[int]int{4: 0, 3: 1, 0: 1, -2: 1} {
		s := sweepFixture(t, before)
		s.panel.order.Params[itemparam.TermEnd] = "2026-10-18"
		s.seller.reissueErr = &fault.Error{Type: fault.API, Message: "no"}
		s.sweep(t)
		assert.Equal(t, attempts, s.seller.reissues, "%d days before the end", before)
		s.at = s.at.Add(25 * time.Hour)
		s.sweep(t)
		assert.Equal(t, 1, max(attempts, s.seller.reissues), "one attempt, not one a day")
		assert.LessOrEqual(t, s.seller.reissues, 1)
	}
}

// A refused certificate ends its reissue: the next one can be requested and replaces the stored certificate.
func TestAfterARefusedCertificateTheNextReissueFollows(t *testing.T) {
	s := sweepFixture(t, 10)
	doc, _ := s.sweep(t)
	require.Contains(t, doc, `reissued="1"`)
	s.seller.issue(t, 102, s.pair, s.at, 5)
	s.sweep(t)
	require.Equal(t, "5", s.param(itemparam.ServiceStatus))
	require.NotEmpty(t, s.param(itemparam.RefusedSerial))
	delete(s.panel.order.Params, itemparam.TermEnd) // as if it had not been concluded
	s.at = s.at.Add(25 * time.Hour)
	doc, failed := s.sweep(t)
	assert.False(t, failed, doc)
	assert.Equal(t, 2, s.seller.reissues, doc)
	s.seller.issue(t, 103, s.pair, s.at, 199)
	s.sweep(t)
	assert.Equal(t, "5", s.param(itemparam.ServiceStatus))
	assert.Equal(t, "2027-04-26", s.param(itemparam.ExpireDate))
}

// At a seller that reissues in place, the refused certificate stays visible until the next one is issued.
func TestAfterARefusedCertificateInPlaceTheNextReissueIsWaitedFor(t *testing.T) {
	s := placedFixture(t, 60)
	require.NoError(t, s.run(command.Reopen))
	s.remote.issue(t, 500, s.pair, s.at, 5)
	s.args.Command = "sync_item"
	require.NoError(t, s.run(command.SyncItem))
	require.NotEmpty(t, s.param(itemparam.RefusedSerial))
	s.args.Command = "reopen"
	s.at = s.at.Add(25 * time.Hour)
	require.NoError(t, s.run(command.Reopen))
	require.Equal(t, 2, s.remote.reissues)
	s.remote.change(500, func(r *seller.OrderStatus) { r.State, r.Inferred = seller.StateIssued, true })
	s.args.Command = "sync_item"
	require.NoError(t, s.run(command.SyncItem))
	assert.Equal(t, "4", s.param(itemparam.ServiceStatus), "the refused certificate is not the new one")
	s.remote.issue(t, 500, s.pair, s.at, 199)
	require.NoError(t, s.run(command.SyncItem))
	assert.Equal(t, "5", s.param(itemparam.ServiceStatus))
}

// Whatever the parameters of an item contain, the better certificate is stored.
func FuzzParametersOfTheAcceptedCertificate(f *testing.F) {
	for _, seed := range []string{"", "open", "a b c", "101 2026-04-02T10:00:00Z", "101 9999-12-31T23:59:59Z", "-1", "9223372036854775808", "1", "\x00", " \n"} {
		f.Add(seed, seed, seed)
	}
	f.Fuzz(func(t *testing.T, ref, since, task string) {
		s := waitingFixture(t)
		for name, value := range map[string]string{
			itemparam.Requested: ref, itemparam.LeafKey: ref, itemparam.LeafNames: ref, itemparam.NotBefore: since, itemparam.IssuedSince: since,
			itemparam.WaitingTask: task, itemparam.RefusedSerial: task, itemparam.RevokedSerial: task,
		} {
			if value != "" {
				s.panel.order.Params[name] = value
			}
		}
		s.seller.issue(t, 101, s.pair, now().Add(time.Hour), 199)
		require.NoError(t, s.run(command.SyncItem))
		s.at = now().Add(2 * time.Hour)
		require.NoError(t, s.run(command.SyncItem))
		assert.Equal(t, "5", s.param(itemparam.ServiceStatus))
		assert.Empty(t, s.param(itemparam.WaitingTask))
	})
}
