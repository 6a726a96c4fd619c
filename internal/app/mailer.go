package app

import (
	"context"
	"path/filepath"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/notify"
)

// settingMailFrom is the option of etc/billmgr.conf with the sender of letters to clients (rules SWEEP-6).
const settingMailFrom = "SSLSubscriptionMailFrom"

// settingSendmail is the option of etc/billmgr.conf with the path of the sendmail program (rules CLI-2).
const settingSendmail = "SSLSendmail"

// mailer hands the commands' letters to the server's own mail transport. Nothing is looked at before the first letter.
type mailer struct{ session *invocation }

// Send implements command.Mailer.
func (p mailer) Send(ctx context.Context, l item.Notice) error {
	s := p.session
	from, err := s.host.Setting(ctx, settingMailFrom)
	if err != nil {
		return err
	}
	program, err := p.sendmail(ctx)
	if err != nil {
		return err
	}
	transport := &notify.Mailer{
		From: from, TemplateDir: filepath.Join(s.root, "etc", "pmssl", "templates"), Program: program,
		Now: s.system.Now, Rand: s.system.Rand, Log: s.rootLog.Named("letter"),
	}
	order := s.secrets.maskValue(strings.TrimSpace(l.Product + " " + l.Order)) // the seller's words, as the proofs are
	return transport.Send(ctx, notify.NoticeData{
		Kind: notify.Kind(l.Kind), Lang: l.To.Lang, To: l.To.Email, ToName: l.To.Name, Item: l.Item, Panel: l.Panel, Domain: l.Domain, SANs: l.SANs,
		Order: order, Expires: l.Expires, PaidUntil: l.PaidUntil, DaysLeft: l.DaysLeft, Method: l.Method, ProofText: s.secrets.maskValue(l.Challenges),
	})
}

// sendmail returns the program that the administrator names; empty for those in the usual places. PATH names none: whoever
// starts the panel does not choose which program gets the letters.
func (p mailer) sendmail(ctx context.Context) (string, error) {
	program, err := p.session.host.Setting(ctx, settingSendmail)
	if err == nil && program != "" && !filepath.IsAbs(program) {
		return "", fault.Errorf(fault.Value, settingSendmail, "%s is %q, it must be an absolute path", settingSendmail, clip(program, maxFaultWord))
	}
	return program, err
}
