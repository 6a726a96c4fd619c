package subscription

import (
	"context"
	"fmt"

	"pmssl/internal/item"
)

// withoutCSR handles a due certificate that was imported: the panel never had its CSR, so nothing can be asked for. Only
// the client can bring one, by the panel's Reissue; he is reported once, and the administrator has a task.
func (s *sweep) withoutCSR(ctx context.Context, j *sweptItem, row *sweepRow) error {
	row.action, row.result, row.reason = actionNotify, resultOK, reasonNoCSR
	if s.dry {
		row.result, row.reason = resultSkipped, "dry run"
		return nil
	}
	text := fmt.Sprintf("the certificate of %s ends %s and was imported without a CSR: it is replaced when the client presses Reissue", row.name, row.expires)
	j.Log.Warningf("%s", text)
	if err := s.Panel.Escalate(ctx, j.Item.Item, 0, asReissue, text); err != nil {
		return err
	}
	return s.notifyClient(ctx, j, row, item.NoticeExpires, true)
}

// reasonNoCSR is why the client of an imported certificate is told although the policy reissues by itself.
const reasonNoCSR = "no_csr"
