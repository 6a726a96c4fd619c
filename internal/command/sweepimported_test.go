package command_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/item"
)

// An imported certificate has no CSR, so it cannot be reissued: client and administrator are notified in time.
func TestThePolicyAutoNotifiesAboutImportedCertificates(t *testing.T) {
	s := sweepFixture(t, 10)
	s.panel.order.CSR = ""
	doc, failed := s.sweep(t)
	assert.False(t, failed)
	assert.Contains(t, doc, `due="1" reissued="0" told="1" failed="0"`)
	assert.Contains(t, doc, `action="tell" result="ok" reason="no_csr"`)
	require.Len(t, s.mailer.notices, 1)
	assert.Equal(t, item.NoticeExpires, s.mailer.notices[0].Kind)
	assert.Contains(t, s.panel.calls, "manual 42 0 reopen")
	s.at = s.at.AddDate(0, 0, 1)
	s.sweep(t)
	assert.Len(t, s.mailer.notices, 1, "once")
	assert.Len(t, s.panel.tasks, 1)
	assert.Zero(t, s.seller.reissues)

	dry := sweepFixture(t, 10)
	dry.panel.order.CSR, dry.args.DryRun = "", true
	dry.panel.calls = nil
	doc, _ = dry.sweep(t)
	assert.Contains(t, doc, `action="tell" result="skipped" reason="dry run"`)
	assert.Empty(t, dry.panel.calls)
	assert.Empty(t, dry.mailer.notices)
}
