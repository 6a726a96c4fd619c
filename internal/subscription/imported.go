package subscription

import (
	"context"
	"fmt"

	"pmssl/internal/item"
)

// handleMissingCSR handles a due certificate that was imported. The panel has no CSR, so the module cannot request a reissue;
// the client can provide a CSR by pressing Reissue in the panel. The client is notified once, and the administrator gets a task.
func (s *sweep) handleMissingCSR(ctx context.Context, j *sweptItem, row *sweepRow) error {
	row.action, row.result, row.reason = actionNotify, resultOK, reasonNoCSR
	if s.dry {
		row.result, row.reason = resultSkipped, "dry run"
		return nil
	}
	text := fmt.Sprintf("the certificate of %s expires on %s and was imported without a CSR: it is replaced when the client presses Reissue", row.name, row.expires)
	j.Log.Warningf("%s", text)
	if err := s.Panel.Escalate(ctx, j.Item.Item, 0, asReissue, text); err != nil {
		return err
	}
	return s.notifyClient(ctx, j, row, item.NoticeExpires, true)
}

// reasonNoCSR is the reason in the document for which a client is notified under the policy auto.
const reasonNoCSR = "no_csr"
