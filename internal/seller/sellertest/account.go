package sellertest

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
)

// infoIsComplete checks what is fixed about the seller before any connection.
func infoIsComplete(t *testing.T, subject Subject) {
	info := subject.Info(newEnv(t).env)
	assert.NotEmpty(t, info.Title)
	assert.NotNil(t, info.Prototype)
	assert.True(t, is[seller.Activator](info.Prototype) || is[seller.OrderReferencer](info.Prototype),
		"a purchase whose answer is lost could not be found again (rules BUY-4)")
	assert.True(t, slices.IsSorted(info.Terms), "%v", info.Terms)
	assert.Contains(t, info.Terms, subject.Months)
	assert.True(t, slices.ContainsFunc(info.Params, func(p seller.Param) bool { return p.Crypted }), "a login has a secret")
	ids := map[string]bool{}
	for _, p := range info.Products {
		assert.Equal(t, seller.TemplateID(p.ID), p.ID, "a template id (rules PARAM-21)")
		assert.False(t, ids[p.ID], "%s is there twice", p.ID)
		ids[p.ID] = true
		assert.NotEmpty(t, p.Names, p.ID)
	}
	for _, p := range info.Products {
		if p.Successor != "" {
			next, found := seller.FindProduct(info.Products, p.Successor)
			assert.True(t, found && next.Orderable(), "%s: the successor %s cannot be ordered", p.ID, p.Successor)
		}
	}
	connected, err := info.Connect(map[string]string{})
	require.Error(t, err, "a connection without parameters")
	assert.Nil(t, connected)
	assert.Equal(t, fault.Missed, fault.From(err).Type, "%v", err)
}

func accountRules() []rule {
	return []rule{
		{name: "account names the address and the user, never a secret", run: accountIsNamed},
		{name: "check asks for something harmless", run: checkIsHarmless},
		{name: "check tells a wrong login", run: checkTellsWrongLogin},
		{name: "snapshot of an account without orders is empty", run: snapshotIsEmpty},
		{name: "a dry run pays for nothing", run: dryRunPaysNothing},
	}
}

func accountIsNamed(t *testing.T, s *session) {
	params := s.at.Params()
	assert.NotEmpty(t, s.Account())
	assert.Equal(t, s.info.Account(params), s.Account(), "the lock of the account has one name (rules BUY-1)")
	assert.Equal(t, s.connect(t, params).Account(), s.Account())
	s.hidesSecrets(t, s.Account())
}

func checkIsHarmless(t *testing.T, s *session) {
	require.NoError(t, s.Check(t.Context()))
	assert.Zero(t, s.at.Payments())
}

func checkTellsWrongLogin(t *testing.T, s *session) {
	params := maps.Clone(s.at.Params())
	maps.Copy(params, s.subject.WrongLogin)
	err := s.connect(t, params).Check(t.Context())
	require.Error(t, err)
	failure := fault.From(err)
	assert.Contains(t, []string{fault.Login, fault.Auth}, failure.Type, "%v", err)
	assert.False(t, failure.Retry, "a wrong login does not pass by itself")
	for _, value := range s.subject.WrongLogin {
		assert.NotContains(t, err.Error(), value)
	}
}

func snapshotIsEmpty(t *testing.T, s *session) {
	snapshot, err := s.OrderSnapshot(t.Context())
	require.NoError(t, err)
	assert.Zero(t, snapshot.Highest)
	assert.Empty(t, snapshot.Records)
}

func dryRunPaysNothing(t *testing.T, s *session) {
	r := s.request(t, "dry.example", "auth_dnstxt")
	dry := s.dry(t)
	require.NoError(t, dry.Check(t.Context()), "a dry run reads")
	_, err := dry.Buy(t.Context(), s.purchase(t, r))
	require.Error(t, err)
	assert.False(t, fault.From(err).OutcomeUnknown, "%v", err)
	assert.Zero(t, s.at.Count(Buy))
	if is[seller.Reissuer](dry) {
		id := s.issued(t, r)
		_, _, err = dry.(seller.Reissuer).Reissue(t.Context(), id, s.request(t, "dry.example", "auth_dnstxt"))
		require.Error(t, err)
		assert.Zero(t, s.at.Count(Reissue))
	}
}
