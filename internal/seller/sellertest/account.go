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

// infoIsComplete checks Info, which describes the seller without a connection.
func infoIsComplete(t *testing.T, subject Subject) {
	info := subject.Info(newEnv(t).env)
	assert.NotEmpty(t, info.Title, "Info.Title")
	assert.NotNil(t, info.Prototype, "Info.Prototype")
	assert.True(t, is[seller.Activator](info.Prototype) || is[seller.OrderReferencer](info.Prototype),
		"a purchase whose answer is lost could not be found again (rules BUY-4)")
	assert.True(t, slices.IsSorted(info.Terms), "Info.Terms ascend: %v", info.Terms)
	assert.Contains(t, info.Terms, subject.Months, "Info.Terms has Subject.Months")
	paramsAreComplete(t, info)
	ids := map[string]bool{}
	for _, p := range info.Products {
		assert.Equal(t, seller.TemplateID(p.ID), p.ID, "a template id (rules PARAM-21)")
		assert.False(t, ids[p.ID], "Info.Products has %s twice", p.ID)
		ids[p.ID] = true
		assert.NotEmpty(t, p.Names, "%s: Product.Names", p.ID)
		assert.True(t, p.Level >= seller.DV && p.Level <= seller.EV, "%s: Product.Level is DV, OV or EV", p.ID)
	}
	for _, p := range info.Products {
		if p.Successor != "" {
			next, found := seller.FindProduct(info.Products, p.Successor)
			assert.True(t, found && next.Orderable(), "%s: the successor %s cannot be ordered", p.ID, p.Successor)
		}
	}
	connected, err := info.Connect(map[string]string{})
	require.Error(t, err, "a connection without parameters")
	assert.Nil(t, connected, "Connect returns nil beside an error, not a nil client in a seller.Seller")
	assert.Equal(t, fault.Missed, fault.From(err).Type, "a missing parameter is fault.Missed: %v", err)
}

// paramsAreComplete checks the connection parameters that the panel expects of every module.
func paramsAreComplete(t *testing.T, info seller.Info) {
	t.Helper()
	has := func(name string) bool {
		return slices.ContainsFunc(info.Params, func(p seller.Param) bool { return p.Name == name })
	}
	assert.True(t, slices.ContainsFunc(info.Params, func(p seller.Param) bool { return p.Crypted }), "Info.Params has a secret with Crypted")
	assert.True(t, has(seller.ParamAlterMethods), "Info.Params has seller.ParamAlterMethods (rules PANEL-9)")
	if is[seller.BalanceReporter](info.Prototype) {
		assert.True(t, has("threshold"), "Info.Params of a seller that reports its balance has threshold (docs/reference/billmanager.md §2)")
	}
}

func accountRules() []rule {
	return []rule{
		{name: "account names the address and the user, never a secret", run: accountIsNamed},
		{name: "check only reads", run: checkOnlyReads},
		{name: "check distinguishes a wrong login", run: checkFindsWrongLogin},
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

func checkOnlyReads(t *testing.T, s *session) {
	require.NoError(t, s.Check(t.Context()))
	assert.Zero(t, s.at.Payments())
}

func checkFindsWrongLogin(t *testing.T, s *session) {
	params := maps.Clone(s.at.Params())
	maps.Copy(params, s.subject.WrongLogin)
	err := s.connect(t, params).Check(t.Context())
	require.Error(t, err)
	failure := fault.From(err)
	assert.Contains(t, []string{fault.Login, fault.Auth}, failure.Type, "a wrong login is fault.Login: %v", err)
	assert.False(t, failure.Retry, "a wrong login stays wrong: no retry")
	for _, value := range s.subject.WrongLogin {
		assert.NotContains(t, err.Error(), value)
	}
}

func snapshotIsEmpty(t *testing.T, s *session) {
	snapshot, err := s.OrderSnapshot(t.Context())
	require.NoError(t, err)
	assert.Zero(t, snapshot.Highest, "OrderSnapshot.Highest")
	assert.Empty(t, snapshot.Orders, "OrderSnapshot.Orders")
}

func dryRunPaysNothing(t *testing.T, s *session) {
	r := s.request(t, "dry.example", "auth_dnstxt")
	dry := s.dry(t)
	require.NoError(t, dry.Check(t.Context()), "a dry run reads")
	_, err := dry.Buy(t.Context(), s.purchase(t, r))
	require.Error(t, err, "Buy of a client that was connected with Env.DryRun")
	assert.False(t, fault.From(err).OutcomeUnknown, "nothing was sent: %v", err)
	assert.Zero(t, s.at.Count(Buy), "a dry run pays for nothing")
	if is[seller.Reissuer](dry) {
		id := s.issued(t, r)
		_, _, err = dry.(seller.Reissuer).Reissue(t.Context(), id, s.request(t, "dry.example", "auth_dnstxt"))
		require.Error(t, err, "Reissue of a client that was connected with Env.DryRun")
		assert.Zero(t, s.at.Count(Reissue), "a dry run changes nothing")
	}
}
