package subscription

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/lifecycle"
	"pmssl/internal/pki"
)

// missingCSRPause is the time between two questions to the seller for the CSR of a certificate whose client cannot be notified.
const missingCSRPause = 24 * time.Hour

// actOnImported handles a due certificate that was imported and that the panel has no CSR of. It is reissued with the CSR that
// the seller shows for its order; if that does not fit, the client is notified, who can give one (rules IMPORT-3). The seller
// is not asked again about a certificate whose client was notified, and once a day if the client could not be.
func (s *sweep) actOnImported(ctx context.Context, j *sweptItem, row *sweepRow, stored pki.Chain) error {
	if j.notified() || j.missedCSR(stored) {
		return s.handleMissingCSR(ctx, j, row, lifecycle.ErrNoCSR)
	}
	if down := s.down.Of(j.Account); down != nil {
		s.skipForOutage(row, actionReissue, down)
		return nil
	}
	err := j.AdoptCSR(ctx)
	if errors.Is(err, lifecycle.ErrNoCSR) {
		err = s.handleMissingCSR(ctx, j, row, err)
		if s.dry || j.notified() {
			return err
		}
		return errors.Join(err, j.SaveParam(ctx, itemparam.CSRMissed, stored.Serial()+" "+j.Now().UTC().Format(time.RFC3339)))
	}
	row.action, row.result = actionReissue, resultOK
	if err != nil {
		return s.escalateBlocked(ctx, j, row, stored, err)
	}
	return s.actByReissue(ctx, j, row, stored)
}

// notified reports whether the client was notified about the stored certificate.
func (j *sweptItem) notified() bool {
	serial := j.Item.Params[itemparam.Serial]
	return serial != "" && j.Item.Params[itemparam.NotifiedSerial] == serial
}

// missedCSR reports whether the seller was asked for the CSR of the stored certificate a short time ago, and showed none that
// fits.
func (j *sweptItem) missedCSR(stored pki.Chain) bool {
	words := strings.Fields(j.Item.Params[itemparam.CSRMissed])
	if len(words) != 2 || words[0] != stored.Serial() {
		return false
	}
	at, err := time.Parse(time.RFC3339, words[1])
	return err == nil && !at.After(j.Now()) && j.Now().Sub(at) < missingCSRPause
}

// handleMissingCSR handles a due certificate that was imported if no CSR for it is known: the module cannot request a
// reissue. The client can provide a CSR by pressing Reissue in the panel. The client is notified once, and the administrator
// gets a task; why says what is wrong with the CSR at the seller.
func (s *sweep) handleMissingCSR(ctx context.Context, j *sweptItem, row *sweepRow, why error) error {
	row.action, row.result, row.reason = actionNotify, resultOK, reasonNoCSR
	if s.dry {
		row.result, row.reason = resultSkipped, "dry run"
		return nil
	}
	text := fmt.Sprintf("the certificate of %s expires on %s and is not reissued: %s", row.name, row.expires, fault.From(why).Message)
	j.Log.Warningf("%s", text)
	if err := j.Panel.Escalate(ctx, j.Item.Item, 0, asReissue, text); err != nil {
		return err
	}
	return s.notifyClient(ctx, j, row, item.NoticeExpires, true)
}

// reasonNoCSR is the reason in the document for which a client is notified under the policy auto.
const reasonNoCSR = "no_csr"
