package module

import (
	"context"
	"path/filepath"
	"strings"

	"pmssl/internal/command"
	"pmssl/internal/letter"
)

// settingMailFrom is the option of etc/billmgr.conf with the sender of letters to clients (contract 5.6).
const settingMailFrom = "SSLSubscriptionMailFrom"

// post hands the commands' letters to the server's own mail transport. Nothing is looked at before the first letter.
type post struct{ session *session }

// Send implements command.Post.
func (p post) Send(ctx context.Context, l command.Letter) error {
	s := p.session
	from, err := s.host.Setting(ctx, settingMailFrom)
	if err != nil {
		return err
	}
	transport := &letter.Post{
		From: from, TemplateDir: filepath.Join(s.root, "etc", "pmssl", "templates"), Sendmail: sendmails(s.world),
		Now: s.world.Now, Rand: s.world.Rand, Log: s.rootLog.Room("letter"),
	}
	order := s.secrets.maskValue(strings.TrimSpace(l.Product + " " + l.Order)) // the seller's words, as the proofs are
	return transport.Send(ctx, letter.Facts{
		Kind: letter.Kind(l.Kind), Lang: l.To.Lang, To: l.To.Email, ToName: l.To.Name, Item: l.Item, Panel: l.Panel, Domain: l.Domain, SANs: l.SANs,
		Order: order, Expires: l.Expires, PaidUntil: l.PaidUntil, DaysLeft: l.DaysLeft, Method: l.Method, ProofText: s.secrets.maskValue(l.Proofs),
	})
}

// sendmails are the places of the MTA's sendmail program: those of PATH, then the usual ones.
func sendmails(w World) []string {
	var places []string
	if path, set := w.Getenv("PATH"); set {
		for _, folder := range filepath.SplitList(path) {
			if filepath.IsAbs(folder) {
				places = append(places, filepath.Join(folder, "sendmail"))
			}
		}
	}
	return append(places, letter.DefaultSendmail()...)
}
